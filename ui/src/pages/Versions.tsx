import { Button, Group, Select, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { get, put } from "../api/http";
import { useSession } from "../api/session";
import type { Job } from "../api/types";
import { useT } from "../i18n";
import { Confirm } from "../parts/Confirm";
import { diffLines, hunks } from "../parts/diff";
import { Problem, Waiting } from "../parts/Page";
import { tellDone, tellError } from "../parts/tell";
import { toSave } from "./job-model";

const text = (job: Job) => {
  const { lastUpdateUser: _user, ...body } = toSave(job, true);
  return JSON.stringify(body, null, 2);
};
const SIGNS = { same: " ", gone: "−", new: "+" };

/** Two versions of a job side by side, and the way back to one of them. */
export function Versions({ name, newest }: { name: string; newest: number }) {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const [before, setBefore] = useState(Math.max(1, newest - 1));
  const [after, setAfter] = useState(newest);
  const [asked, setAsked] = useState(false);
  const one = (version: number) => ({ queryKey: ["job-version", workspace.id, name, version], queryFn: ({ signal }: { signal: AbortSignal }) => get<Job>(`/v1/{p}/jobs/${encodeURIComponent(name)}`, { version }, signal), staleTime: Infinity });
  const left = useQuery(one(before));
  const right = useQuery(one(after));
  const lines = useMemo(() => (left.data && right.data ? hunks(diffLines(text(left.data), text(right.data))) : []), [left.data, right.data]);
  const restore = useMutation({
    mutationFn: () => put(`/v1/{p}/jobs/${encodeURIComponent(name)}`, { ...toSave(left.data!, true), name }),
    onSuccess: async () => {
      tellDone(t("versions.restored", { version: before }));
      await client.invalidateQueries({ queryKey: ["job", workspace.id, name] });
    },
    onError: tellError,
    onSettled: () => setAsked(false),
  });
  const choices = Array.from({ length: Math.min(newest, 500) }, (_, at) => ({ value: String(newest - at), label: t("job.version", { version: newest - at }) }));
  const error = left.error ?? right.error;
  return (
    <Stack gap="sm">
      <Group align="flex-end">
        <Select label={t("versions.before")} allowDeselect={false} searchable data={choices} value={String(before)} onChange={(next) => setBefore(Number(next))} />
        <Select label={t("versions.after")} allowDeselect={false} searchable data={choices} value={String(after)} onChange={(next) => setAfter(Number(next))} />
        <Button variant="light" disabled={before === newest || !left.data} onClick={() => setAsked(true)}>{t("versions.restore", { version: before })}</Button>
      </Group>
      {error ? <Problem error={error} /> : !left.data || !right.data ? <Waiting /> : lines.every((each) => each === null) ? <Text size="sm" c="dimmed">{t("versions.same")}</Text> : (
        <pre className="log diff" role="region" tabIndex={0} aria-label={t("versions.title")}>
          {lines.map((each, at) => (each === null ? <span key={at} className="diff-gap">{"⋯\n"}</span> : <span key={at} className={`diff-${each.kind}`}>{`${SIGNS[each.kind]} ${each.text}\n`}</span>))}
        </pre>
      )}
      <Confirm title={asked ? t("versions.restore", { version: before }) : null} text={t("versions.restoreAsk", { version: before })} busy={restore.isPending} onConfirm={() => restore.mutate()} onClose={() => setAsked(false)} />
    </Stack>
  );
}
