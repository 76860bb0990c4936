import "@xyflow/react/dist/style.css";
import { Background, Controls, type Edge, MiniMap, type Node, ReactFlow, ReactFlowProvider, useReactFlow } from "@xyflow/react";
import { Box, Paper, ScrollArea, Text, Tooltip, UnstyledButton, useComputedColorScheme } from "@mantine/core";
import { type DragEvent, useCallback, useEffect, useMemo, useState } from "react";
import type { Job, NodeType } from "../api/types";
import { useT } from "../i18n";
import { type CardData, edgesOf, nodeTypes } from "../parts/GraphView";
import { changed, type Objection, position, typeOf, withLine, withNode, withoutLine, withoutNode } from "./job-model";

export type Chosen = { node: string } | { line: [string, string] } | null;

interface Props {
  job: Job;
  types: NodeType[];
  chosen: Chosen;
  problems: Map<string, Objection[]>;
  onChoose: (chosen: Chosen) => void;
  onChange: (job: Job) => void;
}

const KIND = "application/x-arkwright-node";

function Canvas({ job, types, chosen, problems, onChoose, onChange }: Props) {
  const t = useT();
  const scheme = useComputedColorScheme("light");
  const flow = useReactFlow();
  const [fits] = useState(job.nodes.length > 0);
  const [dragged, setDragged] = useState<Record<string, { x: number; y: number }>>({});
  useEffect(() => setDragged({}), [job]);
  const cards = useMemo<Node<CardData>[]>(
    () =>
      job.nodes.map((node) => ({
        id: node.name,
        type: "card",
        position: dragged[node.name] ?? position(node) ?? { x: 0, y: 0 },
        data: {
          name: node.name,
          type: typeOf(types, node.type)?.title ?? node.type,
          status: problems.has(node.name) ? "fail" : undefined,
          note: problems.has(node.name) ? problems.get(node.name)!.map((each) => t(each.key, each.values)).join(" ") : (typeOf(types, node.type)?.title ?? node.type),
        },
        selected: chosen !== null && "node" in chosen && chosen.node === node.name,
        ariaLabel: `${node.name}, ${node.type}`,
      })),
    [job, types, chosen, dragged, problems, t],
  );
  const lines = useMemo<Edge[]>(
    () => edgesOf(job.nodes).map((edge) => ({ ...edge, selected: chosen !== null && "line" in chosen && chosen.line[0] === edge.source && chosen.line[1] === edge.target })),
    [job, chosen],
  );
  const add = useCallback(
    (type: NodeType, at: { x: number; y: number }) => {
      const [next, name] = withNode(job, type, at);
      onChange(next);
      onChoose({ node: name });
    },
    [job, onChange, onChoose],
  );
  const dropped = (event: DragEvent) => {
    const type = types.find((each) => each.name === event.dataTransfer.getData(KIND));
    if (!type) return;
    event.preventDefault();
    add(type, flow.screenToFlowPosition({ x: event.clientX, y: event.clientY }));
  };
  return (
    <Box style={{ display: "flex", gap: 12, height: "100%" }}>
      <Paper withBorder w={170} component="section" aria-label={t("job.palette")} style={{ display: "flex", flexDirection: "column" }}>
        <Text size="xs" c="dimmed" p={8}>{t("job.paletteHelp")}</Text>
        <ScrollArea flex={1}>
          {types.map((type) => (
            <Tooltip key={type.name} label={type.summary} position="right" openDelay={400}>
              <UnstyledButton
                draggable
                onDragStart={(event: DragEvent) => event.dataTransfer.setData(KIND, type.name)}
                onClick={(event) => event.detail === 0 && add(type, flow.screenToFlowPosition({ x: innerWidth / 2, y: innerHeight / 2 }))}
                onDoubleClick={() => add(type, flow.screenToFlowPosition({ x: innerWidth / 2, y: innerHeight / 2 }))}
                w="100%"
                px={10}
                py={6}
                style={{ cursor: "grab", fontSize: 13, borderTop: "1px solid var(--mantine-color-default-border)" }}
              >
                {type.title}
              </UnstyledButton>
            </Tooltip>
          ))}
        </ScrollArea>
      </Paper>
      <Box flex={1} miw={0} style={{ border: "1px solid var(--mantine-color-default-border)", borderRadius: 8 }} onDragOver={(event: DragEvent) => event.preventDefault()} onDrop={dropped}>
        <ReactFlow
          nodes={cards}
          edges={lines}
          nodeTypes={nodeTypes}
          colorMode={scheme}
          fitView={fits}
          fitViewOptions={{ maxZoom: 1, padding: 0.2 }}
          minZoom={0.05}
          deleteKeyCode={["Delete", "Backspace"]}
          onlyRenderVisibleElements={job.nodes.length > 100}
          onNodesChange={(changes) => {
            const moved: Record<string, { x: number; y: number }> = {};
            for (const change of changes) if (change.type === "position" && change.position) moved[change.id] = change.position;
            if (Object.keys(moved).length) setDragged((before) => ({ ...before, ...moved }));
          }}
          onNodeDragStop={(_, __, nodes) =>
            onChange(nodes.reduce((next, node) => changed(next, node.id, { location: { x: String(Math.round(node.position.x)), y: String(Math.round(node.position.y)) } }), job))
          }
          onNodeClick={(_, node) => onChoose({ node: node.id })}
          onEdgeClick={(_, edge) => onChoose({ line: [edge.source, edge.target] })}
          onPaneClick={() => onChoose(null)}
          onConnect={({ source, target }) => onChange(withLine(job, source, target))}
          onDelete={({ nodes, edges }) => {
            let next = job;
            for (const edge of edges) next = withoutLine(next, edge.source, edge.target);
            for (const node of nodes) next = withoutNode(next, node.id);
            onChange(next);
            onChoose(null);
          }}
        >
          <Background />
          <Controls showInteractive={false} />
          {job.nodes.length > 12 && <MiniMap pannable zoomable />}
        </ReactFlow>
      </Box>
    </Box>
  );
}

export function JobCanvas(props: Props) {
  return <ReactFlowProvider><Canvas {...props} /></ReactFlowProvider>;
}
