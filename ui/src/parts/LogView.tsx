import { ActionIcon, Box, Group, ScrollArea, Switch, Text, TextInput, Tooltip } from "@mantine/core";
import { IconDownload, IconSearch } from "@tabler/icons-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { stream, url } from "../api/http";
import { useT } from "../i18n";
import { Problem } from "./Page";

const SHOWN = 400_000;

interface Props {
  job: string;
  instanceId: number;
  node: string;
  attempt: number;
}

/** A node's log as it grows. Long logs show their end; the whole is there to download. */
export function LogView({ job, instanceId, node, attempt }: Props) {
  const t = useT();
  const [text, setText] = useState("");
  const [live, setLive] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const [wanted, setWanted] = useState("");
  const [follow, setFollow] = useState(true);
  const viewport = useRef<HTMLDivElement>(null);
  const path = `/v1/{p}/jobs/${encodeURIComponent(job)}/instances/${instanceId}/nodes/${encodeURIComponent(node)}/log`;
  useEffect(() => {
    setText("");
    setProblem(null);
    if (!attempt) return;
    const ended = new AbortController();
    setLive(true);
    stream(
      path,
      ({ event, data }) => {
        if (event !== "log") return;
        const more = (JSON.parse(data) as { text: string }).text;
        setText((before) => {
          const next = before + more;
          return next.length > SHOWN ? `…${next.slice(-SHOWN)}` : next;
        });
      },
      ended.signal,
      { attempt },
    )
      .catch((error) => ended.signal.aborted || setProblem(error))
      .finally(() => ended.signal.aborted || setLive(false));
    return () => ended.abort();
  }, [path, attempt]);
  useEffect(() => {
    if (follow) viewport.current?.scrollTo({ top: viewport.current.scrollHeight });
  }, [text, follow]);
  const parts = useMemo(() => {
    if (!wanted) return [text];
    const pattern = new RegExp(`(${wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")})`, "gi");
    return text.split(pattern);
  }, [text, wanted]);
  return (
    <Box>
      <Group justify="space-between" mb={6} gap="xs">
        <Text size="sm" fw={600}>{t("instance.logOf", { node })} {live && <Text span size="xs" c="dimmed">({t("instance.live")})</Text>}</Text>
        <Group gap="xs">
          <TextInput size="xs" aria-label={t("instance.searchLog")} placeholder={t("instance.searchLog")} leftSection={<IconSearch size={14} />} value={wanted} onChange={(event) => setWanted(event.currentTarget.value)} />
          {wanted && <Text size="xs" c="dimmed">{(parts.length - 1) / 2}</Text>}
          <Switch size="xs" label={t("instance.follow")} checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} />
          <Tooltip label={t("common.download")}>
            <ActionIcon component="a" variant="default" href={url(path, { attempt })} download={`${job}-${instanceId}-${node}.log`} aria-label={t("common.download")}><IconDownload size={16} /></ActionIcon>
          </Tooltip>
        </Group>
      </Group>
      {problem ? <Problem error={problem} /> : (
        <ScrollArea h={320} viewportRef={viewport} style={{ border: "1px solid var(--mantine-color-default-border)", borderRadius: 8 }} viewportProps={{ tabIndex: 0, role: "log", "aria-label": t("instance.logOf", { node }) }}>
          <pre className="log">{text ? parts.map((part, index) => (index % 2 ? <mark key={index}>{part}</mark> : part)) : t("instance.noLog")}</pre>
        </ScrollArea>
      )}
    </Box>
  );
}
