import { Alert, Anchor, Box, Button, Checkbox, Group, List, Menu, Paper, SimpleGrid, Stack, Table, Tabs, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconDots } from "@tabler/icons-react";
import { useEffect, useMemo, useState } from "react";
import { Link, useParams } from "wouter";
import { get, post, remove, stream } from "../api/http";
import { useSession } from "../api/session";
import { ENDED, type InstanceDetail, type Job, type NodeItem, type Waiting as Why } from "../api/types";
import { Children, Inputs } from "./NodeDetails";
import { type Key, useT } from "../i18n";
import { Confirm } from "../parts/Confirm";
import { GraphView } from "../parts/GraphView";
import { LogView } from "../parts/LogView";
import { Page, Problem, Waiting } from "../parts/Page";
import { look } from "../parts/states";
import { Status } from "../parts/Status";
import { tellDone, tellError } from "../parts/tell";
import { clock, span } from "../parts/time";

type Operation = "stop" | "restart" | "restartError" | "continue" | "force-success" | "pause" | "resume" | "confirm" | "freeze" | "unfreeze" | "run-without-dependencies" | "run-preferentially";

/** Which operations a state allows, the likeliest first; the server has the last word. */
export function operations(status: string): Operation[] {
  if (status === "success") return ["restart"];
  if (ENDED.has(status)) return ["restartError", "restart", "force-success"];
  switch (status) {
    case "waiting":
      return ["stop", "run-without-dependencies", "run-preferentially", "freeze"];
    case "waiting-confirm":
      return ["confirm", "freeze", "stop"];
    case "freeze":
      return ["unfreeze", "stop"];
    case "pause":
      return ["resume", "stop"];
    case "running-exception":
      return ["continue", "force-success", "stop"];
    default:
      return ["stop", "pause"];
  }
}

