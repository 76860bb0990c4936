/** Where in a form the server's refusal belongs: its text names the field first, such as `nodes[2].retryTimes must …`. */

import { ApiError } from "../api/http";
import type { Job } from "../api/types";

export interface Refused {
  /** As the server names it: `nodes[2].retryTimes`, `schedule.cron.expression`, `name`. */
  field: string;
  /** The whole sentence. */
  text: string;
  /** Name of the node that it is about. */
  node?: string;
  /** What of the node: `retryTimes`, or the name of a property. */
  part?: string;
}

const FIELD = /(?:^|[\s"'(])((?:nodes|params|schedule|basicConfig|config|data_source_vos|event|cron)(?:\[\d+\]|\.[A-Za-z][\w-]*)+)/;
const FIRST = /^([A-Za-z][\w-]*(?:\.[\w-]+)*)(?=\s(?:is|must|has|breaks|and)\b)/;
const NODE = /^nodes\[(\d+)\](?:\.(.*))?$/;

export function fieldOf(error: unknown): string {
  if (!(error instanceof ApiError)) return "";
  for (const text of [error.message, error.hint]) {
    const found = FIELD.exec(text)?.[1] ?? FIRST.exec(text)?.[1];
    if (found) return found;
  }
  return "";
}

/** What to write at the field `name`, if the refusal is about it. */
export function refusedAt(error: unknown, name: string): string | undefined {
  const field = fieldOf(error);
  if (!field || (field !== name && !field.endsWith(`.${name}`) && !field.startsWith(`${name}.`) && !field.startsWith(`${name}[`))) return undefined;
  return sentence(error as ApiError);
}

const sentence = (error: ApiError) => (error.hint && !error.message.includes(error.hint) ? `${error.message} ${error.hint}` : error.message);

export function refusedIn(job: Job, error: unknown): Refused | null {
  if (!(error instanceof ApiError)) return null;
  const field = fieldOf(error);
  if (!field) return null;
  const text = sentence(error);
  const at = NODE.exec(field);
  if (!at) return { field, text };
  const node = job.nodes[Number(at[1])];
  const property = /^properties\[(\d+)\]/.exec(at[2] ?? "");
  return { field, text, node: node?.name, part: property ? node?.properties?.[Number(property[1])]?.name : (at[2] ?? "").split(/[.[]/)[0] };
}

/** In which view of the job a field is edited. */
export function viewOf(field: string): "canvas" | "params" | "schedule" | "settings" {
  if (/^(params|jobParams)/.test(field)) return "params";
  if (field.startsWith("schedule")) return "schedule";
  return /^nodes\b/.test(field) ? "canvas" : "settings";
}
