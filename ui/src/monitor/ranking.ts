/** Instances by what somebody has to look at first. */
import type { InstanceItem } from "../api/types";

export interface JobCount {
  job: string;
  count: number;
  /** The newest of them. */
  last: InstanceItem;
}

/** How often each job is among these, most often first; given newest first. */
export function byJob(items: InstanceItem[]): JobCount[] {
  const found = new Map<string, JobCount>();
  for (const each of items) {
    const known = found.get(each.jobName);
    if (known) known.count += 1;
    else found.set(each.jobName, { job: each.jobName, count: 1, last: each });
  }
  return [...found.values()].sort((a, b) => b.count - a.count || a.job.localeCompare(b.job));
}

/** Those that took longest, one of each job. */
export function slowest(items: InstanceItem[], most: number): InstanceItem[] {
  const longest = new Map<string, InstanceItem>();
  const took = (each: InstanceItem) => (each.endTime ?? 0) - (each.startTime ?? 0);
  for (const each of items) {
    if (each.startTime === undefined || each.endTime === undefined) continue;
    const known = longest.get(each.jobName);
    if (!known || took(each) > took(known)) longest.set(each.jobName, each);
  }
  return [...longest.values()].sort((a, b) => took(b) - took(a)).slice(0, most);
}
