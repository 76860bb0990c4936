import { Button, Fieldset, Group, NumberInput, Select, SimpleGrid, Stack, Switch, Tabs, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { ServerSettings } from "../administer/ServerSettings";
import { get, put } from "../api/http";
import { useSession } from "../api/session";
import { type Key, useT } from "../i18n";
import { Page, Problem, Waiting } from "../parts/Page";
import { tellDone, tellError } from "../parts/tell";
import { useFilters } from "../parts/useFilters";

type Values = Record<string, unknown>;
type Given = Values & Partial<Record<"alerts" | "retention" | "quotas" | "scheduling", Values>>;

const CHOICES: Record<string, string[]> = {
  conditionPolicy: ["OR", "AND"],
  skipPolicy: ["ALL", "NEXT"],
  variableFormat: ["${}", "${dlf.}"],
  dependencyPolicy: ["NATURAL", "TRADITIONAL"],
  catchUp: ["ALL", "LATEST", "NONE"],
  ignoredFailure: ["success", "failure"],
};
const FLAGS = new Set(["simpleVariables", "excludeWaitingFromTimeout", "eachRetry"]);
const TOP = ["conditionPolicy", "skipPolicy", "variableFormat", "simpleVariables", "excludeWaitingFromTimeout"];
const GROUPS: ["alerts" | "retention" | "quotas" | "scheduling", string[]][] = [
  ["scheduling", ["dependencyPolicy", "catchUp", "waitingDays", "instancesPerJob", "nodeLimit"]],
  ["alerts", ["days", "ignoredFailure", "eachRetry"]],
  ["retention", ["instanceDays", "logDays"]],
  ["quotas", ["waitingInstances", "processes", "storageBytes"]],
];

const DEFAULTS = { tab: "workspace" };

export function Settings() {
  const t = useT();
  const { session, workspace } = useSession();
  const [filters, change] = useFilters(DEFAULTS);
  if (!session.administrator) return <Page title={t("settings.title")}><WorkspaceSettings /></Page>;
  return (
    <Page title={t("nav.settings")} wide>
      <Tabs value={filters.tab} onChange={(tab) => change({ tab: tab ?? "workspace" })} keepMounted={false}>
        <Tabs.List mb="sm"><Tabs.Tab value="workspace">{t("settings.ofWorkspace", { name: workspace.name })}</Tabs.Tab><Tabs.Tab value="server">{t("settings.server")}</Tabs.Tab></Tabs.List>
        <Tabs.Panel value="workspace"><WorkspaceSettings /></Tabs.Panel>
        <Tabs.Panel value="server"><ServerSettings /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function WorkspaceSettings() {
  const t = useT();
  const { workspace, session } = useSession();
  const client = useQueryClient();
  const [given, setGiven] = useState<Given | null>(null);
  const kept = useQuery({ queryKey: ["settings", workspace.id], queryFn: ({ signal }) => get<Given>("/v1/{p}/workspace-settings", undefined, signal), refetchOnWindowFocus: false });
  const local = useQuery({ queryKey: ["local-programs", workspace.id], queryFn: ({ signal }) => get<{ allowed: boolean }>("/v1/{p}/local-programs", undefined, signal), enabled: session.administrator });
  useEffect(() => {
    if (kept.data) setGiven(kept.data);
  }, [kept.data]);
  const save = useMutation({
    mutationFn: () => put("/v1/{p}/workspace-settings", given),
    onSuccess: async () => {
      tellDone(t("settings.saved"));
      await client.invalidateQueries({ queryKey: ["settings"] });
    },
  });
  const allow = useMutation({ mutationFn: (allowed: boolean) => put("/v1/{p}/local-programs", { allowed }), onSuccess: () => local.refetch(), onError: tellError });
  return (
    <Stack>
      <Group justify="space-between" wrap="nowrap"><Text size="sm" c="dimmed">{t("settings.help")}</Text><Button style={{ flex: "none" }} disabled={!given || given === kept.data} loading={save.isPending} onClick={() => save.mutate()}>{t("common.save")}</Button></Group>
      {save.error && <Problem error={save.error} />}
      {kept.error ? <Problem error={kept.error} /> : !given ? <Waiting /> : (
        <SimpleGrid cols={{ base: 1, md: 2 }}>
          <Fieldset legend={t("settings.jobs")}>{TOP.map((name) => <Field key={name} name={name} value={given[name]} onChange={(value) => setGiven({ ...given, [name]: value })} />)}</Fieldset>
          {GROUPS.map(([group, names]) => (
            <Fieldset key={group} legend={t(`settings.${group}` as Key)}>
              {names.map((name) => <Field key={name} name={name} optional value={given[group]?.[name]} onChange={(value) => {
                const { [name]: _old, ...others } = given[group] ?? {};
                setGiven({ ...given, [group]: value === undefined ? others : { ...others, [name]: value } });
              }} />)}
            </Fieldset>
          ))}
          {local.data && (
            <Fieldset legend={t("settings.server")}>
              <Switch label={t("settings.localPrograms")} description={t("settings.localProgramsHelp")} checked={local.data.allowed} disabled={allow.isPending} onChange={(event) => allow.mutate(event.currentTarget.checked)} />
            </Fieldset>
          )}
        </SimpleGrid>
      )}
    </Stack>
  );
}

function Field({ name, value, optional, onChange }: { name: string; value: unknown; optional?: boolean; onChange: (value: unknown) => void }) {
  const t = useT();
  const label = t(`setting.${name}` as Key);
  if (FLAGS.has(name)) return <Switch my="sm" label={label} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />;
  if (CHOICES[name]) return <Select my="xs" label={label} data={CHOICES[name]} clearable={optional} allowDeselect={false} placeholder={t("settings.default")} value={(value as string | undefined) ?? null} onChange={(next) => onChange(next ?? undefined)} />;
  return <NumberInput my="xs" label={label} min={0} allowDecimal={false} placeholder={t("settings.default")} value={(value as number | undefined) ?? ""} onChange={(next) => onChange(next === "" ? undefined : Number(next))} />;
}
