// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The editor, as the rest of the page knows it. CodeMirror is four fifths of the page's code: it comes in a
 * file of its own, so that the page is drawn before; until then the text is there to be read.
 */
import { signal } from '@preact/signals';

import './editor.css';

import type { EditorLanguage } from './languages';

export { dropKept } from './kept';

/* line and column from 1. */
export interface EditorProblem {
  line: number;
  column: number;
  text: string;
}

export interface EditorProps {
  label: string;
  language: EditorLanguage;
  value: string;
  onChange(value: string): void;
  onRun?(): void; /* Ctrl+Enter, or Cmd+Enter */
  problems?: EditorProblem[];
  /* Shown and selected whenever it is set; onLineShown is the time to take it back. */
  line?: number | null;
  onLineShown?(): void;
  /* Where the undo history, the selection and the view are kept when it is not shown. */
  keepAs?: string;
}

const mirror = signal<((props: EditorProps) => preact.JSX.Element) | null>(null);

function load(): void {
  import('./code-mirror').then((module) => { mirror.value = module.CodeMirror; }, () => setTimeout(load, 1000));
}

/* Two frames on, the first has been drawn. A page that is not shown has none. */
if (document.hidden)
  load();
else
  requestAnimationFrame(() => requestAnimationFrame(load));

export function Editor(props: EditorProps) {
  const Mirror = mirror.value;
  return Mirror === null ? <pre class="editor-to-come">{props.value}</pre> : <Mirror {...props} />;
}
