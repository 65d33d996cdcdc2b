// SPDX-License-Identifier: LGPL-2.1-or-later
/* A connection's times as bars on the axis, and the axis itself. Places are in percent of what is seen. */
import { duration } from '../i18n';
import { ticksOf, type Bar, type Flow, type Range } from './flows';

const MOST_TICKS = 6;

function place(time: number, range: Range): number {
  return ((time - range.from) / (range.to - range.from)) * 100;
}

function One({ bar, range }: { bar: Bar; range: Range }) {
  const left = Math.max(0, place(bar.from, range));
  const right = Math.min(100, place(bar.to, range));
  return right < 0 || left > 100 ? null : <span class={`flow-bar ${bar.part}`} style={{ left: `${left}%`, width: `${Math.max(0, right - left)}%` }} />;
}

export function FlowBars({ flow, now, range }: { flow: Flow; now: number; range: Range }) {
  const bars = flow.state === 'open' ? [...flow.bars, { part: 'open' as const, from: flow.event.time, to: now }] : flow.bars;
  const at = place(flow.to, range);
  return (
    <span class="bars" aria-hidden="true">
      {bars.map((bar) => <One key={bar.part} bar={bar} range={range} />)}
      {flow.state === 'denied' && at >= 0 && at <= 100 && <span class="flow-bar denied" style={{ left: `${at}%` }} />}
    </span>
  );
}

/* Counted from the first connection. */
export function Ticks({ range, origin }: { range: Range; origin: number }) {
  return (
    <span class="bars ticks" aria-hidden="true">
      {ticksOf(range, origin, MOST_TICKS).map((tick) => (
        <span key={tick} class="tick" style={{ left: `${place(tick, range)}%` }}>{duration(tick - origin)}</span>
      ))}
    </span>
  );
}
