import { Button, Group, Modal, Stack } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import type { FormEvent, ReactNode } from "react";
import { useT } from "../i18n";
import { Problem } from "./Page";

interface Props {
  title: string;
  save: () => Promise<unknown>;
  onSaved: () => void;
  onClose: () => void;
  ready?: boolean;
  children: ReactNode;
}

/** A form over the page: what the server refuses is shown in it, and nothing typed is lost. */
export function FormDialog({ title, save, onSaved, onClose, ready = true, children }: Props) {
  const t = useT();
  const saving = useMutation({ mutationFn: save, onSuccess: onSaved });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) saving.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={title} size="lg">
      <form onSubmit={submit}>
        <Stack gap="sm">
          {children}
          {saving.error && <Problem error={saving.error} />}
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>{t("common.cancel")}</Button><Button type="submit" disabled={!ready} loading={saving.isPending}>{t("common.save")}</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
