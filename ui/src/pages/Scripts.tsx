import { Alert, Anchor, Badge, Box, Button, Group, Modal, Paper, ScrollArea, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPlayerPlay, IconPlus } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { Link, useLocation, useParams } from "wouter";
import { get, post, put, remove } from "../api/http";
import { useSession } from "../api/session";
import { useT } from "../i18n";
import { CodeEditor } from "../parts/CodeEditor";
import { Confirm } from "../parts/Confirm";
import type { Syntax } from "../parts/Editor";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
import { tellDone, tellError } from "../parts/tell";

interface Script {
  name: string;
  type: string;
  content: string;
  directory?: string;
  connectionName?: string;
  database?: string;
  version?: number;
  [more: string]: unknown;
}

interface Result {
  message: string;
  rows: unknown[][];
  schema: Record<string, string>[];
  rowCount: number;
  rawResult?: string;
}

interface Results {
  status: "LAUNCHING" | "RUNNING" | "FINISHED" | "FAILED";
  message: string;
  results: Result[];
}

const TYPES = ["Shell", "PYTHON", "DLISQL", "DWSSQL", "RDSSQL", "HiveSQL", "SparkSQL", "PRESTO", "ImpalaSQL", "ClickHouseSQL", "HetuEngineSQL", "DorisSQL"];

function syntax(type: string): Syntax {
  const plain = type.toLowerCase();
  return plain.includes("python") ? "python" : plain === "shell" ? "shell" : "sql";
}

export function Scripts() {
  const t = useT();
  const { workspace } = useSession();
  const given = useParams<{ name?: string }>().name;
  const name = given === undefined ? null : decodeURIComponent(given);
  const [, navigate] = useLocation();
  const [making, setMaking] = useState(false);
  const scripts = useQuery({ queryKey: ["scripts", workspace.id], queryFn: ({ signal }) => get<{ total: number; scripts: Script[] }>("/v1/{p}/scripts", { limit: 100 }, signal) });
  const chosen = scripts.data?.scripts.find((each) => each.name === name);
  return (
    <Page title={t("scripts.title")} wide right={<Button leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>{t("scripts.new")}</Button>}>
      {scripts.error ? <Problem error={scripts.error} /> : scripts.isPending ? <Waiting /> : scripts.data.total === 0 ? <Empty title={t("scripts.empty")} help={t("scripts.emptyHelp")} /> : (
        <Group align="flex-start" wrap="nowrap" gap="md">
          <Paper withBorder w={260} component="nav" aria-label={t("scripts.title")}>
            <ScrollArea.Autosize mah="75vh">
              {scripts.data.scripts.map((each) => (
                <Anchor key={each.name} component={Link} href={`/scripts/${encodeURIComponent(each.name)}`} underline="never" c="inherit" display="block" px="sm" py={6} bg={each.name === name ? "var(--mantine-color-default-hover)" : undefined} aria-current={each.name === name ? "page" : undefined}>
                  <Text size="sm" fw={600} truncate>{each.name}</Text>
                  <Text size="xs" c="dimmed">{each.type}</Text>
                </Anchor>
              ))}
            </ScrollArea.Autosize>
          </Paper>
          <Box flex={1} miw={0}>{chosen ? <Editing key={`${chosen.name}@${chosen.version}`} script={chosen} /> : null}</Box>
        </Group>
      )}
      <NewScript opened={making} onClose={() => setMaking(false)} onMade={(made) => navigate(`/scripts/${encodeURIComponent(made)}`)} />
    </Page>
  );
}

function NewScript({ opened, onClose, onMade }: { opened: boolean; onClose: () => void; onMade: (name: string) => void }) {
  const t = useT();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [type, setType] = useState("Shell");
  const make = useMutation({
    mutationFn: () => post("/v1/{p}/scripts", { name, type, content: type === "Shell" ? "echo hello\n" : type === "PYTHON" ? "print('hello')\n" : "SELECT 1\n" }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["scripts"] });
      onClose();
      onMade(name);
    },
  });
  return (
    <Modal opened={opened} onClose={onClose} title={t("scripts.new")}>
      <Stack>
        <TextInput label={t("common.name")} value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Select label={t("common.type")} data={TYPES} value={type} allowDeselect={false} onChange={(next) => setType(next ?? "Shell")} />
        {make.error && <Problem error={make.error} />}
        <Button disabled={!name} loading={make.isPending} onClick={() => make.mutate()}>{t("common.save")}</Button>
      </Stack>
    </Modal>
  );
}

