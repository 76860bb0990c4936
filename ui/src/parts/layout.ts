import { Graph, layout } from "@dagrejs/dagre";

export const WIDTH = 180;
export const HEIGHT = 58;

/** Positions from left to right. `edges`: pairs of names. */
export function arranged(names: string[], edges: [string, string][]): Map<string, { x: number; y: number }> {
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 24, ranksep: 84 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const name of names) graph.setNode(name, { width: WIDTH, height: HEIGHT });
  const known = new Set(names);
  for (const [from, to] of edges) if (known.has(from) && known.has(to)) graph.setEdge(from, to);
  layout(graph);
  return new Map(names.map((name) => {
    const { x, y } = graph.node(name) as { x: number; y: number };
    return [name, { x: x - WIDTH / 2, y: y - HEIGHT / 2 }];
  }));
}
