// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * CodeMirror, as a component. It is most of the page's code, and comes after the rest (editor.tsx).
 *
 * It lives in a shadow root: there style-mod makes constructed style sheets, which the page's Content-Security-
 * Policy permits, and no inline ones, which it does not. Tab is not taken: it leaves the editor, as it leaves
 * every other field, and Ctrl+] and Ctrl+[ indent.
 */
import { autocompletion, closeBrackets } from '@codemirror/autocomplete';
import { history, historyField } from '@codemirror/commands';
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language';
import { search } from '@codemirror/search';
import { Annotation, Compartment, EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers,
} from '@codemirror/view';
import { useEffect, useRef } from 'preact/hooks';

import { editorKeys, notHeld, typeOver } from './editor-keys';
import { problemMarks, showProblems } from './editor-problems';
import { editorTheme } from './editor-theme';
import type { EditorProps } from './editor';
import { extensionsOf } from './editor-languages';
import { kept } from './kept';
import type { EditorLanguage } from './languages';
import { phrases } from './phrases';

const FIELDS = { history: historyField };
/* What came from outside is not told there again. */
const given = Annotation.define<boolean>();
/* Renders come late, but not by more than so many keys. */
const MOST_TOLD = 16;

function unitOf(language: EditorLanguage): string {
  return language === 'python' ? '    ' : '  ';
}

function extensions(language: Extension, label: Extension, hear: { change(value: string): void; run(): boolean }): Extension {
  return [
    lineNumbers(), highlightSpecialChars(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(),
    autocompletion(), highlightActiveLine(), highlightActiveLineGutter(), search({ top: true }),
    keymap.of([{ key: 'Mod-Enter', run: () => hear.run() }, ...editorKeys]),
    typeOver, notHeld, language, label, editorTheme,
    EditorView.updateListener.of((update) => {
      if (update.docChanged && !update.transactions.some((transaction) => transaction.annotation(given)))
        hear.change(update.state.doc.toString());
    }),
  ];
}

export function CodeMirror(props: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef(props);
  const told = useRef<string[]>([]); /* and not given back yet */
  const parts = useRef({ language: new Compartment(), label: new Compartment() });

  latest.current = props;
  useEffect(() => {
    const root = host.current!.shadowRoot ?? host.current!.attachShadow({ mode: 'open' });
    const { keepAs, value } = latest.current;
    const old = keepAs === undefined ? undefined : kept.get(keepAs);
    const hear = {
      change: (text: string) => {
        told.current = [...told.current.slice(-MOST_TOLD), text];
        latest.current.onChange(text);
      },
      run: () => {
        latest.current.onRun?.();
        return latest.current.onRun !== undefined;
      },
    };
    const config = { extensions: extensions(parts.current.language.of([]), parts.current.label.of([]), hear) };
    const goesOn = old?.state.doc === value;
    const state = goesOn ? EditorState.fromJSON(old.state, config, FIELDS) : EditorState.create({ ...config, doc: value });
    const made = new EditorView({ state, root, parent: root });
    view.current = made;
    if (goesOn)
      requestAnimationFrame(() => { made.scrollDOM.scrollTop = old.top; });
    return () => {
      if (keepAs !== undefined)
        kept.set(keepAs, { state: made.state.toJSON(FIELDS), top: made.scrollDOM.scrollTop });
      made.destroy();
      view.current = null;
    };
  }, []);

  useEffect(() => {
    view.current!.dispatch({
      effects: parts.current.language.reconfigure([
        extensionsOf(props.language), indentUnit.of(unitOf(props.language)), props.problems === undefined ? [] : problemMarks,
      ]),
    });
  }, [props.language, props.problems === undefined]);
  useEffect(() => {
    /* The label says when the language has come. */
    const words = [EditorView.contentAttributes.of({ 'aria-label': props.label, tabindex: '0' }), EditorState.phrases.of(phrases())];
    view.current!.dispatch({ effects: parts.current.label.reconfigure(words) });
  }, [props.label]);
  useEffect(() => {
    /* A value may come back when more was typed already: it must not undo that. */
    const back = told.current.indexOf(props.value);
    told.current = told.current.slice(back + 1);
    const doc = view.current!.state.doc;
    if (back < 0 && doc.toString() !== props.value)
      view.current!.dispatch({ changes: { from: 0, to: doc.length, insert: props.value }, annotations: given.of(true) });
  }, [props.value]);
  useEffect(() => {
    if (props.problems !== undefined)
      showProblems(view.current!, props.problems);
  }, [props.problems]);
  useEffect(() => {
    if (props.line == null)
      return;
    const { doc } = view.current!.state;
    const line = doc.line(Math.min(Math.max(props.line, 1), doc.lines));
    view.current!.dispatch({ selection: { anchor: line.from, head: line.to }, effects: EditorView.scrollIntoView(line.from, { y: 'center' }) });
    view.current!.focus();
    props.onLineShown?.();
  }, [props.line]);

  return <div class="editor" ref={host} />;
}
