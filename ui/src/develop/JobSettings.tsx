import { Autocomplete, NumberInput, Select, Stack, Switch, TagsInput, Text, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { get } from "../api/http";
import { useSession } from "../api/session";
import type { Job } from "../api/types";
import { type Key, useT } from "../i18n";
import { refusedAt } from "./refusals";
import { useDirectories } from "./useDirectories";

interface Basic {
  owner?: string;
  priority?: number;
  instanceTimeout?: number;
  tags?: string[];
  [more: string]: unknown;
}

interface Props {
  job: Job;
  isNew: boolean;
  error: unknown;
  onChange: (job: Job, mark?: string) => void;
}

/** What is true of a job as a whole. */
export function JobSettings({ job, isNew, error, onChange }: Props) {
  const t = useT();
  const { workspace } = useSession();
  const basic = (job.basicConfig ?? {}) as Basic;
  const directories = useDirectories("job");
  const groups = useQuery({ queryKey: ["task-groups", workspace.id], queryFn: ({ signal }) => get<{ task_groups: { name: string }[] }>("/v1/{p}/task-groups", undefined, signal) });
  const set = (part: Partial<Job>) => onChange({ ...job, ...part }, `job ${Object.keys(part).join()}`);
  const setBasic = (part: Basic) => onChange({ ...job, basicConfig: { ...basic, ...part } }, `job ${Object.keys(part).join()}`);
  return (
    <Stack p="sm" gap="sm">
      <Text size="sm" c="dimmed">{t("job.nodeHelp")}</Text>
      <TextInput label={t("jobset.name")} value={job.name} error={refusedAt(error, "name")} onChange={(event) => set({ name: event.currentTarget.value })} />
      <Textarea label={t("common.description")} autosize minRows={2} maxLength={255} value={job.description ?? ""} error={refusedAt(error, "description")} onChange={(event) => set({ description: event.currentTarget.value })} />
      <Autocomplete openOnFocus={false} label={t("jobs.path")} description={t("jobset.pathHelp")} data={directories.data ?? []} value={job.directory ?? "/"} error={refusedAt(error, "directory")} onChange={(directory) => set({ directory })} />
      <Select label={t("jobset.kind")} allowDeselect={false} disabled={!isNew} value={job.processType} data={["BATCH", "REAL_TIME"].map((each) => ({ value: each, label: t(`jobset.${each}` as Key) }))} onChange={(next) => next && set({ processType: next as Job["processType"] })} />
      <TextInput label={t("jobset.owner")} value={basic.owner ?? ""} error={refusedAt(error, "owner")} onChange={(event) => setBasic({ owner: event.currentTarget.value || undefined })} />
      <Select label={t("jobset.priority")} allowDeselect={false} value={String(basic.priority ?? 0)} data={["0", "1", "2"].map((each) => ({ value: each, label: t(`jobset.priority${each}` as Key) }))} onChange={(next) => setBasic({ priority: Number(next) })} />
      <NumberInput label={t("jobset.timeout")} description={t("jobset.timeoutHelp")} min={0} max={1440} value={basic.instanceTimeout ?? 0} error={refusedAt(error, "instanceTimeout")} onChange={(next) => setBasic({ instanceTimeout: Number(next) || undefined })} />
      <TagsInput label={t("jobset.tags")} placeholder={t("jobset.tagsHelp")} value={Array.isArray(basic.tags) ? basic.tags : []} onChange={(tags) => setBasic({ tags })} />
      <Autocomplete openOnFocus={false} label={t("groups.one")} description={t("node.groupHelp")} data={groups.data?.task_groups.map((each) => each.name) ?? []} value={String(basic.taskGroup ?? "")} onChange={(next) => setBasic({ taskGroup: next || undefined })} />
      <NumberInput label={t("jobset.overdue")} description={t("jobset.overdueHelp")} min={0} value={job.cleanOverdueDays === undefined ? "" : Number(job.cleanOverdueDays)} error={refusedAt(error, "cleanOverdueDays")} onChange={(next) => set({ cleanOverdueDays: next === "" ? undefined : Number(next) })} />
      <Switch label={t("jobset.dryRun")} description={t("jobset.dryRunHelp")} checked={["1", "true"].includes(String(job.emptyRunningJob))} onChange={(event) => set({ emptyRunningJob: event.currentTarget.checked ? "1" : "0" })} />
    </Stack>
  );
}
