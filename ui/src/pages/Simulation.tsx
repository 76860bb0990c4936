import { Alert, Badge, Button, Group, MultiSelect, Stack, Table, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get, post } from "../api/http";
import { useSession } from "../api/session";
import type { JobItem } from "../api/types";
import { useT } from "../i18n";
import { dayOf, daysBetween, midnightOf, monthsOf, nextDay } from "../parts/days";
import { Months } from "../parts/Months";
import { Empty, Page, Problem } from "../parts/Page";
import { Status } from "../parts/Status";
import { clock } from "../parts/time";

const SHOWN = 200;

interface Simulated {
  job: string;
  planTime: number;
  status: string;
  startTime: number | null;
  endTime: number | null;
  dryRun: boolean;
  waitedFor: string[];
  message: string;
}

interface Answer {
  total: number;
  jobs: { job: string; instances: number; waited: number; dryRuns: number }[];
  instances: Simulated[];
  conflicts: { kind: string; job: string; planTime: number | null; count: number; text: string }[];
}

export function Simulation() {
  const t = useT();
  const { workspace } = useSession();
  const zone = workspace.timeZone;
  const [from, setFrom] = useState(dayOf(Date.now(), zone));
  const [to, setTo] = useState(dayOf(Date.now() + 6 * 86_400_000, zone));
  const [names, setNames] = useState<string[]>([]);
  const jobs = useQuery({ queryKey: ["jobs", workspace.id, "simulation"], queryFn: ({ signal }) => get<{ jobs: JobItem[] }>("/v1/{p}/jobs", { limit: 100 }, signal) });
  const run = useMutation({
    mutationFn: () => post<Answer>("/v1/{p}/schedule/simulation", { from: midnightOf(from, zone), to: midnightOf(nextDay(to), zone), ...(names.length ? { jobs: names, only: true } : {}), limit: 5000 }),
  });
  const found = run.data;
  const perDay = new Map<string, number>();
  for (const each of found?.instances ?? []) perDay.set(dayOf(each.planTime, zone), (perDay.get(dayOf(each.planTime, zone)) ?? 0) + 1);
  const most = Math.max(1, ...perDay.values());
  return (
    <Page title={t("simulation.title")} wide>
      <Text size="sm" c="dimmed">{t("simulation.help")}</Text>
      <Group align="flex-end">
        <TextInput type="date" label={t("schedule.start")} value={from} onChange={(event) => setFrom(event.currentTarget.value)} />
        <TextInput type="date" label={t("schedule.end")} value={to} onChange={(event) => setTo(event.currentTarget.value)} />
        <MultiSelect miw={280} searchable clearable label={t("nav.jobs")} placeholder={names.length ? undefined : t("simulation.scheduled")} data={jobs.data?.jobs.map((each) => each.name) ?? []} value={names} onChange={setNames} />
        <Button disabled={!daysBetween(from, to).length} loading={run.isPending} onClick={() => run.mutate()}>{t("simulation.run")}</Button>
      </Group>
      {run.error && <Problem error={run.error} />}
      {found && (found.total === 0 ? <Empty title={t("simulation.nothing")} help={t("simulation.nothingHelp")} /> : (
        <Stack>
          <Text fw={600}>{t("simulation.total", { count: found.total })}</Text>
          {found.conflicts.length > 0 && (
            <Alert color="orange" variant="light" title={t("simulation.conflicts")}>
              {found.conflicts.slice(0, 20).map((each, at) => <Text key={at} size="sm">{each.job}: {each.text}{each.count > 1 ? ` (${each.count})` : ""}</Text>)}
            </Alert>
          )}
          <Months months={monthsOf(daysBetween(from, to)).slice(0, 13)} look={(day) => {
            const count = perDay.get(day);
            return count ? { color: `color-mix(in srgb, var(--state-running) ${30 + Math.round((count / most) * 70)}%, transparent)`, text: t("patch.instances", { count }) } : null;
          }} />
          <Group align="flex-start" grow preventGrowOverflow={false}>
            <Table maw={420}>
              <Table.Thead><Table.Tr><Table.Th>{t("instances.job")}</Table.Th><Table.Th>{t("nav.instances")}</Table.Th><Table.Th>{t("simulation.waited")}</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>{found.jobs.map((each) => <Table.Tr key={each.job}><Table.Td>{each.job}</Table.Td><Table.Td>{each.instances}</Table.Td><Table.Td>{each.waited}</Table.Td></Table.Tr>)}</Table.Tbody>
            </Table>
            <Table verticalSpacing={4}>
              <Table.Thead><Table.Tr><Table.Th>{t("instances.planned")}</Table.Th><Table.Th>{t("instances.job")}</Table.Th><Table.Th>{t("common.status")}</Table.Th><Table.Th>{t("instances.started")}</Table.Th><Table.Th>{t("simulation.waitedFor")}</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {found.instances.slice(0, SHOWN).map((each, at) => (
                  <Table.Tr key={at}>
                    <Table.Td className="mono">{clock(each.planTime, zone)}</Table.Td>
                    <Table.Td>{each.job}</Table.Td>
                    <Table.Td><Status state={each.status} /> {each.dryRun && <Badge variant="light" color="gray">{t("simulation.dryRun")}</Badge>}</Table.Td>
                    <Table.Td className="mono">{clock(each.startTime ?? undefined, zone)}</Table.Td>
                    <Table.Td><Text size="xs" c="dimmed">{each.waitedFor.join(", ") || each.message}</Text></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Group>
        </Stack>
      ))}
    </Page>
  );
}
