import { Paper, Table, Text } from "@mantine/core";
import type { CSSProperties } from "react";
import { useT } from "../i18n";
import { useServers } from "./Servers";

/** By which Dask schedulers the servers reach workers, and what waits while one is away. Nothing where there are none. */
export function DaskSchedulers() {
  const t = useT();
  const servers = useServers();
  const rows = (servers.data?.servers ?? []).filter((each) => each.state !== "gone").flatMap((server) => server.daskSchedulers.map((way) => ({ server: server.name, ...way })));
  if (!rows.length) return null;
  const groups = (named: string[], others: boolean) => [...named, ...(others ? [t(named.length ? "health.daskOthers" : "health.daskAll")] : [])].join(", ");
  return (
    <Paper withBorder p="md">
      <Text fw={600} component="h2" size="md" m={0}>{t("health.dask")}</Text>
      <Text size="sm" c="dimmed" mb="xs">{t("health.daskHelp")}</Text>
      <Table.ScrollContainer minWidth={620}>
        <Table verticalSpacing={5} className="dense">
          <Table.Thead><Table.Tr><Table.Th>{t("health.daskAddress")}</Table.Th><Table.Th>{t("health.groups")}</Table.Th><Table.Th>{t("health.daskServer")}</Table.Th><Table.Th>{t("common.status")}</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {rows.map((each) => (
              <Table.Tr key={`${each.server} ${each.url}`}>
                <Table.Td className="mono">{each.url}</Table.Td>
                <Table.Td>{groups(each.groups, each.others)}</Table.Td>
                <Table.Td>{each.server}</Table.Td>
                <Table.Td>
                  <span className="status" style={{ "--state": `var(${each.connected ? "--state-success" : "--state-fail"})` } as CSSProperties}><span aria-hidden className="status-dot" />{t(each.connected ? "health.daskConnected" : "health.daskAway")}</span>
                  {!each.connected && <Text size="xs" c="dimmed" mt={4} maw={420}>{t("health.daskWhy")}</Text>}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}
