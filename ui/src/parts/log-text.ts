/** Text of a log that grows, and what is searched in it. */

/** Characters that are shown; a browser gets slow with more. */
export const SHOWN = 400_000;
const MOST_MARKS = 2_000;

/** With what has come since; of a long log the end, from the start of a line. */
export function withMore(before: string, more: string, most = SHOWN): string {
  const next = before + more;
  if (next.length <= most) return next;
  const end = next.slice(-most);
  return `…\n${end.slice(end.indexOf("\n") + 1)}`;
}

/** The text in parts: every second one is what was searched for. */
export function marked(text: string, wanted: string): string[] {
  if (!wanted) return [text];
  const low = text.toLowerCase();
  const sought = wanted.toLowerCase();
  const parts: string[] = [];
  let from = 0;
  // Lower case may be longer than the text itself (İ): then nothing is marked at the wrong place, but as it is written.
  const where = low.length === text.length ? low : text;
  for (let at = where.indexOf(sought); at >= 0 && parts.length < 2 * MOST_MARKS; at = where.indexOf(sought, from)) {
    parts.push(text.slice(from, at), text.slice(at, at + sought.length));
    from = at + sought.length;
  }
  parts.push(text.slice(from));
  return parts;
}
