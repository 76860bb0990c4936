/** Wall times of time zones: what a form shows, and what a schedule's `startTime` holds. Pure. */

/** A zone that the browser knows: `GMT+8` (east of Greenwich) is `Etc/GMT-8` to it, the other way round. */
export function zoneOf(given: string): string {
  const found = /^(?:GMT|UTC)([+-])(\d{1,2})(?::?(\d{2}))?$/i.exec(given.trim());
  const hours = Number(found?.[2]);
  const name = !found ? given : Number(found[3] ?? 0) ? `${found[1]}${found[2]!.padStart(2, "0")}:${found[3]}` : hours ? `Etc/GMT${found[1] === "+" ? "-" : "+"}${hours}` : "UTC";
  try {
    new Intl.DateTimeFormat("en", { timeZone: name || "UTC" });
    return name || "UTC";
  } catch {
    return "UTC";
  }
}

function parts(ms: number, zone: string): Record<string, number> {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
  return Object.fromEntries(format.formatToParts(ms).filter((each) => each.type !== "literal").map((each) => [each.type, Number(each.value)]));
}

/** Minutes that the zone is ahead of UTC at that moment. */
export function offsetOf(ms: number, zone: string): number {
  const { year, month, day, hour, minute, second } = parts(ms, zoneOf(zone));
  return Math.round((Date.UTC(year!, month! - 1, day!, hour!, minute!, second!) - Math.floor(ms / 1000) * 1000) / 60_000);
}

export function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  const rest = size % 60;
  return `${minutes < 0 ? "-" : "+"}${String(Math.floor(size / 60)).padStart(2, "0")}${rest ? `:${String(rest).padStart(2, "0")}` : ""}`;
}

/** `2026-01-01T00:00`, as fields for date and time take it. */
export function wallOf(ms: number, zone: string): string {
  return new Date(ms + offsetOf(ms, zone) * 60_000).toISOString().slice(0, 16);
}

export function instantOf(wall: string, zone: string): number {
  const utc = Date.parse(`${wall.slice(0, 16)}:00Z`);
  const first = utc - offsetOf(utc, zone) * 60_000;
  return utc - offsetOf(first, zone) * 60_000;
}

/** Epoch milliseconds of a schedule's time, such as `2018-10-22T23:59:59+08`; without an offset it is of the zone. */
export function readTime(text: string, zone: string): number | null {
  const found = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(?::\d{2}(?:\.\d+)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/.exec(text.trim());
  if (!found) return null;
  const wall = `${found[1]}T${found[2]}`;
  if (!found[3]) return instantOf(wall, zone);
  if (found[3] === "Z") return Date.parse(`${wall}:00Z`);
  const hours = found[3].slice(0, 3);
  const minutes = found[3].length > 3 ? found[3].slice(-2) : "00";
  const ms = Date.parse(`${wall}:00${hours}:${minutes}`);
  return Number.isNaN(ms) ? null : ms;
}

/** A wall time as a schedule holds it, with the zone's offset on that day. */
export function writeTime(wall: string, zone: string): string {
  return `${wall.slice(0, 16)}:00${offsetText(offsetOf(instantOf(wall, zone), zone))}`;
}
