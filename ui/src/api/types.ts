/** The API's shapes by the names that the console uses. All of them come from the OpenAPI document (`openapi.d.ts`,
 * written by `make ui-types`); what is said here in addition is only what a form needs while somebody fills it in. */
import type { components } from "./openapi";

export type Schemas = components["schemas"];
/** What an operation answers, and what it takes, by the operation's name in the API reference. */
export type Answers = Schemas["Answers"];
export type Bodies = Schemas["Bodies"];
/** What may be asked in its address: `get<Answers["listAudit"]>(path, { … } satisfies Queries["listAudit"])`. */
export type Queries = Schemas["Queries"];

/** Fields that the console does not know are kept when a job is saved. */
type Kept = { [more: string]: unknown };

export type Property = Schemas["Property"];
export type JobItem = Schemas["JobItem"];
export type JobNode = Omit<Schemas["Node"], "location" | "failPolicy"> & Kept & { location?: { x?: string | number; y?: string | number }; failPolicy?: string };
export type Job = Omit<Schemas["Job"], "nodes" | "schedule"> &
  Partial<Pick<Schemas["SavedJob"], "id" | "version">> &
  Kept & { nodes: JobNode[]; schedule: { type: string; cron?: Record<string, unknown>; event?: Record<string, unknown> } };
export type InstanceItem = Schemas["InstanceItem"];
export type NodeItem = Schemas["NodeItem"];
export type InstanceDetail = Schemas["InstanceDetail"];
export type Waiting = Answers["showWhyJobInstanceWaits"];
export type HistoryItem = Answers["showJobInstanceHistory"]["events"][number];
export type Session = Answers["showSession"];
export type NodeType = Answers["listNodeTypes"]["nodeTypes"][number];

export const ENDED = new Set(["success", "fail", "manual-stop", "skip-by-depend"]);
