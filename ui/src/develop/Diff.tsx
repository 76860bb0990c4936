import { Badge, Box, Group, SegmentedControl, Text } from "@mantine/core";
import { useMemo, useState } from "react";
import type { Job, JobNode } from "../api/types";
import { useT } from "../i18n";
import { GraphView } from "../parts/GraphView";
import { diffLines, hunks } from "../parts/diff";
import { toSave } from "../pages/job-model";
import { paired, united } from "./compare";

/** What of a job counts when it is compared. */
export function jobText(job: Job): string {
  const { lastUpdateUser: _user, targetStatus: _status, versionComment: _comment, ...body } = toSave(job, true);
  return JSON.stringify(body, null, 2);
}

/** Two texts beside each other; lines that are the same far from any change are left out. */
export function SideBySide({ before, after, labels }: { before: string; after: string; labels: [string, string] }) {
  const t = useT();
  const rows = useMemo(() => paired(hunks(diffLines(before, after))), [before, after]);
  if (before === after) return <Text size="sm" c="dimmed">{t("versions.same")}</Text>;
  return (
    <Box className="diff" role="region" tabIndex={0} aria-label={t("versions.differences")}>
      <table className="diff-table">
        <colgroup><col className="diff-sign" /><col /><col className="diff-sign" /><col /></colgroup>
        <thead><tr>{labels.map((each) => <th key={each} colSpan={2} scope="col">{each}</th>)}</tr></thead>
        <tbody>
          {rows.map((row, at) =>
            row === null ? <tr key={at}><td colSpan={4} className="diff-gap">⋯</td></tr> : (
              <tr key={at}>
                <td className="diff-sign">{row.left !== null && row.changed ? "−" : ""}</td><td className={row.left !== null && row.changed ? "diff-gone" : undefined}>{row.left}</td>
                <td className="diff-sign">{row.right !== null && row.changed ? "+" : ""}</td><td className={row.right !== null && row.changed ? "diff-new" : undefined}>{row.right}</td>
              </tr>
            ),
          )}
        </tbody>
      </table>
    </Box>
  );
}

const LOOKS = { same: "waiting", new: "success", gone: "fail", changed: "pause" } as const;

/** Two versions of a job on one graph: what came, what went, what changed. */
export function GraphDiff({ before, after }: { before: Job; after: Job }) {
  const t = useT();
  const all = useMemo(() => united(before, after), [before, after]);
  const statuses = Object.fromEntries(all.map(({ node, kind, what }) => [node.name, { status: LOOKS[kind], note: `${t(`versions.node.${kind}`)}${what.length ? `: ${what.join(", ")}` : ""}` }]));
  const count = (kind: keyof typeof LOOKS) => all.filter((each) => each.kind === kind).length;
  const [chosen, setChosen] = useState<string | null>(null);
  const one = all.find((each) => each.node.name === chosen);
  const text = (job: Job) => JSON.stringify(job.nodes.find((each: JobNode) => each.name === chosen) ?? null, null, 2);
  return (
    <Box>
      <Group gap="xs" mb="xs">
        <Badge color="green" variant="light">{t("versions.node.new")}: {count("new")}</Badge>
        <Badge color="red" variant="light">{t("versions.node.gone")}: {count("gone")}</Badge>
        <Badge color="orange" variant="light">{t("versions.node.changed")}: {count("changed")}</Badge>
      </Group>
      <GraphView nodes={all.map(({ node }) => node)} statuses={statuses} selected={chosen} onSelect={setChosen} height={420} />
      {one && one.kind === "changed" && <Box mt="sm"><SideBySide before={text(before)} after={text(after)} labels={[t("versions.before1"), t("versions.after1")]} /></Box>}
    </Box>
  );
}

/** Both ways to look at two versions. */
export function JobDiff({ before, after, labels }: { before: Job; after: Job; labels: [string, string] }) {
  const t = useT();
  const [how, setHow] = useState("text");
  return (
    <Box>
      <SegmentedControl size="xs" mb="sm" aria-label={t("versions.how")} value={how} onChange={setHow} data={[{ value: "text", label: t("versions.text") }, { value: "graph", label: t("versions.graph") }]} />
      {how === "text" ? <SideBySide before={jobText(before)} after={jobText(after)} labels={labels} /> : <GraphDiff {...{ before, after }} />}
    </Box>
  );
}
