/** Days as `2026-11-22`, in a time zone: what a plan calls a day. */

const DAY_MS = 86_400_000;

function parts(ms: number, zone: string): Record<string, number> {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
  return Object.fromEntries(format.formatToParts(ms).filter((each) => each.type !== "literal").map((each) => [each.type, Number(each.value)]));
}

const two = (value: number) => String(value).padStart(2, "0");

export function dayOf(ms: number, zone: string): string {
  const { year, month, day } = parts(ms, zone);
  return `${year}-${two(month!)}-${two(day!)}`;
}

/** The first moment of a day; where clocks are put forward at midnight, the first one after it. */
export function midnightOf(day: string, zone: string): number {
  const [year, month, date] = day.split("-").map(Number) as [number, number, number];
  const wanted = Date.UTC(year, month - 1, date);
  let at = wanted;
  for (let turn = 0; turn < 3; turn += 1) {
    const shown = parts(at, zone);
    const off = Date.UTC(shown.year!, shown.month! - 1, shown.day!, shown.hour!, shown.minute!, shown.second!) - at;
    if (wanted - off === at) return at;
    at = wanted - off;
  }
  return at;
}

export const nextDay = (day: string): string => new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10);

/** All days from one to another, both of them included; none where they are no days. */
export function daysBetween(from: string, to: string): string[] {
  const first = Date.parse(`${from}T00:00:00Z`);
  const last = Date.parse(`${to}T00:00:00Z`);
  const days: string[] = [];
  for (let at = first; at <= last && days.length < 4000; at += DAY_MS) days.push(new Date(at).toISOString().slice(0, 10));
  return days;
}

/** The one spelling of dates that the API of patches takes. */
export const patchDate = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)} +00`;

/** The days of a month in weeks from Monday on; null: a day of another month. */
export function weeksOf(month: string): (string | null)[][] {
  const first = new Date(`${month}-01T00:00:00Z`);
  const lead = (first.getUTCDay() + 6) % 7;
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  const cells: (string | null)[] = [...Array<null>(lead).fill(null), ...Array.from({ length: last }, (_, at) => `${month}-${two(at + 1)}`)];
  while (cells.length % 7) cells.push(null);
  return Array.from({ length: cells.length / 7 }, (_, week) => cells.slice(week * 7, week * 7 + 7));
}

export function monthsOf(days: string[]): string[] {
  return [...new Set(days.map((day) => day.slice(0, 7)))].sort();
}
