// SPDX-License-Identifier: LGPL-2.1-or-later
/* The editor's keys: those everybody expects. Whole keymaps of CodeMirror would bring a third of its commands along. */
import { closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import {
  deleteLine, historyKeymap, indentLess, indentMore, moveLineDown, moveLineUp, simplifySelection, standardKeymap, toggleComment,
} from '@codemirror/commands';
import { closeSearchPanel, findNext, findPrevious, openSearchPanel } from '@codemirror/search';
import { Prec } from '@codemirror/state';
import { EditorView, type KeyBinding } from '@codemirror/view';

const IN_EDITOR_AND_PANEL = 'editor search-panel';

export const editorKeys: readonly KeyBinding[] = [
  ...closeBracketsKeymap,
  ...completionKeymap,
  { key: 'Mod-f', run: openSearchPanel, scope: IN_EDITOR_AND_PANEL },
  { key: 'F3', run: findNext, shift: findPrevious, scope: IN_EDITOR_AND_PANEL, preventDefault: true },
  { key: 'Mod-g', run: findNext, shift: findPrevious, scope: IN_EDITOR_AND_PANEL, preventDefault: true },
  { key: 'Escape', run: closeSearchPanel, scope: IN_EDITOR_AND_PANEL },
  { key: 'Escape', run: simplifySelection },
  { key: 'Mod-]', run: indentMore },
  { key: 'Mod-[', run: indentLess },
  { key: 'Mod-/', run: toggleComment },
  { key: 'Alt-ArrowUp', run: moveLineUp },
  { key: 'Alt-ArrowDown', run: moveLineDown },
  { key: 'Shift-Mod-k', run: deleteLine },
  ...historyKeymap,
  ...standardKeymap,
];

/* Chromium types over a selection with a style attribute of its own, which the page's policy refuses with an
 * error in the console: the editor does it instead. */
export const typeOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { main } = view.state.selection;
    const text = event.data;
    if (event.inputType !== 'insertText' || text === null || main.empty || view.composing)
      return false;
    const insert = () => view.state.update(view.state.replaceSelection(text), { userEvent: 'input.type', scrollIntoView: true });
    if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, main.from, main.to, text, insert)))
      view.dispatch(insert());
    return true;
  },
});

/* A key that is held down runs a program once. */
export const notHeld = Prec.highest(EditorView.domEventHandlers({
  keydown: (event) => event.repeat && event.key === 'Enter' && (event.ctrlKey || event.metaKey),
}));
