import { Anchor, Button, Group, List, Paper, Text } from "@mantine/core";
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

/** What an instance waits for, in words, and what would release it. Other jobs' news change the answer. */
export function Why({ id }: { id: number }) {
  const t = useT();
  const { workspace } = useSession();
  useNews("why");
  const why = useQuery({ queryKey: ["why", workspace.id, id], queryFn: ({ signal }) => get<Waiting>(`/v1/{p}/jobs/instances/${id}/why`, undefined, signal) });
  const drop = useMutation({ mutationFn: (key: string) => remove(`/v1/{p}/jobs/instances/${id}/dependencies/${encodeURIComponent(key)}`), onSuccess: () => why.refetch(), onError: tellError });
  if (!why.data) return null;
  return (
    <Paper withBorder p="sm" component="section" aria-label={t("instance.why")} className="why">
      <Group gap={8} mb={4}><IconHourglass size={17} aria-hidden /><Text fw={600}>{t("instance.why")}</Text></Group>
      {why.data.note && <Text size="sm" c="dimmed">{why.data.note}</Text>}
      <List size="sm" spacing={6}>
        {why.data.conditions.map((each) => (
          <List.Item key={each.key}>
            <Text size="sm">{each.text}</Text>
            <Group gap="xs">
              <Text size="xs" c="dimmed">{t("instance.release", { text: each.release })}</Text>
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
