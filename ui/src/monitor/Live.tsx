import { Group, Text, Tooltip } from "@mantine/core";
import { useEffect, useState } from "react";
import { useT } from "../i18n";
import { span } from "../parts/time";

/** Whether what is shown keeps itself up to date. */
export function Live({ on }: { on: boolean }) {
  const t = useT();
  return (
    <Tooltip label={t(on ? "news.liveHelp" : "news.lostHelp")}>
      <Group gap={6} wrap="nowrap" role="status">
        <span aria-hidden className={on ? "running-dot" : undefined} style={{ width: 8, height: 8, borderRadius: 4, background: on ? "var(--state-success)" : "var(--state-waiting)" }} />
        <Text size="xs" c="dimmed">{t(on ? "news.live" : "news.lost")}</Text>
      </Group>
    </Tooltip>
  );
}

/** The time now, once a second while something is under way. */
export function useNow(ticking: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!ticking) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [ticking]);
  return now;
}

/** How long it took, or has taken until now. */
export function Took({ start, end, over }: { start?: number; end?: number; over?: boolean }) {
  const ticking = start !== undefined && end === undefined && !over;
  const now = useNow(ticking);
  if (start === undefined) return null;
  const to = end ?? (ticking ? now : undefined);
  return to === undefined ? null : <>{span(Math.max(0, to - start))}</>;
}
