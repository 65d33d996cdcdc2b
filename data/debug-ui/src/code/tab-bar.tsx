// SPDX-License-Identifier: LGPL-2.1-or-later
/* The open programs, and how each stands. */
import { signal } from '@preact/signals';

import { _, format } from '../i18n';
import type { Language } from '../protocol';
import { runs, workerOf } from '../state/workers';
import { active, activeId, closeTab, languages, nameFor, openTab, tabs, type Tab } from '../state/workspace';
import { Dialog } from '../ui/dialog';
import { TabList, tabId } from '../ui/tab-list';
import { dropKept } from './editor';
import { openHistory } from './history-dialog';
import { outcomeOf } from './outcome';
import { openTemplates } from './templates';

export const PANEL = 'code-panel';

/* A tab whose program runs still, and which is to be closed. */
const asked = signal<Tab | null>(null);

function close(tab: Tab): void {
  asked.value = null;
  dropKept(tab.id);
  closeTab(tab);
  /* The focus was in what has gone. */
  setTimeout(() => document.getElementById(tabId(PANEL, activeId.value))?.focus());
}

export function askToClose(tab: Tab): void {
  if (runs(workerOf(tab.worker)))
    asked.value = tab;
  else
    close(tab);
}

function freeName(language: Language): string {
  const taken = new Set(tabs.value.map((tab) => tab.name));
  for (let i = 1; ; i++) {
    const name = nameFor(language, i === 1 ? 'program' : `program-${i}`);
    if (!taken.has(name))
      return name;
  }
}

export function openEmpty(): void {
  const language = languages.value.includes(active.value.language) ? active.value.language : (languages.value[0] ?? 'python');
  openTab({ name: freeName(language), language });
}

function Label({ tab }: { tab: Tab }) {
  const outcome = outcomeOf(workerOf(tab.worker)?.state.value ?? null);
  return (
    <>
      <span class={`dot ${outcome.kind}`} title={outcome.text} />
      {tab.name}
      {/* For the pointer; the keyboard has Delete. */}
      <span class="close" aria-hidden="true" title={_('Close (Delete)')}
        onClick={(event) => { event.stopPropagation(); askToClose(tab); }}>×</span>
    </>
  );
}

function nameOf(tab: Tab): string {
  return `${tab.name}, ${outcomeOf(workerOf(tab.worker)?.state.value ?? null).text}`;
}

function CloseDialog({ tab }: { tab: Tab }) {
  return (
    <Dialog title={format(_('%1 is still running'), tab.name)} onClose={() => { asked.value = null; }} onSubmit={() => close(tab)}
      actions={<>
        <button type="button" onClick={() => { asked.value = null; }}>{_('Keep it')}</button>
        <button type="submit" class="primary">{_('Stop and close')}</button>
      </>}>
      <p>{_('Closing the tab stops the program. Its code and its output are lost, but for what the history keeps.')}</p>
    </Dialog>
  );
}

export function TabBar() {
  return (
    <>
      <div class="code-tabs" onKeyDown={(event) => {
        if (event.key === 'Delete' && (event.target as HTMLElement).getAttribute('role') === 'tab')
          askToClose(active.value);
      }}>
        <TabList label={_('Programs')} panel={PANEL} selected={active.value.id} onSelect={(id) => { activeId.value = id; }}
          items={tabs.value.map((tab) => ({ id: tab.id, label: <Label tab={tab} />, name: nameOf(tab) }))} />
        <button type="button" class="plain add" aria-label={_('New program')} title={_('New program')} onClick={openEmpty}>+</button>
        <div class="tools">
          <button type="button" class="plain" aria-haspopup="dialog" onClick={openTemplates}>{_('Templates')}</button>
          <button type="button" class="plain" aria-haspopup="dialog" onClick={openHistory}>{_('History')}</button>
        </div>
      </div>
      {asked.value !== null && <CloseDialog tab={asked.value} />}
    </>
  );
}
