import { ActionIcon, Group, Text, TextInput, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconChevronRight, IconFolder, IconFolderOpen, IconSearch } from "@tabler/icons-react";
import { type DragEvent, type KeyboardEvent, useMemo, useRef, useState } from "react";
import { useT } from "../i18n";
import type { Directory } from "./useDirectories";

export const NAMES = "application/x-arkwright-names";

/** The part of a tree in which a name occurs: of a directory, or of what lies in it. */
export function filtered(tree: Directory, wanted: string): Directory | null {
  const word = wanted.trim().toLowerCase();
  if (!word) return tree;
  if (tree.path !== "/" && tree.name.toLowerCase().includes(word)) return tree;
  const children = tree.children.map((each) => filtered(each, word)).filter((each) => each !== null);
  const elements = tree.elements.filter((each) => each.name.toLowerCase().includes(word));
  return children.length || elements.length || tree.path === "/" ? { ...tree, children, elements } : null;
}

interface Props {
  tree: Directory;
  chosen: string;
  onChoose: (path: string) => void;
  /** What was dragged onto a directory. */
  onDrop: (path: string, names: string[]) => void;
  label: string;
}

interface Line {
  directory: Directory;
  level: number;
  open: boolean;
}

function lines(tree: Directory, closed: Set<string>, level = 1): Line[] {
  const open = !closed.has(tree.path);
  return [{ directory: tree, level, open }, ...(open ? tree.children.flatMap((each) => lines(each, closed, level + 1)) : [])];
}

/** Directories as a tree: with the arrow keys, with a search, and with places to drop things on. */
export function TreeView({ tree, chosen, onChoose, onDrop, label }: Props) {
  const t = useT();
  const [wanted, setWanted] = useState("");
  const [closed, setClosed] = useState(new Set<string>());
  const [over, setOver] = useState<string | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => lines(filtered(tree, wanted) ?? tree, wanted ? new Set() : closed), [tree, wanted, closed]);
  const turn = (path: string, open: boolean) => {
    const next = new Set(closed);
    if (open) next.delete(path);
    else next.add(path);
    setClosed(next);
  };
  const active = shown.some((line) => line.directory.path === chosen) ? chosen : "/";
  const focus = (path: string | undefined) => path !== undefined && place.current?.querySelector<HTMLElement>(`[data-path="${CSS.escape(path)}"]`)?.focus();
  const keyed = (event: KeyboardEvent, line: Line, at: number) => {
    if (event.key === "ArrowDown") focus(shown[at + 1]?.directory.path);
    else if (event.key === "ArrowUp") focus(shown[at - 1]?.directory.path);
    else if (event.key === "ArrowRight" && line.directory.children.length) turn(line.directory.path, true);
    else if (event.key === "ArrowLeft") {
      if (line.open && line.directory.children.length) turn(line.directory.path, false);
      else focus(line.directory.path.replace(/\/[^/]*$/, "") || "/");
    } else return;
    event.preventDefault();
  };
  const dropped = (event: DragEvent, path: string) => {
    event.preventDefault();
    setOver(null);
    const names = JSON.parse(event.dataTransfer.getData(NAMES) || "[]") as string[];
    if (names.length) onDrop(path, names);
  };
  return (
    <>
      <TextInput size="xs" mb={6} aria-label={t("tree.search")} placeholder={t("tree.search")} leftSection={<IconSearch size={14} />} value={wanted} onChange={(event) => setWanted(event.currentTarget.value)} />
      <div ref={place} role="tree" aria-label={label}>
        {shown.map((line, at) => {
          const { directory, level, open } = line;
          const Folder = open && directory.children.length ? IconFolderOpen : IconFolder;
          return (
            <Group key={directory.path} gap={0} wrap="nowrap" className="tree-line" role="none" data-over={over === directory.path || undefined} data-chosen={active === directory.path || undefined} style={{ paddingLeft: (level - 1) * 14 }} onDragOver={(event) => { event.preventDefault(); setOver(directory.path); }} onDragLeave={() => setOver(null)} onDrop={(event) => dropped(event, directory.path)}>
              <ActionIcon size="sm" variant="transparent" color="gray" tabIndex={-1} aria-hidden style={{ visibility: directory.children.length ? "visible" : "hidden" }} onClick={() => turn(directory.path, !open)}>{open ? <IconChevronDown size={14} /> : <IconChevronRight size={14} />}</ActionIcon>
              <UnstyledButton
                role="treeitem"
                aria-level={level}
                aria-expanded={directory.children.length ? open : undefined}
                aria-selected={active === directory.path}
                tabIndex={active === directory.path ? 0 : -1}
                data-path={directory.path}
                flex={1}
                miw={0}
                py={4}
                pr={6}
                onClick={() => onChoose(directory.path)}
                onKeyDown={(event) => keyed(event, line, at)}
              >
                <Group gap={6} wrap="nowrap">
                  <Folder size={16} stroke={1.6} aria-hidden style={{ flex: "none" }} />
                  <Text size="sm" truncate flex={1}>{directory.path === "/" ? t("tree.all") : directory.name}</Text>
                  <Text size="xs" c="dimmed">{directory.count}</Text>
                </Group>
              </UnstyledButton>
            </Group>
          );
        })}
      </div>
    </>
  );
}
