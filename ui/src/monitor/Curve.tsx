import { Group, Stack, Text } from "@mantine/core";
import { type MouseEvent, useState } from "react";
import type { Answers } from "../api/types";
import { type Key, useT } from "../i18n";
import { counted } from "../parts/time";

const SERIES: ["today" | "yesterday" | "average", Key, string][] = [
  ["today", "overview.today", "var(--mantine-primary-color-filled)"],
  ["yesterday", "overview.yesterday", "var(--state-pause)"],
  ["average", "overview.week", "var(--state-skip)"],
];
const WIDTH = 1000;
const HEIGHT = 150;
const HOURS = 24;

/** The points of a line through the values of a day's full hours, from midnight on. */
export function points(values: number[], most: number): string {
  return values.map((value, hour) => `${Math.round((hour / HOURS) * WIDTH)},${Math.round(HEIGHT - (value / most) * (HEIGHT - 10))}`).join(" ");
}

/** A round number that is at least this: the top of an axis. */
export function top(most: number): number {
  if (most <= 5) return Math.max(1, most);
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 2.5, 5, 10].map((each) => each * unit).find((each) => each >= most)!;
}

/** At each full hour of the day: how many of the day's instances have succeeded until then. */
export function Curve({ completion }: { completion: Answers["listFactoryTaskCompletion"] }) {
  const t = useT();
  const [hour, setHour] = useState<number | null>(null);
  // What is told begins with one o'clock; at midnight it is nothing yet.
  const series = SERIES.map(([name, text, color]) => ({ name: t(text), color, values: [0, ...completion[name].map((each) => each.task_completion_num)] }));
  const most = top(Math.max(...series.flatMap((each) => each.values), 0));
  const said = series.map((each) => `${each.name}: ${each.values.at(-1) ?? 0}`).join(", ");
  const point = (event: MouseEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    setHour(Math.min(HOURS, Math.max(0, Math.round(((event.clientX - box.left) / box.width) * HOURS))));
  };
  // Today is told up to its last full hour, the days before to their end.
  const shown = (values: number[]) => (hour === null ? values.at(-1) : values[hour]);
  const told = (value: number | undefined) => (value === undefined ? "–" : counted(value));
  const until = hour ?? series[0]!.values.length - 1;
  return (
    <Stack gap={6}>
      <Group gap={8} wrap="nowrap" align="stretch">
        <Stack justify="space-between" gap={0} miw={28}>{[most, most / 2, 0].map((each) => <Text key={each} size="xs" c="dimmed" ta="right">{Number.isInteger(each) ? counted(each) : ""}</Text>)}</Stack>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT + 10}`} width="100%" height={160} preserveAspectRatio="none" role="img" aria-label={said} onMouseMove={point} onMouseLeave={() => setHour(null)}>
          {[HEIGHT, HEIGHT / 2 + 5, 10].map((y) => <line key={y} x1={0} x2={WIDTH} y1={y} y2={y} stroke="var(--mantine-color-default-border)" vectorEffect="non-scaling-stroke" />)}
          {hour !== null && <line x1={(hour / HOURS) * WIDTH} x2={(hour / HOURS) * WIDTH} y1={0} y2={HEIGHT} stroke="var(--mantine-color-dimmed)" strokeDasharray="3 3" vectorEffect="non-scaling-stroke" />}
          {series.map((each, index) => <polyline key={each.name} points={points(each.values, most)} fill="none" stroke={each.color} strokeWidth={index ? 1.5 : 3} strokeLinecap="round" strokeDasharray={index === 2 ? "5 4" : undefined} vectorEffect="non-scaling-stroke" />)}
          {series[0]!.values.length === 1 && <path d={`M2 ${HEIGHT - (series[0]!.values[0]! / most) * (HEIGHT - 10)} h0.01`} stroke={series[0]!.color} strokeWidth={8} strokeLinecap="round" vectorEffect="non-scaling-stroke" />}
        </svg>
      </Group>
      <Group justify="space-between" pl={36} aria-hidden>{["0:00", "6:00", "12:00", "18:00", "24:00"].map((each) => <Text key={each} size="xs" c="dimmed">{each}</Text>)}</Group>
      <Group gap="lg" mih={20}>
        {series.map((each) => <Text key={each.name} size="xs"><span aria-hidden className="legend" style={{ background: each.color }} /> {each.name} <Text span inherit fw={600}>{told(shown(each.values))}</Text></Text>)}
        <Text size="xs" c="dimmed">{t(hour === null ? "overview.todayUntil" : "overview.until", { hour: `${until}:00` })}</Text>
      </Group>
    </Stack>
  );
}
