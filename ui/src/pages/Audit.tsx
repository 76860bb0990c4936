import { Badge, Button, Group, Table, Text, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { get } from "../api/http";
import { useSession } from "../api/session";
import { useT } from "../i18n";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
import { clock } from "../parts/time";
import { useFilters } from "../parts/useFilters";

interface AuditRecord {
  id: number;
  time: number;
  user_name: string;
  source: string;
  operation: string;
  object: string;
  outcome: string;
  message: string;
}

const DEFAULTS = { user: "", operation: "", object: "" };

export function Audit() {
  const t = useT();
  const { workspace } = useSession();
  const [filters, change] = useFilters(DEFAULTS);
  const records = useInfiniteQuery({
    queryKey: ["audit", workspace.id, filters],
    queryFn: ({ pageParam, signal }) =>
      get<{ records: AuditRecord[]; next_marker: string }>("/v1/{p}/audit", { user_name: filters.user, operation: filters.operation, object: filters.object, marker: pageParam, limit: 100 }, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_marker || undefined,
  });
  const shown = records.data?.pages.flatMap((page) => page.records) ?? [];
  return (
    <Page title={t("audit.title")} wide right={<>
      <TextInput size="sm" aria-label={t("audit.who")} placeholder={t("audit.who")} value={filters.user} onChange={(event) => change({ user: event.currentTarget.value })} />
      <TextInput size="sm" aria-label={t("audit.what")} placeholder={t("audit.what")} value={filters.operation} onChange={(event) => change({ operation: event.currentTarget.value })} />
      <TextInput size="sm" aria-label={t("audit.object")} placeholder={t("audit.object")} value={filters.object} onChange={(event) => change({ object: event.currentTarget.value })} />
    </>}>
      {records.error ? <Problem error={records.error} /> : records.isPending ? <Waiting /> : shown.length === 0 ? <Empty title={t("common.none")} /> : (
        <>
          <Table.ScrollContainer minWidth={800}>
            <Table verticalSpacing={5}>
              <Table.Thead><Table.Tr><Table.Th>{t("audit.when")}</Table.Th><Table.Th>{t("audit.who")}</Table.Th><Table.Th>{t("audit.what")}</Table.Th><Table.Th>{t("audit.object")}</Table.Th><Table.Th>{t("audit.outcome")}</Table.Th><Table.Th>{t("audit.source")}</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {shown.map((each) => (
                  <Table.Tr key={each.id}>
                    <Table.Td className="mono">{clock(each.time, workspace.timeZone)}</Table.Td>
                    <Table.Td>{each.user_name}</Table.Td>
                    <Table.Td>{each.operation}</Table.Td>
                    <Table.Td>{each.object}</Table.Td>
                    <Table.Td><Badge variant="light" tt="none" color={each.outcome === "success" ? "green" : "red"} styles={{ label: { color: "var(--mantine-color-text)" } }}>{each.outcome}</Badge>{each.message && <Text size="xs" c="dimmed">{each.message}</Text>}</Table.Td>
                    <Table.Td><Text size="xs" c="dimmed">{each.source}</Text></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          {records.hasNextPage && <Group justify="center"><Button variant="default" loading={records.isFetchingNextPage} onClick={() => void records.fetchNextPage()}>{t("common.next")}</Button></Group>}
        </>
      )}
    </Page>
  );
}
