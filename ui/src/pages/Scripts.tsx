import { Anchor, Autocomplete, Box, Button, Flex, Paper, ScrollArea, Select, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPlus, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { Link, useLocation, useParams } from "wouter";
import { get, post } from "../api/http";
import { useSession } from "../api/session";
import { ScriptEditor } from "../develop/ScriptEditor";
import { FIRST, type Script, TYPES } from "../develop/scripts";
import { useDirectories } from "../develop/useDirectories";
import { useT } from "../i18n";
import { FormDialog } from "../parts/FormDialog";
import { Empty, Page, Problem, Waiting } from "../parts/Page";
import { Pager } from "../parts/Pager";

const SIZE = 50;

/** Scripts by directory. */
export function byDirectory(scripts: Script[]): [string, Script[]][] {
  const found = new Map<string, Script[]>();
  for (const each of scripts) found.set(each.directory || "/", [...(found.get(each.directory || "/") ?? []), each]);
  return [...found].sort(([a], [b]) => a.localeCompare(b));
}

export function Scripts() {
  const t = useT();
  const { workspace } = useSession();
  const given = useParams<{ name?: string }>().name;
  const name = given === undefined ? "" : decodeURIComponent(given);
  const [, navigate] = useLocation();
  const [making, setMaking] = useState(false);
  const [typed, setTyped] = useState("");
  const [page, setPage] = useState(0);
  const [wanted] = useDebouncedValue(typed, 200);
  const scripts = useQuery({
    queryKey: ["scripts", workspace.id, wanted, page],
    queryFn: ({ signal }) => get<{ total: number; scripts: Script[] }>("/v1/{p}/scripts", { scriptName: wanted, limit: SIZE, offset: page }, signal),
    placeholderData: keepPreviousData,
  });
  const chosen = useQuery({ queryKey: ["script", workspace.id, name], queryFn: ({ signal }) => get<Script>(`/v1/{p}/scripts/${encodeURIComponent(name)}`, undefined, signal), enabled: name !== "", staleTime: 0 });
  const none = scripts.data?.total === 0 && !wanted;
  return (
    <Page title={t("scripts.title")} wide right={<Button leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>{t("scripts.new")}</Button>}>
      {scripts.error ? <Problem error={scripts.error} /> : scripts.isPending ? <Waiting /> : none && !name ? <Empty title={t("scripts.empty")} help={t("scripts.emptyHelp")}><Button mt="xs" onClick={() => setMaking(true)}>{t("scripts.new")}</Button></Empty> : (
        <Flex direction={{ base: "column", sm: "row" }} align={{ base: "stretch", sm: "flex-start" }} gap="md">
          <Paper withBorder w={{ base: "100%", sm: 236 }} p={8} component="nav" aria-label={t("scripts.title")} style={{ flex: "none" }}>
            <TextInput size="xs" mb={6} aria-label={t("common.search")} placeholder={t("jobs.search")} leftSection={<IconSearch size={14} />} value={typed} onChange={(event) => { setTyped(event.currentTarget.value); setPage(0); }} />
            <ScrollArea.Autosize mah={{ base: "30vh", sm: "72vh" }} type="auto">
              {scripts.data.scripts.length === 0 && <Text size="xs" c="dimmed" p={6}>{t("palette.none")}</Text>}
              {byDirectory(scripts.data.scripts).map(([directory, each]) => (
                <Box key={directory} mb={6}>
                  <Text size="xs" fw={600} c="dimmed" px={6} py={2}>{directory}</Text>
                  {each.map((script) => (
                    <Anchor key={script.name} component={Link} href={`/scripts/${encodeURIComponent(script.name)}`} underline="never" c="inherit" display="block" px={8} py={4} className="tree-line" data-chosen={script.name === name || undefined} aria-current={script.name === name ? "page" : undefined}>
                      <Text size="sm" fw={500} truncate>{script.name}</Text>
                      <Text size="xs" c="dimmed">{script.type}</Text>
                    </Anchor>
                  ))}
                </Box>
              ))}
            </ScrollArea.Autosize>
            <Pager page={page} size={SIZE} total={scripts.data.total} onPage={setPage} />
          </Paper>
          <Box flex={1} miw={0}>
            {!name ? <Empty title={t("scripts.choose")} help={t("scripts.emptyHelp")} /> : chosen.error ? <Problem error={chosen.error} /> : !chosen.data ? <Waiting /> : <ScriptEditor key={`${workspace.id} ${name}`} script={chosen.data} refetch={chosen.refetch} />}
          </Box>
        </Flex>
      )}
      {making && <NewScript onClose={() => setMaking(false)} onMade={(made) => { setMaking(false); navigate(`/scripts/${encodeURIComponent(made)}`); }} />}
    </Page>
  );
}

function NewScript({ onClose, onMade }: { onClose: () => void; onMade: (name: string) => void }) {
  const t = useT();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [type, setType] = useState("Shell");
  const [directory, setDirectory] = useState("/");
  const directories = useDirectories("script");
  return (
    <FormDialog
      title={t("scripts.new")}
      ready={name !== ""}
      onClose={onClose}
      save={() => post("/v1/{p}/scripts", { name, type, directory, content: FIRST[type] ?? "SELECT 1\n" })}
      onSaved={() => {
        void client.invalidateQueries({ queryKey: ["scripts"] });
        void client.invalidateQueries({ queryKey: ["directories"] });
        onMade(name);
      }}
    >
      {(error) => (
        <>
          <TextInput label={t("common.name")} value={name} error={error("name")} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
          <Select label={t("common.type")} data={TYPES} value={type} allowDeselect={false} error={error("type")} onChange={(next) => setType(next ?? "Shell")} />
          <Autocomplete openOnFocus={false} label={t("jobs.path")} data={directories.data ?? []} value={directory} error={error("directory")} onChange={setDirectory} />
        </>
      )}
    </FormDialog>
  );
}
