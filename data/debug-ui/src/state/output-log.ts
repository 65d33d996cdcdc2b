// SPDX-License-Identifier: LGPL-2.1-or-later
/* The last lines that a worker printed, whole but for the very long. */
import { signal } from '@preact/signals';

export const MOST_LINES = 20_000;
/* A longer one goes on in the next: no row may cost more than a screen. */
export const MOST_CHARACTERS = 4_000;

export interface Line {
  stream: 1 | 2;
  text: string; /* with its escape sequences; src/code/ansi.ts reads them */
}

export class OutputLog {
  readonly version = signal(0);
  /* The number of the first line that is kept. */
  first = 0;
  /* Bytes that the server skipped: this page was too slow for them. */
  skipped = 0;
  private lines: Line[] = [];
  private open: Record<1 | 2, boolean> = { 1: false, 2: false };

  get length(): number {
    return this.lines.length;
  }

  at(index: number): Line {
    return this.lines[index];
  }

  add(chunks: [stream: 1 | 2, text: string][], skipped: number): void {
    if (skipped > 0) {
      this.skipped += skipped;
      this.open = { 1: false, 2: false };
    }
    for (const [stream, text] of chunks)
      this.write(stream, text);
    if (this.lines.length > MOST_LINES * 1.25) {
      this.first += this.lines.length - MOST_LINES;
      this.lines = this.lines.slice(-MOST_LINES);
    }
    this.version.value++;
  }

  clear(): void {
    this.first += this.lines.length;
    this.lines = [];
    this.open = { 1: false, 2: false };
    this.skipped = 0;
    this.version.value++;
  }

  private write(stream: 1 | 2, text: string): void {
    const parts = text.split('\n');
    for (let i = 0; i < parts.length; i++) {
      const last = i === parts.length - 1;
      if (!last || parts[i] !== '')
        this.append(stream, parts[i].replace(/\r$/, ''));
      if (!last)
        this.open[stream] = false;
    }
  }

  /* To the stream's line that is not ended yet, if it is the last; else as a line of its own. */
  private append(stream: 1 | 2, text: string): void {
    const last = this.lines.at(-1);
    if (this.open[stream] && last?.stream === stream && last.text.length < MOST_CHARACTERS) {
      last.text += text;
    } else {
      this.lines.push({ stream, text });
    }
    this.open[stream] = true;
    const line = this.lines.at(-1)!;
    while (line.text.length > MOST_CHARACTERS && this.lines.at(-1)!.text.length > MOST_CHARACTERS) {
      const long = this.lines.at(-1)!;
      this.lines.push({ stream, text: long.text.slice(MOST_CHARACTERS) });
      long.text = long.text.slice(0, MOST_CHARACTERS);
    }
  }
}
