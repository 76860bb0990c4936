import { ActionIcon, Alert, Badge, Box, Button, Group, Menu, Paper, Stack, Table, Tabs, Text, TextInput, Tooltip } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconArrowBackUp, IconArrowForwardUp, IconDots, IconLayoutDistributeHorizontal, IconPlayerPlay, IconPlus, IconTrash } from "@tabler/icons-react";
import { useEffect, useMemo, useState } from "react";
import { useLocation, useParams } from "wouter";
import { get, post, put, remove } from "../api/http";
import { useSession } from "../api/session";
import type { Job, NodeType } from "../api/types";
import { useT } from "../i18n";
import { CodeEditor } from "../parts/CodeEditor";
import { Confirm } from "../parts/Confirm";
import { Page, Problem, Waiting } from "../parts/Page";
import { RunDialog } from "../parts/RunDialog";
import { Status } from "../parts/Status";
import { tellDone, tellError } from "../parts/tell";
import { Dependencies } from "./Dependencies";
import { InstanceTable } from "./InstanceTable";
import { type Chosen, JobCanvas } from "./JobCanvas";
import { laidOut, objections, placed, toSave } from "./job-model";
import { NodeForm } from "./NodeForm";
import { ScheduleForm } from "./ScheduleForm";
import { Versions } from "./Versions";

const NEW = "~new";

function empty(): Job {
  return { name: "new_job", nodes: [], schedule: { type: "EXECUTE_ONCE" }, processType: "BATCH", params: [], directory: "/" };
}

export function JobPage() {
  const name = decodeURIComponent(useParams<{ name: string }>().name);
  const { workspace } = useSession();
  const job = useQuery({
    queryKey: ["job", workspace.id, name],
    queryFn: ({ signal }) => get<Job>(`/v1/{p}/jobs/${encodeURIComponent(name)}`, undefined, signal),
    enabled: name !== NEW,
    refetchOnWindowFocus: false,
  });
  const types = useQuery({
    queryKey: ["node-types", workspace.id],
    queryFn: ({ signal }) => get<{ nodeTypes: NodeType[] }>("/v1/{p}/node-types", undefined, signal),
    staleTime: Infinity,
  });
  const start = useMemo(() => (name === NEW ? empty() : job.data && placed(job.data)), [name, job.data]);
  if (job.error) return <Page title={name}><Problem error={job.error} retry={() => void job.refetch()} /></Page>;
  if (!start || !types.data) return <Page title={name === NEW ? "" : name}>{types.error ? <Problem error={types.error} /> : <Waiting />}</Page>;
  return <Editing key={`${name}@${start.version ?? 0}`} name={name} start={start} types={types.data.nodeTypes} />;
}

