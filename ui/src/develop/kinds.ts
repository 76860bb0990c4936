/** What node types are called and look like in the palette: the server's own groups and icons. */

import { IconApi, IconBolt, IconBox, IconBrandPython, IconCircleDashed, IconCpu, IconDatabase, IconDatabaseSearch, IconFolderMinus, IconFolderPlus, IconFolders, IconGitBranch, IconGitMerge, IconListNumbers, IconMail, IconRepeat, IconSearch, IconSend, IconSubtask, IconTerminal2, IconTopologyStar3, IconTransfer, IconTransferIn, IconVariable, IconWaveSine } from "@tabler/icons-react";
import type { NodeType } from "../api/types";
import type { Key } from "../i18n";

export const GROUPS = ["program", "sql", "movement", "storage", "messaging", "service", "control", "others"] as const;
export type Group = (typeof GROUPS)[number];
export const groupKey = (group: Group) => `palette.${group}` as Key;

type Icon = typeof IconApi;

/** By the server's names of them. One that is not here is shown as a box. */
const ICONS: Record<string, Icon> = {
  api: IconApi,
  bolt: IconBolt,
  "brand-python": IconBrandPython,
  "circle-dashed": IconCircleDashed,
  cpu: IconCpu,
  database: IconDatabase,
  "database-search": IconDatabaseSearch,
  "folder-minus": IconFolderMinus,
  "folder-plus": IconFolderPlus,
  folders: IconFolders,
  "git-branch": IconGitBranch,
  "git-merge": IconGitMerge,
  "list-numbers": IconListNumbers,
  mail: IconMail,
  repeat: IconRepeat,
  search: IconSearch,
  send: IconSend,
  subtask: IconSubtask,
  "terminal-2": IconTerminal2,
  "topology-star-3": IconTopologyStar3,
  transfer: IconTransfer,
  "transfer-in": IconTransferIn,
  variable: IconVariable,
  "wave-sine": IconWaveSine,
};

export const iconOf = (name: string): Icon => ICONS[name] ?? IconBox;

export function kindOf(type: NodeType | undefined): { group: Group; icon: Icon } {
  const group = GROUPS.find((each) => each === type?.category) ?? "others";
  return { group, icon: iconOf(type?.icon ?? "") };
}

/** What most jobs are made of stands first in its group. */
const USUAL = ["Shell", "Python", "DLISQL", "DataMigration", "RESTAPI", "Subjob", "ForEach"];

/** The types whose name, title or summary holds all the words, by group; what begins with the words comes first. */
export function found(types: NodeType[], wanted: string): [Group, NodeType[]][] {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (type: NodeType) => `${type.title} ${type.name} ${type.summary} ${type.aliases.join(" ")}`.toLowerCase();
  const first = (type: NodeType) => (words.length && type.title.toLowerCase().startsWith(words[0]!) ? 0 : USUAL.includes(type.name) ? 1 + USUAL.indexOf(type.name) : 9);
  const shown = types.filter((type) => words.every((word) => text(type).includes(word))).sort((a, b) => first(a) - first(b));
  return GROUPS.map((group): [Group, NodeType[]] => [group, shown.filter((type) => kindOf(type).group === group)]).filter(([, each]) => each.length > 0);
}
