import { Group, Switch, Table, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get } from "../api/http";
import type { Answers } from "../api/types";
import { useT } from "../i18n";
import { Problem, Waiting } from "../parts/Page";

/** What the server runs with. It is set where the server is started, so it is only shown here. */
export function ServerSettings() {
  const t = useT();
  const [sought, setSought] = useState("");
  const [changed, setChanged] = useState(false);
  const found = useQuery({ queryKey: ["server-settings"], queryFn: ({ signal }) => get<Answers["showServerSettings"]>("/v1/{p}/server-settings", undefined, signal), retry: false });
  if (found.error) return <Problem error={found.error} />;
  if (!found.data) return <Waiting />;
  const low = sought.toLowerCase();
  const shown = found.data.settings.filter((each) => (!changed || each.source !== "default") && `${each.name} ${each.variable} ${each.help}`.toLowerCase().includes(low));
  return (
    <>
      <Group mb="sm">
        <TextInput w={260} aria-label={t("common.search")} placeholder={t("common.search")} value={sought} onChange={(event) => setSought(event.currentTarget.value)} />
        <Switch label={t("settings.changed")} checked={changed} onChange={(event) => setChanged(event.currentTarget.checked)} />
        <Text size="sm" c="dimmed">{t("settings.serverHelp")}</Text>
      </Group>
      <Table.ScrollContainer minWidth={860}>
        <Table verticalSpacing={5} className="dense">
          <Table.Thead><Table.Tr><Table.Th>{t("settings.setting")}</Table.Th><Table.Th>{t("common.value")}</Table.Th><Table.Th>{t("settings.from")}</Table.Th><Table.Th>{t("settings.meaning")}</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {shown.map((each) => (
              <Table.Tr key={each.name} data-chosen={each.source === "default" ? undefined : true}>
                <Table.Td><span className="mono">{each.name}</span><Text size="xs" c="dimmed" className="mono">{each.variable}</Text></Table.Td>
                <Table.Td className="mono" style={{ overflowWrap: "anywhere" }}>{each.value || <Text span size="xs" c="dimmed">{t("settings.empty")}</Text>}</Table.Td>
                <Table.Td>{each.source === "default" ? <Text span size="xs" c="dimmed">{t("settings.isDefault")}</Text> : each.source === "option" ? t("settings.isOption") : t("settings.isVariable")}</Table.Td>
                <Table.Td><Text size="xs" c="dimmed">{each.help}</Text></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </>
  );
}
