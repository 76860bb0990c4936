import { ActionIcon, Menu } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { memo } from "react";
import { ENDED, type NodeItem } from "../api/types";
import { useStable } from "../develop/useStable";
import { type Key, useT } from "../i18n";
import { Status } from "../parts/Status";
import { counted } from "../parts/time";
import { Took } from "./Live";
import { type NodeOperation, nodeOperations } from "./operations";

interface Props {
  nodes: NodeItem[];
  status: string;
  chosen: string | null;
  choose: (name: string) => void;
  ask: (operation: NodeOperation, node: string) => void;
}

export function NodeTable({ nodes, status, chosen, choose, ask }: Props) {
  const t = useT();
  const calls = { choose: useStable(choose), ask: useStable(ask) };
  return (
    <div className="list-box">
      <table className="list list-nodes">
        <thead>
          <tr><th>{t("job.node")}</th><th style={{ width: 128 }}>{t("common.status")}</th><th style={{ width: 88, textAlign: "right" }}>{t("instances.took")}</th><th style={{ width: 66, textAlign: "right" }}>{t("instance.rows")}</th><th style={{ width: 46 }}><span className="visually-hidden">{t("common.actions")}</span></th></tr>
        </thead>
        <tbody>
          {nodes.map((node) => <Row key={node.nodeName} {...{ node, status, ...calls }} chosen={node.nodeName === chosen} />)}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps extends Omit<Props, "nodes" | "chosen"> {
  node: NodeItem;
  chosen: boolean;
}

/** Plain elements, drawn anew only when they have changed: jobs have hundreds of nodes. */
const Row = memo(
  function Row({ node, status, chosen, choose, ask }: RowProps) {
    const t = useT();
    const offered = nodeOperations(status, node.status);
    return (
      <tr data-chosen={chosen || undefined}>
        <td className="list-name">
          <button type="button" className="list-link" aria-pressed={chosen} onClick={() => choose(node.nodeName)}>{node.nodeName}</button>
          <div className="faint">{node.type}{node.attempt > 1 ? ` · ${t("instance.attempt")} ${node.attempt}` : ""}{node.exitCode ? ` · ${t("instance.exitCode")} ${node.exitCode}` : ""}</div>
        </td>
        <td><Status state={node.status} /></td>
        <td className="time" style={{ textAlign: "right" }}><Took start={node.startTime} end={node.endTime} over={ENDED.has(node.status)} /></td>
        <td className="time" style={{ textAlign: "right" }}>{node.childTotal !== undefined ? `${node.childSucceeded ?? 0} / ${node.childTotal}` : node.outputRowCount !== undefined && counted(node.outputRowCount)}</td>
        <td>
          {offered.length > 0 && (
            <Menu position="bottom-end">
              <Menu.Target><ActionIcon variant="subtle" color="gray" aria-label={`${t("common.actions")} ${node.nodeName}`}><IconDots size={16} /></ActionIcon></Menu.Target>
              <Menu.Dropdown>{offered.map((each) => <Menu.Item key={each} onClick={() => ask(each, node.nodeName)}>{t(`node.${each}` as Key)}</Menu.Item>)}</Menu.Dropdown>
            </Menu>
          )}
        </td>
      </tr>
    );
  },
  (before, after) => before.chosen === after.chosen && before.status === after.status && SHOWN.every((each) => before.node[each] === after.node[each]),
);

/** What a row tells of its node. */
const SHOWN = ["nodeName", "type", "status", "startTime", "endTime", "attempt", "exitCode", "childTotal", "childSucceeded", "outputRowCount"] as const;
