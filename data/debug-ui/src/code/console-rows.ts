// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which row of the console shows which part of which line.
 *
 * Lines that are wrapped are as many rows as their columns need, so all rows have one height and a list of
 * any length is as cheap as a short one. `ends` sums the rows up: a row's line is found by halving it. Lines
 * that do not match what is searched for have no rows.
 *
 * It follows its log: what was measured stays, unless the width or the search changes.
 */
import { MOST_OPEN, type Line, type OutputLog } from '../state/output-log';

export interface Part {
  line: Line;
  number: number; /* of the line: keys are made of it */
  from: number;   /* characters of its text */
  to: number;
  index: number;  /* of the line's rows */
}

const PRINTABLE = /^[ -~]*$/;
const COMBINING = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const TAB = 8;

/* Columns of a character, as terminals count. */
function cells(character: string, column: number): number {
  const code = character.codePointAt(0)!;
  if (code < 0x300)
    return character === '\t' ? TAB - (column % TAB) : 1;
  if (COMBINING.test(character))
    return 0;
  const wide = code >= 0x1100 && (code <= 0x115f || (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) || (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd));
  return wide ? 2 : 1;
}

/* Where each row of a text ends. */
function breaks(text: string, columns: number): number[] {
  const ends: number[] = [];
  if (PRINTABLE.test(text)) {
    for (let end = columns; end < text.length; end += columns)
      ends.push(end);
  } else {
    let column = 0;
    let at = 0;
    for (const character of text) {
      const width = cells(character, column);
      if (column + width > columns && column > 0) {
        ends.push(at);
        column = 0;
      }
      column += width;
      at += character.length;
    }
  }
  ends.push(text.length);
  return ends;
}

/* Writes a row's pieces one after the other, with spaces for its tabs: a row may begin anywhere in its line. */
export function expander(): (text: string) => string {
  let column = 0;
  return (text) => {
    let made = '';
    for (const character of text) {
      const width = cells(character, column);
      made += character === '\t' ? ' '.repeat(width) : character;
      column += width;
    }
    return made;
  };
}

export class ConsoleRows {
  /* Rows that went at the front since the last rebuild. */
  dropped = 0;
  /* Characters of the longest line; what is not wrapped is so wide. */
  widest = 0;
  private ends: number[] = []; /* counted from the last rebuild */
  private first = 0;           /* the line's number that ends[0] is of */
  private columns = 0;         /* 0: not wrapped */
  private wanted = '';

  constructor(private readonly log: OutputLog) {}

  get count(): number {
    return (this.ends.at(-1) ?? this.dropped) - this.dropped;
  }

  /* After the log has changed, or what is asked for. wanted: in lower case; '': all lines. */
  sync(columns: number, wanted: string): void {
    if (columns !== this.columns || wanted !== this.wanted || this.log.first < this.first || this.log.first >= this.first + this.ends.length)
      this.rebuild(columns, wanted);
    const gone = this.log.first - this.first;
    if (gone > 0) {
      this.dropped = this.ends[gone - 1];
      this.ends = this.ends.slice(gone);
      this.first = this.log.first;
    }
    /* Those at the end may have changed. */
    this.ends.length = Math.max(0, this.ends.length - MOST_OPEN);
    for (let i = this.ends.length; i < this.log.length; i++)
      this.ends.push((this.ends[i - 1] ?? this.dropped) + this.measure(this.log.at(i)));
  }

  part(row: number): Part {
    const wanted = row + this.dropped;
    let low = 0;
    for (let high = this.ends.length - 1; low < high;) {
      const middle = (low + high) >> 1;
      if (this.ends[middle] > wanted)
        high = middle;
      else
        low = middle + 1;
    }
    const line = this.log.at(low);
    const index = wanted - (this.ends[low - 1] ?? this.dropped);
    const ends = this.columns > 0 ? breaks(line.text, this.columns) : [line.text.length];
    return { line, number: this.first + low, from: ends[index - 1] ?? 0, to: ends[index] ?? 0, index };
  }

  private rebuild(columns: number, wanted: string): void {
    this.columns = columns;
    this.wanted = wanted;
    this.ends = [];
    this.first = this.log.first;
    this.dropped = 0;
    this.widest = 0;
  }

  private measure(line: Line): number {
    if (this.wanted !== '' && !line.text.toLowerCase().includes(this.wanted))
      return 0;
    this.widest = Math.max(this.widest, line.text.length);
    if (this.columns === 0 || line.text.length <= this.columns / 2)
      return 1;
    return PRINTABLE.test(line.text) ? Math.max(1, Math.ceil(line.text.length / this.columns)) : breaks(line.text, this.columns).length;
  }
}
