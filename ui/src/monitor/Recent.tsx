import { Anchor, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { CSSProperties } from "react";
import { Link } from "wouter";
import { get } from "../api/http";
import { useSession } from "../api/session";
import type { Answers, InstanceDetail } from "../api/types";
import { useT } from "../i18n";
import { look, stateName } from "../parts/states";
import { clock, span } from "../parts/time";
import { instancePath } from "./Batch";
import { heights, recordOf } from "./recent";

const WEEK_MS = 7 * 86_400_000;
const SHOWN = 24;
/** Instances of a loop's rows have their loop; of the others these are comparable. */
const CHILD = 6;
const COMPARED = "0,2,5,7";

type List = Answers["listJobInstances"];

/** The job's last instances as bars, and whether this one is like them: since when it fails, and what changed meanwhile. */
export function Recent({ instance }: { instance: InstanceDetail }) {
  const t = useT();
  const { workspace } = useSession();
  const { instanceId, planTime, jobName, status } = instance;
  const found = useQuery({
    queryKey: ["recent", workspace.id, instanceId, status],
    enabled: instance.instanceType !== CHILD,
    queryFn: async ({ signal }) => {
      const ask = (limit: number, more: Record<string, string>) =>
        get<List>("/v1/{p}/jobs/instances/detail", { jobName, preciseQuery: true, instanceType: COMPARED, minPlanTime: planTime - WEEK_MS, maxPlanTime: planTime, limit, ...more }, signal);
      const [all, good] = await Promise.all([ask(2 * SHOWN, {}), ask(SHOWN, { status: "success" })]);
      const earlier = (list: List) => list.instances.filter((each) => each.planTime < planTime || each.instanceId < instanceId);
      return { before: earlier(all), good: earlier(good) };
    },
    retry: false,
  });
  if (!found.data?.before.length) return null;
  const { before, good } = found.data;
  const known = new Set(before.map((each) => each.instanceId));
  const record = recordOf(instance, [...before, ...good.filter((each) => !known.has(each.instanceId))]);
  const shown = [...before.slice(0, SHOWN - 1).reverse(), instance];
  const tall = heights(shown, Date.now());
  const last = record.good;
  return (
    <Group gap="6px 16px" align="center">
      <ol className="recent" aria-label={t("recent.title")}>
        {shown.map((each, at) => {
          const said = [t("instance.title", { id: each.instanceId }), stateName(t, each.status), clock(each.planTime, workspace.timeZone), each.executeTime === undefined ? "" : span(each.executeTime)].filter(Boolean).join(" · ");
          const style = { "--state": look(each.status).color, "--tall": tall[at] } as CSSProperties;
          return <li key={each.instanceId}><Link href={instancePath(each)} className="recent-bar" style={style} title={said} aria-label={said} aria-current={each.instanceId === instanceId ? "page" : undefined} /></li>;
        })}
      </ol>
      {record.usualMs !== undefined && <Text size="sm" c="dimmed">{t("recent.usual", { time: span(record.usualMs) })}</Text>}
      {record.failures > 0 && (
        <Text size="sm">
          {last ? t("recent.since", { count: record.failures, time: clock(last.planTime, workspace.timeZone) }) : t("recent.never", { count: record.failures })}
          {last && <> (<Anchor component={Link} inherit href={instancePath(last)}>{t("instance.title", { id: last.instanceId })}</Anchor>), {last.version === instance.version ? t("recent.same") : (
            <Anchor component={Link} inherit href={`/jobs/${encodeURIComponent(jobName)}?tab=versions&before=${last.version}&after=${instance.version}`}>{t("recent.changed", { before: last.version, after: instance.version })}</Anchor>
          )}</>}
        </Text>
      )}
    </Group>
  );
}
