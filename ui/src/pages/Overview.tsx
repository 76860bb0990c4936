import { Anchor, Group, Paper, SimpleGrid, Stack, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { get } from "../api/http";
import { useNews } from "../api/useNews";
import { useSession } from "../api/session";
import type { InstanceItem } from "../api/types";
import { type Key, useT } from "../i18n";
import { Page, Problem, Waiting } from "../parts/Page";
import { look } from "../parts/states";
import { Status } from "../parts/Status";
import { clock, span } from "../parts/time";

const DAY = 86_400_000;
const COUNTED = ["waiting", "running", "success", "fail"] as const;

const CURVES: [keyof Completion, Key][] = [["today", "overview.today"], ["yesterday", "overview.yesterday"], ["average", "overview.week"]];

interface Point {
  record_time: number;
  task_completion_num: number;
}

/** At each full hour of the day: how many of the day's instances have succeeded until then. */
type Completion = Record<"today" | "yesterday" | "average", Point[]>;

interface List {
  total: number;
  instances: InstanceItem[];
}

function useList(name: string, status: string, limit: number, from: number, to: number) {
  const { workspace } = useSession();
  return useQuery({
    queryKey: ["overview", workspace.id, name],
    queryFn: ({ signal }) => get<List>("/v1/{p}/jobs/instances/detail", { status, minPlanTime: from, maxPlanTime: to, limit }, signal),
    refetchInterval: false,
  });
}

export function Overview() {
  const t = useT();
  const { workspace } = useSession();
  useNews("overview");
  const to = Math.ceil(Date.now() / 60_000) * 60_000;
  const from = to - DAY;
  const counts = COUNTED.map((status) => useList(`count-${status}`, status, 1, from, to)); // a fixed list: the order of hooks never changes
  const failed = useList("failed", "fail", 8, from, to);
  const waiting = useList("waiting", "waiting", 8, from, to);
  const recent = useList("recent", "", 100, from, to);
  const curves = useQuery({ queryKey: ["overview", workspace.id, "curves"], queryFn: ({ signal }) => get<Completion>("/v2/{p}/factory/monitor/task-completion-data", undefined, signal) });
  if (recent.error) return <Page title={t("overview.title")}><Problem error={recent.error} retry={() => void recent.refetch()} /></Page>;
  const slow = [...(recent.data?.instances ?? [])].filter((each) => each.startTime && each.endTime).sort((a, b) => b.endTime! - b.startTime! - (a.endTime! - a.startTime!)).slice(0, 8);
  return (
    <Page title={t("overview.title")} wide>
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        {COUNTED.map((status, index) => (
          <Paper key={status} withBorder p="md" component={Link} href={`/instances?status=${status}`} style={{ textDecoration: "none", color: "inherit" }}>
            <Group gap={8}><span aria-hidden style={{ width: 10, height: 10, borderRadius: 5, background: look(status).color }} /><Text size="sm" c="dimmed">{status}</Text></Group>
            <Text fz={30} fw={700}>{counts[index]!.data?.total.toLocaleString() ?? "…"}</Text>
            <Text size="xs" c="dimmed">{t("overview.range")}</Text>
          </Paper>
        ))}
      </SimpleGrid>
      <Paper withBorder p="md">
        <Text fw={600} mb="xs">{t("overview.completed")}</Text>
        {curves.error ? <Problem error={curves.error} /> : curves.isPending ? <Waiting /> : <Curve series={CURVES.map(([name, text]) => ({ name: t(text), values: curves.data[name].map((each) => each.task_completion_num) }))} />}
      </Paper>
      <SimpleGrid cols={{ base: 1, md: 3 }}>
        <Panel title={t("overview.failed")} items={failed.data?.instances} zone={workspace.timeZone} show={(each) => clock(each.endTime, workspace.timeZone)} />
        <Panel title={t("overview.slow")} items={slow} zone={workspace.timeZone} show={(each) => span(each.endTime! - each.startTime!)} />
        <Panel title={t("overview.waiting")} items={waiting.data?.instances} zone={workspace.timeZone} show={(each) => clock(each.planTime, workspace.timeZone)} />
      </SimpleGrid>
    </Page>
  );
}

const SHADES = ["var(--mantine-primary-color-filled)", "var(--state-pause)", "var(--state-skip)"];
const WIDTH = 1000;
const HEIGHT = 150;

/** The points of a line through the values of a day's full hours. */
export function points(values: number[], most: number): string {
  return values.map((value, hour) => `${Math.round((hour / 23) * WIDTH)},${Math.round(HEIGHT - (value / most) * (HEIGHT - 10))}`).join(" ");
}

function Curve({ series }: { series: { name: string; values: number[] }[] }) {
  const most = Math.max(1, ...series.flatMap((each) => each.values));
  const said = series.map((each) => `${each.name}: ${each.values.at(-1) ?? 0}`).join(", ");
  return (
    <Stack gap={6}>
      <Group gap={8} wrap="nowrap" align="stretch">
        <Stack justify="space-between" gap={0}><Text size="xs" c="dimmed" ta="right">{most.toLocaleString()}</Text><Text size="xs" c="dimmed" ta="right">0</Text></Stack>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT + 10}`} width="100%" height={160} preserveAspectRatio="none" role="img" aria-label={said}>
          <line x1={0} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} stroke="var(--mantine-color-default-border)" />
          {series.map((each, index) => <polyline key={each.name} points={points(each.values, most)} fill="none" stroke={SHADES[index]} strokeWidth={index ? 1.5 : 3} strokeDasharray={index === 2 ? "5 4" : undefined} vectorEffect="non-scaling-stroke" />)}
        </svg>
      </Group>
      <Group justify="space-between" pl={20}>{["0:00", "6:00", "12:00", "18:00", "23:00"].map((each) => <Text key={each} size="xs" c="dimmed">{each}</Text>)}</Group>
      <Group gap="lg">{series.map((each, index) => <Text key={each.name} size="xs"><span aria-hidden style={{ color: SHADES[index] }}>■</span> {each.name}</Text>)}</Group>
    </Stack>
  );
}

function Panel({ title, items, show }: { title: string; items?: InstanceItem[]; zone: string; show: (each: InstanceItem) => string }) {
  const t = useT();
  return (
    <Paper withBorder p="md">
      <Text fw={600} mb="xs">{title}</Text>
      {!items ? <Waiting /> : items.length === 0 ? <Text size="sm" c="dimmed">{t("overview.nothing")}</Text> : (
        <Table verticalSpacing={4}>
          <Table.Tbody>
            {items.map((each) => (
              <Table.Tr key={each.instanceId}>
                <Table.Td><Anchor component={Link} size="sm" href={`/instances/${encodeURIComponent(each.jobName)}/${each.instanceId}`}>{each.jobName}</Anchor></Table.Td>
                <Table.Td><Status state={each.status} /></Table.Td>
                <Table.Td ta="right"><Text size="xs" c="dimmed">{show(each)}</Text></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Paper>
  );
}
