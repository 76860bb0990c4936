import { Anchor, Group, Paper, SimpleGrid, Stack, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { get } from "../api/http";
import { useSession } from "../api/session";
import type { InstanceItem } from "../api/types";
import { type Key, useT } from "../i18n";
import { Page, Problem, Waiting } from "../parts/Page";
import { look } from "../parts/states";
import { Status } from "../parts/Status";
import { clock, span } from "../parts/time";

const DAY = 86_400_000;
const COUNTED = ["waiting", "running", "success", "fail"] as const;

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
  const to = Math.ceil(Date.now() / 60_000) * 60_000;
  const from = to - DAY;
  const counts = COUNTED.map((status) => useList(`count-${status}`, status, 1, from, to)); // a fixed list: the order of hooks never changes
  const failed = useList("failed", "fail", 8, from, to);
  const waiting = useList("waiting", "waiting", 8, from, to);
  const recent = useList("recent", "", 100, from, to);
  const curves = [0, 1, 7].map((days) => useList(`curve-${days}`, "success", 100, from - days * DAY, to - days * DAY));
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
        {curves[0]!.isPending ? <Waiting /> : <Curve series={curves.map((curve, index) => ({ name: t((["overview.today", "overview.yesterday", "overview.week"] as Key[])[index]!), values: hours(curve.data?.instances ?? [], to - [0, 1, 7][index]! * DAY) }))} />}
      </Paper>
      <SimpleGrid cols={{ base: 1, md: 3 }}>
        <Panel title={t("overview.failed")} items={failed.data?.instances} zone={workspace.timeZone} show={(each) => clock(each.endTime, workspace.timeZone)} />
        <Panel title={t("overview.slow")} items={slow} zone={workspace.timeZone} show={(each) => span(each.endTime! - each.startTime!)} />
        <Panel title={t("overview.waiting")} items={waiting.data?.instances} zone={workspace.timeZone} show={(each) => clock(each.planTime, workspace.timeZone)} />
      </SimpleGrid>
    </Page>
  );
}

/** How many ended in each of the 24 hours before `to`. */
export function hours(instances: { endTime?: number }[], to: number): number[] {
  const counts = Array.from({ length: 24 }, () => 0);
  for (const { endTime } of instances) {
    if (endTime === undefined) continue;
    const hour = 23 - Math.floor((to - endTime) / 3_600_000);
    if (hour >= 0 && hour < 24) counts[hour]! += 1;
  }
  return counts;
}

const SHADES = ["var(--mantine-primary-color-filled)", "var(--state-pause)", "var(--state-skip)"];

function Curve({ series }: { series: { name: string; values: number[] }[] }) {
  const most = Math.max(1, ...series.flatMap((each) => each.values));
  const points = (values: number[]) => values.map((value, index) => `${(index / 23) * 1000},${150 - (value / most) * 140}`).join(" ");
  return (
    <Stack gap={6}>
      <svg viewBox="0 0 1000 160" width="100%" height={160} preserveAspectRatio="none" role="img" aria-label={series.map((each) => `${each.name}: ${each.values.reduce((a, b) => a + b, 0)}`).join(", ")}>
        <line x1={0} x2={1000} y1={150} y2={150} stroke="var(--mantine-color-default-border)" />
        {series.map((each, index) => <polyline key={each.name} points={points(each.values)} fill="none" stroke={SHADES[index]} strokeWidth={index ? 1.5 : 3} vectorEffect="non-scaling-stroke" />)}
      </svg>
      <Group gap="lg">{series.map((each, index) => <Text key={each.name} size="xs"><span style={{ color: SHADES[index] }}>■</span> {each.name}</Text>)}</Group>
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
