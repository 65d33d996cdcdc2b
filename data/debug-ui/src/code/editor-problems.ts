// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is wrong in the text: underlined, with a mark beside its line; both say why. */
import { RangeSet, StateEffect, StateField, type Extension, type Text } from '@codemirror/state';
import { Decoration, EditorView, gutter, GutterMarker, type DecorationSet } from '@codemirror/view';

import type { EditorProblem } from './editor';

class Mark extends GutterMarker {
  constructor(readonly text: string) {
    super();
  }

  eq(other: Mark): boolean {
    return other.text === this.text;
  }

  toDOM(): Node {
    const mark = document.createElement('span');
    mark.className = 'cm-problem-mark';
    mark.title = this.text;
    return mark;
  }
}

interface Shown {
  marks: RangeSet<Mark>;
  lines: DecorationSet;
}

const set = StateEffect.define<EditorProblem[]>();

function shown(doc: Text, problems: EditorProblem[]): Shown {
  const ranges = problems.map((problem) => {
    const line = doc.line(Math.min(Math.max(problem.line, 1), doc.lines));
    const from = Math.min(line.from + Math.max(problem.column - 1, 0), line.to);
    const word = /^[\w.$-]+|^"[^"]*"?|^./u.exec(doc.sliceString(from, line.to));
    return { line: line.from, from, to: from + (word?.[0].length ?? 0), text: problem.text };
  });
  return {
    marks: RangeSet.of(ranges.map(({ line, text }) => new Mark(text).range(line)), true),
    lines: Decoration.set(ranges.filter(({ from, to }) => to > from).map(({ from, to, text }) =>
      Decoration.mark({ class: 'cm-problem', attributes: { title: text } }).range(from, to)), true),
  };
}

const field = StateField.define<Shown>({
  create: () => ({ marks: RangeSet.empty, lines: Decoration.none }),
  update(value, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(set))
        return shown(transaction.state.doc, effect.value);
    }
    return transaction.docChanged
      ? { marks: value.marks.map(transaction.changes), lines: value.lines.map(transaction.changes) }
      : value;
  },
  provide: (own) => EditorView.decorations.from(own, (value) => value.lines),
});

export const problemMarks: Extension = [
  field,
  gutter({ class: 'cm-problem-gutter', markers: (view) => view.state.field(field).marks }),
];

export function showProblems(view: EditorView, problems: EditorProblem[]): void {
  if (view.state.field(field, false) !== undefined)
    view.dispatch({ effects: set.of(problems) });
}
