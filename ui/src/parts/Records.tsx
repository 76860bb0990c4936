import { ActionIcon, Group, Table } from "@mantine/core";
import { IconPencil, IconTrash } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useT } from "../i18n";
import { Confirm } from "./Confirm";

interface Props<T> {
  rows: T[];
  name: (row: T) => string;
  heads: string[];
  cells: (row: T) => ReactNode[];
  onEdit?: (row: T) => void;
  onDelete?: (row: T) => Promise<unknown>;
  more?: (row: T) => ReactNode;
}

/** Named things as a table: each can be edited and, once it is confirmed, deleted. */
export function Records<T>({ rows, name, heads, cells, onEdit, onDelete, more }: Props<T>) {
  const t = useT();
  const [deleting, setDeleting] = useState<T | null>(null);
  const [busy, setBusy] = useState(false);
  const erase = async () => {
    setBusy(true);
    await onDelete!(deleting!).catch(() => {});
    setBusy(false);
    setDeleting(null);
  };
  return (
    <Table.ScrollContainer minWidth={560}>
      <Table verticalSpacing="xs" highlightOnHover>
        <Table.Thead><Table.Tr>{[t("common.name"), ...heads].map((each) => <Table.Th key={each}>{each}</Table.Th>)}{(onEdit || onDelete || more) && <Table.Th w={90}><span className="visually-hidden">{t("common.actions")}</span></Table.Th>}</Table.Tr></Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={name(row)}>
              <Table.Td fw={600}>{name(row)}</Table.Td>
              {cells(row).map((cell, at) => <Table.Td key={at}>{cell}</Table.Td>)}
              {(onEdit || onDelete || more) && (
                <Table.Td>
                  <Group gap={4} wrap="nowrap" justify="flex-end">
                    {more?.(row)}
                    {onEdit && <ActionIcon variant="subtle" aria-label={t("common.editOne", { name: name(row) })} onClick={() => onEdit(row)}><IconPencil size={16} /></ActionIcon>}
                    {onDelete && <ActionIcon variant="subtle" color="red" aria-label={t("common.deleteOne", { name: name(row) })} onClick={() => setDeleting(row)}><IconTrash size={16} /></ActionIcon>}
                  </Group>
                </Table.Td>
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Confirm title={deleting ? t("common.delete") : null} text={deleting ? t("common.deleteAsk", { name: name(deleting) }) : ""} danger busy={busy} onConfirm={() => void erase()} onClose={() => setDeleting(null)} />
    </Table.ScrollContainer>
  );
}
