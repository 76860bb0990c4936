import { ActionIcon, Autocomplete, Button, Group, Paper, Select, Table, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { get, post, put } from "../api/http";
import { useSession } from "../api/session";
import type { Answers } from "../api/types";
import { useT } from "../i18n";
import { Confirm } from "../parts/Confirm";
import { FormDialog } from "../parts/FormDialog";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
import { tellDone, tellError } from "../parts/tell";

type Member = Answers["listWorkspaceusers"]["data"][number];

/** Who may do what in the workspace. */
export function Members() {
  const t = useT();
  const { workspace, session } = useSession();
  const client = useQueryClient();
  const [adding, setAdding] = useState<{ name: string; role: string } | null>(null);
  const [leaving, setLeaving] = useState<Member | null>(null);
  const path = `/v2/{p}/${workspace.id}/users`;
  const members = useQuery({ queryKey: ["members", workspace.id], queryFn: ({ signal }) => get<Answers["listWorkspaceusers"]>(path, { limit: 1000 }, signal) });
  const roles = useQuery({ queryKey: ["roles"], staleTime: Infinity, queryFn: ({ signal }) => get<Answers["listWorkspaceRoles"]>("/v2/{p}/users/role", undefined, signal) });
  // Only administrators of the installation learn who there is.
  const users = useQuery({ queryKey: ["users"], enabled: session.administrator, queryFn: ({ signal }) => get<Answers["listUsers"]>("/v1/{p}/users", undefined, signal) });
  const refresh = () => client.invalidateQueries({ predicate: ({ queryKey }) => ["members", "users", "workspaces"].includes(String(queryKey[0])) });
  const change = useMutation({ mutationFn: ([member, role]: [Member, string]) => put(`${path}/${member.user_id}`, { roles_ids: [{ role_id: role }] }), onSuccess: refresh, onError: tellError });
  const leave = useMutation({
    mutationFn: (member: Member) => post(`/v2/{p}/${workspace.id}/delete-users`, { user_ids: [member.user_id] }),
    onSuccess: async (_, member) => {
      tellDone(t("members.left", { name: member.user_name, workspace: workspace.name }));
      await refresh();
    },
    onError: tellError,
    onSettled: () => setLeaving(null),
  });
  const words = roles.data?.map((each) => each.role_id as string) ?? [];
  const own = new Set(members.data?.data.map((each) => each.user_name));
  return (
    <Page title={t("members.title", { workspace: workspace.name })} right={<Button leftSection={<IconPlus size={16} />} onClick={() => setAdding({ name: "", role: "developer" })}>{t("members.add")}</Button>}>
      {members.error ? <Problem error={members.error} /> : members.isPending ? <Waiting /> : members.data.data.length === 0 ? <Empty title={t("members.none")} help={t("members.noneHelp")} /> : (
        <Table verticalSpacing="xs" maw={800}>
          <Table.Thead><Table.Tr><Table.Th>{t("common.name")}</Table.Th><Table.Th w={200}>{t("users.role")}</Table.Th><Table.Th w={60}><span className="visually-hidden">{t("common.actions")}</span></Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {members.data.data.map((each) => (
              <Table.Tr key={each.user_id}>
                <Table.Td fw={600}>{each.user_name} {each.domain_owner && <Text span size="xs" c="dimmed">{t("users.admin")}</Text>}</Table.Td>
                <Table.Td><Select size="xs" aria-label={`${t("users.role")} ${each.user_name}`} allowDeselect={false} data={words} value={each.roles[0]?.role_id ?? null} onChange={(role) => role && change.mutate([each, role])} /></Table.Td>
                <Table.Td><ActionIcon variant="subtle" color="red" aria-label={t("members.remove", { name: each.user_name })} onClick={() => setLeaving(each)}><IconTrash size={16} /></ActionIcon></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {roles.data && (
        <Paper withBorder p="md" maw={800}>
          <Text fw={600} component="h2" size="md" m={0} mb="xs">{t("members.roles")}</Text>
          {roles.data.map((each) => <Group key={each.role_id} gap="sm" wrap="nowrap" align="flex-start" mb={4}><Text size="sm" w={90} fw={600} style={{ flex: "none" }}>{each.role_name}</Text><Text size="sm" c="dimmed">{each.description}</Text></Group>)}
        </Paper>
      )}
      {adding && (
        <FormDialog title={t("members.add")} ready={adding.name.trim() !== ""} save={() => post(path, { user_ids: [{ user_name: adding.name.trim() }], roles_ids: [{ role_id: adding.role }] })} onClose={() => setAdding(null)} onSaved={() => { setAdding(null); void refresh(); }}>
          <Autocomplete label={t("login.name")} required data={users.data?.users.map((each) => each.name).filter((each) => !own.has(each)) ?? []} value={adding.name} onChange={(name) => setAdding({ ...adding, name })} data-autofocus />
          <Select label={t("users.role")} allowDeselect={false} data={words} value={adding.role} onChange={(role) => role && setAdding({ ...adding, role })} />
        </FormDialog>
      )}
      <Confirm title={leaving && t("members.remove", { name: leaving.user_name })} text={t("members.removeAsk", { name: leaving?.user_name ?? "", workspace: workspace.name })} danger busy={leave.isPending} onConfirm={() => leaving && leave.mutate(leaving)} onClose={() => setLeaving(null)} />
    </Page>
  );
}
