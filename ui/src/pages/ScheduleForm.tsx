import { Alert, List, Select, Stack, Switch, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { post } from "../api/http";
import { useSession } from "../api/session";
import type { Job } from "../api/types";
import { type Key, useT } from "../i18n";
import { Problem } from "../parts/Page";
import { clock } from "../parts/time";

export function ScheduleForm({ job, onChange }: { job: Job; onChange: (job: Job) => void }) {
  const t = useT();
  const { workspace } = useSession();
  const cron = job.schedule.cron ?? {};
  const set = (change: Record<string, unknown>) => onChange({ ...job, schedule: { ...job.schedule, cron: { ...cron, ...change } } });
  const text = (name: string) => (typeof cron[name] === "string" ? (cron[name] as string) : "");
  const [asked] = useDebouncedValue(cron, 350);
  const next = useQuery({
    queryKey: ["fire-times", workspace.id, asked],
    queryFn: () => post<{ fireTimes: number[] }>("/v1/{p}/schedule/preview", { cron: asked, count: 10 }),
    enabled: job.schedule.type === "CRON" && typeof asked.expression === "string" && asked.expression !== "",
    retry: false,
  });
  return (
    <Stack maw={640}>
      <Select
        label={t("schedule.type")}
        allowDeselect={false}
        value={job.schedule.type}
        data={["EXECUTE_ONCE", "CRON", "EVENT"].map((each) => ({ value: each, label: t(`schedule.${each}` as Key) }))}
        onChange={(type) => type && onChange({ ...job, schedule: { ...job.schedule, type, ...(type === "CRON" && !job.schedule.cron ? { cron: { expression: "0 0 2 * * ?", expressionTimeZone: "", startTime: new Date().toISOString().slice(0, 10) + "T00:00:00+00" } } : {}) } })}
      />
      {job.schedule.type === "CRON" && (
        <>
          <TextInput classNames={{ input: "mono" }} label={t("schedule.expression")} description={t("schedule.expressionHelp")} value={text("expression")} onChange={(event) => set({ expression: event.currentTarget.value })} />
          <TextInput label={t("schedule.zone")} placeholder={workspace.timeZone} value={text("expressionTimeZone")} onChange={(event) => set({ expressionTimeZone: event.currentTarget.value || undefined })} />
          <TextInput label={t("schedule.start")} placeholder="2026-01-01T00:00:00+08" value={text("startTime")} onChange={(event) => set({ startTime: event.currentTarget.value })} />
          <TextInput label={t("schedule.end")} placeholder="2027-01-01T00:00:00+08" value={text("endTime")} onChange={(event) => set({ endTime: event.currentTarget.value || undefined })} />
          <Switch label="dependPrePeriod" checked={cron.dependPrePeriod === true} onChange={(event) => set({ dependPrePeriod: event.currentTarget.checked })} />
          <Alert variant="light" title={t("schedule.next")}>
            {next.error ? <Problem error={next.error} /> : next.data?.fireTimes.length === 0 ? <Text size="sm">{t("schedule.never")}</Text> : (
              <List size="sm" className="mono">{next.data?.fireTimes.map((each) => <List.Item key={each}>{clock(each, workspace.timeZone)}</List.Item>)}</List>
            )}
          </Alert>
        </>
      )}
    </Stack>
  );
}
