import { Button, Group, Modal, Stack } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import type { FormEvent, ReactNode } from "react";
import { fieldOf, refusedAt } from "../develop/refusals";
import { useT } from "../i18n";
import { Problem } from "./Page";

interface Props {
  title: string;
  save: () => Promise<unknown>;
  onSaved: () => void;
  onClose: () => void;
  ready?: boolean;
  size?: string;
  /** Beside the buttons, such as one that tries what was typed. */
  more?: ReactNode;
  /** A function is given what to write at a field that the server refused. */
  children: ReactNode | ((error: (field: string) => string | undefined) => ReactNode);
}

/** A form over the page: what the server refuses is shown in it, at the field if there is one, and nothing typed is lost. */
export function FormDialog({ title, save, onSaved, onClose, ready = true, size = "lg", more, children }: Props) {
  const t = useT();
  const saving = useMutation({ mutationFn: save, onSuccess: onSaved });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    if (ready) saving.mutate();
  };
  const asked = new Set<string>();
  const at = (field: string) => {
    const text = refusedAt(saving.error, field);
    if (text) asked.add(field);
    return text;
  };
  const shown = typeof children === "function" ? children(at) : children;
  const placed = asked.size > 0 && fieldOf(saving.error) !== "";
  return (
    <Modal opened onClose={onClose} title={title} size={size}>
      <form onSubmit={submit} noValidate>
        <Stack gap="sm">
          {shown}
          {saving.error && !placed && <Problem error={saving.error} />}
          <Group justify={more ? "space-between" : "flex-end"}>{more}<Group gap="xs"><Button variant="default" onClick={onClose}>{t("common.cancel")}</Button><Button type="submit" disabled={!ready} loading={saving.isPending}>{t("common.save")}</Button></Group></Group>
        </Stack>
      </form>
    </Modal>
  );
}
