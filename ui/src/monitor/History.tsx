import { Badge, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { get } from "../api/http";
import type { Answers } from "../api/types";
import { useT } from "../i18n";
import { Problem, Waiting } from "../parts/Page";
import { clock } from "../parts/time";

export const useHistory = (path: string) =>
  useQuery({ queryKey: ["history", path], queryFn: ({ signal }) => get<Answers["showJobInstanceHistory"]>(`${path}/history`, undefined, signal) });

/** `{outcome: {type: "Failed", exitCode: 2}}` as pairs of names and values, one level of names at a time. */
export function pairs(details: Record<string, unknown> | undefined, under = ""): [string, string][] {
  return Object.entries(details ?? {}).flatMap(([name, value]): [string, string][] => {
    const full = under ? `${under}.${name}` : name;
    if (value === null || value === "" || (typeof value === "object" && !Object.keys(value).length)) return [];
    return typeof value === "object" && !Array.isArray(value) ? pairs(value as Record<string, unknown>, full) : [[full, typeof value === "object" ? JSON.stringify(value) : String(value)]];
  });
}

/** Everything that has happened to an instance, newest last. */
export function History({ path, zone }: { path: string; zone: string }) {
  const t = useT();
  const history = useHistory(path);
  if (history.error) return <Problem error={history.error} />;
  if (!history.data) return <Waiting />;
  return (
    <Table.ScrollContainer minWidth={700}>
      <Table verticalSpacing={4} className="dense">
        <Table.Thead><Table.Tr><Table.Th w={165}>{t("audit.when")}</Table.Th><Table.Th w={190}>{t("history.event")}</Table.Th><Table.Th w={150}>{t("job.node")}</Table.Th><Table.Th>{t("history.details")}</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {history.data.events.map((each) => {
            const outcome = (each.details?.outcome as { type?: string } | undefined)?.type;
            return (
              <Table.Tr key={each.sequence}>
                <Table.Td className="time">{clock(each.time, zone)}<Text span size="xs" c="dimmed">.{String(each.time % 1000).padStart(3, "0")}</Text></Table.Td>
                <Table.Td>{each.event} {outcome && <Badge size="xs" variant="light" color={outcome === "Succeeded" ? "green" : "red"} styles={{ label: { color: "var(--mantine-color-text)" } }}>{outcome}</Badge>}</Table.Td>
                <Table.Td>{each.nodeName}</Table.Td>
                <Table.Td>{pairs(each.details).filter(([name]) => name !== "outcome.type").map(([name, value]) => <Text key={name} span size="xs" mr="md"><Text span inherit c="dimmed">{name} </Text><span className="mono">{value}</span></Text>)}</Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
