// SPDX-License-Identifier: LGPL-2.1-or-later
/* One row of the console: what a worker printed, in text nodes. */
import { bytes, format, _ } from '../i18n';
import { PLAIN } from '../state/ansi';
import { expander, type Part } from './console-rows';
import { classesOf } from './style-classes';
import { tracesIn } from './traces';

interface Piece {
  from: number;
  to: number;
  style: number;
  line: number | null; /* of the program, if it is named here */
}

/* Cut where a style or a link ends. */
function piecesOf(part: Part, file: string): Piece[] {
  const { line, from, to } = part;
  const runs = line.runs ?? [];
  const traces = tracesIn(line.text, file);
  const pieces: Piece[] = [];
  for (let at = from, run = 0; at < to;) {
    while (run < runs.length && runs[run] <= at)
      run += 2;
    const trace = traces.find((one) => one.from <= at && at < one.to);
    const next = trace?.to ?? traces.find((one) => one.from > at)?.from ?? to;
    const end = Math.min(to, next, runs[run] ?? to);
    pieces.push({ from: at, to: end, style: runs[run + 1] ?? PLAIN, line: trace?.line ?? null });
    at = end;
  }
  return pieces;
}

interface Props {
  part: Part;
  file: string;
  onLine(line: number): void;
}

export function ConsoleRow({ part, file, onLine }: Props) {
  const { line } = part;
  if (line.skipped > 0)
    return <div class="console-row skipped">{format(_('%1 skipped: the page was slower than the program'), bytes(line.skipped))}</div>;
  const expand = expander();
  return (
    <div class={`console-row${line.stream === 2 ? ' stderr' : ''}`}>
      {piecesOf(part, file).map((piece) => {
        const text = expand(line.text.slice(piece.from, piece.to));
        const style = classesOf(piece.style);
        if (piece.line !== null) {
          return (
            <button key={piece.from} type="button" class={`trace ${style}`} title={format(_('Show line %1'), piece.line)}
              onClick={() => onLine(piece.line!)}>{text}</button>
          );
        }
        return style === '' ? text : <span key={piece.from} class={style}>{text}</span>;
      })}
    </div>
  );
}
