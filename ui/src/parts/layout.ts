import { Graph, layout } from "@dagrejs/dagre";

export const WIDTH = 180;
export const HEIGHT = 58;
const BETWEEN_LAYERS = 84;
const BETWEEN_NODES = 24;
/** Beyond this many nodes dagre takes seconds. */
const MOST_FOR_DAGRE = 60;
const SWEEPS = 8;

export type Places = Map<string, { x: number; y: number }>;

/** Positions from left to right. `edges`: pairs of names. */
export function arranged(names: string[], edges: [string, string][]): Places {
  const known = new Set(names);
  const real = edges.filter(([from, to]) => from !== to && known.has(from) && known.has(to));
  return names.length > MOST_FOR_DAGRE ? layered(names, real) : neat(names, real);
}

function neat(names: string[], edges: [string, string][]): Places {
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: BETWEEN_NODES, ranksep: BETWEEN_LAYERS });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const name of names) graph.setNode(name, { width: WIDTH, height: HEIGHT });
  for (const [from, to] of edges) graph.setEdge(from, to);
  layout(graph);
  return new Map(names.map((name) => {
    const { x, y } = graph.node(name) as { x: number; y: number };
    return [name, { x: x - WIDTH / 2, y: y - HEIGHT / 2 }];
  }));
}

/** Sugiyama's method in its plainest form, in time that grows with the lines: each node a column after the last one before
 * it, and in its column near the middle of those that it has lines with. Nodes in a circle stand where it was found. */
export function layered(names: string[], edges: [string, string][]): Places {
  const before = new Map<string, string[]>(names.map((name) => [name, []]));
  const after = new Map<string, string[]>(names.map((name) => [name, []]));
  for (const [from, to] of edges) {
    before.get(to)!.push(from);
    after.get(from)!.push(to);
  }
  const waits = new Map(names.map((name) => [name, before.get(name)!.length]));
  const layer = new Map<string, number>(names.map((name) => [name, 0]));
  const open = names.filter((name) => waits.get(name) === 0);
  for (let at = 0; at < open.length; at += 1) {
    for (const next of after.get(open[at]!)!) {
      layer.set(next, Math.max(layer.get(next)!, layer.get(open[at]!)! + 1));
      waits.set(next, waits.get(next)! - 1);
      if (waits.get(next) === 0) open.push(next);
    }
  }
  const columns: string[][] = [];
  for (const name of names) (columns[layer.get(name)!] ??= []).push(name);
  for (let at = 0; at < columns.length; at += 1) columns[at] ??= [];
  const step = HEIGHT + BETWEEN_NODES;
  const y = new Map<string, number>();
  const place = (column: string[]) => column.forEach((name, at) => y.set(name, (at - (column.length - 1) / 2) * step));
  columns.forEach(place);
  const middle = (name: string, others: Map<string, string[]>) => {
    const found = others.get(name)!;
    return found.length ? found.reduce((sum, each) => sum + y.get(each)!, 0) / found.length : y.get(name)!;
  };
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forth = sweep % 2 === 0;
    for (const column of forth ? columns : [...columns].reverse()) {
      const wanted = new Map(column.map((name) => [name, middle(name, forth ? before : after)]));
      column.sort((a, b) => wanted.get(a)! - wanted.get(b)!);
      settle(column, wanted, y, step);
    }
  }
  const top = Math.min(0, ...y.values());
  return new Map(names.map((name) => [name, { x: layer.get(name)! * (WIDTH + BETWEEN_LAYERS), y: Math.round(y.get(name)! - top) }]));
}

/** As near as possible to where each wants to stand, in this order and without touching: those that would are spread around
 * the middle of what they want. */
function settle(column: string[], wanted: Map<string, number>, y: Map<string, number>, step: number): void {
  const blocks: { names: string[]; sum: number; top: number }[] = [];
  for (const name of column) {
    let block = { names: [name], sum: wanted.get(name)!, top: wanted.get(name)! };
    for (let last = blocks.at(-1); last && last.top + last.names.length * step > block.top; last = blocks.at(-1)) {
      blocks.pop();
      const names = [...last.names, ...block.names];
      const sum = last.sum + block.sum - block.names.length * last.names.length * step;
      block = { names, sum, top: sum / names.length };
    }
    blocks.push(block);
  }
  for (const { names, top } of blocks) names.forEach((name, at) => y.set(name, top + at * step));
}
