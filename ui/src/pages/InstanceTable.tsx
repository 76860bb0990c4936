import { ActionIcon, Button, Group, MultiSelect, Select, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { IconRefresh, IconSearch } from "@tabler/icons-react";
import { memo, useCallback, useEffect, useMemo, useState } from "react";
import { Link } from "wouter";
import { get } from "../api/http";
import { useNews } from "../api/useNews";
import { useSession } from "../api/session";
import { type Answers, ENDED, type InstanceItem } from "../api/types";
import { type Key, type Translate, useT } from "../i18n";
import { Batch, instancePath } from "../monitor/Batch";
import { Live, Took } from "../monitor/Live";
import { Views } from "../monitor/Views";
import { midnightOf, nextDay } from "../parts/days";
import { Empty, Problem, Waiting } from "../parts/Page";
import { Pager } from "../parts/Pager";
import { stateName } from "../parts/states";
import { Status } from "../parts/Status";
import { tellError } from "../parts/tell";
import { clock, counted } from "../parts/time";
import { useFilters } from "../parts/useFilters";

const WEEK = 7 * 86_400_000;
const DEFAULTS = { job: "", status: "", hours: "24", kind: "", page: "0", size: "50" };
const SIZES = ["50", "100", "200", "500"];
const STATES = ["waiting", "waiting-confirm", "running", "running-exception", "pause", "success", "fail", "manual-stop", "freeze", "skip-by-depend"];
const DAY = /^\d{4}-\d\d-\d\d$/;
/** What the API answers at once, and what may be selected in all. */
const BULK = 1_000;
const MOST_CHOSEN = 10_000;

type List = Answers["listJobInstances"];

/** The API lists a week at a time: the last hours, (`w2`) the seven days that ended so many weeks ago, or one day. */
export function spanOf(asked: string, now: number, zone = "UTC"): [from: number, to: number] {
  if (DAY.test(asked)) return [midnightOf(asked, zone), midnightOf(nextDay(asked), zone) - 1];
  if (asked.startsWith("w")) {
    const to = now - (Number(asked.slice(1)) || 1) * WEEK;
    return [to - WEEK, to];
  }
  return [now - Math.min((Number(asked) || 24) * 3_600_000, WEEK), now];
}

export function InstanceTable({ job }: { job?: string }) {
  const t = useT();
  const { workspace } = useSession();
  const live = useNews("instances");
  const zone = workspace.timeZone;
  const [filters, change] = useFilters(DEFAULTS);
  const [named] = useDebouncedValue(filters.job, 250);
  const page = Number(filters.page) || 0;
  const size = Math.min(Number(filters.size) || 50, 500);
  const wanted = job ?? named;
  const [chosen, setChosen] = useState<ReadonlyMap<number, InstanceItem>>(new Map());
  const ask = useCallback(
    (limit: number, offset: number, signal?: AbortSignal) => {
      const [from, to] = spanOf(filters.hours, Date.now(), zone);
      return get<List>("/v1/{p}/jobs/instances/detail", { jobName: wanted, preciseQuery: job ? true : undefined, status: filters.status, instanceType: filters.kind, minPlanTime: from, maxPlanTime: to, limit, offset }, signal);
    },
    [wanted, job, filters.status, filters.kind, filters.hours, zone],
  );
  const instances = useQuery({
    queryKey: ["instances", workspace.id, wanted, Boolean(job), filters.status, filters.hours, filters.kind, page, size],
    queryFn: ({ signal }) => ask(size, page, signal),
    placeholderData: keepPreviousData,
  });
  const rows = useMemo(() => instances.data?.instances ?? [], [instances.data]);
  const total = instances.data?.total ?? 0;
  // Another question has other answers: nothing stays selected that can't be seen.
  useEffect(() => setChosen(new Map()), [workspace.id, wanted, filters.status, filters.hours, filters.kind]);
  const toggle = useCallback((item: InstanceItem) => {
    setChosen((before) => {
      const next = new Map(before);
      if (!next.delete(item.instanceId)) next.set(item.instanceId, item);
      return next;
    });
  }, []);
  const onPage = rows.filter((each) => chosen.has(each.instanceId)).length;
  const togglePage = () => {
    const next = new Map(chosen);
    for (const each of rows) if (onPage === rows.length) next.delete(each.instanceId);
    else next.set(each.instanceId, each);
    setChosen(next);
  };
  const chooseAll = async () => {
    try {
      const offsets = Array.from({ length: Math.ceil(Math.min(total, MOST_CHOSEN) / BULK) }, (_, offset) => offset);
      const found = await Promise.all(offsets.map((offset) => ask(BULK, offset)));
      setChosen(new Map(found.flatMap((each) => each.instances).map((each) => [each.instanceId, each])));
    } catch (error) {
      tellError(error);
    }
  };
  // What was selected a while ago may have gone on since.
  const current = useMemo(() => {
    const seen = new Map(rows.map((each) => [each.instanceId, each]));
    return [...chosen.values()].map((each) => seen.get(each.instanceId) ?? each);
  }, [chosen, rows]);
  const filtered = Object.entries(DEFAULTS).some(([name, value]) => name !== "page" && name !== "size" && filters[name as keyof typeof DEFAULTS] !== value);
  const day = DAY.test(filters.hours) ? filters.hours : "";
  return (
    <Stack gap="sm">
      <Group gap="xs">
        {!job && <TextInput w={180} aria-label={t("instances.job")} placeholder={t("instances.job")} leftSection={<IconSearch size={15} />} value={filters.job} onChange={(event) => change({ job: event.currentTarget.value, page: "0" })} />}
        <MultiSelect w={200} aria-label={t("common.status")} placeholder={filters.status ? undefined : t("common.status")} data={STATES.map((each) => ({ value: each, label: stateName(t, each) }))} value={filters.status ? filters.status.split(",") : []} onChange={(next) => change({ status: next.join(","), page: "0" })} clearable />
        <Select
          w={178}
          aria-label={t("instances.since")}
          allowDeselect={false}
          value={day ? "day" : filters.hours}
          data={[
            ...["1", "6", "24"].map((count) => ({ value: count, label: t("instances.hours", { count }) })),
            { value: "168", label: t("instances.days", { count: 7 }) },
            ...[1, 2, 3, 4, 8, 12].map((count) => ({ value: `w${count}`, label: t("instances.weeks", { count }) })),
            ...(day ? [{ value: "day", label: t("instances.day") }] : []),
          ]}
          onChange={(hours) => hours !== "day" && change({ hours: hours ?? "24", page: "0" })}
        />
        <TextInput type="date" w={135} aria-label={t("instances.day")} value={day} onChange={(event) => change({ hours: event.currentTarget.value || "24", page: "0" })} />
        <Select w={115} aria-label={t("instances.kind")} placeholder={t("instances.kind")} clearable value={filters.kind || null} data={["0", "2", "5", "6", "7"].map((kind) => ({ value: kind, label: t(`kind.${kind}` as Key) }))} onChange={(kind) => change({ kind: kind ?? "", page: "0" })} />
        {filtered && <Button variant="subtle" color="gray" px="xs" onClick={() => change({ ...DEFAULTS, size: filters.size })}>{t("instances.clear")}</Button>}
        <Group gap="sm" ml="auto" wrap="nowrap">
          <Live on={live} />
          {!job && <Views />}
          <ActionIcon variant="default" size="lg" aria-label={t("common.refresh")} loading={instances.isFetching && !instances.isPlaceholderData && !live} onClick={() => void instances.refetch()}><IconRefresh size={16} /></ActionIcon>
        </Group>
      </Group>
      {chosen.size > 0 && <Batch chosen={current} total={total} onAll={() => void chooseAll()} onNone={() => setChosen(new Map())} onDone={() => void instances.refetch()} />}
      {instances.error ? <Problem error={instances.error} retry={() => void instances.refetch()} /> : instances.isPending ? <Waiting /> : rows.length === 0 ? (
        <Empty title={t(filtered ? "instances.gone" : "instances.empty")} help={t(filtered ? "instances.goneHelp" : "instances.emptyHelp")} />
      ) : (
        <>
          <div className="list-box">
            <table className="list list-instances" aria-label={t("nav.instances")}>
              <thead>
                <tr>
                  <th style={{ width: 36 }}><Tick label={t("instances.choosePage")} checked={onPage > 0 && onPage === rows.length} some={onPage > 0 && onPage < rows.length} onChange={togglePage} /></th>
                  <th style={{ width: "28%" }}>{t("instances.job")}</th>
                  <th style={{ width: 150 }}>{t("common.status")}</th>
                  <th style={{ width: 150 }}>{t("instances.planned")}</th>
                  <th style={{ width: 150 }}>{t("instances.started")}</th>
                  <th style={{ width: 105, textAlign: "right" }}>{t("instances.took")}</th>
                  <th style={{ width: 110 }}>{t("instances.kind")}</th>
                  <th>{t("instances.message")}</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((each) => <Row key={each.instanceId} item={each} zone={zone} chosen={chosen.has(each.instanceId)} toggle={toggle} t={t} />)}
              </tbody>
            </table>
          </div>
          <Group justify="space-between">
            <Group gap="xs">
              <Text size="sm" c="dimmed">{t("instances.total", { count: counted(total) })}</Text>
              <Select size="xs" w={80} aria-label={t("instances.rows")} allowDeselect={false} data={SIZES} value={String(size)} onChange={(next) => change({ size: next ?? "50", page: "0" })} />
            </Group>
            <Pager page={page} size={size} total={total} onPage={(next) => change({ page: String(next) })} />
          </Group>
        </>
      )}
    </Stack>
  );
}

