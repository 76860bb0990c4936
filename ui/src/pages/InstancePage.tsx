import { Alert, Anchor, Box, Breadcrumbs, Button, Group, Menu, Paper, SimpleGrid, Table, Tabs, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconDots } from "@tabler/icons-react";
import { useEffect, useMemo, useState } from "react";
import { Link, useParams } from "wouter";
import { get, post, stream } from "../api/http";
import { useSession } from "../api/session";
import { ENDED, type InstanceDetail, type Job, type NodeItem } from "../api/types";
import { Children, Inputs } from "./NodeDetails";
import { type Key, type Translate, useT } from "../i18n";
import { History, useHistory } from "../monitor/History";
import { Live, Took } from "../monitor/Live";
import { NodeTable } from "../monitor/NodeTable";
import { type Asked, OperationDialog, wordOf } from "../monitor/OperationDialog";
import { operations } from "../monitor/operations";
import { Recent } from "../monitor/Recent";
import { Related } from "../monitor/Related";
import { Timeline } from "../monitor/Timeline";
import { Why } from "../monitor/Why";
import { GraphView } from "../parts/GraphView";
import { LogView } from "../parts/LogView";
import { Page, Problem, Waiting } from "../parts/Page";
import { stateName } from "../parts/states";
import { Status } from "../parts/Status";
import { tellDone, tellError } from "../parts/tell";
import { clock, span } from "../parts/time";
import { useFilters } from "../parts/useFilters";

const BACK_MS = 2_000;
const DEFAULTS = { tab: "nodes", node: "" };

/** Another instance is another page: nothing that was chosen or read of the one before stays. */
export function InstancePage() {
  const { job, id } = useParams<{ job: string; id: string }>();
  return <Instance key={id} jobName={decodeURIComponent(job)} id={Number(id)} />;
}

