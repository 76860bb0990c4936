import { ActionIcon, Anchor, Box, Button, Checkbox, Group, Menu, Paper, SegmentedControl, Table, Text, TextInput, Tooltip } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconDots, IconFileImport, IconPlayerPlay, IconPlus, IconSearch } from "@tabler/icons-react";
import { type DragEvent, useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import { get } from "../api/http";
import { useSession } from "../api/session";
import type { Job, JobItem } from "../api/types";
import { useNews } from "../api/useNews";
import { download } from "../develop/download";
import { type Many, ManyDialog } from "../develop/ManyDialog";
import { NAMES, TreeView } from "../develop/TreeView";
import { useTree } from "../develop/useDirectories";
import { useT } from "../i18n";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
import { Pager } from "../parts/Pager";
import { RunDialog } from "../parts/RunDialog";
import { Status } from "../parts/Status";
import { tellError } from "../parts/tell";
import { clock } from "../parts/time";
import { useFilters } from "../parts/useFilters";

const SIZE = 50;
const DEFAULTS = { name: "", page: "0", directory: "", type: "BATCH" };

export function Jobs() {
  const t = useT();
  const { workspace } = useSession();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  useNews("jobs");
  const [filters, change] = useFilters(DEFAULTS);
  const [name] = useDebouncedValue(filters.name, 200);
  const [running, setRunning] = useState<Job | null>(null);
  const [chosen, setChosen] = useState(new Set<string>());
  const [many, setMany] = useState<{ act: Many; names: string[]; directory?: string } | null>(null);
  const page = Number(filters.page) || 0;
  const { directory, type } = filters;
  const tree = useTree("job");
  const jobs = useQuery({
    queryKey: ["jobs", workspace.id, name, page, directory, type],
    queryFn: ({ signal }) => get<{ total: number; jobs: JobItem[] }>("/v1/{p}/jobs", { jobName: name, limit: SIZE, offset: page, directory: directory === "/" ? "" : directory, jobType: type }, signal),
    placeholderData: keepPreviousData,
  });
  const shown = jobs.data?.jobs ?? [];
  useEffect(() => setChosen(new Set()), [name, page, directory, type, workspace.id]);
  const names = shown.map((job) => job.name).filter((each) => chosen.has(each));
  const run = (job: JobItem) => get<Job>(`/v1/{p}/jobs/${encodeURIComponent(job.name)}`).then(setRunning, tellError);
  const refresh = () => {
    for (const key of ["jobs", "directories", "job-status"]) void client.invalidateQueries({ queryKey: [key] });
    setChosen(new Set());
  };
  const exported = (wanted: string[]) => void download("/v1/{p}/jobs/batch-export", wanted.length === 1 ? `DLF_${wanted[0]}.zip` : "jobs.zip", { jobList: wanted }).catch(tellError);
  const turn = (each: string) => {
    const next = new Set(chosen);
    if (!next.delete(each)) next.add(each);
    setChosen(next);
  };
  const dragged = (event: DragEvent, each: string) => {
    const all = chosen.has(each) ? names : [each];
    event.dataTransfer.setData(NAMES, JSON.stringify(all));
    event.dataTransfer.setData("text/plain", all.join("\n"));
    event.dataTransfer.effectAllowed = "move";
  };
  const here = directory && directory !== "/" ? `?directory=${encodeURIComponent(directory)}` : "";
  const first = tree.data?.count === 0 && !name;
  return (
    <Page title={t("jobs.title")} wide right={<>
      <SegmentedControl size="xs" aria-label={t("jobset.kind")} value={type} onChange={(next) => change({ type: next, page: "0" })} data={[{ value: "BATCH", label: t("jobs.batch") }, { value: "REAL_TIME", label: t("jobs.realTime") }]} />
      <TextInput size="sm" w={230} aria-label={t("common.search")} placeholder={t("jobs.search")} leftSection={<IconSearch size={15} />} value={filters.name} onChange={(event) => change({ name: event.currentTarget.value, page: "0" })} />
      <Button variant="default" leftSection={<IconFileImport size={16} />} component={Link} href="/import">{t("import.title")}</Button>
      <Button leftSection={<IconPlus size={16} />} component={Link} href={`/jobs/~new${here}`}>{t("jobs.new")}</Button>
    </>}>
      {jobs.error ? <Problem error={jobs.error} retry={() => void jobs.refetch()} /> : jobs.isPending || tree.isPending ? <Waiting /> : first ? (
        <Empty title={t("jobs.empty")} help={t("jobs.emptyTeach")}><Group mt="xs"><Button onClick={() => navigate("/jobs/~new")}>{t("jobs.new")}</Button><Button variant="default" component={Link} href="/import">{t("import.title")}</Button></Group></Empty>
      ) : (
        <Group align="flex-start" wrap="nowrap" gap="md">
          {tree.data && (
            <Paper withBorder p={8} w={236} visibleFrom="sm" component="nav" aria-label={t("jobs.path")} style={{ flex: "none" }}>
              <TreeView label={t("jobs.path")} tree={tree.data} chosen={directory || "/"} onChoose={(path) => change({ directory: path === "/" ? "" : path, page: "0" })} onDrop={(path, wanted) => setMany({ act: "move", names: wanted, directory: path })} />
              <Text size="xs" c="dimmed" mt="sm">{t("tree.help")}</Text>
            </Paper>
          )}
          <Box flex={1} miw={0}>
            {names.length > 0 && (
              <Group gap={6} mb="xs" role="toolbar" aria-label={t("many.chosen", { count: names.length })}>
                <Text size="sm" fw={600}>{t("many.chosen", { count: names.length })}</Text>
                {(["start", "stop", "move"] as const).map((act) => <Button key={act} size="compact-sm" variant="default" onClick={() => setMany({ act, names })}>{t(`many.${act}Do`)}</Button>)}
                <Button size="compact-sm" variant="default" onClick={() => exported(names)}>{t("jobs.export")}</Button>
                <Button size="compact-sm" variant="light" color="red" onClick={() => setMany({ act: "delete", names })}>{t("common.delete")}</Button>
                <Button size="compact-sm" variant="subtle" onClick={() => setChosen(new Set())}>{t("many.none")}</Button>
              </Group>
            )}
            {jobs.data.total === 0 ? <Empty title={t(name ? "jobs.none" : "jobs.nothingHere")} /> : (
              <Table.ScrollContainer minWidth={520}>
                <Table highlightOnHover verticalSpacing={6}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th w={36}><Checkbox size="xs" aria-label={t("many.all")} checked={names.length === shown.length} indeterminate={names.length > 0 && names.length < shown.length} onChange={(event) => setChosen(event.currentTarget.checked ? new Set(shown.map((job) => job.name)) : new Set())} /></Table.Th>
                      <Table.Th>{t("common.name")}</Table.Th>
                      <Table.Th>{t("common.status")}</Table.Th>
                      <Table.Th>{t("jobs.lastRun")}</Table.Th>
                      <Table.Th visibleFrom="xl">{t("jobs.changed")}</Table.Th>
                      <Table.Th w={80}><span className="visually-hidden">{t("common.actions")}</span></Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {shown.map((job) => (
                      <Table.Tr key={job.name} draggable onDragStart={(event: DragEvent) => dragged(event, job.name)} bg={chosen.has(job.name) ? "var(--mantine-color-default-hover)" : undefined}>
                        <Table.Td><Checkbox size="xs" aria-label={t("many.one", { name: job.name })} checked={chosen.has(job.name)} onChange={() => turn(job.name)} /></Table.Td>
                        <Table.Td>
                          <Anchor component={Link} href={`/jobs/${encodeURIComponent(job.name)}`} fw={600} style={{ overflowWrap: "anywhere" }}>{job.name}</Anchor>
                          {job.path !== "/" && job.path !== directory && <Text size="xs" c="dimmed">{job.path}</Text>}
                        </Table.Td>
                        <Table.Td><Status state={job.status} /></Table.Td>
                        <Table.Td>{job.lastInstanceStatus && <Group gap={6} wrap="nowrap"><Status state={job.lastInstanceStatus} /><Text size="xs" c="dimmed" className="time">{clock(job.lastInstanceEndTime, workspace.timeZone)}</Text></Group>}</Table.Td>
                        <Table.Td visibleFrom="xl" style={{ whiteSpace: "nowrap" }}><Text size="sm">{clock(job.lastUpdateTime, workspace.timeZone)}</Text><Text size="xs" c="dimmed">{job.lastUpdateUser}</Text></Table.Td>
                        <Table.Td>
                          <Group gap={2} wrap="nowrap" justify="flex-end">
                            {job.jobType === "BATCH" && <Tooltip label={t("job.run")}><ActionIcon variant="subtle" aria-label={t("job.runTitle", { name: job.name })} onClick={() => void run(job)}><IconPlayerPlay size={17} /></ActionIcon></Tooltip>}
                            <Menu position="bottom-end">
                              <Menu.Target><ActionIcon variant="subtle" color="gray" aria-label={t("many.actionsOf", { name: job.name })}><IconDots size={17} /></ActionIcon></Menu.Target>
                              <Menu.Dropdown>
                                {(["rename", "move", "copy"] as const).map((act) => <Menu.Item key={act} onClick={() => setMany({ act, names: [job.name], directory: act === "move" ? job.path : undefined })}>{t(`many.${act}Do`)}</Menu.Item>)}
                                <Menu.Item onClick={() => exported([job.name])}>{t("jobs.export")}</Menu.Item>
                                <Menu.Divider />
                                <Menu.Item color="red" onClick={() => setMany({ act: "delete", names: [job.name] })}>{t("common.delete")}</Menu.Item>
                              </Menu.Dropdown>
                            </Menu>
                          </Group>
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
            )}
            <Pager page={page} size={SIZE} total={jobs.data.total} onPage={(next) => change({ page: String(next) })} />
          </Box>
        </Group>
      )}
      {many && <ManyDialog key={`${many.act} ${many.names.join()}`} {...many} onDone={refresh} onClose={() => setMany(null)} />}
      {running && <RunDialog job={running} opened onClose={() => setRunning(null)} />}
    </Page>
  );
}
