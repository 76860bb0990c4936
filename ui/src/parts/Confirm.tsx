import { Button, Group, Modal, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useT } from "../i18n";

interface Props {
  title: string | null;
  text: string;
  danger?: boolean;
  busy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
  children?: ReactNode;
}

/** Says what will happen before it happens. Open while it has a title. */
export function Confirm({ title, text, danger, busy, onConfirm, onClose, children }: Props) {
  const t = useT();
  return (
    <Modal opened={title !== null} onClose={onClose} title={title} centered>
      <Text size="sm">{text}</Text>
      {children}
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={onClose}>{t("common.cancel")}</Button>
        <Button color={danger ? "red" : undefined} loading={busy} onClick={onConfirm} data-autofocus>{title}</Button>
      </Group>
    </Modal>
  );
}
