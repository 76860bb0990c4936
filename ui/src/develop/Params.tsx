import { ActionIcon, Button, Group, PasswordInput, Select, Stack, Switch, Table, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import type { Job } from "../api/types";
import { type Key, useT } from "../i18n";
import { isExpression } from "./completion";
import { Worth } from "./ElField";
import { fieldOf, refusedAt } from "./refusals";

type Param = NonNullable<Job["params"]>[number];

/** The parameters of a job. A masked one is a secret: its value never comes back. */
export function Params({ job, error, onChange }: { job: Job; error: unknown; onChange: (job: Job, mark?: string) => void }) {
  const t = useT();
  const params = job.params ?? [];
  const at = /^params\[(\d+)\]/.exec(fieldOf(error))?.[1];
  const set = (index: number, change: Partial<Param>) => onChange({ ...job, params: params.map((each, one) => (one === index ? { ...each, ...change } : each)) } as Job, `param ${index} ${Object.keys(change).join()}`);
  const add = () => onChange({ ...job, params: [...params, { name: "", value: "", type: "variable" }] } as Job);
  return (
    <Stack maw={980}>
      <Text size="sm" c="dimmed">{t("params.help")}</Text>
      {params.length > 0 && (
        <Table verticalSpacing={6}>
          <Table.Thead><Table.Tr><Table.Th w="26%">{t("common.name")}</Table.Th><Table.Th>{t("common.value")}</Table.Th><Table.Th w={150}>{t("common.type")}</Table.Th><Table.Th w={110}>{t("params.masked")}</Table.Th><Table.Th w={40}><span className="visually-hidden">{t("common.actions")}</span></Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {params.map((each, index) => {
              const refused = at === String(index) ? refusedAt(error, fieldOf(error)) : undefined;
              const twice = each.name && params.some((other, one) => one !== index && other.name === each.name);
              const value = { "aria-label": `${t("common.value")} ${each.name}`, value: each.value, onChange: (event: { currentTarget: { value: string } }) => set(index, { value: event.currentTarget.value }) };
              return (
                <Table.Tr key={index} style={{ verticalAlign: "top" }}>
                  <Table.Td><TextInput aria-label={t("common.name")} value={each.name} error={twice ? t("params.twice") : refused} onChange={(event) => set(index, { name: event.currentTarget.value })} /></Table.Td>
                  <Table.Td>{each.masked ? <PasswordInput {...value} description={each.value === "******" ? t("params.kept") : undefined} /> : <><TextInput classNames={{ input: "mono" }} {...value} />{isExpression(each.value) && <Worth text={each.value} job={job} />}</>}</Table.Td>
                  <Table.Td><Select aria-label={`${t("common.type")} ${each.name}`} allowDeselect={false} data={["variable", "constants"].map((kind) => ({ value: kind, label: t(`params.${kind}` as Key) }))} value={each.type === "constants" ? "constants" : "variable"} onChange={(type) => set(index, { type: (type ?? "variable") as Param["type"] })} /></Table.Td>
                  <Table.Td pt={12}><Switch aria-label={`${t("params.masked")} ${each.name}`} checked={each.masked === true} onChange={(event) => set(index, { masked: event.currentTarget.checked })} /></Table.Td>
                  <Table.Td><ActionIcon mt={4} variant="subtle" color="gray" aria-label={`${t("common.remove")} ${each.name}`} onClick={() => onChange({ ...job, params: params.filter((_, one) => one !== index) } as Job)}><IconTrash size={16} /></ActionIcon></Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      )}
      <Group><Button variant="light" leftSection={<IconPlus size={16} />} onClick={add}>{t("common.add")}</Button></Group>
    </Stack>
  );
}
