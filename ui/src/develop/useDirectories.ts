import { useQuery } from "@tanstack/react-query";
import { get } from "../api/http";
import { useSession } from "../api/session";

export interface Directory {
  name: string;
  path: string;
  /** What lies in it and below. */
  count: number;
  elements: { name: string; processType: string }[];
  children: Directory[];
}

interface Answer {
  directory_name: string;
  elements: { name: string; process_type?: string }[];
  sub_directories: Answer[];
}

export function read(answer: Answer, above = ""): Directory {
  const path = answer.directory_name === "/" ? "/" : `${above === "/" ? "" : above}/${answer.directory_name}`;
  const children = answer.sub_directories.map((each) => read(each, path));
  return {
    name: answer.directory_name,
    path,
    count: answer.elements.length + children.reduce((sum, each) => sum + each.count, 0),
    elements: answer.elements.map((each) => ({ name: each.name, processType: each.process_type ?? "BATCH" })),
    children,
  };
}

export const paths = (tree: Directory): string[] => [tree.path, ...tree.children.flatMap(paths)];

const tree = (workspace: string, category: string) => ({
  queryKey: ["directories", workspace, category],
  queryFn: ({ signal }: { signal: AbortSignal }) => get<Answer>("/v1.0/{p}/directory/tree", { category }, signal).then((answer) => read(answer)),
});

/** The workspace's directories of jobs or scripts, with what lies in them. */
export function useTree(category: "job" | "script") {
  const { workspace } = useSession();
  return useQuery(tree(workspace.id, category));
}

/** The paths alone. */
export function useDirectories(category: "job" | "script") {
  const { workspace } = useSession();
  return useQuery({ ...tree(workspace.id, category), select: paths });
}
