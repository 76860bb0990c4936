/** What a plan waits for, out of a cron's `dependJobs` and back into it. Pure.
 *
 * The document has one policy for all (`dependFailPolicy`), a list of bare names (`jobs`), and lists of objects that say
 * more (`sameWorkSpaceJobs`, `otherWorkSpaceJobs`); the newer API a list of such groups. A form has one row per job. */

export interface Dependency {
  job: string;
  /** Id of another workspace; empty: this one. */
  workspace: string;
  /** 0: the same cycle; N: each of the N cycles before. */
  periodsBack: number;
  take: "" | "ALL" | "ANY" | "LAST";
  failPolicy: "FAIL" | "IGNORE" | "SUSPEND";
}

type Record_ = Record<string, unknown>;

const objects = (value: unknown): Record_[] => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]).filter((each): each is Record_ => typeof each === "object" && each !== null);
const text = (value: unknown) => (typeof value === "string" ? value : "");
const truth = (value: unknown) => value === true || value === "true" || value === 1 || value === "1";

function take(value: unknown): Dependency["take"] {
  const given = String(value ?? "").toUpperCase();
  return (["ALL", "ANY", "LAST"] as const).find((each) => given.includes(each)) ?? "";
}

export function readDependencies(cron: Record_): Dependency[] {
  const found = new Map<string, Dependency>();
  for (const group of objects(cron.dependJobs)) {
    const back = group.dependPeriod === "PRE_PERIOD" ? 1 : 0;
    const failPolicy = (["IGNORE", "SUSPEND"].includes(text(group.dependFailPolicy)) ? group.dependFailPolicy : "FAIL") as Dependency["failPolicy"];
    const add = (each: Dependency) => found.set(`${each.workspace}\n${each.job}`, each);
    for (const job of Array.isArray(group.jobs) ? group.jobs : []) if (typeof job === "string") add({ job, workspace: "", periodsBack: back, take: "", failPolicy });
    const more = [...objects(group.sameWorkSpaceJobs).map((each) => ({ ...each, workSpaceId: "" })), ...objects(group.otherWorkSpaceJobs), ...(group.jobName ? [group] : [])] as Record_[];
    for (const each of more) {
      const last = each.dependOnLastPeriod === undefined ? back : truth(each.dependOnLastPeriod) ? 1 : 0;
      const count = Number(each.dependOnLastNPeriodValue) || 0;
      add({ job: text(each.jobName), workspace: text(each.workSpaceId), periodsBack: count && (each.dependOnLastPeriod === undefined || last) ? count : last, take: take(each.dependType), failPolicy });
    }
  }
  return [...found.values()];
}

/** One group per policy; a job alone in the same cycle is a bare name, which every client understands. */
export function writeDependencies(cron: Record_, rows: Dependency[]): Record_ {
  const { dependJobs: _before, ...rest } = cron;
  const groups = (["FAIL", "IGNORE", "SUSPEND"] as const).flatMap((failPolicy) => {
    const of = rows.filter((each) => each.failPolicy === failPolicy);
    if (!of.length) return [];
    const plain = of.filter((each) => !each.workspace && !each.periodsBack && !each.take);
    const said = (each: Dependency) => ({
      jobName: each.job,
      ...(each.workspace ? { workSpaceId: each.workspace } : {}),
      dependOnLastPeriod: each.periodsBack > 0,
      ...(each.periodsBack ? { dependOnLastNPeriodValue: each.periodsBack } : {}),
      ...(each.take ? { dependType: each.take } : {}),
    });
    const same = of.filter((each) => !each.workspace && !plain.includes(each)).map(said);
    const other = of.filter((each) => each.workspace).map(said);
    return [{ dependFailPolicy: failPolicy, ...(plain.length ? { jobs: plain.map((each) => each.job) } : {}), ...(same.length ? { sameWorkSpaceJobs: same } : {}), ...(other.length ? { otherWorkSpaceJobs: other } : {}) }];
  });
  return groups.length === 0 ? rest : { ...rest, dependJobs: groups.length === 1 ? groups[0] : groups };
}