function Instance({ jobName, id }: { jobName: string; id: number }) {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const [filters, change] = useFilters(DEFAULTS);
  const path = `/v1/{p}/jobs/${encodeURIComponent(jobName)}/instances/${id}`;
  const key = ["instance", workspace.id, id];
  const instance = useQuery({ queryKey: key, queryFn: ({ signal }) => get<InstanceDetail>(path, undefined, signal), refetchOnWindowFocus: false });
  const ended = instance.data ? ENDED.has(instance.data.status) : true;
  const [live, setLive] = useState(false);
  useEffect(() => {
    if (!instance.data || ended) return;
    const over = new AbortController();
    let back: ReturnType<typeof setTimeout> | undefined;
    const listen = () => {
      stream(`${path}/events`, ({ event, data }) => {
        if (event !== "instance") return;
        setLive(true);
        client.setQueryData(key, JSON.parse(data));
        void client.invalidateQueries({ queryKey: ["history", path] });
      }, over.signal)
        .catch(() => {})
        .finally(() => {
          if (over.signal.aborted) return;
          setLive(false);
          back = setTimeout(listen, BACK_MS);
        });
    };
    listen();
    return () => {
      over.abort();
      clearTimeout(back);
      setLive(false);
    };
  }, [path, Boolean(instance.data), ended]); // eslint-disable-line
  const jobPath = `/v1/{p}/jobs/${encodeURIComponent(jobName)}`;
  const job = useQuery({
    // The version that it ran: the job may have changed since.
    queryKey: ["job-version", workspace.id, jobName, instance.data?.version],
    queryFn: ({ signal }) => get<Job>(jobPath, { version: instance.data?.version }, signal),
    enabled: instance.data !== undefined,
  });
  const newest = useQuery({ queryKey: ["job-newest", workspace.id, jobName], queryFn: ({ signal }) => get<Job>(jobPath, undefined, signal), retry: false });
  const nodes = instance.data?.nodes ?? [];
  // What failed first is what the others may have failed by.
  const failed = nodes.filter((each) => each.status === "fail").sort((a, b) => (a.endTime ?? 0) - (b.endTime ?? 0));
  const first = failed[0] ?? nodes.find((node) => node.status === "running") ?? (ended ? nodes[0] : undefined);
  const chosen = filters.node || (first?.nodeName ?? null);
  const choose = (node: string | null) => change({ node: node ?? "", tab: "nodes" });
  const statuses = useMemo(() => Object.fromEntries(nodes.map((node) => [node.nodeName, { status: node.status, note: noteOf(node, t) }])), [nodes, t]);
  const drawn = useMemo(() => (job.data?.nodes ?? []).filter((each) => !nodes.length || each.name in statuses), [job.data, Object.keys(statuses).join("\n")]); // eslint-disable-line
  const [asked, setAsked] = useState<Asked | null>(null);
  const operate = useMutation({
    mutationFn: ([{ operation, node }, newestVersion]: [Asked, boolean]) => {
      const version = newestVersion ? "latest_version" : "original_version";
      if (operation === "restart") return post(`${path}/restart`, { retry_location: "first_node", job_param_version: version });
      if (operation === "restartError") return post(`${path}/restart`, { retry_location: "error_node", job_param_version: version });
      if (operation === "restartFrom") return post(`${path}/restart`, { retry_location: "specified_node", node_name: node, job_param_version: version });
      return post(node === undefined ? `${path}/${operation}` : `${path}/nodes/${encodeURIComponent(node)}/${operation}`);
    },
    onSuccess: async (_, [done]) => {
      tellDone(t("op.done", { what: t(wordOf(done)) }));
      setAsked(null);
      await client.invalidateQueries({ predicate: ({ queryKey }) => ["instance", "history", "attempts", "why"].includes(String(queryKey[0])) });
    },
    onError: (error) => {
      setAsked(null);
      tellError(error);
    },
  });
  if (instance.error) return <Page title={t("instance.title", { id })}><Problem error={instance.error} retry={() => void instance.refetch()} /></Page>;
  if (!instance.data) return <Page title={t("instance.title", { id })}><Waiting /></Page>;
  const { status, planTime, startTime, endTime, instanceType, errorMessage, parentInstanceId, row, version, eventSource, overdue, forceSuccess } = instance.data;
  const [main, ...rest] = operations(status);
  const node = nodes.find((each) => each.nodeName === chosen);
  const later = newest.data?.version !== undefined && newest.data.version > version ? newest.data.version : null;
  return (
    <Page
      wide
      title={t("instance.title", { id })}
      right={<>
        {!ended && <Live on={live} />}
        {main && <Button variant={main === "stop" ? "light" : "filled"} color={main === "stop" ? "red" : undefined} onClick={() => setAsked({ operation: main })}>{t(`op.${main}`)}</Button>}
        {rest.length > 0 && (
          <Menu position="bottom-end">
            <Menu.Target><Button variant="default" px="xs" aria-label={t("common.actions")}><IconDots size={17} /></Button></Menu.Target>
            <Menu.Dropdown>{rest.map((each) => <Menu.Item key={each} onClick={() => setAsked({ operation: each })}>{t(`op.${each}`)}</Menu.Item>)}</Menu.Dropdown>
          </Menu>
        )}
      </>}
    >
      <Group gap="4px 20px">
        <Breadcrumbs separatorMargin={6} styles={{ root: { flexWrap: "wrap", minWidth: 0 }, breadcrumb: { whiteSpace: "normal", overflowWrap: "anywhere", lineHeight: 1.4 } }}>
          {parentInstanceId !== undefined && <Anchor component={Link} size="sm" href={`/instance/${parentInstanceId}`}>{t("instance.title", { id: parentInstanceId })}{row === undefined ? "" : ` · ${t("instance.row")} ${row + 1}`}</Anchor>}
          <Anchor component={Link} href={`/jobs/${encodeURIComponent(jobName)}`} fw={600}>{jobName}</Anchor>
        </Breadcrumbs>
        <Status state={status} testId="instance-state" />
        {forceSuccess && <Text size="sm" c="dimmed">{t("instance.forced")}</Text>}
        {overdue && <Text size="sm" c="red">{t("instance.overdue")}</Text>}
        <Fact name={t("instances.planned")} value={clock(planTime, workspace.timeZone)} />
        <Fact name={t("instances.started")} value={clock(startTime, workspace.timeZone)} />
        {startTime !== undefined && <Text size="sm"><Text span inherit c="dimmed">{t("instances.took")} </Text><Took start={startTime} end={endTime} over={ended} /></Text>}
        <Fact name={t("instances.kind")} value={t(`kind.${instanceType}` as Key)} />
        {eventSource && <Fact name={t("instance.source")} value={eventSource} />}
        <Text size="sm">
          <Text span inherit c="dimmed">{t("instance.version")} </Text>{version}
          {later !== null && <Anchor component={Link} size="xs" ml={6} href={`/jobs/${encodeURIComponent(jobName)}?tab=versions`}>{t("instance.newest", { version: later })}</Anchor>}
        </Text>
        <Anchor component={Link} size="sm" href={`/instances?job=${encodeURIComponent(jobName)}&hours=168`}>{t("instance.others")}</Anchor>
      </Group>
      <Recent instance={instance.data} />
      {errorMessage && status !== "running-exception" && <Alert color={status === "fail" ? "red" : "gray"} variant="light" py="xs">{errorMessage}</Alert>}
      {!ended && <Why id={id} begun={startTime !== undefined} state={nodes.map((each) => each.status).join() || status} />}
      {job.error ? <Problem error={job.error} /> : job.data && <GraphView nodes={drawn} statuses={statuses} selected={chosen} onSelect={choose} />}
      <Tabs value={filters.tab} onChange={(tab) => change({ tab: tab ?? "nodes" })} keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="nodes">{t("instance.nodes")}</Tabs.Tab>
          <Tabs.Tab value="gantt">{t("instance.gantt")}</Tabs.Tab>
          <Tabs.Tab value="related">{t("instance.related")}</Tabs.Tab>
          <Tabs.Tab value="parameters">{t("instance.parameters")}</Tabs.Tab>
          <Tabs.Tab value="history">{t("instance.history")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="nodes">
          <SimpleGrid cols={{ base: 1, lg: 2 }} style={{ alignItems: "start" }}>
            <NodeTable nodes={nodes} status={status} chosen={chosen} choose={choose} ask={(operation, named) => setAsked({ operation, node: named })} />
            <Box miw={0}>
              {node ? <>
                <ComesAfter {...{ node, nodes, choose }} job={job.data} />
                {node.errorMessage && !errorMessage?.includes(node.errorMessage) && <Alert color={node.status === "fail" ? "red" : "gray"} variant="light" py={6} mb="xs">{node.errorMessage}</Alert>}
                <Tabs defaultValue={node.childTotal === undefined ? "log" : "children"} key={`${node.nodeName}${node.childTotal === undefined}`} keepMounted={false}>
                  <Tabs.List mb="xs">
                    {node.childTotal !== undefined && <Tabs.Tab value="children">{t("instance.children")}</Tabs.Tab>}
                    <Tabs.Tab value="log">{t("instance.log")}</Tabs.Tab>
                    <Tabs.Tab value="inputs">{t("instance.inputs")}</Tabs.Tab>
                  </Tabs.List>
                  <Tabs.Panel value="children"><Children path={path} node={node} /></Tabs.Panel>
                  <Tabs.Panel value="log"><LogView job={jobName} instanceId={id} node={node.nodeName} attempt={node.attempt} /></Tabs.Panel>
                  <Tabs.Panel value="inputs">{job.data && <Inputs job={job.data} id={id} node={node} />}</Tabs.Panel>
                </Tabs>
              </> : <Paper withBorder p="xl"><Text size="sm" c="dimmed" ta="center">{t("instance.chooseNode")}</Text></Paper>}
            </Box>
          </SimpleGrid>
        </Tabs.Panel>
        <Tabs.Panel value="gantt"><Timeline path={path} instance={instance.data} job={job.data} choose={choose} /></Tabs.Panel>
        <Tabs.Panel value="related"><Related instance={instance.data} /></Tabs.Panel>
        <Tabs.Panel value="parameters"><Parameters path={path} /></Tabs.Panel>
        <Tabs.Panel value="history"><History path={path} zone={workspace.timeZone} /></Tabs.Panel>
      </Tabs>
      {asked && <OperationDialog asked={asked} nodes={nodes} job={job.data} busy={operate.isPending} onConfirm={(newestVersion) => operate.mutate([asked, newestVersion])} onClose={() => setAsked(null)} />}
    </Page>
  );
}

/** The nodes that one which has not started comes after, as far as they have not ended. */
function ComesAfter({ node, nodes, job, choose }: { node: NodeItem; nodes: NodeItem[]; job?: Job; choose: (node: string) => void }) {
  const t = useT();
  if (node.status !== "waiting") return null;
  const before = new Set(job?.nodes.find((each) => each.name === node.nodeName)?.preNodeName);
  const open = nodes.filter((each) => before.has(each.nodeName) && ["waiting", "running", "pause", "fail"].includes(each.status));
  if (!open.length) return null;
  return (
    <Group gap="4px 12px" mb="xs">
      <Text size="sm" c="dimmed">{t("instance.waitsFor")}</Text>
      {open.map((each) => <Group key={each.nodeName} gap={6} wrap="nowrap"><Anchor component="button" type="button" size="sm" onClick={() => choose(each.nodeName)}>{each.nodeName}</Anchor><Status state={each.status} /></Group>)}
    </Group>
  );
}

function noteOf(node: NodeItem, t: Translate): string | undefined {
  if (node.childTotal !== undefined) return `${node.childSucceeded ?? 0} / ${node.childTotal}${node.childFailed ? `, ${t("instance.childrenFailed", { count: node.childFailed })}` : ""}`;
  if (node.startTime && node.endTime) return `${stateName(t, node.status)} · ${span(node.endTime - node.startTime)}`;
  return undefined;
}

function Fact({ name, value }: { name: string; value: string }) {
  return value ? <Text size="sm"><Text span inherit c="dimmed">{name} </Text>{value}</Text> : null;
}

/** Who asked for the instance, and with which values. */
function Parameters({ path }: { path: string }) {
  const t = useT();
  const history = useHistory(path);
  if (history.error) return <Problem error={history.error} />;
  if (!history.data) return <Waiting />;
  const made = history.data.events.find((each) => each.event === "InstanceRequested")?.details as { by?: string; parameters?: Record<string, string> } | undefined;
  const given = Object.entries(made?.parameters ?? {});
  return (
    <>
      {made?.by && <Text size="sm" mb="xs"><Text span inherit c="dimmed">{t("instance.by")} </Text>{made.by}</Text>}
      {given.length === 0 ? <Text size="sm" c="dimmed">{t("instance.noParameters")}</Text> : (
        <Table verticalSpacing={4} maw={800}>
          <Table.Thead><Table.Tr><Table.Th w={240}>{t("common.name")}</Table.Th><Table.Th>{t("common.value")}</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>{given.map(([name, value]) => <Table.Tr key={name}><Table.Td>{name}</Table.Td><Table.Td className="mono">{value}</Table.Td></Table.Tr>)}</Table.Tbody>
        </Table>
      )}
    </>
  );
}
