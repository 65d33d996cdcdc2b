// SPDX-License-Identifier: LGPL-2.1-or-later
/* Tabs, the editor and the console. */
import { effect, useSignal } from '@preact/signals';

import './code.css';
import './start';

import { _, format } from '../i18n';
import type { Language } from '../protocol';
import { full, stored } from '../state/stored';
import { active, activeId, languages, nameFor, tabs, updateTab, wantedLine, type Tab } from '../state/workspace';
import { announce } from '../ui/announce';
import { Splitter } from '../ui/splitter';
import { tabId } from '../ui/tab-list';
import { Console } from './console';
import { Editor } from './editor';
import { runActive } from './head-actions';
import { History } from './history-dialog';
import { LANGUAGE_NAMES } from './languages';
import { PANEL, TabBar } from './tab-bar';
import { Templates } from './templates';
import { joinWords, splitWords } from './words';

const split = stored<number>('code-split', 56, (value): value is number => typeof value === 'number');
const NAME = /^\w[\w.-]{0,63}$/;

function Arguments({ tab }: { tab: Tab }) {
  /* What is typed stays as it is typed: joining what was split would write under the cursor. */
  const text = useSignal(joinWords(tab.args));
  if (joinWords(splitWords(text.value)) !== joinWords(tab.args))
    text.value = joinWords(tab.args);
  return (
    <input type="text" class="mono" value={text} spellcheck={false} autocomplete="off" placeholder={_('Arguments')} aria-label={_('Arguments of the program')}
      onInput={(event) => {
        text.value = event.currentTarget.value;
        updateTab(tab.id, { args: splitWords(text.value) });
      }} />
  );
}

function ProgramBar({ tab }: { tab: Tab }) {
  const invalid = !NAME.test(tab.name);
  return (
    <div class="bar program-bar">
      <input type="text" class="name" value={tab.name} spellcheck={false} autocomplete="off" maxLength={64} aria-label={_('Name of the program')}
        aria-invalid={invalid} title={invalid ? _('Letters, digits, dots, - and _') : undefined}
        onInput={(event) => updateTab(tab.id, { name: event.currentTarget.value })} />
      <select aria-label={_('Language')} value={tab.language} onChange={(event) => {
        const language = event.currentTarget.value as Language;
        updateTab(tab.id, { language, name: nameFor(language, tab.name) });
      }}>
        {(['python', 'bun'] as const).map((language) => (
          <option key={language} value={language} disabled={!languages.value.includes(language)}>
            {languages.value.includes(language) ? LANGUAGE_NAMES[language] : format(_('%1: not found'), LANGUAGE_NAMES[language])}
          </option>
        ))}
      </select>
      <Arguments key={tab.id} tab={tab} />
    </div>
  );
}

function CodeEditor({ tab }: { tab: Tab }) {
  const wanted = wantedLine.value;
  return (
    <Editor keepAs={tab.id} label={format(_('Code of %1'), tab.name)} language={tab.language} value={tab.code}
      onChange={(code) => updateTab(tab.id, { code })} onRun={runActive}
      line={wanted?.tab === tab.id ? wanted.line : null} onLineShown={() => { wantedLine.value = null; }} />
  );
}

effect(() => {
  if (full.value)
    announce(_('The browser keeps no more for this tab: what changes now is lost by a reload. Shorter code, or a history that is forgotten, makes room.'), true);
});

/* From wherever the focus is, but for dialogs; the editor has dealt with its own. */
addEventListener('keydown', (event) => {
  const meant = event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.repeat && !event.defaultPrevented;
  if (meant && document.querySelector('dialog[open]') === null) {
    event.preventDefault();
    runActive();
  }
});

/* A line of another program than the one that is shown. */
effect(() => {
  const tab = wantedLine.value?.tab;
  if (tab !== undefined && tabs.value.some((other) => other.id === tab))
    activeId.value = tab;
});

export function CodeArea() {
  const tab = active.value;
  return (
    <div class="code-area">
      <TabBar />
      <div class="code-panel" id={PANEL} role="tabpanel" aria-labelledby={tabId(PANEL, tab.id)} style={{ '--code-split': `${split.value}%` }}>
        <div class="code-edit">
          <ProgramBar tab={tab} />
          <CodeEditor key={tab.id} tab={tab} />
          <p class="hint quiet"><kbd>Ctrl+Enter</kbd> {_('runs')} · <kbd>Ctrl+F</kbd> {_('finds')} · <kbd>Ctrl+]</kbd> {_('indents')} · <kbd>Tab</kbd> {_('leaves')}</p>
        </div>
        <Splitter label={_('Width of the editor')} direction="columns" percent={split.value} onChange={(value) => { split.value = value; }} />
        <Console tab={tab} />
      </div>
      <Templates />
      <History />
    </div>
  );
}
