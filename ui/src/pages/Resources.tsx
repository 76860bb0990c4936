import { Autocomplete, Button, FileInput, Progress, Select, Text, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPlus, IconUpload } from "@tabler/icons-react";
import { useState } from "react";
import { get, post, put, remove } from "../api/http";
import { useSession } from "../api/session";
import { plainName, upload } from "../develop/upload";
import { useT } from "../i18n";
import { FormDialog } from "../parts/FormDialog";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
import { Pager } from "../parts/Pager";
import { Records } from "../parts/Records";
import { tellError } from "../parts/tell";

interface Resource {
  id: string;
  name: string;
  type: string;
  location: string;
  directory?: string;
  desc?: string;
  jobRelation?: { jobName?: string; name?: string }[];
  [more: string]: unknown;
}

const TYPES = ["jar", "pyFile", "file", "archive"];
const SIZE = 50;

/** The kind of resource that a file name speaks of. */
export function typeOfFile(name: string): string {
  if (/\.jar$/i.test(name)) return "jar";
  if (/\.(py|egg|whl)$/i.test(name)) return "pyFile";
  return /\.(zip|gz|tgz|tar|bz2|7z)$/i.test(name) ? "archive" : "file";
}

export function Resources() {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const [page, setPage] = useState(0);
  const [edited, setEdited] = useState<Resource | null>(null);
  const found = useQuery({ queryKey: ["resources", workspace.id, page], queryFn: ({ signal }) => get<{ total: number; resources: Resource[] }>("/v1/{p}/resources", { limit: SIZE, offset: page }, signal) });
  const refresh = () => client.invalidateQueries({ queryKey: ["resources"] });
  const make = () => setEdited({ id: "", name: "", type: "jar", location: "", directory: "/" });
  return (
    <Page title={t("resources.title")} right={<Button leftSection={<IconPlus size={16} />} onClick={make}>{t("resources.new")}</Button>}>
      {found.error ? <Problem error={found.error} /> : found.isPending ? <Waiting /> : found.data.total === 0 ? (
        <Empty title={t("resources.empty")} help={t("resources.emptyHelp")}><Button mt="xs" leftSection={<IconUpload size={16} />} onClick={make}>{t("resources.upload")}</Button></Empty>
      ) : (
        <>
          <Records
            rows={found.data.resources}
            name={(each) => each.name}
            heads={[t("common.type"), t("resources.location"), t("jobs.path")]}
            cells={(each) => [each.type, <Text key="at" size="sm" className="mono" style={{ overflowWrap: "anywhere" }}>{each.location}</Text>, each.directory ?? "/"]}
            onEdit={setEdited}
            onDelete={(each) => remove(`/v1/{p}/resources/${each.id}`).then(refresh, tellError)}
          />
          <Pager page={page} size={SIZE} total={found.data.total} onPage={setPage} />
        </>
      )}
      {edited && <Form resource={edited} known={found.data?.resources ?? []} onClose={() => setEdited(null)} onSaved={() => { setEdited(null); void refresh(); }} />}
    </Page>
  );
}

function Form({ resource, known, onClose, onSaved }: { resource: Resource; known: Resource[]; onClose: () => void; onSaved: () => void }) {
  const t = useT();
  const { workspace } = useSession();
  const [given, setGiven] = useState(resource);
  const [file, setFile] = useState<File | null>(null);
  const [sent, setSent] = useState<number | null>(null);
  const set = (change: Partial<Resource>) => setGiven({ ...given, ...change });
  const choose = (next: File | null) => {
    setFile(next);
    if (!next) return;
    const name = plainName(next.name);
    set({ ...(given.id ? {} : { name: (given.name || name.replace(/\.[^.]*$/, "").replaceAll(".", "_")).slice(0, 32), type: typeOfFile(next.name) }), location: `obs://resources-${workspace.id.slice(0, 8).toLowerCase()}/${name}` });
  };
  const save = async () => {
    if (file) {
      setSent(0);
      await upload(given.location, file, setSent).finally(() => setSent(null));
    }
    const { id, resourceId: _other, jobRelation: _jobs, ...body } = given;
    return id ? put(`/v1/{p}/resources/${id}`, body) : post("/v1/{p}/resources", body);
  };
  return (
    <FormDialog title={given.id ? given.name : t("resources.new")} ready={Boolean(given.name && given.location)} save={save} onClose={onClose} onSaved={onSaved}>
      {(error) => (
        <>
          <FileInput label={t("resources.file")} description={t("resources.fileHelp")} placeholder={t("resources.choose")} leftSection={<IconUpload size={16} />} clearable clearButtonProps={{ "aria-label": t("common.remove") }} value={file} onChange={choose} data-autofocus />
          {sent !== null && <Progress value={sent * 100} aria-label={t("resources.upload")} />}
          <TextInput label={t("common.name")} maxLength={32} value={given.name} error={error("name")} onChange={(event) => set({ name: event.currentTarget.value })} />
          <Select label={t("common.type")} data={TYPES} disabled={Boolean(given.id)} allowDeselect={false} value={given.type} error={error("type")} onChange={(type) => type && set({ type })} />
          <TextInput classNames={{ input: "mono" }} label={t("resources.location")} description={t("resources.locationHelp")} value={given.location} error={error("location")} onChange={(event) => set({ location: event.currentTarget.value })} />
          <Autocomplete openOnFocus={false} label={t("jobs.path")} disabled={Boolean(given.id)} data={[...new Set(["/", ...known.map((each) => each.directory ?? "/")])]} value={given.directory ?? ""} error={error("directory")} onChange={(directory) => set({ directory })} />
          <TextInput label={t("common.description")} maxLength={255} value={given.desc ?? ""} error={error("desc")} onChange={(event) => set({ desc: event.currentTarget.value })} />
        </>
      )}
    </FormDialog>
  );
}
