import { ActionIcon, Alert, Anchor, Box, Button, Group, List, NumberInput, Paper, Select, Stack, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "wouter";
import { call, post } from "../api/http";
import { useSession } from "../api/session";
import { type Key, useWords } from "../i18n";
import { Problem } from "../parts/Page";
import { Status } from "../parts/Status";
import { type Cron, textOf } from "./CronForm";
import { type Dependency, readDependencies, writeDependencies } from "./dependencies";
import { refusedAt } from "./refusals";
import { zoneOf } from "./zones";

interface Props {
  /** The job itself, which can't wait for itself. */
  name: string;
  cron: Cron;
  error?: unknown;
  onChange: (cron: Cron) => void;
}

/** Whom a plan waits for: one row per job, and below what that means for the next run. */
export function DependencyForm({ name, cron, error, onChange }: Props) {
  const { t } = useWords();
  const rows = readDependencies(cron);
  const [adding, setAdding] = useState(false);
  const set = (index: number, change: Partial<Dependency>) => onChange(writeDependencies(cron, rows.map((each, at) => (at === index ? { ...each, ...change } : each))));
  return (
    <Stack gap="sm">
      {rows.length === 0 && !adding && <Text size="sm" c="dimmed">{t("depend.none")}</Text>}
      {refusedAt(error, "dependJobs") && <Alert color="red" role="alert">{refusedAt(error, "dependJobs")}</Alert>}
      {rows.map((row, index) => (
        <Paper withBorder p="xs" key={`${row.workspace} ${row.job}`} component="fieldset" aria-label={row.job}>
          <Group align="flex-end" gap="xs" wrap="wrap">
            <Box w={190}><Text size="sm" fw={600} truncate>{row.job}</Text><WorkspaceName id={row.workspace} /></Box>
            <Select size="xs" w={200} label={t("depend.period")} allowDeselect={false} value={row.periodsBack ? "back" : "same"} data={[{ value: "same", label: t("depend.same") }, { value: "back", label: t("depend.back") }]} onChange={(next) => set(index, { periodsBack: next === "back" ? Math.max(1, row.periodsBack) : 0 })} />
            {row.periodsBack > 0 && <NumberInput size="xs" w={90} label={t("depend.cycles")} min={1} max={30} value={row.periodsBack} onChange={(next) => set(index, { periodsBack: Number(next) || 1 })} />}
            <Select size="xs" w={160} label={t("depend.take")} allowDeselect={false} value={row.take || "DEFAULT"} data={["DEFAULT", "ALL", "ANY", "LAST"].map((each) => ({ value: each, label: t(`depend.${each}` as Key) }))} onChange={(next) => set(index, { take: next === "DEFAULT" ? "" : (next as Dependency["take"]) })} />
            <Select size="xs" w={200} label={t("depend.failPolicy")} allowDeselect={false} value={row.failPolicy} data={["FAIL", "IGNORE", "SUSPEND"].map((each) => ({ value: each, label: t(`depend.${each}` as Key) }))} onChange={(next) => set(index, { failPolicy: next as Dependency["failPolicy"] })} />
            <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("common.deleteOne", { name: row.job })} onClick={() => onChange(writeDependencies(cron, rows.filter((_, at) => at !== index)))}><IconTrash size={16} /></ActionIcon>
          </Group>
        </Paper>
      ))}
      {adding ? (
        <Upstream
          except={name}
          taken={rows}
          onClose={() => setAdding(false)}
          onAdd={(job, workspace) => {
            onChange(writeDependencies(cron, [...rows, { job, workspace, periodsBack: 0, take: "", failPolicy: rows.at(-1)?.failPolicy ?? "FAIL" }]));
            setAdding(false);
          }}
        />
      ) : <Group><Button variant="light" size="xs" leftSection={<IconPlus size={15} />} onClick={() => setAdding(true)}>{t("depend.add")}</Button></Group>}
      {rows.length > 0 && <Meaning cron={cron} />}
    </Stack>
  );
}

function WorkspaceName({ id }: { id: string }) {
  const { t } = useWords();
  const { session } = useSession();
  if (!id) return <Text size="xs" c="dimmed">{t("depend.here")}</Text>;
  return <Text size="xs" c="dimmed">{session.workspaces.find((each) => each.id === id)?.name ?? id}</Text>;
}

