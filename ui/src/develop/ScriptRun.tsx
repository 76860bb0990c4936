import { Alert, Anchor, Badge, Button, Group, Modal, ScrollArea, Stack, Table, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPlayerStop } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { get, post } from "../api/http";
import { useSession } from "../api/session";
import { useT } from "../i18n";
import { Problem, Waiting } from "../parts/Page";
import { Pager } from "../parts/Pager";
import { Status } from "../parts/Status";
import { tellError } from "../parts/tell";
import { clock, counted, span } from "../parts/time";
import { columnsOf, csv, parametersOf, type Result } from "./scripts";

interface Results {
  status: "LAUNCHING" | "RUNNING" | "FINISHED" | "FAILED";
  message: string;
  results: Result[];
}

const ENDED = ["FINISHED", "FAILED"];
const ROWS = 500;
const STATES: Record<string, string> = { LAUNCHING: "waiting", RUNNING: "running", FINISHED: "success", FAILED: "fail" };

/** What a run of a script came to, while it goes on and after. */
export function ScriptResults({ name, run }: { name: string; run: string }) {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const path = `/v1/{p}/scripts/${encodeURIComponent(name)}/instances/${run}`;
  const results = useQuery({
    queryKey: ["script-results", workspace.id, name, run],
    queryFn: ({ signal }) => get<Results>(path, undefined, signal),
    // The API has no stream of a script's run: it is asked only until it has ended.
    refetchInterval: (query) => (query.state.data && ENDED.includes(query.state.data.status) ? false : 400),
  });
  const status = results.data?.status;
  const stop = useMutation({ mutationFn: () => post(`${path}/stop`), onSuccess: () => results.refetch(), onError: tellError });
  const over = status !== undefined && ENDED.includes(status);
  useEffect(() => {
    if (over) void client.invalidateQueries({ queryKey: ["script-runs"] });
  }, [over, client]);
  if (results.error) return <Problem error={results.error} />;
  if (!results.data) return <Waiting />;
  return (
    <Stack gap="xs" aria-live="polite">
      <Group gap="xs">
        <Status state={STATES[status ?? ""] ?? "waiting"} testId="script-state" />
        {results.data.results[0]?.duration !== undefined && <Text size="xs" c="dimmed">{span(Math.round(results.data.results[0].duration * 1000))}</Text>}
        {!over && <Button size="compact-sm" color="red" variant="light" leftSection={<IconPlayerStop size={14} />} loading={stop.isPending} onClick={() => stop.mutate()}>{t("scripts.stop")}</Button>}
      </Group>
      {results.data.message && status === "FAILED" && <Alert color="red" variant="light"><pre className="log" style={{ padding: 0 }}>{results.data.message}</pre></Alert>}
      {results.data.results.map((each, index) => <Grid key={index} result={each} name={name} />)}
    </Stack>
  );
}

function Grid({ result, name }: { result: Result; name: string }) {
  const t = useT();
  const columns = columnsOf(result);
  if (!columns.length) return result.rawResult || result.resultCount !== undefined ? <pre className="log script-text" tabIndex={0} aria-label={t("scripts.results")} role="region">{result.rawResult || t("scripts.changed", { count: result.resultCount ?? 0 })}</pre> : null;
  const saved = (text: string, type: string) => URL.createObjectURL(new Blob([text], { type }));
  return (
    <>
      <Group justify="space-between">
        <Text size="xs" c="dimmed">{t("scripts.rows", { count: counted(result.rowCount) })}{result.rows.length > ROWS ? ` · ${t("scripts.shown", { count: ROWS })}` : ""}</Text>
        <Group gap="sm">
          <Anchor size="xs" href={saved(csv(result), "text/csv")} download={`${name}.csv`}>{t("scripts.csv")}</Anchor>
          <Anchor size="xs" href={saved(JSON.stringify(result.rows.map((row) => Object.fromEntries(row.map((value, at) => [columns[at], value])))), "application/json")} download={`${name}.json`}>JSON</Anchor>
        </Group>
      </Group>
      <ScrollArea mah={340} type="auto" style={{ display: "flex", flexDirection: "column" }} viewportProps={{ tabIndex: 0, role: "region", "aria-label": t("scripts.results") }}>
        <Table stickyHeader withColumnBorders verticalSpacing={3} fz="xs">
          <Table.Thead><Table.Tr><Table.Th w={44} c="dimmed">#</Table.Th>{columns.map((column, at) => <Table.Th key={at}>{column}</Table.Th>)}</Table.Tr></Table.Thead>
          <Table.Tbody>{result.rows.slice(0, ROWS).map((row, at) => <Table.Tr key={at}><Table.Td c="dimmed">{at + 1}</Table.Td>{row.map((value, column) => <Table.Td key={column} className="mono">{value === null ? <Text span c="dimmed" size="xs" fs="italic">null</Text> : String(value)}</Table.Td>)}</Table.Tr>)}</Table.Tbody>
        </Table>
      </ScrollArea>
    </>
  );
}

