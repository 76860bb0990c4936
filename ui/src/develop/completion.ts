/** What fits where somebody types in an expression. Pure. */

export interface Member {
  name: string;
  signature: string;
  method: boolean;
}

export interface Offer {
  /** What is written in the place of what was typed. */
  text: string;
  shown: string;
  /** How far before the end of `text` the cursor stands. */
  back: number;
}

export interface Completion {
  /** Where what is replaced begins. */
  from: number;
  offers: Offer[];
}

const MOST = 40;

/** Inside of which `#{` or `${` the cursor is. */
function inside(text: string, at: number): { kind: "#" | "$"; from: number } | null {
  const before = text.slice(0, at);
  for (let from = before.length - 1; from >= 1; from -= 1) {
    if (before[from] !== "{") continue;
    const kind = before[from - 1];
    if (kind !== "#" && kind !== "$") continue;
    const rest = before.slice(from + 1);
    // A closing brace ends it, unless it stands in a string.
    if (rest.replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g, "").includes("}")) return null;
    return { kind, from: from + 1 };
  }
  return null;
}

export function completion(text: string, at: number, members: Member[], names: string[]): Completion | null {
  const place = inside(text, at);
  if (!place) return null;
  const written = text.slice(place.from, at);
  const closed = text[at] === "}";
  if (place.kind === "$") {
    const word = written.trimStart();
    const offers = names.filter((name) => name.toLowerCase().includes(word.toLowerCase())).slice(0, MOST).map((name) => ({ text: closed ? name : `${name}}`, shown: name, back: 0 }));
    return offers.length ? { from: at - word.length, offers } : null;
  }
  const quoted = /(?:getParam|Env\.get)\(\s*"([^"]*)$/.exec(written);
  if (quoted) {
    const word = quoted[1]!;
    const offers = names.filter((name) => name.toLowerCase().includes(word.toLowerCase())).slice(0, MOST).map((name) => ({ text: `${name}")`, shown: name, back: 0 }));
    return offers.length ? { from: at - word.length, offers } : null;
  }
  if ((written.match(/"/g)?.length ?? 0) % 2) return null;
  const word = /[A-Za-z][\w.]*$/.exec(written)?.[0] ?? "";
  if (!word && written.trim() && !/[\s(,+\-*/=<>!?:&|]$/.test(written)) return null;
  const wanted = word.toLowerCase();
  const rank = ({ name }: Member) => (name.toLowerCase().startsWith(wanted) ? 0 : name.split(".").at(-1)!.toLowerCase().startsWith(wanted) ? 1 : 2);
  const offers = members
    .filter(({ name }) => name.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, MOST)
    .map(({ name, signature, method }) => ({ text: method ? `${name}()` : name, shown: signature, back: method && !signature.endsWith("()") ? 1 : 0 }));
  return offers.length && !(offers.length === 1 && offers[0]!.text === word) ? { from: at - word.length, offers } : null;
}

export function completed(text: string, at: number, { from }: Completion, offer: Offer): { text: string; at: number } {
  return { text: text.slice(0, from) + offer.text + text.slice(at), at: from + offer.text.length - offer.back };
}

export const isExpression = (text: string) => /[#$]\{/.test(text);
