// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The socket to the server.
 *
 * The token comes in the address's fragment, which no request carries, is taken out of the address at once
 * and kept in sessionStorage: it survives a reload of this tab and nothing else. Never a cookie: cookies do
 * not know ports, and any other server on this machine would get it.
 *
 *   connecting ──▶ open ──▶ lost ──▶ connecting (after a while, ever longer)
 *        └─────▶ refused: no token, or not this server's; nothing is tried again
 *
 * A batch is acknowledged when the page has drawn it (after the next frame): a page that cannot keep up
 * gets fewer and larger steps, and the server counts what it skipped.
 */
import { signal } from '@preact/signals';

import { PROTOCOL, type BatchItem, type Problem, type ToPage, type ToServer } from '../protocol';

export type Status = 'connecting' | 'open' | 'lost' | 'refused';
export type Of<T extends ToPage['type']> = Extract<ToPage, { type: T }>;

export const status = signal<Status>('connecting');

/* An answer that says what went wrong. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.object}: ${problem.reason}`);
  }
}

type WithoutId<T> = T extends { id: number } ? Omit<T, 'id'> : never;
export type Question = WithoutId<ToServer>;
type Answer = Of<'done'> | Of<'policy-loaded'> | Of<'policy-set-loaded'> | Of<'verdict'>;
interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

const TOKEN = 'buntime-token';
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;
const POLICY_VIOLATION = 1008; /* how the server refuses a token */

let socket: WebSocket | null = null;
let lastId = 0;
let pause = FIRST_PAUSE;
const waiting = new Map<number, Waiting>();
const hearers = new Map<string, ((message: never) => void)[]>();
const batchHearers = new Map<string, ((item: never) => void)[]>();

/* Called for each message of this type that is no answer. */
export function onMessage<T extends ToPage['type']>(type: T, hear: (message: Of<T>) => void): void {
  hearers.set(type, [...(hearers.get(type) ?? []), hear]);
}

export function onItem<T extends BatchItem['type']>(
  type: T, hear: (item: Extract<BatchItem, { type: T }>) => void,
): void {
  batchHearers.set(type, [...(batchHearers.get(type) ?? []), hear]);
}

function send(message: ToServer): void {
  socket?.send(JSON.stringify(message));
}

/* The answer; rejected with a ProblemError, or with an Error if the connection is lost. */
export function ask<A extends Answer['type']>(question: Question, _answer?: A): Promise<Of<A>> {
  return new Promise((resolve, reject) => {
    if (status.value !== 'open') {
      reject(new Error('no connection'));
      return;
    }
    const id = ++lastId;
    waiting.set(id, { resolve: resolve as (answer: Answer) => void, reject });
    send({ ...question, id } as ToServer);
  });
}

function takeToken(): string | null {
  const match = /[#&]token=([\w-]+)/.exec(location.hash);
  if (match !== null) {
    sessionStorage.setItem(TOKEN, match[1]);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(TOKEN);
}

function hearBatch(message: Of<'batch'>): void {
  for (const item of message.items)
    for (const hear of batchHearers.get(item.type) ?? [])
      hear(item as never);
  /* A hidden tab gets no frames, and must acknowledge all the same. */
  let done = false;
  const acknowledge = () => {
    if (!done)
      send({ type: 'ack', seq: message.seq });
    done = true;
  };
  requestAnimationFrame(() => setTimeout(acknowledge));
  setTimeout(acknowledge, 250);
}

function hear(message: ToPage): void {
  if ('id' in message && message.id !== null) {
    const waiter = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.type === 'error')
      waiter?.reject(new ProblemError(message.problem));
    else
      waiter?.resolve(message);
    return;
  }
  if (message.type === 'batch')
    hearBatch(message);
  if (message.type === 'hello') {
    status.value = 'open';
    pause = FIRST_PAUSE;
  }
  for (const one of hearers.get(message.type) ?? [])
    one(message as never);
}

function onClosed(event: CloseEvent): void {
  socket = null;
  for (const waiter of waiting.values())
    waiter.reject(new Error('connection lost'));
  waiting.clear();
  if (event.code === POLICY_VIOLATION) {
    sessionStorage.removeItem(TOKEN);
    status.value = 'refused';
    return;
  }
  status.value = 'lost';
  setTimeout(connect, pause);
  pause = Math.min(pause * 2, LONGEST_PAUSE);
}

export function connect(): void {
  const token = takeToken();
  if (token === null) {
    status.value = 'refused';
    return;
  }
  status.value = 'connecting';
  socket = new WebSocket(`ws://${location.host}/ws`);
  socket.onopen = () => send({ type: 'hello', version: PROTOCOL, token });
  socket.onmessage = (event) => hear(JSON.parse(event.data as string) as ToPage);
  socket.onclose = onClosed;
}
