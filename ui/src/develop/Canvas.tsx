import "@xyflow/react/dist/style.css";
import { Background, type Connection, Controls, type Edge, type EdgeChange, MarkerType, MiniMap, type NodeChange, Position, ReactFlow, ReactFlowProvider, useReactFlow, useStore } from "@xyflow/react";
import { useComputedColorScheme } from "@mantine/core";
import { type DragEvent, type KeyboardEvent, type Ref, useCallback, useEffect, useImperativeHandle, useMemo, useRef, useState } from "react";
import type { Job, NodeType } from "../api/types";
import { useT } from "../i18n";
import { position, typeOf, withLine, withNode, withoutLine } from "../pages/job-model";
import { HEIGHT, WIDTH } from "../parts/layout";
import { kindOf } from "./kinds";
import { type Card, FAR, NodeCard } from "./NodeCard";
import { useStable } from "./useStable";
import { moved, neighbour, NOTHING, placeAfter, type Selection, type Way, without } from "./selection";

export const DRAGGED = "application/x-arkwright-node";

export interface CanvasActions {
  add: (type: NodeType) => void;
  fit: () => void;
  focus: (name: string) => void;
}

interface Props {
  job: Job;
  types: NodeType[];
  problems: Map<string, string>;
  selection: Selection;
  actions: Ref<CanvasActions>;
  onSelect: (selection: Selection) => void;
  onChange: (job: Job, mark?: string) => void;
  /** A key that the canvas itself knows nothing of. */
  onKey: (event: KeyboardEvent) => void;
}

const MANY = 100;
const ARROW = { type: MarkerType.ArrowClosed, width: 16, height: 16, color: "var(--xy-edge-stroke)" };
const FIT = { maxZoom: 1, padding: 0.15 };
const DELETE = ["Delete", "Backspace"];
const MULTI = ["Shift", "Meta", "Control"];
const nodeTypes = { node: NodeCard };
const WAYS: Record<string, Way> = { ArrowRight: "after", ArrowLeft: "before", ArrowUp: "above", ArrowDown: "below" };
/** Where lines end, said beforehand: nothing has to be measured before the first picture. */
const HANDLES = [
  { type: "target" as const, position: Position.Left, x: -5, y: HEIGHT / 2 - 5, width: 11, height: 11 },
  { type: "source" as const, position: Position.Right, x: WIDTH - 5, y: HEIGHT / 2 - 5, width: 11, height: 11 },
];

interface Kept {
  card: Card;
  /** All that it shows. */
  key: string;
  /** Its texts. */
  said: string;
}

function useCards({ job, types, problems, selection }: Props, dragged: Record<string, { x: number; y: number }>): Card[] {
  const kept = useRef(new Map<string, Kept>());
  return useMemo(() => {
    const chosen = new Set(selection.nodes);
    const next = new Map<string, Kept>();
    for (const node of job.nodes) {
      const { x, y } = dragged[node.name] ?? position(node) ?? { x: 0, y: 0 };
      const problem = problems.get(node.name) ?? "";
      const type = typeOf(types, node.type);
      const title = type?.title ?? node.type;
      const note = node.properties?.find((each) => each.name === "scriptName" || each.name === "jobName")?.value ?? "";
      const selected = chosen.has(node.name);
      const said = `${title}\n${note}\n${problem}`;
      const key = `${x} ${y} ${selected} ${said}`;
      const before = kept.current.get(node.name);
      // What stays the same stays the same object: a drag of one node touches no other one.
      const card: Card =
        before?.key === key
          ? before.card
          : {
              id: node.name,
              type: "node",
              position: { x, y },
              width: WIDTH,
              height: HEIGHT,
              measured: { width: WIDTH, height: HEIGHT },
              handles: HANDLES,
              data: before?.said === said ? before.card.data : { name: node.name, icon: type?.icon ?? "", group: kindOf(type).group, title, note: note && `${title} · ${note}`, problem },
              selected,
              ariaLabel: problem ? `${node.name}, ${title}. ${problem}` : `${node.name}, ${title}`,
            };
      next.set(node.name, { card, key, said });
    }
    kept.current = next;
    return [...next.values()].map(({ card }) => card);
  }, [job.nodes, types, problems, selection.nodes, dragged]);
}

