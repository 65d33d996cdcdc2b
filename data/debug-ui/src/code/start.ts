// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * `buntime run --debug-ui w.py`: the page opens with that program, and runs it.
 *
 * Once for each server: a page that is loaded again, or a second one, shows it and what it did. The key of
 * the server tells one from the next, and its worker's tab tells a second page that it was run.
 */
import type { Start } from '../protocol';
import { onMessage } from '../state/connection';
import { cards, flags } from '../state/policies';
import { stored } from '../state/stored';
import { openTab, run } from '../state/workspace';

const PREFIX = 'start-';

const begun = stored<string>('begun', '', (value): value is string => typeof value === 'string');

/* What the command line says is all that holds. */
function grant(start: Start): void {
  cards.value = cards.value.map((card) => ({ ...card, on: false }));
  flags.value = start.flags.map((flag) => ({ flag, scope: 'page' }));
}

onMessage('hello', (message) => {
  const { start } = message;
  const server = sessionStorage.getItem('buntime-token') ?? '';
  if (start === null || begun.value === server)
    return;
  begun.value = server;
  const before = message.workers.filter((worker) => worker.tab.startsWith(PREFIX)).at(-1);
  const id = before?.tab ?? PREFIX + crypto.randomUUID();
  grant(start);
  const tab = openTab({ name: start.name, language: start.language, code: start.code, args: start.args, worker: before?.worker ?? null }, id);
  if (before === undefined)
    void run(tab);
});
