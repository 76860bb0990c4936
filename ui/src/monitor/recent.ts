/** What an instance is like beside those before it: pure. */
import { ENDED, type InstanceItem } from "../api/types";

export interface Record {
  /** How often in a row it has failed up to now. 0: it has not. */
  failures: number;
  /** The newest success before it. */
  good?: InstanceItem;
  /** How long those that succeeded took: half of them longer. In milliseconds; nothing where there are too few. */
  usualMs?: number;
}

const ENOUGH = 3;

/** `before`: the job's instances before this one, newest first. */
export function recordOf(current: Pick<InstanceItem, "status">, before: InstanceItem[]): Record {
  const good = before.find((each) => each.status === "success");
  const since = good ? before.slice(0, before.indexOf(good)) : before;
  const failures = current.status === "fail" ? 1 + since.filter((each) => each.status === "fail").length : 0;
  const times = before.filter((each) => each.status === "success" && each.executeTime !== undefined).map((each) => each.executeTime!).sort((a, b) => a - b);
  return { failures, good, usualMs: times.length >= ENOUGH ? times[Math.floor(times.length / 2)] : undefined };
}

/** How high a bar stands for how long an instance took, from 0 to 1: short ones are seen beside long ones. */
export function heights(items: Pick<InstanceItem, "status" | "startTime" | "endTime">[], now: number): number[] {
  const times = items.map((each) => (each.startTime === undefined ? 0 : Math.max(0, (each.endTime ?? (ENDED.has(each.status) ? each.startTime : now)) - each.startTime)));
  const most = Math.max(...times, 1);
  return times.map((each) => Math.sqrt(each / most));
}
