// SPDX-License-Identifier: LGPL-2.1-or-later
/* A connection's times as bars on the axis, and the axis itself. Places are in percent of what is seen. */
import { useRef } from 'preact/hooks';

import { duration } from '../i18n';
import { useWidth } from '../ui/width';
import { ticksOf, type Bar, type Flow, type Range } from './flows';

const TICK = 80; /* pixels that its text needs */

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
  const own = useRef<HTMLSpanElement>(null);
  const width = useWidth(own, 400);
  return (
    <span ref={own} class="bars ticks" aria-hidden="true">
      {ticksOf(range, origin, width / TICK).map((tick) => (
        <span key={tick} class="tick" style={{ left: `${place(tick, range)}%` }}>{duration(tick - origin)}</span>
      ))}
    </span>
  );
}
