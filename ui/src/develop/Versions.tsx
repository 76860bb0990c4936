import { Badge, Box, Button, Group, Paper, Radio, Stack, Table, Text } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call, get } from "../api/http";
import { useSession } from "../api/session";
import type { Job } from "../api/types";
import { useT } from "../i18n";
import { placed, toSave } from "../pages/job-model";
import { Confirm } from "../parts/Confirm";
import { Problem, Waiting } from "../parts/Page";
import { Pager } from "../parts/Pager";
import { tellDone, tellError } from "../parts/tell";
import { clock } from "../parts/time";
import { useFilters } from "../parts/useFilters";
import { JobDiff } from "./Diff";

export interface Version {
  version: number;
  createTime: number;
  createUser: string;
  submitted: boolean;
  comment: string;
}

const SIZE = 15;
/** Which two are compared; empty: the newest one and the one before it. */
const PICKED = { before: "", after: "" };

/** The versions of a job: who saved them and why, any two of them beside each other, and the way back to one. */
export function Versions({ name, newest, edited, onRestored }: { name: string; newest: number; edited: Job; onRestored: (job: Job) => void }) {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const path = `/v1/{p}/jobs/${encodeURIComponent(name)}`;
  const [page, setPage] = useState(0);
  const [picked, pick] = useFilters(PICKED);
  const known = (given: string, otherwise: number) => (Number(given) >= 1 && Number(given) <= newest ? Number(given) : otherwise);
  const before = known(picked.before, Math.max(1, newest - 1));
  const after = known(picked.after, newest);
  const [restored, setRestored] = useState<number | null>(null);
  const list = useQuery({ queryKey: ["job-versions", workspace.id, name, page], queryFn: ({ signal }) => get<{ total: number; versions: Version[] }>(`${path}/versions`, { limit: SIZE, offset: page }, signal), placeholderData: keepPreviousData });
  const one = (version: number) => ({ queryKey: ["job-version", workspace.id, name, version], queryFn: ({ signal }: { signal: AbortSignal }) => get<Job>(path, { version }, signal), staleTime: Infinity });
  const left = useQuery(one(before));
  const right = useQuery(one(after));
  const restore = useMutation({
    mutationFn: async (version: number) => {
      const { versionComment: _comment, ...body } = toSave(await get<Job>(path, { version }), true);
      await call("PUT", path, { body: { ...body, name, versionComment: t("versions.restoredComment", { version }) }, ifMatch: newest });
      return placed(await get<Job>(path));
    },
    onSuccess: (found, version) => {
      tellDone(t("versions.restored", { version }));
      client.setQueryData(["job", workspace.id, name], found);
      pick(PICKED);
      onRestored(found);
      void client.invalidateQueries({ queryKey: ["job-versions"] });
    },
    onError: tellError,
    onSettled: () => setRestored(null),
  });
  const error = list.error ?? left.error ?? right.error;
  if (error) return <Problem error={error} />;
  if (!list.data) return <Waiting />;
  const label = (version: number) => t("job.version", { version });
  return (
    <Group align="flex-start" gap="md" wrap="wrap">
      <Box flex="1 1 420px" miw={0} maw={620}>
        <Table verticalSpacing={6} aria-label={t("versions.title")}>
          <Table.Thead><Table.Tr><Table.Th>{t("versions.before")}</Table.Th><Table.Th>{t("versions.after")}</Table.Th><Table.Th>{t("versions.title")}</Table.Th><Table.Th w={120}><span className="visually-hidden">{t("common.actions")}</span></Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {list.data.versions.map((each) => (
              <Table.Tr key={each.version}>
                <Table.Td><Radio aria-label={`${t("versions.before")} ${each.version}`} checked={before === each.version} onChange={() => pick({ before: String(each.version) })} /></Table.Td>
                <Table.Td><Radio aria-label={`${t("versions.after")} ${each.version}`} checked={after === each.version} onChange={() => pick({ after: String(each.version) })} /></Table.Td>
                <Table.Td>
                  <Group gap={6}><Text size="sm" fw={600}>{label(each.version)}</Text>{each.submitted && <Badge color="green" variant="light">{t("versions.runs")}</Badge>}{!each.submitted && each.version === newest && <Badge color="gray" variant="light">{t("versions.draft")}</Badge>}</Group>
                  {each.comment && <Text size="sm">{each.comment}</Text>}
                  <Text size="xs" c="dimmed">{each.createUser}, {clock(each.createTime, workspace.timeZone)}</Text>
                </Table.Td>
                <Table.Td>{each.version !== newest && <Button size="compact-sm" variant="subtle" aria-label={t("versions.restore", { version: each.version })} onClick={() => setRestored(each.version)}>{t("versions.back")}</Button>}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Pager page={page} size={SIZE} total={list.data.total} onPage={setPage} />
      </Box>
      <Paper flex="2 1 520px" miw={0} p="sm" withBorder>
        {newest < 2 ? <Text size="sm" c="dimmed">{t("versions.one")}</Text> : !left.data || !right.data ? <Waiting /> : (
          <Stack gap="xs"><Text size="sm" fw={600}>{t("versions.between", { before, after })}</Text><JobDiff before={left.data} after={right.data} labels={[label(before), label(after)]} /></Stack>
        )}
      </Paper>
      <Confirm title={restored === null ? null : t("versions.restore", { version: restored })} text={t("versions.restoreAsk", { version: restored ?? 0 })} busy={restore.isPending} onConfirm={() => restore.mutate(restored!)} onClose={() => setRestored(null)}>
        {edited.version !== undefined && restored !== null && <Text size="sm" c="dimmed" mt="xs">{t("versions.restoreEdits")}</Text>}
      </Confirm>
    </Group>
  );
}
