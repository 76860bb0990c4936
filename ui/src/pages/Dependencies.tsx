import { Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { get } from "../api/http";
import { useSession } from "../api/session";
import type { JobNode } from "../api/types";
import { useT } from "../i18n";
import { GraphView } from "../parts/GraphView";
import { Problem, Waiting } from "../parts/Page";

interface Related {
  job_name: string;
  depend_layer: string;
}

const MOST = 60;

/** Jobs that wait for each other, as lines from the one that is waited for; read outward from one job. */
export async function relatedJobs(name: string, ask: (name: string) => Promise<Related[]>): Promise<JobNode[]> {
  const before = new Map<string, Set<string>>([[name, new Set()]]);
  const line = (from: string, to: string) => {
    for (const each of [from, to]) if (!before.has(each)) before.set(each, new Set());
    before.get(to)!.add(from);
  };
  const open = [name];
  const seen = new Set(open);
  while (open.length && seen.size <= MOST) {
    const at = open.shift()!;
    for (const { job_name, depend_layer } of await ask(at)) {
      if (depend_layer === "parent") line(job_name, at);
      else line(at, job_name);
      if (!seen.has(job_name)) {
        seen.add(job_name);
        open.push(job_name);
      }
    }
  }
  return [...before].map(([each, from]) => ({ name: each, type: "", preNodeName: [...from] }));
}

export function Dependencies({ name }: { name: string }) {
  const t = useT();
  const { workspace } = useSession();
  const [, navigate] = useLocation();
  const [chosen, setChosen] = useState<string | null>(name);
  const related = useQuery({
    queryKey: ["related", workspace.id, name],
    queryFn: ({ signal }) => relatedJobs(name, (each) => get<Related[]>(`/v2/{p}/factory/jobs/${encodeURIComponent(each)}/depend`, { relation: "both" }, signal)),
  });
  if (related.error) return <Problem error={related.error} />;
  if (!related.data) return <Waiting />;
  if (related.data.length < 2) return <Text size="sm" c="dimmed">{t("dependencies.none")}</Text>;
  const notes = Object.fromEntries(related.data.map((each) => [each.name, { status: each.name === name ? "running" : "waiting", note: each.name === name ? t("dependencies.this") : t("dependencies.other") }]));
  return (
    <Stack gap="xs">
      <Text size="sm" c="dimmed">{t("dependencies.help")}</Text>
      <GraphView
        nodes={related.data}
        statuses={notes}
        selected={chosen}
        height={460}
        onSelect={(next) => {
          setChosen(next);
          if (next && next !== name) navigate(`/jobs/${encodeURIComponent(next)}`);
        }}
      />
    </Stack>
  );
}
