import { Anchor, Group, Select, Stack, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type CSSProperties, useState } from "react";
import { Link } from "wouter";
import { ApiError, get, post } from "../api/http";
import { useSession } from "../api/session";
import { type Answers, ENDED, type InstanceItem, type Job, type NodeItem } from "../api/types";
import { useT } from "../i18n";
import { instancePath } from "../monitor/Batch";
import { Took } from "../monitor/Live";
import { Problem, Waiting } from "../parts/Page";
import { Pager } from "../parts/Pager";
import { look, stateName } from "../parts/states";
import { Status } from "../parts/Status";
import { clock, span } from "../parts/time";
import { useNews } from "../api/useNews";

interface Shown {
  name: string;
  given: string;
  value: string;
  problem?: string;
}

const CHANGES = /[$#]\{|\$\[/;

/** What a node of an instance was given, with parameters and expressions replaced, and what it answered. */
export function Inputs({ job, id, node }: { job: Job; id: number; node: NodeItem }) {
  const t = useT();
  const { workspace } = useSession();
  const properties = job.nodes.find((each) => each.name === node.nodeName)?.properties ?? [];
  const found = useQuery({
    queryKey: ["inputs", workspace.id, id, node.nodeName, node.attempt, node.status],
    queryFn: async ({ signal }) => {
      const value = async (text: string): Promise<Pick<Shown, "value" | "problem">> => {
        try {
          return { value: (await post<{ value: string }>("/v1/{p}/el/evaluate", { text, instanceId: id })).value };
        } catch (error) {
          if (signal.aborted || !(error instanceof ApiError)) throw error;
          return { value: "", problem: error.message };
        }
      };
      const inputs = await Promise.all(properties.map(async ({ name, value: given }): Promise<Shown> => ({ name, given, ...(CHANGES.test(given) ? await value(given) : { value: given }) })));
      const output = node.status === "success" ? await value(`#{Job.getNodeOutput("${node.nodeName.replace(/["\\]/g, "\\$&")}")}`) : null;
      return { inputs, output };
    },
    staleTime: Infinity,
  });
  if (found.error) return <Problem error={found.error} />;
  if (!found.data) return <Waiting />;
  return (
    <Table verticalSpacing={4} layout="fixed">
      <Table.Thead><Table.Tr><Table.Th w={150}>{t("common.name")}</Table.Th><Table.Th>{t("common.value")}</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {found.data.inputs.map((each) => (
          <Table.Tr key={each.name}>
            <Table.Td valign="top">{each.name}</Table.Td>
            <Table.Td>
              <pre className="log" style={{ padding: 0 }}>{each.value}</pre>
              {each.problem && <Text size="xs" c="dimmed">{each.problem}</Text>}
              {each.given !== each.value && <Text size="xs" c="dimmed" className="mono">{each.given}</Text>}
            </Table.Td>
          </Table.Tr>
        ))}
        {found.data.output && (
          <Table.Tr><Table.Td valign="top" fw={600}>{t("instance.output")}</Table.Td><Table.Td><pre className="log" style={{ padding: 0 }}>{found.data.output.value || t("common.none")}</pre></Table.Td></Table.Tr>
        )}
      </Table.Tbody>
    </Table>
  );
}

const PAGE = 500;
const ROWS = 12;
const CHILD_STATES = ["running", "waiting", "fail", "success", "manual-stop"];

type Child = InstanceItem;

/** The instances that a For Each or Subjob node runs: a cell for each, coloured by its state. */
export function Children({ path, node }: { path: string; node: NodeItem }) {
  const t = useT();
  const { workspace } = useSession();
  const [status, setStatus] = useState<string | null>(null);
  const [page, setPage] = useState(0);
  useNews("children");
  const found = useQuery({
    queryKey: ["children", path, node.nodeName, node.attempt, status, page, node.childSucceeded, node.childFailed],
    queryFn: ({ signal }) => get<Answers["listInstanceChildren"]>(`${path}/children`, { nodeName: node.nodeName, attempt: node.attempt, status, limit: PAGE, offset: page }, signal),
    placeholderData: (before) => before,
  });
  if (found.error) return <Problem error={found.error} />;
  if (!found.data) return <Waiting />;
  const { total, instances } = found.data;
  const all = node.childTotal ?? total;
  const counts: [string, number][] = [["success", node.childSucceeded ?? 0], ["fail", node.childFailed ?? 0], ["running", node.childRunning ?? 0]];
  const said = (each: Child) => `${t("instance.row")} ${(each.row ?? 0) + 1}: ${stateName(t, each.status)}${each.startTime ? `, ${span((each.endTime ?? Date.now()) - each.startTime)}` : ""}${each.errorMessage ? `. ${each.errorMessage}` : ""}`;
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Text size="sm" c="dimmed">{t("patch.instances", { count: all })}{node.childJobName ? ` · ${node.childJobName}` : ""}</Text>
        <Select size="xs" w={150} clearable aria-label={t("common.status")} placeholder={t("common.all")} data={CHILD_STATES.map((each) => ({ value: each, label: stateName(t, each) }))} value={status} onChange={(next) => { setStatus(next); setPage(0); }} />
      </Group>
      <div className="stacked" role="img" aria-label={counts.map(([state, count]) => `${count} ${stateName(t, state)}`).join(", ")}>
        {counts.map(([state, count]) => count > 0 && <span key={state} title={`${count} ${stateName(t, state)}`} style={{ width: `${(count / Math.max(1, all)) * 100}%`, background: look(state).color }} />)}
      </div>
      {instances.length > ROWS ? (
        <div className="cells">
          {instances.map((each) => <Link key={each.instanceId} className="cell" href={instancePath(each)} title={said(each)} aria-label={said(each)} style={{ "--state": look(each.status).color } as CSSProperties} />)}
        </div>
      ) : (
        <Table verticalSpacing={4} className="dense">
          <Table.Thead><Table.Tr><Table.Th w={60}>{t("instance.row")}</Table.Th><Table.Th>{t("instances.job")}</Table.Th><Table.Th>{t("common.status")}</Table.Th><Table.Th>{t("instances.started")}</Table.Th><Table.Th ta="right">{t("instances.took")}</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {instances.map((each) => (
              <Table.Tr key={each.instanceId}>
                <Table.Td>{(each.row ?? 0) + 1}</Table.Td>
                <Table.Td><Anchor component={Link} size="sm" href={instancePath(each)}>{each.jobName} {each.instanceId}</Anchor></Table.Td>
                <Table.Td><Status state={each.status} /></Table.Td>
                <Table.Td className="time">{clock(each.startTime, workspace.timeZone)}</Table.Td>
                <Table.Td className="time" ta="right"><Took start={each.startTime} end={each.endTime} over={ENDED.has(each.status)} /></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      <Pager page={page} size={PAGE} total={total} onPage={setPage} />
    </Stack>
  );
}
