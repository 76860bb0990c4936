import { Badge, Button, Group, Paper, Table, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { SecretOnce } from "../administer/SecretOnce";
import { get, post, remove } from "../api/http";
import { useSession } from "../api/session";
import type { Answers } from "../api/types";
import { useT } from "../i18n";
import { Confirm } from "../parts/Confirm";
import { Page, Problem, Waiting } from "../parts/Page";
import { tellError } from "../parts/tell";
import { clock } from "../parts/time";

type Token = Answers["listUserTokens"]["tokens"][number];

/** What one may log in with: access key and tokens. */
export function Account() {
  const t = useT();
  const { session, workspace } = useSession();
  const client = useQueryClient();
  const [secret, setSecret] = useState<[string, string][] | null>(null);
  const [asked, setAsked] = useState(false);
  const [ending, setEnding] = useState<Token | null>(null);
  const path = `/v1/{p}/users/${session.userId}`;
  const own = useQuery({ queryKey: ["users", session.userId], queryFn: ({ signal }) => get<Answers["showUser"]>(path, undefined, signal) });
  const tokens = useQuery({ queryKey: ["tokens", session.userId], queryFn: ({ signal }) => get<Answers["listUserTokens"]>(`${path}/tokens`, undefined, signal) });
  const rotate = useMutation({
    mutationFn: () => post<Answers["rotateAccessKey"]>(`${path}/access-keys`),
    onSuccess: async (key) => {
      setSecret([["Access Key Id", key.access_key], ["Secret Access Key", key.secret_key]]);
      await client.invalidateQueries({ queryKey: ["users"] });
    },
    onError: tellError,
    onSettled: () => setAsked(false),
  });
  const revoke = useMutation({
    mutationFn: (token: Token) => remove(`${path}/tokens/${token.id}`),
    onSuccess: () => client.invalidateQueries({ queryKey: ["tokens"] }),
    onError: tellError,
    onSettled: () => setEnding(null),
  });
  const roles = Object.entries(own.data?.roles ?? {}).map(([id, role]) => `${session.workspaces.find((each) => each.id === id)?.name ?? id}: ${role}`);
  return (
    <Page title={t("account.title", { name: session.userName })}>
      {own.error ? <Problem error={own.error} /> : own.isPending ? <Waiting /> : (
        <Paper withBorder p="md">
          <Group gap="xl" mb="sm">
            <Text size="sm"><Text span inherit c="dimmed">{t("users.role")} </Text>{session.administrator ? t("users.admin") : roles.join(", ")}</Text>
            <Text size="sm"><Text span inherit c="dimmed">{t("account.project")} </Text><span className="mono">{session.projectId}</span></Text>
          </Group>
          <Text fw={600} component="h2" size="md" m={0}>{t("account.keys")}</Text>
          <Text size="sm" c="dimmed" mb="xs">{t("account.keysHelp")}</Text>
          <Group justify="space-between">
            <Text size="sm" className="mono">{own.data.access_keys.join(", ") || t("account.noKey")}</Text>
            <Button variant="default" onClick={() => (own.data.access_keys.length ? setAsked(true) : rotate.mutate())}>{t("users.rotate")}</Button>
          </Group>
        </Paper>
      )}
      <Paper withBorder p="md">
        <Text fw={600} component="h2" size="md" m={0}>{t("account.tokens")}</Text>
        <Text size="sm" c="dimmed" mb="xs">{t("account.tokensHelp")}</Text>
        {tokens.error ? <Problem error={tokens.error} /> : tokens.isPending ? <Waiting /> : (
          <Table.ScrollContainer minWidth={560}>
            <Table verticalSpacing={5} className="dense">
              <Table.Thead><Table.Tr><Table.Th>{t("account.token")}</Table.Th><Table.Th>{t("account.issued")}</Table.Th><Table.Th>{t("account.expires")}</Table.Th><Table.Th w={120}><span className="visually-hidden">{t("common.actions")}</span></Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {tokens.data.tokens.map((each) => (
                  <Table.Tr key={each.id}>
                    <Table.Td className="mono">{each.id} {each.current && <Badge size="xs" variant="light">{t("account.current")}</Badge>}</Table.Td>
                    <Table.Td className="time">{clock(each.issueTime, workspace.timeZone)}</Table.Td>
                    <Table.Td className="time">{clock(each.expireTime, workspace.timeZone)}</Table.Td>
                    <Table.Td ta="right">{!each.current && <Button size="compact-sm" variant="subtle" color="red" aria-label={`${t("account.revoke")} ${each.id}`} onClick={() => setEnding(each)}>{t("account.revoke")}</Button>}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Paper>
      <Confirm title={asked ? t("users.rotate") : null} text={t("users.rotateAsk", { name: session.userName })} danger busy={rotate.isPending} onConfirm={() => rotate.mutate()} onClose={() => setAsked(false)} />
      <Confirm title={ending && t("account.revoke")} text={t("account.revokeAsk")} danger busy={revoke.isPending} onConfirm={() => ending && revoke.mutate(ending)} onClose={() => setEnding(null)} />
      <SecretOnce title={t("users.rotate")} values={secret} onClose={() => setSecret(null)} />
    </Page>
  );
}