/** Values for the parameters that a script's text names. */
export function ParametersDialog({ content, onRun, onClose }: { content: string; onRun: (params: Record<string, string>) => void; onClose: () => void }) {
  const t = useT();
  const names = parametersOf(content);
  const [values, setValues] = useState<Record<string, string>>({});
  const run = () => {
    onClose();
    onRun(Object.fromEntries(Object.entries(values).filter(([, value]) => value !== "")));
  };
  return (
    <Modal opened onClose={onClose} title={t("scripts.runWith")}>
      <form onSubmit={(event) => { event.preventDefault(); run(); }}>
        <Stack>
          <Text size="sm" c="dimmed">{names.length ? t("scripts.runHelp") : t("scripts.noParams")}</Text>
          {names.map((each, at) => <TextInput key={each} label={each} classNames={{ input: "mono" }} value={values[each] ?? ""} onChange={(event) => setValues({ ...values, [each]: event.currentTarget.value })} data-autofocus={at === 0 || undefined} />)}
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>{t("common.cancel")}</Button><Button type="submit">{t("scripts.run")}</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}

interface Run {
  instanceId: string;
  status: string;
  submitTime: number;
  startTime: number | null;
  endTime: number | null;
  params: Record<string, string>;
}

const SIZE = 10;

/** Earlier runs of a script; choosing one shows its result again. */
export function ScriptHistory({ name, chosen, onChoose }: { name: string; chosen: string; onChoose: (run: string) => void }) {
  const t = useT();
  const { workspace } = useSession();
  const [page, setPage] = useState(0);
  const runs = useQuery({ queryKey: ["script-runs", workspace.id, name, page], queryFn: ({ signal }) => get<{ total: number; instances: Run[] }>(`/v1/{p}/scripts/${encodeURIComponent(name)}/instances`, { limit: SIZE, offset: page }, signal) });
  if (runs.error) return <Problem error={runs.error} />;
  if (!runs.data) return <Waiting />;
  if (!runs.data.total) return <Text size="sm" c="dimmed">{t("scripts.noRuns")}</Text>;
  return (
    <>
      <Table verticalSpacing={4} highlightOnHover>
        <Table.Thead><Table.Tr><Table.Th>{t("scripts.when")}</Table.Th><Table.Th>{t("common.status")}</Table.Th><Table.Th>{t("instances.took")}</Table.Th><Table.Th>{t("job.params")}</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {runs.data.instances.map((each) => (
            <Table.Tr key={each.instanceId} bg={each.instanceId === chosen ? "var(--mantine-color-default-hover)" : undefined}>
              <Table.Td><Anchor component="button" size="sm" onClick={() => onChoose(each.instanceId)}>{clock(each.submitTime, workspace.timeZone)}</Anchor></Table.Td>
              <Table.Td><Status state={each.status} /></Table.Td>
              <Table.Td>{each.startTime !== null && each.endTime !== null ? span(each.endTime - each.startTime) : ""}</Table.Td>
              <Table.Td>{Object.entries(each.params).map(([key, value]) => <Badge key={key} variant="light" color="gray" mr={4}>{key}={value}</Badge>)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Pager page={page} size={SIZE} total={runs.data.total} onPage={setPage} />
    </>
  );
}
