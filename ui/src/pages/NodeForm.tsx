import { Alert, Button, Group, NumberInput, ScrollArea, Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import type { Job, NodeType } from "../api/types";
import { type Key, useT } from "../i18n";
import { ElHelp } from "../parts/ElHelp";
import type { Chosen } from "./JobCanvas";
import { changed, propertyOf, renamed, typeOf, withCondition, withoutLine, withoutNode, withProperty } from "./job-model";

interface Props {
  job: Job;
  types: NodeType[];
  chosen: Chosen;
  onChange: (job: Job) => void;
  onChoose: (chosen: Chosen) => void;
}

const POLICIES = ["FAIL", "FAIL_CHILD", "IGNORE", "SUSPEND"] as const;
const LONG = new Set(["statement", "sql", "sqlstatement", "body", "headers", "message", "scriptargs", "text"]);

/** What is chosen on the canvas, as a form; made from the node type's own description. */
export function NodeForm({ job, types, chosen, onChange, onChoose }: Props) {
  const t = useT();
  if (!chosen) return <Text size="sm" c="dimmed" p="sm">{t("job.nodeHelp")}</Text>;
  if ("line" in chosen) {
    const [from, to] = chosen.line;
    const node = job.nodes.find((each) => each.name === to);
    return (
      <Stack p="sm" gap="sm">
        <Text fw={600}>{t("job.line", { from, to })}</Text>
        <Textarea classNames={{ input: "mono" }} autosize minRows={2} {...labelled(t("job.condition"), (text) => onChange(withCondition(job, from, to, (node?.conditions?.find((each) => each.preNodeName === from)?.expression ?? "") + text)))} description={t("job.conditionHelp")} placeholder={"#{(Job.getNodeStatus(\"" + from + "\")) == \"success\" ? \"true\" : \"false\"}"} value={node?.conditions?.find((each) => each.preNodeName === from)?.expression ?? ""} onChange={(event) => onChange(withCondition(job, from, to, event.currentTarget.value))} />
        <Button color="red" variant="light" onClick={() => { onChange(withoutLine(job, from, to)); onChoose(null); }}>{t("common.delete")}</Button>
      </Stack>
    );
  }
  return <OneNode key={chosen.node} name={chosen.node} {...{ job, types, onChange, onChoose }} />;
}

function OneNode({ name, job, types, onChange, onChoose }: Omit<Props, "chosen"> & { name: string }) {
  const t = useT();
  const node = job.nodes.find((each) => each.name === name);
  const [title, setTitle] = useState(name);
  useEffect(() => setTitle(name), [name]);
  if (!node) return null;
  const type = typeOf(types, node.type);
  const others = (node.properties ?? []).filter((each) => !type?.properties.some((known) => known.name === each.name));
  const rename = () => {
    const wanted = title.trim();
    if (!wanted || wanted === name || job.nodes.some((each) => each.name === wanted)) return setTitle(name);
    onChange(renamed(job, name, wanted));
    onChoose({ node: wanted });
  };
  return (
    <ScrollArea h="100%">
      <Stack p="sm" gap="sm">
        <TextInput label={t("common.name")} value={title} onChange={(event) => setTitle(event.currentTarget.value)} onBlur={rename} onKeyDown={(event) => event.key === "Enter" && rename()} />
        <Text size="xs" c="dimmed">{type ? `${type.title}: ${type.summary}` : t("job.unknownType", { type: node.type })}</Text>
        {(type?.properties ?? []).filter((property) => shown(property.name, node.properties ?? [])).map((property) => {
          const value = propertyOf(node, property.name);
          const set = (next: string) => onChange(withProperty(job, name, property.name, next));
          const common = { description: property.help, withAsterisk: property.required, value };
          const label = property.scanned ? labelled(property.name, (text) => set(value + text)) : { label: property.name };
          if (property.choices.length) return <Select key={property.name} {...common} label={property.name} value={value || null} data={property.choices} clearable onChange={(next) => set(next ?? "")} />;
          if (LONG.has(property.name.toLowerCase())) return <Textarea key={property.name} {...common} {...label} classNames={{ input: "mono" }} autosize minRows={3} maxRows={14} onChange={(event) => set(event.currentTarget.value)} />;
          return <TextInput key={property.name} {...common} {...label} placeholder={property.default} onChange={(event) => set(event.currentTarget.value)} />;
        })}
        {others.map((property) => <TextInput key={property.name} label={property.name} value={property.value} onChange={(event) => onChange(withProperty(job, name, property.name, event.currentTarget.value))} />)}
        <Select label={t("job.failPolicy")} allowDeselect={false} value={node.failPolicy ?? "FAIL"} data={POLICIES.map((each) => ({ value: each, label: t(`job.failPolicy.${each}` as Key) }))} onChange={(next) => onChange(changed(job, name, { failPolicy: next ?? "FAIL" }))} />
        <Group grow>
          <NumberInput label={t("job.retryTimes")} min={0} max={100} value={node.retryTimes ?? 0} onChange={(next) => onChange(changed(job, name, { retryTimes: Number(next) || 0 }))} />
          <NumberInput label={t("job.retryInterval")} min={0} max={120} value={node.retryInterval ?? 120} onChange={(next) => onChange(changed(job, name, { retryInterval: Number(next) || 0 }))} />
        </Group>
        <NumberInput label={t("job.maxTime")} min={1} max={1440} value={node.maxExecutionTime ?? 60} onChange={(next) => onChange(changed(job, name, { maxExecutionTime: Number(next) || 60 }))} />
        {type?.connections.length ? <Alert variant="light" p="xs"><Text size="xs">connectionName: {type.connections.join(", ")}</Text></Alert> : null}
        <Button color="red" variant="light" onClick={() => { onChange(withoutNode(job, name)); onChoose(null); }}>{t("common.delete")}</Button>
      </Stack>
    </ScrollArea>
  );
}

/** A label with the list of expressions beside it; the field's name stays the text alone. */
function labelled(name: string, insert: (text: string) => void) {
  return { label: <>{name} <ElHelp onInsert={insert} /></>, labelProps: { labelElement: "div" as const }, "aria-label": name };
}

/** Other spellings of one setting are shown only where they are used. */
function shown(name: string, used: { name: string }[]): boolean {
  return !["sql", "sqlStatement"].includes(name) || used.some((each) => each.name === name);
}
