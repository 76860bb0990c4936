import { Anchor, Button, Group, List, Paper, Text } from "@mantine/core";
import { useThrottledValue } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { IconHourglass } from "@tabler/icons-react";
import { Link } from "wouter";
import { get, remove } from "../api/http";
import { useSession } from "../api/session";
import type { Waiting } from "../api/types";
import { useNews } from "../api/useNews";
import { useT } from "../i18n";
import { tellError } from "../parts/tell";

const SHOWN = 8;
/** Asked no more often than that, however quickly nodes end. */
const ASK_MS = 1_000;

/** A server's sentence, with what is to be typed as such. */
const withCode = (text: string) => text.split("`").map((part, at) => (at % 2 ? <code key={at} className="mono">{part}</code> : part));

/** What an instance, or a node of it, waits for, in words, and what would release it. News of other instances change the
 * answer. `begun`: it is only told of what holds it up. */
export function Why({ id, begun, state }: { id: number; begun: boolean; state: string }) {
  const t = useT();
  const { workspace } = useSession();
  const seen = useThrottledValue(state, ASK_MS);
  const why = useQuery({ queryKey: ["why", workspace.id, id, seen], queryFn: ({ signal }) => get<Waiting>(`/v1/{p}/jobs/instances/${id}/why`, undefined, signal), placeholderData: (before) => before });
  const silent = begun && !why.data?.conditions.length;
  useNews(...(silent ? [] : ["why"]));
  const drop = useMutation({ mutationFn: (key: string) => remove(`/v1/{p}/jobs/instances/${id}/dependencies/${encodeURIComponent(key)}`), onSuccess: () => why.refetch(), onError: tellError });
  if (!why.data || silent) return null;
  return (
    <Paper withBorder p="sm" component="section" aria-label={t("instance.why")} className="why">
      <Group gap={8} mb={4}><IconHourglass size={17} aria-hidden /><Text fw={600}>{t("instance.why")}</Text></Group>
      {why.data.note && <Text size="sm" c="dimmed">{why.data.note}</Text>}
      <List size="sm" spacing={6}>
        {why.data.conditions.map((each) => (
          <List.Item key={each.key}>
            <Text size="sm">{withCode(each.text)}</Text>
            <Group gap="xs">
              <Text size="xs" c="dimmed">{withCode(t("instance.release", { text: each.release }))}</Text>
              {each.instances.slice(0, SHOWN).map((other) => <Anchor key={other} component={Link} size="xs" href={`/instance/${other}`}>{t("instance.title", { id: other })}</Anchor>)}
              {each.instances.length > SHOWN && <Text size="xs" c="dimmed">{t("common.more", { count: each.instances.length - SHOWN })}</Text>}
              {each.removable && <Button size="compact-xs" variant="subtle" onClick={() => drop.mutate(each.key)}>{t("instance.removeDependency")}</Button>}
            </Group>
          </List.Item>
        ))}
      </List>
    </Paper>
  );
}
