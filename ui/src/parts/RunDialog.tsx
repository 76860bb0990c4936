import { ActionIcon, Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import { post } from "../api/http";
import type { Job } from "../api/types";
import { useT } from "../i18n";
import { Problem } from "./Page";

interface Row {
  name: string;
  value: string;
  own: boolean;
  hint: string;
}

export function RunDialog({ job, opened, onClose }: { job: Job; opened: boolean; onClose: () => void }) {
  const t = useT();
  const [, navigate] = useLocation();
  const [rows, setRows] = useState<Row[]>([]);
  useEffect(() => {
    if (opened) setRows((job.params ?? []).map((each) => ({ name: each.name, value: "", own: true, hint: each.masked ? "******" : each.value })));
  }, [opened, job.params]);
  const run = useMutation({
    mutationFn: () =>
      post<{ instanceId: number }>(`/v1/{p}/jobs/${encodeURIComponent(job.name)}/run-immediate`, {
        jobParams: rows.filter((row) => row.name && (row.value || !row.own)).map(({ name, value }) => ({ name, value })),
      }),
    onSuccess: ({ instanceId }) => {
      onClose();
      navigate(`/instances/${encodeURIComponent(job.name)}/${instanceId}`);
    },
  });
  const change = (index: number, wanted: Partial<Row>) => setRows(rows.map((row, at) => (at === index ? { ...row, ...wanted } : row)));
  return (
    <Modal opened={opened} onClose={onClose} title={t("job.runTitle", { name: job.name })} size="lg">
      <Stack>
        <Text size="sm" c="dimmed">{t("job.runHelp")}</Text>
        {rows.map((row, index) => (
          <Group key={index} gap="xs" wrap="nowrap" align="flex-end">
            <TextInput label={index ? undefined : t("common.name")} aria-label={t("common.name")} value={row.name} readOnly={row.own} variant={row.own ? "filled" : "default"} onChange={(event) => change(index, { name: event.currentTarget.value })} />
            <TextInput flex={1} label={index ? undefined : t("common.value")} aria-label={row.name || t("common.value")} placeholder={row.hint} value={row.value} onChange={(event) => change(index, { value: event.currentTarget.value })} />
            <ActionIcon size="lg" variant="subtle" color="gray" disabled={row.own} aria-label={t("common.remove")} onClick={() => setRows(rows.filter((_, at) => at !== index))}><IconTrash size={16} /></ActionIcon>
          </Group>
        ))}
        {run.error && <Problem error={run.error} />}
        <Group justify="space-between">
          <Button variant="subtle" leftSection={<IconPlus size={16} />} onClick={() => setRows([...rows, { name: "", value: "", own: false, hint: "" }])}>{t("job.runAdd")}</Button>
          <Button loading={run.isPending} onClick={() => run.mutate()} data-autofocus>{t("job.run")}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
