/** Changes of a job's nodes and lines: pure, so that undo is keeping what was there before. */

import type { Job, JobNode, NodeType } from "../api/types";
import { arranged } from "../parts/layout";

export const plain = (name: string) => name.toLowerCase().replace(/[\s_-]/g, "");

const spellings = new WeakMap<NodeType[], Map<string, NodeType>>();

/** A node type by any of its spellings. Asked for each node of a job at each change, so the spellings are kept. */
export function typeOf(types: NodeType[], name: string): NodeType | undefined {
  let known = spellings.get(types);
  if (!known) {
    known = new Map();
    for (const each of [...types].reverse()) for (const spelling of [...each.aliases, each.name]) known.set(plain(spelling), each);
    spellings.set(types, known);
  }
  return known.get(plain(name));
}

export function freshName(job: Job, base: string): string {
  const taken = new Set(job.nodes.map((node) => node.name));
  if (!taken.has(base)) return base;
  let number = 2;
  while (taken.has(`${base}_${number}`)) number += 1;
  return `${base}_${number}`;
}

export function withNode(job: Job, type: NodeType, at: { x: number; y: number }): [Job, string] {
  const name = freshName(job, type.name);
  const node: JobNode = { name, type: type.name, location: { x: String(Math.round(at.x)), y: String(Math.round(at.y)) }, preNodeName: [], properties: [] };
  return [{ ...job, nodes: [...job.nodes, node] }, name];
}

export function withoutNode(job: Job, name: string): Job {
  return {
    ...job,
    nodes: job.nodes
      .filter((node) => node.name !== name)
      .map((node) => (node.preNodeName?.includes(name) ? withoutPredecessor(node, name) : node)),
  };
}

function withoutPredecessor(node: JobNode, from: string): JobNode {
  return {
    ...node,
    preNodeName: node.preNodeName?.filter((each) => each !== from),
    conditions: node.conditions?.filter((each) => each.preNodeName !== from),
  };
}

export function changed(job: Job, name: string, change: Partial<JobNode>): Job {
  return { ...job, nodes: job.nodes.map((node) => (node.name === name ? { ...node, ...change } : node)) };
}

/** A new name for a node, also in the lines that come from it. */
export function renamed(job: Job, from: string, to: string): Job {
  return {
    ...job,
    nodes: job.nodes.map((node) => ({
      ...(node.name === from ? { ...node, name: to } : node),
      ...(node.preNodeName ? { preNodeName: node.preNodeName.map((each) => (each === from ? to : each)) } : {}),
      ...(node.conditions ? { conditions: node.conditions.map((each) => (each.preNodeName === from ? { ...each, preNodeName: to } : each)) } : {}),
    })),
  };
}

/** Whether `to` is reached from `from` along lines: a line back would close a circle. */
export function reaches(job: Job, from: string, to: string): boolean {
  const after = new Map<string, string[]>();
  for (const node of job.nodes) for (const before of node.preNodeName ?? []) after.set(before, [...(after.get(before) ?? []), node.name]);
  const open = [from];
  const seen = new Set(open);
  while (open.length) {
    const at = open.pop()!;
    if (at === to) return true;
    for (const next of after.get(at) ?? []) if (!seen.has(next)) {
      seen.add(next);
      open.push(next);
    }
  }
  return false;
}

export function withLine(job: Job, from: string, to: string): Job {
  const node = job.nodes.find((each) => each.name === to);
  if (!node || from === to || node.preNodeName?.includes(from) || reaches(job, to, from)) return job;
  return changed(job, to, { preNodeName: [...(node.preNodeName ?? []), from] });
}

export function withoutLine(job: Job, from: string, to: string): Job {
  return { ...job, nodes: job.nodes.map((node) => (node.name === to ? withoutPredecessor(node, from) : node)) };
}

export function withCondition(job: Job, from: string, to: string, expression: string): Job {
  const node = job.nodes.find((each) => each.name === to);
  if (!node) return job;
  const others = (node.conditions ?? []).filter((each) => each.preNodeName !== from);
  return changed(job, to, { conditions: expression ? [...others, { preNodeName: from, expression }] : others });
}

