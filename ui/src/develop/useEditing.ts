import { useCallback, useEffect, useReducer, useRef } from "react";
import { dropDraft, keepDraft, takeDraft } from "./drafts";
import { arrived, begin, change, dirty, type Editing, kept, redo, saved, taken, undo, type Versioned } from "./editing";

type Step<T> =
  | { kind: "change"; next: T; mark?: string }
  | { kind: "undo" | "redo" | "taken" | "kept" }
  | { kind: "arrived"; found: T }
  | { kind: "saved"; sent: T; found: T }
  | { kind: "begin"; found: T };

function step<T extends Versioned>(state: Editing<T>, done: Step<T>): Editing<T> {
  switch (done.kind) {
    case "change":
      return change(state, done.next, done.mark);
    case "undo":
      return undo(state);
    case "redo":
      return redo(state);
    case "taken":
      return taken(state);
    case "kept":
      return kept(state);
    case "arrived":
      return arrived(state, done.found);
    case "saved":
      return saved(state, done.sent, done.found);
    case "begin":
      return begin(done.found);
  }
}

interface Start<T> {
  state: Editing<T & Versioned>;
  restored: boolean;
}

/** With the edits that this tab left behind, if there are any. */
function started<T extends Versioned>(key: string, start: T): Start<T> {
  const draft = takeDraft<T>(key);
  if (!draft) return { state: begin(start), restored: false };
  const newer = (start.version ?? 0) > (draft.base.version ?? 0);
  const from = begin(newer ? draft.base : start);
  return { state: { ...change(from, draft.document), theirs: newer ? start : null }, restored: true };
}

/** A document that is edited here and may change elsewhere. `start`: as the server has it; a later one is taken in. */
export function useEditing<T extends Versioned>(key: string, start: T, mayKeep: (document: T) => boolean = () => true) {
  const first = useRef<Start<T>>(null);
  first.current ??= started(key, start);
  const [state, dispatch] = useReducer(step<T>, first.current.state);
  const now = useRef(state);
  now.current = state;
  const may = useRef(mayKeep);
  may.current = mayKeep;
  useEffect(() => dispatch({ kind: "arrived", found: start }), [start]);
  useEffect(() => {
    const keep = () => {
      const { document, base } = now.current;
      if (dirty(now.current) && may.current(document)) keepDraft(key, { base, document });
      else dropDraft(key);
    };
    addEventListener("pagehide", keep);
    return () => {
      removeEventListener("pagehide", keep);
      keep();
    };
  }, [key]);
  return {
    state,
    restored: first.current.restored,
    dirty: dirty(state),
    change: useCallback((next: T, mark?: string) => dispatch({ kind: "change", next, mark }), []),
    undo: useCallback(() => dispatch({ kind: "undo" }), []),
    redo: useCallback(() => dispatch({ kind: "redo" }), []),
    take: useCallback(() => dispatch({ kind: "taken" }), []),
    keep: useCallback(() => dispatch({ kind: "kept" }), []),
    saved: useCallback((sent: T, found: T) => dispatch({ kind: "saved", sent, found }), []),
    arrived: useCallback((found: T) => dispatch({ kind: "arrived", found }), []),
    begin: useCallback((found: T) => {
      dropDraft(key);
      // At once: whoever leaves with the next step takes no edits along.
      now.current = begin(found);
      dispatch({ kind: "begin", found });
    }, [key]),
  };
}
