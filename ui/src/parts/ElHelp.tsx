import { ActionIcon, Anchor, Code, Popover, ScrollArea, Stack, Text, TextInput, Tooltip, UnstyledButton } from "@mantine/core";
import { IconMathFunction } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "wouter";
import { type Key, useT } from "../i18n";

/** What is used most; the whole list is in the reference of expressions. */
export const SNIPPETS: [text: string, what: Key][] = [
  ["${name}", "el.parameter"],
  ['#{Job.getParam("name")}', "el.parameter"],
  ['#{DateUtil.format(Job.planTime,"yyyy-MM-dd")}', "el.planDay"],
  ['#{DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyyMMdd")}', "el.dayBefore"],
  ['#{Job.getYesterday("yyyyMMdd")}', "el.dayBefore"],
  ['#{Job.getLastHour("yyyyMMddHH")}', "el.hourBefore"],
  ['#{DateUtil.addMonths(Job.planTime,-1)}', "el.monthBefore"],
  ["#{Job.name}", "el.jobName"],
  ["#{Job.startTime}", "el.startTime"],
  ['#{Job.getNodeStatus("node")}', "el.nodeStatus"],
  ['#{(Job.getNodeStatus("node")) == "success" ? "true" : "false"}', "el.nodeStatus"],
  ['#{Job.getNodeOutput("node")}', "el.nodeOutput"],
  ['#{StringUtil.split(StringUtil.split(StringUtil.split(Job.getNodeOutput("node"),"]")[0],"[")[0],"\\"")[0]}', "el.firstCell"],
  ['#{JSONUtil.path(Job.getNodeOutput("node"),"a.b[0].c")}', "el.json"],
  ['#{Env.get("name")}', "el.environment"],
  ["#{Loop.current[0]}", "el.loop"],
  ['#{OBSUtil.isExistOBSPath("obs://bucket/path/")}', "el.object"],
  ["#{Job.eventData}", "el.event"],
];

/** A list of expressions to put into a field, and the way to try them out. */
export function ElHelp({ onInsert }: { onInsert: (text: string) => void }) {
  const t = useT();
  const [opened, setOpened] = useState(false);
  const [wanted, setWanted] = useState("");
  const found = SNIPPETS.filter(([text, what]) => `${text} ${t(what)}`.toLowerCase().includes(wanted.toLowerCase()));
  return (
    <Popover opened={opened} onChange={setOpened} width={380} position="left-start" trapFocus withinPortal shadow="md">
      <Popover.Target>
        <Tooltip label={t("el.help")}><ActionIcon size="sm" variant="subtle" aria-label={t("el.help")} aria-expanded={opened} onClick={() => setOpened(!opened)}><IconMathFunction size={15} /></ActionIcon></Tooltip>
      </Popover.Target>
      <Popover.Dropdown p="xs">
        <Stack gap={6}>
          <TextInput size="xs" aria-label={t("common.search")} placeholder={t("common.search")} value={wanted} onChange={(event) => setWanted(event.currentTarget.value)} data-autofocus />
          <ScrollArea.Autosize mah={280} type="auto">
            {found.map(([text, what]) => (
              <UnstyledButton key={text} w="100%" py={4} onClick={() => { onInsert(text); setOpened(false); }}>
                <Text size="xs" c="dimmed">{t(what)}</Text>
                <Code style={{ overflowWrap: "anywhere", whiteSpace: "normal" }}>{text}</Code>
              </UnstyledButton>
            ))}
          </ScrollArea.Autosize>
          <Anchor component={Link} size="xs" href="/playground">{t("el.playground")}</Anchor>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
