import { Alert, Anchor, Box, Button, Code, Group, Paper, SimpleGrid, Stack, Table, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError, post } from "../api/http";
import { useSession } from "../api/session";
import { ElField, useMembers } from "../develop/ElField";
import { zoneOf, instantOf, wallOf } from "../develop/zones";
import { useT } from "../i18n";
import { SNIPPETS } from "../parts/ElHelp";
import { JobPicker } from "../parts/JobPicker";
import { Page, Problem } from "../parts/Page";

interface Step {
  expression: string;
  position: number;
  value: string;
  type: string;
}

interface Preview {
  value: string;
  type: string;
  steps?: Step[];
}

const FIRST = '#{DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyy-MM-dd")}';
/** Where in the text a mistake is, as the server's sentence ends. */
const POSITION = / at position (\d+)/;

export function Playground() {
  const t = useT();
  const { workspace } = useSession();
  const zone = zoneOf(workspace.timeZone);
  const [text, setText] = useState(FIRST);
  const [job, setJob] = useState("");
  const [instance, setInstance] = useState("");
  const [when, setWhen] = useState("");
  const [outputs, setOutputs] = useState("");
  const [wanted, setWanted] = useState("");
  const members = useMembers();
  const evaluate = useMutation({
    mutationFn: () => {
      const nodes = Object.fromEntries(outputs.split("\n").flatMap((line) => (line.includes("=") ? [[line.slice(0, line.indexOf("=")).trim(), { output: line.slice(line.indexOf("=") + 1), status: "success" }]] : [])));
      return post<Preview>("/v1/{p}/el/evaluate", { text, trace: true, ...(job ? { jobName: job } : {}), ...(instance ? { instanceId: Number(instance) } : {}), ...(when ? { planTime: instantOf(when, zone) } : {}), ...(Object.keys(nodes).length ? { nodes } : {}) });
    },
  });
  const position = evaluate.error instanceof ApiError ? POSITION.exec(evaluate.error.message)?.[1] : undefined;
  const found = members.filter((each) => each.signature.toLowerCase().includes(wanted.toLowerCase())).slice(0, 200);
  return (
    <Page title={t("playground.title")} wide>
      <Text size="sm" c="dimmed">{t("playground.help")}</Text>
      <Group align="flex-start" gap="xl" wrap="wrap">
        <Stack flex="3 1 520px" miw={0}>
          <Box onKeyDown={(event) => (event.ctrlKey || event.metaKey) && event.key === "Enter" && evaluate.mutate()}>
            <ElField label={t("playground.text")} long value={text} onChange={setText} />
          </Box>
          <Group gap={6}>{SNIPPETS.slice(2, 9).map(([each, what]) => <Code key={each} component="button" title={t(what)} style={{ cursor: "pointer", border: 0 }} onClick={() => setText(each)}>{each}</Code>)}</Group>
          <SimpleGrid cols={{ base: 1, sm: 3 }}>
            <JobPicker label={t("playground.job")} value={job} onChange={setJob} clearable />
            <TextInput type="datetime-local" label={t("playground.planTime")} description={workspace.timeZone} inputWrapperOrder={["label", "input", "description"]} value={when} placeholder={wallOf(Date.now(), zone)} onChange={(event) => setWhen(event.currentTarget.value)} />
            <TextInput label={t("playground.instance")} description={t("playground.instanceHelp")} inputWrapperOrder={["label", "input", "description"]} inputMode="numeric" value={instance} onChange={(event) => setInstance(event.currentTarget.value.replace(/\D/g, ""))} />
          </SimpleGrid>
          <ElField plain long label={t("playground.outputs")} description={t("playground.outputsHelp")} placeholder={'extract=[["42"]]'} value={outputs} onChange={setOutputs} />
          <Group><Button loading={evaluate.isPending} onClick={() => evaluate.mutate()}>{t("playground.evaluate")}</Button><Text size="xs" c="dimmed">Ctrl+Enter</Text></Group>
          {evaluate.error && (
            <>
              {position !== undefined && <pre className="log" style={{ padding: 0 }}>{text.slice(0, Number(position))}<mark>{text.slice(Number(position), Number(position) + 1) || " "}</mark>{text.slice(Number(position) + 1)}</pre>}
              <Problem error={evaluate.error} />
            </>
          )}
          {evaluate.data && (
            <Paper withBorder p="md" aria-live="polite">
              <Alert variant="light" color="gray" title={`${t("playground.value")} (${evaluate.data.type})`}><pre className="log" style={{ padding: 0 }}>{evaluate.data.value}</pre></Alert>
              {evaluate.data.steps && evaluate.data.steps.length > 0 && (
                <Table mt="sm" verticalSpacing={4} aria-label={t("playground.steps")}>
                  <Table.Thead><Table.Tr><Table.Th w={40}>#</Table.Th><Table.Th>{t("playground.steps")}</Table.Th><Table.Th>{t("common.type")}</Table.Th><Table.Th>{t("common.value")}</Table.Th></Table.Tr></Table.Thead>
                  <Table.Tbody>{evaluate.data.steps.map((step, index) => <Table.Tr key={index}><Table.Td c="dimmed">{index + 1}</Table.Td><Table.Td className="mono" style={{ overflowWrap: "anywhere" }}>{step.expression}</Table.Td><Table.Td>{step.type}</Table.Td><Table.Td className="mono" style={{ overflowWrap: "anywhere" }}>{step.value}</Table.Td></Table.Tr>)}</Table.Tbody>
                </Table>
              )}
            </Paper>
          )}
        </Stack>
        <Paper flex="1 1 280px" maw={420} withBorder p="sm" component="section" aria-label={t("playground.members")}>
          <Group justify="space-between" mb={6}><Text size="sm" fw={600}>{t("playground.members")}</Text><Anchor size="xs" href="/docs" target="_blank">{t("nav.api")}</Anchor></Group>
          <TextInput size="xs" mb={6} aria-label={t("common.search")} placeholder={t("common.search")} value={wanted} onChange={(event) => setWanted(event.currentTarget.value)} />
          <div style={{ maxHeight: "60vh", overflow: "auto" }} tabIndex={0} role="region" aria-label={t("playground.members")}>
            {found.map((each) => <UnstyledButton key={each.signature} className="offer mono" fz="xs" w="100%" display="block" onClick={() => setText(`#{${each.method ? each.signature : each.name}}`)}>{each.signature}</UnstyledButton>)}
          </div>
        </Paper>
      </Group>
    </Page>
  );
}
