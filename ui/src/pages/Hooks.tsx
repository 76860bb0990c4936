import { Button, Group, NumberInput, Select, Switch, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { SecretOnce } from "../administer/SecretOnce";
import { get, post, put, remove } from "../api/http";
import { useSession } from "../api/session";
import type { Answers } from "../api/types";
import { useT } from "../i18n";
import { Confirm } from "../parts/Confirm";
import { FormDialog } from "../parts/FormDialog";
import { JobPicker } from "../parts/JobPicker";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
import { Records } from "../parts/Records";
import { tellError } from "../parts/tell";
import { clock } from "../parts/time";

type Hook = Answers["listHooks"]["hooks"][number];

/** Addresses that start a job when something is sent to them. */
export function Hooks() {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const [edited, setEdited] = useState<Partial<Hook> | null>(null);
  const [secret, setSecret] = useState<[string, string][] | null>(null);
  const [turning, setTurning] = useState<Hook | null>(null);
  const found = useQuery({ queryKey: ["hooks", workspace.id], queryFn: ({ signal }) => get<Answers["listHooks"]>("/v1/{p}/hooks", undefined, signal) });
  const refresh = () => client.invalidateQueries({ queryKey: ["hooks"] });
  const set = (change: Partial<Hook>) => setEdited({ ...edited!, ...change });
  const switching = useMutation({ mutationFn: (hook: Hook) => put(`/v1/{p}/hooks/${hook.id}`, { enabled: !hook.enabled }), onSuccess: refresh, onError: tellError });
  const turn = useMutation({
    mutationFn: (hook: Hook) => post<Answers["rotateHook"]>(`/v1/{p}/hooks/${hook.id}/rotate`),
    onSuccess: async (made, hook) => {
      setSecret([[t("hooks.address"), hook.url], [t("alerts.secret"), made.secret]]);
      await refresh();
    },
    onError: tellError,
    onSettled: () => setTurning(null),
  });
  const save = async () => {
    const { id, name, jobName, authentication, concurrent } = edited!;
    if (id) return put(`/v1/{p}/hooks/${id}`, { name, concurrent });
    const made = await post<Hook>("/v1/{p}/hooks", { jobName, name: name || undefined, authentication, concurrent });
    setSecret([[t("hooks.address"), made.url], [t("alerts.secret"), made.secret ?? ""]]);
    return made;
  };
  return (
    <Page title={t("hooks.title")} wide right={<Button leftSection={<IconPlus size={16} />} onClick={() => setEdited({ jobName: "", authentication: "hmac", concurrent: 16 })}>{t("hooks.new")}</Button>}>
      {found.error ? <Problem error={found.error} /> : found.isPending ? <Waiting /> : found.data.hooks.length === 0 ? <Empty title={t("hooks.empty")} help={t("hooks.emptyHelp")} /> : (
        <Records
          rows={found.data.hooks}
          name={(each) => each.name || each.id}
          heads={[t("instances.job"), t("hooks.address"), t("hooks.proof"), t("hooks.concurrent"), t("hooks.rotated"), t("users.enabled")]}
          cells={(each) => [
            each.jobName,
            <Text key="url" size="xs" className="mono" maw={220} truncate title={each.url}>{each.url}</Text>,
            each.authentication,
            each.concurrent,
            <Text key="at" size="xs" c="dimmed" className="time">{clock(each.rotateTime ?? each.createTime, workspace.timeZone)}</Text>,
            <Switch key="on" size="xs" aria-label={`${t("users.enabled")} ${each.name || each.id}`} checked={each.enabled} onChange={() => switching.mutate(each)} />,
          ]}
          more={(each) => <Button size="compact-sm" variant="subtle" onClick={() => setTurning(each)}>{t("hooks.rotate")}</Button>}
          onEdit={setEdited}
          onDelete={(each) => remove(`/v1/{p}/hooks/${each.id}`).then(refresh, tellError)}
        />
      )}
      {edited && (
        <FormDialog title={edited.id ? t("common.editOne", { name: edited.name || edited.id }) : t("hooks.new")} ready={Boolean(edited.jobName)} save={save} onClose={() => setEdited(null)} onSaved={() => { setEdited(null); void refresh(); }}>
          {!edited.id && <JobPicker label={t("instances.job")} description={t("hooks.jobHelp")} value={edited.jobName ?? ""} onChange={(jobName) => set({ jobName })} />}
          <TextInput label={t("common.name")} maxLength={128} value={edited.name ?? ""} onChange={(event) => set({ name: event.currentTarget.value })} />
          <Group grow align="flex-start">
            {!edited.id && <Select label={t("hooks.proof")} description={t("hooks.proofHelp")} allowDeselect={false} data={["hmac", "bearer"]} value={edited.authentication ?? "hmac"} onChange={(next) => next && set({ authentication: next })} />}
            <NumberInput label={t("hooks.concurrent")} description={t("hooks.concurrentHelp")} min={1} max={128} value={edited.concurrent ?? 16} onChange={(next) => set({ concurrent: Number(next) || 1 })} />
          </Group>
        </FormDialog>
      )}
      <Confirm title={turning && t("hooks.rotate")} text={t("hooks.rotateAsk")} busy={turn.isPending} onConfirm={() => turning && turn.mutate(turning)} onClose={() => setTurning(null)} />
      <SecretOnce title={t("hooks.title")} values={secret} onClose={() => setSecret(null)} />
    </Page>
  );
}
