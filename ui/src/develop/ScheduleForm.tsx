import { Accordion, Alert, Anchor, Box, Button, Group, NumberInput, SegmentedControl, Select, Stack, Switch, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { get, post } from "../api/http";
import { useSession } from "../api/session";
import type { Job } from "../api/types";
import { type Key, useT } from "../i18n";
import { toSave } from "../pages/job-model";
import { dayOf, midnightOf } from "../parts/days";
import { Months } from "../parts/Months";
import { Problem } from "../parts/Page";
import { CronForm, textOf } from "./CronForm";
import { DependencyForm } from "./DependencyForm";
import { readDependencies } from "./dependencies";
import { ElField } from "./ElField";
import { EventForm } from "./EventForm";
import { FireTimes, monthsFrom } from "./FireTimes";
import { refusedAt } from "./refusals";
import { Triggers } from "./Triggers";
import { zoneOf } from "./zones";

interface Props {
  job: Job;
  /** As it is saved; empty: it is not saved yet. */
  name: string;
  error?: unknown;
  onChange: (job: Job, mark?: string) => void;
}

type Schedule = Job["schedule"] & Record<string, unknown>;

/** When a job runs by itself. */
export function ScheduleForm({ job, name, error, onChange }: Props) {
  const t = useT();
  const schedule = job.schedule as Schedule;
  const cron = (schedule.cron ?? {}) as Record<string, unknown>;
  const set = (change: Partial<Schedule>) => onChange({ ...job, schedule: { ...schedule, ...change } as Job["schedule"] }, `schedule ${Object.keys(change).join()}`);
  const turn = (type: string) =>
    set({
      type,
      ...(type === "CRON" && !textOf(cron, "expression") ? { cron: { ...cron, expression: "0 0 2 * * ?", intervalType: "days", startTime: `${new Date().toISOString().slice(0, 10)}T00:00:00+00` } } : {}),
      ...(type === "EVENT" && !schedule.event ? { event: { eventType: "KAFKA", concurrent: 1, failPolicy: "SUSPEND", readPolicy: "LAST" } } : {}),
    });
  if (job.processType === "REAL_TIME") return <Stack maw={720}><Alert variant="light">{t("schedule.realTime")}</Alert>{name && <Triggers name={name} />}</Stack>;
  const waits = readDependencies(cron).length;
  return (
    <Stack maw={980}>
      <Box>
        <Text size="sm" fw={500} mb={4} id="schedule-type">{t("schedule.type")}</Text>
        <SegmentedControl aria-labelledby="schedule-type" value={schedule.type} onChange={turn} data={["EXECUTE_ONCE", "CRON", "EVENT"].map((each) => ({ value: each, label: t(`schedule.${each}` as Key) }))} />
      </Box>
      {schedule.type === "EXECUTE_ONCE" && <Text size="sm" c="dimmed">{t("schedule.onceHelp")}</Text>}
      {schedule.type === "CRON" && (
        <>
          <CronForm cron={cron} error={error} onChange={(next) => set({ cron: next })} />
          <FireTimes cron={cron} />
          <Accordion multiple variant="separated" defaultValue={waits ? ["depend"] : []}>
            <Accordion.Item value="depend">
              <Accordion.Control>{t("depend.title")}<Text size="xs" c="dimmed">{waits ? t("depend.summary", { jobs: readDependencies(cron).map((each) => each.job).join(", ") }) : t("depend.none")}</Text></Accordion.Control>
              <Accordion.Panel><DependencyForm name={name} cron={cron} error={error} onChange={(next) => set({ cron: next })} /></Accordion.Panel>
            </Accordion.Item>
            <Accordion.Item value="rules">
              <Accordion.Control>{t("rules.title")}<Text size="xs" c="dimmed">{rules(schedule, t)}</Text></Accordion.Control>
              <Accordion.Panel><Rules {...{ schedule, error }} onChange={set} /></Accordion.Panel>
            </Accordion.Item>
            <Accordion.Item value="simulate">
              <Accordion.Control>{t("simulate.title")}<Text size="xs" c="dimmed">{t("simulate.help")}</Text></Accordion.Control>
              <Accordion.Panel><Simulate job={job} /></Accordion.Panel>
            </Accordion.Item>
          </Accordion>
        </>
      )}
      {schedule.type === "EVENT" && <EventForm event={(schedule.event ?? {}) as Record<string, unknown>} error={error} onChange={(event) => set({ event })} />}
      {name && <Triggers name={name} />}
    </Stack>
  );
}

function rules(schedule: Schedule, t: ReturnType<typeof useT>): string {
  const cron = (schedule.cron ?? {}) as Record<string, unknown>;
  const said = [
    cron.dependPrePeriod === true ? t("rules.selfShort") : "",
    cron.concurrent ? t("rules.concurrentShort", { count: Number(cron.concurrent) }) : "",
    schedule.calendar ? String(schedule.calendar) : "",
    schedule.obsListening ? t("rules.fileShort") : "",
    schedule.manualConfirmation ? t("rules.confirmShort") : "",
  ].filter(Boolean);
  return said.length ? said.join(" · ") : t("rules.none");
}

function Rules({ schedule, error, onChange }: { schedule: Schedule; error?: unknown; onChange: (change: Partial<Schedule>) => void }) {
  const t = useT();
  const { workspace } = useSession();
  const cron = (schedule.cron ?? {}) as Record<string, unknown>;
  const calendars = useQuery({ queryKey: ["calendars", workspace.id], queryFn: ({ signal }) => get<{ calendars: { name: string }[] }>("/v1/{p}/calendars", undefined, signal) });
  const truth = (name: string) => ({ label: t(`rules.${name}` as Key), description: t(`rules.${name}Help` as Key), checked: schedule[name] === true || schedule[name] === "true", onChange: (event: { currentTarget: { checked: boolean } }) => onChange({ [name]: event.currentTarget.checked || undefined }) });
  const listening = (schedule.obsListening ?? null) as Record<string, unknown> | null;
  return (
    <Stack gap="sm">
      <Switch label={t("rules.dependPrePeriod")} description={t("rules.dependPrePeriodHelp")} checked={cron.dependPrePeriod === true} onChange={(event) => onChange({ cron: { ...cron, dependPrePeriod: event.currentTarget.checked } })} />
      <Switch {...truth("waitForEnd")} />
      <Switch {...truth("skipWaiting")} />
      <Switch {...truth("manualConfirmation")} />
      <NumberInput maw={320} label={t("rules.concurrent")} description={t("rules.concurrentHelp")} placeholder="5" min={1} max={128} value={cron.concurrent === undefined ? "" : Number(cron.concurrent)} error={refusedAt(error, "concurrent")} onChange={(next) => onChange({ cron: { ...cron, concurrent: next === "" ? undefined : Number(next) } })} />
      <Select maw={320} label={t("rules.calendar")} description={t("rules.calendarHelp")} clearable placeholder={t("common.none")} value={textOf(schedule, "calendar") || null} error={refusedAt(error, "calendar")} data={[...new Set([...(calendars.data?.calendars.map((each) => each.name) ?? []), textOf(schedule, "calendar")])].filter(Boolean)} onChange={(next) => onChange({ calendar: next ?? undefined })} />
      <Select maw={320} label={t("rules.catchUp")} description={t("rules.catchUpHelp")} clearable placeholder={t("settings.default")} value={textOf(schedule, "catchUp") || null} data={["ALL", "LATEST", "NONE"].map((each) => ({ value: each, label: t(`rules.catchUp.${each}` as Key) }))} onChange={(next) => onChange({ catchUp: next ?? undefined })} />
      <Switch label={t("rules.file")} description={t("rules.fileHelp")} checked={listening !== null} onChange={(event) => onChange({ obsListening: event.currentTarget.checked ? { path: "obs://", interval: 5, timeout: 240 } : undefined })} />
      {listening && (
        <Group align="flex-end" gap="sm" pl={46}>
          <Box flex={1}><ElField label={t("rules.path")} required value={textOf(listening, "path")} error={refusedAt(error, "path")} onChange={(path) => onChange({ obsListening: { ...listening, path } })} /></Box>
          <NumberInput w={130} label={t("rules.interval")} min={1} max={60} value={Number(listening.interval ?? 1)} onChange={(next) => onChange({ obsListening: { ...listening, interval: Number(next) || 1 } })} />
          <NumberInput w={130} label={t("rules.timeout")} min={1} max={1440} value={Number(listening.timeout ?? 1440)} onChange={(next) => onChange({ obsListening: { ...listening, timeout: Number(next) || 1440 } })} />
        </Group>
      )}
    </Stack>
  );
}

interface Simulated {
  total: number;
  instances: { job: string; planTime: number; status: string; startTime: number | null; dryRun: boolean; waitedFor: string[]; message: string }[];
  conflicts: { job: string; text: string; count: number }[];
}

const DAYS = ["1", "7", "31"];

/** What the job would do as it stands here, saved or not, together with those that it waits for. */
function Simulate({ job }: { job: Job }) {
  const t = useT();
  const { workspace } = useSession();
  const [days, setDays] = useState("7");
  const zone = zoneOf(workspace.timeZone);
  const run = useMutation({
    mutationFn: () => {
      const from = midnightOf(dayOf(Date.now(), zone), zone);
      return post<Simulated>("/v1/{p}/schedule/simulation", { from, to: from + Number(days) * 86_400_000, documents: [toSave(job, true)], jobs: [job.name], only: true, limit: 2000 });
    },
  });
  const own = run.data?.instances.filter((each) => each.job === job.name) ?? [];
  const perDay = new Map<string, { count: number; waited: number; dry: number }>();
  for (const each of own) {
    const day = dayOf(each.planTime, zone);
    const so = perDay.get(day) ?? { count: 0, waited: 0, dry: 0 };
    perDay.set(day, { count: so.count + 1, waited: so.waited + (each.waitedFor.length ? 1 : 0), dry: so.dry + (each.dryRun ? 1 : 0) });
  }
  return (
    <Stack gap="sm">
      <Group align="flex-end">
        <Select w={160} label={t("simulate.days")} allowDeselect={false} value={days} data={DAYS.map((each) => ({ value: each, label: t("simulate.count", { count: each }) }))} onChange={(next) => setDays(next ?? "7")} />
        <Button variant="light" loading={run.isPending} onClick={() => run.mutate()}>{t("simulation.run")}</Button>
        <Anchor component={Link} href="/simulation" size="sm">{t("simulate.all")}</Anchor>
      </Group>
      {run.error && <Problem error={run.error} />}
      {run.data && (
        <div aria-live="polite">
          <Text size="sm" fw={600} mb="xs">{t("simulate.found", { count: own.length })}</Text>
          {run.data.conflicts.length > 0 && <Alert color="orange" variant="light" mb="xs" title={t("simulation.conflicts")}>{run.data.conflicts.slice(0, 8).map((each, at) => <Text key={at} size="sm">{each.job}: {each.text}</Text>)}</Alert>}
          <Months months={monthsFrom(dayOf(Date.now(), zone), days === "31" ? 2 : 1)} look={(day) => {
            const so = perDay.get(day);
            if (!so) return null;
            return { color: so.dry === so.count ? "var(--state-skip)" : so.waited ? "var(--state-pause)" : "var(--state-success)", text: t("simulate.day", { count: so.count, waited: so.waited, dry: so.dry }) };
          }} />
        </div>
      )}
    </Stack>
  );
}
