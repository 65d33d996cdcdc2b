// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tabs: each a program, and the last worker that ran it.
 *
 * The server knows a worker by its tab's id, so that a page which was reloaded finds what it runs again.
 */
import { computed, signal } from '@preact/signals';

import type { Language, PolicySet, Problem } from '../protocol';
import { ask, onMessage, ProblemError } from './connection';
import { dropFlagsOfOneRun, policySet } from './policies';
import { stored } from './stored';
import { forget, onOver, runs, workerOf } from './workers';

export interface Tab {
  id: string;
  name: string; /* of the program's file */
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

const ENDINGS: Record<Language, RegExp> = { python: /\.py$/, bun: /\.[cm]?[jt]sx?$/ };
const ENDING: Record<Language, string> = { python: '.py', bun: '.ts' };

/* An interpreter goes by a name's end: one that is another language's is exchanged, one that is none is added to. */
export function nameFor(language: Language, name: string): string {
  if (ENDINGS[language].test(name))
    return name;
  return name.replace(ENDINGS[language === 'python' ? 'bun' : 'python'], '') + ENDING[language];
}

const first: Tab = { id: newId(), name: 'hello.py', language: 'python', code: HELLO, args: [], template: null, worker: null };

export const tabs = stored<Tab[]>('tabs', [first], isTabs);
export const activeId = stored<string>('active', first.id, isText);
export const active = computed<Tab>(() => tabs.value.find((tab) => tab.id === activeId.value) ?? tabs.value[0]);

/* Those that an interpreter was found for. */
export const languages = signal<Language[]>(['python', 'bun']);

/* Why the last attempt to run a tab came to nothing, by the tab's id. */
export const problems = signal<ReadonlyMap<string, Problem>>(new Map());

/* Workers that this page asked to end. */
export const stopAsked = signal<ReadonlySet<number>>(new Set());

/* Asks the editor to show a line of a tab, from 1. */
export const wantedLine = signal<{ tab: string; line: number } | null>(null);

export function updateTab(id: string, change: Partial<Tab>): void {
  tabs.value = tabs.value.map((tab) => (tab.id === id ? { ...tab, ...change } : tab));
}

export function openTab(tab: Partial<Tab>, id = newId()): Tab {
  const made: Tab = { ...first, code: '', worker: null, template: null, args: [], ...tab, id };
  tabs.value = [...tabs.value, made];
  activeId.value = made.id;
  return made;
}

/* With its worker. The last one leaves an empty one behind. */
export function closeTab(tab: Tab): void {
  const at = tabs.value.findIndex((one) => one.id === tab.id);
  const left = tabs.value.filter((one) => one.id !== tab.id);
  tabs.value = left.length > 0 ? left : [{ ...first, id: newId(), code: '', name: 'program.py' }];
  if (activeId.value === tab.id)
    activeId.value = tabs.value[Math.min(at, tabs.value.length - 1)].id;
  forgetWorker(tab.worker);
}

function forgetWorker(number: number | null): void {
  if (number === null)
    return;
  forget(number);
  ask({ type: 'forget', worker: number }, 'done').catch(() => { /* A server that lost it has forgotten it. */ });
}

function setProblem(tab: string, problem: Problem | null): void {
  const left = new Map(problems.value);
  left.delete(tab);
  problems.value = problem === null ? left : left.set(tab, problem);
}

export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError)
    return error.problem;
  const reason = error instanceof Error ? error.message : String(error);
  return { object: 'buntime', reason, cure: null, part: null, line: null, column: null };
}

/* A program that was started, and what it was granted. */
export interface Begun {
  tab: Tab;
  set: PolicySet;
  worker: number;
}

const begunHearers: ((begun: Begun) => void)[] = [];

export function onBegun(hear: (begun: Begun) => void): void {
  begunHearers.push(hear);
}

/* Tabs that are about to be run, by id: a key that is held down runs them once. */
export const busy = signal<ReadonlySet<string>>(new Set());

async function alone(id: string, work: () => Promise<void>): Promise<void> {
  if (busy.value.has(id))
    return;
  busy.value = new Set(busy.value).add(id);
  try {
    await work();
  } finally {
    busy.value = new Set([...busy.value].filter((other) => other !== id));
  }
}

async function begin(tab: Tab): Promise<void> {
  const set = policySet.value;
  setProblem(tab.id, null);
  try {
    const answer = await ask({ type: 'run', tab: tab.id, name: nameFor(tab.language, tab.name), language: tab.language, code: tab.code, args: tab.args, ...set }, 'done');
    const worker = answer.worker ?? null;
    const now = tabs.value.find((one) => one.id === tab.id);
    dropFlagsOfOneRun();
    if (now === undefined) {
      /* Closed meanwhile: nobody would stop it. */
      forgetWorker(worker);
      return;
    }
    forgetWorker(now.worker);
    updateTab(tab.id, { worker });
    if (worker !== null)
      begunHearers.forEach((hear) => hear({ tab, set, worker }));
  } catch (error) {
    setProblem(tab.id, problemOf(error));
  }
}

/* If it comes to nothing, `problems` tells why. */
export function run(tab: Tab): Promise<void> {
  return alone(tab.id, () => begin(tab));
}

export async function stop(tab: Tab, force = false): Promise<void> {
  if (tab.worker === null)
    return;
  stopAsked.value = new Set(stopAsked.value).add(tab.worker);
  await ask({ type: 'stop', worker: tab.worker, force }, 'done');
}

/* Stops it, and runs it as soon as it has ended. */
export function restart(id: string): Promise<void> {
  return alone(id, async () => {
    const tab = tabs.value.find((one) => one.id === id)!;
    const worker = workerOf(tab.worker);
    if (worker !== null && runs(worker)) {
      await stop(tab);
      await onOver(worker);
    }
    const now = tabs.value.find((one) => one.id === id);
    if (now !== undefined)
      await begin(now);
  });
}

onMessage('hello', (message) => {
  languages.value = message.languages;
  /* Numbers are the server's, and a new one counts from the beginning. */
  tabs.value = tabs.value.map((tab) => ({
    ...tab,
    worker: message.workers.filter((worker) => worker.tab === tab.id).at(-1)?.worker ?? null,
  }));
});
