import { ActionIcon, Anchor, Button, Group, NumberInput, PasswordInput, Select, Switch, Table, Tabs, Text, Textarea, TextInput, Tooltip } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPlus, IconSend } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "wouter";
import { get, post, put, remove } from "../api/http";
import { useSession } from "../api/session";
import { type Key, useT } from "../i18n";
import { FormDialog } from "../parts/FormDialog";
import { JobPicker } from "../parts/JobPicker";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
import { Records } from "../parts/Records";
import { tellDone, tellError } from "../parts/tell";
import { clock } from "../parts/time";
import { useFilters } from "../parts/useFilters";

const DEFAULTS = { tab: "sent" };
const REMINDS = [1, 0, 12, 13, 14, 100];

interface Notice {
  id: number;
  event: string;
  text: string;
  topic: string;
  state: string;
  time: number;
  tries: number;
  jobName?: string;
  instanceId?: number;
  error?: string;
}

interface Topic {
  name: string;
  kind: "mail" | "webhook" | "chat";
  addresses?: string[];
  url?: string;
  secret?: string;
  target?: string;
}

interface Rule {
  id?: number;
  rule_name?: string;
  remind_type: number;
  topic_name: string;
  name?: string;
  use_flag?: number;
  complete_time?: string;
  max_send_times?: number;
  send_interval?: number;
  [more: string]: unknown;
}

