import { Alert, Box, Button, Center, Group, Paper, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { post } from "../api/http";
import type { Session } from "../api/types";
import { useT } from "../i18n";
import icon from "../icon.svg";

export function Login() {
  const t = useT();
  const client = useQueryClient();
  const [given, setGiven] = useState({ name: "", password: "", domain: "" });
  const login = useMutation({
    mutationFn: () => post<Session>("/console/session", given),
    onSuccess: (session) => client.setQueryData(["session"], session),
  });
  const field = (name: keyof typeof given) => ({
    value: given[name],
    onChange: (event: { currentTarget: { value: string } }) => {
      const { value } = event.currentTarget;
      setGiven((before) => ({ ...before, [name]: value }));
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    login.mutate();
  };
  return (
    <Center mih="100vh" p="md" component="main">
      <Stack w="100%" maw={380} gap="lg">
        <Group gap="sm" justify="center">
          <img src={icon} width={40} height={40} alt="" />
          <Box>
            <Title order={1} size="h2">{t("app.name")}</Title>
            <Text size="sm" c="dimmed">{t("app.tagline")}</Text>
          </Box>
        </Group>
        <Paper withBorder p="lg">
          <form onSubmit={submit}>
            <Stack>
              <TextInput label={t("login.name")} name="username" autoComplete="username" required data-autofocus {...field("name")} />
              <PasswordInput label={t("login.password")} name="password" autoComplete="current-password" required {...field("password")} />
              <TextInput label={t("login.domain")} description={t("login.domainHelp")} {...field("domain")} />
              {login.error && <Alert color="red" role="alert">{login.error.message}</Alert>}
              <Button type="submit" loading={login.isPending}>{t("login.submit")}</Button>
            </Stack>
          </form>
        </Paper>
        <Text size="xs" c="dimmed" ta="center">{t("login.help")}</Text>
      </Stack>
    </Center>
  );
}
