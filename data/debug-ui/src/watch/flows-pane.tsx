// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Connections on one axis of time, a row each: its name, the connection, TLS, the first byte, the rest.
 * The same in figures is a table, which is also what there is for those who see no bars.
 */
import { effect, signal } from '@preact/signals';
import { useEffect, useId, useMemo, useState } from 'preact/hooks';

import { _, bytes, duration, format, number } from '../i18n';
import { runs } from '../state/workers';
import { plain } from '../ui/plain';
import { VirtualList } from '../ui/virtual-list';
import { AuditOffer } from './audit-offer';
import { canPermit, permit } from './event-actions';
import { EventDetails } from './event-details';
import { FlowBars, Ticks } from './flow-bars';
import { fit, Flows, moved, zoomed, type Flow, type Part, type Range } from './flows';
import { ScopeSwitch } from './scope-switch';
import { oncePerFrame, watched } from './watch-state';

const ROW = 28;
const LIVE = 500;
const PARTS: Part[] = ['dns', 'connect', 'tls', 'wait', 'transfer', 'open'];

export function partName(part: Part): string {
  return {
    dns: _('DNS'), connect: _('Connect'), tls: _('TLS'), wait: _('First byte'), transfer: _('Transfer'), open: _('Open'),
  }[part];
}

function timeOf(flow: Flow, part: Part): string {
  const bar = flow.bars.find((one) => one.part === part);
  return bar === undefined ? '' : duration(bar.to - bar.from);
}

function stateText(flow: Flow): string {
  return { open: _('open'), closed: _('closed'), denied: _('denied') }[flow.state];
}

function wholeOf(flow: Flow, now: number): string {
  return flow.state === 'denied' ? '' : duration((flow.state === 'open' ? now : flow.to) - flow.from);
}

function amount(value: number | undefined): string {
  return value === undefined ? '' : bytes(value);
}

function Destination({ flow }: { flow: Flow }) {
  return (
    <span role="gridcell" class="destination">
      {flow.state !== 'closed' && <span class={`badge ${flow.state === 'denied' ? 'deny' : 'accent'}`}>{stateText(flow)}</span>}
      <span class="mono">{plain(flow.event.object ?? '')}</span>
    </span>
  );
}

function Cells({ flow, now }: { flow: Flow; now: number }) {
  return (
    <>
      <Destination flow={flow} />
      {PARTS.slice(0, 5).map((part) => <span key={part} role="gridcell" class="number">{timeOf(flow, part)}</span>)}
      <span role="gridcell" class="number">{wholeOf(flow, now)}</span>
      <span role="gridcell" class="number">{amount(flow.event.bytesOut)}</span>
      <span role="gridcell" class="number">{amount(flow.event.bytesIn)}</span>
    </>
  );
}

function Waterfall({ flow, now, range }: { flow: Flow; now: number; range: Range }) {
  const words = [...flow.bars.map((bar) => `${partName(bar.part)} ${duration(bar.to - bar.from)}`), stateText(flow)].join(', ');
  return (
    <>
      <Destination flow={flow} />
      <span role="gridcell" class="bars-cell" aria-label={words}><FlowBars flow={flow} now={now} range={range} /></span>
      <span role="gridcell" class="number">{wholeOf(flow, now)}</span>
      <span role="gridcell" class="number amount">{amount(flow.event.bytesOut)}</span>
      <span role="gridcell" class="number amount">{amount(flow.event.bytesIn)}</span>
    </>
  );
}

function Head({ asTable, range, origin }: { asTable: boolean; range: Range; origin: number }) {
  return (
    <div role="row" class="flow-row head">
      <span role="columnheader">{_('Destination')}</span>
      {asTable
        ? PARTS.slice(0, 5).map((part) => <span key={part} role="columnheader" class="number">{partName(part)}</span>)
        : <span role="columnheader" class="bars-cell"><span class="hidden-text">{_('Time')}</span><Ticks range={range} origin={origin} /></span>}
      <span role="columnheader" class="number">{_('Whole')}</span>
      <span role="columnheader" class="number amount">{_('Out')}</span>
      <span role="columnheader" class="number amount">{_('In')}</span>
    </div>
  );
}

function Legend() {
  return (
    <ul class="legend" aria-label={_('Colours')}>
      {PARTS.map((part) => <li key={part}><span class={`flow-bar ${part}`} aria-hidden="true" />{partName(part)}</li>)}
    </ul>
  );
}

