// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What changed between two texts, line by line: the shortest way from one to the other (Myers, "An O(ND)
 * Difference Algorithm", 1986). Texts that have next to nothing in common are not compared to the end: more
 * than MOST_EDITS changes are shown as one that replaces everything.
 */
export interface DiffLine {
  kind: 'same' | 'gone' | 'new';
  text: string;
}

const MOST_EDITS = 1000;

/* The furthest each diagonal came, after each number of edits; null: too many. */
function trace(a: string[], b: string[]): Int32Array[] | null {
  const most = Math.min(a.length + b.length, MOST_EDITS);
  const reach = new Int32Array(2 * most + 3);
  const steps: Int32Array[] = [];
  for (let edits = 0; edits <= most; edits++) {
    steps.push(reach.slice(most - edits, most + edits + 3));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const at = most + 1 + diagonal;
      const down = diagonal === -edits || (diagonal !== edits && reach[at - 1] < reach[at + 1]);
      let x = down ? reach[at + 1] : reach[at - 1] + 1;
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal])
        x++;
      reach[at] = x;
      if (x >= a.length && x - diagonal >= b.length)
        return steps;
    }
  }
  return null;
}

/* Back from the end, one edit after the other. */
function walk(steps: Int32Array[], a: string[], b: string[]): DiffLine[] {
  const lines: DiffLine[] = [];
  let x = a.length;
  let y = b.length;
  for (let edits = steps.length - 1; edits >= 0; edits--) {
    const before = steps[edits];
    const middle = edits + 1; /* of `before`: diagonal 0 */
    const diagonal = x - y;
    const down = diagonal === -edits || (diagonal !== edits && before[middle + diagonal - 1] < before[middle + diagonal + 1]);
    const from = edits === 0 ? 0 : down ? before[middle + diagonal + 1] : before[middle + diagonal - 1];
    const fromY = edits === 0 ? 0 : from - (down ? diagonal + 1 : diagonal - 1);
    const stop = edits === 0 ? 0 : down ? from : from + 1;
    while (x > stop)
      lines.push({ kind: 'same', text: a[--x] });
    if (edits > 0)
      lines.push(down ? { kind: 'new', text: b[fromY] } : { kind: 'gone', text: a[from] });
    [x, y] = [from, fromY];
  }
  return lines.reverse();
}

export function diffLines(a: string[], b: string[]): DiffLine[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start])
    start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end])
    end++;
  const as = a.slice(start, a.length - end);
  const bs = b.slice(start, b.length - end);
  const steps = trace(as, bs);
  const same = (text: string): DiffLine => ({ kind: 'same', text });
  const changed: DiffLine[] = steps !== null ? walk(steps, as, bs)
    : [...as.map((text): DiffLine => ({ kind: 'gone', text })), ...bs.map((text): DiffLine => ({ kind: 'new', text }))];
  return [...a.slice(0, start).map(same), ...changed, ...a.slice(a.length - end).map(same)];
}

/* With so many lines around each change; a number stands for as many that are left out. */
export function hunks(lines: DiffLine[], around: number): (DiffLine | number)[] {
  const near = new Uint8Array(lines.length);
  lines.forEach((line, i) => {
    if (line.kind !== 'same')
      near.fill(1, Math.max(0, i - around), i + around + 1);
  });
  const made: (DiffLine | number)[] = [];
  for (let i = 0; i < lines.length; i++) {
    const last = made.at(-1);
    if (near[i] === 1)
      made.push(lines[i]);
    else if (typeof last === 'number')
      made[made.length - 1] = last + 1;
    else
      made.push(1);
  }
  return made;
}
