/** What node types are called and look like in the palette: groups that people look for, an icon each. */

import { IconApi, IconArrowsSplit2, IconBell, IconBrandPython, IconCircleDashed, IconCloudUpload, IconDatabase, IconDatabaseImport, IconFolder, IconMessage2, IconPuzzle, IconRepeat, IconSearch, IconSitemap, IconTerminal2, IconTrash, IconTransfer } from "@tabler/icons-react";
import type { NodeType } from "../api/types";
import type { Key } from "../i18n";

export type Group = "programs" | "sql" | "movement" | "files" | "messages" | "calls" | "control" | "others";

export const GROUPS: Group[] = ["programs", "sql", "movement", "files", "messages", "calls", "control", "others"];
export const groupKey = (group: Group) => `palette.${group}` as Key;

const ICONS: [RegExp, Group, typeof IconApi][] = [
  [/^shell/i, "programs", IconTerminal2],
  [/^python/i, "programs", IconBrandPython],
  [/^spark(?!sql)|mapreduce|flink|dlispark|mrsspark(?!sql)/i, "programs", IconPuzzle],
  [/sql|presto|hetu|clickhouse|impala|doris/i, "sql", IconDatabase],
  [/^cdm/i, "movement", IconDatabaseImport],
  [/migration/i, "movement", IconTransfer],
  [/^create.?obs/i, "files", IconCloudUpload],
  [/^delete.?obs/i, "files", IconTrash],
  [/obs/i, "files", IconFolder],
  [/kafka|dis/i, "messages", IconMessage2],
  [/smn|notif|alarm/i, "messages", IconBell],
  [/rest/i, "calls", IconApi],
  [/css|search/i, "calls", IconSearch],
  [/foreach/i, "control", IconRepeat],
  [/subjob/i, "control", IconSitemap],
  [/dummy/i, "control", IconCircleDashed],
  [/branch|condition/i, "control", IconArrowsSplit2],
];

export function kindOf(name: string): { group: Group; icon: typeof IconApi } {
  const plain = name.replace(/[\s_-]/g, "");
  for (const [pattern, group, icon] of ICONS) if (pattern.test(plain)) return { group, icon };
  return { group: "others", icon: IconPuzzle };
}

/** The types whose name, title or summary holds all the words, by group; what begins with the words comes first. */
export function found(types: NodeType[], wanted: string): [Group, NodeType[]][] {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (type: NodeType) => `${type.title} ${type.name} ${type.summary} ${type.aliases.join(" ")}`.toLowerCase();
  const first = (type: NodeType) => (words.length && type.title.toLowerCase().startsWith(words[0]!) ? 0 : 1);
  const shown = types.filter((type) => words.every((word) => text(type).includes(word))).sort((a, b) => first(a) - first(b));
  return GROUPS.map((group): [Group, NodeType[]] => [group, shown.filter((type) => kindOf(type.name).group === group)]).filter(([, each]) => each.length > 0);
}
