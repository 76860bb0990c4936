import { ActionIcon, Alert, Button, CopyButton, Group, Modal, Stack, TextInput, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useT } from "../i18n";

/** What the server says once and never again. Closed by a button alone, so that no stray click loses it. */
export function SecretOnce({ title, values, onClose }: { title: string; values: [name: string, value: string][] | null; onClose: () => void }) {
  const t = useT();
  return (
    <Modal opened={values !== null} onClose={onClose} title={title} closeOnClickOutside={false} withCloseButton={false} size="lg">
      <Stack>
        <Alert color="orange" variant="light">{t("secret.once")}</Alert>
        {values?.map(([name, value]) => (
          <TextInput
            key={name}
            label={name}
            value={value}
            readOnly
            classNames={{ input: "mono" }}
            onFocus={(event) => event.currentTarget.select()}
            rightSection={
              <CopyButton value={value}>
                {({ copied, copy }) => <Tooltip label={t(copied ? "secret.copied" : "secret.copy")}><ActionIcon variant="subtle" color={copied ? "green" : "gray"} aria-label={`${t("secret.copy")}: ${name}`} onClick={copy}>{copied ? <IconCheck size={16} /> : <IconCopy size={16} />}</ActionIcon></Tooltip>}
              </CopyButton>
            }
          />
        ))}
        <Group justify="flex-end"><Button onClick={onClose}>{t("secret.kept")}</Button></Group>
      </Stack>
    </Modal>
  );
}
