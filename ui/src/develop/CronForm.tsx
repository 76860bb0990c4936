import { Checkbox, Group, NumberInput, SegmentedControl, Select, Stack, Switch, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useSession } from "../api/session";
import { useWords } from "../i18n";
import { CYCLES, cycleKey, expressionOf, monthName, planOf, planWords, timeText, USUAL, weekdayName, type Plan } from "./cron";
import { refusedAt } from "./refusals";
import { readTime, wallOf, writeTime } from "./zones";

export type Cron = Record<string, unknown>;
export const textOf = (from: Record<string, unknown>, name: string) => (typeof from[name] === "string" ? (from[name] as string) : "");

interface Props {
  cron: Cron;
  error?: unknown;
  onChange: (cron: Cron) => void;
}

const ZONES = ["UTC", "Europe/Berlin", "Europe/London", "Europe/Paris", "America/New_York", "America/Chicago", "America/Los_Angeles", "America/Sao_Paulo", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo", "Asia/Kolkata", "Asia/Dubai", "Australia/Sydney"];

/** A plan by the clock: by the usual periods, or as an expression. */
export function CronForm({ cron, error, onChange }: Props) {
  const { t, language } = useWords();
  const { workspace } = useSession();
  const expression = textOf(cron, "expression");
  const read = planOf(expression);
  // Somebody who wants to write the expression may do so, even of a plan that a form can say.
  const [written, setWritten] = useState(false);
  const plan: Plan = written ? { ...read, cycle: "custom", expression } : read;
  const zone = textOf(cron, "expressionTimeZone") || workspace.timeZone;
  const set = (change: Cron) => onChange({ ...cron, ...change });
  const setPlan = (change: Partial<Plan>) => {
    const next = { ...plan, ...change };
    set({ expression: expressionOf(next), ...(next.cycle === "custom" ? {} : { intervalType: next.cycle }) });
  };
  const turn = (cycle: string) => {
    setWritten(cycle === "custom");
    if (cycle === "custom") return;
    const base = plan.cycle === "custom" ? { ...USUAL, ...(read.cycle === "custom" ? {} : read) } : plan;
    const next: Plan = { ...base, cycle: cycle as Plan["cycle"], hours: [], every: cycle === "minutes" ? 15 : 1, minute: cycle === "minutes" ? 0 : base.minute };
    set({ expression: expressionOf(next), intervalType: next.cycle });
  };
  const at = (
    <TextInput type="time" label={t("cron.at")} value={timeText(plan)} onChange={(event) => {
      const [hour, minute] = event.currentTarget.value.split(":").map(Number);
      if (Number.isFinite(hour) && Number.isFinite(minute)) setPlan({ hour, minute });
    }} />
  );
  const clock = (name: "startTime" | "endTime") => {
    const given = textOf(cron, name);
    const ms = given ? readTime(given, zone) : null;
    return {
      type: "datetime-local",
      value: ms === null ? "" : wallOf(ms, zone),
      error: refusedAt(error, name) ?? (given && ms === null ? given : undefined),
      onChange: (event: { currentTarget: { value: string } }) => set({ [name]: event.currentTarget.value ? writeTime(event.currentTarget.value, zone) : undefined }),
    };
  };
  const hour = (value: number) => ({ value: String(value), label: `${String(value).padStart(2, "0")}:00` });
  const hours = Array.from({ length: 24 }, (_, each) => hour(each));
  return (
    <Stack gap="sm">
      <SegmentedControl aria-label={t("cron.cycle")} fullWidth size="xs" value={plan.cycle} onChange={turn} data={[...CYCLES, "custom" as const].map((each) => ({ value: each, label: t(cycleKey(each)) }))} />
      {plan.cycle === "minutes" && (
        <Group grow align="flex-end">
          <NumberInput label={t("cron.everyMinutes")} min={1} max={59} value={plan.every} onChange={(next) => setPlan({ every: Number(next) || 1 })} />
          <NumberInput label={t("cron.fromMinute")} min={0} max={59} value={plan.minute} onChange={(next) => setPlan({ minute: Number(next) || 0 })} />
          <Select label={t("cron.fromHour")} allowDeselect={false} data={hours} value={String(plan.fromHour)} onChange={(next) => setPlan({ fromHour: Number(next) })} />
          <Select label={t("cron.toHour")} allowDeselect={false} data={hours} value={String(plan.toHour)} onChange={(next) => setPlan({ toHour: Number(next) })} />
        </Group>
      )}
      {plan.cycle === "hours" && (
        <>
          <Switch label={t("cron.discrete")} checked={plan.hours.length > 0} onChange={(event) => setPlan({ hours: event.currentTarget.checked ? [8, 20] : [], every: 1 })} />
          {plan.hours.length > 0 ? (
            <Group gap={4} role="group" aria-label={t("cron.hourList")}>
              {hours.map(({ value, label }) => (
                <Checkbox.Card key={value} className="chip" radius="sm" checked={plan.hours.includes(Number(value))} onChange={(checked) => setPlan({ hours: checked ? [...plan.hours, Number(value)] : plan.hours.length > 1 ? plan.hours.filter((each) => each !== Number(value)) : plan.hours })} aria-label={label}>{label.slice(0, 2)}</Checkbox.Card>
              ))}
            </Group>
          ) : (
            <Group grow align="flex-end">
              <NumberInput label={t("cron.everyHours")} min={1} max={23} value={plan.every} onChange={(next) => setPlan({ every: Number(next) || 1 })} />
              <Select label={t("cron.fromHour")} allowDeselect={false} data={hours} value={String(plan.fromHour)} onChange={(next) => setPlan({ fromHour: Number(next) })} />
              <Select label={t("cron.toHour")} allowDeselect={false} data={hours} value={String(plan.toHour)} onChange={(next) => setPlan({ toHour: Number(next) })} />
            </Group>
          )}
          <NumberInput maw={200} label={t("cron.atMinute")} min={0} max={59} value={plan.minute} onChange={(next) => setPlan({ minute: Number(next) || 0 })} />
        </>
      )}
      {plan.cycle === "weeks" && (
        <Group gap={4} role="group" aria-label={t("cron.weekdays")}>
          {[2, 3, 4, 5, 6, 7, 1].map((each) => (
            <Checkbox.Card key={each} className="chip wide" radius="sm" checked={plan.weekdays.includes(each)} onChange={(checked) => setPlan({ weekdays: checked ? [...plan.weekdays, each] : plan.weekdays.length > 1 ? plan.weekdays.filter((one) => one !== each) : plan.weekdays })} aria-label={weekdayName(each, language)}>{weekdayName(each, language, "short")}</Checkbox.Card>
          ))}
        </Group>
      )}
      {plan.cycle === "months" && (
        <Group gap={4} role="group" aria-label={t("cron.dayList")}>
          {[...Array.from({ length: 31 }, (_, each) => each + 1), 0].map((each) => (
            <Checkbox.Card key={each} className={each ? "chip" : "chip wide"} radius="sm" checked={plan.days.includes(each)} aria-label={each ? t("cron.day", { day: each }) : t("cron.lastDay")} onChange={(checked) => setPlan({ days: each === 0 ? (checked ? [0] : [1]) : checked ? [...plan.days.filter((one) => one !== 0), each] : plan.days.length > 1 ? plan.days.filter((one) => one !== each) : plan.days })}>{each || t("cron.last")}</Checkbox.Card>
          ))}
        </Group>
      )}
      {(plan.cycle === "seasons" || plan.cycle === "years") && (
        <Group grow align="flex-end">
          <Select label={plan.cycle === "years" ? t("cron.month") : t("cron.seasonMonth")} allowDeselect={false} value={String(plan.cycle === "years" ? plan.month : ((plan.month - 1) % 3) + 1)} data={(plan.cycle === "years" ? Array.from({ length: 12 }, (_, each) => each + 1) : [1, 2, 3]).map((each) => ({ value: String(each), label: plan.cycle === "years" ? monthName(each, language) : t("cron.nthMonth", { month: each }) }))} onChange={(next) => setPlan({ month: Number(next) })} />
          <Select label={t("cron.dayOfMonth")} allowDeselect={false} searchable value={String(plan.days[0] ?? 1)} data={[...Array.from({ length: 31 }, (_, each) => String(each + 1)), "0"].map((each) => ({ value: each, label: each === "0" ? t("cron.lastDay") : each }))} onChange={(next) => setPlan({ days: [Number(next)] })} />
        </Group>
      )}
      {["days", "weeks", "months", "seasons", "years"].includes(plan.cycle) && <Group>{at}</Group>}
      {plan.cycle === "custom" ? (
        <Group grow align="flex-start">
          <TextInput classNames={{ input: "mono" }} label={t("schedule.expression")} description={t("schedule.expressionHelp")} error={refusedAt(error, "expression")} value={expression} onChange={(event) => set({ expression: event.currentTarget.value })} />
          <Select label={t("cron.granularity")} description={t("cron.granularityHelp")} clearable placeholder={t("cron.byExpression")} value={textOf(cron, "intervalType") || null} data={CYCLES.map((each) => ({ value: each, label: t(cycleKey(each)) }))} onChange={(next) => set({ intervalType: next ?? undefined })} />
        </Group>
      ) : (
        <Text size="sm" fw={600}>{planWords(plan, t, language)} <Text span size="xs" c="dimmed" className="mono">{expression}</Text></Text>
      )}
      <Group grow align="flex-start">
        <TextInput label={t("schedule.start")} {...clock("startTime")} required />
        <TextInput label={t("schedule.end")} {...clock("endTime")} />
        <Select label={t("schedule.zone")} searchable clearable placeholder={workspace.timeZone} error={refusedAt(error, "expressionTimeZone")} value={textOf(cron, "expressionTimeZone") || null} data={[...new Set([textOf(cron, "expressionTimeZone"), workspace.timeZone, ...ZONES])].filter(Boolean)} onChange={(next) => set({ expressionTimeZone: next ?? undefined })} />
      </Group>
    </Stack>
  );
}
