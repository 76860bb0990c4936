import { Alert, Badge, Button, Checkbox, Code, Group, Modal, Select, Stack, Table, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { get, post, put } from "../api/http";
import { useSession } from "../api/session";
import { useT } from "../i18n";
import { Page, Problem, Waiting } from "../parts/Page";
import { tellError } from "../parts/tell";
import { clock } from "../parts/time";

interface User {
  id: string;
  name: string;
  enabled: boolean;
  administrator: boolean;
  create_time: number;
  roles: Record<string, string>;
  access_keys: string[];
  password?: string;
}

const ROLES = ["admin", "developer", "operator", "viewer", "deployer"];

export function Users() {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<[string, string][] | null>(null);
  const users = useQuery({ queryKey: ["users"], queryFn: ({ signal }) => get<{ users: User[] }>("/v1/{p}/users", undefined, signal) });
  const refresh = () => client.invalidateQueries({ queryKey: ["users"] });
  const act = useMutation({ mutationFn: ([user, what]: [User, "disable" | "enable"]) => post(`/v1/{p}/users/${user.id}/${what}`), onSuccess: refresh, onError: tellError });
  const role = useMutation({ mutationFn: ([user, next]: [User, string | null]) => put(`/v1/{p}/users/${user.id}/role`, { role: next }), onSuccess: refresh, onError: tellError });
  const rotate = useMutation({
    mutationFn: (user: User) => post<{ access_key: string; secret_key: string }>(`/v1/{p}/users/${user.id}/access-keys`),
    onSuccess: async (key) => {
      setSecret([["Access Key Id", key.access_key], ["Secret Access Key", key.secret_key]]);
      await refresh();
    },
    onError: tellError,
  });
  return (
    <Page title={t("users.title")} right={<Button leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>{t("users.new")}</Button>}>
      {users.error ? <Problem error={users.error} /> : users.isPending ? <Waiting /> : (
        <Table.ScrollContainer minWidth={760}>
          <Table verticalSpacing="xs">
            <Table.Thead><Table.Tr><Table.Th>{t("common.name")}</Table.Th><Table.Th>{t("users.role")} ({workspace.name})</Table.Th><Table.Th>{t("users.enabled")}</Table.Th><Table.Th /></Table.Tr></Table.Thead>
            <Table.Tbody>
              {users.data.users.map((user) => (
                <Table.Tr key={user.id}>
                  <Table.Td fw={600}>{user.name} <Badge size="xs" variant="light" color="gray" tt="none">{clock(user.create_time, workspace.timeZone).slice(0, 10)}</Badge></Table.Td>
                  <Table.Td>{user.administrator ? <Badge variant="light" tt="none">{t("users.admin")}</Badge> : <Select size="xs" w={150} aria-label={`${t("users.role")} ${user.name}`} clearable placeholder={t("common.none")} data={ROLES} value={user.roles[workspace.id] ?? null} onChange={(next) => role.mutate([user, next])} />}</Table.Td>
                  <Table.Td>{user.enabled ? t("common.yes") : t("common.no")}</Table.Td>
                  <Table.Td>
                    <Group gap="xs" justify="flex-end">
                      <Button size="compact-sm" variant="subtle" onClick={() => rotate.mutate(user)}>{t("users.rotate")}</Button>
                      <Button size="compact-sm" variant="subtle" color={user.enabled ? "red" : undefined} onClick={() => act.mutate([user, user.enabled ? "disable" : "enable"])}>{user.enabled ? t("users.disable") : t("users.enable")}</Button>
                    </Group>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {making && <NewUser onClose={() => setMaking(false)} onMade={async (user) => { setMaking(false); await refresh(); if (user.password) setSecret([[t("login.name"), user.name], [t("login.password"), user.password]]); }} />}
      <Modal opened={secret !== null} onClose={() => setSecret(null)} title={t("users.rotate")}>
        <Stack>
          <Alert color="orange" variant="light">{t("users.secretOnce")}</Alert>
          {secret?.map(([name, value]) => <TextInput key={name} label={name} value={value} readOnly classNames={{ input: "mono" }} />)}
          <Code block>{secret?.map(([name, value]) => `${name}: ${value}`).join("\n")}</Code>
        </Stack>
      </Modal>
    </Page>
  );
}

function NewUser({ onClose, onMade }: { onClose: () => void; onMade: (user: User) => void }) {
  const t = useT();
  const [name, setName] = useState("");
  const [administrator, setAdministrator] = useState(false);
  const make = useMutation({ mutationFn: () => post<User>("/v1/{p}/users", { name, administrator }), onSuccess: onMade });
  return (
    <Modal opened onClose={onClose} title={t("users.new")}>
      <Stack>
        <TextInput label={t("login.name")} value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Checkbox label={t("users.admin")} checked={administrator} onChange={(event) => setAdministrator(event.currentTarget.checked)} />
        {make.error && <Problem error={make.error} />}
        <Button disabled={!name} loading={make.isPending} onClick={() => make.mutate()}>{t("common.save")}</Button>
      </Stack>
    </Modal>
  );
}
