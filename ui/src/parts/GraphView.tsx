import "@xyflow/react/dist/style.css";
import { Background, Controls, type Edge, MiniMap, Handle, type Node, type NodeProps, Position, ReactFlow } from "@xyflow/react";
import { useComputedColorScheme } from "@mantine/core";
import { type CSSProperties, useMemo } from "react";
import type { JobNode } from "../api/types";
import { arranged, HEIGHT } from "./layout";
import { look } from "./states";

export interface CardData extends Record<string, unknown> {
  name: string;
  type: string;
  status?: string;
  note?: string;
}

export function Card({ data, selected }: NodeProps<Node<CardData>>) {
  const color = data.status ? look(data.status).color : "var(--mantine-primary-color-filled)";
  return (
    <div className="node-card" data-selected={selected || undefined} data-state={data.status} style={{ borderLeft: `5px solid ${color}`, minHeight: HEIGHT, ...(data.status ? { "--state": color } : {}) } as CSSProperties}>
      <Handle type="target" position={Position.Left} style={{ width: 9, height: 9, background: "var(--mantine-color-dimmed)" }} />
      <div className="name" title={data.name}>{data.name}</div>
      <div className="type">
        {data.status === "running" && <span className="running-dot" style={{ color }}>● </span>}
        {data.note ?? data.status ?? data.type}
      </div>
      <Handle type="source" position={Position.Right} style={{ width: 9, height: 9, background: "var(--mantine-color-dimmed)" }} />
    </div>
  );
}

export const nodeTypes = { card: Card };

export function edgesOf(nodes: JobNode[]): Edge[] {
  return nodes.flatMap((node) =>
    (node.preNodeName ?? []).map((from) => {
      const condition = node.conditions?.find((each) => each.preNodeName === from)?.expression;
      return {
        id: `${from}→${node.name}`,
        source: from,
        target: node.name,
        label: condition ? "if" : undefined,
        ariaLabel: condition ? `${from} to ${node.name} if ${condition}` : `${from} to ${node.name}`,
        style: condition ? { strokeDasharray: "6 4" } : undefined,
      };
    }),
  );
}

interface Props {
  nodes: JobNode[];
  statuses: Record<string, { status: string; note?: string }>;
  selected: string | null;
  onSelect: (name: string | null) => void;
  height?: number;
}

/** A job's nodes, coloured by the state of an instance. */
const LOWEST = 150;
const HIGHEST = 420;
const MAP_FROM = 30;

export function GraphView({ nodes, statuses, selected, onSelect, height: given }: Props) {
  const scheme = useComputedColorScheme("light");
  const positions = useMemo(() => {
    const pairs = nodes.flatMap((node) => (node.preNodeName ?? []).map((from) => [from, node.name] as [string, string]));
    return arranged(nodes.map((node) => node.name), pairs);
  }, [nodes]);
  // As high as it takes: a chain of three nodes leaves the screen to the log.
  const tops = [...positions.values()].map((each) => each.y);
  const height = given ?? Math.min(HIGHEST, Math.max(LOWEST, Math.max(0, ...tops) - Math.min(0, ...tops) + HEIGHT + 60));
  const cards: Node<CardData>[] = nodes.map((node) => ({
    id: node.name,
    type: "card",
    position: positions.get(node.name) ?? { x: 0, y: 0 },
    data: { name: node.name, type: node.type, ...statuses[node.name] },
    selected: node.name === selected,
    ariaLabel: `${node.name}, ${statuses[node.name]?.status ?? node.type}`,
  }));
  const edges = useMemo(() => edgesOf(nodes), [nodes]);
  return (
    <div style={{ height, border: "1px solid var(--mantine-color-default-border)", borderRadius: 8 }}>
      <ReactFlow
        nodes={cards}
        edges={edges}
        nodeTypes={nodeTypes}
        colorMode={scheme}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.15 }}
        minZoom={0.05}
        onlyRenderVisibleElements={nodes.length > 100}
        onNodeClick={(_, node) => onSelect(node.id)}
        onPaneClick={() => onSelect(null)}
      >
        <Background />
        <Controls showInteractive={false} />
        {nodes.length >= MAP_FROM && <MiniMap pannable zoomable nodeColor={(node) => look((node.data as CardData).status ?? "").color} ariaLabel={null} />}
      </ReactFlow>
    </div>
  );
}