export function InstancePage() {
  const t = useT();
  const params = useParams<{ job: string; id: string }>();
  const jobName = decodeURIComponent(params.job);
  const id = Number(params.id);
  const { workspace } = useSession();
  const client = useQueryClient();
  const path = `/v1/{p}/jobs/${encodeURIComponent(jobName)}/instances/${id}`;
  const key = ["instance", workspace.id, id];
  const instance = useQuery({ queryKey: key, queryFn: ({ signal }) => get<InstanceDetail>(path, undefined, signal), refetchOnWindowFocus: false });
  const ended = instance.data ? ENDED.has(instance.data.status) : true;
  useEffect(() => {
    if (!instance.data || ended) return;
    const over = new AbortController();
    stream(`${path}/events`, ({ event, data }) => {
      if (event !== "instance") return;
      client.setQueryData(key, JSON.parse(data));
      void client.invalidateQueries({ queryKey: ["history", path] });
    }, over.signal).catch(() => {});
    return () => over.abort();
  }, [path, Boolean(instance.data), ended]); // eslint-disable-line
  const job = useQuery({
    // The version that it ran: the job may have changed since.
    queryKey: ["job-version", workspace.id, jobName, instance.data?.version],
    queryFn: ({ signal }) => get<Job>(`/v1/{p}/jobs/${encodeURIComponent(jobName)}`, { version: instance.data?.version }, signal),
    enabled: instance.data !== undefined,
  });
  const [chosen, setChosen] = useState<string | null>(null);
  const nodes = instance.data?.nodes ?? [];
  useEffect(() => {
    if (chosen === null) {
      const first = nodes.find((node) => node.status === "fail") ?? nodes.find((node) => node.status === "running") ?? (ended ? nodes[0] : undefined);
      if (first) setChosen(first.nodeName);
    }
  }, [nodes, chosen]);
  const statuses = useMemo(() => Object.fromEntries(nodes.map((node) => [node.nodeName, { status: node.status, note: noteOf(node) }])), [nodes]);
  const [asked, setAsked] = useState<Operation | null>(null);
  const [newest, setNewest] = useState(false);
  const operate = useMutation({
    mutationFn: (operation: Operation) => {
      const version = newest ? "latest_version" : "original_version";
      if (operation === "restart") return post(`${path}/restart`, { retry_location: "first_node", job_param_version: version });
      if (operation === "restartError") return post(`${path}/restart`, { retry_location: "error_node", job_param_version: version });
      return post(`${path}/${operation}`);
    },
    onSuccess: async (_, operation) => {
      tellDone(t("op.done", { what: t(`op.${operation}`) }));
      setAsked(null);
      await client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === "instance" || queryKey[0] === "history" });
    },
    onError: (error) => {
      setAsked(null);
      tellError(error);
    },
  });
  if (instance.error) return <Page title={t("instance.title", { id })}><Problem error={instance.error} retry={() => void instance.refetch()} /></Page>;
  if (!instance.data) return <Page title={t("instance.title", { id })}><Waiting /></Page>;
  const { status, planTime, startTime, endTime, instanceType, errorMessage } = instance.data;
  const allowed = operations(status);
  const [main, ...rest] = allowed;
  const node = nodes.find((each) => each.nodeName === chosen);
  return (
    <Page
      wide
      title={t("instance.title", { id })}
      right={<>
        {main && <Button variant={main === "stop" ? "light" : "filled"} color={main === "stop" ? "red" : undefined} onClick={() => setAsked(main)}>{t(`op.${main}`)}</Button>}
        {rest.length > 0 && (
          <Menu position="bottom-end">
            <Menu.Target><Button variant="default" px="xs" aria-label={t("common.actions")}><IconDots size={17} /></Button></Menu.Target>
            <Menu.Dropdown>{rest.map((each) => <Menu.Item key={each} onClick={() => setAsked(each)}>{t(`op.${each}`)}</Menu.Item>)}</Menu.Dropdown>
          </Menu>
        )}
      </>}
    >
      <Group gap="lg">
        <Anchor component={Link} href={`/jobs/${encodeURIComponent(jobName)}`} fw={600}>{jobName}</Anchor>
        <Status state={status} testId="instance-state" />
        <Fact name={t("instances.planned")} value={clock(planTime, workspace.timeZone)} />
        <Fact name={t("instances.started")} value={clock(startTime, workspace.timeZone)} />
        <Fact name={t("instances.took")} value={span(startTime ? (endTime ?? Date.now()) - startTime : undefined)} />
        <Fact name={t("instances.kind")} value={t(`kind.${instanceType}` as Key)} />
      </Group>
      {errorMessage && <Alert color={status === "fail" ? "red" : "gray"} variant="light">{errorMessage}</Alert>}
      {!ended && !startTime && <WhyBox id={id} />}
      {job.data && <GraphView nodes={nodes.length ? job.data.nodes.filter((each) => each.name in statuses) : job.data.nodes} statuses={statuses} selected={chosen} onSelect={setChosen} />}
      <Tabs defaultValue="nodes" keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="nodes">{t("instance.nodes")}</Tabs.Tab>
          <Tabs.Tab value="gantt">{t("instance.gantt")}</Tabs.Tab>
          <Tabs.Tab value="history">{t("instance.history")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="nodes">
          <SimpleGrid cols={{ base: 1, lg: 2 }} style={{ alignItems: "start" }}>
            <NodeTable nodes={nodes} chosen={chosen} choose={setChosen} path={path} status={status} refresh={() => void instance.refetch()} />
            <Box>
              {node ? <>
                {node.errorMessage && <Alert color={node.status === "fail" ? "red" : "gray"} variant="light" mb="xs">{node.errorMessage}</Alert>}
                <Tabs defaultValue={node.childTotal === undefined ? "log" : "children"} key={node.nodeName} keepMounted={false}>
                  <Tabs.List mb="xs">
                    {node.childTotal !== undefined && <Tabs.Tab value="children">{t("instance.children")}</Tabs.Tab>}
                    <Tabs.Tab value="log">{t("instance.log")}</Tabs.Tab>
                    <Tabs.Tab value="inputs">{t("instance.inputs")}</Tabs.Tab>
                  </Tabs.List>
                  <Tabs.Panel value="children"><Children path={path} node={node} /></Tabs.Panel>
                  <Tabs.Panel value="log"><LogView job={jobName} instanceId={id} node={node.nodeName} attempt={node.attempt} /></Tabs.Panel>
                  <Tabs.Panel value="inputs">{job.data && <Inputs job={job.data} id={id} node={node} />}</Tabs.Panel>
                </Tabs>
              </> : <Text size="sm" c="dimmed">{t("instance.chooseNode")}</Text>}
            </Box>
          </SimpleGrid>
        </Tabs.Panel>
        <Tabs.Panel value="gantt"><Gantt nodes={nodes} choose={setChosen} /></Tabs.Panel>
        <Tabs.Panel value="history"><History path={path} zone={workspace.timeZone} /></Tabs.Panel>
      </Tabs>
      <Confirm
        title={asked && t(`op.${asked}`)}
        text={asked ? t(`op.${asked}Ask`) : ""}
        danger={asked === "stop"}
        busy={operate.isPending}
        onConfirm={() => asked && operate.mutate(asked)}
        onClose={() => setAsked(null)}
      >
        {(asked === "restart" || asked === "restartError") && <Checkbox mt="sm" label={t("op.newest")} checked={newest} onChange={(event) => setNewest(event.currentTarget.checked)} />}
      </Confirm>
    </Page>
  );
}

