import { ActionIcon, Anchor, Menu, Table, Text } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { ENDED, type NodeItem } from "../api/types";
import { type Key, useT } from "../i18n";
import { Status } from "../parts/Status";
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
  return (
    <Table highlightOnHover verticalSpacing={5} className="dense">
      <Table.Thead>
        <Table.Tr><Table.Th>{t("job.node")}</Table.Th><Table.Th w={140}>{t("common.status")}</Table.Th><Table.Th w={90} ta="right">{t("instances.took")}</Table.Th><Table.Th w={80} ta="right">{t("instance.rows")}</Table.Th><Table.Th w={40}><span className="visually-hidden">{t("common.actions")}</span></Table.Th></Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {nodes.map((node) => {
          const offered = nodeOperations(status, node.status);
          return (
            <Table.Tr key={node.nodeName} data-chosen={node.nodeName === chosen || undefined}>
              <Table.Td>
                <Anchor component="button" type="button" fw={600} size="sm" aria-pressed={node.nodeName === chosen} onClick={() => choose(node.nodeName)}>{node.nodeName}</Anchor>
                <Text size="xs" c="dimmed">{node.type}{node.attempt > 1 ? ` · ${t("instance.attempt")} ${node.attempt}` : ""}{node.exitCode ? ` · ${t("instance.exitCode")} ${node.exitCode}` : ""}</Text>
              </Table.Td>
              <Table.Td><Status state={node.status} /></Table.Td>
              <Table.Td className="time" ta="right"><Took start={node.startTime} end={node.endTime} over={ENDED.has(node.status)} /></Table.Td>
              <Table.Td className="time" ta="right">{node.childTotal !== undefined ? `${node.childSucceeded ?? 0} / ${node.childTotal}` : node.outputRowCount?.toLocaleString()}</Table.Td>
              <Table.Td>
                {offered.length > 0 && (
                  <Menu position="bottom-end">
                    <Menu.Target><ActionIcon variant="subtle" color="gray" aria-label={`${t("common.actions")} ${node.nodeName}`}><IconDots size={16} /></ActionIcon></Menu.Target>
                    <Menu.Dropdown>{offered.map((each) => <Menu.Item key={each} onClick={() => ask(each, node.nodeName)}>{t(`node.${each}` as Key)}</Menu.Item>)}</Menu.Dropdown>
                  </Menu>
                )}
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}
