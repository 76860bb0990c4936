/** The plans that a form can express, as cron expressions and back. Pure. */

import type { Key, Translate } from "../i18n";

export type Cycle = "minutes" | "hours" | "days" | "weeks" | "months" | "seasons" | "years";
export const CYCLES: Cycle[] = ["minutes", "hours", "days", "weeks", "months", "seasons", "years"];

export interface Plan {
  cycle: Cycle | "custom";
  /** Minutes or hours from one run to the next. */
  every: number;
  minute: number;
  hour: number;
  fromHour: number;
  toHour: number;
  /** Hours one by one; empty: by `every`. */
  hours: number[];
  /** 1 (Sunday) to 7 (Saturday). */
  weekdays: number[];
  /** Days of the month; 0 is the last one. */
  days: number[];
  month: number;
  expression: string;
}

export const USUAL: Plan = { cycle: "days", every: 5, minute: 0, hour: 2, fromHour: 0, toHour: 23, hours: [], weekdays: [2], days: [1], month: 1, expression: "0 0 2 * * ?" };

const whole = (text: string, least: number, most: number): number | null => (/^\d{1,2}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : null);
const NAMES = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

function list(text: string, least: number, most: number, other: (each: string) => number | null = () => null): number[] | null {
  const found = text.split(",").map((each) => whole(each, least, most) ?? other(each));
  return found.every((each) => each !== null) ? (found as number[]) : null;
}

/** The plan that an expression says; `custom` where no form can say it. */
export function planOf(expression: string): Plan {
  const custom: Plan = { ...USUAL, cycle: "custom", expression };
  const fields = expression.trim().toUpperCase().split(/\s+/);
  if (fields.length !== 6 || fields[0] !== "0") return custom;
  const [, minutes, hours, days, months, weekdays] = fields as [string, string, string, string, string, string];
  const minute = whole(minutes, 0, 59);
  const hour = whole(hours, 0, 23);
  const daily = (days === "*" && weekdays === "?") || (days === "?" && weekdays === "*");
  const range = /^(?:\*|(\d{1,2})-(\d{1,2}))$/.exec(hours);
  if (daily && months === "*") {
    const step = /^(?:\*|(\d{1,2}))\/(\d{1,2})$/.exec(minutes);
    if (step && range && Number(step[2]) >= 1 && Number(step[2]) < 60) return { ...custom, cycle: "minutes", every: Number(step[2]), minute: Number(step[1] ?? 0), fromHour: Number(range[1] ?? 0), toHour: Number(range[2] ?? 23) };
    const hourly = /^(?:\*|(\d{1,2})-(\d{1,2})|(\d{1,2}))(?:\/(\d{1,2}))?$/.exec(hours);
    if (minute !== null && hourly && (hours.includes("*") || hours.includes("-") || hours.includes("/"))) return { ...custom, cycle: "hours", every: Number(hourly[4] ?? 1), minute, fromHour: Number(hourly[1] ?? hourly[3] ?? 0), toHour: Number(hourly[2] ?? 23) };
    const several = list(hours, 0, 23);
    if (minute !== null && several && several.length > 1) return { ...custom, cycle: "hours", minute, hours: several };
  }
  if (minute === null || hour === null) return custom;
  if (daily && months === "*") return { ...custom, cycle: "days", minute, hour };
  if (days === "?" && months === "*") {
    const found = list(weekdays, 1, 7, (each) => (NAMES.includes(each) ? NAMES.indexOf(each) + 1 : null));
    return found ? { ...custom, cycle: "weeks", minute, hour, weekdays: found } : custom;
  }
  const found = list(days, 1, 31, (each) => (each === "L" ? 0 : null));
  if (weekdays !== "?" || !found) return custom;
  if (months === "*") return { ...custom, cycle: "months", minute, hour, days: found };
  const season = /^([123])\/3$/.exec(months) ?? /^(?:(1),4,7,10|(2),5,8,11|(3),6,9,12)$/.exec(months);
  const one = whole(months, 1, 12);
  if (found.length === 1 && season) return { ...custom, cycle: "seasons", minute, hour, days: found, month: Number(season[1] ?? season[2] ?? season[3]) };
  if (found.length === 1 && one) return { ...custom, cycle: "years", minute, hour, days: found, month: one };
  return custom;
}

