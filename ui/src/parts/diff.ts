/** What changed between two texts, line by line. */

export interface DiffLine {
  kind: "same" | "gone" | "new";
  text: string;
}

const MOST_CELLS = 4_000_000;

export function diffLines(before: string, after: string): DiffLine[] {
  const left = before.split("\n");
  const right = after.split("\n");
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start += 1;
  let end = 0;
  while (end < left.length - start && end < right.length - start && left[left.length - 1 - end] === right[right.length - 1 - end]) end += 1;
  const same = (lines: string[]): DiffLine[] => lines.map((text) => ({ kind: "same", text }));
  return [...same(left.slice(0, start)), ...middle(left.slice(start, left.length - end), right.slice(start, right.length - end)), ...same(left.slice(left.length - end))];
}

/** The longest common part; two texts that are far too different are shown one after the other. */
function middle(left: string[], right: string[]): DiffLine[] {
  const gone = left.map((text): DiffLine => ({ kind: "gone", text }));
  const made = right.map((text): DiffLine => ({ kind: "new", text }));
  if (!left.length || !right.length || left.length * right.length > MOST_CELLS) return [...gone, ...made];
  const width = right.length + 1;
  const longest = new Uint32Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] = left[i] === right[j] ? longest[(i + 1) * width + j + 1]! + 1 : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!);
    }
  }
  const found: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      found.push({ kind: "same", text: left[i]! });
      i += 1;
      j += 1;
    } else if (i < left.length && (j === right.length || longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!)) found.push(gone[i++]!);
    else found.push(made[j++]!);
  }
  return found;
}

/** Only the lines near a change; null: lines that are the same were left out there. */
export function hunks(lines: DiffLine[], around = 3): (DiffLine | null)[] {
  const near = lines.map((_, at) => lines.slice(Math.max(0, at - around), at + around + 1).some((each) => each.kind !== "same"));
  const found: (DiffLine | null)[] = [];
  lines.forEach((line, at) => {
    if (near[at]) found.push(line);
    else if (found.at(-1) !== null) found.push(null);
  });
  return found;
}
