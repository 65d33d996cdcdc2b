// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What workers said and did, as far as this page keeps it.
 *
 * Output and events come faster than rows can be made for them, so they lie in plain bounded buffers, and
 * `version` counts up once a batch: who draws subscribes to it and reads the rows it shows.
 */
import { batch, effect, signal, type Signal } from '@preact/signals';

import type { BuntimeEvent, Message, Process, Ring, WorkerState } from '../protocol';
import { onItem, onMessage } from './connection';
import { EventLog } from './event-log';
import { OutputLog } from './output-log';

/* Two minutes of two a second. */
const SAMPLES = 240;
const MOST_MESSAGES = 1000;
const MOST_MESSAGE_CHARACTERS = 16_000_000;

export interface RingSample {
  time: number;
  toWorker: Ring;
  fromWorker: Ring;
}

export interface MemorySample {
  time: number;
  processes: Process[];
}

export interface Syscalls {
  connect: number;
  openat: number;
  execve: number;
}

export interface Worker {
  number: number;
  state: Signal<WorkerState>;
  output: OutputLog;
  events: EventLog;
  messages: Signal<Message[]>;
  memory: Signal<MemorySample[]>;
  rings: Signal<RingSample[]>;
  syscalls: Signal<(Syscalls & { time: number })[]>;
}

export const workers = signal<ReadonlyMap<number, Worker>>(new Map());

export function workerOf(number: number | null): Worker | null {
  return number === null ? null : (workers.value.get(number) ?? null);
}

export function runs(worker: Worker | null): boolean {
  const state = worker?.state.value.state;
  return state === 'starting' || state === 'running';
}

/* Resolved when it runs no longer, or nothing is known of it any more. */
export function onOver(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    let over = false;
    const dispose = effect(() => {
      if (over || (runs(worker) && workers.value.get(worker.number) === worker))
        return;
      over = true;
      resolve();
      queueMicrotask(() => dispose());
    });
  });
}

function hearState(state: WorkerState): void {
  const known = workers.value.get(state.worker);
  if (known !== undefined) {
    known.state.value = state;
    return;
  }
  const made: Worker = {
    number: state.worker, state: signal(state), output: new OutputLog(), events: new EventLog(),
    messages: signal([]), memory: signal([]), rings: signal([]), syscalls: signal([]),
  };
  workers.value = new Map(workers.value).set(state.worker, made);
}

export function forget(number: number): void {
  const left = new Map(workers.value);
  left.delete(number);
  workers.value = left;
}

/* The last messages; each may be as long as the server lets it be. */
function bounded(messages: Message[]): Message[] {
  let left = MOST_MESSAGE_CHARACTERS;
  let first = messages.length;
  while (first > 0 && messages.length - first < MOST_MESSAGES && left > 0) {
    first--;
    left -= (messages[first].text ?? messages[first].base64 ?? '').length;
  }
  return messages.slice(first);
}

function push<T>(list: Signal<T[]>, items: T[], most: number): void {
  list.value = [...list.value, ...items].slice(-most);
}

onMessage('hello', (message) => {
  /* After a lost connection everything that is kept comes again. */
  batch(() => {
    workers.value = new Map();
    message.workers.forEach(hearState);
  });
});
onMessage('state', hearState);
onItem('output', (item) => workers.value.get(item.worker)?.output.add(item.chunks, item.skipped));
onItem('events', (item) => workers.value.get(item.worker)?.events.add(item.events, item.skipped));
onItem('messages', (item) => {
  const worker = workers.value.get(item.worker);
  if (worker !== undefined)
    worker.messages.value = bounded([...worker.messages.value, ...item.messages]);
});
onItem('memory', (item) => {
  const worker = workers.value.get(item.worker);
  if (worker !== undefined)
    push(worker.memory, [{ time: item.time, processes: item.processes }], SAMPLES);
});
onItem('rings', (item) => {
  const worker = workers.value.get(item.worker);
  if (worker !== undefined)
    push(worker.rings, [{ time: item.time, toWorker: item.toWorker, fromWorker: item.fromWorker }], SAMPLES);
});
onItem('syscalls', (item) => {
  const worker = workers.value.get(item.worker);
  if (worker !== undefined)
    push(worker.syscalls, [{ time: item.time, connect: item.connect, openat: item.openat, execve: item.execve }], SAMPLES);
});

export type { BuntimeEvent };
