import { useCallback, useLayoutEffect, useRef } from "react";

/** The same function at every render, that does what the newest one would: for those who compare functions. */
export function useStable<A extends unknown[], R>(act: (...args: A) => R): (...args: A) => R {
  const newest = useRef(act);
  useLayoutEffect(() => {
    newest.current = act;
  });
  return useCallback((...args: A) => newest.current(...args), []);
}
