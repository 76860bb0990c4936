import { Alert, Button, Code, Group, Paper, Stack, Table, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { post } from "../api/http";
import { useT } from "../i18n";
import { Page, Problem } from "../parts/Page";

interface Preview {
  value: string;
  type: string;
  steps?: { expression: string; position: number; value: string; type: string }[];
}

const EXAMPLES = ['#{DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyy-MM-dd")}', '#{Job.getParam("aaa")}', "${yyyymmdd-1}", "#{1 + 2 > 2 ? \"yes\" : \"no\"}"];

export function Playground() {
  const t = useT();
  const [text, setText] = useState(EXAMPLES[0]!);
  const [job, setJob] = useState("");
  const [when, setWhen] = useState("");
  const evaluate = useMutation({
    mutationFn: () =>
      post<Preview>("/v1/{p}/el/evaluate", { text, trace: true, ...(job ? { jobName: job } : {}), ...(when ? { planTime: new Date(when).getTime() } : {}) }),
  });
  return (
    <Page title={t("playground.title")}>
      <Text size="sm" c="dimmed">{t("playground.help")}</Text>
      <Stack maw={860}>
        <Textarea classNames={{ input: "mono" }} label={t("playground.text")} autosize minRows={3} value={text} onChange={(event) => setText(event.currentTarget.value)} onKeyDown={(event) => (event.ctrlKey || event.metaKey) && event.key === "Enter" && evaluate.mutate()} />
        <Group gap={6}>{EXAMPLES.map((each) => <Code key={each} component="button" style={{ cursor: "pointer", border: 0 }} onClick={() => setText(each)}>{each}</Code>)}</Group>
        <Group grow>
          <TextInput label={t("playground.job")} value={job} onChange={(event) => setJob(event.currentTarget.value)} />
          <TextInput type="datetime-local" label={t("playground.planTime")} value={when} onChange={(event) => setWhen(event.currentTarget.value)} />
        </Group>
        <Group><Button loading={evaluate.isPending} onClick={() => evaluate.mutate()}>{t("playground.evaluate")}</Button></Group>
        {evaluate.error && <Problem error={evaluate.error} />}
        {evaluate.data && (
          <Paper withBorder p="md" aria-live="polite">
            <Alert variant="light" title={`${t("playground.value")} (${evaluate.data.type})`}><pre className="log" style={{ padding: 0 }}>{evaluate.data.value}</pre></Alert>
            {evaluate.data.steps && evaluate.data.steps.length > 0 && (
              <Table mt="sm" verticalSpacing={4}>
                <Table.Thead><Table.Tr><Table.Th>{t("playground.steps")}</Table.Th><Table.Th>{t("common.type")}</Table.Th><Table.Th>{t("common.value")}</Table.Th></Table.Tr></Table.Thead>
                <Table.Tbody>{evaluate.data.steps.map((step, index) => <Table.Tr key={index}><Table.Td className="mono">{step.expression}</Table.Td><Table.Td>{step.type}</Table.Td><Table.Td className="mono">{step.value}</Table.Td></Table.Tr>)}</Table.Tbody>
              </Table>
            )}
          </Paper>
        )}
      </Stack>
    </Page>
  );
}
