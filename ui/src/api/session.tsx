import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { call, get, mayHaveSession, setPlace, whenLoggedOut } from "./http";
import type { Session } from "./types";

interface Current {
  session: Session;
  workspace: Session["workspaces"][number];
  choose: (workspaceId: string) => void;
  logOut: () => Promise<void>;
}

const Context = createContext<Current | null>(null);
const KEPT = "arkwright.workspace";

export function SessionGate({ login, children }: { login: ReactNode; children: ReactNode }) {
  const client = useQueryClient();
  const [chosen, setChosen] = useState(() => localStorage.getItem(KEPT) ?? "");
  const { data, isPending } = useQuery({
    queryKey: ["session"],
    queryFn: () => (mayHaveSession() ? get<Session>("/console/session").catch(() => null) : null),
    staleTime: Infinity,
  });
  const ended = useCallback(() => {
    client.clear();
    client.setQueryData(["session"], null);
  }, [client]);
  useEffect(() => whenLoggedOut(ended), [ended]);
  const current = useMemo<Current | null>(() => {
    if (!data) return null;
    const workspace = data.workspaces.find((each) => each.id === chosen) ?? data.workspaces[0];
    if (!workspace) return null;
    setPlace({ projectId: data.projectId, workspaceId: workspace.id });
    return {
      session: data,
      workspace,
      choose: (id) => {
        localStorage.setItem(KEPT, id);
        setChosen(id);
        void client.invalidateQueries();
      },
      logOut: async () => {
        await call("DELETE", "/console/session");
        ended();
      },
    };
  }, [data, chosen, client, ended]);
  if (isPending) return null;
  return current ? <Context.Provider value={current}>{children}</Context.Provider> : <>{login}</>;
}

export function useSession(): Current {
  const current = useContext(Context);
  if (!current) throw new Error("useSession outside of SessionGate");
  return current;
}