function Tick({ label, checked, some, onChange }: { label: string; checked: boolean; some?: boolean; onChange: () => void }) {
  return <input type="checkbox" className="tick" aria-label={label} checked={checked} ref={(box) => { if (box) box.indeterminate = some ?? false; }} onChange={onChange} />;
}

interface RowProps {
  item: InstanceItem;
  zone: string;
  chosen: boolean;
  toggle: (item: InstanceItem) => void;
  t: Translate;
}

/** Plain elements, drawn anew only when they have changed: a page of 500 stays quick to scroll and to select in. */
const Row = memo(
  function Row({ item, zone, chosen, toggle, t }: RowProps) {
    return (
      <tr data-chosen={chosen || undefined}>
        <td><Tick label={t("instances.choose", { name: `${item.jobName} ${item.instanceId}` })} checked={chosen} onChange={() => toggle(item)} /></td>
        <td className="list-job" title={item.jobName}><Link href={instancePath(item)} className="list-link">{item.jobName}</Link> <span className="mono faint">{item.instanceId}</span></td>
        <td><Status state={item.status} /></td>
        <td className="time">{clock(item.planTime, zone)}</td>
        <td className="time">{clock(item.startTime, zone)}</td>
        <td className="time" style={{ textAlign: "right" }}><Took start={item.startTime} end={item.endTime} over={ENDED.has(item.status)} /></td>
        <td className="faint">{t(`kind.${item.instanceType}` as Key)}</td>
        <td className="faint list-message" title={item.errorMessage}>{item.errorMessage}</td>
      </tr>
    );
  },
  (before, after) => before.chosen === after.chosen && before.zone === after.zone && before.toggle === after.toggle && before.t === after.t && same(before.item, after.item),
);

function same(a: InstanceItem, b: InstanceItem): boolean {
  return a.instanceId === b.instanceId && a.status === b.status && a.startTime === b.startTime && a.endTime === b.endTime && a.errorMessage === b.errorMessage;
}
