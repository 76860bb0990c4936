import { Button, Group, Text } from "@mantine/core";
import { useT } from "../i18n";
import { counted } from "./time";

export function Pager({ page, size, total, onPage }: { page: number; size: number; total: number; onPage: (page: number) => void }) {
  const t = useT();
  if (total <= size) return null;
  return (
    <Group justify="flex-end" gap="xs">
      <Text size="sm" c="dimmed">{t("common.of", { from: page * size + 1, to: Math.min(total, (page + 1) * size), total: counted(total) })}</Text>
      <Button size="xs" variant="default" disabled={page === 0} onClick={() => onPage(page - 1)}>{t("common.previous")}</Button>
      <Button size="xs" variant="default" disabled={(page + 1) * size >= total} onClick={() => onPage(page + 1)}>{t("common.next")}</Button>
    </Group>
  );
}
