import { ActionIcon, Anchor, Group, MultiSelect, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { IconRefresh, IconSearch } from "@tabler/icons-react";
import { Link } from "wouter";
import { get } from "../api/http";
import { useNews } from "../api/useNews";
import { useSession } from "../api/session";
import type { InstanceItem } from "../api/types";
import { type Key, useT } from "../i18n";
import { Empty, Problem, Waiting } from "../parts/Page";
import { Pager } from "../parts/Pager";
import { Status } from "../parts/Status";
import { clock, span } from "../parts/time";
import { useFilters } from "../parts/useFilters";

const SIZE = 50;
const WEEK = 7 * 86_400_000;
const DEFAULTS = { job: "", status: "", hours: "24", kind: "", page: "0" };
const STATES = ["waiting", "waiting-confirm", "running", "running-exception", "pause", "success", "fail", "manual-stop", "freeze", "skip-by-depend"];

/** The API lists a week at a time: the last hours, or (`w2`) the seven days that ended so many weeks ago. */
export function spanOf(asked: string, now: number): [from: number, to: number] {
  if (asked.startsWith("w")) {
    const to = now - (Number(asked.slice(1)) || 1) * WEEK;
    return [to - WEEK, to];
  }
  return [now - Math.min((Number(asked) || 24) * 3_600_000, WEEK), now];
}

const stamp = (ms: number, zone: string) => clock(ms, zone);

export function InstanceTable({ job }: { job?: string }) {
  const t = useT();
  const { workspace } = useSession();
  useNews("instances");
  const [filters, change] = useFilters(DEFAULTS);
  const [named] = useDebouncedValue(filters.job, 250);
  const page = Number(filters.page) || 0;
  const wanted = job ?? named;
  const instances = useQuery({
    queryKey: ["instances", workspace.id, wanted, Boolean(job), filters.status, filters.hours, filters.kind, page],
    queryFn: ({ signal }) => {
      const [from, to] = spanOf(filters.hours, Date.now());
      return get<{ total: number; instances: InstanceItem[] }>(
        "/v1/{p}/jobs/instances/detail",
        { jobName: wanted, preciseQuery: job ? true : undefined, status: filters.status, instanceType: filters.kind, minPlanTime: from, maxPlanTime: to, limit: SIZE, offset: page },
        signal,
      );
    },
    placeholderData: keepPreviousData,
  });
  return (
    <Stack gap="sm">
      <Group gap="sm">
        {!job && <TextInput size="sm" w={260} aria-label={t("instances.job")} placeholder={t("instances.job")} leftSection={<IconSearch size={15} />} value={filters.job} onChange={(event) => change({ job: event.currentTarget.value, page: "0" })} />}
        <MultiSelect size="sm" w={300} aria-label={t("common.status")} placeholder={filters.status ? undefined : t("common.status")} data={STATES} value={filters.status ? filters.status.split(",") : []} onChange={(next) => change({ status: next.join(","), page: "0" })} clearable />
        <Select
          size="sm"
          w={170}
          aria-label={t("instances.since")}
          allowDeselect={false}
          value={filters.hours}
          data={[
            ...["1", "6", "24"].map((count) => ({ value: count, label: t("instances.hours", { count }) })),
            { value: "168", label: t("instances.days", { count: 7 }) },
            ...[1, 2, 3, 4, 8, 12].map((count) => ({ value: `w${count}`, label: t("instances.weeks", { count }) })),
          ]}
          onChange={(hours) => change({ hours: hours ?? "24", page: "0" })}
        />
        <Select size="sm" w={150} aria-label={t("instances.kind")} placeholder={t("instances.kind")} clearable value={filters.kind || null} data={["0", "2", "5", "6", "7"].map((kind) => ({ value: kind, label: t(`kind.${kind}` as Key) }))} onChange={(kind) => change({ kind: kind ?? "", page: "0" })} />
        <ActionIcon variant="default" size="lg" aria-label={t("common.refresh")} loading={instances.isFetching} onClick={() => void instances.refetch()}><IconRefresh size={16} /></ActionIcon>
      </Group>
      {instances.error ? <Problem error={instances.error} retry={() => void instances.refetch()} /> : instances.isPending ? <Waiting /> : instances.data.instances.length === 0 ? <Empty title={t("instances.empty")} help={t("instances.emptyHelp")} /> : (
        <>
          <Table.ScrollContainer minWidth={760}>
            <Table highlightOnHover verticalSpacing={6}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("instances.job")}</Table.Th>
                  <Table.Th>{t("common.status")}</Table.Th>
                  <Table.Th>{t("instances.planned")}</Table.Th>
                  <Table.Th>{t("instances.started")}</Table.Th>
                  <Table.Th>{t("instances.took")}</Table.Th>
                  <Table.Th>{t("instances.kind")}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {instances.data.instances.map((each) => (
                  <Table.Tr key={each.instanceId}>
                    <Table.Td>
                      <Anchor component={Link} href={`/instances/${encodeURIComponent(each.jobName)}/${each.instanceId}`} fw={600}>{each.jobName}</Anchor>
                      <Text size="xs" c="dimmed" className="mono">{each.instanceId}</Text>
                    </Table.Td>
                    <Table.Td><Status state={each.status} /></Table.Td>
                    <Table.Td>{stamp(each.planTime, workspace.timeZone)}</Table.Td>
                    <Table.Td>{each.startTime ? stamp(each.startTime, workspace.timeZone) : ""}</Table.Td>
                    <Table.Td>{span(each.executeTime ?? (each.startTime ? (each.endTime ?? Date.now()) - each.startTime : undefined))}</Table.Td>
                    <Table.Td><Text size="sm" c="dimmed">{t(`kind.${each.instanceType}` as Key) ?? each.instanceType}</Text></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          <Pager page={page} size={SIZE} total={instances.data.total} onPage={(next) => change({ page: String(next) })} />
        </>
      )}
    </Stack>
  );
}
