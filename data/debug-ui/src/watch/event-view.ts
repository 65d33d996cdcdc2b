// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The events of one log or of several in the order of time, and those of them that a filter passes.
 *
 *   logs ──take()──▶ all: as many as a log keeps, each with a number ──filter──▶ shown: numbers, ascending
 *
 * take() costs what is new, setFilter() costs what is kept, once. An event may belong before some that are
 * here (of another log; the end of a connection is told late): then that tail is merged anew. Nothing here is a signal but `version`, which
 * counts up when something changed.
 */
import { signal } from '@preact/signals';

import type { BuntimeEvent } from '../protocol';
import { lengthOf, overOf, type EventLog } from '../state/event-log';
import type { Filter } from './filter';
import { byTime, LogCursors } from './log-cursors';

/* How many of the numbers, which ascend, are below the limit. */
function countBelow(numbers: number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < limit)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

export class EventView {
  readonly version = signal(0);
  /* Operations by action, of all that are kept. */
  readonly counts = new Map<string, number>();
  /* How many shown rows went at the front. */
  gone = 0;
  /* Counts up when rows changed otherwise than at their end. */
  generation = 0;

  private all: BuntimeEvent[] = [];
  private first = 0;
  private shown: number[] = [];
  private characters = 0;
  private cursors = new LogCursors();

  constructor(private filter: Filter) {}

  /* Of all that are kept. */
  get total(): number {
    return this.all.length;
  }

  /* Of those that the filter passes. */
  get length(): number {
    return this.shown.length;
  }

  at(index: number): BuntimeEvent {
    return this.all[this.shown[index] - this.first];
  }

  /* Is it one of those that are kept? */
  has(event: BuntimeEvent): boolean {
    return this.all.lastIndexOf(event) >= 0;
  }

  /* -1: it is not shown. */
  indexOf(event: BuntimeEvent): number {
    const number = this.all.lastIndexOf(event) + this.first;
    const index = countBelow(this.shown, number);
    return this.shown[index] === number ? index : -1;
  }

  /* Events that came too fast for this page. */
  get skipped(): number {
    return this.cursors.logs.reduce((sum, log) => sum + log.skipped, 0);
  }

  /* Events of a log that were not taken. */
  waiting(log: EventLog): number {
    return this.cursors.waiting(log);
  }

  setFilter(filter: Filter): void {
    this.filter = filter;
    this.shown = [];
    this.gone = 0;
    this.generation++;
    this.match(0);
    this.version.value++;
  }

  setLogs(logs: EventLog[]): void {
    if (this.cursors.set(logs))
      this.reset();
    this.take();
  }

  clear(): void {
    for (const log of this.cursors.logs)
      log.clear();
    this.take();
  }

  /* What came since. */
  take(): void {
    if (this.cursors.restart())
      this.reset();
    const came = this.cursors.take();
    if (came.length > 0)
      this.add(came);
    this.version.value++;
  }

  private reset(): void {
    this.all = [];
    this.first = 0;
    this.shown = [];
    this.gone = 0;
    this.generation++;
    this.counts.clear();
    this.characters = 0;
  }

  private add(came: BuntimeEvent[]): void {
    const begin = this.takeBack(came);
    for (const event of came) {
      this.all.push(event);
      this.count(event, 1);
    }
    this.match(begin);
    this.trim();
  }

  /* Of what is here, what is later than the first that came; put in among it. Where that leaves off. */
  private takeBack(came: BuntimeEvent[]): number {
    let begin = this.all.length;
    while (begin > 0 && this.all[begin - 1].time > came[0].time)
      begin--;
    if (begin < this.all.length) {
      const tail = this.all.splice(begin);
      for (const event of tail)
        this.count(event, -1);
      this.shown.length = countBelow(this.shown, this.first + begin);
      this.generation++;
      /* A spread of so many arguments may be more than the stack holds. */
      const both = tail.concat(came).sort(byTime);
      came.length = 0;
      for (const event of both)
        came.push(event);
    }
    return begin;
  }

  private match(begin: number): void {
    const { test, empty } = this.filter;
    for (let i = begin; i < this.all.length; i++)
      if (empty || test(this.all[i]))
        this.shown.push(this.first + i);
  }

  private trim(): void {
    const over = overOf(this.all, this.characters);
    if (over === 0)
      return;
    for (let i = 0; i < over; i++)
      this.count(this.all[i], -1);
    this.all = this.all.slice(over);
    this.first += over;
    const hidden = countBelow(this.shown, this.first);
    this.shown = this.shown.slice(hidden);
    this.gone += hidden;
    this.generation++;
  }

  private count(event: BuntimeEvent, sign: number): void {
    this.characters += sign * lengthOf(event);
    const left = (this.counts.get(event.action) ?? 0) + sign * event.count;
    if (left > 0)
      this.counts.set(event.action, left);
    else
      this.counts.delete(event.action);
  }
}
