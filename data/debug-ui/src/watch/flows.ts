// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Connections, put together from events.
 *
 *   dns allow {host, duration}        the name's question; it belongs to the next connection to that host
 *   net opened {flow}                 it began
 *   net closed {flow, duration, connect, sent, tls, firstByte, bytes…}   it ended: all of its times
 *   net or dns deny                   an attempt: a row of its own
 *
 * A connection whose beginning was not seen is made from its end, which says how long it lasted.
 */
import type { BuntimeEvent } from '../protocol';
import type { EventLog } from '../state/event-log';
import { LogCursors } from './log-cursors';

export type Part = 'dns' | 'connect' | 'tls' | 'wait' | 'transfer' | 'open';

export interface Bar {
  part: Part;
  from: number; /* ms since 1970 */
  to: number;
}

export interface Flow {
  key: string;
  event: BuntimeEvent; /* the last that spoke of it */
  state: 'open' | 'closed' | 'denied';
  from: number; /* with its name's question */
  to: number;
  bars: Bar[]; /* of an open one what is known yet */
}

export const MOST_FLOWS = 2000;
/* How long before a connection its name may have been asked for. */
const NEAR = 30_000;
const MOST_NAMES = 500;

/* What a closed connection spent its time on. Each time is within the whole, whatever the event says. */
export function barsOf(event: BuntimeEvent): Bar[] {
  const whole = event.duration ?? 0;
  const begin = event.time - whole;
  const bars: Bar[] = [];
  let at = 0;
  const add = (part: Part, until: number) => {
    const to = Math.min(Math.max(until, at), whole);
    if (to > at)
      bars.push({ part, from: begin + at, to: begin + to });
    at = to;
  };
  if (event.connect !== undefined)
    add('connect', event.connect);
  const sent = event.sent ?? event.connect ?? 0;
  at = Math.min(Math.max(at, sent), whole);
  if (event.tls !== undefined)
    add('tls', at + event.tls);
  if (event.firstByte !== undefined)
    add('wait', at + event.firstByte);
  add('transfer', whole);
  return bars;
}

export class Flows {
  list: Flow[] = [];
  /* Did any event say that connections are reported? */
  audited = false;
  private cursors = new LogCursors();
  private open = new Map<string, Flow>();
  private asked = new Map<string, BuntimeEvent>();
  private made = 0;

  setLogs(logs: EventLog[]): void {
    if (this.cursors.set(logs))
      this.reset();
  }

  take(): void {
    if (this.cursors.restart())
      this.reset();
    for (const event of this.cursors.take())
      if (event.kind === 'net' || event.kind === 'dns')
        this.hear(event);
    if (this.list.length > MOST_FLOWS * 1.25)
      this.list = this.list.slice(-MOST_FLOWS);
  }

  private reset(): void {
    this.list = [];
    this.audited = false;
    this.open.clear();
    this.asked.clear();
  }

  private hear(event: BuntimeEvent): void {
    switch (event.action) {
      case 'deny':
        this.add({ event, state: 'denied', from: event.time, to: event.time, bars: [] });
        break;
      case 'opened':
        this.audited = true;
        this.open.set(this.nameOf(event), this.add(this.withName({ event, state: 'open', from: event.time, to: event.time, bars: [] })));
        break;
      case 'closed':
        this.audited = true;
        this.close(event);
        break;
      case 'allow':
      case 'warn':
        if (event.kind === 'dns')
          this.remember(event);
        break;
      default:
        break;
    }
  }

  /* Of one worker, and of one connection where events number them. */
  private nameOf(event: BuntimeEvent): string {
    return `${event.worker} ${event.flow ?? event.object}`;
  }

  private close(event: BuntimeEvent): void {
    const name = this.nameOf(event);
    const flow = this.open.get(name);
    const bars = barsOf(event);
    this.open.delete(name);
    if (flow === undefined) {
      this.add(this.withName({ event, state: 'closed', from: event.time - (event.duration ?? 0), to: event.time, bars }));
      return;
    }
    flow.bars = [...flow.bars.filter((bar) => bar.part === 'dns'), ...bars];
    flow.event = event;
    flow.state = 'closed';
    flow.to = event.time;
  }

  private remember(event: BuntimeEvent): void {
    this.asked.set(`${event.worker} ${event.host}`, event);
    if (this.asked.size > MOST_NAMES)
      this.asked.delete(this.asked.keys().next().value ?? '');
  }

  /* Each question is spent on one connection: the next ones know the answer. */
  private withName(flow: Omit<Flow, 'key'>): Omit<Flow, 'key'> {
    const name = `${flow.event.worker} ${flow.event.host}`;
    const question = this.asked.get(name);
    if (question?.duration === undefined || question.time > flow.from + 1000 || flow.from - question.time > NEAR)
      return flow;
    this.asked.delete(name);
    const from = question.time - question.duration;
    return { ...flow, from: Math.min(flow.from, from), bars: [{ part: 'dns', from, to: question.time }, ...flow.bars] };
  }

  private add(flow: Omit<Flow, 'key'>): Flow {
    const made = { ...flow, key: String(++this.made) };
    this.list.push(made);
    return made;
  }
}

export interface Range {
  from: number;
  to: number;
}

const LEAST_RANGE = 5;

/* All of them; open ones last until now. */
export function fit(flows: Flow[], now: number): Range {
  let from = Infinity;
  let to = -Infinity;
  for (const flow of flows) {
    from = Math.min(from, flow.from);
    to = Math.max(to, flow.state === 'open' ? now : flow.to);
  }
  if (from > to)
    return { from: now - 1000, to: now };
  const margin = Math.max(LEAST_RANGE, (to - from) * 0.03);
  return { from: from - margin / 3, to: to + margin };
}

/* factor < 1: closer, to a flow if one is meant. */
export function zoomed(range: Range, factor: number, flow?: Flow): Range {
  const middle = flow === undefined ? (range.from + range.to) / 2 : (flow.from + flow.to) / 2;
  const half = Math.max(LEAST_RANGE / 2, ((range.to - range.from) * factor) / 2);
  return { from: middle - half, to: middle + half };
}

/* part: of what is seen; negative: to earlier. */
export function moved(range: Range, part: number): Range {
  const by = (range.to - range.from) * part;
  return { from: range.from + by, to: range.to + by };
}

/* Round times in the range, ms since 1970, so many that their texts do not touch. */
export function ticksOf(range: Range, origin: number, most: number): number[] {
  const rough = (range.to - range.from) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(Math.max(1, rough)));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? power * 10;
  const ticks: number[] = [];
  for (let at = Math.ceil((range.from - origin) / step) * step + origin; at <= range.to && ticks.length < 50; at += step)
    ticks.push(at);
  return ticks;
}
