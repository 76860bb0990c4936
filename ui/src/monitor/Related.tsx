import { Anchor, SegmentedControl, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { get } from "../api/http";
import { useSession } from "../api/session";
import type { Answers, InstanceDetail, JobNode } from "../api/types";
import { useNews } from "../api/useNews";
import { useT } from "../i18n";
import { GraphView } from "../parts/GraphView";
import { Empty, Problem, Waiting } from "../parts/Page";
import { stateName } from "../parts/states";
import { clock } from "../parts/time";

/** The instances that this one waited for, and those that wait for it. */
export function Related({ instance }: { instance: InstanceDetail }) {
  const t = useT();
  const { workspace } = useSession();
  const [, navigate] = useLocation();
  const [depth, setDepth] = useState("1");
  useNews("related");
  const related = useQuery({
    queryKey: ["related", workspace.id, instance.instanceId, depth],
    queryFn: async ({ signal }) => {
      const ask = (relation: string, steps: string) => get<Answers["showFactoryDependInstances"]>(`/v2/{p}/factory/instances/${instance.instanceId}/depend-instances`, { relation, depth: steps, latest: false }, signal);
      // The answer names the parents of the others, and not this instance's own.
      const [all, own] = await Promise.all([ask("both", depth), ask("parent", "1")]);
      return { others: all.depend_instances_info, own: own.depend_instances_info.map((each) => each.id) };
    },
    placeholderData: (before) => before,
  });
  if (related.error) return <Problem error={related.error} />;
  if (!related.data) return <Waiting />;
  const { others, own } = related.data;
  if (!others.length) {
    return (
      <Empty title={t("related.none")} help={t(instance.instanceType === 0 ? "related.noneHelp" : "related.notPlanned")}>
        <Anchor component={Link} size="sm" href={`/jobs/${encodeURIComponent(instance.jobName)}?tab=dependencies`}>{t("related.job")}</Anchor>
      </Empty>
    );
  }
  // Two instances of a job may be among them, so cards are known by the instance's id.
  const name = (id: number, job: string) => `${job} ${id}`;
  const known = new Map(others.map((each) => [each.id, name(each.id, each.job_name)]));
  const self = name(instance.instanceId, instance.jobName);
  known.set(instance.instanceId, self);
  const parents = (ids: number[] | undefined) => (ids ?? []).flatMap((id) => known.get(id) ?? []);
  const cards: JobNode[] = others.map((each) => ({ name: known.get(each.id)!, type: each.status, preNodeName: parents(each.parent_instance_ids) }));
  cards.push({ name: self, type: instance.status, preNodeName: parents(own) });
  const shown = (status: string, planTime: number) => ({ status, note: `${stateName(t, status)} · ${clock(planTime, workspace.timeZone)}` });
  const statuses = { ...Object.fromEntries(others.map((each) => [known.get(each.id)!, shown(each.status, each.plan_time)])), [self]: shown(instance.status, instance.planTime) };
  const open = (card: string | null) => {
    const found = others.find((each) => known.get(each.id) === card);
    if (found) navigate(`/instances/${encodeURIComponent(found.job_name)}/${found.id}`);
  };
  return (
    <Stack gap="xs">
      <Text size="sm" c="dimmed">{t("related.help")}</Text>
      <SegmentedControl size="xs" w="max-content" aria-label={t("related.depth")} value={depth} onChange={setDepth} data={["1", "2", "5"].map((each) => ({ value: each, label: t("related.steps", { count: each }) }))} />
      <GraphView nodes={cards} statuses={statuses} selected={self} onSelect={open} height={360} />
    </Stack>
  );
}
