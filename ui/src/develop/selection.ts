/** Changes of several nodes at once, and ways through a job's graph for the keyboard. Pure. */

import type { Job, JobNode } from "../api/types";
import { freshName, position, withLine, withoutNode } from "../pages/job-model";

export interface Selection {
  nodes: string[];
  line: [from: string, to: string] | null;
}

export const NOTHING: Selection = { nodes: [], line: null };
export const KIND = "arkwright/nodes";

interface Clip {
  kind: typeof KIND;
  nodes: JobNode[];
}

/** Nodes as a text for the clipboard; lines among them come along. */
export function copied(job: Job, names: string[]): string {
  const wanted = new Set(names);
  const nodes = job.nodes
    .filter((node) => wanted.has(node.name))
    .map((node) => ({ ...node, preNodeName: node.preNodeName?.filter((each) => wanted.has(each)), conditions: node.conditions?.filter((each) => wanted.has(each.preNodeName)) }));
  return JSON.stringify({ kind: KIND, nodes } satisfies Clip, null, 2);
}

/** The job with the nodes of such a text, under names that nobody has; null where the text is none. */
export function pasted(job: Job, text: string, off = 40): [Job, string[]] | null {
  let clip: Clip;
  try {
    clip = JSON.parse(text) as Clip;
  } catch {
    return null;
  }
  if (clip?.kind !== KIND || !Array.isArray(clip.nodes) || !clip.nodes.every((node) => typeof node?.name === "string" && typeof node.type === "string")) return null;
  const names = new Map<string, string>();
  let next = job;
  for (const node of clip.nodes) {
    const name = freshName(next, node.name.replace(/_\d+$/, "") || node.name);
    names.set(node.name, name);
    const at = position(node) ?? { x: 0, y: 0 };
    next = { ...next, nodes: [...next.nodes, { ...node, name, location: { x: String(Math.round(at.x + off)), y: String(Math.round(at.y + off)) } }] };
  }
  const made = new Set(names.values());
  const known = (name: string) => names.get(name);
  next = {
    ...next,
    nodes: next.nodes.map((node) =>
      made.has(node.name)
        ? { ...node, preNodeName: (node.preNodeName ?? []).flatMap((each) => known(each) ?? []), conditions: (node.conditions ?? []).flatMap((each) => (known(each.preNodeName) ? { ...each, preNodeName: known(each.preNodeName)! } : [])) }
        : node,
    ),
  };
  return [next, [...made]];
}

export const without = (job: Job, names: string[]): Job => names.reduce(withoutNode, job);

/** Several nodes moved; the same job where none did. */
export function moved(job: Job, places: Record<string, { x: number; y: number }>): Job {
  let any = false;
  const nodes = job.nodes.map((node) => {
    const to = places[node.name];
    if (!to) return node;
    const location = { x: String(Math.round(to.x)), y: String(Math.round(to.y)) };
    if (location.x === String(node.location?.x) && location.y === String(node.location?.y)) return node;
    any = true;
    return { ...node, location };
  });
  return any ? { ...job, nodes } : job;
}

/** The nodes that a line may be drawn to from this one: not itself, not there already, closing no circle. */
export function targets(job: Job, from: string): string[] {
  return job.nodes.map((node) => node.name).filter((to) => withLine(job, from, to) !== job);
}

export type Way = "after" | "before" | "above" | "below";

/** Where the keyboard goes from a node: along lines, or to what is drawn above or below it. */
export function neighbour(job: Job, name: string, way: Way): string | undefined {
  const at = job.nodes.find((node) => node.name === name);
  if (!at) return job.nodes[0]?.name;
  if (way === "before") return at.preNodeName?.[0];
  if (way === "after") return job.nodes.find((node) => node.preNodeName?.includes(name))?.name;
  const here = position(at);
  if (!here) return undefined;
  let best: { name: string; far: number } | undefined;
  for (const node of job.nodes) {
    const there = position(node);
    if (!there || node.name === name) continue;
    const dy = way === "below" ? there.y - here.y : here.y - there.y;
    if (dy <= 0) continue;
    const far = dy + 2 * Math.abs(there.x - here.x);
    if (!best || far < best.far) best = { name: node.name, far };
  }
  return best?.name;
}

/** A free place beside a node, or below everything. */
export function placeAfter(job: Job, name: string | undefined): { x: number; y: number } {
  const places = job.nodes.flatMap((node) => position(node) ?? []);
  const from = job.nodes.find((node) => node.name === name);
  const at = from && position(from);
  if (!places.length) return { x: 0, y: 0 };
  let { x, y } = at ? { x: at.x + 244, y: at.y } : { x: Math.min(...places.map((each) => each.x)), y: Math.max(...places.map((each) => each.y)) + 90 };
  while (places.some((each) => Math.abs(each.x - x) < 190 && Math.abs(each.y - y) < 66)) y += 82;
  return { x, y };
}
