import { ActionIcon, Anchor, Badge, Button, Checkbox, Group, Menu, Modal, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconDots, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "wouter";
import { SecretOnce } from "../administer/SecretOnce";
import { get, post, put } from "../api/http";
import { useSession } from "../api/session";
import type { Answers } from "../api/types";
import { useT } from "../i18n";
import { Confirm } from "../parts/Confirm";
import { Page, Problem, Waiting } from "../parts/Page";
import { tellError } from "../parts/tell";
import { clock } from "../parts/time";

type User = Answers["listUsers"]["users"][number];
type Act = "disable" | "enable" | "rotate" | "password";

const ROLES = ["admin", "developer", "operator", "viewer", "deployer"];

export function Users() {
  const t = useT();
  const { workspace, session } = useSession();
  const client = useQueryClient();
  const [making, setMaking] = useState(false);
  const [sought, setSought] = useState("");
  const [asked, setAsked] = useState<[User, Act] | null>(null);
  const [secret, setSecret] = useState<[string, string][] | null>(null);
  const users = useQuery({ queryKey: ["users"], queryFn: ({ signal }) => get<Answers["listUsers"]>("/v1/{p}/users", undefined, signal), retry: false });
  const refresh = () => client.invalidateQueries({ queryKey: ["users"] });
  const role = useMutation({ mutationFn: ([user, next]: [User, string | null]) => put(`/v1/{p}/users/${user.id}/role`, { role: next }), onSuccess: refresh, onError: tellError });
  const act = useMutation({
    mutationFn: async ([user, what]: [User, Act]) => {
      const path = `/v1/{p}/users/${user.id}`;
      if (what === "rotate") {
        const key = await post<Answers["rotateAccessKey"]>(`${path}/access-keys`);
        setSecret([["Access Key Id", key.access_key], ["Secret Access Key", key.secret_key]]);
      } else if (what === "password") {
        const made = await post<Answers["resetPassword"]>(`${path}/password`);
        setSecret([[t("login.name"), user.name], [t("login.password"), made.password ?? ""]]);
      } else await post(`${path}/${what}`);
    },
    onSuccess: refresh,
    onError: tellError,
    onSettled: () => setAsked(null),
  });
  const shown = users.data?.users.filter((each) => each.name.toLowerCase().includes(sought.toLowerCase())) ?? [];
  return (
    <Page title={t("users.title")} wide right={<>
      <TextInput aria-label={t("common.search")} placeholder={t("common.search")} value={sought} onChange={(event) => setSought(event.currentTarget.value)} />
      <Button leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>{t("users.new")}</Button>
    </>}>
      {users.error ? <Problem error={users.error} /> : users.isPending ? <Waiting /> : (
        <Table.ScrollContainer minWidth={860}>
          <Table verticalSpacing="xs" highlightOnHover>
            <Table.Thead><Table.Tr><Table.Th>{t("common.name")}</Table.Th><Table.Th w={190}>{t("users.role")} ({workspace.name})</Table.Th><Table.Th>{t("users.workspaces")}</Table.Th><Table.Th>{t("users.key")}</Table.Th><Table.Th w={110}>{t("workspaces.made")}</Table.Th><Table.Th w={50}><span className="visually-hidden">{t("common.actions")}</span></Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>
              {shown.map((user) => (
                <Table.Tr key={user.id} style={user.enabled ? undefined : { opacity: 0.65 }}>
                  <Table.Td fw={600}>{user.name} {user.id === session.userId && <Anchor component={Link} size="xs" href="/account">{t("account.own")}</Anchor>} {!user.enabled && <Badge size="xs" variant="light" color="red" styles={{ label: { color: "var(--mantine-color-text)" } }}>{t("users.disabled")}</Badge>}</Table.Td>
                  <Table.Td>{user.administrator ? <Badge variant="light">{t("users.admin")}</Badge> : <Select size="xs" w={160} aria-label={`${t("users.role")} ${user.name}`} clearable placeholder={t("common.none")} data={ROLES} value={user.roles[workspace.id] ?? null} onChange={(next) => role.mutate([user, next])} />}</Table.Td>
                  <Table.Td><Text size="sm" c="dimmed">{session.workspaces.filter((each) => user.roles[each.id]).map((each) => `${each.name}: ${user.roles[each.id]}`).join(", ")}</Text></Table.Td>
                  <Table.Td><Text size="xs" className="mono">{user.access_keys.join(", ")}</Text></Table.Td>
                  <Table.Td><Text size="xs" c="dimmed" className="time">{clock(user.create_time, workspace.timeZone).slice(0, 10)}</Text></Table.Td>
                  <Table.Td>
                    <Menu position="bottom-end">
                      <Menu.Target><ActionIcon variant="subtle" color="gray" aria-label={`${t("common.actions")} ${user.name}`}><IconDots size={16} /></ActionIcon></Menu.Target>
                      <Menu.Dropdown>
                        <Menu.Item onClick={() => setAsked([user, "rotate"])}>{t("users.rotate")}</Menu.Item>
                        <Menu.Item onClick={() => setAsked([user, "password"])}>{t("users.password")}</Menu.Item>
                        <Menu.Item component={Link} href={`/audit?user=${encodeURIComponent(user.name)}`}>{t("users.audit")}</Menu.Item>
                        <Menu.Item color={user.enabled ? "red" : undefined} onClick={() => setAsked([user, user.enabled ? "disable" : "enable"])}>{t(user.enabled ? "users.disable" : "users.enable")}</Menu.Item>
                      </Menu.Dropdown>
                    </Menu>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {making && <NewUser onClose={() => setMaking(false)} onMade={async (user) => { setMaking(false); await refresh(); if (user.password) setSecret([[t("login.name"), user.name], [t("login.password"), user.password]]); }} />}
      <Confirm title={asked && t(`users.${asked[1]}`)} text={asked ? t(`users.${asked[1]}Ask`, { name: asked[0].name }) : ""} danger={asked?.[1] === "disable"} busy={act.isPending} onConfirm={() => asked && act.mutate(asked)} onClose={() => setAsked(null)} />
      <SecretOnce title={t("secret.title")} values={secret} onClose={() => setSecret(null)} />
    </Page>
  );
}

function NewUser({ onClose, onMade }: { onClose: () => void; onMade: (user: Answers["createUser"]) => void }) {
  const t = useT();
  const [name, setName] = useState("");
  const [administrator, setAdministrator] = useState(false);
  const make = useMutation({ mutationFn: () => post<Answers["createUser"]>("/v1/{p}/users", { name, administrator }), onSuccess: onMade });
  return (
    <Modal opened onClose={onClose} title={t("users.new")}>
      <form onSubmit={(event) => { event.preventDefault(); if (name) make.mutate(); }}>
        <Stack>
          <TextInput label={t("login.name")} maxLength={64} value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
          <Checkbox label={t("users.admin")} description={t("users.adminHelp")} checked={administrator} onChange={(event) => setAdministrator(event.currentTarget.checked)} />
          <Text size="sm" c="dimmed">{t("users.newHelp")}</Text>
          {make.error && <Problem error={make.error} />}
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>{t("common.cancel")}</Button><Button type="submit" disabled={!name} loading={make.isPending}>{t("common.save")}</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
