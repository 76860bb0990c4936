import { Anchor, Group, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { ApiError, get, post } from "../api/http";
import { useSession } from "../api/session";
import type { InstanceItem, Job, NodeItem } from "../api/types";
import { useT } from "../i18n";
import { Problem, Waiting } from "../parts/Page";
import { Status } from "../parts/Status";
import { clock } from "../parts/time";
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

/** The instances that a For Each or Subjob node runs. */
export function Children({ path, node }: { path: string; node: NodeItem }) {
  const t = useT();
  const { workspace } = useSession();
  useNews("children");
  const found = useQuery({
    queryKey: ["children", path, node.nodeName, node.attempt, node.childSucceeded, node.childFailed],
    queryFn: ({ signal }) => get<{ total: number; instances: (InstanceItem & { row?: number })[] }>(`${path}/children`, { nodeName: node.nodeName, attempt: node.attempt, limit: 100 }, signal),
  });
  if (found.error) return <Problem error={found.error} />;
  if (!found.data) return <Waiting />;
  return (
    <>
      <Group justify="space-between"><Text size="sm" c="dimmed">{t("patch.instances", { count: found.data.total })}</Text></Group>
      <Table verticalSpacing={4}>
        <Table.Thead><Table.Tr><Table.Th>{t("instance.row")}</Table.Th><Table.Th>{t("instances.job")}</Table.Th><Table.Th>{t("common.status")}</Table.Th><Table.Th>{t("instances.started")}</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {found.data.instances.map((each) => (
            <Table.Tr key={each.instanceId}>
              <Table.Td>{(each.row ?? 0) + 1}</Table.Td>
              <Table.Td><Anchor component={Link} size="sm" href={`/instances/${encodeURIComponent(each.jobName)}/${each.instanceId}`}>{each.jobName} {each.instanceId}</Anchor></Table.Td>
              <Table.Td><Status state={each.status} /></Table.Td>
              <Table.Td className="mono">{clock(each.startTime, workspace.timeZone)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}
