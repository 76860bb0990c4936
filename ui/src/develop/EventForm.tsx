import { NumberInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { type Key, useT } from "../i18n";
import { textOf } from "./CronForm";
import { ElField } from "./ElField";
import { Named } from "./NodeForm";
import { refusedAt } from "./refusals";

export type Event = Record<string, unknown>;
const KINDS = ["KAFKA", "OBS", "DIS"];

/** What starts a job (or a node of a real-time job) by events. */
export function EventForm({ event, error, most = 128, onChange }: { event: Event; error?: unknown; most?: number; onChange: (event: Event) => void }) {
  const t = useT();
  const kind = textOf(event, "eventType") || "KAFKA";
  const set = (change: Event) => onChange({ ...event, ...change });
  const number = (value: number | string) => (value === "" ? undefined : Number(value));
  return (
    <Stack gap="sm">
      <Select label={t("event.kind")} allowDeselect={false} value={kind} error={refusedAt(error, "eventType")} data={KINDS.map((each) => ({ value: each, label: t(`event.${each}` as Key) }))} onChange={(next) => set({ eventType: next ?? "KAFKA" })} />
      {kind === "DIS" && <Text size="sm" c="dimmed">{t("event.disHelp")}</Text>}
      {kind === "KAFKA" && <Named kind="connections" only={["KAFKA", "MRSKafka", "DMSKafka"]} required label={t("event.connection")} description={t("event.connectionHelp")} value={textOf(event, "connectionName")} error={refusedAt(error, "connectionName")} onChange={(connectionName) => set({ connectionName })} />}
      {kind === "OBS" ? (
        <ElField plain required label={t("event.path")} description={t("event.pathHelp")} placeholder="obs://incoming/orders/" value={textOf(event, "channel")} error={refusedAt(error, "channel")} onChange={(channel) => set({ channel })} />
      ) : (
        <TextInput withAsterisk label={kind === "KAFKA" ? t("event.topic") : t("event.stream")} value={textOf(event, "channel")} error={refusedAt(error, "channel")} onChange={(change) => set({ channel: change.currentTarget.value })} />
      )}
      <NumberInput label={t("event.concurrent")} description={t("event.concurrentHelp")} min={1} max={most} value={Number(event.concurrent ?? 1)} error={refusedAt(error, "concurrent")} onChange={(next) => set({ concurrent: number(next) })} />
      <Select label={t("event.failPolicy")} allowDeselect={false} value={textOf(event, "failPolicy") || "SUSPEND"} data={["SUSPEND", "IGNORE"].map((each) => ({ value: each, label: t(`event.${each}` as Key) }))} onChange={(next) => set({ failPolicy: next ?? "SUSPEND" })} />
      <Select label={t("event.readPolicy")} allowDeselect={false} value={textOf(event, "readPolicy") || "LAST"} data={["LAST", "NEW"].map((each) => ({ value: each, label: t(`event.${each}` as Key) }))} onChange={(next) => set({ readPolicy: next ?? "LAST" })} />
      <NumberInput label={t("event.interval")} description={t("event.intervalHelp")} min={1} max={3600} value={event.intervalSeconds === undefined ? "" : Number(event.intervalSeconds)} error={refusedAt(error, "intervalSeconds")} onChange={(next) => set({ intervalSeconds: number(next) })} />
    </Stack>
  );
}
