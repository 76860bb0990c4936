import { Button, Group, Select, Stack, Text } from "@mantine/core";
import type { Job } from "../api/types";
import { type Key, useT } from "../i18n";
import { changed, withCondition, withoutLine } from "../pages/job-model";
import { ElField } from "./ElField";
import type { Refused } from "./refusals";

const quoted = (name: string) => name.replaceAll("\\", "\\\\").replaceAll('"', '\\"');

/** Conditions that are asked for most, for the line from a node. */
export const CONDITIONS: [Key, (from: string) => string][] = [
  ["condition.success", (from) => `#{(Job.getNodeStatus("${quoted(from)}")) == "success" ? "true" : "false"}`],
  ["condition.fail", (from) => `#{(Job.getNodeStatus("${quoted(from)}")) == "fail" ? "true" : "false"}`],
  ["condition.some", (from) => `#{(Job.getNodeOutput("${quoted(from)}")) != "[]" ? "true" : "false"}`],
  ["condition.monday", () => '#{(DateUtil.format(Job.planTime,"EEEE")) == "Monday" ? "true" : "false"}'],
];

interface Props {
  job: Job;
  line: [string, string];
  refused: Refused | null;
  onChange: (job: Job, mark?: string) => void;
  onDelete: () => void;
}

export function LineForm({ job, line: [from, to], refused, onChange, onDelete }: Props) {
  const t = useT();
  const node = job.nodes.find((each) => each.name === to);
  const condition = node?.conditions?.find((each) => each.preNodeName === from) as { preNodeName: string; expression: string; skipPolicy?: string } | undefined;
  const set = (expression: string) => onChange(withCondition(job, from, to, expression), `line ${from} ${to}`);
  const policy = (given: string | null) => {
    const skipPolicy = given === "ALL" || given === "NEXT" ? given : undefined;
    onChange(changed(job, to, { conditions: node!.conditions!.map((each) => (each.preNodeName === from ? { ...each, skipPolicy } : each)) }));
  };
  return (
    <Stack p="sm" gap="sm">
      <Text fw={600}>{t("job.line", { from, to })}</Text>
      <ElField label={t("job.condition")} description={t("job.conditionHelp")} long value={condition?.expression ?? ""} error={refused?.node === to && refused.part === "conditions" ? refused.text : undefined} onChange={set} />
      <Text size="xs" fw={600}>{t("condition.often")}</Text>
      <Group gap={6}>{CONDITIONS.map(([key, text]) => <Button key={key} size="compact-xs" variant="default" onClick={() => set(text(from))}>{t(key)}</Button>)}</Group>
      {condition && <Select label={t("condition.skips")} description={t("condition.skipsHelp")} clearable placeholder={t("settings.default")} value={condition.skipPolicy ?? null} data={["ALL", "NEXT"].map((each) => ({ value: each, label: t(`condition.${each}` as Key) }))} onChange={policy} />}
      <Button color="red" variant="light" onClick={() => { onChange(withoutLine(job, from, to)); onDelete(); }}>{t("job.lineDelete")}</Button>
    </Stack>
  );
}
