import { ActionIcon, Alert, Box, Button, Group, Modal, Paper, ScrollArea, Stack, Text, TextInput } from "@mantine/core";
import { useHotkeys, useMediaQuery } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconX } from "@tabler/icons-react";
import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { ApiError, call, get, post } from "../api/http";
import { useSession } from "../api/session";
import type { Job, NodeType } from "../api/types";
import { useT } from "../i18n";
import { laidOut, objections, placed, propertyOf, toSave, typeOf, withLine, withProperty } from "../pages/job-model";
import { CodeEditor } from "../parts/CodeEditor";
import { Confirm } from "../parts/Confirm";
import type { Syntax } from "../parts/Editor";
import { Problem } from "../parts/Page";
import { tellDone } from "../parts/tell";
import { useFilters } from "../parts/useFilters";
import { Canvas, type CanvasActions } from "./Canvas";
import { JobDiff } from "./Diff";
import { dropDraft } from "./drafts";
import { EditorHead } from "./EditorHead";
import { EditorTabs, type View, VIEWS } from "./EditorTabs";
import { ExpressionJob } from "./ElField";
import { JobSettings } from "./JobSettings";
import { groupKey, kindOf } from "./kinds";
import { LineForm } from "./LineForm";
import { NodeForm } from "./NodeForm";
import { Palette, Pick } from "./Palette";
import { refusedIn, viewOf } from "./refusals";
import { copied, NOTHING, pasted, type Selection, targets, without } from "./selection";
import { Shortcuts } from "./Shortcuts";
import { Toolbar } from "./Toolbar";
import { useEditing } from "./useEditing";
import { useLeaveGuard } from "./useLeaveGuard";

interface Props {
  /** As it is saved; empty: a new job. */
  name: string;
  start: Job;
  types: NodeType[];
  refetch: () => Promise<unknown>;
}

const MASK = "******";
const TAB = { tab: "canvas" };
const mayKeep = (job: Job) => !(job.params ?? []).some((each) => each.masked && each.value && each.value !== MASK);
const editable = (element: Element | null) => element instanceof HTMLElement && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));

