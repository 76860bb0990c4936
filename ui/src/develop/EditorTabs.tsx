import { Stack, Tabs, Text } from "@mantine/core";
import { type ReactNode, useEffect, useRef, useState } from "react";
import type { Job } from "../api/types";
import { useT } from "../i18n";
import { Dependencies } from "../pages/Dependencies";
import { InstanceTable } from "../pages/InstanceTable";
import { toSave } from "../pages/job-model";
import { CodeEditor } from "../parts/CodeEditor";
import { Params } from "./Params";
import { ScheduleForm } from "./ScheduleForm";
import { Versions } from "./Versions";

export const VIEWS = ["canvas", "params", "schedule", "json", "instances", "dependencies", "versions"] as const;
export type View = (typeof VIEWS)[number];

interface Props {
  name: string;
  job: Job;
  version: number;
  view: View;
  error: unknown;
  onView: (view: View) => void;
  onChange: (job: Job, mark?: string) => void;
  /** Another version became the newest one. */
  onBegin: (job: Job) => void;
  children: ReactNode;
}

/** The views of a job that is edited; `children` is the canvas. */
export function EditorTabs({ name, job, version, view, error, onView, onChange, onBegin, children }: Props) {
  const t = useT();
  const isNew = name === "";
  return (
    <Tabs value={view} onChange={(next) => onView((next ?? "canvas") as View)} keepMounted={false}>
      <Tabs.List mb="sm">
        <Tabs.Tab value="canvas">{t("job.canvas")}</Tabs.Tab>
        <Tabs.Tab value="params">{t("job.params")}</Tabs.Tab>
        <Tabs.Tab value="schedule">{t("job.schedule")}</Tabs.Tab>
        <Tabs.Tab value="json">{t("job.json")}</Tabs.Tab>
        {!isNew && <Tabs.Tab value="instances">{t("job.instances")}</Tabs.Tab>}
        {!isNew && <Tabs.Tab value="dependencies">{t("dependencies.title")}</Tabs.Tab>}
        {!isNew && <Tabs.Tab value="versions">{t("versions.title")}</Tabs.Tab>}
      </Tabs.List>
      <Tabs.Panel value="canvas">{children}</Tabs.Panel>
      <Tabs.Panel value="params"><Params {...{ job, error, onChange }} /></Tabs.Panel>
      <Tabs.Panel value="schedule"><ScheduleForm {...{ job, name, error, onChange }} /></Tabs.Panel>
      <Tabs.Panel value="json"><JsonView {...{ job, onChange }} /></Tabs.Panel>
      {!isNew && <Tabs.Panel value="instances"><InstanceTable job={name} /></Tabs.Panel>}
      {!isNew && <Tabs.Panel value="dependencies"><Dependencies name={name} /></Tabs.Panel>}
      {!isNew && <Tabs.Panel value="versions"><Versions name={name} newest={version} edited={job} onRestored={onBegin} /></Tabs.Panel>}
    </Tabs>
  );
}

/** The document as it is sent. */
function shown(job: Job): string {
  const { targetStatus: _status, lastUpdateUser: _user, ...body } = toSave(job, true);
  return JSON.stringify(body, null, 2);
}

/** The job as its JSON: what is typed is the job at once, as soon as it can be read. */
function JsonView({ job, onChange }: { job: Job; onChange: (job: Job, mark?: string) => void }) {
  const t = useT();
  const [text, setText] = useState(() => shown(job));
  const [problem, setProblem] = useState("");
  const typed = useRef(job);
  useEffect(() => {
    if (job === typed.current) return;
    typed.current = job;
    setText(shown(job));
    setProblem("");
  }, [job]);
  const read = (next: string) => {
    if (next === text) return;
    setText(next);
    try {
      const found = JSON.parse(next) as Job;
      if (typeof found !== "object" || found === null || !Array.isArray(found.nodes) || !found.nodes.every((node) => typeof node?.name === "string" && typeof node.type === "string")) throw new Error(t("json.nodes"));
      if (typeof found.schedule !== "object" || found.schedule === null) throw new Error(t("json.schedule"));
      const { id, version, createTime, createUser, lastUpdateUser } = job;
      typed.current = { ...Object.fromEntries(Object.entries({ id, version, createTime, createUser, lastUpdateUser }).filter(([, value]) => value !== undefined)), ...found } as Job;
      setProblem("");
      onChange(typed.current, "json");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Stack gap="xs">
      <Text size="sm" c={problem ? "red" : "dimmed"} role={problem ? "alert" : undefined}>{problem ? t("json.wrong", { problem }) : t("json.help")}</Text>
      <CodeEditor label={t("job.json")} syntax="json" value={text} onChange={read} height="calc(100vh - 260px)" />
    </Stack>
  );
}
