import { Anchor, Badge, Button, Group, Select, Text, Textarea, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPlus } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useLocation } from "wouter";
import { zoneChoices } from "../administer/zones";
import { get, post, put } from "../api/http";
import { useSession } from "../api/session";
import type { Answers, Bodies } from "../api/types";
import { useT } from "../i18n";
import { FormDialog } from "../parts/FormDialog";
import { Page, Problem, Waiting } from "../parts/Page";
import { Records } from "../parts/Records";
import { tellDone, tellError } from "../parts/tell";
import { clock } from "../parts/time";

type Given = Bodies["createManagerWorkSpace"] & { id?: string };

/** The two lists of workspaces know different things of each. */
export function Workspaces() {
  const t = useT();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const { session, workspace, choose } = useSession();
  const [edited, setEdited] = useState<Given | null>(null);
  const zones = useMemo(() => zoneChoices(), []);
  const found = useQuery({
    queryKey: ["workspaces"],
    queryFn: async ({ signal }) => {
      const [own, instances] = await Promise.all([
        get<Answers["listWorkspaces"]>("/v1/{p}/workspaces", undefined, signal),
        get<Answers["listDataArtsStudioInstances"]>("/v1/{p}/instances", undefined, signal),
      ]);
      const instance = instances.commodity_orders[0]?.resource_id ?? "";
      const managed = await get<Answers["listManagerWorkSpaces"]>(`/v1/{p}/workspaces/${instance}`, { limit: 1000 }, signal);
      const more = new Map(managed.data.map((each) => [each.id, each]));
      return { instance, rows: own.workspaces.map((each) => ({ ...each, description: more.get(each.id)?.description ?? "", members: more.get(each.id)?.member_num ?? 0, log: more.get(each.id)?.job_log_location_name ?? "" })) };
    },
  });
  const refresh = () => Promise.all([client.invalidateQueries({ queryKey: ["workspaces"] }), client.invalidateQueries({ queryKey: ["session"] })]);
  const set = (change: Partial<Given>) => setEdited({ ...edited!, ...change });
  const open = (id: string, to: string) => {
    choose(id);
    navigate(to);
  };
  const save = () => {
    const { id, ...body } = edited!;
    if (!id) return post(`/v1/{p}/workspaces/${found.data!.instance}`, body);
    const { time_zone: _fixed, ...change } = body;
    return put(`/v1/{p}/${found.data!.instance}/workspace/${id}`, change);
  };
  const erase = async (row: { id: string; name: string }) => {
    await post(`/v1/{p}/${found.data!.instance}/workspaces/batch-delete`, { workspace_ids: [row.id] }).then(() => tellDone(t("common.deleted", { name: row.name })), tellError);
    await refresh();
  };
  return (
    <Page title={t("workspaces.title")} wide right={session.administrator && <Button leftSection={<IconPlus size={16} />} onClick={() => setEdited({ name: "", time_zone: workspace.timeZone })}>{t("workspaces.new")}</Button>}>
      <Text size="sm" c="dimmed">{t("workspaces.help")}</Text>
      {found.error ? <Problem error={found.error} /> : found.isPending ? <Waiting /> : (
        <Records
          rows={found.data.rows}
          name={(each) => each.name}
          heads={[t("workspaces.about"), t("workspaces.zone"), t("workspaces.members"), t("workspaces.programs"), t("users.role"), t("workspaces.made"), ""]}
          cells={(each) => [
            <Text key="about" size="sm" c="dimmed" lineClamp={2}>{each.description}</Text>,
            each.time_zone,
            each.id === workspace.id ? <Anchor key="members" component="button" type="button" size="sm" onClick={() => navigate("/members")}>{each.members}</Anchor> : each.members,
            t(each.local_programs_allowed ? "common.yes" : "common.no"),
            each.role,
            <Text key="made" size="xs" c="dimmed" className="time">{clock(each.create_time, workspace.timeZone).slice(0, 10)} {each.create_user}</Text>,
            <Group key="more" gap={6} wrap="nowrap">
              {each.is_default === 1 && <Badge variant="light" color="gray" style={{ flex: "none" }}>{t("workspaces.default")}</Badge>}
              {each.id === workspace.id ? <Badge variant="light" style={{ flex: "none" }}>{t("workspaces.current")}</Badge> : <Button size="compact-xs" variant="default" onClick={() => open(each.id, "/overview")}>{t("workspaces.open")}</Button>}
            </Group>,
          ]}
          onEdit={(each) => setEdited({ id: each.id, name: each.name, description: each.description, job_log_location_name: each.log, time_zone: each.time_zone })}
          onDelete={session.administrator ? erase : undefined}
        />
      )}
      {edited && (
        <FormDialog title={edited.id ? t("common.editOne", { name: edited.name }) : t("workspaces.new")} ready={edited.name.trim() !== ""} save={save} onClose={() => setEdited(null)} onSaved={() => { setEdited(null); void refresh(); }}>
          <TextInput label={t("common.name")} maxLength={64} required value={edited.name} onChange={(event) => set({ name: event.currentTarget.value })} data-autofocus />
          <Textarea label={t("workspaces.about")} maxLength={255} autosize minRows={2} value={edited.description ?? ""} onChange={(event) => set({ description: event.currentTarget.value })} />
          <Select label={t("workspaces.zone")} description={t(edited.id ? "workspaces.zoneFixed" : "workspaces.zoneHelp")} disabled={Boolean(edited.id)} searchable allowDeselect={false} data={zones} value={edited.time_zone ?? null} onChange={(zone) => set({ time_zone: zone ?? undefined })} limit={60} />
          <TextInput label={t("workspaces.log")} description={t("workspaces.logHelp")} maxLength={255} value={edited.job_log_location_name ?? ""} onChange={(event) => set({ job_log_location_name: event.currentTarget.value })} />
        </FormDialog>
      )}
    </Page>
  );
}
