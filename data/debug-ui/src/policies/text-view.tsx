// SPDX-License-Identifier: LGPL-2.1-or-later
/* A policy as JSON, with its mistakes. */
import { useEffect, useRef } from 'preact/hooks';

import type { Problem } from '../protocol';

interface Props {
  label: string;
  text: string;
  problems: Problem[];
  /* Asks for a line, from 1; a new object each time. */
  wanted: { line: number } | null;
  onChange(text: string): void;
}

export function TextView({ label, text, wanted, onChange }: Props) {
  const own = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    if (wanted === null)
      return;
    const lines = text.split('\n');
    const start = lines.slice(0, wanted.line - 1).reduce((sum, line) => sum + line.length + 1, 0);
    own.current!.focus();
    own.current!.setSelectionRange(start, start + (lines[wanted.line - 1]?.length ?? 0));
    own.current!.scrollTop = (wanted.line - 3) * 18;
  }, [wanted]);
  return (
    <textarea ref={own} class="mono policy-text" aria-label={label} value={text} spellcheck={false} wrap="off" rows={14}
      onInput={(event) => onChange(event.currentTarget.value)} />
  );
}
