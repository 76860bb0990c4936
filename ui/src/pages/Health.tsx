import { Alert, Button, List, Paper, SimpleGrid, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconCircleCheck, IconRefresh } from "@tabler/icons-react";
import { get } from "../api/http";
import { useSession } from "../api/session";
import { useT } from "../i18n";
import { Page, Problem, Waiting } from "../parts/Page";
import { clock } from "../parts/time";

interface Ready {
  status: string;
  reasons?: string[];
}

interface Scheduler {
  plansHere: boolean;
  slots: { taskGroup: string; held: number; waiting: number }[];
  leakedSlots: number;
  catchUp?: { schedules: number; oldestPlanTime: number; since: number; made: number };
}

export function Health() {
  const t = useT();
  const { workspace } = useSession();
  // "Not ready" is an answer here, though its status is 503.
  const ready = useQuery({ queryKey: ["ready"], queryFn: async ({ signal }) => (await (await fetch("/readyz", { signal })).json()) as Ready });
  const scheduler = useQuery({ queryKey: ["scheduler", workspace.id], queryFn: ({ signal }) => get<Scheduler>("/v1/{p}/scheduler", undefined, signal) });
  const refresh = () => {
    void ready.refetch();
    void scheduler.refetch();
  };
  const { catchUp } = scheduler.data ?? {};
  return (
    <Page title={t("health.title")} right={<Button variant="default" leftSection={<IconRefresh size={16} />} loading={ready.isFetching} onClick={refresh}>{t("common.refresh")}</Button>}>
      {ready.error ? <Problem error={ready.error} /> : !ready.data ? <Waiting /> : ready.data.status === "ready" ? (
        <Alert color="green" variant="light" icon={<IconCircleCheck />} ><Text size="sm">{t("health.ready")}</Text></Alert>
      ) : (
        <Alert color="red" variant="light" title={t("health.notReady")}><List size="sm">{ready.data.reasons?.map((each) => <List.Item key={each}>{each}</List.Item>)}</List></Alert>
      )}
      {scheduler.error ? <Problem error={scheduler.error} /> : !scheduler.data ? <Waiting /> : (
        <SimpleGrid cols={{ base: 1, md: 2 }}>
          <Paper withBorder p="md">
            <Text fw={600} mb="xs">{t("health.scheduler")}</Text>
            <Text size="sm">{t(scheduler.data.plansHere ? "health.plansHere" : "health.plansElsewhere")}</Text>
            <Text size="sm">{catchUp ? t("health.catchUp", { schedules: catchUp.schedules, made: catchUp.made, oldest: clock(catchUp.oldestPlanTime, workspace.timeZone) }) : t("health.noCatchUp")}</Text>
            {scheduler.data.leakedSlots > 0 && <Alert mt="xs" color="red" variant="light">{t("health.leaked", { count: scheduler.data.leakedSlots })}</Alert>}
          </Paper>
          <Paper withBorder p="md">
            <Text fw={600} mb="xs">{t("health.slots")}</Text>
            {scheduler.data.slots.length === 0 ? <Text size="sm" c="dimmed">{t("health.noSlots")}</Text> : (
              <Table>
                <Table.Thead><Table.Tr><Table.Th>{t("groups.one")}</Table.Th><Table.Th>{t("health.held")}</Table.Th><Table.Th>{t("health.waiting")}</Table.Th></Table.Tr></Table.Thead>
                <Table.Tbody>{scheduler.data.slots.map((each) => <Table.Tr key={each.taskGroup}><Table.Td>{each.taskGroup || t("common.none")}</Table.Td><Table.Td>{each.held}</Table.Td><Table.Td>{each.waiting}</Table.Td></Table.Tr>)}</Table.Tbody>
              </Table>
            )}
          </Paper>
        </SimpleGrid>
      )}
    </Page>
  );
}
