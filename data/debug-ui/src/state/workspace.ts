// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tabs: each a program, and the last worker that ran it.
 */
import { computed, signal } from '@preact/signals';

import type { Language } from '../protocol';
import { ask } from './connection';
import { dropFlagsOfOneRun, policySet } from './policies';
import { stored } from './stored';

export interface Tab {
  id: string;
  name: string; /* of the program, without .py or .ts */
  language: Language;
  code: string;
  args: string[];
  template: string | null;
  worker: number | null; /* the last run's */
}

function isTabs(value: unknown): value is Tab[] {
  return Array.isArray(value) && value.length > 0 && value.every((tab: Tab) =>
    typeof tab?.id === 'string' && typeof tab.name === 'string' && typeof tab.code === 'string' &&
    (tab.language === 'python' || tab.language === 'bun') && Array.isArray(tab.args));
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

export const HELLO = 'print("Hello from the sandbox")\n';

/* Names of tabs must differ between pages: the server knows workers by them. */
function newId(): string {
  return crypto.randomUUID();
}

const first: Tab = { id: newId(), name: 'hello', language: 'python', code: HELLO, args: [], template: null, worker: null };

export const tabs = stored<Tab[]>('tabs', [first], isTabs);
export const activeId = stored<string>('active', first.id, isText);
export const active = computed<Tab>(() => tabs.value.find((tab) => tab.id === activeId.value) ?? tabs.value[0]);

/* Asks the editor to show a line of a tab, from 1. */
export const wantedLine = signal<{ tab: string; line: number } | null>(null);

export function updateTab(id: string, change: Partial<Tab>): void {
  tabs.value = tabs.value.map((tab) => (tab.id === id ? { ...tab, ...change } : tab));
}

export function openTab(tab: Partial<Tab>): Tab {
  const made: Tab = { ...first, code: '', worker: null, ...tab, id: newId() };
  tabs.value = [...tabs.value, made];
  activeId.value = made.id;
  return made;
}

/* Rejected with a ProblemError if it cannot be started. */
export async function run(tab: Tab): Promise<void> {
  const answer = await ask({ type: 'run', tab: tab.id, name: tab.name, language: tab.language, code: tab.code, args: tab.args, ...policySet.value }, 'done');
  dropFlagsOfOneRun();
  updateTab(tab.id, { worker: answer.worker ?? null });
}

export async function stop(tab: Tab, force = false): Promise<void> {
  if (tab.worker !== null)
    await ask({ type: 'stop', worker: tab.worker, force }, 'done');
}
