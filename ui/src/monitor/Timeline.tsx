import { Anchor, Box, Group, Select, Stack, Switch, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get } from "../api/http";
import { useSession } from "../api/session";
import { type Answers, ENDED, type InstanceDetail, type Job } from "../api/types";
import { type Key, useT } from "../i18n";
import { Empty, Problem, Waiting } from "../parts/Page";
import { look, stateName } from "../parts/states";
import { clock, span } from "../parts/time";
import { useHistory } from "./History";
import { useNow } from "./Live";
import { type Bar, ticks, timeline } from "./timeline";

const NAME_WIDTH = "clamp(92px, 22vw, 190px)";
/** Where the time of the beginning takes the room of the first mark. */
const BESIDE = 0.45;
const TOOK_WIDTH = "clamp(62px, 8vw, 90px)";

interface Props {
  path: string;
  instance: InstanceDetail;
  job?: Job;
  choose: (node: string) => void;
}

/** When each attempt of each node ran, and what was waited for in between. */
export function Timeline({ path, instance, job, choose }: Props) {
  const t = useT();
  const { workspace } = useSession();
  const now = useNow(!ENDED.has(instance.status));
  const narrow = useMediaQuery("(max-width: 700px)");
  const [run, setRun] = useState<string | null>(null);
  const [waits, setWaits] = useState(true);
  const state = instance.nodes.map((each) => `${each.status}${each.attempt}`).join();
  const attempts = useQuery({
    queryKey: ["attempts", path, state],
    queryFn: ({ signal }) => get<Answers["listInstanceAttempts"]>(`${path}/attempts`, undefined, signal),
    placeholderData: (before) => before,
  });
  const history = useHistory(path);
  if (attempts.error) return <Problem error={attempts.error} />;
  if (!attempts.data || !history.data) return <Waiting />;
  const drawn = timeline(instance, attempts.data.attempts, history.data.events, job, now, run === null ? undefined : Number(run));
  if (!drawn.waited && drawn.lanes.every((each) => !each.bars.length)) return <Empty title={t("timeline.empty")} help={t("timeline.emptyHelp")} />;
  const length = drawn.to - drawn.from;
  const share = (ms: number) => ((ms - drawn.from) / length) * 100;
  const marks = ticks(length, narrow ? 3 : 6);
  const bar = (each: Bar, node: string) => {
    const text = [
      each.kind === "attempt" ? `${t("instance.attempt")} ${each.attempt ?? 1}: ${stateName(t, each.status ?? "")}` : t(`timeline.${each.kind}` as Key),
      span(each.to - each.from),
      `${clock(each.from, workspace.timeZone)}`,
      each.message ?? "",
    ].filter(Boolean).join(" · ");
    return (
      <div
        key={`${each.kind}${each.from}`}
        className={`bar bar-${each.kind}`}
        role="img"
        aria-label={`${node}, ${text}`}
        title={text}
        style={{ left: `${share(each.from)}%`, width: `max(${each.kind === "attempt" ? 4 : 1}px, ${share(each.to) - share(each.from)}%)`, ...(each.kind === "attempt" ? { background: look(each.status ?? "").color } : {}) }}
      />
    );
  };
  return (
    <Stack gap={0} className="timeline">
      <Group justify="space-between" mb="xs">
        <Group gap="lg">
          {(["success", "fail", "running"] as const).map((each) => <Text key={each} size="xs" c="dimmed"><span aria-hidden className="legend" style={{ background: look(each).color }} /> {stateName(t, each)}</Text>)}
          {(["queue", "slot", "retry"] as const).map((each) => <Text key={each} size="xs" c="dimmed"><span aria-hidden className={`legend bar-${each}`} /> {t(`timeline.${each}`)}</Text>)}
        </Group>
        <Group gap="sm">
          <Switch size="xs" label={t("timeline.waits")} checked={waits} onChange={(event) => setWaits(event.currentTarget.checked)} />
          {drawn.runs.length > 1 && (
            <Select size="xs" w={230} aria-label={t("timeline.run")} allowDeselect={false} value={run ?? String(drawn.runs.length - 1)} onChange={setRun} data={drawn.runs.map((at, index) => ({ value: String(index), label: `${t("timeline.run")} ${index + 1} · ${clock(at, workspace.timeZone)}` }))} />
          )}
        </Group>
      </Group>
      <Box className="lane axis" aria-hidden>
        <Box w={NAME_WIDTH} style={{ flex: "none" }} />
        <Box flex={1} pos="relative" h={18}>
          {marks.filter((each) => !narrow || !each || each / length > BESIDE).map((each) => <Text key={each} size="xs" c="dimmed" pos="absolute" style={{ left: `${(each / length) * 100}%`, transform: each ? "translateX(-50%)" : undefined, whiteSpace: "nowrap" }}>{each ? `+${span(each).replace(/\.0 s$/, " s")}` : clock(drawn.from, workspace.timeZone).slice(11)}</Text>)}
        </Box>
        <Box w={TOOK_WIDTH} style={{ flex: "none" }} />
      </Box>
      {waits && drawn.waited && (
        <Box className="lane">
          <Text size="sm" c="dimmed" w={NAME_WIDTH} truncate style={{ flex: "none" }} title={t("timeline.before")}>{t("timeline.before")}</Text>
          <Box className="track">{marks.map((each) => <span key={each} aria-hidden className="mark" style={{ left: `${(each / length) * 100}%` }} />)}{bar(drawn.waited, t("timeline.before"))}</Box>
          <Text size="xs" c="dimmed" w={TOOK_WIDTH} style={{ flex: "none" }} ta="right">{span(drawn.waited.to - drawn.waited.from)}</Text>
        </Box>
      )}
      {drawn.lanes.map((lane) => (
        <Box key={lane.node} className="lane">
          <Box w={NAME_WIDTH} style={{ flex: "none" }}><Anchor component="button" type="button" size="sm" ta="left" truncate maw="100%" title={lane.node} onClick={() => choose(lane.node)}>{lane.node}</Anchor></Box>
          <Box className="track">
            {marks.map((each) => <span key={each} aria-hidden className="mark" style={{ left: `${(each / length) * 100}%` }} />)}
            {lane.bars.filter((each) => waits || each.kind === "attempt").map((each) => bar(each, lane.node))}
          </Box>
          <Text size="xs" c="dimmed" w={TOOK_WIDTH} style={{ flex: "none" }} ta="right">{lane.took === undefined ? stateName(t, lane.status) : span(lane.took)}</Text>
        </Box>
      ))}
    </Stack>
  );
}
