// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the tab's last worker printed, and how it ended. */
import { signal, useSignal, useSignalEffect } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import './console.css';

import { _, bytes, format, number } from '../i18n';
import type { OutputLog } from '../state/output-log';
import { stored } from '../state/stored';
import { runs, workerOf, type Worker } from '../state/workers';
import { problems, stopAsked, wantedLine, type Tab } from '../state/workspace';
import { announce, announceError } from '../ui/announce';
import { VirtualList } from '../ui/virtual-list';
import { ConsoleRow } from './console-row';
import { ConsoleRows } from './console-rows';
import { exitLine, outcomeOf } from './outcome';
import { ProblemBox } from './problem-box';

const ROW_HEIGHT = 18;
const PROBE = 'M'.repeat(40);
const PADDING = 24; /* of a row, both sides */
const LEAST_COLUMNS = 20;

const wrap = stored<boolean>('wrap', true, (value): value is boolean => typeof value === 'boolean');
/* The worker whose end is followed; another one begins followed. */
const follow = signal<Record<number, boolean>>({});

function useColumns(own: RefObject<HTMLElement | null>): number {
  const [columns, setColumns] = useState(80);
  useEffect(() => {
    const measure = () => {
      const list = own.current?.querySelector('.virtual-list');
      const probe = own.current?.querySelector('.probe');
      if (list && probe && list.clientWidth > 0)
        setColumns(Math.max(LEAST_COLUMNS, Math.floor(((list.clientWidth - PADDING) * PROBE.length) / probe.getBoundingClientRect().width)));
    };
    const watch = new ResizeObserver(measure);
    watch.observe(own.current!);
    return () => watch.disconnect();
  }, []);
  return columns;
}

/* Read out: the newest lines, not more than three a second. */
function Spoken({ log }: { log: OutputLog }) {
  const text = useSignal('');
  const said = useRef(log.first + log.length);
  const timer = useRef(0);
  useSignalEffect(() => {
    void log.version.value;
    timer.current ||= setTimeout(() => {
      timer.current = 0;
      const end = log.first + log.length;
      const lines = [];
      for (let i = Math.max(said.current, log.first, end - 3); i < end; i++)
        lines.push(log.at(i - log.first).text.slice(0, 200));
      said.current = end;
      text.value = lines.join('\n');
    }, 1000);
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  return <div class="hidden-text" role="log" aria-label={_('New output')}>{text}</div>;
}

function Lines({ tab, worker, wanted }: { tab: Tab; worker: Worker; wanted: string }) {
  const own = useRef<HTMLDivElement>(null);
  const log = worker.output;
  const rows = useMemo(() => new ConsoleRows(log), [log]);
  const columns = useColumns(own);
  const file = worker.state.value.file;
  const onLine = (line: number) => { wantedLine.value = { tab: tab.id, line }; };

  void log.version.value;
  rows.sync(wrap.value ? columns : 0, wanted.toLowerCase());
  return (
    <div class="console-lines" ref={own} style={{ '--widest': wrap.value ? 0 : rows.widest }}>
      <span class="probe" aria-hidden="true">{PROBE}</span>
      <VirtualList class="console-list" label={_('Output')} count={rows.count} rowHeight={ROW_HEIGHT} dropped={rows.dropped}
        follow={follow.value[worker.number] ?? true} onFollow={(value) => { follow.value = { [worker.number]: value }; }}
        row={(index) => {
          const part = rows.part(index);
          return <ConsoleRow key={`${part.number}.${part.index}`} part={part} file={file} onLine={onLine} />;
        }} />
      <Spoken log={log} />
      {log.length === 0 && <p class="console-empty quiet">{runs(worker) ? _('No output yet') : _('It printed nothing')}</p>}
      {log.length > 0 && rows.count === 0 && <p class="console-empty quiet">{_('No line matches')}</p>}
    </div>
  );
}

function limitOf(worker: Worker) {
  const { events } = worker;
  for (let i = events.length - 1; i >= Math.max(0, events.length - 100); i--) {
    if (events.at(i).kind === 'limit')
      return events.at(i);
  }
  return null;
}

function End({ worker }: { worker: Worker }) {
  const state = worker.state.value;
  if (state.state === 'failed')
    return state.problem === null ? null : <ProblemBox problem={state.problem} title={_('It could not be started')} />;
  if (state.state !== 'exited')
    return null;
  void worker.events.version.value;
  return <p role="status" class={`exit-line ${outcomeOf(state).kind}`}>{exitLine(state, stopAsked.value.has(worker.number), limitOf(worker))}</p>;
}

function Counts({ log }: { log: OutputLog }) {
  void log.version.value;
  return (
    <span class="quiet">
      {log.first > 0 && log.length > 0 && format(_('the last %1 of %2 lines'), number(log.length), number(log.first + log.length))}
      {log.skipped > 0 && ` ${format(_('%1 skipped'), bytes(log.skipped))}`}
    </span>
  );
}

async function copy(log: OutputLog): Promise<void> {
  try {
    await navigator.clipboard.writeText(log.tail(Infinity).text);
    announce(_('Output copied'));
  } catch (error) {
    announceError(error);
  }
}

export function Console({ tab }: { tab: Tab }) {
  const wanted = useSignal('');
  const worker = workerOf(tab.worker);
  const problem = problems.value.get(tab.id);
  const following = worker === null || (follow.value[worker.number] ?? true);
  return (
    <div class="console">
      <div class="bar">
        <h2>{_('Output')}</h2>
        {worker !== null && <Counts log={worker.output} />}
        <span class="space" />
        <input type="search" class="find" size={Math.max(6, _('Search').length + 2)} placeholder={_('Search')} aria-label={_('Show only lines of output with')} value={wanted}
          onInput={(event) => { wanted.value = event.currentTarget.value; }} />
        <button type="button" class="plain" aria-pressed={wrap.value} onClick={() => { wrap.value = !wrap.value; }}>{_('Wrap')}</button>
        <button type="button" class="plain" aria-pressed={following} disabled={worker === null} title={_('Keep the last line in view')}
          onClick={() => { follow.value = { [worker!.number]: !following }; }}>{_('Follow')}</button>
        <button type="button" class="plain" disabled={worker === null} onClick={() => copy(worker!.output)}>{_('Copy')}</button>
        <button type="button" class="plain" disabled={worker === null} onClick={() => worker!.output.clear()}>{_('Clear')}</button>
      </div>
      {problem !== undefined && <ProblemBox problem={problem} title={_('It could not be run')} />}
      {worker === null
        ? problem === undefined && <p class="console-empty quiet">{_('What the program prints comes here. Run it with Ctrl+Enter.')}</p>
        : <Lines key={worker.number} tab={tab} worker={worker} wanted={wanted.value} />}
      {worker !== null && <End worker={worker} />}
    </div>
  );
}
