// SPDX-License-Identifier: LGPL-2.1-or-later
/* The runs of this page, to open again and to compare. */
import { signal } from '@preact/signals';

import './history.css';

import { _, bytes, clock, duration, format, number } from '../i18n';
import { turnOn } from '../state/policies';
import { openTab } from '../state/workspace';
import { announce } from '../ui/announce';
import { Dialog } from '../ui/dialog';
import { Comparison } from './comparison';
import { chosen, clearHistory, history, MOST_HISTORY, MOST_OUTPUT, MOST_RUNS, type RunRecord } from './history';
import { resultOf } from './outcome';

const open = signal(false);
/* Two runs, the older first. */
const compared = signal<[RunRecord, RunRecord] | null>(null);

export function openHistory(): void {
  open.value = true;
}

function policiesOf(run: RunRecord): string[] {
  return [...run.set.policies.map((part) => ('preset' in part ? part.preset : part.name)), ...run.set.flags];
}

function close(): void {
  open.value = false;
  compared.value = null;
}

function reopen(run: RunRecord): void {
  turnOn(run.set);
  openTab({ name: run.name, language: run.language, template: run.template, code: run.code, args: run.args });
  close();
  announce(format(_('%1 is opened as it was, with its policies'), run.name));
}

function choose(id: string, on: boolean): void {
  chosen.value = on ? [...chosen.value, id].slice(-2) : chosen.value.filter((other) => other !== id);
}

function compare(): void {
  const runs = history.value.filter((run) => chosen.value.includes(run.id));
  if (runs.length === 2)
    compared.value = [runs[1], runs[0]];
}

function Row({ run }: { run: RunRecord }) {
  const policies = policiesOf(run);
  const good = run.state === 'exited' && run.exit === 0;
  const time = clock(run.started);
  return (
    <tr role="row">
      <td role="cell" class="choice"><input type="checkbox" aria-label={format(_('Compare %1 of %2'), run.name, time)} checked={chosen.value.includes(run.id)}
        onChange={(event) => choose(run.id, event.currentTarget.checked)} /></td>
      <td role="cell" class="mono time">{time}</td>
      <th role="rowheader" scope="row">{run.name}{run.template !== null && <span class="quiet"> {run.template}</span>}</th>
      <td role="cell" class="granted">{policies.length === 0 ? <span class="quiet">{_('none')}</span> : policies.map((name) => <span key={name} class="badge">{name}</span>)}</td>
      <td role="cell" class="how"><span class={`badge ${run.state === 'running' ? 'accent' : good ? 'allow' : 'deny'}`}>{resultOf(run)}</span></td>
      <td role="cell" class="number">{run.ended === null ? '' : duration(run.ended - run.started)}</td>
      <td role="cell" class="number denied" data-name={_('Denied')}>{run.denied > 0 ? <span class="badge deny">{number(run.denied)}</span> : '0'}</td>
      <td role="cell" class="again"><button type="button" onClick={() => reopen(run)} aria-label={format(_('Open %1 of %2 again'), run.name, time)}>{_('Reopen')}</button></td>
    </tr>
  );
}

function List() {
  if (history.value.length === 0)
    return <p class="quiet">{_('Nothing was run yet. Each run is kept here, with what it was granted and how it ended.')}</p>;
  return (
    <div class="history-list" role="region" aria-label={_('Runs')} tabIndex={0}>
      {/* Where it is narrow its rows are no table's to the browser any more: hence the roles. */}
      <table role="table">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col"><span class="hidden-text">{_('Compare')}</span></th>
            <th role="columnheader" scope="col">{_('Time')}</th>
            <th role="columnheader" scope="col">{_('Program')}</th>
            <th role="columnheader" scope="col">{_('Policies')}</th>
            <th role="columnheader" scope="col">{_('Result')}</th>
            <th role="columnheader" scope="col" class="number">{_('Duration')}</th>
            <th role="columnheader" scope="col" class="number">{_('Denied')}</th>
            <th role="columnheader" scope="col"><span class="hidden-text">{_('Reopen')}</span></th>
          </tr>
        </thead>
        <tbody role="rowgroup">{history.value.map((run) => <Row key={run.id} run={run} />)}</tbody>
      </table>
    </div>
  );
}

export function History() {
  if (!open.value)
    return null;
  if (compared.value !== null) {
    const [older, newer] = compared.value;
    return (
      <Dialog key="comparison" title={format(_('%1 of %2 and %3 of %4'), older.name, clock(older.started), newer.name, clock(newer.started))} wide onClose={close}
        actions={<>
          <button type="button" onClick={() => { compared.value = null; }}>{_('All runs')}</button>
          <button type="button" onClick={close}>{_('Close')}</button>
        </>}>
        <Comparison older={older} newer={newer} />
      </Dialog>
    );
  }
  return (
    <Dialog key="history" title={_('History')} wide onClose={close}
      actions={<>
        <button type="button" class="danger" disabled={history.value.length === 0} onClick={clearHistory}>{_('Forget all')}</button>
        <span class="space" />
        <button type="button" class="primary" disabled={chosen.value.length !== 2} title={_('Choose two runs')} onClick={compare}>{_('Compare')}</button>
        <button type="button" onClick={close}>{_('Close')}</button>
      </>}>
      <List />
      <p class="quiet history-kept">
        {format(_('The last %1 runs of this browser tab, as far as %2 hold them; of each the last %3 of its output.'),
          number(MOST_RUNS), bytes(MOST_HISTORY), bytes(MOST_OUTPUT))}
      </p>
    </Dialog>
  );
}