export function JobEditor({ name, start, types, refetch }: Props) {
  const t = useT();
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const { workspace } = useSession();
  const isNew = name === "";
  const key = `job.${workspace.id}.${name || "~new"}`;
  const editing = useEditing(key, start, mayKeep);
  const { state, dirty } = editing;
  const job = state.document;
  const roomy = useMediaQuery("(min-width: 1280px)", true, { getInitialValueInEffect: false });
  const [palette, setPalette] = useState(roomy);
  const [panel, setPanel] = useState(roomy);
  const [selection, select] = useState<Selection>(NOTHING);
  const [{ tab }, changeTab] = useFilters(TAB);
  const view = VIEWS.find((each) => each === tab) ?? "canvas";
  const setView = useCallback((next: View) => changeTab({ tab: next }), [changeTab]);
  const [picking, setPicking] = useState<"add" | "connect" | null>(null);
  const [help, setHelp] = useState(false);
  const [comparing, setComparing] = useState(false);
  const [expanded, setExpanded] = useState<{ node: string; property: string } | null>(null);
  const [checked, setChecked] = useState(false);
  const [restored, setRestored] = useState(editing.restored);
  const [said, say] = useState("");
  const canvas = useRef<CanvasActions>(null);
  const search = useRef<HTMLInputElement>(null);
  const side = useRef<HTMLDivElement>(null);
  const guard = useLeaveGuard(dirty);

  // ---------------------------------------------------------------- saving
  const save = useMutation({
    mutationFn: async ({ submit, comment }: { submit: boolean; comment: string }) => {
      const sent = job;
      const { versionComment: _before, ...body } = toSave(sent, submit);
      if (comment) body.versionComment = comment;
      if (isNew) await post("/v1/{p}/jobs", body);
      else await call("PUT", `/v1/{p}/jobs/${encodeURIComponent(name)}`, { body, ifMatch: state.base.version });
      return { sent, found: placed(await get<Job>(`/v1/{p}/jobs/${encodeURIComponent(sent.name)}`)) };
    },
    onSuccess: ({ sent, found }) => {
      tellDone(t("job.saved", { name: sent.name }));
      setChecked(false);
      setRestored(false);
      if (sent.name === name) {
        editing.saved(sent, found);
        client.setQueryData(["job", workspace.id, name], found);
      } else {
        editing.begin(found);
        dropDraft(key);
        navigate(`/jobs/${encodeURIComponent(sent.name)}`);
      }
      for (const each of ["jobs", "directories", "job-status", "job-versions", "job-version", "triggers", "related"]) void client.invalidateQueries({ queryKey: [each] });
    },
    onError: (error) => {
      if (error instanceof ApiError && error.status === 412) return void refetch();
      const found = refusedIn(job, error);
      if (!found) return;
      setView(viewOf(found.field) === "settings" ? "canvas" : (viewOf(found.field) as View));
      setPanel(true);
      select(found.node ? { nodes: [found.node], line: null } : NOTHING);
      if (found.node) canvas.current?.focus(found.node);
    },
  });
  const conflict = save.error instanceof ApiError && save.error.status === 412;
  const refused = useMemo(() => (save.error && !conflict ? refusedIn(job, save.error) : null), [save.error, conflict, job]);
  const found = useMemo(() => objections(job, types), [job, types]);
  const problems = useMemo(() => {
    const all = new Map([...found].filter(([where]) => where).map(([where, each]) => [where, each.map(({ key: text, values }) => t(text, values)).join(" ")]));
    if (refused?.node) all.set(refused.node, refused.text);
    return all;
  }, [found, refused, t]);
  const saveNow = (submit: boolean, comment = "") => {
    setChecked(true);
    const [where] = found.keys();
    if (where === undefined) return save.mutate({ submit, comment });
    setView("canvas");
    setPanel(true);
    if (where) canvas.current?.focus(where);
    else select(NOTHING);
  };

  // ---------------------------------------------------------------- editing
  const change = useCallback((next: Job, mark?: string) => {
    if (save.isError) save.reset();
    editing.change(next, mark);
  }, [editing.change, save.isError, save.reset]);
  const choose = useCallback((next: Selection) => {
    select(next);
    if (next.nodes.length || next.line) setPanel(true);
  }, []);
  const chosen = selection.nodes.filter((each) => job.nodes.some((node) => node.name === each));
  const line = selection.line && job.nodes.some((node) => node.name === selection.line![1] && node.preNodeName?.includes(selection.line![0])) ? selection.line : null;
  const duplicate = (text = copied(job, chosen)) => {
    const made = pasted(job, text);
    if (!made) return false;
    change(made[0]);
    select({ nodes: made[1], line: null });
    say(t("say.pasted", { count: made[1].length }));
    return true;
  };
  const toForm = () => setTimeout(() => side.current?.querySelector<HTMLElement>("input, textarea, button")?.focus(), 30);
  const connect = () => (chosen.length === 1 ? setPicking("connect") : say(t("say.chooseOne")));
  const layout = () => {
    change(laidOut(job));
    setTimeout(() => canvas.current?.fit(), 50);
  };
  const keyed = (event: KeyboardEvent) => {
    const on = event.target as HTMLElement;
    if (editable(on)) return;
    const mod = event.ctrlKey || event.metaKey;
    const done = () => {
      event.preventDefault();
      event.stopPropagation();
    };
    if (mod && event.key.toLowerCase() === "a") {
      done();
      return choose({ nodes: job.nodes.map((node) => node.name), line: null });
    }
    if (mod && event.key.toLowerCase() === "d" && chosen.length) {
      done();
      return void duplicate();
    }
    if (mod || event.altKey) return;
    switch (event.key.toLowerCase()) {
      case "n":
        done();
        return setPicking("add");
      case "c":
        done();
        return connect();
      case "e":
        done();
        setPanel(true);
        return void toForm();
      case "l":
        done();
        return layout();
      case "f":
        done();
        return canvas.current?.fit();
      case "/":
        done();
        setPalette(true);
        return void setTimeout(() => search.current?.focus(), 30);
    }
  };
  useHotkeys([["mod+s", () => saveNow(false)], ["mod+Enter", () => saveNow(true)]], [], true);
  useHotkeys([["mod+z", editing.undo], ["mod+shift+z", editing.redo], ["mod+y", editing.redo], ["shift+?", () => setHelp(true)], ["?", () => setHelp(true)]]);
  const clip = useRef({ job, chosen, duplicate, change });
  clip.current = { job, chosen, duplicate, change };
  useEffect(() => {
    if (view !== "canvas") return;
    const mine = () => !editable(document.activeElement) && (getSelection()?.isCollapsed ?? true);
    const copy = (event: ClipboardEvent) => {
      const now = clip.current;
      if (!mine() || !now.chosen.length) return;
      event.clipboardData?.setData("text/plain", copied(now.job, now.chosen));
      event.preventDefault();
      say(t("say.copied", { count: now.chosen.length }));
      if (event.type === "cut") {
        now.change(without(now.job, now.chosen));
        select(NOTHING);
      }
    };
    const paste = (event: ClipboardEvent) => {
      if (mine() && clip.current.duplicate(event.clipboardData?.getData("text/plain") ?? "")) event.preventDefault();
    };
    document.addEventListener("copy", copy);
    document.addEventListener("cut", copy);
    document.addEventListener("paste", paste);
    return () => {
      document.removeEventListener("copy", copy);
      document.removeEventListener("cut", copy);
      document.removeEventListener("paste", paste);
    };
  }, [view, t]);
  const title = (type: string) => typeOf(types, type)?.title ?? type;
  const editedNode = expanded && job.nodes.find((node) => node.name === expanded.node);

  return (
    <ExpressionJob.Provider value={job}>
      <Stack gap="sm">
        <EditorHead {...{ name, job, dirty, version: state.base.version }} busy={save.isPending ? (save.variables.submit ? "submit" : "save") : ""} onSave={saveNow} onDeleted={() => { editing.begin(start); navigate("/jobs"); }} />
        <Text className="visually-hidden" aria-live="polite">{said}</Text>
        {restored && dirty && (
          <Alert variant="light" py="xs" role="status" title={t("draft.title")}>
            <Group gap="xs"><Text size="sm">{t("draft.text")}</Text><Button size="compact-sm" variant="default" onClick={() => setRestored(false)}>{t("draft.keep")}</Button><Button size="compact-sm" variant="default" color="red" onClick={() => { setRestored(false); editing.begin(start); }}>{t("draft.drop")}</Button></Group>
          </Alert>
        )}
        {state.theirs && (
          <Alert color="orange" py="xs" role="alert" title={t("conflict.title", { user: String(state.theirs.lastUpdateUser ?? state.theirs.createUser ?? ""), version: state.theirs.version ?? 0 })}>
            <Group gap="xs">
              <Text size="sm">{t("conflict.text")}</Text>
              <Button size="compact-sm" variant="default" onClick={() => setComparing(true)}>{t("conflict.compare")}</Button>
              <Button size="compact-sm" variant="default" onClick={() => { save.reset(); editing.take(); }}>{t("conflict.take")}</Button>
              <Button size="compact-sm" variant="default" onClick={() => { save.reset(); editing.keep(); }}>{t("conflict.keep")}</Button>
            </Group>
          </Alert>
        )}
        {save.error && !conflict && <Problem error={save.error} />}
        {checked && found.size > 0 && (
          <Alert color="orange" role="alert" py="xs" title={t("objection.title")}>
            {[...found].map(([where, each]) => <Text key={where} size="sm">{where ? `${where}: ` : ""}{each.map(({ key: text, values }) => t(text, values)).join(" ")}</Text>)}
          </Alert>
        )}
        <EditorTabs {...{ name, job, view, error: save.error }} version={state.base.version ?? 0} onView={setView} onChange={change} onBegin={(next) => editing.arrived(next)}>
          {isNew && <TextInput mb="sm" w={320} label={t("common.name")} value={job.name} onChange={(event) => change({ ...job, name: event.currentTarget.value }, "job name")} />}
          <div className="edit-frame" data-new={isNew || undefined}>
            <Palette types={types} open={palette} onOpen={setPalette} onAdd={(type) => canvas.current?.add(type)} searchRef={search} />
            <Box flex={1} miw={0} style={{ display: "flex", flexDirection: "column" }}>
              <Toolbar
                {...{ panel }}
                one={chosen.length === 1}
                any={chosen.length > 0 || line !== null}
                back={state.past.length > 0}
                forth={state.future.length > 0}
                onUndo={editing.undo}
                onRedo={editing.redo}
                onLayout={layout}
                onFit={() => canvas.current?.fit()}
                onAdd={() => setPicking("add")}
                onConnect={connect}
                onDuplicate={() => void duplicate()}
                onHelp={() => setHelp(true)}
                onPanel={() => setPanel(!panel)}
              />
              <Canvas actions={canvas} {...{ job, types, problems }} selection={{ nodes: chosen, line }} onSelect={choose} onChange={change} onKey={keyed} />
            </Box>
            {panel && (
              <Paper ref={side} withBorder className="edit-panel" component="section" aria-label={t("job.node")} onKeyDown={(event: KeyboardEvent) => { if (event.key === "Escape" && !event.defaultPrevented && chosen[0]) canvas.current?.focus(chosen[0]); }}>
                <Group justify="space-between" px="sm" pt={6} wrap="nowrap">
                  <Text size="xs" fw={600} c="dimmed" truncate>{line ? t("panel.line") : chosen.length > 1 ? t("panel.several", { count: chosen.length }) : chosen.length ? title(job.nodes.find((node) => node.name === chosen[0])!.type) : t("panel.job")}</Text>
                  <ActionIcon size="sm" variant="subtle" color="gray" aria-label={t("panel.close")} onClick={() => setPanel(false)}><IconX size={15} /></ActionIcon>
                </Group>
                <ScrollArea flex={1} type="auto" offsetScrollbars="present">
                  {line ? <LineForm {...{ job, line, refused }} onChange={change} onDelete={() => select(NOTHING)} /> : chosen.length > 1 ? (
                    <Stack p="sm" gap="xs">
                      <Text size="sm">{chosen.join(", ")}</Text>
                      <Button variant="default" onClick={() => void duplicate()}>{t("panel.duplicate")}</Button>
                      <Button variant="light" color="red" onClick={() => { change(without(job, chosen)); select(NOTHING); }}>{t("common.delete")}</Button>
                    </Stack>
                  ) : chosen.length === 1 ? (
                    <NodeForm key={chosen[0]} {...{ job, types, refused }} name={chosen[0]!} objections={checked ? (found.get(chosen[0]!) ?? []).map(({ key: text, values }) => t(text, values)) : []} onChange={change} onSelect={select} onExpand={setExpanded} />
                  ) : <JobSettings {...{ job, isNew }} error={save.error} onChange={change} />}
                </ScrollArea>
              </Paper>
            )}
          </div>
        </EditorTabs>
      </Stack>
      {picking === "add" && <Pick title={t("keys.add")} onClose={() => setPicking(null)} choices={types.map((type) => ({ value: type.name, label: type.title, help: `${t(groupKey(kindOf(type).group))} · ${type.summary}`, icon: kindOf(type).icon }))} onPick={(value) => { const type = types.find((each) => each.name === value); if (type) { canvas.current?.add(type); say(t("say.added", { name: type.title })); } }} />}
      {picking === "connect" && <Pick title={t("connect.title", { from: chosen[0] ?? "" })} onClose={() => setPicking(null)} choices={targets(job, chosen[0] ?? "").map((each) => ({ value: each, label: each, help: title(job.nodes.find((node) => node.name === each)!.type) }))} onPick={(to) => { change(withLine(job, chosen[0]!, to)); say(t("say.connected", { from: chosen[0]!, to })); canvas.current?.focus(chosen[0]!); }} />}
      <Shortcuts opened={help} onClose={() => setHelp(false)} />
      <Modal opened={comparing && state.theirs !== null} onClose={() => setComparing(false)} title={t("conflict.compare")} size="90%">
        {state.theirs && <JobDiff before={state.theirs} after={job} labels={[t("conflict.theirs", { version: state.theirs.version ?? 0 }), t("conflict.mine")]} />}
      </Modal>
      <Modal opened={Boolean(editedNode)} onClose={() => setExpanded(null)} title={expanded ? `${expanded.node}: ${expanded.property}` : ""} size="80%">
        {editedNode && <CodeEditor label={expanded!.property} syntax={syntaxOf(editedNode.type, expanded!.property)} value={propertyOf(editedNode, expanded!.property)} height="62vh" onChange={(value) => change(withProperty(job, expanded!.node, expanded!.property, value), `${expanded!.node} ${expanded!.property}`)} />}
      </Modal>
      <Confirm title={guard.asked === null ? null : t("leave.title")} text={t("leave.text")} danger onConfirm={() => { editing.begin(start); guard.leave(); }} onClose={guard.stay} />
    </ExpressionJob.Provider>
  );
}

function syntaxOf(type: string, property: string): Syntax {
  if (/json|body|headers/i.test(property)) return "json";
  if (/^python/i.test(type)) return "python";
  return /^shell/i.test(type) ? "shell" : "sql";
}

/** Whether the job runs by its schedule. */
export function useJobStatus(name: string) {
  const { workspace } = useSession();
  return useQuery({
    queryKey: ["job-status", workspace.id, name],
    queryFn: async ({ signal }) => {
      for (const jobType of ["BATCH", "REAL_TIME"]) {
        const list = await get<{ jobs: { name: string; status: string }[] }>("/v1/{p}/jobs", { jobName: name, jobType, limit: 100 }, signal);
        const found = list.jobs.find((each) => each.name === name);
        if (found) return found.status;
      }
      return "";
    },
    enabled: name !== "",
  });
}
