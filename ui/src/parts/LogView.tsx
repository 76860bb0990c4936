import { ActionIcon, Box, Group, ScrollArea, Select, Switch, Text, TextInput, Tooltip } from "@mantine/core";
import { IconChevronDown, IconChevronUp, IconDownload, IconSearch } from "@tabler/icons-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { ApiError, stream, url } from "../api/http";
import { useT } from "../i18n";
import { marked, withMore } from "./log-text";
import { Problem } from "./Page";

const NEAR_END = 40;
const BACK_MS = 2_000;

interface Props {
  job: string;
  instanceId: number;
  node: string;
  attempt: number;
  height?: number;
}

/** A node's log as it grows; where the server goes away meanwhile, it goes on once it is back. Long logs show their end; the
 * whole is there to download. */
export function LogView({ job, instanceId, node, attempt: newest, height = 380 }: Props) {
  const t = useT();
  const [text, setText] = useState("");
  const [live, setLive] = useState(false);
  const [lost, setLost] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const [wanted, setWanted] = useState("");
  const [at, setAt] = useState(0);
  const [follow, setFollow] = useState(true);
  const [wrap, setWrap] = useState(true);
  const [earlier, setEarlier] = useState<number | null>(null);
  const attempt = earlier ?? newest;
  const viewport = useRef<HTMLDivElement>(null);
  const path = `/v1/{p}/jobs/${encodeURIComponent(job)}/instances/${instanceId}/nodes/${encodeURIComponent(node)}/log`;
  useEffect(() => {
    setText("");
    setProblem(null);
    if (!attempt) return;
    const ended = new AbortController();
    let back: ReturnType<typeof setTimeout> | undefined;
    let last = "";
    let over = false;
    setLive(true);
    setLost(false);
    // Many short pieces may come at once: what came together is drawn together.
    let waiting = "";
    let drawn = 0;
    const draw = () => {
      drawn = 0;
      const more = waiting;
      waiting = "";
      setText((before) => withMore(before, more));
    };
    const follow = () =>
      stream(
        path,
        ({ event, data, id }) => {
          setLost(false);
          if (event === "end") {
            const { status, newestAttempt } = JSON.parse(data) as { status: string; newestAttempt?: number };
            // A server that stops ends its streams, too.
            over = status !== "running" || newestAttempt !== attempt;
          }
          if (event !== "log") return;
          last = id;
          waiting += (JSON.parse(data) as { text: string }).text;
          drawn ||= requestAnimationFrame(draw);
        },
        ended.signal,
        { attempt },
        last,
      )
        .catch((error) => {
          if (ended.signal.aborted || !(error instanceof ApiError && error.status < 500)) return;
          over = true;
          setProblem(error);
        })
        .finally(() => {
          if (ended.signal.aborted) return;
          if (over) return setLive(false);
          setLost(true);
          back = setTimeout(() => void follow(), BACK_MS);
        });
    void follow();
    return () => {
      ended.abort();
      clearTimeout(back);
      cancelAnimationFrame(drawn);
    };
  }, [path, attempt]);
  useEffect(() => {
    if (follow && !wanted) viewport.current?.scrollTo({ top: viewport.current.scrollHeight });
  }, [text, follow, wanted]);
  const parts = useMemo(() => marked(text, wanted), [text, wanted]);
  const hits = (parts.length - 1) / 2;
  const current = hits ? ((at % hits) + hits) % hits : 0;
  useEffect(() => {
    if (wanted) viewport.current?.querySelector("mark[data-current]")?.scrollIntoView({ block: "center" });
  }, [current, wanted, hits]);
  const step = (by: number) => setAt(current + by);
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter") {
      event.preventDefault();
      step(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape" && wanted) {
      event.stopPropagation();
      setWanted("");
    }
  };
  // Who scrolls up wants to read; who comes back to the end wants to follow.
  const onScroll = ({ y }: { y: number }) => {
    const box = viewport.current;
    if (box && live && !wanted) setFollow(box.scrollHeight - y - box.clientHeight < NEAR_END);
  };
  return (
    <Box>
      <Group justify="space-between" mb={6} gap="xs">
        <Group gap="xs">
          <Text size="sm" fw={600} style={{ overflowWrap: "anywhere" }}>{t("instance.logOf", { node })} {live && <Text span size="xs" c="dimmed">({t(lost ? "news.lost" : "instance.live")})</Text>}</Text>
          {newest > 1 && <Select size="xs" w={120} aria-label={t("instance.attempt")} allowDeselect={false} value={String(attempt)} onChange={(next) => setEarlier(Number(next) === newest ? null : Number(next))} data={Array.from({ length: newest }, (_, each) => ({ value: String(each + 1), label: `${t("instance.attempt")} ${each + 1}` }))} />}
        </Group>
        <Group gap="xs">
          <TextInput size="xs" w={180} aria-label={t("instance.searchLog")} placeholder={t("instance.searchLog")} leftSection={<IconSearch size={14} />} value={wanted} onKeyDown={onKey} onChange={(event) => { setWanted(event.currentTarget.value); setAt(0); }} />
          {wanted && (
            <Group gap={2}>
              <Text size="xs" c="dimmed" role="status">{hits ? t("instance.hits", { at: current + 1, count: hits }) : t("instance.noHits")}</Text>
              <ActionIcon size="sm" variant="subtle" color="gray" disabled={!hits} aria-label={t("instance.previousHit")} onClick={() => step(-1)}><IconChevronUp size={14} /></ActionIcon>
              <ActionIcon size="sm" variant="subtle" color="gray" disabled={!hits} aria-label={t("instance.nextHit")} onClick={() => step(1)}><IconChevronDown size={14} /></ActionIcon>
            </Group>
          )}
          <Switch size="xs" label={t("instance.wrap")} checked={wrap} onChange={(event) => setWrap(event.currentTarget.checked)} />
          <Switch size="xs" label={t("instance.follow")} checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} />
          <Tooltip label={t("common.download")}>
            <ActionIcon component="a" variant="default" href={url(path, { attempt })} download={`${job}-${instanceId}-${node}-${attempt}.log`} aria-label={t("common.download")}><IconDownload size={16} /></ActionIcon>
          </Tooltip>
        </Group>
      </Group>
      {problem ? <Problem error={problem} /> : (
        <ScrollArea h={height} viewportRef={viewport} onScrollPositionChange={onScroll} className="log-box" viewportProps={{ tabIndex: 0, role: "log", "aria-label": t("instance.logOf", { node }) }}>
          <pre className="log" data-wrap={wrap || undefined}>{text ? parts.map((part, index) => (index % 2 ? <mark key={index} data-current={(index - 1) / 2 === current || undefined}>{part}</mark> : part)) : t(live ? "instance.logSoon" : "instance.noLog")}</pre>
        </ScrollArea>
      )}
    </Box>
  );
}
