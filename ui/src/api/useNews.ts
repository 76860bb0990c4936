import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { stream } from "./http";
import { useSession } from "./session";

const AGAIN_MS = 2_000;
const BACK_MS = 5_000;

/** Keeps what is shown under these query keys up to date: the server tells when instances change, nothing is polled.
 * A page that nobody looks at listens to nothing; browsers allow few connections to one server. */
export function useNews(...keys: string[]): void {
  const client = useQueryClient();
  const { workspace } = useSession();
  const wanted = keys.join();
  useEffect(() => {
    let over = new AbortController();
    let again: ReturnType<typeof setTimeout> | undefined;
    let back: ReturnType<typeof setTimeout> | undefined;
    const look = () => void client.invalidateQueries({ predicate: ({ queryKey }) => wanted.split(",").includes(String(queryKey[0])) });
    const listen = () => {
      over.abort();
      over = new AbortController();
      const { signal } = over;
      let first = true;
      const changed = () => {
        if (!first) look();
        first = false;
        // Once more for what follows from the change, such as the state of a backfill.
        clearTimeout(again);
        again = setTimeout(look, AGAIN_MS);
      };
      stream("/v1/{p}/jobs/instances/events", ({ event }) => event === "changed" && changed(), signal)
        .catch(() => {})
        .finally(() => {
          if (!signal.aborted) back = setTimeout(listen, BACK_MS);
        });
    };
    const seen = () => (document.hidden ? over.abort() : listen());
    document.addEventListener("visibilitychange", seen);
    seen();
    return () => {
      document.removeEventListener("visibilitychange", seen);
      over.abort();
      clearTimeout(again);
      clearTimeout(back);
    };
  }, [client, workspace.id, wanted]);
}
