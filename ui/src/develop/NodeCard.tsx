import { Handle, type Node, type NodeProps, Position, useStore } from "@xyflow/react";
import { IconAlertTriangleFilled } from "@tabler/icons-react";
import { memo } from "react";
import { HEIGHT, WIDTH } from "../parts/layout";
import { iconOf } from "./kinds";

export interface CardData extends Record<string, unknown> {
  name: string;
  /** As the server names them. */
  icon: string;
  group: string;
  title: string;
  note: string;
  problem: string;
}

export type Card = Node<CardData, "node">;

/** Zoomed out further than this a card's text can't be read. */
export const FAR = 0.32;

const dot = { width: 11, height: 11, background: "var(--card-line)" };

const hidden = { visibility: "hidden" as const };

/** A node on the editor's canvas. */
export const NodeCard = memo(function NodeCard({ data, selected }: NodeProps<Card>) {
  const Icon = iconOf(data.icon);
  const far = useStore((store) => store.transform[2] < FAR);
  if (far) {
    return (
      <div className="edit-card far" data-selected={selected || undefined} data-problem={data.problem ? true : undefined} data-group={data.group} title={data.problem || data.name} style={{ width: WIDTH, height: HEIGHT }}>
        <Handle type="target" position={Position.Left} style={hidden} />
        <Handle type="source" position={Position.Right} style={hidden} />
      </div>
    );
  }
  return (
    <div className="edit-card" data-selected={selected || undefined} data-problem={data.problem ? true : undefined} data-group={data.group} title={data.problem || data.name} style={{ width: WIDTH, height: HEIGHT }}>
      <Handle type="target" position={Position.Left} style={dot} />
      <span className="edit-card-icon" aria-hidden><Icon size={19} stroke={1.7} /></span>
      <span className="edit-card-text">
        <span className="edit-card-name">{data.name}</span>
        <span className="edit-card-note">{data.problem || data.note || data.title}</span>
      </span>
      {data.problem && <IconAlertTriangleFilled size={16} className="edit-card-alert" aria-hidden />}
      <Handle type="source" position={Position.Right} style={dot} />
    </div>
  );
}, (before, after) => before.data === after.data && before.selected === after.selected);
