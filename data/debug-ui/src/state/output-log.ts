// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The last lines that a worker printed, as a terminal would show them: colours are read, carriage returns and
 * backspaces write over what is there, other escape sequences are dropped. Whole lines but for the very long.
 *
 * It is all read once, as it comes: what is drawn, copied and searched is plain text with runs of style.
 */
import { signal } from '@preact/signals';

import { PLAIN, restyle } from './ansi';

export const MOST_LINES = 20_000;
/* A longer one goes on in the next: no row may cost more than a screen. */
export const MOST_CHARACTERS = 4_000;
/* Entries of a line's runs: what comes after so many styles is plain. */
export const MOST_RUNS = 512;
/* Of all lines, styles counted with them. */
export const MOST_TEXT = 16_000_000;

type StreamNumber = 1 | 2;

export interface Line {
  stream: StreamNumber;
  text: string;
  /* Where each style ends, and which: 5, BOLD, 12, PLAIN. null: all of it is plain. */
  runs: number[] | null;
  skipped: number; /* no line, but the place of so many bytes that the server skipped */
}

/* A line that is not ended can still change, but only among so many at the end. */
export const MOST_OPEN = 8;

interface Stream {
  line: Line | null; /* that is not ended yet */
  number: number;    /* its own */
  column: number;    /* where the next character goes */
  style: number;
  pending: string;   /* an escape sequence that is not ended yet */
}

/* What is more than text: ends of lines, carriage returns, backspaces, escape sequences, other control characters. */
const CONTROL = /\n|\r|\x08|\x1b(?:\[([0-?]*)[ -\/]*([@-~])|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -\/]+[0-~]|[0-Z\\-~])?|[\x00-\x07\x0b-\x1a\x1c-\x1f\x7f-\x9f]/g;
/* The beginning of a sequence at the end of a chunk. */
const CUT = /\x1b(?:\[[0-?]*[ -\/]*|[\]PX^_][^\x07\x1b\n]*|[ -\/]+)?$/;
const MOST_PENDING = 256;

/* Characters, and as many as their styles take the room of. */
function weightOf(line: Line): number {
  return line.text.length + 4 * (line.runs?.length ?? 0);
}

function fresh(): Stream {
  return { line: null, number: 0, column: 0, style: PLAIN, pending: '' };
}

/* `runs` of a line of `all` characters, of which those between get another style. */
function paint(runs: number[] | null, all: number, from: number, to: number, style: number): number[] {
  const old = runs ?? (all > 0 ? [all, PLAIN] : []);
  if (from === all) {
    if (old.at(-1) === style)
      old[old.length - 2] = to;
    else
      old.push(to, style);
    return old;
  }
  const made: number[] = [];
  const push = (end: number, value: number) => {
    const count = made.length;
    if (end <= (made[count - 2] ?? 0))
      return;
    if (count > 0 && made[count - 1] === value)
      made[count - 2] = end;
    else
      made.push(end, value);
  };
  let start = 0;
  for (let i = 0; i < old.length; i += 2) {
    if (start < from)
      push(Math.min(old[i], from), old[i + 1]);
    start = old[i];
  }
  push(from, PLAIN);
  push(to, style);
  for (let i = 0; i < old.length; i += 2) {
    if (old[i] > to)
      push(old[i], old[i + 1]);
  }
  return made;
}

export class OutputLog {
  readonly version = signal(0);
  /* The number of the first line that is kept. */
  first = 0;
  /* Bytes that the server skipped: this page was too slow for them. */
  skipped = 0;
  private lines: Line[] = [];
  private weight = 0;
  private streams: Record<StreamNumber, Stream> = { 1: fresh(), 2: fresh() };

  get length(): number {
    return this.lines.length;
  }

  at(index: number): Line {
    return this.lines[index];
  }

  add(chunks: [stream: StreamNumber, text: string][], skipped: number): void {
    if (skipped > 0) {
      this.skipped += skipped;
      this.streams = { 1: fresh(), 2: fresh() };
      this.lines.push({ stream: 1, text: '', runs: null, skipped });
    }
    for (const [stream, text] of chunks)
      this.write(this.streams[stream], stream, text);
    this.trim();
    this.version.value++;
  }

  clear(): void {
    this.first += this.lines.length;
    this.lines = [];
    this.weight = 0;
    this.streams = { 1: fresh(), 2: fresh() };
    this.skipped = 0;
    this.version.value++;
  }

  /* The last lines, at most so many characters of them; whole: there were no more. */
  tail(most: number): { text: string; whole: boolean } {
    let at = this.lines.length;
    for (let left = most; at > 0 && left - this.lines[at - 1].text.length - 1 >= 0; at--)
      left -= this.lines[at - 1].text.length + 1;
    return { text: this.lines.slice(at).map((line) => line.text).join('\n'), whole: at === 0 && this.first === 0 };
  }

