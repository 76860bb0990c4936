import { Alert, Box, Button, Center, Group, Skeleton, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconAlertTriangle, IconInbox } from "@tabler/icons-react";
import { type ReactNode, useEffect } from "react";
import { ApiError } from "../api/http";
import { useT } from "../i18n";

export function Page({ title, right, children, wide }: { title: string; right?: ReactNode; children: ReactNode; wide?: boolean }) {
  const t = useT();
  useEffect(() => {
    document.title = `${title} · ${t("app.name")}`;
  }, [title, t]);
  return (
    <Stack gap="md" maw={wide ? undefined : 1280}>
      <Group justify="space-between" align="center">
        <Title order={1} size="h3">{title}</Title>
        <Group gap="xs">{right}</Group>
      </Group>
      {children}
    </Stack>
  );
}

export function Problem({ error, retry }: { error: unknown; retry?: () => void }) {
  const t = useT();
  const known = error instanceof ApiError ? error : null;
  return (
    <Alert color="red" role="alert" icon={<IconAlertTriangle />} title={t("common.failed")}>
      <Text size="sm">{error instanceof Error ? error.message : String(error)}</Text>
      {known?.hint && <Text size="sm" c="dimmed">{known.hint}</Text>}
      {known?.code && <Text size="xs" c="dimmed" className="mono">{known.code}</Text>}
      {retry && <Button mt="xs" size="xs" variant="light" color="red" onClick={retry}>{t("common.retry")}</Button>}
    </Alert>
  );
}

export function Empty({ title, help, children }: { title: string; help?: string; children?: ReactNode }) {
  return (
    <Center py={48}>
      <Stack align="center" gap="xs" maw={460}>
        <ThemeIcon size={48} radius="xl" variant="light" color="gray"><IconInbox /></ThemeIcon>
        <Text fw={600} ta="center">{title}</Text>
        {help && <Text size="sm" c="dimmed" ta="center">{help}</Text>}
        {children}
      </Stack>
    </Center>
  );
}

export function Waiting() {
  return (
    <Box aria-busy="true">
      {[0, 1, 2, 3].map((each) => <Skeleton key={each} h={34} mb={8} />)}
    </Box>
  );
}