/** Finds a job to wait for, here or in another workspace. */
function Upstream({ except, taken, onAdd, onClose }: { except: string; taken: Dependency[]; onAdd: (job: string, workspace: string) => void; onClose: () => void }) {
  const { t } = useWords();
  const { session, workspace } = useSession();
  const [where, setWhere] = useState(workspace.id);
  const [typed, setTyped] = useState("");
  const [wanted] = useDebouncedValue(typed, 200);
  const elsewhere = where !== workspace.id;
  const jobs = useQuery({
    queryKey: ["jobs", where, "upstream", wanted],
    queryFn: ({ signal }) => call<{ jobs: { name: string }[] }>("GET", "/v1/{p}/jobs", { query: { jobName: wanted, limit: 50 }, signal, workspace: where }),
  });
  const names = (jobs.data?.jobs ?? []).map((each) => each.name).filter((each) => (elsewhere || each !== except) && !taken.some((row) => row.job === each && row.workspace === (elsewhere ? where : "")));
  return (
    <Paper withBorder p="xs">
      <Group align="flex-end" gap="xs">
        {session.workspaces.length > 1 && <Select size="xs" label={t("common.workspace")} allowDeselect={false} value={where} data={session.workspaces.map((each) => ({ value: each.id, label: each.name }))} onChange={(next) => next && setWhere(next)} />}
        <Select size="xs" w={280} label={t("depend.job")} placeholder={t("common.search")} searchable autoFocus value={null} data={names} searchValue={typed} onSearchChange={setTyped} filter={({ options }) => options} nothingFoundMessage={t("palette.none")} onChange={(next) => next && onAdd(next, elsewhere ? where : "")} />
        <Button size="xs" variant="default" onClick={onClose}>{t("common.cancel")}</Button>
      </Group>
      {jobs.error && <Problem error={jobs.error} />}
    </Paper>
  );
}

interface Awaited {
  planTime: number | null;
  jobs: { job: string; workspaceId: string; status?: string; failPolicy: string; problem?: string; windows?: { start: number; end: number; take: string; rule: string; count: number; planTimes: number[] }[] }[];
}

/** What the next run waits for, decided by the server's own code. */
function Meaning({ cron }: { cron: Cron }) {
  const { t, language } = useWords();
  const { workspace } = useSession();
  const [asked] = useDebouncedValue(cron, 350);
  const found = useQuery({
    queryKey: ["awaited", workspace.id, asked],
    queryFn: () => post<Awaited>("/v1/{p}/schedule/dependency-preview", { cron: asked }),
    enabled: textOf(asked, "expression") !== "",
    retry: false,
  });
  if (found.error) return <Problem error={found.error} />;
  if (!found.data) return null;
  const { planTime, jobs } = found.data;
  if (planTime === null) return <Text size="sm" c="dimmed">{t("schedule.never")}</Text>;
  const zone = zoneOf(textOf(cron, "expressionTimeZone") || workspace.timeZone);
  const time = new Intl.DateTimeFormat(language, { timeZone: zone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return (
    <Paper withBorder p="sm" role="group" aria-live="polite">
      <Text size="sm" fw={600} mb={4}>{t("depend.meaning", { time: time.format(planTime) })}</Text>
      <List size="sm" spacing={4}>
        {jobs.map((each) => (
          <List.Item key={`${each.workspaceId} ${each.job}`}>
            <Group gap={6}>
              {each.workspaceId === workspace.id ? <Anchor component={Link} href={`/jobs/${encodeURIComponent(each.job)}`} size="sm" fw={600}>{each.job}</Anchor> : <Text span size="sm" fw={600}>{each.job}</Text>}
              {each.status && <Status state={each.status} />}
            </Group>
            {each.problem && <Text size="sm" c="red">{each.problem}</Text>}
            {each.windows?.map((window) => (
              <Text size="sm" key={window.start}>
                {window.count === 0
                  ? t("depend.nothing", { from: time.format(window.start), to: time.format(window.end - 1) })
                  : t(`depend.waits.${window.take}` as Key, { count: window.count, from: time.format(window.planTimes[0]!), to: time.format(window.planTimes.at(-1)!) })}
              </Text>
            ))}
            {!each.problem && each.status && !["SCHEDULING", "PAUSED", "NORMAL"].includes(each.status) && <Text size="sm" className="warn">{t("depend.notStarted", { name: each.job })}</Text>}
            {!each.problem && <Text size="xs" c="dimmed">{t(`depend.then.${each.failPolicy}` as Key)}</Text>}
          </List.Item>
        ))}
      </List>
    </Paper>
  );
}
