// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the Watch area shows: whose events, which of them, and when it is drawn: once a frame at most. */
import { computed, effect, signal, untracked } from '@preact/signals';

import { stored } from '../state/stored';
import { workerOf, workers, type Worker } from '../state/workers';
import { active } from '../state/workspace';
import { EventView } from './event-view';
import { compile } from './filter';
import type { Grouping } from './groups';

export type Scope = 'tab' | 'all';

function oneOf<T extends string>(...names: T[]): (value: unknown) => value is T {
  return (value): value is T => (names as unknown[]).includes(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

export const pane = stored<string>('watch-pane', 'events', isText);
export const scope = stored<Scope>('watch-scope', 'tab', oneOf<Scope>('tab', 'all'));
export const grouping = stored<Grouping>('watch-grouping', 'none', oneOf<Grouping>('none', 'object', 'rule', 'host', 'kind', 'worker'));
export const filterText = stored<string>('watch-filter', '', isText);
export const filter = computed(() => compile(filterText.value));
export const paused = signal(false);
export const follow = signal(true);

/* The last run of the tab that is shown. */
export const worker = computed<Worker | null>(() => workerOf(active.value.worker));

/* Whose events and flows are shown. */
export const watched = computed<Worker[]>(() =>
  scope.value === 'all' ? [...workers.value.values()] : worker.value === null ? [] : [worker.value]);

export const view = new EventView(compile(''));

/* Calls `draw` before the next frame, however often it is asked to. A hidden page has none, and needs none. */
export function oncePerFrame(draw: () => void): () => void {
  let asked = false;
  return () => {
    if (!asked)
      requestAnimationFrame(() => {
        asked = false;
        draw();
      });
    asked = true;
  };
}

const takeSoon = oncePerFrame(() => {
  if (!paused.peek())
    view.take();
});
const filterSoon = oncePerFrame(() => view.setFilter(filter.peek()));

effect(() => {
  void filter.value;
  filterSoon();
});
effect(() => {
  const logs = watched.value.map((one) => one.events);
  untracked(() => view.setLogs(logs));
});
effect(() => {
  for (const one of watched.value)
    void one.events.version.value;
  if (!paused.value)
    takeSoon();
});
