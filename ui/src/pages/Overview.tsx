import { Anchor, Group, Paper, SegmentedControl, SimpleGrid, Stack, Table, Text } from "@mantine/core";
import { useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { get } from "../api/http";
import { useNews } from "../api/useNews";
import { useSession } from "../api/session";
import { type Answers, ENDED, type InstanceItem } from "../api/types";
import { type Key, useT } from "../i18n";
import { instancePath } from "../monitor/Batch";
import { Curve } from "../monitor/Curve";
import { Live, Took } from "../monitor/Live";
import { byJob, slowest } from "../monitor/ranking";
import { dayOf } from "../parts/days";
import { Page, Problem, Waiting } from "../parts/Page";
import { look } from "../parts/states";
import { Status } from "../parts/Status";
import { clock, counted, span } from "../parts/time";
import { useFilters } from "../parts/useFilters";
import { spanOf } from "./InstanceTable";

const DAY = 86_400_000;
const TOP = 8;
/** What rankings are made of: the newest so many. */
const RANKED = 1_000;
/** Kinds of instances that are nobody's children: the thousand rows of a loop would hide all others. */
const OWN = "0,2,5,7";
const RANGES = ["today", "yesterday", "week"] as const;
/** Tiles: the name of the state that stands for them, and all states that they count. */
const TILES: [string, string, Key][] = [
  ["waiting", "waiting", "overview.isWaiting"],
  ["running", "running", "overview.isRunning"],
  ["pause", "running-exception,pause,freeze,waiting-confirm", "overview.isHeld"],
  ["success", "success", "overview.isSuccess"],
  ["fail", "fail", "overview.isFail"],
  ["manual-stop", "manual-stop,skip-by-depend", "overview.isStopped"],
];

type List = Answers["listJobInstances"];

export function Overview() {
  const t = useT();
  const { workspace } = useSession();
  const zone = workspace.timeZone;
  const live = useNews("overview");
  const [filters, change] = useFilters({ range: "today" });
  // As the list of instances takes it: a day, or the last hours.
  const hours = filters.range === "week" ? "168" : dayOf(Date.now() - (filters.range === "yesterday" ? DAY : 0), zone);
  const ask = (status: string, limit: number, signal: AbortSignal, instanceType = "") => {
    const [from, to] = spanOf(hours, Date.now(), zone);
    return get<List>("/v1/{p}/jobs/instances/detail", { status, instanceType, minPlanTime: from, maxPlanTime: to, limit }, signal);
  };
  const listed = (name: string, status: string, limit: number, instanceType = "") => ({
    queryKey: ["overview", workspace.id, hours, name],
    queryFn: ({ signal }: { signal: AbortSignal }) => ask(status, limit, signal, instanceType),
    placeholderData: (before: List | undefined) => before,
  });
  const counts = useQueries({ queries: TILES.map(([name, states]) => listed(`count-${name}`, states, 1)) });
  const failed = useQuery(listed("failed", "fail", RANKED, OWN));
  const done = useQuery(listed("done", "success,fail", RANKED, OWN));
  const running = useQuery(listed("running", "running,running-exception", TOP));
  const waiting = useQuery(listed("waiting", "waiting,waiting-confirm", TOP));
  const curves = useQuery({ queryKey: ["overview", workspace.id, "curves"], queryFn: ({ signal }) => get<Answers["listFactoryTaskCompletion"]>("/v2/{p}/factory/monitor/task-completion-data", undefined, signal) });
  if (failed.error) return <Page title={t("overview.title")}><Problem error={failed.error} retry={() => void failed.refetch()} /></Page>;
  const to = (states: string, job = "") => `/instances?${new URLSearchParams({ ...(job ? { job } : {}), status: states, hours })}`;
  const bad = failed.data && byJob(failed.data.instances).slice(0, TOP);
  const slow = done.data && slowest(done.data.instances, TOP);
  const nothing = counts.every((each) => each.data?.total === 0);
  return (
    <Page
      wide
      title={t("overview.title")}
      right={<><Live on={live} /><SegmentedControl aria-label={t("instances.since")} value={filters.range} onChange={(range) => change({ range })} data={RANGES.map((each) => ({ value: each, label: t(each === "week" ? "overview.days" : `overview.${each}`) }))} /></>}
    >
      <SimpleGrid cols={{ base: 2, sm: 3, xl: 6 }} spacing="sm">
        {TILES.map(([name, states, text], index) => {
          const count = counts[index]!.data?.total;
          return (
            <Paper key={name} withBorder p="sm" component={Link} href={to(states)} className="tile" data-quiet={!count || undefined} style={{ borderTop: `3px solid ${count ? look(name).color : "var(--mantine-color-default-border)"}` }}>
              <Text size="sm" c="dimmed">{t(text)}</Text>
              <Text fz={28} fw={700} lh={1.2} className="time">{count === undefined ? "…" : counted(count)}</Text>
            </Paper>
          );
        })}
      </SimpleGrid>
      {nothing && (
        <Paper withBorder p="md"><Text size="sm">{t("overview.none")} <Anchor component={Link} inherit href="/jobs">{t("overview.toJobs")}</Anchor> · <Anchor component={Link} inherit href="/simulation">{t("overview.toSimulation")}</Anchor></Text></Paper>
      )}
      <Paper withBorder p="md">
        <Text fw={600} component="h2" size="md" m={0} mb="xs">{t("overview.completed")}</Text>
        {curves.error ? <Problem error={curves.error} /> : curves.isPending ? <Waiting /> : <Curve completion={curves.data} />}
      </Paper>
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Panel title={t("overview.failedJobs")} empty={t("overview.nothing")} wait={!bad} more={(failed.data?.total ?? 0) > RANKED ? t("overview.newest", { count: counted(RANKED) }) : undefined} rows={bad?.map((each) => ({
          key: each.job,
          cells: [<Anchor key="job" component={Link} size="sm" fw={600} href={instancePath(each.last)}>{each.job}</Anchor>, <Text key="why" size="xs" c="dimmed" truncate title={each.last.errorMessage}>{each.last.errorMessage}</Text>],
          end: <Anchor component={Link} size="sm" className="time" href={to("fail", each.job)}>{t("overview.times", { count: each.count })}</Anchor>,
        }))} />
        <Panel title={t("overview.slow")} empty={t("overview.noneEnded")} wait={!slow} rows={slow?.map((each) => ({
          key: String(each.instanceId),
          cells: [<Instance key="job" item={each} />, <Text key="at" size="xs" c="dimmed" className="time">{clock(each.startTime, zone)}</Text>],
          end: <Text size="sm" className="time">{span(each.endTime! - each.startTime!)}</Text>,
        }))} />
        <Panel title={t("overview.runningNow")} empty={t("overview.nothingRuns")} wait={!running.data} rows={running.data?.instances.map((each) => ({
          key: String(each.instanceId),
          cells: [<Instance key="job" item={each} />, <Status key="state" state={each.status} />],
          end: <Text size="sm" className="time"><Took start={each.startTime} end={each.endTime} over={ENDED.has(each.status)} /></Text>,
        }))} />
        <Panel title={t("overview.waiting")} empty={t("overview.nothingWaits")} wait={!waiting.data} rows={waiting.data?.instances.map((each) => ({
          key: String(each.instanceId),
          cells: [<Instance key="job" item={each} />, <Status key="state" state={each.status} />],
          end: <Text size="xs" c="dimmed" className="time">{clock(each.planTime, zone)}</Text>,
        }))} />
      </SimpleGrid>
    </Page>
  );
}

function Instance({ item }: { item: InstanceItem }) {
  return <Anchor component={Link} size="sm" fw={600} href={instancePath(item)}>{item.jobName} <Text span size="xs" c="dimmed" className="mono">{item.instanceId}</Text></Anchor>;
}

interface PanelRow {
  key: string;
  cells: [React.ReactNode, React.ReactNode];
  end: React.ReactNode;
}

function Panel({ title, rows, empty, wait, more }: { title: string; rows?: PanelRow[]; empty: string; wait: boolean; more?: string }) {
  return (
    <Paper withBorder p="md">
      <Group justify="space-between" mb={4}><Text fw={600} component="h2" size="md" m={0}>{title}</Text>{more && <Text size="xs" c="dimmed">{more}</Text>}</Group>
      {wait ? <Waiting /> : !rows?.length ? <Stack py="md"><Text size="sm" c="dimmed">{empty}</Text></Stack> : (
        <Table verticalSpacing={5} className="dense" layout="fixed">
          <Table.Tbody>{rows.map((each) => <Table.Tr key={each.key}><Table.Td w="38%" className="cut">{each.cells[0]}</Table.Td><Table.Td className="cut">{each.cells[1]}</Table.Td><Table.Td w={95} ta="right">{each.end}</Table.Td></Table.Tr>)}</Table.Tbody>
        </Table>
      )}
    </Paper>
  );
}
