import { Alert, Autocomplete, Button, Group, List, Modal, Progress, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { type Key, useT } from "../i18n";
import { copyJob, deleteJob, each, moveJob, type Outcome, renameJob, startJob, stopJob } from "./job-actions";
import { useDirectories } from "./useDirectories";

export type Many = "start" | "stop" | "move" | "delete" | "rename" | "copy";

interface Props {
  act: Many;
  names: string[];
  /** Where to, if that is known already. */
  directory?: string;
  onDone: () => void;
  onClose: () => void;
}

/** Says what will happen to which jobs, does it to each, and says what became of it. */
export function ManyDialog({ act, names, directory = "", onDone, onClose }: Props) {
  const t = useT();
  const directories = useDirectories("job");
  const one = names[0] ?? "";
  const [to, setTo] = useState(act === "copy" ? `${one}_copy` : act === "rename" ? one : directory);
  const [at, setAt] = useState<number | null>(null);
  const [found, setFound] = useState<Outcome | null>(null);
  const asks = act === "rename" || act === "copy";
  const work = (name: string): Promise<unknown> => {
    switch (act) {
      case "start":
        return startJob(name);
      case "stop":
        return stopJob(name);
      case "move":
        return moveJob(name, to.startsWith("/") ? to : `/${to}`);
      case "delete":
        return deleteJob(name);
      case "rename":
        return renameJob(name, to);
      case "copy":
        return copyJob(name, to);
    }
  };
  const run = async () => {
    setAt(0);
    const outcome = await each(names, work, setAt);
    setAt(null);
    onDone();
    if (outcome.failed.length) setFound(outcome);
    else onClose();
  };
  return (
    <Modal opened onClose={onClose} title={t(`many.${act}` as Key, { count: names.length, name: one })}>
      <Stack gap="sm">
        {found ? (
          <Alert color="red" role="alert" title={t("many.failed", { failed: found.failed.length, done: found.done.length })}>
            <List size="sm">{found.failed.map((each) => <List.Item key={each.name}><b>{each.name}</b>: {each.why}</List.Item>)}</List>
          </Alert>
        ) : (
          <>
            <Text size="sm">{t(`many.${act}Help` as Key, { count: names.length })}</Text>
            {names.length > 1 && <Text size="sm" c="dimmed" lineClamp={4}>{names.join(", ")}</Text>}
            {asks && <TextInput label={t("many.name")} value={to} onChange={(event) => setTo(event.currentTarget.value)} onKeyDown={(event) => event.key === "Enter" && to && void run()} data-autofocus />}
            {act === "move" && <Autocomplete label={t("jobs.path")} description={t("jobset.pathHelp")} placeholder="/sales/daily" openOnFocus={false} data={directories.data ?? []} value={to} onChange={setTo} data-autofocus={directory ? undefined : true} />}
            {at !== null && <Progress value={(at / names.length) * 100} aria-label={t("many.progress")} />}
          </>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{t(found ? "common.close" : "common.cancel")}</Button>
          {!found && <Button color={act === "delete" ? "red" : undefined} loading={at !== null} disabled={(asks && (!to || to === one)) || (act === "move" && !to)} onClick={() => void run()}>{t(`many.${act}Do` as Key)}</Button>}
        </Group>
      </Stack>
    </Modal>
  );
}
