import { ActionIcon, Button, Group, Menu, Modal, Stack, Text, TextInput } from "@mantine/core";
import { IconBookmark, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation, useSearch } from "wouter";
import { useSession } from "../api/session";
import { type Key, useT } from "../i18n";
import { tellDone } from "../parts/tell";
import { keepViews, readViews, withView } from "./views";

const BUILT_IN: [Key, string][] = [
  ["views.failed", "status=fail"],
  ["views.now", "status=running%2Crunning-exception%2Cpause&hours=168"],
  ["views.attention", "status=running-exception%2Cwaiting-confirm%2Cpause%2Cfreeze&hours=168"],
  ["views.waiting", "status=waiting&hours=168"],
  ["views.patch", "kind=5&hours=168"],
];

/** Filters under a name. */
export function Views() {
  const t = useT();
  const { workspace } = useSession();
  const search = useSearch();
  const [location, navigate] = useLocation();
  const [views, setViews] = useState(() => readViews(workspace.id));
  const [naming, setNaming] = useState(false);
  const [name, setName] = useState("");
  const keep = (next: typeof views) => {
    keepViews(workspace.id, next);
    setViews(next);
  };
  const save = () => {
    keep(withView(views, { name: name.trim(), search }));
    tellDone(t("views.saved", { name: name.trim() }));
    setNaming(false);
    setName("");
  };
  return (
    <>
      <Menu position="bottom-end" width={280} onOpen={() => setViews(readViews(workspace.id))}>
        <Menu.Target><Button variant="default" leftSection={<IconBookmark size={16} />}>{t("views.title")}</Button></Menu.Target>
        <Menu.Dropdown>
          {BUILT_IN.map(([text, asked]) => <Menu.Item key={asked} onClick={() => navigate(`${location}?${asked}`)}>{t(text)}</Menu.Item>)}
          {views.length > 0 && <Menu.Label>{t("views.mine")}</Menu.Label>}
          {views.map((each) => (
            <Group key={each.name} gap={0} wrap="nowrap">
              <Menu.Item flex={1} onClick={() => navigate(each.search ? `${location}?${each.search}` : location)}>{each.name}</Menu.Item>
              <ActionIcon variant="subtle" color="gray" aria-label={t("views.forget", { name: each.name })} onClick={() => keep(views.filter((other) => other !== each))}><IconTrash size={15} /></ActionIcon>
            </Group>
          ))}
          <Menu.Divider />
          <Menu.Item onClick={() => setNaming(true)}>{t("views.save")}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={naming} onClose={() => setNaming(false)} title={t("views.save")}>
        <form onSubmit={(event) => { event.preventDefault(); if (name.trim()) save(); }}>
          <Stack gap="sm">
            <TextInput label={t("common.name")} maxLength={60} value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
            <Text size="sm" c="dimmed">{t("views.help")}</Text>
            <Group justify="flex-end"><Button variant="default" onClick={() => setNaming(false)}>{t("common.cancel")}</Button><Button type="submit" disabled={!name.trim()}>{t("common.save")}</Button></Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
