/** What an import is told, out of what was chosen. Pure. */

import type { Key } from "../i18n";

export interface Content {
  jobs: { name: string; path: string; params: Record<string, unknown> }[];
  scripts: { name: string; path: string }[];
}

export interface Assessment {
  totals: { verdicts: Record<string, number>; needed: { topic: string; subject: string; jobs: number }[] };
  jobs: { name: string; verdict: string; findings: { level: string; topic: string; reason: string; where: string }[] }[];
  faults: { entry: string; reason: string }[];
}

export const VERDICTS = ["runs", "needs mapping", "not supported"];
export const verdictKey = (verdict: string) => `import.verdict.${verdict.split(" ")[0]}` as Key;

/** `left`: what is not to come along. Nothing is bounded where everything comes along. */
export function toImport(path: string, content: Content, left: Record<"jobs" | "scripts", Set<string>>, sameNamePolicy: string, targetStatus: string): Record<string, unknown> {
  const chosen = (kind: "jobs" | "scripts") => content[kind].map((each) => each.name).filter((name) => !left[kind].has(name));
  return {
    path,
    sameNamePolicy,
    ...(targetStatus ? { targetStatus } : {}),
    ...(left.jobs.size + left.scripts.size ? { only: { jobs: chosen("jobs"), scripts: chosen("scripts") } } : {}),
  };
}
