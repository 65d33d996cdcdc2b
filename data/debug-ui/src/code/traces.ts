// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Where a line of output names a line of the program:
 *
 *   File "/run/…/hello.py", line 3, in <module>      Python's tracebacks
 *   at work (/run/…/hello.ts:3:9)                    Bun's stack traces
 */
export interface Trace {
  from: number; /* characters of the text */
  to: number;
  line: number;
}

const PLACE = /", line (\d{1,7})|:(\d{1,7})(?::\d{1,7})?/y;

/* file: the program's path, as the server said it. */
export function tracesIn(text: string, file: string): Trace[] {
  const found: Trace[] = [];
  if (file === '')
    return found;
  for (let from = text.indexOf(file); from >= 0; from = text.indexOf(file, from + file.length)) {
    PLACE.lastIndex = from + file.length;
    const match = PLACE.exec(text);
    if (match !== null)
      found.push({ from, to: PLACE.lastIndex, line: Number(match[1] ?? match[2]) });
  }
  return found;
}
