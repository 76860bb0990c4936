import { Autocomplete, Badge, Button, Group, Switch, Table, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import { csv, save } from "../administer/csv";
import { get } from "../api/http";
import { useSession } from "../api/session";
import type { Answers, Queries } from "../api/types";
import { useT } from "../i18n";
import { midnightOf, nextDay } from "../parts/days";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
import { tellError } from "../parts/tell";
import { clock } from "../parts/time";
import { useFilters } from "../parts/useFilters";

type AuditPage = Answers["listAudit"];

const DEFAULTS = { user: "", operation: "", object: "", outcome: "", from: "", to: "", installation: "" };
const PAGE = 100;
const MOST_SAVED = 20_000;
const COLUMNS = ["time", "user_name", "operation", "object", "outcome", "message", "source", "request_id"] as const;

export function Audit() {
  const t = useT();
  const { workspace, session } = useSession();
  const zone = workspace.timeZone;
  const [filters, change] = useFilters(DEFAULTS);
  const [asked] = useDebouncedValue(filters, 250);
  const [saving, setSaving] = useState(false);
  const query = (marker: string, limit: number) =>
    ({
      user: asked.user,
      operation: asked.operation,
      object: asked.object,
      outcome: asked.outcome,
      from: asked.from ? midnightOf(asked.from, zone) : undefined,
      to: asked.to ? midnightOf(nextDay(asked.to), zone) - 1 : undefined,
      installation: asked.installation === "1" ? true : undefined,
      marker,
      limit,
    }) satisfies Queries["listAudit"];
  const records = useInfiniteQuery({
    queryKey: ["audit", workspace.id, asked],
    queryFn: ({ pageParam, signal }) => get<AuditPage>("/v1/{p}/audit", query(pageParam, PAGE), signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_marker || undefined,
  });
  const shown = records.data?.pages.flatMap((page) => page.records) ?? [];
  const download = async () => {
    setSaving(true);
    try {
      const rows: AuditPage["records"] = [];
      let marker = "";
      do {
        const page = await get<AuditPage>("/v1/{p}/audit", query(marker, 1_000));
        rows.push(...page.records);
        marker = page.next_marker;
      } while (marker && rows.length < MOST_SAVED);
      save(`audit-${workspace.name}.csv`, csv([...COLUMNS], rows.map((each) => COLUMNS.map((name) => (name === "time" ? new Date(each.time).toISOString() : each[name])))));
    } catch (error) {
      tellError(error);
    }
    setSaving(false);
  };
  const field = (name: "user" | "operation" | "object", text: string) => <TextInput w={150} aria-label={text} placeholder={text} value={filters[name]} onChange={(event) => change({ [name]: event.currentTarget.value })} />;
  return (
    <Page title={t("audit.title")} wide right={<Button variant="default" leftSection={<IconDownload size={16} />} loading={saving} onClick={() => void download()}>{t("audit.export")}</Button>}>
      <Group gap="xs">
        {field("user", t("audit.who"))}
        {field("operation", t("audit.what"))}
        {field("object", t("audit.object"))}
        <Autocomplete w={140} aria-label={t("audit.outcome")} placeholder={t("audit.outcome")} data={["success"]} value={filters.outcome} onChange={(outcome) => change({ outcome })} />
        <TextInput type="date" w={140} aria-label={t("schedule.start")} value={filters.from} max={filters.to || undefined} onChange={(event) => change({ from: event.currentTarget.value })} />
        <Text size="sm" c="dimmed">–</Text>
        <TextInput type="date" w={140} aria-label={t("schedule.end")} value={filters.to} min={filters.from || undefined} onChange={(event) => change({ to: event.currentTarget.value })} />
        {session.administrator && <Switch label={t("audit.installation")} checked={filters.installation === "1"} onChange={(event) => change({ installation: event.currentTarget.checked ? "1" : "" })} />}
        {Object.values(filters).some(Boolean) && <Button variant="subtle" color="gray" px="xs" onClick={() => change(DEFAULTS)}>{t("instances.clear")}</Button>}
      </Group>
      {records.error ? <Problem error={records.error} /> : records.isPending ? <Waiting /> : shown.length === 0 ? <Empty title={t("audit.none")} help={t("audit.noneHelp")} /> : (
        <>
          <Table.ScrollContainer minWidth={860}>
            <Table verticalSpacing={4} className="dense" highlightOnHover>
              <Table.Thead><Table.Tr><Table.Th w={165}>{t("audit.when")}</Table.Th><Table.Th>{t("audit.who")}</Table.Th><Table.Th>{t("audit.what")}</Table.Th><Table.Th>{t("audit.object")}</Table.Th><Table.Th>{t("audit.outcome")}</Table.Th><Table.Th>{t("audit.source")}</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {shown.map((each) => (
                  <Table.Tr key={each.id}>
                    <Table.Td className="time">{clock(each.time, zone)}</Table.Td>
                    <Table.Td>{each.user_name}</Table.Td>
                    <Table.Td>{each.operation}</Table.Td>
                    <Table.Td style={{ overflowWrap: "anywhere" }}>{each.object}</Table.Td>
                    <Table.Td><Badge size="sm" variant="light" color={each.outcome === "success" ? "green" : "red"} styles={{ label: { color: "var(--mantine-color-text)" } }}>{each.outcome}</Badge>{each.message && <Text size="xs" c="dimmed" lineClamp={2} title={each.message}>{each.message}</Text>}</Table.Td>
                    <Table.Td><Text size="xs" c="dimmed">{each.source}</Text></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          {records.hasNextPage && <Group justify="center"><Button variant="default" loading={records.isFetchingNextPage} onClick={() => void records.fetchNextPage()}>{t("audit.more")}</Button></Group>}
        </>
      )}
    </Page>
  );
}