function noteOf(node: NodeItem): string | undefined {
  if (node.childTotal !== undefined) return `${node.childSucceeded ?? 0} / ${node.childTotal}${node.childFailed ? `, ${node.childFailed} failed` : ""}`;
  if (node.startTime && node.endTime) return `${node.status} · ${span(node.endTime - node.startTime)}`;
  return undefined;
}

function Fact({ name, value }: { name: string; value: string }) {
  return value ? <Text size="sm"><Text span c="dimmed">{name} </Text>{value}</Text> : null;
}

const NODE_OPERATIONS: Record<string, string[]> = { fail: ["retry", "force-success"], waiting: ["skip", "pause"], pause: ["resume", "skip"] };

function NodeTable({ nodes, chosen, choose, path, status, refresh }: { nodes: NodeItem[]; chosen: string | null; choose: (name: string) => void; path: string; status: string; refresh: () => void }) {
  const t = useT();
  const operate = useMutation({
    mutationFn: ([name, operation]: [string, string]) => post(`${path}/nodes/${encodeURIComponent(name)}/${operation}`),
    onSuccess: (_, [, operation]) => {
      tellDone(t("op.done", { what: t(`node.${operation}` as Key) }));
      refresh();
    },
    onError: tellError,
  });
  return (
    <Table highlightOnHover verticalSpacing={5}>
      <Table.Thead>
        <Table.Tr><Table.Th>{t("job.node")}</Table.Th><Table.Th>{t("common.status")}</Table.Th><Table.Th>{t("instances.took")}</Table.Th><Table.Th>{t("instance.rows")}</Table.Th><Table.Th w={40} /></Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {nodes.map((node) => (
          <Table.Tr key={node.nodeName} bg={node.nodeName === chosen ? "var(--mantine-color-default-hover)" : undefined}>
            <Table.Td>
              <Anchor component="button" type="button" fw={600} size="sm" onClick={() => choose(node.nodeName)}>{node.nodeName}</Anchor>
              <Text size="xs" c="dimmed">{node.type}{node.attempt > 1 ? ` · ${t("instance.attempt")} ${node.attempt}` : ""}</Text>
            </Table.Td>
            <Table.Td><Status state={node.status} /></Table.Td>
            <Table.Td>{span(node.startTime ? (node.endTime ?? Date.now()) - node.startTime : undefined)}</Table.Td>
            <Table.Td>{node.childTotal !== undefined ? `${node.childSucceeded ?? 0} / ${node.childTotal}` : node.outputRowCount?.toLocaleString()}</Table.Td>
            <Table.Td>
              {!ENDED.has(status) && NODE_OPERATIONS[node.status] && (
                <Menu position="bottom-end">
                  <Menu.Target><Button size="compact-xs" variant="subtle" color="gray" aria-label={`${t("common.actions")} ${node.nodeName}`}><IconDots size={15} /></Button></Menu.Target>
                  <Menu.Dropdown>{NODE_OPERATIONS[node.status]!.map((each) => <Menu.Item key={each} onClick={() => operate.mutate([node.nodeName, each])}>{t(`node.${each}` as Key)}</Menu.Item>)}</Menu.Dropdown>
                </Menu>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function WhyBox({ id }: { id: number }) {
  const t = useT();
  const { workspace } = useSession();
  const why = useQuery({ queryKey: ["why", workspace.id, id], queryFn: ({ signal }) => get<Why>(`/v1/{p}/jobs/instances/${id}/why`, undefined, signal) });
  const drop = useMutation({ mutationFn: (key: string) => remove(`/v1/{p}/jobs/instances/${id}/dependencies/${encodeURIComponent(key)}`), onSuccess: () => why.refetch(), onError: tellError });
  if (!why.data) return null;
  return (
    <Paper withBorder p="sm" component="section" aria-label={t("instance.why")}>
      <Text fw={600} mb={4}>{t("instance.why")}</Text>
      {why.data.note && <Text size="sm" c="dimmed">{why.data.note}</Text>}
      <List size="sm" spacing={6}>
        {why.data.conditions.map((each) => (
          <List.Item key={each.key}>
            <Text size="sm">{each.text}</Text>
            <Group gap="xs"><Text size="xs" c="dimmed">{t("instance.release", { text: each.release })}</Text>{each.removable && <Button size="compact-xs" variant="subtle" onClick={() => drop.mutate(each.key)}>{t("instance.removeDependency")}</Button>}</Group>
          </List.Item>
        ))}
      </List>
    </Paper>
  );
}

function Gantt({ nodes, choose }: { nodes: NodeItem[]; choose: (name: string) => void }) {
  const begun = nodes.filter((node) => node.startTime);
  if (!begun.length) return null;
  const from = Math.min(...begun.map((node) => node.startTime!));
  const to = Math.max(...begun.map((node) => node.endTime ?? Date.now()), from + 1);
  const share = (ms: number) => `${((ms - from) / (to - from)) * 100}%`;
  return (
    <Stack gap={4}>
      {begun.map((node) => {
        const end = node.endTime ?? Date.now();
        return (
          <Group key={node.nodeName} gap="sm" wrap="nowrap">
            <Anchor component="button" type="button" size="sm" w={180} ta="left" truncate onClick={() => choose(node.nodeName)}>{node.nodeName}</Anchor>
            <Box flex={1} h={18} pos="relative" style={{ background: "var(--mantine-color-default-hover)", borderRadius: 4 }}>
              <Box role="img" aria-label={`${node.nodeName}: ${span(end - node.startTime!)}`} title={span(end - node.startTime!)} pos="absolute" h="100%" style={{ left: share(node.startTime!), width: `max(3px, calc(${share(end)} - ${share(node.startTime!)}))`, background: look(node.status).color, borderRadius: 4 }} />
            </Box>
            <Text size="xs" c="dimmed" w={80} ta="right">{span(end - node.startTime!)}</Text>
          </Group>
        );
      })}
    </Stack>
  );
}

interface HistoryItem {
  sequence: number;
  time: number;
  event: string;
  nodeName?: string;
  details?: Record<string, unknown>;
}

function History({ path, zone }: { path: string; zone: string }) {
  const history = useQuery({ queryKey: ["history", path], queryFn: ({ signal }) => get<{ events: HistoryItem[] }>(`${path}/history`, undefined, signal) });
  if (history.error) return <Problem error={history.error} />;
  return (
    <Table verticalSpacing={4}>
      <Table.Tbody>
        {history.data?.events.map((each) => (
          <Table.Tr key={each.sequence}>
            <Table.Td w={170} className="mono">{clock(each.time, zone)}</Table.Td>
            <Table.Td w={220}>{each.event}</Table.Td>
            <Table.Td w={180}>{each.nodeName}</Table.Td>
            <Table.Td><Text size="xs" c="dimmed" className="mono" lineClamp={2}>{each.details && Object.keys(each.details).length ? JSON.stringify(each.details) : ""}</Text></Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
