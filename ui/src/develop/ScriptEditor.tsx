import { ActionIcon, Alert, Badge, Box, Button, Group, Menu, Modal, Stack, Tabs, Text, TextInput, Title } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconDots, IconPlayerPlay } from "@tabler/icons-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { ApiError, call, get, post, remove } from "../api/http";
import { useSession } from "../api/session";
import { useT } from "../i18n";
import { CodeEditor } from "../parts/CodeEditor";
import { Confirm } from "../parts/Confirm";
import { Problem } from "../parts/Page";
import { tellDone, tellError } from "../parts/tell";
import { SideBySide } from "./Diff";
import { useMembers, useNames } from "./ElField";
import { Named } from "./NodeForm";
import { refusedAt } from "./refusals";
import { connectionsOf, parametersOf, type Script, syntaxOf, toStore } from "./scripts";
import { ParametersDialog, ScriptHistory, ScriptResults } from "./ScriptRun";
import { ScriptVersions } from "./ScriptVersions";
import { useEditing } from "./useEditing";
import { useLeaveGuard } from "./useLeaveGuard";

/** Tables of the workspace's own database, for completion. */
function useTables(type: string): Record<string, string[]> | undefined {
  const { workspace } = useSession();
  const found = useQuery({
    queryKey: ["tables", workspace.id],
    queryFn: async ({ signal }) => {
      const { databases } = await get<{ databases: { database_name: string }[] }>("/v2/{p}/local/databases", undefined, signal);
      if (!databases[0]) return {};
      const { tables } = await get<{ tables: { table_name: string }[] }>("/v2/{p}/local/datatables", { database_name: databases[0].database_name, limit: 100 }, signal);
      return Object.fromEntries(tables.map((each) => [each.table_name, []]));
    },
    enabled: type === "DLISQL",
    retry: false,
    staleTime: 60_000,
  });
  return found.data;
}

