import { Accordion, Alert, Anchor, Autocomplete, Button, Group, NumberInput, Select, Stack, Switch, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import { get } from "../api/http";
import { useSession } from "../api/session";
import type { Job, JobNode, NodeType } from "../api/types";
import { type Key, useT } from "../i18n";
import { changed, propertyOf, renamed, typeOf, withProperty } from "../pages/job-model";
import { JobPicker } from "../parts/JobPicker";
import { ElField } from "./ElField";
import type { Refused } from "./refusals";
import { type Selection, without } from "./selection";
import { TriggerForm } from "./TriggerForm";

interface Props {
  job: Job;
  types: NodeType[];
  name: string;
  refused: Refused | null;
  objections: string[];
  onChange: (job: Job, mark?: string) => void;
  onSelect: (selection: Selection) => void;
  onExpand: (what: { node: string; property: string }) => void;
}

type NodeTypeProperty = NodeType["properties"][number];

const POLICIES = ["FAIL", "FAIL_CHILD", "IGNORE", "SUSPEND"] as const;
const LONG = /^(statement|sql|sqlstatement|body|headers|message|scriptargs|text|jobjson|sourcequery|params|branches)$/i;
/** Other spellings of one setting: shown only where they are used. */
const SPELLINGS = new Set(["sql", "sqlStatement", "topicName", "obsPath"]);
const MORE = 7;

/** A node as a form, made from what the server says of its type. */
export function NodeForm({ job, types, name, refused, objections, onChange, onSelect, onExpand }: Props) {
  const t = useT();
  const node = job.nodes.find((each) => each.name === name);
  const [title, setTitle] = useState(name);
  useEffect(() => setTitle(name), [name]);
  if (!node) return null;
  const type = typeOf(types, node.type);
  const used = new Set((node.properties ?? []).map((each) => each.name));
  const others = (node.properties ?? []).filter((each) => !type?.properties.some((known) => known.name === each.name));
  const properties = (type?.properties ?? []).filter((each) => !SPELLINGS.has(each.name) || used.has(each.name));
  const main = properties.length <= MORE + 2 ? properties : properties.filter((each, index) => each.required || used.has(each.name) || index < MORE);
  const rest = properties.filter((each) => !main.includes(each));
  const taken = title.trim() !== name && job.nodes.some((each) => each.name === title.trim());
  const error = (part: string) => (refused?.node === name && refused.part === part ? refused.text : undefined);
  const set = (part: Partial<JobNode>) => onChange(changed(job, name, part), `${name} ${Object.keys(part).join()}`);
  const rename = () => {
    const wanted = title.trim();
    if (!wanted || wanted === name || taken) return setTitle(name);
    onChange(renamed(job, name, wanted));
    onSelect({ nodes: [wanted], line: null });
  };
  const property = (each: NodeTypeProperty) => <Property key={each.name} {...{ job, node, property: each, type, error: error(each.name), onChange, onExpand }} />;
  return (
    <Stack p="sm" gap="sm">
      {objections.map((each) => <Alert key={each} color="orange" p="xs" role="alert"><Text size="xs">{each}</Text></Alert>)}
      {refused?.node === name && !(refused.part && shows(refused.part, properties)) && <Alert color="red" p="xs" role="alert"><Text size="xs">{refused.text}</Text></Alert>}
      <TextInput label={t("common.name")} value={title} error={taken ? t("objection.sameName", { name: title.trim() }) : error("name")} onChange={(event) => setTitle(event.currentTarget.value)} onBlur={rename} onKeyDown={(event) => event.key === "Enter" && rename()} />
      <Text size="xs" c="dimmed">{type ? `${type.title}: ${type.summary}` : t("job.unknownType", { type: node.type })}</Text>
      {main.map(property)}
      {others.map((each) => <ElField key={each.name} label={each.name} value={each.value} error={error(each.name)} onChange={(value) => onChange(withProperty(job, name, each.name, value), `${name} ${each.name}`)} />)}
      <Accordion key={String(refused?.node === name)} multiple variant="separated" chevronPosition="left" defaultValue={refused?.node === name ? ["run"] : []} styles={{ content: { padding: 8 } }}>
        {rest.length > 0 && (
          <Accordion.Item value="more">
            <Accordion.Control>{t("node.more", { count: rest.length })}</Accordion.Control>
            <Accordion.Panel><Stack gap="sm">{rest.map(property)}</Stack></Accordion.Panel>
          </Accordion.Item>
        )}
        <Accordion.Item value="run">
          <Accordion.Control>{t("node.running")}<Text size="xs" c="dimmed">{summary(node, t)}</Text></Accordion.Control>
          <Accordion.Panel><Running {...{ node, set, error }} /></Accordion.Panel>
        </Accordion.Item>
        {job.processType === "REAL_TIME" && (
          <Accordion.Item value="trigger">
            <Accordion.Control>{t("node.trigger")}</Accordion.Control>
            <Accordion.Panel><TriggerForm node={node} refused={refused?.node === name ? refused : null} onChange={set} /></Accordion.Panel>
          </Accordion.Item>
        )}
      </Accordion>
      <Group grow>
        <Button color="red" variant="light" onClick={() => { onChange(without(job, [name])); onSelect({ nodes: [], line: null }); }}>{t("node.delete")}</Button>
      </Group>
    </Stack>
  );
}

const RUNNING = ["retryTimes", "retryInterval", "maxExecutionTime", "failPolicy", "pollingInterval", "retryExitCodes", "execTimeOutRetry", "taskGroup", "name"];
const shows = (part: string, properties: NodeTypeProperty[]) => RUNNING.includes(part) || properties.some((each) => each.name === part);

function summary(node: JobNode, t: ReturnType<typeof useT>): string {
  const policy = t(`job.failPolicy.${node.failPolicy ?? "FAIL"}` as Key);
  return node.retryTimes ? t("node.summaryRetry", { count: node.retryTimes, policy }) : t("node.summary", { policy });
}

function Running({ node, set, error }: { node: JobNode; set: (part: Partial<JobNode>) => void; error: (part: string) => string | undefined }) {
  const t = useT();
  const { workspace } = useSession();
  const groups = useQuery({ queryKey: ["task-groups", workspace.id], queryFn: ({ signal }) => get<{ task_groups: { name: string }[] }>("/v1/{p}/task-groups", undefined, signal) });
  const number = (next: number | string) => (next === "" ? undefined : Number(next));
  return (
    <Stack gap="sm">
      <Select label={t("job.failPolicy")} allowDeselect={false} value={node.failPolicy ?? "FAIL"} error={error("failPolicy")} data={POLICIES.map((each) => ({ value: each, label: t(`job.failPolicy.${each}` as Key) }))} onChange={(next) => set({ failPolicy: next ?? "FAIL" })} />
      <Group grow align="flex-end">
        <NumberInput label={t("job.retryTimes")} min={0} max={5} value={node.retryTimes ?? 0} error={error("retryTimes")} onChange={(next) => set({ retryTimes: number(next) ?? 0 })} />
        <NumberInput label={t("job.retryInterval")} min={5} max={120} value={node.retryInterval || 120} disabled={!node.retryTimes} error={error("retryInterval")} onChange={(next) => set({ retryInterval: number(next) })} />
      </Group>
      <NumberInput label={t("job.maxTime")} min={5} max={1440} value={node.maxExecutionTime || 60} error={error("maxExecutionTime")} onChange={(next) => set({ maxExecutionTime: number(next) })} />
      <Switch label={t("node.timeoutRetry")} checked={String(node.execTimeOutRetry) === "true"} disabled={!node.retryTimes} onChange={(event) => set({ execTimeOutRetry: event.currentTarget.checked ? "true" : "false" })} />
      {/^(shell|python)/i.test(node.type) && <TextInput label={t("node.exitCodes")} description={t("node.exitCodesHelp")} placeholder="1-5,137" error={error("retryExitCodes")} value={String(node.retryExitCodes ?? "")} onChange={(event) => set({ retryExitCodes: event.currentTarget.value || undefined })} />}
      <Autocomplete label={t("groups.one")} description={t("node.groupHelp")} data={groups.data?.task_groups.map((each) => each.name) ?? []} value={String(node.taskGroup ?? "")} error={error("taskGroup")} onChange={(next) => set({ taskGroup: next || undefined })} />
    </Stack>
  );
}

interface PropertyProps {
  job: Job;
  node: JobNode;
  property: NodeTypeProperty;
  type: NodeType | undefined;
  error?: string;
  onChange: (job: Job, mark?: string) => void;
  onExpand: (what: { node: string; property: string }) => void;
}

function Property({ job, node, property, type, error, onChange, onExpand }: PropertyProps) {
  const { name, help, required, choices, scanned } = property;
  const value = propertyOf(node, name);
  const set = (next: string) => onChange(withProperty(job, node.name, name, next), `${node.name} ${name}`);
  const common = { label: name, description: help, error, value };
  if (choices.length) return <Select {...common} withAsterisk={required} placeholder={property.default} value={value || null} data={choices} clearable={!required} onChange={(next) => set(next ?? "")} />;
  if (/connection(Name)?$/i.test(name)) return <Named {...common} required={required} kind="connections" only={type?.connections} onChange={set} />;
  if (name === "scriptName") return <Named {...common} required={required} kind="scripts" onChange={set} />;
  if (name === "jobName" && /foreach|subjob/i.test(node.type)) return <JobPicker label={name} description={help} value={value} onChange={set} clearable />;
  return <ElField {...common} required={required} placeholder={property.default} plain={!scanned} long={LONG.test(name)} onExpand={LONG.test(name) ? () => onExpand({ node: node.name, property: name }) : undefined} onChange={set} />;
}

interface NamedProps {
  label: string;
  description?: string;
  error?: string;
  value: string;
  required?: boolean;
  kind: "connections" | "scripts";
  only?: string[];
  onChange: (value: string) => void;
}

/** The name of a connection or a script: chosen, or typed where it is made later or holds an expression. */
export function Named({ kind, only, value, required, onChange, ...more }: NamedProps) {
  const t = useT();
  const { workspace } = useSession();
  const found = useQuery({
    queryKey: [kind, workspace.id, "names"],
    queryFn: ({ signal }) => get<Record<string, { name: string; type: string }[]>>(`/v1/{p}/${kind}`, { limit: 100 }, signal),
  });
  const all = found.data?.[kind] ?? [];
  const fits = only?.length ? all.filter((each) => only.some((kindOf) => plainly(kindOf) === plainly(each.type))) : all;
  const named = all.some((each) => each.name === value);
  return (
    <div>
      <Autocomplete {...more} withAsterisk={required} data={(fits.length ? fits : all).map((each) => each.name)} value={value} onChange={onChange} comboboxProps={{ withinPortal: true }} />
      {kind === "scripts" && named && <Anchor component={Link} size="xs" href={`/scripts/${encodeURIComponent(value)}`}>{t("node.openScript")}</Anchor>}
      {value && !named && found.data && !/[#$]\{/.test(value) && <Text size="xs" c="dimmed">{t("node.notThere", { name: value })}</Text>}
    </div>
  );
}

const plainly = (name: string) => name.toLowerCase().replace(/[\s_-]/g, "");
