import { ActionIcon, Button, Group, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { get, put } from "../api/http";
import { useSession } from "../api/session";
import { useT } from "../i18n";
import { Page, Problem, Waiting } from "../parts/Page";
import { tellDone } from "../parts/tell";

interface Variable {
  name: string;
  value: string;
  type: string;
  desc?: string;
}

export function Environment() {
  const t = useT();
  const { workspace } = useSession();
  const [rows, setRows] = useState<Variable[]>([]);
  const kept = useQuery({ queryKey: ["env", workspace.id], queryFn: ({ signal }) => get<{ params: Variable[] }>("/v2/{p}/factory/env", undefined, signal), refetchOnWindowFocus: false });
  useEffect(() => {
    if (kept.data) setRows(kept.data.params);
  }, [kept.data]);
  const save = useMutation({ mutationFn: () => put("/v2/{p}/factory/env", { params: rows }), onSuccess: () => { tellDone(t("common.save")); void kept.refetch(); } });
  const set = (index: number, change: Partial<Variable>) => setRows(rows.map((row, at) => (at === index ? { ...row, ...change } : row)));
  return (
    <Page title={t("environment.title")} right={<Button loading={save.isPending} onClick={() => save.mutate()}>{t("common.save")}</Button>}>
      <Text size="sm" c="dimmed">{t("environment.help")}</Text>
      {save.error && <Problem error={save.error} />}
      {kept.error ? <Problem error={kept.error} /> : kept.isPending ? <Waiting /> : (
        <Stack>
          <Table>
            <Table.Thead><Table.Tr><Table.Th>{t("common.name")}</Table.Th><Table.Th>{t("common.value")}</Table.Th><Table.Th w={150}>{t("common.type")}</Table.Th><Table.Th w={40} /></Table.Tr></Table.Thead>
            <Table.Tbody>
              {rows.map((row, index) => (
                <Table.Tr key={index}>
                  <Table.Td><TextInput aria-label={t("common.name")} value={row.name} onChange={(event) => set(index, { name: event.currentTarget.value })} /></Table.Td>
                  <Table.Td><TextInput classNames={{ input: "mono" }} aria-label={`${t("common.value")} ${row.name}`} value={row.value} onChange={(event) => set(index, { value: event.currentTarget.value })} /></Table.Td>
                  <Table.Td><Select aria-label={`${t("common.type")} ${row.name}`} data={["variable", "constants"]} allowDeselect={false} value={row.type} onChange={(type) => set(index, { type: type ?? "variable" })} /></Table.Td>
                  <Table.Td><ActionIcon variant="subtle" color="gray" aria-label={`${t("common.remove")} ${row.name}`} onClick={() => setRows(rows.filter((_, at) => at !== index))}><IconTrash size={16} /></ActionIcon></Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          <Group><Button variant="light" leftSection={<IconPlus size={16} />} onClick={() => setRows([...rows, { name: "", value: "", type: "variable" }])}>{t("common.add")}</Button></Group>
        </Stack>
      )}
    </Page>
  );
}
