import { Anchor, Button, Group, Modal, MultiSelect, NumberInput, Paper, SegmentedControl, Stack, Switch, Table, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPlus, IconRefresh } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "wouter";
import { get, post } from "../api/http";
import { useNews } from "../api/useNews";
import { useSession } from "../api/session";
import { type Answers, type Bodies, ENDED, type JobItem } from "../api/types";
import { useT } from "../i18n";
import { instancePath } from "../monitor/Batch";
import { Live, Took } from "../monitor/Live";
import { Confirm } from "../parts/Confirm";
import { dayOf, daysBetween, midnightOf, monthsOf, nextDay, patchDate } from "../parts/days";
import { JobPicker } from "../parts/JobPicker";
import { Months } from "../parts/Months";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
import { Pager } from "../parts/Pager";
import { Status } from "../parts/Status";
import { look, stateName } from "../parts/states";
import { tellDone, tellError } from "../parts/tell";
import { clock } from "../parts/time";
import { useFilters } from "../parts/useFilters";

const SIZE = 20;
const DEFAULTS = { page: "0", name: "", show: "" };
const OVER = new Set(["SUCCESS", "FAIL", "CANCEL"]);

export type Patch = Answers["showFactorySupplementData"]["rows"][number];

export function PatchData() {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const live = useNews("patches", "patch-days");
  const [filters, change] = useFilters(DEFAULTS);
  const [making, setMaking] = useState(false);
  const [stopping, setStopping] = useState<string | null>(null);
  const page = Number(filters.page) || 0;
  const patches = useQuery({
    queryKey: ["patches", workspace.id, filters.name, page],
    queryFn: ({ signal }) => get<Answers["showFactorySupplementData"]>("/v2/{p}/factory/supplement-data", { name: filters.name, page, size: SIZE }, signal),
  });
  const refresh = () => client.invalidateQueries({ queryKey: ["patches"] });
  const stop = useMutation({
    mutationFn: (name: string) => post(`/v2/{p}/factory/supplement-data/${encodeURIComponent(name)}/stop`),
    onSuccess: async (_, name) => {
      tellDone(t("patch.stopped", { name }));
      await refresh();
    },
    onError: tellError,
    onSettled: () => setStopping(null),
  });
  const shown = patches.data?.rows.find((each) => each.name === filters.show);
  return (
    <Page title={t("patch.title")} wide right={<><Live on={live} />
      <TextInput size="sm" aria-label={t("common.search")} placeholder={t("common.search")} value={filters.name} onChange={(event) => change({ name: event.currentTarget.value, page: "0" })} />
      <Button variant="default" leftSection={<IconRefresh size={16} />} loading={patches.isFetching} onClick={() => void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === "patches" || queryKey[0] === "patch-days" })}>{t("common.refresh")}</Button>
      <Button leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>{t("patch.new")}</Button>
    </>}>
      {patches.error ? <Problem error={patches.error} /> : patches.isPending ? <Waiting /> : patches.data.rows.length === 0 ? <Empty title={t("patch.empty")} help={t("patch.emptyHelp")} /> : (
        <>
          <Table.ScrollContainer minWidth={860}>
            <Table highlightOnHover verticalSpacing={6}>
              <Table.Thead><Table.Tr><Table.Th>{t("common.name")}</Table.Th><Table.Th>{t("common.status")}</Table.Th><Table.Th>{t("nav.jobs")}</Table.Th><Table.Th>{t("patch.days")}</Table.Th><Table.Th>{t("patch.parallel")}</Table.Th><Table.Th>{t("patch.asked")}</Table.Th><Table.Th>{t("common.actions")}</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {patches.data.rows.map((each) => (
                  <Table.Tr key={each.name} bg={each.name === filters.show ? "var(--mantine-color-default-hover)" : undefined}>
                    <Table.Td><Anchor component="button" type="button" fw={600} size="sm" onClick={() => change({ show: each.name === filters.show ? "" : each.name })}>{each.name}</Anchor></Table.Td>
                    <Table.Td><Status state={each.status} /></Table.Td>
                    <Table.Td>{each.job_list.join(", ")}</Table.Td>
                    <Table.Td>{dayOf(each.start_date, workspace.timeZone)} – {dayOf(each.end_date, workspace.timeZone)}</Table.Td>
                    <Table.Td>{each.parallel}</Table.Td>
                    <Table.Td><Text size="sm">{clock(each.submitted_date, workspace.timeZone)}</Text><Text size="xs" c="dimmed">{each.user_name}</Text></Table.Td>
                    <Table.Td>{!OVER.has(each.status) && <Button size="compact-sm" variant="light" color="red" onClick={() => setStopping(each.name)}>{t("op.stop")}</Button>}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          <Pager page={page} size={SIZE} total={patches.data.total} onPage={(next) => change({ page: String(next) })} />
        </>
      )}
      {shown && <PatchDays patch={shown} />}
      {making && <NewPatch onClose={() => setMaking(false)} onMade={async (name) => { setMaking(false); change({ show: name, page: "0", name: "" }); await refresh(); }} />}
      <Confirm title={stopping && t("op.stop")} text={t("patch.stopAsk", { name: stopping ?? "" })} danger busy={stop.isPending} onConfirm={() => stopping && stop.mutate(stopping)} onClose={() => setStopping(null)} />
    </Page>
  );
}

const ORDER = ["fail", "running-exception", "manual-stop", "running", "waiting", "success"];

/** The worst state of each day's instances: what somebody has to look at first. */
export function worstByDay(instances: { planTime: number; status: string }[], zone: string): Map<string, { status: string; counts: Record<string, number> }> {
  const found = new Map<string, { status: string; counts: Record<string, number> }>();
  const rank = (status: string) => (ORDER.includes(status) ? ORDER.indexOf(status) : ORDER.length - 1.5);
  for (const { planTime, status } of instances) {
    const day = dayOf(planTime, zone);
    const known = found.get(day);
    if (!known) found.set(day, { status, counts: { [status]: 1 } });
    else {
      known.counts[status] = (known.counts[status] ?? 0) + 1;
      if (rank(status) < rank(known.status)) known.status = status;
    }
  }
  return found;
}

function PatchDays({ patch }: { patch: Patch }) {
  const t = useT();
  const { workspace } = useSession();
  const zone = workspace.timeZone;
  const job = patch.job_list[0] ?? "";
  const made = useQuery({
    queryKey: ["patch-days", workspace.id, patch.name, patch.status],
    // Listed by when they started, so the days since the request are the place to look.
    queryFn: ({ signal }) => get<Answers["listJobInstances"]>("/v1/{p}/jobs/instances/detail", { jobName: job, preciseQuery: true, instanceType: 5, minPlanTime: patch.submitted_date, maxPlanTime: patch.submitted_date + 7 * 86_400_000, limit: 1000 }, signal),
  });
  const own = (made.data?.instances ?? []).filter((each) => each.planTime >= patch.start_date && each.planTime <= patch.end_date);
  const days = worstByDay(own, zone);
  const [picked, setPicked] = useState("");
  const span = daysBetween(dayOf(patch.start_date, zone), dayOf(patch.end_date, zone));
  const states = [...own.reduce((found, each) => found.set(each.status, (found.get(each.status) ?? 0) + 1), new Map<string, number>())].sort(([a], [b]) => ORDER.indexOf(b) - ORDER.indexOf(a));
  const over = own.filter((each) => ENDED.has(each.status)).length;
  const ofDay = own.filter((each) => dayOf(each.planTime, zone) === picked).sort((one, other) => one.planTime - other.planTime);
  return (
    <Paper withBorder p="md" component="section" aria-label={t("patch.ofDays", { name: patch.name })}>
      <Group justify="space-between" mb="xs">
        <Text fw={600}>{t("patch.ofDays", { name: patch.name })}</Text>
        <Anchor component={Link} size="sm" href={`/instances?job=${encodeURIComponent(job)}&kind=5&hours=168`}>{t("patch.instances", { count: own.length })}</Anchor>
      </Group>
      {made.error ? <Problem error={made.error} /> : made.isPending ? <Waiting /> : (
        <Stack gap="sm">
          <Group gap="md">
            <Text size="sm" className="time">{t("patch.progress", { done: over, count: own.length })}</Text>
            {states.map(([state, count]) => <Text key={state} size="xs" c="dimmed"><span aria-hidden className="legend" style={{ background: look(state).color }} /> {count} {state}</Text>)}
          </Group>
          <div className="stacked" role="img" aria-label={states.map(([state, count]) => `${count} ${state}`).join(", ")}>
            {states.map(([state, count]) => <span key={state} style={{ width: `${(count / Math.max(1, own.length)) * 100}%`, background: look(state).color }} />)}
          </div>
          <Text size="xs" c="dimmed">{t("patch.dayHelp")}</Text>
          <Months
            months={monthsOf(span).slice(0, 24)}
            onDay={setPicked}
            look={(day) => {
              const found = days.get(day);
              if (!found) return { text: "", pressed: day === picked };
              return { color: look(found.status).color, text: Object.entries(found.counts).map(([status, count]) => `${count} ${stateName(t, status)}`).join(", "), pressed: day === picked };
            }}
          />
          {ofDay.length > 0 && (
            <Table verticalSpacing={4} className="dense" maw={900} aria-label={picked}>
              <Table.Thead><Table.Tr><Table.Th>{t("instances.planned")}</Table.Th><Table.Th>{t("instances.job")}</Table.Th><Table.Th>{t("common.status")}</Table.Th><Table.Th>{t("instances.started")}</Table.Th><Table.Th ta="right">{t("instances.took")}</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {ofDay.map((each) => (
                  <Table.Tr key={each.instanceId}>
                    <Table.Td className="time">{clock(each.planTime, zone)}</Table.Td>
                    <Table.Td><Anchor component={Link} size="sm" href={instancePath(each)}>{each.jobName} {each.instanceId}</Anchor></Table.Td>
                    <Table.Td><Status state={each.status} /></Table.Td>
                    <Table.Td className="time">{clock(each.startTime, zone)}</Table.Td>
                    <Table.Td className="time" ta="right"><Took start={each.startTime} end={each.endTime} over={ENDED.has(each.status)} /></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        </Stack>
      )}
    </Paper>
  );
}

function stamp(): string {
  return new Date().toISOString().replace(/\D/g, "").slice(0, 14);
}

function NewPatch({ onClose, onMade }: { onClose: () => void; onMade: (name: string) => void }) {
  const t = useT();
  const { workspace } = useSession();
  const zone = workspace.timeZone;
  const today = dayOf(Date.now(), zone);
  const [job, setJob] = useState("");
  const [name, setName] = useState("");
  const [how, setHow] = useState<"range" | "days">("range");
  const [from, setFrom] = useState(dayOf(Date.now() - 3 * 86_400_000, zone));
  const [to, setTo] = useState(dayOf(Date.now() - 86_400_000, zone));
  const [picked, setPicked] = useState<string[]>([]);
  const [parallel, setParallel] = useState(1);
  const [byDay, setByDay] = useState(false);
  const [stopOnFailure, setStopOnFailure] = useState(false);
  const [reverse, setReverse] = useState(false);
  const [others, setOthers] = useState<string[]>([]);
  const jobs = useQuery({ queryKey: ["jobs", workspace.id, "patch"], queryFn: ({ signal }) => get<{ jobs: JobItem[] }>("/v1/{p}/jobs", { limit: 100, jobType: "BATCH" }, signal) });
  const chosen = how === "range" ? daysBetween(from, to) : [...picked].sort();
  const make = useMutation({
    mutationFn: () =>
      post("/v2/{p}/factory/supplement-data", {
        name,
        job_name: job,
        start_date: patchDate(midnightOf(chosen[0]!, zone)),
        end_date: patchDate(midnightOf(nextDay(chosen.at(-1)!), zone) - 1000),
        parallel,
        is_day_granularity: byDay,
        is_stop_when_fail: byDay && stopOnFailure,
        reverse_order: reverse ? 1 : 0,
        ...(others.length ? { depend_jobs: others.map((each) => ({ job_name: each })) } : {}),
        ...(how === "days" ? { supplement_data_instance_time: { days: chosen } } : {}),
      } satisfies Bodies["createFactorySupplementDataInstance"]),
    onSuccess: () => {
      tellDone(t("patch.made", { name }));
      onMade(name);
    },
  });
  const toggle = (day: string) => setPicked(picked.includes(day) ? picked.filter((each) => each !== day) : [...picked, day]);
  return (
    <Modal opened onClose={onClose} title={t("patch.new")} size="lg">
      <Stack gap="sm">
        <JobPicker label={t("instances.job")} description={t("patch.jobHelp")} value={job} onChange={(next) => { setJob(next); setName(next ? `P_${next}_${stamp()}` : ""); }} />
        <MultiSelect searchable clearable label={t("patch.others")} description={t("patch.othersHelp")} data={jobs.data?.jobs.map((each) => each.name).filter((each) => each !== job) ?? []} value={others} onChange={setOthers} />
        <TextInput label={t("common.name")} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <SegmentedControl aria-label={t("patch.days")} value={how} onChange={(next) => setHow(next as "range" | "days")} data={[{ value: "range", label: t("patch.range") }, { value: "days", label: t("patch.single") }]} />
        {how === "range" ? (
          <Group grow>
            <TextInput type="date" label={t("schedule.start")} max={today} value={from} onChange={(event) => setFrom(event.currentTarget.value)} />
            <TextInput type="date" label={t("schedule.end")} max={today} value={to} onChange={(event) => setTo(event.currentTarget.value)} />
          </Group>
        ) : (
          <Months months={monthsOf(daysBetween(dayOf(Date.now() - 40 * 86_400_000, zone), today))} onDay={toggle} look={(day) => ({ pressed: picked.includes(day), text: "", color: picked.includes(day) ? "var(--mantine-primary-color-filled)" : undefined })} />
        )}
        <Text size="sm" c="dimmed">{t("patch.count", { count: chosen.length, zone })}</Text>
        <NumberInput label={t("patch.parallel")} description={t("patch.parallelHelp")} min={1} max={5} value={parallel} onChange={(next) => setParallel(Number(next) || 1)} />
        <Switch label={t("patch.byDay")} checked={byDay} onChange={(event) => setByDay(event.currentTarget.checked)} />
        <Switch label={t("patch.stopOnFailure")} disabled={!byDay} checked={byDay && stopOnFailure} onChange={(event) => setStopOnFailure(event.currentTarget.checked)} />
        <Switch label={t("patch.reverse")} checked={reverse} onChange={(event) => setReverse(event.currentTarget.checked)} />
        {make.error && <Problem error={make.error} />}
        <Group justify="flex-end"><Button variant="default" onClick={onClose}>{t("common.cancel")}</Button><Button disabled={!job || !name || !chosen.length} loading={make.isPending} onClick={() => make.mutate()}>{t("patch.create")}</Button></Group>
      </Stack>
    </Modal>
  );
}
