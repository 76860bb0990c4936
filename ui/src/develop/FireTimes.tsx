import { Group, List, Paper, Stack, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { post } from "../api/http";
import { useSession } from "../api/session";
import { useWords } from "../i18n";
import { dayOf } from "../parts/days";
import { Months } from "../parts/Months";
import { Problem } from "../parts/Page";
import { type Cron, textOf } from "./CronForm";
import { offsetOf, offsetText, zoneOf } from "./zones";

const MOST = 1000;

export function monthsFrom(day: string, count: number): string[] {
  const [year, month] = day.split("-").map(Number) as [number, number];
  return Array.from({ length: count }, (_, at) => new Date(Date.UTC(year, month - 1 + at, 1)).toISOString().slice(0, 7));
}

/** How far off a moment is, in words. */
export function away(ms: number, language: string): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const seconds = ms / 1000;
  for (const [unit, size] of [["day", 86_400], ["hour", 3600], ["minute", 60]] as const) if (Math.abs(seconds) >= size) return format.format(Math.round(seconds / size), unit);
  return format.format(Math.round(seconds), "second");
}

/** The next times of a plan that is being edited: in words, and on a calendar. */
export function FireTimes({ cron }: { cron: Cron }) {
  const { t, language } = useWords();
  const { workspace } = useSession();
  const [asked] = useDebouncedValue(cron, 350);
  const [now] = useState(() => Date.now());
  const { dependJobs: _jobs, ...plan } = asked;
  const times = useQuery({
    queryKey: ["fire-times", workspace.id, plan],
    queryFn: () => post<{ fireTimes: number[] }>("/v1/{p}/schedule/preview", { cron: plan, count: MOST, after: now }).then((found) => found.fireTimes),
    enabled: textOf(asked, "expression") !== "",
    placeholderData: keepPreviousData,
    retry: false,
  });
  if (times.error) return <Problem error={times.error} />;
  if (!times.data) return null;
  const named = textOf(asked, "expressionTimeZone") || workspace.timeZone;
  const zone = zoneOf(named);
  const words = new Intl.DateTimeFormat(language, { timeZone: zone, weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const perDay = new Map<string, number[]>();
  for (const each of times.data) {
    const day = dayOf(each, zone);
    perDay.set(day, [...(perDay.get(day) ?? []), each]);
  }
  const short = new Intl.DateTimeFormat(language, { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const first = dayOf(times.data[0] ?? now, zone);
  const lastKnown = times.data.length === MOST ? dayOf(times.data.at(-1)!, zone) : "9999";
  return (
    <Paper withBorder p="md" role="group" aria-label={t("schedule.next")}>
      <Text fw={600} size="sm" mb={6}>{t("schedule.next")}</Text>
      {times.data.length === 0 ? <Text size="sm">{t("schedule.never")}</Text> : (
        <Group align="flex-start" gap="xl">
          <Stack gap={4}>
            <List size="sm" spacing={2} aria-label={t("schedule.next")}>
              {times.data.slice(0, 10).map((each) => <List.Item key={each}>{words.format(each)} <Text span size="xs" c="dimmed">{away(each - now, language)}</Text></List.Item>)}
            </List>
            <Text size="xs" c="dimmed">{t("schedule.inZone", { zone: named, offset: offsetText(offsetOf(times.data[0]!, zone)) })}</Text>
          </Stack>
          <Months
            months={monthsFrom(first, 2)}
            look={(day) => {
              const found = perDay.get(day);
              if (!found || day >= lastKnown) return day >= lastKnown ? { text: t("schedule.notCounted") } : null;
              return { color: "var(--mantine-primary-color-filled)", text: found.length > 3 ? t("schedule.timesADay", { count: found.length }) : found.map((each) => short.format(each)).join(", ") };
            }}
          />
        </Group>
      )}
    </Paper>
  );
}
