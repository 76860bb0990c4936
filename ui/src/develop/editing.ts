/** What an editor holds: a document, the way back and forth, and what others saved meanwhile. Pure.
 *
 * `base` is what the server had when the editing began; the document is unsaved while it is another object than `base`.
 * A newer version that arrives replaces both where nothing was changed; else it is kept as `theirs`, and nothing is lost. */

export interface Versioned {
  version?: number;
}

export interface Editing<T extends Versioned> {
  document: T;
  base: T;
  past: T[];
  future: T[];
  theirs: T | null;
  /** What the newest change was of: further ones of the same, such as letters of one word, are one step. */
  mark: string;
}

const STEPS = 200;

export const begin = <T extends Versioned>(document: T): Editing<T> => ({ document, base: document, past: [], future: [], theirs: null, mark: "" });

export const dirty = <T extends Versioned>(state: Editing<T>): boolean => state.document !== state.base;

export function change<T extends Versioned>(state: Editing<T>, next: T, mark = ""): Editing<T> {
  if (next === state.document) return state;
  const joined = mark !== "" && mark === state.mark && state.past.length > 0;
  return { ...state, document: next, past: joined ? state.past : [...state.past.slice(1 - STEPS), state.document], future: [], mark };
}

export function undo<T extends Versioned>(state: Editing<T>): Editing<T> {
  const before = state.past.at(-1);
  return before === undefined ? state : { ...state, document: before, past: state.past.slice(0, -1), future: [state.document, ...state.future], mark: "" };
}

export function redo<T extends Versioned>(state: Editing<T>): Editing<T> {
  const [next, ...rest] = state.future;
  return next === undefined ? state : { ...state, document: next, past: [...state.past, state.document], future: rest, mark: "" };
}

/** The server told of the document as it is now. */
export function arrived<T extends Versioned>(state: Editing<T>, found: T): Editing<T> {
  if ((found.version ?? 0) <= (state.base.version ?? 0)) return state;
  return dirty(state) ? { ...state, theirs: found } : begin(found);
}

/** `sent` is stored, and is `found` now. What was changed while it was sent stays unsaved. */
export function saved<T extends Versioned>(state: Editing<T>, sent: T, found: T): Editing<T> {
  return state.document === sent ? { ...state, document: found, base: found, theirs: null, mark: "" } : { ...state, base: found, theirs: null };
}

/** Take what the others saved; one's own is a step back. */
export function taken<T extends Versioned>(state: Editing<T>): Editing<T> {
  return state.theirs ? { ...begin(state.theirs), past: [...state.past, state.document] } : state;
}

/** Keep one's own, to be saved over what the others saved. */
export function kept<T extends Versioned>(state: Editing<T>): Editing<T> {
  return state.theirs ? { ...state, base: state.theirs, theirs: null } : state;
}
