import { Button, Group, Select, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { call, get } from "../api/http";
import { useSession } from "../api/session";
import { useT } from "../i18n";
import { Confirm } from "../parts/Confirm";
import { Problem, Waiting } from "../parts/Page";
import { tellDone, tellError } from "../parts/tell";
import { clock } from "../parts/time";
import { SideBySide } from "./Diff";
import { type Script, toStore } from "./scripts";
import type { Version } from "./Versions";

/** Two versions of a script beside each other, and the way back to one. */
export function ScriptVersions({ script, onRestored }: { script: Script; onRestored: (script: Script) => void }) {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const newest = script.version ?? 1;
  const path = `/v1/{p}/scripts/${encodeURIComponent(script.name)}`;
  const [before, setBefore] = useState(Math.max(1, newest - 1));
  const [after, setAfter] = useState(newest);
  const [asked, setAsked] = useState(false);
  useEffect(() => {
    setBefore(Math.max(1, newest - 1));
    setAfter(newest);
  }, [newest]);
  const list = useQuery({ queryKey: ["script-versions", workspace.id, script.name, newest], queryFn: ({ signal }) => get<{ versions: Version[] }>(`${path}/versions`, { limit: 100 }, signal) });
  const one = (version: number) => ({ queryKey: ["script-version", workspace.id, script.name, version], queryFn: ({ signal }: { signal: AbortSignal }) => get<Script>(path, { version }, signal), staleTime: Infinity });
  const left = useQuery(one(before));
  const right = useQuery(one(after));
  const restore = useMutation({
    mutationFn: async () => {
      await call("PUT", path, { body: toStore(left.data!, t("versions.restoredComment", { version: before })), ifMatch: newest });
      return get<Script>(path);
    },
    onSuccess: (found) => {
      tellDone(t("versions.restored", { version: before }));
      client.setQueryData(["script", workspace.id, script.name], found);
      onRestored(found);
      void client.invalidateQueries({ queryKey: ["scripts"] });
    },
    onError: tellError,
    onSettled: () => setAsked(false),
  });
  const error = list.error ?? left.error ?? right.error;
  if (error) return <Problem error={error} />;
  if (!list.data || !left.data || !right.data) return <Waiting />;
  const choices = list.data.versions.map((each) => ({ value: String(each.version), label: `${t("job.version", { version: each.version })} · ${each.createUser} ${clock(each.createTime, workspace.timeZone)}${each.comment ? ` · ${each.comment}` : ""}` }));
  return (
    <Stack gap="sm">
      <Group align="flex-end">
        <Select w={360} label={t("versions.before")} allowDeselect={false} searchable data={choices} value={String(before)} onChange={(next) => setBefore(Number(next))} />
        <Select w={360} label={t("versions.after")} allowDeselect={false} searchable data={choices} value={String(after)} onChange={(next) => setAfter(Number(next))} />
        {newest > 1 && <Button variant="light" disabled={before === newest} onClick={() => setAsked(true)}>{t("versions.restore", { version: before })}</Button>}
      </Group>
      {newest === 1 ? <Text size="sm" c="dimmed">{t("versions.one")}</Text> : <SideBySide before={left.data.content} after={right.data.content} labels={[t("job.version", { version: before }), t("job.version", { version: after })]} />}
      <Confirm title={asked ? t("versions.restore", { version: before }) : null} text={t("versions.restoreAsk", { version: before })} busy={restore.isPending} onConfirm={() => restore.mutate()} onClose={() => setAsked(false)} />
    </Stack>
  );
}