const day = (each: number) => (each === 0 ? "L" : String(each));
const sorted = (values: number[]) => [...new Set(values)].sort((a, b) => a - b);
const days = (plan: Plan) => (plan.days.includes(0) ? "L" : sorted(plan.days.length ? plan.days : [1]).map(day).join(","));

export function expressionOf(plan: Plan): string {
  const range = plan.fromHour === 0 && plan.toHour === 23 ? "*" : `${plan.fromHour}-${plan.toHour}`;
  switch (plan.cycle) {
    case "minutes":
      return `0 ${plan.minute}/${plan.every} ${range} * * ?`;
    case "hours":
      if (plan.hours.length) return `0 ${plan.minute} ${sorted(plan.hours).join(",")} * * ?`;
      return `0 ${plan.minute} ${plan.every === 1 ? range : range === "*" ? `0/${plan.every}` : `${range}/${plan.every}`} * * ?`;
    case "days":
      return `0 ${plan.minute} ${plan.hour} * * ?`;
    case "weeks":
      return `0 ${plan.minute} ${plan.hour} ? * ${sorted(plan.weekdays.length ? plan.weekdays : [2]).join(",")}`;
    case "months":
      return `0 ${plan.minute} ${plan.hour} ${days(plan)} * ?`;
    case "seasons":
      return `0 ${plan.minute} ${plan.hour} ${day(plan.days[0] ?? 1)} ${((plan.month - 1) % 3) + 1}/3 ?`;
    case "years":
      return `0 ${plan.minute} ${plan.hour} ${day(plan.days[0] ?? 1)} ${plan.month} ?`;
    case "custom":
      return plan.expression;
  }
}

const two = (value: number) => String(value).padStart(2, "0");
export const timeText = ({ hour, minute }: Plan) => `${two(hour)}:${two(minute)}`;

/** 1 is Sunday. */
export const weekdayName = (weekday: number, language: string, style: "short" | "long" = "long") => new Intl.DateTimeFormat(language, { weekday: style, timeZone: "UTC" }).format(Date.UTC(2026, 1, weekday));
export const monthName = (month: number, language: string) => new Intl.DateTimeFormat(language, { month: "long", timeZone: "UTC" }).format(Date.UTC(2026, month - 1, 1));

/** The plan as a sentence. */
export function planWords(plan: Plan, t: Translate, language: string): string {
  const and = new Intl.ListFormat(language, { type: "conjunction" });
  const time = timeText(plan);
  const said = and.format(plan.days.map((each) => (each === 0 ? t("cron.lastDay") : t("cron.day", { day: each }))));
  const between = plan.fromHour === 0 && plan.toHour === 23 ? "" : ` ${t("cron.between", { from: `${two(plan.fromHour)}:00`, to: `${two(plan.toHour)}:59` })}`;
  switch (plan.cycle) {
    case "minutes":
      return t("cron.words.minutes", { every: plan.every, minute: two(plan.minute) }) + between;
    case "hours":
      if (plan.hours.length) return t("cron.words.hourList", { hours: and.format(sorted(plan.hours).map((hour) => `${two(hour)}:${two(plan.minute)}`)) });
      return t(plan.every === 1 ? "cron.words.hourly" : "cron.words.hours", { every: plan.every, minute: two(plan.minute) }) + between;
    case "days":
      return t("cron.words.days", { time });
    case "weeks":
      return t("cron.words.weeks", { days: and.format(sorted(plan.weekdays).map((each) => weekdayName(each, language))), time });
    case "months":
      return t("cron.words.months", { days: said, time });
    case "seasons":
      return t("cron.words.seasons", { days: said, months: and.format([0, 3, 6, 9].map((off) => monthName(((plan.month - 1) % 3) + 1 + off, language))), time });
    case "years":
      return t("cron.words.years", { days: said, month: monthName(plan.month, language), time });
    case "custom":
      return t("cron.words.custom");
  }
}

export const cycleKey = (cycle: Plan["cycle"]) => `cron.${cycle}` as Key;