function Editing({ script }: { script: Script }) {
  const t = useT();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [content, setContent] = useState(script.content);
  const [deleting, setDeleting] = useState(false);
  const [running, setRunning] = useState("");
  const path = `/v1/{p}/scripts/${encodeURIComponent(script.name)}`;
  const dirty = content !== script.content;
  const save = useMutation({
    mutationFn: () => {
      const { id: _id, owner: _owner, createUser: _user, modifyTime: _time, version: _version, autoAcquireLock: _lock, ...rest } = script;
      return put(path, { ...rest, content });
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["scripts"] }),
    onError: tellError,
  });
  const erase = useMutation({
    mutationFn: () => remove(path),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["scripts"] });
      tellDone(t("common.delete"));
      navigate("/scripts");
    },
    onError: tellError,
  });
  const run = useMutation({ mutationFn: () => post<{ instanceId: string }>(`${path}/execute`), onSuccess: ({ instanceId }) => setRunning(instanceId), onError: tellError });
  const results = useQuery({
    queryKey: ["script-results", script.name, running],
    queryFn: ({ signal }) => get<Results>(`${path}/instances/${running}`, undefined, signal),
    enabled: running !== "",
    // The API has no stream of a script's run: it is asked only until it has ended.
    refetchInterval: (query) => (query.state.data && ["FINISHED", "FAILED"].includes(query.state.data.status) ? false : 500),
  });
  useEffect(() => setContent(script.content), [script]);
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Group gap="xs">
          <Text fw={600}>{script.name}</Text>
          <Badge variant="light" tt="none">{script.type}</Badge>
          {dirty ? <Badge color="orange" variant="light" tt="none">{t("job.unsaved")}</Badge> : <Badge color="gray" variant="light" tt="none">{t("job.version", { version: script.version ?? 1 })}</Badge>}
        </Group>
        <Group gap="xs">
          <Button variant="subtle" color="red" onClick={() => setDeleting(true)}>{t("common.delete")}</Button>
          <Button variant="light" disabled={!dirty} loading={save.isPending} onClick={() => save.mutate()}>{t("common.save")}</Button>
          <Button leftSection={<IconPlayerPlay size={16} />} disabled={dirty} loading={run.isPending} onClick={() => run.mutate()}>{t("scripts.run")}</Button>
        </Group>
      </Group>
      <CodeEditor label={t("scripts.content")} syntax={syntax(script.type)} value={content} onChange={setContent} height={380} />
      {running && (
        <Paper withBorder p="sm" component="section" aria-label={t("scripts.results")}>
          <Group gap="xs" mb="xs"><Text fw={600}>{t("scripts.results")}</Text><Badge variant="light" color={results.data?.status === "FAILED" ? "red" : results.data?.status === "FINISHED" ? "green" : "blue"}>{results.data?.status ?? "…"}</Badge></Group>
          {results.error && <Problem error={results.error} />}
          {results.data?.message && results.data.status === "FAILED" && <Alert color="red" variant="light">{results.data.message}</Alert>}
          {results.data?.results.map((each, index) => <Grid key={index} result={each} name={script.name} />)}
        </Paper>
      )}
      <Confirm title={deleting ? t("common.delete") : null} text={script.name} danger busy={erase.isPending} onConfirm={() => erase.mutate()} onClose={() => setDeleting(false)} />
    </Stack>
  );
}

function csv(result: Result): string {
  const line = (values: unknown[]) => values.map((value) => `"${String(value ?? "").replaceAll('"', '""')}"`).join(",");
  return [line(result.schema.map((column) => Object.keys(column)[0] ?? "")), ...result.rows.map(line)].join("\n");
}

function Grid({ result, name }: { result: Result; name: string }) {
  const t = useT();
  if (!result.rows.length) return <pre className="log">{result.rawResult || result.message}</pre>;
  return (
    <>
      <Group justify="space-between">
        <Text size="xs" c="dimmed">{result.rowCount.toLocaleString()} rows</Text>
        <Anchor size="xs" href={URL.createObjectURL(new Blob([csv(result)], { type: "text/csv" }))} download={`${name}.csv`}>{t("common.download")}</Anchor>
      </Group>
      <ScrollArea h={260}>
        <Table stickyHeader withColumnBorders verticalSpacing={3}>
          <Table.Thead><Table.Tr>{result.schema.map((column, at) => <Table.Th key={at}>{Object.keys(column)[0]}</Table.Th>)}</Table.Tr></Table.Thead>
          <Table.Tbody>{result.rows.map((row, at) => <Table.Tr key={at}>{row.map((value, column) => <Table.Td key={column} className="mono">{value === null ? <Text span c="dimmed" size="xs">null</Text> : String(value)}</Table.Td>)}</Table.Tr>)}</Table.Tbody>
        </Table>
      </ScrollArea>
    </>
  );
}
