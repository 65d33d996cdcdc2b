// SPDX-License-Identifier: LGPL-2.1-or-later
/* A policy as JSON, with its mistakes. */
import { useMemo } from 'preact/hooks';

import { Editor } from '../code/editor';
import { runActive } from '../code/head-actions';
import type { Problem } from '../protocol';
import { problemText } from './validation';

interface Props {
  label: string;
  text: string;
  problems: Problem[];
  line: number | null;
  onLineShown(): void;
  onChange(text: string): void;
}

export function TextView({ problems, text, ...rest }: Props) {
  const marks = useMemo(
    () => problems.filter((problem) => problem.line !== null)
      .map((problem) => ({ line: problem.line!, column: problem.column ?? 1, text: problemText(problem) })),
    [JSON.stringify(problems)]);
  return (
    <div class="policy-text">
      <Editor language="json" value={text} problems={marks} onRun={runActive} {...rest} />
    </div>
  );
}
