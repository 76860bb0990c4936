import { Button, Select, Text, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { get, post, put, remove } from "../api/http";
import { useSession } from "../api/session";
import { useT } from "../i18n";
import { FormDialog } from "../parts/FormDialog";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
import { Records } from "../parts/Records";
import { tellError } from "../parts/tell";

interface Resource {
  id: string;
  name: string;
  type: string;
  location: string;
  directory?: string;
  desc?: string;
  [more: string]: unknown;
}

const TYPES = ["jar", "pyFile", "file", "archive"];

export function Resources() {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const [edited, setEdited] = useState<Resource | null>(null);
  const found = useQuery({ queryKey: ["resources", workspace.id], queryFn: ({ signal }) => get<{ total: number; resources: Resource[] }>("/v1/{p}/resources", { limit: 100 }, signal) });
  const refresh = () => client.invalidateQueries({ queryKey: ["resources"] });
  const set = (change: Partial<Resource>) => setEdited({ ...edited!, ...change });
  return (
    <Page title={t("resources.title")} right={<Button leftSection={<IconPlus size={16} />} onClick={() => setEdited({ id: "", name: "", type: "jar", location: "obs://", directory: "/" })}>{t("resources.new")}</Button>}>
      {found.error ? <Problem error={found.error} /> : found.isPending ? <Waiting /> : found.data.total === 0 ? <Empty title={t("resources.empty")} help={t("resources.emptyHelp")} /> : (
        <Records
          rows={found.data.resources}
          name={(each) => each.name}
          heads={[t("common.type"), t("resources.location"), t("jobs.path")]}
          cells={(each) => [each.type, <Text key="at" size="sm" className="mono">{each.location}</Text>, each.directory ?? "/"]}
          onEdit={setEdited}
          onDelete={(each) => remove(`/v1/{p}/resources/${each.id}`).then(refresh, tellError)}
        />
      )}
      {edited && (
        <FormDialog
          title={edited.id ? edited.name : t("resources.new")}
          ready={Boolean(edited.name && edited.location)}
          save={() => {
            const { id, resourceId: _other, jobRelation: _jobs, ...body } = edited;
            return id ? put(`/v1/{p}/resources/${id}`, body) : post("/v1/{p}/resources", body);
          }}
          onClose={() => setEdited(null)}
          onSaved={() => { setEdited(null); void refresh(); }}
        >
          <TextInput label={t("common.name")} maxLength={32} value={edited.name} onChange={(event) => set({ name: event.currentTarget.value })} data-autofocus />
          <Select label={t("common.type")} data={TYPES} disabled={Boolean(edited.id)} allowDeselect={false} value={edited.type} onChange={(type) => type && set({ type })} />
          <TextInput label={t("resources.location")} description={t("resources.locationHelp")} value={edited.location} onChange={(event) => set({ location: event.currentTarget.value })} />
          <TextInput label={t("jobs.path")} disabled={Boolean(edited.id)} value={edited.directory ?? ""} onChange={(event) => set({ directory: event.currentTarget.value })} />
          <TextInput label={t("common.description")} value={edited.desc ?? ""} onChange={(event) => set({ desc: event.currentTarget.value })} />
        </FormDialog>
      )}
    </Page>
  );
}
