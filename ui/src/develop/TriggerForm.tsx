import { Alert, Select, Stack, Text } from "@mantine/core";
import type { JobNode } from "../api/types";
import { type Key, useT } from "../i18n";
import { CronForm } from "./CronForm";
import { EventForm } from "./EventForm";
import { FireTimes } from "./FireTimes";
import type { Refused } from "./refusals";

const usual = () => ({ expression: "0 0/15 * * * ?", intervalType: "minutes", startTime: `${new Date().toISOString().slice(0, 10)}T00:00:00+00` });

/** What starts a node of a real-time job. */
export function TriggerForm({ node, refused, onChange }: { node: JobNode; refused: Refused | null; onChange: (part: Partial<JobNode>) => void }) {
  const t = useT();
  const event = node.eventTrigger as Record<string, unknown> | undefined;
  const cron = node.cronTrigger as Record<string, unknown> | undefined;
  const kind = event && Object.keys(event).length ? "EVENT" : cron && Object.keys(cron).length ? "CRON" : "ONCE";
  const turn = (next: string | null) => onChange({ eventTrigger: next === "EVENT" ? { eventType: "KAFKA", concurrent: 1 } : undefined, cronTrigger: next === "CRON" ? usual() : undefined });
  return (
    <Stack gap="sm">
      {refused && /Trigger/.test(refused.field) && <Alert color="red" p="xs"><Text size="xs">{refused.text}</Text></Alert>}
      <Select label={t("trigger.kind")} allowDeselect={false} value={kind} data={["ONCE", "EVENT", "CRON"].map((each) => ({ value: each, label: t(`trigger.${each}` as Key) }))} onChange={turn} />
      {kind === "EVENT" && <EventForm event={event!} most={10} onChange={(eventTrigger) => onChange({ eventTrigger })} />}
      {kind === "CRON" && <><CronForm cron={cron!} onChange={(cronTrigger) => onChange({ cronTrigger })} /><FireTimes cron={cron!} /></>}
    </Stack>
  );
}
