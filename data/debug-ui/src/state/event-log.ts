// SPDX-License-Identifier: LGPL-2.1-or-later
/* The last events of a worker: a bounded buffer whose rows keep their numbers. */
import { signal } from '@preact/signals';

import type { BuntimeEvent } from '../protocol';

export const MOST_EVENTS = 100_000;

export class EventLog {
  /* Counts up once a batch. */
  readonly version = signal(0);
  /* The number of the first event that is kept; those before it were dropped here. */
  first = 0;
  /* Events that the server skipped: this page was too slow for them. */
  skipped = 0;
  /* How often it was cleared. */
  cleared = 0;
  private events: BuntimeEvent[] = [];

  get length(): number {
    return this.events.length;
  }

  /* index: from 0, of those that are kept. */
  at(index: number): BuntimeEvent {
    return this.events[index];
  }

  add(events: BuntimeEvent[], skipped: number): void {
    for (const event of events)
      this.events.push(event);
    this.skipped += skipped;
    /* Cut in large steps: each moves the whole array. */
    if (this.events.length > MOST_EVENTS * 1.25) {
      this.first += this.events.length - MOST_EVENTS;
      this.events = this.events.slice(-MOST_EVENTS);
    }
    this.version.value++;
  }

  clear(): void {
    this.first += this.events.length;
    this.events = [];
    this.skipped = 0;
    this.cleared++;
    this.version.value++;
  }
}
