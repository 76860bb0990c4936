import { ActionIcon, Alert, Anchor, Badge, Box, Button, Checkbox, Collapse, FileButton, Group, List, Progress, Select, Stack, Stepper, Table, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconChevronDown, IconChevronRight, IconFileZip, IconUpload } from "@tabler/icons-react";
import { type DragEvent, useMemo, useState } from "react";
import { Link } from "wouter";
import { get, post } from "../api/http";
import { useSession } from "../api/session";
import { type Assessment, type Content, toImport, verdictKey, VERDICTS } from "../develop/importing";
import { plainName, upload } from "../develop/upload";
import { type Key, useT } from "../i18n";
import { Page, Problem, Waiting } from "../parts/Page";
import { Status } from "../parts/Status";

const COLORS: Record<string, string> = { runs: "green", "needs mapping": "orange", "not supported": "red" };

/** Brings jobs, scripts and resources of an export along: a file, what it would need here, what of it, and its way in. */
export function Import() {
  const t = useT();
  const { workspace } = useSession();
  const [path, setPath] = useState("");
  const [task, setTask] = useState("");
  const step = task ? 2 : path ? 1 : 0;
  return (
    <Page title={t("import.title")}>
      <Text size="sm" c="dimmed">{t("import.help")}</Text>
      <Stepper active={step} size="sm" allowNextStepsSelect={false} onStepClick={(to) => { if (to < step) { setTask(""); if (to === 0) setPath(""); } }}>
        <Stepper.Step label={t("import.file")} />
        <Stepper.Step label={t("import.choose")} />
        <Stepper.Step label={t("import.progress")} />
      </Stepper>
      {step === 0 && <ChooseFile bucket={`imports-${workspace.id.slice(0, 8).toLowerCase()}`} onPath={setPath} />}
      {step === 1 && <ChooseContent path={path} onTask={setTask} />}
      {step === 2 && <Way task={task} onAgain={() => { setTask(""); setPath(""); }} />}
    </Page>
  );
}

function ChooseFile({ bucket, onPath }: { bucket: string; onPath: (path: string) => void }) {
  const t = useT();
  const [over, setOver] = useState(false);
  const [sent, setSent] = useState(0);
  const [typed, setTyped] = useState("");
  const send = useMutation({
    mutationFn: async (file: File) => {
      const to = `obs://${bucket}/${Date.now()}-${plainName(file.name)}`;
      await upload(to, file, setSent);
      return to;
    },
    onSuccess: onPath,
  });
  const dropped = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) send.mutate(file);
  };
  return (
    <Stack maw={720}>
      <FileButton accept=".zip,application/zip" onChange={(file) => file && send.mutate(file)}>
        {(props) => (
          <UnstyledButton {...props} className="drop-place" data-over={over || undefined} onDragOver={(event: DragEvent) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={dropped}>
            <IconFileZip size={44} stroke={1.3} aria-hidden />
            <Text fw={600}>{t("import.drop")}</Text>
            <Text size="sm" c="dimmed">{t("import.dropHelp")}</Text>
          </UnstyledButton>
        )}
      </FileButton>
      {send.isPending && <Progress value={sent * 100} animated aria-label={t("import.sending")} />}
      {send.error && <Problem error={send.error} />}
      <Group align="flex-end" gap="xs">
        <TextInput flex={1} label={t("import.there")} placeholder="obs://bucket/jobs.zip" classNames={{ input: "mono" }} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} onKeyDown={(event) => event.key === "Enter" && typed && onPath(typed.trim())} />
        <Button variant="default" leftSection={<IconUpload size={16} />} disabled={!typed.trim()} onClick={() => onPath(typed.trim())}>{t("common.next")}</Button>
      </Group>
    </Stack>
  );
}