/* Reads the logs while this pane is shown, once a frame at most; while something is open, time goes on. */
function useFlows(): { flows: Flows; now: number } {
  const flows = useMemo(() => new Flows(), []);
  const version = useMemo(() => signal(0), []);
  useEffect(() => {
    const takeSoon = oncePerFrame(() => {
      flows.setLogs(watched.peek().map((one) => one.events));
      flows.take();
      version.value++;
    });
    const end = effect(() => {
      for (const one of watched.value)
        void one.events.version.value;
      takeSoon();
    });
    const timer = setInterval(() => {
      if (watched.peek().some(runs) && flows.list.some((flow) => flow.state === 'open'))
        version.value++;
    }, LIVE);
    return () => {
      end();
      clearInterval(timer);
    };
  }, []);
  void version.value;
  /* A run that is over holds nothing open. */
  const ended = watched.value.some(runs) ? null : Math.max(0, ...watched.value.map((one) => one.state.value.ended ?? 0));
  return { flows, now: ended === null || ended === 0 ? Date.now() : ended };
}

function Empty({ audited }: { audited: boolean }) {
  return (
    <div class="empty">
      <p>{_('No connections yet.')}</p>
      {!audited && <AuditOffer why={_('Connections are reported under the audit policy; without it only those that are denied show here.')} />}
    </div>
  );
}

export function FlowsPane() {
  const id = useId();
  const { flows, now } = useFlows();
  const [chosen, setChosen] = useState<string | null>(null);
  const [asTable, setAsTable] = useState(false);
  const [window_, setWindow] = useState<Range | null>(null);
  const [follow, setFollow] = useState(true);
  const { list } = flows;
  const whole = fit(list, now);
  const range = window_ ?? whole;
  const at = chosen === null ? -1 : list.findIndex((flow) => flow.key === chosen);
  const choose = (index: number) => {
    setFollow(false);
    setChosen(list[Math.min(list.length - 1, Math.max(0, index))]?.key ?? null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? list.length - 1 : at - 1, Home: 0, End: list.length - 1 }[event.key];
    const seen = { '+': () => zoomed(range, 0.5, list[at]), '-': () => zoomed(range, 2), '0': () => null, 'ArrowLeft': () => moved(range, -0.2), 'ArrowRight': () => moved(range, 0.2) }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey)
      return;
    if (to !== undefined)
      choose(to);
    else if (seen !== undefined)
      setWindow(seen());
    else if (event.key === 'p' && at >= 0 && canPermit(list[at].event))
      permit(list[at].event);
    else if (event.key === 'Escape')
      setChosen(null);
    else
      return;
    event.preventDefault();
  };
  const row = (index: number) => (
    <div key={list[index].key} id={`${id}-${index}`} role="row" aria-rowindex={index + 2} aria-selected={index === at} class={`flow-row ${list[index].state}`} onClick={() => choose(index)}>
      {asTable ? <Cells flow={list[index]} now={now} /> : <Waterfall flow={list[index]} now={now} range={range} />}
    </div>
  );

  return (
    <div class="flows-pane">
      <div class="watch-tools">
        <ScopeSwitch />
        <div class="button-group" role="group" aria-label={_('Time that is shown')}>
          <button type="button" disabled={window_ === null} onClick={() => setWindow(null)}>{_('Fit')}</button>
          <button type="button" aria-label={_('Closer')} onClick={() => setWindow(zoomed(range, 0.5, list[at]))}>+</button>
          <button type="button" aria-label={_('Wider')} onClick={() => setWindow(zoomed(range, 2))}>−</button>
          <button type="button" aria-label={_('Earlier')} onClick={() => setWindow(moved(range, -0.2))}>←</button>
          <button type="button" aria-label={_('Later')} onClick={() => setWindow(moved(range, 0.2))}>→</button>
        </div>
        <button type="button" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>{_('As a table')}</button>
        <Legend />
        <span class="quiet status">{format(_('%1 connections and attempts'), number(list.length))}</span>
      </div>
      <div class={`events-body ${at >= 0 ? 'with-details' : ''} ${asTable ? 'as-table' : ''}`}>
        {list.length === 0 ? <Empty audited={flows.audited} /> : (
          <div class="flow-list">
            {!flows.audited && <AuditOffer why={_('Only what was denied: connections are reported under the audit policy.')} />}
            <VirtualList count={list.length} rowHeight={ROW} row={row} follow={follow} onFollow={setFollow} active={at < 0 ? null : at} label={_('Connections')} role="grid"
              head={<Head asTable={asTable} range={range} origin={list[0].from} />} headHeight={ROW}
              attributes={{ 'onKeyDown': onKeyDown, 'aria-rowcount': list.length + 1, 'aria-activedescendant': at < 0 ? undefined : `${id}-${at}` }} />
          </div>
        )}
        {at >= 0 && <EventDetails event={list[at].event} onClose={() => setChosen(null)} />}
      </div>
    </div>
  );
}
