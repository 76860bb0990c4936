import { ActionIcon, Button, Group, Modal, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPencil, IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { get, post, put, remove } from "../api/http";
import { useSession } from "../api/session";
import { useT } from "../i18n";
import { Confirm } from "../parts/Confirm";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
import { tellError } from "../parts/tell";

interface Connection {
  name: string;
  type: string;
  config?: Record<string, unknown>;
  description?: string;
  [more: string]: unknown;
}

const FIELDS: Record<string, string[]> = {
  DWS: ["ip", "port", "userName", "password", "database", "sslEnable"],
  RDS: ["ip", "port", "userName", "password", "database", "driverName", "driverPath"],
  HOST: ["ip", "port", "userName", "password", "privateKey", "hostKey"],
  HIVE: ["clusterName", "connectionMethod", "ip", "port", "userName", "password", "database"],
  SparkSQL: ["clusterName", "connectionMethod", "ip", "port", "userName", "password", "database"],
  DLI: [],
  CloudTable: ["clusterName"],
};
const SECRET = /password|passphrase|secret|token|private/i;

export function Connections() {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const [edited, setEdited] = useState<{ connection: Connection; isNew: boolean } | null>(null);
  const [deleting, setDeleting] = useState<string | null>(null);
  const connections = useQuery({ queryKey: ["connections", workspace.id], queryFn: ({ signal }) => get<{ total: number; connections: Connection[] }>("/v1/{p}/connections", { limit: 100 }, signal) });
  const refresh = () => client.invalidateQueries({ queryKey: ["connections"] });
  const erase = useMutation({
    mutationFn: (name: string) => remove(`/v1/{p}/connections/${encodeURIComponent(name)}`),
    onSettled: () => setDeleting(null),
    onSuccess: refresh,
    onError: tellError,
  });
  const make = () => setEdited({ isNew: true, connection: { name: "", type: "DWS", config: { port: "5432", sslEnable: "false" } } });
  return (
    <Page title={t("connections.title")} right={<Button leftSection={<IconPlus size={16} />} onClick={make}>{t("connections.new")}</Button>}>
      {connections.error ? <Problem error={connections.error} /> : connections.isPending ? <Waiting /> : connections.data.total === 0 ? <Empty title={t("connections.empty")} help={t("connections.emptyHelp")} /> : (
        <Table verticalSpacing="xs">
          <Table.Thead><Table.Tr><Table.Th>{t("common.name")}</Table.Th><Table.Th>{t("common.type")}</Table.Th><Table.Th /><Table.Th w={80} /></Table.Tr></Table.Thead>
          <Table.Tbody>
            {connections.data.connections.map((each) => (
              <Table.Tr key={each.name}>
                <Table.Td fw={600}>{each.name}</Table.Td>
                <Table.Td>{each.type}</Table.Td>
                <Table.Td><Text size="sm" c="dimmed">{[each.config?.ip ?? each.config?.clusterName, each.config?.port].filter(Boolean).join(":")} {each.description}</Text></Table.Td>
                <Table.Td>
                  <Group gap={4} wrap="nowrap">
                    <ActionIcon variant="subtle" aria-label={`${t("job.node")} ${each.name}`} onClick={() => setEdited({ connection: each, isNew: false })}><IconPencil size={16} /></ActionIcon>
                    <ActionIcon variant="subtle" color="red" aria-label={`${t("common.delete")} ${each.name}`} onClick={() => setDeleting(each.name)}><IconTrash size={16} /></ActionIcon>
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {edited && <Form {...edited} onClose={() => setEdited(null)} onSaved={async () => { setEdited(null); await refresh(); }} />}
      <Confirm title={deleting ? t("common.delete") : null} text={deleting ?? ""} danger busy={erase.isPending} onConfirm={() => deleting && erase.mutate(deleting)} onClose={() => setDeleting(null)} />
    </Page>
  );
}

function Form({ connection, isNew, onClose, onSaved }: { connection: Connection; isNew: boolean; onClose: () => void; onSaved: () => void }) {
  const t = useT();
  const [given, setGiven] = useState(connection);
  const config = given.config ?? {};
  const fields = [...new Set([...(FIELDS[given.type] ?? []), ...Object.keys(config)])];
  const save = useMutation({
    mutationFn: () => {
      const body = { ...given, config: Object.fromEntries(Object.entries(config).filter(([, value]) => value !== "")) };
      return isNew ? post("/v1/{p}/connections", body) : put(`/v1/{p}/connections/${encodeURIComponent(connection.name)}`, body);
    },
    onSuccess: onSaved,
  });
  return (
    <Modal opened onClose={onClose} title={isNew ? t("connections.new") : connection.name} size="lg">
      <Stack gap="sm">
        <TextInput label={t("common.name")} value={given.name} disabled={!isNew} onChange={(event) => setGiven({ ...given, name: event.currentTarget.value })} data-autofocus />
        <Select label={t("common.type")} data={Object.keys(FIELDS)} value={given.type} disabled={!isNew} allowDeselect={false} onChange={(type) => type && setGiven({ ...given, type })} />
        {fields.map((name) => (
          <TextInput key={name} label={name} type={SECRET.test(name) ? "password" : "text"} autoComplete="off" value={String(config[name] ?? "")} onChange={(event) => setGiven({ ...given, config: { ...config, [name]: event.currentTarget.value } })} />
        ))}
        <Text size="xs" c="dimmed">{t("connections.secretHelp")}</Text>
        {save.error && <Problem error={save.error} />}
        <Group justify="flex-end"><Button variant="default" onClick={onClose}>{t("common.cancel")}</Button><Button loading={save.isPending} onClick={() => save.mutate()}>{t("common.save")}</Button></Group>
      </Stack>
    </Modal>
  );
}
