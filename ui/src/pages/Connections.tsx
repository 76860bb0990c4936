import { Alert, Badge, Button, Group, PasswordInput, Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPlugConnected, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { get, post, put, remove } from "../api/http";
import { useSession } from "../api/session";
import { CONNECTION_TYPES, type Field, fieldsOf, typeNamed, usualConfig } from "../develop/connection-fields";
import { useT } from "../i18n";
import { FormDialog } from "../parts/FormDialog";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
import { Pager } from "../parts/Pager";
import { Records } from "../parts/Records";
import { tellDone, tellError } from "../parts/tell";

interface Connection {
  name: string;
  type: string;
  config?: Record<string, unknown>;
  description?: string;
  [more: string]: unknown;
}

const SIZE = 50;
const MASK = "******";

export function Connections() {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const [page, setPage] = useState(0);
  const [edited, setEdited] = useState<{ connection: Connection; isNew: boolean } | null>(null);
  const found = useQuery({ queryKey: ["connections", workspace.id, page], queryFn: ({ signal }) => get<{ total: number; connections: Connection[] }>("/v1/{p}/connections", { limit: SIZE, offset: page }, signal) });
  const refresh = () => client.invalidateQueries({ queryKey: ["connections"] });
  const make = () => setEdited({ isNew: true, connection: { name: "", type: "DWS", config: usualConfig("DWS") } });
  const where = (each: Connection) => [each.config?.bootstrapServers ?? each.config?.ip ?? each.config?.clusterName, each.config?.port].filter(Boolean).join(":");
  return (
    <Page title={t("connections.title")} right={<Button leftSection={<IconPlus size={16} />} onClick={make}>{t("connections.new")}</Button>}>
      {found.error ? <Problem error={found.error} /> : found.isPending ? <Waiting /> : found.data.total === 0 ? (
        <Empty title={t("connections.empty")} help={t("connections.teach")}><Button mt="xs" onClick={make}>{t("connections.new")}</Button></Empty>
      ) : (
        <>
          <Records
            rows={found.data.connections}
            name={(each) => each.name}
            heads={[t("common.type"), t("conn.where"), t("common.description")]}
            cells={(each) => [<Badge key="type" variant="light">{each.type}</Badge>, <Text key="at" size="sm" className="mono">{where(each)}</Text>, each.description ?? ""]}
            more={(each) => <Test connection={each} />}
            onEdit={(connection) => setEdited({ connection, isNew: false })}
            onDelete={(each) => remove(`/v1/{p}/connections/${encodeURIComponent(each.name)}`).then(refresh, tellError)}
          />
          <Pager page={page} size={SIZE} total={found.data.total} onPage={setPage} />
        </>
      )}
      {edited && <Form {...edited} onClose={() => setEdited(null)} onSaved={() => { setEdited(null); tellDone(t("conn.saved")); void refresh(); }} />}
    </Page>
  );
}

const tried = ({ name, type, config }: Connection) => post<{ is_success: boolean; message: string }>("/v1/{p}/data-connections/validation", { dw_name: name || "new", dw_type: type, dw_config: cleaned(config) });
const cleaned = (config: Record<string, unknown> = {}) => Object.fromEntries(Object.entries(config).filter(([, value]) => value !== "" && value !== undefined));

function Test({ connection }: { connection: Connection }) {
  const t = useT();
  const test = useMutation({ mutationFn: () => tried(connection), onSuccess: () => tellDone(t("conn.works", { name: connection.name })), onError: tellError });
  return <Button size="compact-sm" variant="subtle" loading={test.isPending} aria-label={t("conn.testOne", { name: connection.name })} onClick={() => test.mutate()}>{t("conn.test")}</Button>;
}

function Form({ connection, isNew, onClose, onSaved }: { connection: Connection; isNew: boolean; onClose: () => void; onSaved: () => void }) {
  const t = useT();
  const [given, setGiven] = useState(connection);
  const config = given.config ?? {};
  const set = (name: string, value: unknown) => setGiven({ ...given, config: { ...config, [name]: value } });
  const test = useMutation({ mutationFn: () => tried(given) });
  const type = typeNamed(given.type);
  return (
    <FormDialog
      title={isNew ? t("connections.new") : connection.name}
      ready={given.name !== ""}
      save={() => {
        const body = { ...given, config: cleaned(config) };
        return isNew ? post("/v1/{p}/connections", body) : put(`/v1/{p}/connections/${encodeURIComponent(connection.name)}`, body);
      }}
      onClose={onClose}
      onSaved={onSaved}
      more={<Button variant="light" leftSection={<IconPlugConnected size={16} />} loading={test.isPending} onClick={() => test.mutate()}>{t("conn.test")}</Button>}
    >
      {(error) => (
        <>
          <Group grow align="flex-start">
            <TextInput label={t("common.name")} value={given.name} disabled={!isNew} error={error("name")} onChange={(event) => setGiven({ ...given, name: event.currentTarget.value })} data-autofocus />
            <Select label={t("common.type")} data={CONNECTION_TYPES.map((each) => ({ value: each.name, label: each.title }))} value={type?.name ?? given.type} disabled={!isNew} allowDeselect={false} error={error("type")} onChange={(next) => { if (next) { setGiven({ ...given, type: next, config: usualConfig(next) }); test.reset(); } }} />
          </Group>
          {type && <Text size="xs" c="dimmed">{t(type.what)}</Text>}
          <Stack gap="xs">
            {fieldsOf(given.type, config).map((field) => <One key={field.name} field={field} value={String(config[field.name] ?? "")} error={error(`config.${field.name}`)} onChange={(value) => set(field.name, value)} />)}
          </Stack>
          <TextInput label={t("common.description")} maxLength={255} value={given.description ?? ""} error={error("description")} onChange={(event) => setGiven({ ...given, description: event.currentTarget.value })} />
          {Object.keys(config).some((name) => config[name] === MASK) && <Text size="xs" c="dimmed">{t("connections.secretHelp")}</Text>}
          {test.data && <Alert color="green" role="status">{test.data.message || t("conn.works", { name: given.name || given.type })}</Alert>}
          {test.error && <Problem error={test.error} />}
        </>
      )}
    </FormDialog>
  );
}

/** One setting. A secret is only written: what is stored stays a mask. */
function One({ field, value, error, onChange }: { field: Field; value: string; error?: string; onChange: (value: string) => void }) {
  const t = useT();
  const common = { label: field.name, withAsterisk: field.required, error, value, placeholder: field.placeholder, autoComplete: "off", onChange: (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value) };
  if (field.choices) return <Select {...common} value={value || null} data={field.choices} allowDeselect={!field.required} clearable={!field.required} onChange={(next) => onChange(next ?? "")} />;
  if (field.secret && field.long && value !== MASK) return <Textarea {...common} autosize minRows={2} maxRows={5} classNames={{ input: "mono" }} />;
  if (field.secret) return <PasswordInput {...common} autoComplete="new-password" description={value === MASK ? t("params.kept") : undefined} visibilityToggleButtonProps={{ "aria-label": t("conn.show") }} />;
  if (field.long) return <Textarea {...common} autosize minRows={2} maxRows={5} classNames={{ input: "mono" }} />;
  return <TextInput {...common} />;
}
