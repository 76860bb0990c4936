import { Badge, Button, Paper, Table, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get, put } from "../api/http";
import { useSession } from "../api/session";
import type { Answers } from "../api/types";
import { type Key, useT } from "../i18n";
import { Confirm } from "../parts/Confirm";
import { Problem, Waiting } from "../parts/Page";
import { tellError } from "../parts/tell";
import { clock, counted } from "../parts/time";

type Server = Answers["listServers"]["servers"][number];

const COLORS: Record<string, string> = { running: "--state-success", draining: "--state-pause", empty: "--state-waiting", gone: "--state-fail" };

export const useServers = () => useQuery({ queryKey: ["servers"], queryFn: ({ signal }) => get<Answers["listServers"]>("/v1/{p}/servers", undefined, signal) });

/** The servers that share the database, and what each has in hand. */
export function Servers() {
  const t = useT();
  const { session, workspace } = useSession();
  const [emptying, setEmptying] = useState<Server | null>(null);
  const found = useServers();
  const turn = useMutation({
    mutationFn: ([server, what]: [Server, "drain" | "resume"]) => put(`/v1/{p}/servers/${encodeURIComponent(server.name)}/${what}`),
    onSuccess: () => found.refetch(),
    onError: tellError,
    onSettled: () => setEmptying(null),
  });
  return (
    <Paper withBorder p="md">
      <Text fw={600} component="h2" size="md" m={0} mb="xs">{t("health.servers")}</Text>
      {found.error ? <Problem error={found.error} /> : !found.data ? <Waiting /> : (
        <Table.ScrollContainer minWidth={760}>
          <Table verticalSpacing={5} className="dense">
            <Table.Thead><Table.Tr><Table.Th>{t("common.name")}</Table.Th><Table.Th>{t("common.status")}</Table.Th><Table.Th>{t("health.serverRoles")}</Table.Th><Table.Th ta="right">{t("nav.instances")}</Table.Th><Table.Th ta="right">{t("health.serverLease")}</Table.Th><Table.Th>{t("health.since")}</Table.Th><Table.Th>{t("instance.version")}</Table.Th><Table.Th><span className="visually-hidden">{t("common.actions")}</span></Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>
              {found.data.servers.map((each) => (
                <Table.Tr key={each.name}>
                  <Table.Td fw={600}>{each.name} {each.answering && <Badge size="xs" variant="light">{t("health.answering")}</Badge>}<Text size="xs" c="dimmed" className="mono">{each.url}</Text></Table.Td>
                  <Table.Td><span className="status" style={{ "--state": `var(${COLORS[each.state] ?? "--state-waiting"})` } as React.CSSProperties}><span aria-hidden className="status-dot" />{t(`server.${each.state}` as Key)}</span></Table.Td>
                  <Table.Td>{each.roles.join(", ")}</Table.Td>
                  <Table.Td ta="right" className="time">{counted(each.instances)}</Table.Td>
                  <Table.Td ta="right" className="time">{each.leaseSeconds === null ? t("health.alone") : `${each.leaseSeconds.toFixed(1)} s`}</Table.Td>
                  <Table.Td className="time">{clock(each.since, workspace.timeZone)}</Table.Td>
                  <Table.Td>{each.version}</Table.Td>
                  <Table.Td ta="right">
                    {session.administrator && each.leaseSeconds !== null && each.state === "running" && <Button size="compact-sm" variant="subtle" onClick={() => setEmptying(each)}>{t("health.drain")}</Button>}
                    {session.administrator && (each.state === "draining" || each.state === "empty") && <Button size="compact-sm" variant="subtle" onClick={() => turn.mutate([each, "resume"])}>{t("health.resume")}</Button>}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Confirm title={emptying && t("health.drain")} text={t("health.drainAsk", { name: emptying?.name ?? "" })} busy={turn.isPending} onConfirm={() => emptying && turn.mutate([emptying, "drain"])} onClose={() => setEmptying(null)} />
    </Paper>
  );
}
