// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The runs of this page: what ran, what it was granted, how it ended, and the end of what it said.
 *
 * A run's record is finished when its worker has ended and nothing more came for a moment: the last output
 * may come after the end. It lies in sessionStorage, within bounds.
 */
import { effect, signal, untracked } from '@preact/signals';

import type { BuntimeEvent, Language, PolicySet } from '../protocol';
import { onItem, onMessage } from '../state/connection';
import { stored } from '../state/stored';
import { runs, workerOf, workers, type Worker } from '../state/workers';
import { onBegun, stopAsked, type Begun } from '../state/workspace';

export const MOST_RUNS = 100;
export const MOST_OUTPUT = 64_000;
/* Characters of all records. */
export const MOST_HISTORY = 2_000_000;
const MOST_OBJECTS = 1000;
const QUIET = 400;

export interface RunRecord {
  id: string;
  worker: number;
  tab: string;
  name: string;
  language: Language;
  template: string | null;
  code: string;
  args: string[];
  set: PolicySet;
  started: number;
  ended: number | null;
  exit: number | null;
  state: 'running' | 'exited' | 'failed' | 'lost'; /* lost: the page did not see its end */
  stopped: boolean;
  denied: number;
  events: [what: string, count: number][]; /* "deny read /etc/passwd" */
  output: string;
  cut: boolean; /* there was more output before */
}

function isHistory(value: unknown): value is RunRecord[] {
  return Array.isArray(value) && value.every((run: RunRecord) =>
    typeof run?.id === 'string' && typeof run.code === 'string' && typeof run.output === 'string' &&
    Array.isArray(run.events) && Array.isArray(run.set?.policies) && Array.isArray(run.set.flags));
}

/* The newest first. */
export const history = stored<RunRecord[]>('history', [], isHistory);
/* Those whose checkbox is set, by id. */
export const chosen = signal<string[]>([]);

function sizeOf(run: RunRecord): number {
  const policies = run.set.policies.reduce((sum, part) => sum + ('text' in part ? part.text.length : 0), 0);
  return 500 + run.code.length + run.output.length + policies + run.events.reduce((sum, [what]) => sum + what.length + 8, 0);
}

function bounded(list: RunRecord[]): RunRecord[] {
  let size = 0;
  return list.filter((run, i) => (size += sizeOf(run)) <= MOST_HISTORY && i < MOST_RUNS);
}

function update(id: string, change: Partial<RunRecord>): void {
  history.value = bounded(history.value.map((run) => (run.id === id ? { ...run, ...change } : run)));
}

export function clearHistory(): void {
  history.value = history.value.filter((run) => run.state === 'running');
  chosen.value = [];
}

/* ---- events, counted as they come ---- */

const counts = new Map<number, Map<string, number>>();

function count(worker: Worker | null, all: Map<string, number>, event: BuntimeEvent): void {
  if (event.kind === 'state')
    return;
  /* Each run has a folder of its own. */
  const folder = worker?.state.value.file.replace(/[^/]*$/, '') ?? '';
  const object = folder === '' ? event.object : event.object?.replaceAll(folder, '');
  const what = `${event.action} ${event.kind} ${(object ?? event.value ?? '').slice(0, 300)}`;
  if (all.has(what) || all.size < MOST_OBJECTS)
    all.set(what, (all.get(what) ?? 0) + event.count);
}

onItem('events', (item) => {
  if (!counts.has(item.worker))
    counts.set(item.worker, new Map());
  for (const event of item.events)
    count(workerOf(item.worker), counts.get(item.worker)!, event);
});

/* ---- records ---- */

function finish(id: string, worker: Worker): void {
  const state = worker.state.value;
  const events = [...(counts.get(worker.number) ?? [])];
  const folder = state.file.replace(/[^/]*$/, '');
  const { text, whole } = worker.output.tail(MOST_OUTPUT);
  update(id, {
    started: state.started, ended: state.ended, exit: state.exit, state: state.state === 'failed' ? 'failed' : 'exited',
    stopped: stopAsked.value.has(worker.number),
    denied: events.reduce((sum, [what, times]) => sum + (what.startsWith('deny ') ? times : 0), 0),
    events,
    output: state.problem !== null ? `${state.problem.object}: ${state.problem.reason}` : folder === '' ? text : text.replaceAll(folder, ''),
    cut: !whole,
  });
}

const followed = new Set<string>();

/* Until its worker is known no more: another run took its place, or its tab was closed. */
function follow(id: string, number: number): void {
  let timer = 0;
  let last: Worker | null = null;
  const end = () => {
    followed.delete(id);
    if (runs(last))
      update(id, { state: 'lost', stopped: true });
    else if (timer !== 0)
      finish(id, last!);
    queueMicrotask(() => dispose());
  };
  if (followed.has(id))
    return;
  followed.add(id);
  const dispose = effect(() => {
    const worker = workers.value.get(number);
    clearTimeout(timer);
    if (worker === undefined) {
      /* It may be told of later than its number. */
      if (last !== null)
        untracked(end);
      return;
    }
    last = worker;
    timer = 0;
    if (runs(worker))
      return;
    void worker.output.version.value;
    void worker.events.version.value;
    timer = setTimeout(() => {
      timer = 0;
      finish(id, worker);
    }, QUIET);
  });
}

function begin({ tab, set, worker }: Begun): void {
  const started = Date.now();
  const id = `${worker}-${started}`;
  history.value = bounded([{
    id, worker, tab: tab.id, name: tab.name, language: tab.language, template: tab.template, code: tab.code, args: tab.args, set,
    started, ended: null, exit: null, state: 'running', stopped: false, denied: 0, events: [], output: '', cut: false,
  }, ...history.value]);
  follow(id, worker);
}

onBegun(begin);
onMessage('hello', (message) => {
  counts.clear();
  history.value = history.value.map((run) => {
    const known = message.workers.some((worker) => worker.worker === run.worker && worker.tab === run.tab);
    if (run.state !== 'running')
      return run;
    if (known)
      follow(run.id, run.worker);
    return known ? run : { ...run, state: 'lost' };
  });
});
