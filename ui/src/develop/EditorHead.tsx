import { ActionIcon, Anchor, Badge, Button, Group, Menu, Modal, Stack, Text, Textarea, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { IconChevronDown, IconDots, IconPlayerPlay } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import { remove } from "../api/http";
import type { Job } from "../api/types";
import { useT } from "../i18n";
import { Confirm } from "../parts/Confirm";
import { RunDialog } from "../parts/RunDialog";
import { Status } from "../parts/Status";
import { tellDone, tellError } from "../parts/tell";
import { download } from "./download";
import { useJobStatus } from "./JobEditor";
import { type Act, StartDialog } from "./StartDialog";

interface Props {
  name: string;
  job: Job;
  dirty: boolean;
  version?: number;
  busy: "" | "save" | "submit";
  onSave: (submit: boolean, comment?: string) => void;
  onDeleted: () => void;
}

/** A job's name and state, and what can be done with the whole of it. */
export function EditorHead({ name, job, dirty, version, busy, onSave, onDeleted }: Props) {
  const t = useT();
  const client = useQueryClient();
  const isNew = name === "";
  const status = useJobStatus(name);
  const [running, setRunning] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const [act, setAct] = useState<Act | null>(null);
  const [comment, setComment] = useState<string | null>(null);
  const title = isNew ? t("jobs.new") : name;
  useEffect(() => {
    document.title = `${dirty ? "• " : ""}${title} · ${t("app.name")}`;
  }, [title, dirty, t]);
  const erase = useMutation({
    mutationFn: () => remove(`/v1/{p}/jobs/${encodeURIComponent(name)}`),
    onSuccess: async () => {
      tellDone(t("job.deleted", { name }));
      await client.invalidateQueries({ queryKey: ["jobs"] });
      onDeleted();
    },
    onError: tellError,
    onSettled: () => setDeleting(false),
  });
  const goes = ["SCHEDULING", "NORMAL", "STARTING", "EXCEPTION"].includes(status.data ?? "");
  const paused = ["PAUSED", "PAUSE"].includes(status.data ?? "");
  return (
    <Group justify="space-between" align="center" gap="xs">
      <Group gap="xs" miw={0}>
        <div style={{ minWidth: 0 }}>
          <Text size="xs" c="dimmed"><Anchor component={Link} href={`/jobs${job.directory && job.directory !== "/" ? `?directory=${encodeURIComponent(job.directory)}` : ""}`} size="xs" underline="always">{t("jobs.title")}</Anchor>{job.directory && job.directory !== "/" ? ` ${job.directory}` : ""}</Text>
          <Title order={1} size="h3" style={{ overflowWrap: "anywhere" }}>{title}</Title>
        </div>
        {status.data && <Status state={status.data} testId="job-state" />}
        {dirty ? <Badge color="orange" variant="light">{t("job.unsaved")}</Badge> : version ? <Badge color="gray" variant="light">{t("job.version", { version })}</Badge> : null}
      </Group>
      <Group gap="xs">
        <Button variant="default" loading={busy === "save"} onClick={() => onSave(false)}>{t("job.saveOnly")}</Button>
        <Group gap={0} wrap="nowrap">
          <Button variant="light" loading={busy === "submit"} onClick={() => onSave(true)} style={{ borderTopRightRadius: 0, borderBottomRightRadius: 0 }}>{t("job.submit")}</Button>
          <Menu position="bottom-end">
            <Menu.Target><ActionIcon variant="light" size={36} aria-label={t("job.submitMore")} style={{ borderTopLeftRadius: 0, borderBottomLeftRadius: 0 }}><IconChevronDown size={16} /></ActionIcon></Menu.Target>
            <Menu.Dropdown><Menu.Item onClick={() => setComment("")}>{t("job.submitComment")}</Menu.Item></Menu.Dropdown>
          </Menu>
        </Group>
        {!isNew && job.processType === "BATCH" && <Button leftSection={<IconPlayerPlay size={16} />} disabled={dirty} onClick={() => setRunning(true)}>{t("job.run")}</Button>}
        {!isNew && (
          <Menu position="bottom-end">
            <Menu.Target><ActionIcon variant="default" size={36} aria-label={t("common.actions")}><IconDots size={17} /></ActionIcon></Menu.Target>
            <Menu.Dropdown>
              {!goes && !paused && <Menu.Item onClick={() => setAct("start")}>{t("job.start")}</Menu.Item>}
              {goes && <Menu.Item onClick={() => setAct("pause")}>{t("job.pause")}</Menu.Item>}
              {paused && <Menu.Item onClick={() => setAct("resume")}>{t("job.resume")}</Menu.Item>}
              {(goes || paused) && <Menu.Item onClick={() => setAct("stop")}>{t("job.stop")}</Menu.Item>}
              <Menu.Divider />
              <Menu.Item onClick={() => void download(`/v1/{p}/jobs/${encodeURIComponent(name)}/export`, `DLF_${name}.zip`, {}).catch(tellError)}>{t("jobs.export")}</Menu.Item>
              <Menu.Divider />
              <Menu.Item color="red" onClick={() => setDeleting(true)}>{t("common.delete")}</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
      </Group>
      {!isNew && <RunDialog job={job} opened={running} onClose={() => setRunning(false)} />}
      {act && <StartDialog name={name} act={act} onClose={() => setAct(null)} onDone={() => { tellDone(t(`act.${act}Done`, { name })); setAct(null); void status.refetch(); void client.invalidateQueries({ queryKey: ["triggers"] }); }} />}
      <Confirm title={deleting ? t("common.delete") : null} text={t("job.deleteAsk", { name })} danger busy={erase.isPending} onConfirm={() => erase.mutate()} onClose={() => setDeleting(false)} />
      <Modal opened={comment !== null} onClose={() => setComment(null)} title={t("job.submitComment")}>
        <Stack>
          <Textarea label={t("job.comment")} description={t("job.commentHelp")} maxLength={255} autosize minRows={2} value={comment ?? ""} onChange={(event) => setComment(event.currentTarget.value)} data-autofocus />
          <Group justify="flex-end"><Button variant="default" onClick={() => setComment(null)}>{t("common.cancel")}</Button><Button onClick={() => { onSave(true, comment ?? ""); setComment(null); }}>{t("job.submit")}</Button></Group>
        </Stack>
      </Modal>
    </Group>
  );
}
