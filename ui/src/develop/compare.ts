/** Two versions of something, made ready to be shown beside each other. Pure. */

import type { Job, JobNode } from "../api/types";
import type { DiffLine } from "../parts/diff";

export interface Row {
  left: string | null;
  right: string | null;
  changed: boolean;
}

/** Lines that went beside those that came in their place; null: lines were left out there. */
export function paired(lines: (DiffLine | null)[]): (Row | null)[] {
  const rows: (Row | null)[] = [];
  let gone: string[] = [];
  let made: string[] = [];
  const flush = () => {
    for (let at = 0; at < Math.max(gone.length, made.length); at += 1) rows.push({ left: gone[at] ?? null, right: made[at] ?? null, changed: true });
    gone = [];
    made = [];
  };
  for (const line of lines) {
    if (line?.kind === "gone") gone.push(line.text);
    else if (line?.kind === "new") made.push(line.text);
    else {
      flush();
      rows.push(line === null ? null : { left: line.text, right: line.text, changed: false });
    }
  }
  flush();
  return rows;
}

export interface United {
  node: JobNode;
  kind: "same" | "new" | "gone" | "changed";
  /** Names of what differs. */
  what: string[];
}

const OVER = new Set(["location", "properties", "preNodeName", "name"]);
const same = (one: unknown, other: unknown) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);

function differences(before: JobNode, after: JobNode): string[] {
  const found = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => !OVER.has(key) && !same(before[key], after[key]));
  const values = (node: JobNode) => new Map((node.properties ?? []).map((each) => [each.name, each.value]));
  const [left, right] = [values(before), values(after)];
  for (const name of new Set([...left.keys(), ...right.keys()])) if (left.get(name) !== right.get(name)) found.push(name);
  if (!same([...(before.preNodeName ?? [])].sort(), [...(after.preNodeName ?? [])].sort())) found.push("preNodeName");
  return found;
}

/** The nodes of both, with the lines of both; where a node stands does not count. */
export function united(before: Job, after: Job): United[] {
  const old = new Map(before.nodes.map((node) => [node.name, node]));
  const now = new Set(after.nodes.map((node) => node.name));
  const kept = after.nodes.map((node): United => {
    const was = old.get(node.name);
    if (!was) return { node, kind: "new", what: [] };
    const what = differences(was, node);
    return { node: { ...node, preNodeName: [...new Set([...(was.preNodeName ?? []), ...(node.preNodeName ?? [])])] }, kind: what.length ? "changed" : "same", what };
  });
  return [...kept, ...before.nodes.filter((node) => !now.has(node.name)).map((node): United => ({ node, kind: "gone", what: [] }))];
}
