/** An instance's nodes as bars on a line of time: attempts, and what was waited for before and between them. */
import type { Answers, HistoryItem, InstanceDetail, Job } from "../api/types";

export type Attempt = Answers["listInstanceAttempts"]["attempts"][number];

export type BarKind = "attempt" | "queue" | "slot" | "retry";

export interface Bar {
  kind: BarKind;
  from: number;
  to: number;
  /** Of an attempt. */
  status?: string;
  attempt?: number;
  message?: string;
}

export interface Lane {
  node: string;
  status: string;
  bars: Bar[];
  /** From the first start to the last end; nothing while it has not started. */
  took?: number;
}

export interface Timeline {
  from: number;
  to: number;
  /** Before the first node: for other jobs, a confirmation, a place. */
  waited?: Bar;
  lanes: Lane[];
  /** When each run began: the first one, and every rerun. */
  runs: number[];
}

/** Shorter waits are the server's own working time. */
const SHORTEST_MS = 50;

/** `run`: which of the instance's runs, from 0; its last one when nothing is said. */
export function timeline(instance: InstanceDetail, attempts: Attempt[], history: HistoryItem[], job: Pick<Job, "nodes"> | undefined, now: number, run?: number): Timeline {
  const runs = [instance.submitTime, ...history.filter((each) => each.event === "RestartRequested").map((each) => each.time)];
  const chosen = Math.min(run ?? runs.length - 1, runs.length - 1);
  const begin = runs[chosen]!;
  const until = runs[chosen + 1] ?? Infinity;
  const last = chosen === runs.length - 1;
  const within = (at: number) => at >= begin && at < until;
  const slots = history.filter((each) => each.event === "SlotGranted" && within(each.time));
  const ends = new Map<string, number>();
  const started = history.find((each) => each.event === "Released" && within(each.time))?.time;
  const before = new Map(job?.nodes.map((each) => [each.name, each.preNodeName ?? []]));
  const own = new Map<string, Attempt[]>();
  for (const each of attempts) if (within(each.startTime)) own.set(each.nodeName, [...(own.get(each.nodeName) ?? []), each]);
  const bars = new Map<string, Bar[]>();
  for (const node of instance.nodes) {
    const rows = (own.get(node.nodeName) ?? []).sort((a, b) => a.attempt - b.attempt);
    const found: Bar[] = rows.map((each) => ({ kind: "attempt", from: each.startTime, to: each.endTime ?? now, status: each.status, attempt: each.attempt, message: each.message }));
    // Nodes that only decide or run other jobs have no attempts of their own.
    if (!found.length && last && node.startTime && within(node.startTime)) found.push({ kind: "attempt", from: node.startTime, to: node.endTime ?? now, status: node.status });
    if (found.length) ends.set(node.nodeName, found.at(-1)!.to);
    bars.set(node.nodeName, found);
  }
  const all = [...bars.values()].flat();
  const first = all.length ? Math.min(...all.map((each) => each.from)) : undefined;
  const lanes = instance.nodes.map(({ nodeName, status }): Lane => {
    const found = bars.get(nodeName)!;
    const waits: Bar[] = [];
    const start = found[0]?.from;
    if (start !== undefined) {
      const preceding = (before.get(nodeName) ?? []).map((each) => ends.get(each)).filter((each) => each !== undefined);
      const ready = preceding.length ? Math.max(...preceding) : first;
      if (ready !== undefined && start - ready >= SHORTEST_MS) {
        const slot = slots.find((each) => each.nodeName === nodeName);
        waits.push({ kind: slot ? "slot" : "queue", from: ready, to: start });
      }
    }
    found.forEach((each, at) => {
      const following = found[at + 1];
      if (following && following.from - each.to >= SHORTEST_MS) waits.push({ kind: "retry", from: each.to, to: following.from });
    });
    return { node: nodeName, status, bars: [...waits, ...found].sort((a, b) => a.from - b.from), took: start === undefined ? undefined : found.at(-1)!.to - start };
  });
  const from = begin;
  const to = Math.max(from + 1, ...all.map((each) => each.to), ...(last && !instance.endTime ? [now] : []));
  const ready = first ?? started ?? (last && !instance.endTime ? now : undefined);
  const waited = ready !== undefined && ready - from >= SHORTEST_MS ? { kind: "queue" as const, from, to: ready } : undefined;
  return { from, to, waited, lanes, runs };
}

/** Places of marks on an axis that is so many milliseconds long: at most `most`, at even times. */
export function ticks(length: number, most = 6): number[] {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5];
  const step = steps.find((each) => length / each <= most) ?? Math.ceil(length / most / 864e5) * 864e5;
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, at) => at * step);
}
