import { ActionIcon, Alert, Badge, Button, Group, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { get, put } from "../api/http";
import { useSession } from "../api/session";
import { isExpression } from "../develop/completion";
import { Worth } from "../develop/ElField";
import { fieldOf, refusedAt } from "../develop/refusals";
import { useLeaveGuard } from "../develop/useLeaveGuard";
import { type Key, useT } from "../i18n";
import { Confirm } from "../parts/Confirm";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
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
  const client = useQueryClient();
  const [rows, setRows] = useState<Variable[] | null>(null);
  const kept = useQuery({ queryKey: ["environment", workspace.id], queryFn: ({ signal }) => get<{ params: Variable[] }>("/v2/{p}/factory/env", undefined, signal) });
  const shown = rows ?? kept.data?.params ?? [];
  const dirty = rows !== null;
  const guard = useLeaveGuard(dirty);
  useEffect(() => setRows(null), [workspace.id]);
  const save = useMutation({
    mutationFn: () => put("/v2/{p}/factory/env", { params: shown }),
    onSuccess: async () => {
      tellDone(t("environment.saved"));
      await kept.refetch();
      setRows(null);
      void client.invalidateQueries({ queryKey: ["env"] });
    },
  });
  const set = (index: number, change: Partial<Variable>) => {
    save.reset();
    setRows(shown.map((row, at) => (at === index ? { ...row, ...change } : row)));
  };
  const add = () => setRows([...shown, { name: "", value: "", type: "variable" }]);
  const at = /^params\[(\d+)\]/.exec(fieldOf(save.error))?.[1];
  return (
    <Page title={t("environment.title")} right={<>
      {dirty && <Badge color="orange" variant="light">{t("job.unsaved")}</Badge>}
      {dirty && <Button variant="default" onClick={() => { save.reset(); setRows(null); }}>{t("draft.drop")}</Button>}
      <Button disabled={!dirty} loading={save.isPending} onClick={() => save.mutate()}>{t("common.save")}</Button>
    </>}>
      <Text size="sm" c="dimmed">{t("environment.help")}</Text>
      {save.error && at === undefined && <Problem error={save.error} />}
      {kept.error ? <Problem error={kept.error} /> : kept.isPending ? <Waiting /> : shown.length === 0 ? (
        <Empty title={t("environment.empty")} help={t("environment.teach")}><Button mt="xs" onClick={add}>{t("common.add")}</Button></Empty>
      ) : (
        <Stack>
          <Table.ScrollContainer minWidth={640}>
            <Table>
              <Table.Thead><Table.Tr><Table.Th>{t("common.name")}</Table.Th><Table.Th>{t("common.value")}</Table.Th><Table.Th w={150}>{t("common.type")}</Table.Th><Table.Th>{t("common.description")}</Table.Th><Table.Th w={40}><span className="visually-hidden">{t("common.actions")}</span></Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {shown.map((row, index) => (
                  <Table.Tr key={index} style={{ verticalAlign: "top" }}>
                    <Table.Td><TextInput aria-label={t("common.name")} value={row.name} error={at === String(index) ? refusedAt(save.error, fieldOf(save.error)) : undefined} onChange={(event) => set(index, { name: event.currentTarget.value })} /></Table.Td>
                    <Table.Td><TextInput classNames={{ input: "mono" }} aria-label={`${t("common.value")} ${row.name}`} value={row.value} onChange={(event) => set(index, { value: event.currentTarget.value })} />{isExpression(row.value) && <Worth text={row.value} job={null} />}</Table.Td>
                    <Table.Td><Select aria-label={`${t("common.type")} ${row.name}`} data={["variable", "constants"].map((kind) => ({ value: kind, label: t(`params.${kind}` as Key) }))} allowDeselect={false} value={row.type} onChange={(type) => set(index, { type: type ?? "variable" })} /></Table.Td>
                    <Table.Td><TextInput aria-label={`${t("common.description")} ${row.name}`} value={row.desc ?? ""} onChange={(event) => set(index, { desc: event.currentTarget.value })} /></Table.Td>
                    <Table.Td><ActionIcon mt={4} variant="subtle" color="gray" aria-label={`${t("common.remove")} ${row.name}`} onClick={() => setRows(shown.filter((_, one) => one !== index))}><IconTrash size={16} /></ActionIcon></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          <Group><Button variant="light" leftSection={<IconPlus size={16} />} onClick={add}>{t("common.add")}</Button></Group>
        </Stack>
      )}
      {dirty && shown.length === 0 && <Alert color="orange" mt="sm">{t("environment.none")}</Alert>}
      <Confirm title={guard.asked === null ? null : t("leave.title")} text={t("leave.text")} danger onConfirm={() => { setRows(null); guard.leave(); }} onClose={guard.stay} />
    </Page>
  );
}