/** A script with its text, its runs and its versions. */
export function ScriptEditor({ script, refetch }: { script: Script; refetch: () => Promise<unknown> }) {
  const t = useT();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const { workspace } = useSession();
  const editing = useEditing<Script>(`script.${workspace.id}.${script.name}`, script);
  const { state, dirty } = editing;
  const now = state.document;
  const guard = useLeaveGuard(dirty);
  const [deleting, setDeleting] = useState(false);
  const [asking, setAsking] = useState(false);
  const [comparing, setComparing] = useState(false);
  const [running, setRunning] = useState("");
  const [tab, setTab] = useState<string | null>("results");
  const path = `/v1/{p}/scripts/${encodeURIComponent(script.name)}`;
  const members = useMembers();
  const params = useNames(null);
  const tables = useTables(script.type);
  const names = useMemo(() => ({ members, names: [...parametersOf(now.content), ...params], tables }), [members, params.join(), tables, now.content]); // eslint-disable-line
  const set = (part: Partial<Script>) => editing.change({ ...now, ...part }, Object.keys(part).join());
  const save = useMutation({
    mutationFn: async () => {
      const sent = now;
      await call("PUT", path, { body: toStore(sent), ifMatch: state.base.version });
      return { sent, found: await get<Script>(path) };
    },
    onSuccess: ({ sent, found }) => {
      editing.saved(sent, found);
      client.setQueryData(["script", workspace.id, script.name], found);
      for (const key of ["scripts", "script-versions"]) void client.invalidateQueries({ queryKey: [key] });
    },
    onError: (error) => error instanceof ApiError && error.status === 412 && void refetch(),
  });
  const conflict = save.error instanceof ApiError && save.error.status === 412;
  const run = useMutation({
    mutationFn: async (values: Record<string, string>) => {
      if (dirty) await save.mutateAsync();
      return post<{ instanceId: string }>(`${path}/execute`, { params: values });
    },
    onSuccess: ({ instanceId }) => {
      setRunning(instanceId);
      setTab("results");
      void client.invalidateQueries({ queryKey: ["script-runs"] });
    },
    onError: (error) => !(error instanceof ApiError && error.status === 412) && tellError(error),
  });
  const erase = useMutation({
    mutationFn: () => remove(path),
    onSuccess: async () => {
      editing.begin(script);
      await client.invalidateQueries({ queryKey: ["scripts"] });
      tellDone(t("scripts.deleted", { name: script.name }));
      navigate("/scripts");
    },
    onError: tellError,
    onSettled: () => setDeleting(false),
  });
  const start = () => (parametersOf(now.content).length ? setAsking(true) : run.mutate({}));
  const starting = useRef(start);
  starting.current = start;
  useHotkeys([["mod+s", () => dirty && save.mutate()], ["mod+Enter", () => start()]], [], true);
  useEffect(() => setRunning(""), [script.name]);
  const wanted = connectionsOf(script.type);
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Group gap="xs">
          <Title order={2} size="h4">{script.name}</Title>
          <Badge variant="light">{script.type}</Badge>
          {dirty ? <Badge color="orange" variant="light">{t("job.unsaved")}</Badge> : <Badge color="gray" variant="light">{t("job.version", { version: state.base.version ?? 1 })}</Badge>}
        </Group>
        <Group gap="xs">
          <Button variant="default" disabled={!dirty} loading={save.isPending && !run.isPending} onClick={() => save.mutate()}>{t("common.save")}</Button>
          <Button leftSection={<IconPlayerPlay size={16} />} loading={run.isPending} onClick={start}>{t(dirty ? "scripts.saveRun" : "scripts.run")}</Button>
          <Menu position="bottom-end">
            <Menu.Target><ActionIcon variant="default" size={36} aria-label={t("common.actions")}><IconDots size={17} /></ActionIcon></Menu.Target>
            <Menu.Dropdown>
              <Menu.Item disabled={!state.past.length} onClick={editing.undo}>{t("job.undo")}</Menu.Item>
              <Menu.Item disabled={!dirty} onClick={() => editing.begin(state.base)}>{t("draft.drop")}</Menu.Item>
              <Menu.Divider />
              <Menu.Item color="red" onClick={() => setDeleting(true)}>{t("common.delete")}</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      </Group>
      {state.theirs && (
        <Alert color="orange" py="xs" role="alert" title={t("conflict.title", { user: String(state.theirs.lastUpdateUser ?? t("conflict.somebody")), version: state.theirs.version ?? 0 })}>
          <Group gap="xs">
            <Text size="sm">{t("conflict.text")}</Text>
            <Button size="compact-sm" variant="default" onClick={() => setComparing(true)}>{t("conflict.compare")}</Button>
            <Button size="compact-sm" variant="default" onClick={() => { save.reset(); editing.take(); }}>{t("conflict.take")}</Button>
            <Button size="compact-sm" variant="default" onClick={() => { save.reset(); editing.keep(); }}>{t("conflict.keep")}</Button>
          </Group>
        </Alert>
      )}
      {save.error && !conflict && <Problem error={save.error} />}
      <Group align="flex-start" gap="sm">
        {wanted.length > 0 && <Box w={260}><Named kind="connections" only={wanted} label={t("scripts.connection")} value={String(now.connectionName ?? "")} error={refusedAt(save.error, "connectionName")} onChange={(connectionName) => set({ connectionName })} /></Box>}
        {syntaxOf(script.type) === "sql" && <TextInput w={180} label={t("scripts.database")} value={String(now.database ?? "")} error={refusedAt(save.error, "database")} onChange={(event) => set({ database: event.currentTarget.value })} />}
        <TextInput w={180} label={t("jobs.path")} value={String(now.directory ?? "/")} error={refusedAt(save.error, "directory")} onChange={(event) => set({ directory: event.currentTarget.value })} />
        <TextInput flex={1} miw={200} label={t("common.description")} maxLength={255} value={String(now.description ?? "")} error={refusedAt(save.error, "description")} onChange={(event) => set({ description: event.currentTarget.value })} />
      </Group>
      <CodeEditor label={t("scripts.content")} syntax={syntaxOf(script.type)} value={now.content} onChange={(content) => set({ content })} height={360} names={names} onRun={() => starting.current()} />
      <Text size="xs" c="dimmed">{t("scripts.keys")}</Text>
      <Tabs value={tab} onChange={setTab} keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="results">{t("scripts.results")}</Tabs.Tab>
          <Tabs.Tab value="history">{t("scripts.history")}</Tabs.Tab>
          <Tabs.Tab value="versions">{t("versions.title")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="results">{running ? <ScriptResults name={script.name} run={running} /> : <Text size="sm" c="dimmed">{t("scripts.noResult")}</Text>}</Tabs.Panel>
        <Tabs.Panel value="history"><ScriptHistory name={script.name} chosen={running} onChoose={(run) => { setRunning(run); setTab("results"); }} /></Tabs.Panel>
        <Tabs.Panel value="versions"><ScriptVersions script={state.base} onRestored={editing.arrived} /></Tabs.Panel>
      </Tabs>
      {asking && <ParametersDialog content={now.content} onRun={(values) => run.mutate(values)} onClose={() => setAsking(false)} />}
      <Modal opened={comparing && state.theirs !== null} onClose={() => setComparing(false)} title={t("conflict.compare")} size="90%">
        {state.theirs && <SideBySide before={state.theirs.content} after={now.content} labels={[t("conflict.theirs", { version: state.theirs.version ?? 0 }), t("conflict.mine")]} />}
      </Modal>
      <Confirm title={deleting ? t("common.delete") : null} text={t("common.deleteAsk", { name: script.name })} danger busy={erase.isPending} onConfirm={() => erase.mutate()} onClose={() => setDeleting(false)} />
      <Confirm title={guard.asked === null ? null : t("leave.title")} text={t("leave.text")} danger onConfirm={() => { editing.begin(script); guard.leave(); }} onClose={guard.stay} />
    </Stack>
  );
}
