// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The shown events put together by what they have in common: a list of groups, the largest first, with the
 * rows of those that are open between them. Kept up as events come; put in order anew at most twice a
 * second once there are many groups.
 */
import type { BuntimeEvent } from '../protocol';
import { ruleText } from './filter';
import type { EventView } from './event-view';

export type Grouping = 'none' | 'object' | 'rule' | 'host' | 'kind' | 'worker';

export interface Group {
  key: string;
  events: BuntimeEvent[];
  count: number; /* operations */
  denied: number;
  last: number; /* ms since 1970 */
}

export interface Row {
  group: Group | null; /* a group's own row */
  event: BuntimeEvent | null;
}

const MANY = 2000;
const PAUSE = 500;

function keyOf(event: BuntimeEvent, by: Grouping): string {
  switch (by) {
    case 'object':
      return event.object ?? '';
    case 'rule':
      return ruleText(event);
    case 'host':
      return event.host ?? '';
    case 'worker':
      return event.worker;
    default:
      return event.kind;
  }
}

export class Groups {
  order: Group[] = [];
  private byKey = new Map<string, Group>();
  private open = new Set<string>();
  private taken = 0;
  private generation = -1;
  private sorted = 0;

  constructor(private view: EventView, readonly by: Grouping) {}

  /* Takes what is new. */
  update(now: number): void {
    const { view } = this;
    if (this.generation !== view.generation) {
      this.generation = view.generation;
      this.byKey.clear();
      this.order = [];
      this.taken = 0;
      this.sorted = 0;
    }
    if (this.taken === view.length)
      return;
    for (; this.taken < view.length; this.taken++)
      this.add(view.at(this.taken));
    if (this.order.length > MANY && now - this.sorted < PAUSE)
      return;
    this.sorted = now;
    this.order.sort((one, two) => two.count - one.count || (one.key < two.key ? -1 : 1));
  }

  /* Of all rows: groups, and events of open ones. */
  get length(): number {
    let length = this.order.length;
    for (const key of this.open)
      length += this.byKey.get(key)?.events.length ?? 0;
    return length;
  }

  at(index: number): Row {
    for (const [place, group] of this.openOnes()) {
      if (index <= place)
        break;
      if (index <= place + group.events.length)
        return { group: null, event: group.events[index - place - 1] };
      index -= group.events.length;
    }
    return { group: this.order[index] ?? null, event: null };
  }

  indexOf(row: Row): number {
    /* By its key: what was pointed to may have been made anew since. */
    const key = row.group !== null ? row.group.key : row.event !== null ? keyOf(row.event, this.by) : null;
    const group = key === null ? undefined : this.byKey.get(key);
    const place = group === undefined ? -1 : this.order.indexOf(group);
    if (group === undefined || place < 0)
      return -1;
    let index = place;
    for (const [before, other] of this.openOnes())
      index += before < place ? other.events.length : 0;
    if (row.event === null)
      return index;
    const inside = this.open.has(group.key) ? group.events.lastIndexOf(row.event) : -1;
    return inside < 0 ? -1 : index + 1 + inside;
  }

  isOpen(group: Group): boolean {
    return this.open.has(group.key);
  }

  setOpen(group: Group, open: boolean): void {
    if (open)
      this.open.add(group.key);
    else
      this.open.delete(group.key);
  }

  private add(event: BuntimeEvent): void {
    const key = keyOf(event, this.by);
    let group = this.byKey.get(key);
    if (group === undefined) {
      group = { key, events: [], count: 0, denied: 0, last: 0 };
      this.byKey.set(key, group);
      this.order.push(group);
    }
    group.events.push(event);
    group.count += event.count;
    group.denied += event.action === 'deny' ? event.count : 0;
    group.last = event.time;
  }

  /* With their places among the groups, in order. */
  private openOnes(): [place: number, group: Group][] {
    const found: [number, Group][] = [];
    for (const key of this.open) {
      const group = this.byKey.get(key);
      if (group !== undefined)
        found.push([this.order.indexOf(group), group]);
    }
    return found.sort((one, two) => one[0] - two[0]);
  }
}
