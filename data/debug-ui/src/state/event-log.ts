// SPDX-License-Identifier: LGPL-2.1-or-later
/* The last events of a worker: a bounded buffer whose rows keep their numbers. */
import { signal } from '@preact/signals';

import type { BuntimeEvent } from '../protocol';

export const MOST_EVENTS = 100_000;
/* Of all texts together: a program may give each a path of 4 KiB. */
export const MOST_CHARACTERS = 64_000_000;

/* What an event says that a program can make long; and what all are long. */
export function lengthOf(event: BuntimeEvent): number {
  return 400 + (event.object?.length ?? 0) + (event.value?.length ?? 0) + (event.suggestion?.length ?? 0) + (event.host?.length ?? 0);
}

/* How many to drop at the front; 0 mostly: they go in large steps, since each moves the whole array. */
export function overOf(events: BuntimeEvent[], characters: number): number {
  let over = events.length > MOST_EVENTS * 1.25 ? events.length - MOST_EVENTS : 0;
  if (characters <= MOST_CHARACTERS * 1.25)
    return over;
  for (let i = 0; i < over; i++)
    characters -= lengthOf(events[i]);
  for (; characters > MOST_CHARACTERS && over < events.length; over++)
    characters -= lengthOf(events[over]);
  return over;
}

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
  private characters = 0;

  get length(): number {
    return this.events.length;
  }

  /* index: from 0, of those that are kept. */
  at(index: number): BuntimeEvent {
    return this.events[index];
  }

  add(events: BuntimeEvent[], skipped: number): void {
    for (const event of events) {
      this.events.push(event);
      this.characters += lengthOf(event);
    }
    this.skipped += skipped;
    this.drop(overOf(this.events, this.characters));
    this.version.value++;
  }

  clear(): void {
    this.first += this.events.length;
    this.events = [];
    this.characters = 0;
    this.skipped = 0;
    this.cleared++;
    this.version.value++;
  }

  private drop(count: number): void {
    if (count === 0)
      return;
    for (let i = 0; i < count; i++)
      this.characters -= lengthOf(this.events[i]);
    this.events = this.events.slice(count);
    this.first += count;
  }
}
