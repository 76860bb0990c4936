import { ActionIcon, Anchor, Box, Button, Group, NavLink, Paper, Table, Text, TextInput, Tooltip } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { IconFolder, IconPlayerPlay, IconPlus, IconSearch } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { get } from "../api/http";
import { useNews } from "../api/useNews";
import { useSession } from "../api/session";
import type { Job, JobItem } from "../api/types";
import { useT } from "../i18n";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
import { Pager } from "../parts/Pager";
import { RunDialog } from "../parts/RunDialog";
import { Status } from "../parts/Status";
import { tellError } from "../parts/tell";
import { clock } from "../parts/time";
import { useFilters } from "../parts/useFilters";

const SIZE = 50;
const DEFAULTS = { name: "", page: "0", directory: "" };

interface Directory {
  name: string;
  path: string;
  children?: Directory[];
}

function Tree({ items, chosen, choose }: { items: Directory[]; chosen: string; choose: (path: string) => void }) {
  return items.map((item) => (
    <NavLink key={item.path} label={item.name || "/"} leftSection={<IconFolder size={16} />} active={chosen === item.path} defaultOpened onClick={() => choose(item.path === chosen ? "" : item.path)} childrenOffset={18}>
      {item.children?.length ? <Tree items={item.children} chosen={chosen} choose={choose} /> : null}
    </NavLink>
  ));
}

/** Directories that jobs are in, as a tree. */
export function directories(paths: string[]): Directory[] {
  const top: Directory = { name: "", path: "/", children: [] };
  for (const path of [...new Set(paths)].sort()) {
    let at = top;
    for (const part of path.split("/").filter(Boolean)) {
      const next = at.children?.find((each) => each.name === part);
      if (next) at = next;
      else {
        const made: Directory = { name: part, path: `${at.path === "/" ? "" : at.path}/${part}`, children: [] };
        at.children!.push(made);
        at = made;
      }
    }
  }
  return top.children ?? [];
}

export function Jobs() {
  const t = useT();
  const { workspace } = useSession();
  const [, navigate] = useLocation();
  useNews("jobs");
  const [filters, change] = useFilters(DEFAULTS);
  const [name] = useDebouncedValue(filters.name, 200);
  const [running, setRunning] = useState<Job | null>(null);
  const page = Number(filters.page) || 0;
  const jobs = useQuery({
    queryKey: ["jobs", workspace.id, name, page],
    queryFn: ({ signal }) => get<{ total: number; jobs: JobItem[] }>("/v1/{p}/jobs", { jobName: name, limit: SIZE, offset: page }, signal),
    placeholderData: keepPreviousData,
  });
  const tree = useMemo(() => directories((jobs.data?.jobs ?? []).map((job) => job.path)), [jobs.data]);
  const shown = (jobs.data?.jobs ?? []).filter((job) => !filters.directory || job.path === filters.directory || job.path.startsWith(`${filters.directory}/`));
  const run = (job: JobItem) => get<Job>(`/v1/{p}/jobs/${encodeURIComponent(job.name)}`).then(setRunning, tellError);
  return (
    <Page title={t("jobs.title")} wide right={<>
      <TextInput size="sm" w={260} aria-label={t("common.search")} placeholder={t("common.search")} leftSection={<IconSearch size={15} />} value={filters.name} onChange={(event) => change({ name: event.currentTarget.value, page: "0" })} />
      <Button leftSection={<IconPlus size={16} />} component={Link} href="/jobs/~new">{t("jobs.new")}</Button>
    </>}>
      {jobs.error ? <Problem error={jobs.error} retry={() => void jobs.refetch()} /> : jobs.isPending ? <Waiting /> : jobs.data.total === 0 ? (
        name ? <Empty title={t("jobs.none")} /> : <Empty title={t("jobs.empty")} help={t("jobs.emptyHelp")}><Button mt="xs" onClick={() => navigate("/jobs/~new")}>{t("jobs.new")}</Button></Empty>
      ) : (
        <Group align="flex-start" wrap="nowrap" gap="md">
          {tree.length > 0 && <Paper withBorder p={4} w={220} visibleFrom="md" component="nav" aria-label={t("jobs.path")}><Tree items={tree} chosen={filters.directory} choose={(directory) => change({ directory })} /></Paper>}
          <Box flex={1} miw={0}>
            <Table.ScrollContainer minWidth={640}>
              <Table highlightOnHover verticalSpacing="xs">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t("common.name")}</Table.Th>
                    <Table.Th>{t("common.status")}</Table.Th>
                    <Table.Th>{t("jobs.lastRun")}</Table.Th>
                    <Table.Th>{t("jobs.changed")}</Table.Th>
                    <Table.Th><span className="visually-hidden">{t("common.actions")}</span></Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {shown.map((job) => (
                    <Table.Tr key={job.name}>
                      <Table.Td>
                        <Anchor component={Link} href={`/jobs/${encodeURIComponent(job.name)}`} fw={600}>{job.name}</Anchor>
                        <Text size="xs" c="dimmed">{job.path}{job.jobType === "REAL_TIME" ? " · real-time" : ""}</Text>
                      </Table.Td>
                      <Table.Td><Status state={job.status} /></Table.Td>
                      <Table.Td>{job.lastInstanceStatus && <><Status state={job.lastInstanceStatus} /> <Text size="xs" c="dimmed">{clock(job.lastInstanceEndTime, workspace.timeZone)}</Text></>}</Table.Td>
                      <Table.Td><Text size="sm">{clock(job.lastUpdateTime, workspace.timeZone)}</Text><Text size="xs" c="dimmed">{job.lastUpdateUser}</Text></Table.Td>
                      <Table.Td>
                        {job.jobType === "BATCH" && (
                          <Tooltip label={t("job.run")}><ActionIcon variant="subtle" aria-label={t("job.runTitle", { name: job.name })} onClick={() => void run(job)}><IconPlayerPlay size={17} /></ActionIcon></Tooltip>
                        )}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
            <Pager page={page} size={SIZE} total={jobs.data.total} onPage={(next) => change({ page: String(next) })} />
          </Box>
        </Group>
      )}
      {running && <RunDialog job={running} opened onClose={() => setRunning(null)} />}
    </Page>
  );
}
