import "@xyflow/react/dist/style.css";
import { Background, Controls, type Edge, MiniMap, Handle, type Node, type NodeProps, Position, ReactFlow } from "@xyflow/react";
import { useComputedColorScheme } from "@mantine/core";
import { type CSSProperties, memo, useMemo, useRef } from "react";
import type { JobNode } from "../api/types";
import { type Translate, useT } from "../i18n";
import { arranged, HEIGHT, WIDTH } from "./layout";
import { look, stateName } from "./states";

export interface CardData extends Record<string, unknown> {
  name: string;
  type: string;
  status?: string;
  note?: string;
}

const Card = memo(function Card({ data, selected }: NodeProps<Node<CardData>>) {
  const t = useT();
  const color = data.status ? look(data.status).color : "var(--mantine-primary-color-filled)";
  return (
    <div className="node-card" data-selected={selected || undefined} data-state={data.status} style={{ borderLeft: `5px solid ${color}`, minHeight: HEIGHT, ...(data.status ? { "--state": color } : {}) } as CSSProperties}>
      <Handle type="target" position={Position.Left} style={{ width: 9, height: 9, background: "var(--mantine-color-dimmed)" }} />
      <div className="name" title={data.name}>{data.name}</div>
      <div className="type">
        {data.status === "running" && <span className="running-dot" style={{ color }}>● </span>}
        {data.note ?? (data.status ? stateName(t, data.status) : data.type)}
      </div>
      <Handle type="source" position={Position.Right} style={{ width: 9, height: 9, background: "var(--mantine-color-dimmed)" }} />
    </div>
  );
}, (before, after) => before.data === after.data && before.selected === after.selected);

const nodeTypes = { card: Card };

function edgesOf(nodes: JobNode[], t: Translate): Edge[] {
  return nodes.flatMap((node) =>
    (node.preNodeName ?? []).map((from) => {
      const condition = node.conditions?.find((each) => each.preNodeName === from)?.expression;
      return {
        id: `${from}→${node.name}`,
        source: from,
        target: node.name,
        label: condition ? t("job.if") : undefined,
        ariaLabel: condition ? t("job.lineIf", { from, to: node.name, condition }) : t("job.line", { from, to: node.name }),
        style: condition ? { strokeDasharray: "6 4" } : undefined,
      };
    }),
  );
}

interface Props {
  nodes: JobNode[];
  statuses: Record<string, { status: string; note?: string } | undefined>;
  selected: string | null;
  onSelect: (name: string | null) => void;
  height?: number;
}

const LOWEST = 150;
const HIGHEST = 420;
const MAP_FROM = 30;
const MANY = 100;
/** The buttons stand on the left. */
const FIT = { maxZoom: 1, padding: { top: 0.15, right: 0.1, bottom: 0.15, left: "58px" } } as const;
/** Where lines end, said beforehand: of many nodes none has to be measured before the first picture. */
const MEASURED = {
  width: WIDTH,
  height: HEIGHT,
  measured: { width: WIDTH, height: HEIGHT },
  handles: [
    { type: "target" as const, position: Position.Left, x: -4, y: HEIGHT / 2 - 4, width: 9, height: 9 },
    { type: "source" as const, position: Position.Right, x: WIDTH - 4, y: HEIGHT / 2 - 4, width: 9, height: 9 },
  ],
};

/** A job's nodes, coloured by the state of an instance. */
export function GraphView({ nodes, statuses, selected, onSelect, height: given }: Props) {
  const t = useT();
  const scheme = useComputedColorScheme("light");
  // Other nodes are another picture: where one looked at the one before would be beside this one.
  const picture = useMemo(() => nodes.map((node) => node.name).join("\n"), [nodes]);
  const positions = useMemo(() => {
    const pairs = nodes.flatMap((node) => (node.preNodeName ?? []).map((from) => [from, node.name] as [string, string]));
    return arranged(nodes.map((node) => node.name), pairs);
  }, [nodes]);
  // As high as it takes: a chain of three nodes leaves the screen to the log.
  const tops = [...positions.values()].map((each) => each.y);
  const height = given ?? Math.min(HIGHEST, Math.max(LOWEST, Math.max(0, ...tops) - Math.min(0, ...tops) + HEIGHT + 60));
  const kept = useRef(new Map<string, { card: Node<CardData>; key: string }>());
  const cards = useMemo(() => {
    const next = new Map<string, { card: Node<CardData>; key: string }>();
    for (const { name, type } of nodes) {
      const { status, note } = statuses[name] ?? {};
      const position = positions.get(name) ?? { x: 0, y: 0 };
      const ariaLabel = `${name}, ${status ? stateName(t, status) : type}`;
      const key = [position.x, position.y, name === selected, type, status, note, ariaLabel].join("\n");
      const before = kept.current.get(name);
      // What stays the same stays the same object: a node that ends draws no other one anew.
      next.set(name, before?.key === key ? before : { key, card: { id: name, type: "card", position, data: { name, type, status, note }, selected: name === selected, ariaLabel, ...(nodes.length > MANY ? MEASURED : {}) } });
    }
    kept.current = next;
    return [...next.values()].map(({ card }) => card);
  }, [nodes, positions, statuses, selected, t]);
  const edges = useMemo(() => edgesOf(nodes, t), [nodes, t]);
  return (
    <div style={{ height, border: "1px solid var(--mantine-color-default-border)", borderRadius: 8 }}>
      <ReactFlow
        key={picture}
        nodes={cards}
        edges={edges}
        nodeTypes={nodeTypes}
        colorMode={scheme}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        fitView
        fitViewOptions={FIT}
        minZoom={0.05}
        onlyRenderVisibleElements={nodes.length > MANY}
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
