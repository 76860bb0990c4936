/** Times are epoch milliseconds, shown in the workspace's time zone: what its schedules mean. */

const formats = new Map<string, Intl.DateTimeFormat>();

export function clock(ms: number | undefined, zone: string): string {
  if (ms === undefined || ms <= 0) return "";
  let format = formats.get(zone);
  if (!format) {
    try {
      format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
    } catch {
      format = new Intl.DateTimeFormat("sv-SE", { timeZone: "UTC", dateStyle: "short", timeStyle: "medium" });
    }
    formats.set(zone, format);
  }
  return format.format(ms);
}

export function span(ms: number | undefined): string {
  if (ms === undefined || ms < 0) return "";
  if (ms < 1000) return `${ms} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A number as it is written in the language of the page: 10,000 in English is ten in German. */
export const counted = (value: number): string => value.toLocaleString(document.documentElement.lang || "en");
