import { ActionIcon, AppShell, Box, Burger, Group, Menu, NavLink, ScrollArea, Select, Text, Tooltip, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconBell, IconLayoutGrid, IconSitemap, IconUserCheck, IconWebhook, IconBinaryTree2, IconCalendar, IconHeartbeat, IconPackage, IconSettings, IconTimeline, IconBook2, IconBraces, IconCalendarRepeat, IconChartBar, IconFileText, IconLanguage, IconListCheck, IconMoon, IconPlug, IconReceipt, IconSun, IconUser, IconUsers, IconVariable } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { useSession } from "../api/session";
import { type Key, LANGUAGES, type Language, useWords } from "../i18n";
import icon from "../icon.svg";
import { Boundary } from "../parts/Boundary";

type Item = [to: string, text: Key, icon: typeof IconUser];

const SECTIONS: [Key, Item[]][] = [
  ["nav.watch", [
    ["/overview", "nav.overview", IconChartBar],
    ["/instances", "nav.instances", IconListCheck],
    ["/patch-data", "nav.patch", IconCalendarRepeat],
    ["/simulation", "nav.simulation", IconTimeline],
    ["/graph", "nav.graph", IconSitemap],
    ["/alerts", "nav.alerts", IconBell],
  ]],
  ["nav.develop", [
    ["/jobs", "nav.jobs", IconBinaryTree2],
    ["/scripts", "nav.scripts", IconFileText],
    ["/connections", "nav.connections", IconPlug],
    ["/resources", "nav.resources", IconPackage],
    ["/environment", "nav.environment", IconVariable],
    ["/calendars", "nav.calendars", IconCalendar],
    ["/playground", "nav.playground", IconBraces],
  ]],
  ["nav.administer", [
    ["/workspaces", "nav.workspaces", IconLayoutGrid],
    ["/members", "nav.members", IconUserCheck],
    ["/users", "nav.users", IconUsers],
    ["/hooks", "nav.hooks", IconWebhook],
    ["/audit", "nav.audit", IconReceipt],
    ["/settings", "nav.settings", IconSettings],
    ["/health", "nav.health", IconHeartbeat],
  ]],
];

export function Shell({ children }: { children: ReactNode }) {
  const { t, language, choose: chooseLanguage } = useWords();
  const { session, workspace, choose, logOut } = useSession();
  const [opened, { toggle, close }] = useDisclosure();
  const [location] = useLocation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const dark = colorScheme === "dark" || (colorScheme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  return (
    <AppShell header={{ height: 52 }} navbar={{ width: 220, breakpoint: "sm", collapsed: { mobile: !opened } }} padding="md">
      <a className="skip-link" href="#content">{t("nav.skip")}</a>
      <AppShell.Header px="md">
        <Group h="100%" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-expanded={opened} aria-label={t("nav.menu")} />
            <img src={icon} width={26} height={26} alt="" />
            <Text fw={700} visibleFrom="xs">{t("app.name")}</Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Text size="xs" c="dimmed" visibleFrom="sm" title={t("common.zoneHelp")}>{workspace.timeZone}</Text>
            <Select
              aria-label={t("common.workspace")}
              size="xs"
              w={180}
              allowDeselect={false}
              value={workspace.id}
              data={session.workspaces.map((each) => ({ value: each.id, label: each.name }))}
              onChange={(id) => id && choose(id)}
            />
            <Menu>
              <Menu.Target>
                <ActionIcon variant="subtle" color="gray" aria-label={t("common.language")}><IconLanguage size={18} /></ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                {(Object.keys(LANGUAGES) as Language[]).map((each) => (
                  <Menu.Item key={each} lang={each} fw={each === language ? 700 : 400} onClick={() => chooseLanguage(each)}>{LANGUAGES[each]}</Menu.Item>
                ))}
              </Menu.Dropdown>
            </Menu>
            <Tooltip label={t("common.scheme")}>
              <ActionIcon variant="subtle" color="gray" aria-label={t("common.scheme")} onClick={() => setColorScheme(dark ? "light" : "dark")}>
                {dark ? <IconSun size={18} /> : <IconMoon size={18} />}
              </ActionIcon>
            </Tooltip>
            <Menu>
              <Menu.Target>
                <UnstyledButton aria-label={session.userName}>
                  <Group gap={6} wrap="nowrap"><IconUser size={18} /><Text size="sm" visibleFrom="sm">{session.userName}</Text></Group>
                </UnstyledButton>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Label>{workspace.role}</Menu.Label>
                <Menu.Item component={Link} href="/account">{t("nav.account")}</Menu.Item>
                <Menu.Item onClick={() => void logOut()}>{t("common.logout")}</Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs">
        <ScrollArea flex={1}>
          {SECTIONS.map(([title, items]) => (
            <Box key={title} mb={6}>
              <Text size="xs" c="dimmed" fw={600} px="sm" py={4}>{t(title)}</Text>
              {items.map(([to, text, Icon]) => (
                <NavLink
                  key={to}
                  component={Link}
                  href={to}
                  label={t(text)}
                  leftSection={<Icon size={17} stroke={1.6} />}
                  py={6}
                  active={location === to || location.startsWith(`${to}/`)}
                  aria-current={location === to ? "page" : undefined}
                  onClick={close}
                />
              ))}
            </Box>
          ))}
          <NavLink href="/docs" target="_blank" label={t("nav.api")} py={6} leftSection={<IconBook2 size={17} stroke={1.6} />} />
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}><Boundary place={location}>{children}</Boundary></AppShell.Main>
    </AppShell>
  );
}