function Flow(props: Props) {
  const { job, selection, actions, onSelect, onChange, onKey } = props;
  const t = useT();
  const scheme = useComputedColorScheme("light");
  const flow = useReactFlow();
  const place = useRef<HTMLDivElement>(null);
  const [dragged, setDragged] = useState<Record<string, { x: number; y: number }>>({});
  const [fits] = useState(job.nodes.length > 0);
  const cards = useCards(props, dragged);
  // From afar a large job is drawn as boxes and straight lines: nobody can read it there, and it stays smooth.
  const far = useStore((store) => store.transform[2] < FAR) && job.nodes.length > MANY;
  const lines = useMemo<Edge[]>(
    () =>
      job.nodes.flatMap((node) =>
        (node.preNodeName ?? []).map((from) => {
          const condition = node.conditions?.find((each) => each.preNodeName === from)?.expression;
          return {
            id: `${from}→${node.name}`,
            source: from,
            target: node.name,
            selected: selection.line?.[0] === from && selection.line[1] === node.name,
            label: condition && !far ? t("job.if") : undefined,
            ...(far ? { type: "straight", interactionWidth: 0 } : { markerEnd: ARROW }),
            ariaLabel: condition ? t("job.lineIf", { from, to: node.name, condition }) : t("job.line", { from, to: node.name }),
            className: condition ? "conditional" : undefined,
          };
        }),
      ),
    [job.nodes, selection.line, far, t],
  );
  useEffect(() => setDragged({}), [job.nodes]);
  const focus = useCallback(
    (name: string) => {
      onSelect({ nodes: [name], line: null });
      const node = flow.getInternalNode(name);
      if (node && job.nodes.length > MANY) void flow.setCenter(node.internals.positionAbsolute.x + WIDTH / 2, node.internals.positionAbsolute.y + HEIGHT / 2, { zoom: Math.max(0.6, flow.getZoom()) });
      setTimeout(() => place.current?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(name)}"]`)?.focus(), 30);
    },
    [flow, job.nodes.length, onSelect],
  );
  const put = useCallback(
    (type: NodeType, at: { x: number; y: number }, after?: string) => {
      const [next, name] = withNode(job, type, at);
      onChange(after ? withLine(next, after, name) : next);
      onSelect({ nodes: [name], line: null });
      setTimeout(() => place.current?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(name)}"]`)?.focus(), 50);
    },
    [job, onChange, onSelect],
  );
  useImperativeHandle(actions, () => ({
    add: (type) => put(type, placeAfter(job, selection.nodes[0]), selection.nodes.length === 1 ? selection.nodes[0] : undefined),
    fit: () => void flow.fitView(FIT),
    focus,
  }), [put, job, selection.nodes, flow, focus]);
  const dropped = (event: DragEvent) => {
    const type = props.types.find((each) => each.name === event.dataTransfer.getData(DRAGGED));
    if (!type) return;
    event.preventDefault();
    put(type, flow.screenToFlowPosition({ x: event.clientX, y: event.clientY }));
  };
  // React Flow tells all that it draws of each handler that is another one than before: these stay the same.
  const nodesChanged = useStable((changes: NodeChange<Card>[]) => {
    const places: Record<string, { x: number; y: number }> = {};
    let ended = false;
    let chosen: Set<string> | null = null;
    for (const change of changes) {
      if (change.type === "position" && change.position) {
        places[change.id] = change.position;
        ended ||= change.dragging !== true;
      } else if (change.type === "select") {
        chosen ??= new Set(selection.nodes);
        if (change.selected) chosen.add(change.id);
        else chosen.delete(change.id);
      }
    }
    if (ended) onChange(moved(job, { ...dragged, ...places }), Object.keys(dragged).length ? "" : `move ${Object.keys(places).join()}`);
    else if (Object.keys(places).length) setDragged((before) => ({ ...before, ...places }));
    if (chosen) onSelect(chosen.size ? { nodes: [...chosen], line: null } : selection.line ? selection : NOTHING);
  });
  const linesChanged = useStable((changes: EdgeChange[]) => {
    for (const change of changes) {
      if (change.type !== "select") continue;
      const line = lines.find((each) => each.id === change.id);
      if (change.selected && line) return onSelect({ nodes: [], line: [line.source, line.target] });
      if (line?.selected) onSelect({ ...selection, line: null });
    }
  });
  const nothing = useStable(() => onSelect(NOTHING));
  const valid = useStable(({ source, target }: Connection | Edge) => withLine(job, source, target) !== job);
  const connected = useStable(({ source, target }: Connection) => onChange(withLine(job, source, target)));
  const deleted = useStable(({ nodes, edges }: { nodes: Card[]; edges: Edge[] }) => {
    let next = job;
    for (const edge of edges) next = withoutLine(next, edge.source, edge.target);
    onChange(without(next, nodes.map((node) => node.id)));
    onSelect(NOTHING);
  });
  const keyed = (event: KeyboardEvent) => {
    const way = event.altKey ? WAYS[event.key] : undefined;
    if (!way) return onKey(event);
    event.preventDefault();
    event.stopPropagation();
    const to = neighbour(job, selection.nodes[0] ?? "", way);
    if (to) focus(to);
  };
  return (
    <div ref={place} className="edit-canvas" role="region" aria-label={t("job.canvas")} onKeyDownCapture={keyed} onDragOver={(event) => event.preventDefault()} onDrop={dropped}>
      <ReactFlow
        nodes={cards}
        edges={lines}
        nodeTypes={nodeTypes}
        colorMode={scheme}
        fitView={fits}
        fitViewOptions={FIT}
        minZoom={0.05}
        nodeDragThreshold={2}
        deleteKeyCode={DELETE}
        multiSelectionKeyCode={MULTI}
        onlyRenderVisibleElements={job.nodes.length > MANY}
        onNodesChange={nodesChanged}
        onEdgesChange={linesChanged}
        onPaneClick={nothing}
        isValidConnection={valid}
        onConnect={connected}
        onDelete={deleted}
      >
        <Background gap={22} />
        <Controls showInteractive={false} />
        {job.nodes.length > 8 && !far && <MiniMap pannable zoomable ariaLabel={t("job.minimap")} nodeStrokeWidth={3} />}
      </ReactFlow>
    </div>
  );
}

export function Canvas(props: Props) {
  return <ReactFlowProvider><Flow {...props} /></ReactFlowProvider>;
}
