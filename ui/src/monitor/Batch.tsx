import { Alert, Anchor, Button, Checkbox, Group, List, Menu, Modal, Paper, Progress, Stack, Text } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "wouter";
import { post } from "../api/http";
import type { InstanceItem } from "../api/types";
import { useT } from "../i18n";
import { tellDone } from "../parts/tell";
import { choices, fitting, inParallel, type Outcome } from "./batch";
import { type Operation, RISKY } from "./operations";
import { counted } from "../parts/time";

const WIDTH = 6;
const JOBS_SHOWN = 6;
const FAILURES_SHOWN = 20;
const AT_ONCE = 3;

interface Props {
  chosen: InstanceItem[];
  total: number;
  onAll: () => void;
  onNone: () => void;
  onDone: () => void;
}

export const instancePath = (each: Pick<InstanceItem, "jobName" | "instanceId">) => `/instances/${encodeURIComponent(each.jobName)}/${each.instanceId}`;

/** What can be done to the instances that are selected. */
export function Batch({ chosen, total, onAll, onNone, onDone }: Props) {
  const t = useT();
  const [asked, setAsked] = useState<Operation | null>(null);
  const offered = choices(chosen);
  const button = ([operation, count]: [Operation, number]) => (
    <Button key={operation} size="xs" variant="default" onClick={() => setAsked(operation)}>{t(`op.${operation}`)} ({count})</Button>
  );
  return (
    <Paper withBorder p={6} pl="sm" className="batch" component="section" aria-label={t("instances.chosen", { count: chosen.length })}>
      <Group gap="sm">
        <Text size="sm" fw={600} role="status">{t("instances.chosen", { count: chosen.length })}</Text>
        {chosen.length < total && <Button size="compact-xs" variant="subtle" onClick={onAll}>{t("instances.chooseAll", { count: counted(total) })}</Button>}
        <Button size="compact-xs" variant="subtle" color="gray" onClick={onNone}>{t("instances.chooseNone")}</Button>
        <Group gap={6} ml="auto">
          {offered.slice(0, AT_ONCE).map(button)}
          {offered.length > AT_ONCE && (
            <Menu position="bottom-end">
              <Menu.Target><Button size="xs" variant="default" rightSection={<IconChevronDown size={14} />}>{t("common.actions")}</Button></Menu.Target>
              <Menu.Dropdown>{offered.slice(AT_ONCE).map(([operation, count]) => <Menu.Item key={operation} onClick={() => setAsked(operation)}>{t(`op.${operation}`)} ({count})</Menu.Item>)}</Menu.Dropdown>
            </Menu>
          )}
        </Group>
      </Group>
      {asked && <BatchDialog operation={asked} chosen={chosen} onClose={() => setAsked(null)} onDone={onDone} />}
    </Paper>
  );
}

function BatchDialog({ operation, chosen, onClose, onDone }: { operation: Operation; chosen: InstanceItem[]; onClose: () => void; onDone: () => void }) {
  const t = useT();
  const [items] = useState(() => fitting(chosen, operation)); // what was agreed to, whatever changes meanwhile
  const [all] = useState(chosen.length);
  const [done, setDone] = useState<number | null>(null);
  const [failures, setFailures] = useState<Outcome<InstanceItem>[] | null>(null);
  const [newest, setNewest] = useState(false);
  const what = t(`op.${operation}`);
  const jobs = [...items.reduce((found, each) => found.set(each.jobName, (found.get(each.jobName) ?? 0) + 1), new Map<string, number>())].sort((a, b) => b[1] - a[1]);
  const restart = operation === "restart" || operation === "restartError";
  const run = async () => {
    setDone(0);
    const failed = await inParallel(items, WIDTH, (each) => {
      const path = `/v1/{p}/jobs/${encodeURIComponent(each.jobName)}/instances/${each.instanceId}`;
      if (!restart) return post(`${path}/${operation}`);
      return post(`${path}/restart`, { retry_location: operation === "restart" ? "first_node" : "error_node", job_param_version: newest ? "latest_version" : "original_version" });
    }, setDone);
    onDone();
    if (failed.length) return setFailures(failed);
    tellDone(t("batch.done", { what, count: items.length }));
    onClose();
  };
  return (
    <Modal opened onClose={onClose} closeOnClickOutside={done === null || failures !== null} title={what} centered size="lg">
      <Stack gap="sm">
        {failures === null ? <>
          <Text size="sm">{t("batch.ask", { what, count: items.length, all })} {t(`op.${operation}Ask`)}</Text>
          {all > items.length && <Text size="sm" c="dimmed">{t("batch.others", { count: all - items.length })}</Text>}
          <List size="sm">
            {jobs.slice(0, JOBS_SHOWN).map(([job, count]) => <List.Item key={job}>{t("batch.perJob", { job, count })}</List.Item>)}
            {jobs.length > JOBS_SHOWN && <List.Item>{t("batch.more", { count: jobs.length - JOBS_SHOWN })}</List.Item>}
          </List>
          {restart && <Checkbox label={t("op.newest")} checked={newest} onChange={(event) => setNewest(event.currentTarget.checked)} />}
          {done !== null && <><Progress value={(done / Math.max(1, items.length)) * 100} aria-label={what} /><Text size="xs" c="dimmed" role="status">{t("batch.busy", { done, count: items.length })}</Text></>}
        </> : <>
          <Text size="sm">{t("batch.done", { what, count: items.length - failures.length })}</Text>
          <Alert color="red" variant="light" title={t("batch.failed", { count: failures.length })}>
            {failures.slice(0, FAILURES_SHOWN).map(({ item, error }) => (
              <Text key={item.instanceId} size="sm"><Anchor component={Link} inherit href={instancePath(item)}>{item.jobName} {item.instanceId}</Anchor>: {error instanceof Error ? error.message : String(error)}</Text>
            ))}
          </Alert>
        </>}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{t(failures ? "common.close" : "common.cancel")}</Button>
          {failures === null && <Button color={RISKY.has(operation) ? "red" : undefined} loading={done !== null} disabled={!items.length} onClick={() => void run()} data-autofocus>{what}</Button>}
        </Group>
      </Stack>
    </Modal>
  );
}