  private trim(): void {
    let drop = this.lines.length > MOST_LINES * 1.25 ? this.lines.length - MOST_LINES : 0;
    if (this.weight > MOST_TEXT * 1.25) {
      let left = this.weight;
      for (let i = 0; i < this.lines.length && left > MOST_TEXT; i++) {
        left -= weightOf(this.lines[i]);
        drop = Math.max(drop, i + 1);
      }
    }
    /* Cut in large steps: each moves the whole array. */
    if (drop > 0) {
      this.first += drop;
      this.lines = this.lines.slice(drop);
      this.weight = this.lines.reduce((sum, line) => sum + weightOf(line), 0);
    }
  }

  private write(stream: Stream, number: StreamNumber, chunk: string): void {
    let text = stream.pending + chunk;
    stream.pending = '';
    const cut = CUT.exec(text.slice(-MOST_PENDING));
    if (cut !== null) {
      stream.pending = cut[0];
      text = text.slice(0, text.length - cut[0].length);
    }
    let start = 0;
    CONTROL.lastIndex = 0;
    for (let match = CONTROL.exec(text); match !== null; match = CONTROL.exec(text)) {
      if (match.index > start)
        this.put(stream, number, text.slice(start, match.index));
      start = match.index + match[0].length;
      this.control(stream, number, match[0], match[1], match[2]);
    }
    if (start < text.length)
      this.put(stream, number, text.slice(start));
  }

  private control(stream: Stream, number: StreamNumber, whole: string, parameters: string | undefined, final: string | undefined): void {
    const count = Math.min(Number(parameters) || 1, MOST_CHARACTERS);
    if (whole === '\n') {
      if (stream.line === null)
        this.open(stream, number);
      stream.line = null;
      stream.column = 0;
    } else if (whole === '\r')
      stream.column = 0;
    else if (whole === '\b' || final === 'D')
      stream.column = Math.max(0, stream.column - count);
    else if (final === 'm')
      stream.style = /^[\d;:]*$/.test(parameters ?? '') ? restyle(stream.style, parameters ?? '') : stream.style;
    else if (final === 'C')
      stream.column = Math.min(stream.column + count, MOST_CHARACTERS);
    else if (final === 'G')
      stream.column = count - 1;
    else if (final === 'K')
      this.erase(stream, parameters ?? '');
  }

  /* To the end of the line, or all of it. */
  private erase(stream: Stream, parameters: string): void {
    const line = stream.line;
    if (line === null || this.first + this.lines.length - stream.number > MOST_OPEN || (parameters !== '2' && parameters !== '' && parameters !== '0'))
      return;
    const kept = parameters === '2' ? 0 : stream.column;
    const before = weightOf(line);
    line.text = line.text.slice(0, kept);
    line.runs = kept === 0 ? null : line.runs?.flatMap((end, i, all) =>
      (i % 2 === 0 && (all[i - 2] ?? 0) < kept ? [Math.min(end, kept), all[i + 1]] : [])) ?? null;
    this.weight += weightOf(line) - before;
  }

  private open(stream: Stream, number: StreamNumber): Line {
    const line: Line = { stream: number, text: '', runs: null, skipped: 0 };
    if (this.lines.length >= MOST_LINES * 2)
      this.trim();
    this.lines.push(line);
    stream.line = line;
    stream.number = this.first + this.lines.length - 1;
    stream.column = 0;
    return line;
  }

  private put(stream: Stream, number: StreamNumber, text: string): void {
    let left = text;
    while (left !== '') {
      let line = stream.line;
      if (line === null || stream.column >= MOST_CHARACTERS || !this.goesOn(stream, line)) {
        const column = line === null ? Math.min(stream.column, MOST_CHARACTERS - 1) : 0;
        line = this.open(stream, number);
        stream.column = column;
      }
      const part = left.length > MOST_CHARACTERS - stream.column ? left.slice(0, MOST_CHARACTERS - stream.column) : left;
      this.overwrite(line, stream.column, part, stream.style);
      stream.column += part.length;
      left = left.slice(part.length);
    }
  }

  /* What another stream has written under goes on in a line of its own; a progress bar stays where it is. */
  private goesOn(stream: Stream, line: Line): boolean {
    const under = this.first + this.lines.length - 1 - stream.number;
    return under === 0 || (under < MOST_OPEN && stream.column < line.text.length);
  }

  private overwrite(line: Line, column: number, part: string, style: number): void {
    const { length } = line.text;
    const before = weightOf(line);
    if (line.runs !== null || style !== PLAIN)
      line.runs = paint(line.runs, length, column, column + part.length, (line.runs?.length ?? 0) < MOST_RUNS ? style : PLAIN);
    if (column === length)
      line.text += part;
    else
      line.text = line.text.slice(0, column).padEnd(column) + part + line.text.slice(column + part.length);
    this.weight += weightOf(line) - before;
  }
}
