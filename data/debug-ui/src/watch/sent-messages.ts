// SPDX-License-Identifier: LGPL-2.1-or-later
/* Messages of a run as this page knows them: what came, and what this page sent. */
import { signal } from '@preact/signals';

import type { Message } from '../protocol';
import { ask } from '../state/connection';
import { workers, type Worker } from '../state/workers';

export interface Entry {
  time: number;
  from: 'worker' | 'page';
  request: number | null;
  text: string | null; /* null: bytes that are no text */
  base64: string | null;
  failed: boolean; /* an answer that says no */
}

interface Sent {
  entries: Entry[];
  answered: ReadonlySet<number>;
}

const MOST = 200;
const NOTHING: Sent = { entries: [], answered: new Set() };
/* By the worker's number: after a lost connection it is another object. */
const sent = signal<ReadonlyMap<number, Sent>>(new Map());

function remember(worker: Worker, entry: Entry): void {
  const { entries, answered } = sent.value.get(worker.number) ?? NOTHING;
  const known = [...sent.value].filter(([number]) => workers.value.has(number));
  sent.value = new Map(known).set(worker.number, {
    entries: [...entries, entry].slice(-MOST),
    answered: entry.request === null ? answered : new Set(answered).add(entry.request),
  });
}

/* Rejected as ask() is. */
export async function sendMessage(worker: Worker, text: string): Promise<void> {
  await ask({ type: 'send', worker: worker.number, text }, 'done');
  remember(worker, { time: Date.now(), from: 'page', request: null, text, base64: null, failed: false });
}

export async function answer(worker: Worker, request: number, text: string, failed: boolean): Promise<void> {
  await ask({ type: 'reply', worker: worker.number, request, text, failed }, 'done');
  remember(worker, { time: Date.now(), from: 'page', request, text, base64: null, failed });
}

export function isAnswered(worker: Worker, request: number): boolean {
  return (sent.value.get(worker.number) ?? NOTHING).answered.has(request);
}

function entryOf(message: Message): Entry {
  return { time: message.time, from: 'worker', request: message.request, text: message.text ?? null, base64: message.base64 ?? null, failed: false };
}

/* In the order of time. */
export function entriesOf(worker: Worker): Entry[] {
  const own = (sent.value.get(worker.number) ?? NOTHING).entries;
  const came = worker.messages.value.map(entryOf);
  return own.length === 0 ? came : [...came, ...own].sort((one, two) => one.time - two.time);
}

/* Requests that wait for this page. */
export function waitingRequests(worker: Worker): number {
  return worker.messages.value.filter((message) => message.request !== null && !isAnswered(worker, message.request)).length;
}