function ChooseContent({ path, onTask }: { path: string; onTask: (task: string) => void }) {
  const t = useT();
  const { workspace } = useSession();
  const content = useQuery({ queryKey: ["import-content", workspace.id, path], queryFn: () => post<Content>("/v1/{p}/jobs/check-file", { path }), retry: false, staleTime: Infinity });
  const assessed = useQuery({ queryKey: ["import-assessed", workspace.id, path], queryFn: () => post<Assessment>("/v1/{p}/jobs/assess", { path }), retry: false, staleTime: Infinity });
  const [left, setLeft] = useState<Record<"jobs" | "scripts", Set<string>>>({ jobs: new Set(), scripts: new Set() });
  const [policy, setPolicy] = useState("SKIP");
  const [state, setState] = useState("");
  const [open, setOpen] = useState("");
  const start = useMutation({
    mutationFn: () => post<{ taskId: string }>("/v1/{p}/jobs/import", toImport(path, content.data!, left, policy, state)),
    onSuccess: ({ taskId }) => onTask(taskId),
  });
  const verdicts = useMemo(() => new Map((assessed.data?.jobs ?? []).map((each) => [each.name, each])), [assessed.data]);
  if (content.error) return <Problem error={content.error} />;
  if (!content.data) return <Waiting />;
  const { jobs, scripts } = content.data;
  const turn = (kind: "jobs" | "scripts", name: string) => {
    const next = new Set(left[kind]);
    if (!next.delete(name)) next.add(name);
    setLeft({ ...left, [kind]: next });
  };
  const all = (kind: "jobs" | "scripts", names: string[]) => {
    const wanted = names.filter((each) => !left[kind].has(each)).length;
    return { checked: wanted === names.length && names.length > 0, indeterminate: wanted > 0 && wanted < names.length, onChange: () => setLeft({ ...left, [kind]: new Set(wanted === names.length ? names : []) }) };
  };
  const count = jobs.length - left.jobs.size + scripts.length - left.scripts.size;
  return (
    <Stack>
      <Text size="sm" className="mono" c="dimmed">{path}</Text>
      {assessed.error ? <Problem error={assessed.error} /> : assessed.data && (
        <Group gap="xs" role="group" aria-label={t("import.assessed")}>
          {VERDICTS.map((each) => <Badge key={each} size="lg" variant="light" color={COLORS[each]}>{t(verdictKey(each))}: {assessed.data.totals.verdicts[each] ?? 0}</Badge>)}
        </Group>
      )}
      {(assessed.data?.totals.needed.length ?? 0) > 0 && (
        <Alert variant="light" color="orange" title={t("import.needed")}>
          <List size="sm">{assessed.data!.totals.needed.slice(0, 12).map((each) => <List.Item key={`${each.topic} ${each.subject}`}>{each.topic}: <b>{each.subject}</b> <Text span size="xs" c="dimmed">{t("import.ofJobs", { count: each.jobs })}</Text></List.Item>)}</List>
        </Alert>
      )}
      {(assessed.data?.faults.length ?? 0) > 0 && <Alert variant="light" color="red" title={t("import.faults")}>{assessed.data!.faults.map((each, at) => <Text key={at} size="sm">{each.entry}: {each.reason}</Text>)}</Alert>}
      {jobs.length > 0 && (
        <Table verticalSpacing={5}>
          <Table.Thead><Table.Tr><Table.Th w={36}><Checkbox size="xs" aria-label={t("import.allJobs")} {...all("jobs", jobs.map((each) => each.name))} /></Table.Th><Table.Th>{t("nav.jobs")}</Table.Th><Table.Th>{t("jobs.path")}</Table.Th><Table.Th>{t("import.verdict")}</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {jobs.map((each) => {
              const verdict = verdicts.get(each.name);
              const findings = verdict?.findings ?? [];
              return (
                <Table.Tr key={each.name} style={{ verticalAlign: "top" }}>
                  <Table.Td><Checkbox size="xs" aria-label={t("many.one", { name: each.name })} checked={!left.jobs.has(each.name)} onChange={() => turn("jobs", each.name)} /></Table.Td>
                  <Table.Td fw={600}>{each.name}</Table.Td>
                  <Table.Td>{each.path}</Table.Td>
                  <Table.Td>
                    {verdict && (
                      <>
                        <Group gap={4}>
                          <Badge variant="light" color={COLORS[verdict.verdict]}>{t(verdictKey(verdict.verdict))}</Badge>
                          {findings.length > 0 && <ActionIcon size="sm" variant="subtle" color="gray" aria-expanded={open === each.name} aria-label={t("import.why", { name: each.name })} onClick={() => setOpen(open === each.name ? "" : each.name)}>{open === each.name ? <IconChevronDown size={15} /> : <IconChevronRight size={15} />}</ActionIcon>}
                          {findings[0] && open !== each.name && <Text size="xs" c="dimmed" lineClamp={1} maw={460}>{findings[0].reason}</Text>}
                        </Group>
                        <Collapse expanded={open === each.name}><List size="xs" mt={4}>{findings.map((one, at) => <List.Item key={at}>{one.where ? <b>{one.where}: </b> : null}{one.reason}</List.Item>)}</List></Collapse>
                      </>
                    )}
                  </Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      )}
      {scripts.length > 0 && (
        <Table verticalSpacing={5}>
          <Table.Thead><Table.Tr><Table.Th w={36}><Checkbox size="xs" aria-label={t("import.allScripts")} {...all("scripts", scripts.map((each) => each.name))} /></Table.Th><Table.Th>{t("nav.scripts")}</Table.Th><Table.Th>{t("jobs.path")}</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>{scripts.map((each) => <Table.Tr key={each.name}><Table.Td><Checkbox size="xs" aria-label={t("many.one", { name: each.name })} checked={!left.scripts.has(each.name)} onChange={() => turn("scripts", each.name)} /></Table.Td><Table.Td fw={600}>{each.name}</Table.Td><Table.Td>{each.path}</Table.Td></Table.Tr>)}</Table.Tbody>
        </Table>
      )}
      <Group align="flex-end">
        <Select w={300} label={t("import.policy")} allowDeselect={false} value={policy} data={["SKIP", "OVERWRITE"].map((each) => ({ value: each, label: t(`import.${each}` as Key) }))} onChange={(next) => setPolicy(next ?? "SKIP")} />
        <Select w={300} label={t("import.state")} clearable placeholder={t("import.asFile")} value={state || null} data={["SAVED", "SUBMITTED"].map((each) => ({ value: each, label: t(`import.${each}` as Key) }))} onChange={(next) => setState(next ?? "")} />
        <Button disabled={count === 0} loading={start.isPending} onClick={() => start.mutate()}>{t("import.start", { count })}</Button>
      </Group>
      <Text size="xs" c="dimmed">{t("import.neverStarts")}</Text>
      {start.error && <Problem error={start.error} />}
    </Stack>
  );
}

interface Task {
  status: "RUNNING" | "SUCCESSFUL" | "FAILED" | "WARNING";
  message: string;
  subtasks: { id: string; name: string; status: string; message: string }[];
}

const STATES: Record<string, string> = { RUNNING: "running", SUCCESSFUL: "success", FAILED: "fail", WARNING: "pause" };

function Way({ task, onAgain }: { task: string; onAgain: () => void }) {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const found = useQuery({
    queryKey: ["task", workspace.id, task],
    queryFn: async ({ signal }) => {
      const answer = await get<Task>(`/v1/{p}/system-tasks/${task}`, undefined, signal);
      if (answer.status !== "RUNNING") for (const key of ["jobs", "scripts", "directories", "resources"]) void client.invalidateQueries({ queryKey: [key] });
      return answer;
    },
    // The API has no stream of a task: it is asked only until it has ended.
    refetchInterval: (query) => (query.state.data && query.state.data.status !== "RUNNING" ? false : 500),
  });
  if (found.error) return <Problem error={found.error} />;
  if (!found.data) return <Waiting />;
  const { status, message, subtasks } = found.data;
  return (
    <Stack aria-live="polite">
      <Group gap="sm"><Status state={STATES[status] ?? "waiting"} testId="import-state" /><Text size="sm">{t("import.done", { count: subtasks.filter((each) => each.status !== "RUNNING").length })}</Text></Group>
      {message && <Text size="sm">{message}</Text>}
      <Box mah={460} style={{ overflow: "auto" }} tabIndex={0} role="region" aria-label={t("import.progress")}>
        <Table verticalSpacing={4}><Table.Tbody>{subtasks.map((each) => <Table.Tr key={each.id}><Table.Td w={110}><Status state={STATES[each.status] ?? "waiting"} /></Table.Td><Table.Td>{each.name}</Table.Td><Table.Td><Text size="sm" c="dimmed">{each.message}</Text></Table.Td></Table.Tr>)}</Table.Tbody></Table>
      </Box>
      {status !== "RUNNING" && <Group><Anchor component={Link} href="/jobs">{t("import.toJobs")}</Anchor><Button variant="default" size="xs" onClick={onAgain}>{t("import.again")}</Button></Group>}
    </Stack>
  );
}
