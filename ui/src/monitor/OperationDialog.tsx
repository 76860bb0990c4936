import { Checkbox, Stack, Text } from "@mantine/core";
import { useState } from "react";
import type { Job, NodeItem } from "../api/types";
import { type Key, useT } from "../i18n";
import { Confirm } from "../parts/Confirm";
import { effect, type NodeOperation, type Operation, RISKY } from "./operations";

const SHOWN = 12;

export type Asked = { operation: Operation; node?: undefined } | { operation: NodeOperation; node: string };

export const wordOf = (asked: Asked): Key => (asked.node === undefined ? `op.${asked.operation}` : `node.${asked.operation}`) as Key;

interface Props {
  asked: Asked;
  nodes: NodeItem[];
  job?: Job;
  busy: boolean;
  onConfirm: (newest: boolean) => void;
  onClose: () => void;
}

/** Says what an operation will do to which nodes before it does it. */
export function OperationDialog({ asked, nodes, job, busy, onConfirm, onClose }: Props) {
  const t = useT();
  const [newest, setNewest] = useState(false);
  const again = ["restart", "restartError", "restartFrom"].includes(asked.operation);
  const found = effect(asked.operation, nodes, job, asked.node);
  const names = (list: string[]) => (list.length > SHOWN ? `${list.slice(0, SHOWN).join(", ")} ${t("common.more", { count: list.length - SHOWN })}` : list.join(", "));
  return (
    <Confirm title={t(wordOf(asked))} text={t(`${wordOf(asked)}Ask` as Key, { node: asked.node ?? "" })} danger={RISKY.has(asked.operation)} busy={busy} onConfirm={() => onConfirm(newest)} onClose={onClose}>
      <Stack gap={4} mt="xs">
        {Object.entries(found).map(([what, list]) => <Text key={what} size="sm"><Text span inherit c="dimmed">{t(`effect.${what}` as Key)} </Text>{names(list)}</Text>)}
        {again && <Checkbox mt="sm" label={t("op.newest")} checked={newest} onChange={(event) => setNewest(event.currentTarget.checked)} />}
      </Stack>
    </Confirm>
  );
}