function Editing({ name, start, types }: { name: string; start: Job; types: NodeType[] }) {
  const t = useT();
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const { workspace } = useSession();
  const [past, setPast] = useState<Job[]>([]);
  const [future, setFuture] = useState<Job[]>([]);
  const [job, setJob] = useState(start);
  const [chosen, setChosen] = useState<Chosen>(null);
  const [running, setRunning] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const [tab, setTab] = useState<string | null>("canvas");
  const [text, setText] = useState("");
  const [textProblem, setTextProblem] = useState("");
  const isNew = name === NEW;
  const dirty = job !== start;
  const status = useQuery({
    queryKey: ["job-status", workspace.id, name],
    queryFn: ({ signal }) => get<{ jobs: { name: string; status: string }[] }>("/v1/{p}/jobs", { jobName: name, limit: 100 }, signal).then((list) => list.jobs.find((each) => each.name === name)?.status ?? ""),
    enabled: !isNew,
  });
  const problems = useMemo(() => objections(job, types), [job, types]);
  const change = (next: Job) => {
    if (next === job) return;
    setPast([...past.slice(-99), job]);
    setFuture([]);
    setJob(next);
  };
  const undo = () => {
    const before = past.at(-1);
    if (!before) return;
    setPast(past.slice(0, -1));
    setFuture([job, ...future]);
    setJob(before);
  };
  const redo = () => {
    const [next, ...rest] = future;
    if (!next) return;
    setPast([...past, job]);
    setFuture(rest);
    setJob(next);
  };
  const [checked, setChecked] = useState(false);
  const tryToSave = (submit: boolean) => {
    setChecked(true);
    const [where] = problems.keys();
    if (where === undefined) return save.mutate(submit);
    if (where) setChosen({ node: where });
    setTab("canvas");
  };
  const save = useMutation({
    mutationFn: async (submit: boolean) => {
      const body = toSave(job, submit);
      await (isNew ? post("/v1/{p}/jobs", body) : put(`/v1/{p}/jobs/${encodeURIComponent(name)}`, body));
    },
    onSuccess: async () => {
      tellDone(t("job.saved", { name: job.name }));
      await client.invalidateQueries({ queryKey: ["jobs"] });
      if (job.name !== name) navigate(`/jobs/${encodeURIComponent(job.name)}`);
      else await client.invalidateQueries({ queryKey: ["job", workspace.id, name] });
    },
  });
  const act = useMutation({
    mutationFn: (what: "start" | "stop") => post(`/v1/{p}/jobs/${encodeURIComponent(name)}/${what}`),
    onSuccess: async (_, what) => {
      tellDone(t(what === "start" ? "job.started" : "job.stopped", { name }));
      await status.refetch();
    },
    onError: tellError,
  });
  const erase = useMutation({
    mutationFn: () => remove(`/v1/{p}/jobs/${encodeURIComponent(name)}`),
    onSuccess: async () => {
      tellDone(t("job.deleted", { name }));
      await client.invalidateQueries({ queryKey: ["jobs"] });
      navigate("/jobs");
    },
    onError: tellError,
  });
  useHotkeys([["mod+z", undo], ["mod+shift+z", redo], ["mod+s", () => tryToSave(true)]]);
  useEffect(() => {
    if (tab === "json") {
      setText(JSON.stringify(job, null, 2));
      setTextProblem("");
    }
  }, [tab]); // eslint-disable-line -- only when the view is opened: what is typed there must stay
  const typed = (next: string) => {
    setText(next);
    try {
      const read = JSON.parse(next) as Job;
      if (!read || typeof read !== "object" || !Array.isArray(read.nodes)) throw new Error("nodes");
      setTextProblem("");
      change(read);
    } catch (error) {
      setTextProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Page
      wide
      title={isNew ? t("jobs.new") : job.name}
      right={<>
        {status.data && <Status state={status.data} testId="job-state" />}
        {dirty ? <Badge color="orange" variant="light">{t("job.unsaved")}</Badge> : job.version ? <Badge color="gray" variant="light">{t("job.version", { version: job.version })}</Badge> : null}
        <Tooltip label={t("job.undo")}><ActionIcon variant="default" size="lg" disabled={!past.length} onClick={undo} aria-label={t("job.undo")}><IconArrowBackUp size={17} /></ActionIcon></Tooltip>
        <Tooltip label={t("job.redo")}><ActionIcon variant="default" size="lg" disabled={!future.length} onClick={redo} aria-label={t("job.redo")}><IconArrowForwardUp size={17} /></ActionIcon></Tooltip>
        <Tooltip label={t("job.layout")}><ActionIcon variant="default" size="lg" onClick={() => change(laidOut(job))} aria-label={t("job.layout")}><IconLayoutDistributeHorizontal size={17} /></ActionIcon></Tooltip>
        <Button variant="default" loading={save.isPending && save.variables === false} onClick={() => tryToSave(false)}>{t("job.saveOnly")}</Button>
        <Button variant="light" loading={save.isPending && save.variables === true} onClick={() => tryToSave(true)}>{t("job.submit")}</Button>
        {!isNew && job.processType === "BATCH" && <Button leftSection={<IconPlayerPlay size={16} />} disabled={dirty} onClick={() => setRunning(true)}>{t("job.run")}</Button>}
        {!isNew && (
          <Menu position="bottom-end">
            <Menu.Target><ActionIcon variant="default" size="lg" aria-label={t("common.actions")}><IconDots size={17} /></ActionIcon></Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => act.mutate("start")}>{t("job.start")}</Menu.Item>
              <Menu.Item onClick={() => act.mutate("stop")}>{t("job.stop")}</Menu.Item>
              <Menu.Divider />
              <Menu.Item color="red" onClick={() => setDeleting(true)}>{t("common.delete")}</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
      </>}
    >
      {save.error && <Problem error={save.error} />}
      {checked && problems.size > 0 && (
        <Alert color="orange" role="alert" title={t("objection.title")}>
          {[...problems].map(([where, found]) => <Text key={where} size="sm">{where ? `${where}: ` : ""}{found.map((each) => t(each.key, each.values)).join(" ")}</Text>)}
        </Alert>
      )}
      <Tabs value={tab} onChange={setTab} keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="canvas">{t("job.canvas")}</Tabs.Tab>
          <Tabs.Tab value="params">{t("job.params")}</Tabs.Tab>
          <Tabs.Tab value="schedule">{t("job.schedule")}</Tabs.Tab>
          <Tabs.Tab value="json">{t("job.json")}</Tabs.Tab>
          {!isNew && <Tabs.Tab value="instances">{t("job.instances")}</Tabs.Tab>}
          {!isNew && <Tabs.Tab value="dependencies">{t("dependencies.title")}</Tabs.Tab>}
          {!isNew && <Tabs.Tab value="versions">{t("versions.title")}</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="canvas">
          {isNew && <TextInput mb="sm" w={320} label={t("common.name")} value={job.name} onChange={(event) => change({ ...job, name: event.currentTarget.value })} />}
          <Group align="stretch" wrap="nowrap" gap="md" h={`calc(100vh - ${isNew ? 290 : 205}px)`} mih={420}>
            <Box flex={1} miw={0}><JobCanvas {...{ job, types, chosen, problems }} onChoose={setChosen} onChange={change} /></Box>
            <Paper withBorder w={320} component="section" aria-label={t("job.node")} style={{ overflow: "hidden" }}><NodeForm {...{ job, types, chosen }} onChange={change} onChoose={setChosen} /></Paper>
          </Group>
        </Tabs.Panel>
        <Tabs.Panel value="params"><Params job={job} onChange={change} /></Tabs.Panel>
        <Tabs.Panel value="schedule"><ScheduleForm job={job} onChange={change} /></Tabs.Panel>
        <Tabs.Panel value="json">
          <Stack gap="xs">
            {textProblem && <Text size="sm" c="red" role="alert">{textProblem}</Text>}
            <CodeEditor label={t("job.json")} syntax="json" value={text} onChange={typed} height="calc(100vh - 240px)" />
          </Stack>
        </Tabs.Panel>
        {!isNew && <Tabs.Panel value="instances"><InstanceTable job={name} /></Tabs.Panel>}
        {!isNew && <Tabs.Panel value="dependencies"><Dependencies name={name} /></Tabs.Panel>}
        {!isNew && <Tabs.Panel value="versions"><Versions name={name} newest={start.version ?? 1} /></Tabs.Panel>}
      </Tabs>
      {!isNew && <RunDialog job={job} opened={running} onClose={() => setRunning(false)} />}
      <Confirm title={deleting ? t("common.delete") : null} text={t("job.deleteAsk", { name })} danger busy={erase.isPending} onConfirm={() => erase.mutate()} onClose={() => setDeleting(false)} />
    </Page>
  );
}

function Params({ job, onChange }: { job: Job; onChange: (job: Job) => void }) {
  const t = useT();
  const params = job.params ?? [];
  const set = (index: number, change: Partial<{ name: string; value: string }>) => onChange({ ...job, params: params.map((each, at) => (at === index ? { ...each, ...change } : each)) });
  return (
    <Stack maw={760}>
      <Table>
        <Table.Thead><Table.Tr><Table.Th>{t("common.name")}</Table.Th><Table.Th>{t("common.value")}</Table.Th><Table.Th w={40} /></Table.Tr></Table.Thead>
        <Table.Tbody>
          {params.map((each, index) => (
            <Table.Tr key={index}>
              <Table.Td><TextInput aria-label={t("common.name")} value={each.name} onChange={(event) => set(index, { name: event.currentTarget.value })} /></Table.Td>
              <Table.Td><TextInput classNames={{ input: "mono" }} aria-label={`${t("common.value")} ${each.name}`} value={each.value} onChange={(event) => set(index, { value: event.currentTarget.value })} /></Table.Td>
              <Table.Td><ActionIcon variant="subtle" color="gray" aria-label={`${t("common.remove")} ${each.name}`} onClick={() => onChange({ ...job, params: params.filter((_, at) => at !== index) })}><IconTrash size={16} /></ActionIcon></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Group><Button variant="light" leftSection={<IconPlus size={16} />} onClick={() => onChange({ ...job, params: [...params, { name: "", value: "", type: "variable" }] })}>{t("common.add")}</Button></Group>
    </Stack>
  );
}