export function propertyOf(node: JobNode, name: string): string {
  return node.properties?.find((each) => each.name === name)?.value ?? "";
}

export function withProperty(job: Job, nodeName: string, name: string, value: string): Job {
  const node = job.nodes.find((each) => each.name === nodeName);
  if (!node) return job;
  const known = node.properties ?? [];
  const properties = !value
    ? known.filter((each) => each.name !== name)
    : known.some((each) => each.name === name)
      ? known.map((each) => (each.name === name ? { ...each, value } : each))
      : [...known, { name, value }];
  return changed(job, nodeName, { properties });
}

export function position(node: JobNode): { x: number; y: number } | null {
  const x = Number(node.location?.x);
  const y = Number(node.location?.y);
  return node.location && Number.isFinite(x) && Number.isFinite(y) ? { x, y } : null;
}

export function laidOut(job: Job): Job {
  const pairs = job.nodes.flatMap((node) => (node.preNodeName ?? []).map((from) => [from, node.name] as [string, string]));
  const places = arranged(job.nodes.map((node) => node.name), pairs);
  return {
    ...job,
    nodes: job.nodes.map((node) => {
      const { x, y } = places.get(node.name)!;
      return { ...node, location: { x: String(Math.round(x)), y: String(Math.round(y)) } };
    }),
  };
}

/** Jobs of other tools have no places, or all the same one. */
export function placed(job: Job): Job {
  const places = new Set(job.nodes.map((node) => JSON.stringify(position(node))));
  return places.has("null") || places.size < job.nodes.length ? laidOut(job) : job;
}

/** What is sent when a job is saved: everything but what the server adds. */
export function toSave(job: Job, submit: boolean): Record<string, unknown> {
  const { id: _id, version: _version, createTime: _time, createUser: _user, downstreamJobs: _jobs, ...rest } = job;
  return { ...rest, targetStatus: submit ? "SUBMITTED" : "SAVED" };
}

export interface Objection {
  key: "objection.name" | "objection.noNodes" | "objection.sameName" | "objection.missing" | "objection.oneOf" | "objection.unknownBefore" | "objection.param";
  values?: Record<string, string>;
}

/** Settings of which one says the same as the other: a text, or a script that holds it. */
const EITHER = [["statement", "scriptname"], ["sql", "scriptname"], ["sqlstatement", "scriptname"]];

/** What speaks against saving, per node (or "" for the job). */
export function objections(job: Job, types: NodeType[]): Map<string, Objection[]> {
  const found = new Map<string, Objection[]>();
  const say = (where: string, key: Objection["key"], values?: Record<string, string>) => found.set(where, [...(found.get(where) ?? []), { key, values }]);
  if (!/^[\p{L}\p{N}_.-]{1,128}$/u.test(job.name)) say("", "objection.name");
  if (!job.nodes.length) say("", "objection.noNodes");
  for (const each of job.params ?? []) if (!/^[A-Za-z0-9._-]{1,64}$/.test(each.name)) say("", "objection.param", { name: each.name });
  const all = new Set(job.nodes.map((node) => node.name));
  const names = new Set<string>();
  for (const node of job.nodes) {
    if (names.has(node.name)) say(node.name, "objection.sameName", { name: node.name });
    names.add(node.name);
    const type = typeOf(types, node.type);
    for (const before of node.preNodeName ?? []) if (!all.has(before)) say(node.name, "objection.unknownBefore", { name: before });
    for (const property of type?.properties ?? []) if (property.required && !propertyOf(node, property.name)) say(node.name, "objection.missing", { name: property.name });
    const spelt = new Set((type?.properties ?? []).map((property) => property.name.toLowerCase()));
    const given = new Set((node.properties ?? []).filter((each) => each.value).map((each) => each.name.toLowerCase()));
    const either = EITHER.filter(([text, script]) => spelt.has(text!) && spelt.has(script!));
    if (either.length && !either.flat().some((each) => given.has(each))) say(node.name, "objection.oneOf", { name: either.length > 1 ? "sql" : either[0]![0]!, other: "scriptName" });
  }
  return found;
}
