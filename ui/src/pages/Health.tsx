import { Alert, Anchor, Badge, Button, Group, List, Paper, Progress, SimpleGrid, Table, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { IconAlertTriangle, IconCircleCheck, IconRefresh } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { DaskSchedulers } from "../administer/DaskSchedulers";
import { Servers } from "../administer/Servers";
import { get } from "../api/http";
import { useSession } from "../api/session";
import type { Answers } from "../api/types";
import { useT } from "../i18n";
import { Page, Problem, Waiting } from "../parts/Page";
import { clock } from "../parts/time";

export function Health() {
  const t = useT();
  const { workspace } = useSession();
  // "Not ready" is an answer here, though its status is 503.
  const ready = useQuery({ queryKey: ["ready"], queryFn: async ({ signal }) => (await (await fetch("/readyz", { signal })).json()) as Answers["showReadiness"] });
  const scheduler = useQuery({ queryKey: ["scheduler", workspace.id], queryFn: ({ signal }) => get<Answers["showScheduler"]>("/v1/{p}/scheduler", undefined, signal) });
  const workers = useQuery({ queryKey: ["workers"], queryFn: ({ signal }) => get<Answers["listWorkers"]>("/v1/{p}/workers", undefined, signal), retry: false });
  const notices = useQuery({ queryKey: ["alerts", workspace.id, "health"], queryFn: ({ signal }) => get<Answers["listAlerts"]>("/v1/{p}/alerts", { limit: 1000 }, signal) });
  const client = useQueryClient();
  const refresh = () => {
    void client.invalidateQueries({ queryKey: ["servers"] });
    for (const each of [ready, scheduler, workers, notices]) void each.refetch();
  };
  const { catchUp } = scheduler.data ?? {};
  const states = new Map<string, number>();
  for (const each of notices.data?.alerts ?? []) states.set(each.state, (states.get(each.state) ?? 0) + 1);
  return (
    <Page title={t("health.title")} wide right={<Button variant="default" leftSection={<IconRefresh size={16} />} loading={ready.isFetching} onClick={refresh}>{t("common.refresh")}</Button>}>
      {ready.error ? <Problem error={ready.error} /> : !ready.data ? <Waiting /> : <Ready readiness={ready.data} />}
      <Servers />
      <DaskSchedulers />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Part title={t("health.scheduler")}>
          {scheduler.error ? <Problem error={scheduler.error} /> : !scheduler.data ? <Waiting /> : <>
            <Text size="sm">{t(scheduler.data.plansHere ? "health.plansHere" : "health.plansElsewhere")}</Text>
            <Text size="sm">{catchUp ? t("health.catchUp", { schedules: catchUp.schedules, made: catchUp.made, oldest: clock(catchUp.oldestPlanTime, workspace.timeZone) }) : t("health.noCatchUp")}</Text>
            {scheduler.data.leakedSlots > 0 && <Alert mt="xs" color="red" variant="light">{t("health.leaked", { count: scheduler.data.leakedSlots })}</Alert>}
          </>}
        </Part>
        <Part title={t("health.slots")}>
          {!scheduler.data ? <Waiting /> : scheduler.data.slots.length === 0 ? <Text size="sm" c="dimmed">{t("health.noSlots")}</Text> : (
            <Table>
              <Table.Thead><Table.Tr><Table.Th>{t("groups.one")}</Table.Th><Table.Th>{t("health.held")}</Table.Th><Table.Th>{t("health.waiting")}</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>{scheduler.data.slots.map((each) => <Table.Tr key={each.taskGroup}><Table.Td>{each.taskGroup || t("common.none")}</Table.Td><Table.Td>{each.held}</Table.Td><Table.Td>{each.waiting}</Table.Td></Table.Tr>)}</Table.Tbody>
            </Table>
          )}
        </Part>
        <Part title={t("health.notices")}>
          {notices.error ? <Problem error={notices.error} /> : !notices.data ? <Waiting /> : states.size === 0 ? <Text size="sm" c="dimmed">{t("alerts.none")}</Text> : (
            <Group gap="sm">{[...states].map(([state, count]) => <Badge key={state} variant="light" color="gray" styles={{ label: { color: "var(--mantine-color-text)" } }}>{state}: {count}</Badge>)}</Group>
          )}
          <Anchor component={Link} size="sm" href="/alerts">{t("nav.alerts")}</Anchor>
        </Part>
        <Part title={t("health.workers")}>
          {workers.error || (workers.data && !workers.data.groups.length && !workers.data.workers.length) ? <Text size="sm" c="dimmed">{t("health.noWorkers")}</Text> : !workers.data ? <Waiting /> : (
            <Table verticalSpacing={4} className="dense">
              <Table.Thead><Table.Tr><Table.Th>{t("health.worker")}</Table.Th><Table.Th>{t("health.groups")}</Table.Th><Table.Th w={160}>{t("health.load")}</Table.Th><Table.Th>{t("common.status")}</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {workers.data.workers.map((each) => (
                  <Table.Tr key={each.name}>
                    <Table.Td>{each.name} <Text span size="xs" c="dimmed">{each.version}</Text></Table.Td>
                    <Table.Td>{each.groups.join(", ")}</Table.Td>
                    <Table.Td><Group gap={6} wrap="nowrap"><Progress flex={1} value={(each.running / Math.max(1, each.slots)) * 100} aria-label={`${each.running} / ${each.slots}`} /><Text size="xs" className="time">{each.running} / {each.slots}</Text></Group></Table.Td>
                    <Table.Td>{each.state} <Text span size="xs" c="dimmed" className="time">{clock(each.lastSeen, workspace.timeZone)}</Text></Table.Td>
                  </Table.Tr>
                ))}
                {workers.data.groups.filter((each) => each.workers === 0).map((each) => <Table.Tr key={`group ${each.name}`}><Table.Td c="dimmed">{t("health.noWorker")}</Table.Td><Table.Td>{each.name}</Table.Td><Table.Td /><Table.Td /></Table.Tr>)}
              </Table.Tbody>
            </Table>
          )}
        </Part>
      </SimpleGrid>
    </Page>
  );
}

/** What keeps the server from its work, and what it lacks for a part of it: in its own words. */
function Ready({ readiness: { status, reasons = [], warnings = [] } }: { readiness: Answers["showReadiness"] }) {
  const t = useT();
  const ready = status === "ready";
  const told = (each: string[]) => <List size="sm">{each.map((one) => <List.Item key={one}>{one}</List.Item>)}</List>;
  return (
    <>
      {!ready && <Alert color="red" variant="light" icon={<IconAlertTriangle />} title={t("health.notReady")}>{told(reasons)}</Alert>}
      {warnings.length > 0 && <Alert color="orange" variant="light" role="status" icon={<IconAlertTriangle />} title={t("health.warnings")}>{told(warnings)}</Alert>}
      {ready && !warnings.length && <Alert color="green" variant="light" role="status" icon={<IconCircleCheck />}><Text size="sm">{t("health.ready")}</Text></Alert>}
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return <Paper withBorder p="md"><Text fw={600} component="h2" size="md" m={0} mb="xs">{title}</Text>{children}</Paper>;
}
