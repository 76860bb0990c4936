import { ActionIcon, Alert, Anchor, Button, Code, CopyButton, Group, Paper, Select, Stack, Table, Text, TextInput, Tooltip } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconCheck, IconCopy, IconWebhook } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "wouter";
import { get, post } from "../api/http";
import { useSession } from "../api/session";
import { useWords } from "../i18n";
import { FormDialog } from "../parts/FormDialog";
import { Status } from "../parts/Status";
import { away } from "./FireTimes";

interface Trigger {
  type: string;
  state: string;
  reason: string;
  node?: string;
  lag?: number;
  lastFireTime?: number;
  lastInstanceId?: number;
  lastError?: string;
}

interface Hook {
  id: string;
  name: string;
  url: string;
  secret?: string;
}

/** What starts a saved job by events, how it fares, and webhooks. */
export function Triggers({ name }: { name: string }) {
  const { t, language } = useWords();
  const { workspace } = useSession();
  const client = useQueryClient();
  const [making, setMaking] = useState<{ name: string; authentication: string } | null>(null);
  const [made, setMade] = useState<Hook | null>(null);
  const triggers = useQuery({ queryKey: ["triggers", workspace.id, name], queryFn: ({ signal }) => get<{ triggers: Trigger[] }>(`/v1/{p}/jobs/${encodeURIComponent(name)}/triggers`, undefined, signal) });
  const make = useMutation({ mutationFn: () => post<Hook>("/v1/{p}/hooks", { jobName: name, ...making }) });
  const rows = triggers.data?.triggers ?? [];
  return (
    <Paper withBorder p="sm" component="section" aria-label={t("triggers.title")}>
      <Group justify="space-between">
        <Text fw={600}>{t("triggers.title")}</Text>
        <Button size="xs" variant="light" leftSection={<IconWebhook size={15} />} onClick={() => setMaking({ name: "", authentication: "hmac" })}>{t("triggers.newHook")}</Button>
      </Group>
      {rows.length === 0 && <Text size="sm" c="dimmed">{t("triggers.none")}</Text>}
      {rows.length > 0 && (
        <Table verticalSpacing={4}>
          <Table.Thead><Table.Tr><Table.Th>{t("common.type")}</Table.Th><Table.Th>{t("common.status")}</Table.Th><Table.Th>{t("triggers.why")}</Table.Th><Table.Th>{t("triggers.last")}</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {rows.map((each, at) => (
              <Table.Tr key={at}>
                <Table.Td>{each.type}{each.node ? ` · ${each.node}` : ""}</Table.Td>
                <Table.Td><Status state={each.state} /></Table.Td>
                <Table.Td><Text size="sm">{each.reason}</Text>{each.lag ? <Text size="xs" c="dimmed">{t("triggers.lag", { count: each.lag })}</Text> : null}</Table.Td>
                <Table.Td>{each.lastFireTime ? <Text size="sm">{away(each.lastFireTime - Date.now(), language)}{each.lastInstanceId ? <> · <Anchor component={Link} href={`/instances/${encodeURIComponent(name)}/${each.lastInstanceId}`}>{each.lastInstanceId}</Anchor></> : null}</Text> : ""}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {made && (
        <Alert mt="sm" color="green" role="status" title={t("triggers.made", { name: made.name || made.id })} withCloseButton closeButtonLabel={t("common.close")} onClose={() => setMade(null)}>
          <Stack gap={4}>
            <Text size="sm">{t("triggers.once")}</Text>
            <Copied label="URL" text={made.url} />
            {made.secret && <Copied label={t("triggers.secret")} text={made.secret} />}
          </Stack>
        </Alert>
      )}
      {making && (
        <FormDialog
          title={t("triggers.newHook")}
          save={() => make.mutateAsync().then(setMade)}
          onClose={() => setMaking(null)}
          onSaved={() => { setMaking(null); void client.invalidateQueries({ queryKey: ["triggers"] }); void client.invalidateQueries({ queryKey: ["hooks"] }); }}
        >
          <Text size="sm" c="dimmed">{t("triggers.hookHelp")}</Text>
          <TextInput label={t("common.name")} value={making.name} onChange={(event) => setMaking({ ...making, name: event.currentTarget.value })} data-autofocus />
          <Select label={t("triggers.proof")} allowDeselect={false} value={making.authentication} data={[{ value: "hmac", label: t("triggers.signature") }, { value: "bearer", label: t("triggers.bearer") }]} onChange={(next) => setMaking({ ...making, authentication: next ?? "hmac" })} />
        </FormDialog>
      )}
    </Paper>
  );
}

function Copied({ label, text }: { label: string; text: string }) {
  const { t } = useWords();
  return (
    <Group gap={6} wrap="nowrap">
      <Text size="sm" w={70}>{label}</Text><Code style={{ overflowWrap: "anywhere" }}>{text}</Code>
      <CopyButton value={text}>{({ copied, copy }) => <Tooltip label={copied ? t("common.copied") : t("common.copy")}><ActionIcon variant="subtle" size="sm" aria-label={`${t("common.copy")}: ${label}`} onClick={copy}>{copied ? <IconCheck size={15} /> : <IconCopy size={15} />}</ActionIcon></Tooltip>}</CopyButton>
    </Group>
  );
}
