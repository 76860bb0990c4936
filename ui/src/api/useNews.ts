import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { stream } from "./http";
import { useSession } from "./session";

/** No more looks than that, however much changes. */
const LOOK_MS = 1_000;
const AGAIN_MS = 2_000;
const BACK_MS = 5_000;

/** Keeps what is shown under these query keys up to date: the server tells when instances change, nothing is polled.
 * A page that nobody looks at listens to nothing, nor does one without keys; browsers allow few connections to one
 * server. Answers whether it listens now. */
export function useNews(...keys: string[]): boolean {
  const client = useQueryClient();
  const { workspace } = useSession();
  const [live, setLive] = useState(false);
  const wanted = keys.join();
  useEffect(() => {
    if (!wanted) return;
    let over = new AbortController();
    let next: ReturnType<typeof setTimeout> | undefined;
    let back: ReturnType<typeof setTimeout> | undefined;
    let looked = 0;
    const look = () => {
      looked = Date.now();
      // What is being asked for is not asked for again: there is one more look when it is quiet.
      void client.invalidateQueries({ predicate: ({ queryKey }) => wanted.split(",").includes(String(queryKey[0])) }, { cancelRefetch: false });
    };
    const soon = (ms: number, then: () => void) => {
      clearTimeout(next);
      next = setTimeout(then, ms);
    };
    const changed = () => {
      const due = looked + LOOK_MS - Date.now();
      // Once more for what follows from the change, such as the state of a backfill.
      const both = () => {
        look();
        soon(AGAIN_MS, look);
      };
      if (due <= 0) both();
      else soon(due, both);
    };
    const listen = () => {
      over.abort();
      over = new AbortController();
      const { signal } = over;
      let first = true;
      stream("/v1/{p}/jobs/instances/events", ({ event }) => {
        if (event !== "changed") return;
        if (first) setLive(true);
        else changed();
        first = false;
      }, signal)
        .catch(() => {})
        .finally(() => {
          if (signal.aborted) return;
          setLive(false);
          // What happened meanwhile is looked at once it listens again.
          back = setTimeout(() => {
            looked = 0;
            listen();
            changed();
          }, BACK_MS);
        });
    };
    const seen = () => {
      clearTimeout(back);
      if (document.hidden) over.abort();
      else listen();
    };
    document.addEventListener("visibilitychange", seen);
    seen();
    return () => {
      document.removeEventListener("visibilitychange", seen);
      over.abort();
      clearTimeout(next);
      clearTimeout(back);
    };
  }, [client, workspace.id, wanted]);
  return live;
}