export function Alerts() {
  const t = useT();
  const [filters, change] = useFilters(DEFAULTS);
  return (
    <Page title={t("alerts.title")} wide>
      <Tabs value={filters.tab} onChange={(tab) => change({ tab: tab ?? "sent" })} keepMounted={false}>
        <Tabs.List mb="sm"><Tabs.Tab value="sent">{t("alerts.sent")}</Tabs.Tab><Tabs.Tab value="rules">{t("alerts.rules")}</Tabs.Tab><Tabs.Tab value="topics">{t("alerts.topics")}</Tabs.Tab></Tabs.List>
        <Tabs.Panel value="sent"><Sent /></Tabs.Panel>
        <Tabs.Panel value="rules"><Rules /></Tabs.Panel>
        <Tabs.Panel value="topics"><Topics /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function Sent() {
  const t = useT();
  const { workspace } = useSession();
  const found = useQuery({ queryKey: ["alerts", workspace.id], queryFn: ({ signal }) => get<{ total: number; alerts: Notice[] }>("/v1/{p}/alerts", { limit: 100 }, signal) });
  const again = useMutation({ mutationFn: (id: number) => post(`/v1/{p}/alerts/${id}/retry`), onSuccess: () => found.refetch(), onError: tellError });
  if (found.error) return <Problem error={found.error} />;
  if (found.isPending) return <Waiting />;
  if (!found.data.alerts.length) return <Empty title={t("alerts.none")} help={t("alerts.noneHelp")} />;
  return (
    <Table.ScrollContainer minWidth={760}>
      <Table verticalSpacing={5}>
        <Table.Thead><Table.Tr><Table.Th>{t("audit.when")}</Table.Th><Table.Th>{t("alerts.text")}</Table.Th><Table.Th>{t("alerts.topic")}</Table.Th><Table.Th>{t("common.status")}</Table.Th><Table.Th>{t("common.actions")}</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {found.data.alerts.map((each) => (
            <Table.Tr key={each.id}>
              <Table.Td className="time">{clock(each.time, workspace.timeZone)}</Table.Td>
              <Table.Td style={{ overflowWrap: "anywhere" }}>{each.jobName && each.instanceId ? <Anchor component={Link} size="sm" href={`/instances/${encodeURIComponent(each.jobName)}/${each.instanceId}`}>{each.text}</Anchor> : each.text}{each.error && <Text size="xs" c="dimmed">{each.error}</Text>}</Table.Td>
              <Table.Td>{each.topic}</Table.Td>
              <Table.Td>{each.state}</Table.Td>
              <Table.Td>{each.error && <Button size="compact-sm" variant="subtle" loading={again.isPending && again.variables === each.id} onClick={() => again.mutate(each.id)}>{t("common.retry")}</Button>}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function useTopics() {
  const { workspace } = useSession();
  return useQuery({ queryKey: ["alert-topics", workspace.id], queryFn: ({ signal }) => get<{ topics: Topic[] }>("/v1/{p}/alert-topics", undefined, signal) });
}

function Rules() {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const [edited, setEdited] = useState<Rule | null>(null);
  const topics = useTopics();
  const found = useQuery({ queryKey: ["alert-rules", workspace.id], queryFn: ({ signal }) => get<{ rules: Rule[] }>("/v1/{p}/alert-rules", undefined, signal) });
  const refresh = () => client.invalidateQueries({ queryKey: ["alert-rules"] });
  const set = (change: Partial<Rule>) => setEdited({ ...edited!, ...change });
  const first = topics.data?.topics[0]?.name ?? "";
  return (
    <>
      <Group justify="flex-end" mb="xs"><Tooltip label={t("alerts.topicFirst")} disabled={first !== ""}><Button leftSection={<IconPlus size={16} />} data-disabled={!first || undefined} onClick={() => first && setEdited({ remind_type: 1, topic_name: first, use_flag: 1 })}>{t("alerts.newRule")}</Button></Tooltip></Group>
      {found.error ? <Problem error={found.error} /> : found.isPending ? <Waiting /> : found.data.rules.length === 0 ? <Empty title={t("alerts.noRules")} help={t("alerts.topicFirst")} /> : (
        <Records
          rows={found.data.rules}
          name={(each) => each.rule_name ?? String(each.id)}
          heads={[t("alerts.remind"), t("instances.job"), t("alerts.topic"), t("users.enabled")]}
          cells={(each) => [t(`remind.${each.remind_type}` as Key) || each.remind_type, each.name ?? t("common.all"), each.topic_name, t(each.use_flag === 0 ? "common.no" : "common.yes")]}
          onEdit={setEdited}
          onDelete={(each) => remove(`/v1/{p}/alert-rules/${each.id}`).then(refresh, tellError)}
        />
      )}
      {edited && (
        <FormDialog title={edited.rule_name ?? t("alerts.newRule")} save={() => (edited.id ? put(`/v1/{p}/alert-rules/${edited.id}`, edited) : post("/v1/{p}/alert-rules", edited))} onClose={() => setEdited(null)} onSaved={() => { setEdited(null); void refresh(); }}>
          <TextInput label={t("common.name")} disabled={Boolean(edited.id)} value={edited.rule_name ?? ""} onChange={(event) => set({ rule_name: event.currentTarget.value || undefined })} data-autofocus />
          <Select label={t("alerts.remind")} allowDeselect={false} value={String(edited.remind_type)} data={REMINDS.map((each) => ({ value: String(each), label: t(`remind.${each}` as Key) }))} onChange={(next) => set({ remind_type: Number(next) })} />
          <JobPicker label={t("instances.job")} description={t("alerts.jobHelp")} clearable value={edited.name ?? ""} onChange={(name) => set({ name: name || undefined })} />
          <Select label={t("alerts.topic")} allowDeselect={false} value={edited.topic_name} data={topics.data?.topics.map((each) => each.name) ?? []} onChange={(next) => next && set({ topic_name: next })} />
          {edited.remind_type === 12 && <TextInput type="time" label={t("alerts.by")} value={edited.complete_time ?? ""} onChange={(event) => set({ complete_time: event.currentTarget.value || undefined })} />}
          <Group grow>
            <NumberInput label={t("alerts.times")} min={1} value={edited.max_send_times ?? ""} onChange={(next) => set({ max_send_times: next === "" ? undefined : Number(next) })} />
            <NumberInput label={t("alerts.interval")} min={1} value={edited.send_interval ?? ""} onChange={(next) => set({ send_interval: next === "" ? undefined : Number(next) })} />
          </Group>
          <Switch label={t("users.enabled")} checked={edited.use_flag !== 0} onChange={(event) => set({ use_flag: event.currentTarget.checked ? 1 : 0 })} />
        </FormDialog>
      )}
    </>
  );
}

function Topics() {
  const t = useT();
  const client = useQueryClient();
  const [edited, setEdited] = useState<{ topic: Topic; isNew: boolean } | null>(null);
  const [secret, setSecret] = useState("");
  const found = useTopics();
  const refresh = () => client.invalidateQueries({ queryKey: ["alert-topics"] });
  const test = useMutation({ mutationFn: (name: string) => post(`/v1/{p}/alert-topics/${encodeURIComponent(name)}/test`), onSuccess: (_, name) => tellDone(t("alerts.tested", { name })), onError: tellError });
  const set = (change: Partial<Topic>) => setEdited({ ...edited!, topic: { ...edited!.topic, ...change } });
  return (
    <>
      <Group justify="flex-end" mb="xs"><Button leftSection={<IconPlus size={16} />} onClick={() => setEdited({ isNew: true, topic: { name: "", kind: "webhook", url: "https://" } })}>{t("alerts.newTopic")}</Button></Group>
      {secret && <TextInput mb="sm" readOnly label={t("alerts.secret")} description={t("users.secretOnce")} value={secret} />}
      {found.error ? <Problem error={found.error} /> : found.isPending ? <Waiting /> : found.data.topics.length === 0 ? <Empty title={t("alerts.noTopics")} help={t("alerts.noTopicsHelp")} /> : (
        <Records
          rows={found.data.topics}
          name={(each) => each.name}
          heads={[t("instances.kind"), t("alerts.target")]}
          cells={(each) => [t(`topic.${each.kind}` as Key), each.addresses?.join(", ") ?? each.target ?? each.url]}
          more={(each) => <Tooltip label={t("alerts.test")}><ActionIcon variant="subtle" loading={test.isPending && test.variables === each.name} aria-label={`${t("alerts.test")} ${each.name}`} onClick={() => test.mutate(each.name)}><IconSend size={16} /></ActionIcon></Tooltip>}
          onEdit={(topic) => setEdited({ topic, isNew: false })}
          onDelete={(each) => remove(`/v1/{p}/alert-topics/${encodeURIComponent(each.name)}`).then(refresh, tellError)}
        />
      )}
      {edited && (
        <FormDialog
          title={edited.isNew ? t("alerts.newTopic") : edited.topic.name}
          ready={edited.topic.name !== ""}
          save={async () => {
            const { target: _shown, ...body } = edited.topic;
            if (!edited.isNew) return put(`/v1/{p}/alert-topics/${encodeURIComponent(body.name)}`, body);
            const made = await post<Topic>("/v1/{p}/alert-topics", body);
            if (made?.secret) setSecret(made.secret);
            return made;
          }}
          onClose={() => setEdited(null)}
          onSaved={() => { setEdited(null); void refresh(); }}
        >
          <TextInput label={t("common.name")} disabled={!edited.isNew} value={edited.topic.name} onChange={(event) => set({ name: event.currentTarget.value })} data-autofocus />
          <Select label={t("instances.kind")} disabled={!edited.isNew} allowDeselect={false} value={edited.topic.kind} data={["webhook", "mail", "chat"].map((each) => ({ value: each, label: t(`topic.${each}` as Key) }))} onChange={(kind) => setEdited({ ...edited, topic: { name: edited.topic.name, kind: kind as Topic["kind"], ...(kind === "mail" ? { addresses: [] } : { url: "" }) } })} />
          {edited.topic.kind === "mail" ? (
            <Textarea label={t("alerts.addresses")} description={t("alerts.addressesHelp")} autosize minRows={2} value={edited.topic.addresses?.join("\n") ?? ""} onChange={(event) => set({ addresses: event.currentTarget.value.split("\n") })} />
          ) : (
            <PasswordInput label={t("alerts.url")} autoComplete="off" value={edited.topic.url ?? ""} onChange={(event) => set({ url: event.currentTarget.value })} />
          )}
        </FormDialog>
      )}
    </>
  );
}
