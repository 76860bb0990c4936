import { Alert, Button, Checkbox, Group, List, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get, post } from "../api/http";
import { useSession } from "../api/session";
import type { Job } from "../api/types";
import { type Key, useWords } from "../i18n";
import { Problem, Waiting } from "../parts/Page";
import { readDependencies } from "./dependencies";
import { away } from "./FireTimes";
import { zoneOf } from "./zones";

export type Act = "start" | "stop" | "pause" | "resume";

interface Props {
  name: string;
  act: Act;
  onDone: () => void;
  onClose: () => void;
}

/** Says what starting, stopping, pausing or resuming a schedule will do, and does it. */
export function StartDialog({ name, act, onDone, onClose }: Props) {
  const { t } = useWords();
  const { workspace } = useSession();
  const [from, setFrom] = useState("");
  const [alone, setAlone] = useState(false);
  const path = `/v1/{p}/jobs/${encodeURIComponent(name)}`;
  const job = useQuery({ queryKey: ["job", workspace.id, name, "submitted"], queryFn: ({ signal }) => get<Job>(path, { getJobSubmitVersion: true, dependencies: true }, signal), retry: false, gcTime: 0 });
  const run = useMutation({
    mutationFn: () => post(`${path}/${act}`, act === "start" ? { ...(from ? { start_date: Number(from.replaceAll("-", "")) } : {}), ...(alone ? { ignore_first_self_dep: true } : {}) } : undefined),
    onSuccess: onDone,
  });
  const schedule = job.data?.schedule;
  const cron = (schedule?.cron ?? {}) as Record<string, unknown>;
  return (
    <Modal opened onClose={onClose} title={t(`act.${act}` as Key, { name })} size="lg">
      <Stack gap="sm">
        {job.error ? <Problem error={job.error} /> : !job.data ? <Waiting /> : (
          <>
            <Text size="sm">{t(act === "start" && schedule?.type !== "CRON" ? (schedule?.type === "EVENT" ? "act.startEvent" : job.data.processType === "REAL_TIME" ? "act.startRealTime" : "act.startOnce") : (`act.${act}Help` as Key), { version: job.data.version ?? 1 })}</Text>
            {(act === "start" || act === "resume") && schedule?.type === "CRON" && <Next cron={cron} from={from} />}
            {act === "start" && schedule?.type === "CRON" && <NotStarted cron={cron} />}
            {act === "stop" && <Stopped job={job.data} />}
            {act === "start" && schedule?.type === "CRON" && <TextInput type="date" label={t("act.from")} description={t("act.fromHelp")} value={from} onChange={(event) => setFrom(event.currentTarget.value)} />}
            {act === "start" && cron.dependPrePeriod === true && <Checkbox label={t("act.alone")} checked={alone} onChange={(event) => setAlone(event.currentTarget.checked)} />}
          </>
        )}
        {run.error && <Problem error={run.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{t("common.cancel")}</Button>
          <Button color={act === "stop" ? "red" : undefined} disabled={!job.data} loading={run.isPending} onClick={() => run.mutate()} data-autofocus>{t(`job.${act}` as Key)}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Next({ cron, from }: { cron: Record<string, unknown>; from: string }) {
  const { t, language } = useWords();
  const { workspace } = useSession();
  const after = from ? Date.parse(`${from}T00:00:00Z`) - 1 : undefined;
  const { dependJobs: _jobs, ...plan } = cron;
  const times = useQuery({ queryKey: ["fire-times", workspace.id, plan, after, 3], queryFn: () => post<{ fireTimes: number[] }>("/v1/{p}/schedule/preview", { cron: plan, count: 3, after: after ?? Date.now() }), retry: false });
  if (!times.data) return null;
  const words = new Intl.DateTimeFormat(language, { timeZone: zoneOf(String(cron.expressionTimeZone ?? workspace.timeZone)), weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return times.data.fireTimes.length === 0 ? <Alert color="orange">{t("schedule.never")}</Alert> : (
    <div><Text size="sm" fw={600}>{t("act.next")}</Text><List size="sm">{times.data.fireTimes.map((each) => <List.Item key={each}>{words.format(each)} <Text span size="xs" c="dimmed">{away(each - Date.now(), language)}</Text></List.Item>)}</List></div>
  );
}

interface Upstream {
  jobs: { job: string; status?: string; problem?: string }[];
}

/** Jobs that this one waits for must be started before. */
function NotStarted({ cron }: { cron: Record<string, unknown> }) {
  const { t } = useWords();
  const { workspace } = useSession();
  const found = useQuery({ queryKey: ["awaited", workspace.id, cron], queryFn: () => post<Upstream>("/v1/{p}/schedule/dependency-preview", { cron }), enabled: readDependencies(cron).length > 0, retry: false });
  const bad = found.data?.jobs.filter((each) => each.problem || !["SCHEDULING", "PAUSED"].includes(each.status ?? "")) ?? [];
  if (!bad.length) return null;
  return <Alert color="orange" title={t("act.upstream")}>{bad.map((each) => <Text key={each.job} size="sm">{each.job}: {each.problem || t("depend.notStarted", { name: each.job })}</Text>)}</Alert>;
}

function Stopped({ job }: { job: Job }) {
  const { t } = useWords();
  const after = (job as { downstreamJobs?: { jobName: string }[] }).downstreamJobs ?? [];
  return after.length ? <Alert color="orange">{t("act.downstream", { jobs: after.map((each) => each.jobName).join(", ") })}</Alert> : null;
}
