// SPDX-License-Identifier: LGPL-2.1-or-later
/* A connection as a row: with bars on the axis of time, or with figures. */
import { _, bytes, duration } from '../i18n';
import { plain } from '../ui/plain';
import { FlowBars, Ticks } from './flow-bars';
import type { Flow, Part, Range } from './flows';

const PARTS: Part[] = ['dns', 'connect', 'tls', 'wait', 'transfer', 'open'];

function partName(part: Part): string {
  return {
    dns: _('DNS'), connect: _('Connect'), tls: _('TLS'), wait: _('First byte'), transfer: _('Transfer'), open: _('Held open'),
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

export function Cells({ flow, now }: { flow: Flow; now: number }) {
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

export function Waterfall({ flow, now, range }: { flow: Flow; now: number; range: Range }) {
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

export function FlowHead({ asTable, range, origin }: { asTable: boolean; range: Range; origin: number }) {
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

export function Legend() {
  return (
    <ul class="legend" aria-label={_('Colours')}>
      {PARTS.map((part) => <li key={part}><span class={`flow-bar ${part}`} aria-hidden="true" />{partName(part)}</li>)}
    </ul>
  );
}
