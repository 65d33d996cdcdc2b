// SPDX-License-Identifier: LGPL-2.1-or-later
/* How far some logs were read, by one reader. */
import type { BuntimeEvent } from '../protocol';
import type { EventLog } from '../state/event-log';

interface Cursor {
  next: number; /* the first event of the log that was not taken */
  cleared: number;
}

export function byTime(one: BuntimeEvent, two: BuntimeEvent): number {
  return one.time - two.time;
}

export class LogCursors {
  private cursors = new Map<EventLog, Cursor>();

  get size(): number {
    return this.cursors.size;
  }

  get logs(): EventLog[] {
    return [...this.cursors.keys()];
  }

  /* true: one of them went, and what was taken of it is void. All are taken anew then. */
  set(logs: EventLog[]): boolean {
    const again = this.logs.some((log) => !logs.includes(log));
    if (again)
      this.cursors.clear();
    for (const log of logs)
      if (!this.cursors.has(log))
        this.cursors.set(log, { next: 0, cleared: log.cleared });
    return again;
  }

  /* true: one was cleared since. All are taken anew then. */
  restart(): boolean {
    if (![...this.cursors].some(([log, cursor]) => log.cleared !== cursor.cleared))
      return false;
    const { logs } = this;
    this.cursors.clear();
    return !this.set(logs);
  }

  /* What came since, in the order of time. */
  take(): BuntimeEvent[] {
    const came: BuntimeEvent[] = [];
    for (const [log, cursor] of this.cursors) {
      const begin = Math.max(cursor.next - log.first, 0);
      for (let i = begin; i < log.length; i++)
        came.push(log.at(i));
      cursor.next = log.first + log.length;
    }
    return came.sort(byTime);
  }

  /* Events of a log that were not taken. */
  waiting(log: EventLog): number {
    return log.first + log.length - (this.cursors.get(log)?.next ?? 0);
  }
}
