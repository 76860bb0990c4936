/** One operation on many instances: which of them it is for, and doing it a few at a time. */
import type { InstanceItem } from "../api/types";
import { type Operation, operations } from "./operations";

export const BATCH: Operation[] = ["restartError", "restart", "stop", "force-success", "pause", "resume", "continue", "confirm", "freeze", "unfreeze", "run-without-dependencies", "run-preferentially"];

/** How many of the chosen each operation could be done to; those it could be done to none are left out. */
export function choices(chosen: InstanceItem[]): [Operation, number][] {
  const counts = new Map<Operation, number>();
  for (const { status } of chosen) for (const each of operations(status)) counts.set(each, (counts.get(each) ?? 0) + 1);
  return BATCH.filter((each) => counts.has(each)).map((each) => [each, counts.get(each)!]);
}

export const fitting = (chosen: InstanceItem[], operation: Operation) => chosen.filter((each) => operations(each.status).includes(operation));

export interface Outcome<T> {
  item: T;
  error: unknown;
}

/** Works off all items, `width` at a time; a failure stops nothing. Answers the failures. */
export async function inParallel<T>(items: T[], width: number, work: (item: T) => Promise<unknown>, onDone: (count: number) => void): Promise<Outcome<T>[]> {
  const failures: Outcome<T>[] = [];
  let next = 0;
  let done = 0;
  const lane = async () => {
    while (next < items.length) {
      const item = items[next++]!;
      await work(item).catch((error: unknown) => failures.push({ item, error }));
      onDone(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  return failures;
}
