// SPDX-License-Identifier: LGPL-2.1-or-later

/** What is sent: strings as UTF-8. */
export type Data = string | ArrayBuffer | ArrayBufferView;

/** A message of any type: see buntime-ipc(7). */
export interface Frame {
  type: number;
  id: number;
  data: Uint8Array;
}

/** What would come of something: `state` "warn" is allowed, and reported. */
export interface PermissionStatus {
  state: "allow" | "deny" | "warn";
  /** What decided; empty where nothing is said. */
  rule: string;
  /** The option of buntime that would allow it, or empty. */
  flag: string;
}

export type PermissionKind = "read" | "write" | "net" | "run" | "list" | "env" | "ffi" | "sys";

/** The other side answered a request with an error. */
export class RemoteError extends Error {}

/** The connection to the program that started this one. Iterating ends when that is gone. */
export class Channel implements AsyncIterable<Uint8Array> {
  /** Sends a message. Where there is no room, it waits and nothing else runs meanwhile. */
  send(data: Data): void;
  /** As send(), with the next flush(). */
  queue(data: Data): void;
  /** Shows what was queued; false: the rest of a large message is kept until there is room. */
  flush(): boolean;
  /** Sends a message; others run while there is no room. */
  sendAsync(data: Data): Promise<void>;
  /** Sends a message of any type. */
  sendFrame(type: number, id: number, data: Data): void;

  /** The next message; rejects when the supervisor is gone. */
  recv(): Promise<Uint8Array>;
  /** The next message, waiting at most so many milliseconds (none: for ever); null: none came.
      Throws when the supervisor is gone, as recvFrameSync() does. */
  recvSync(timeout?: number): Uint8Array | null;
  /** The next message of any type, as it is: for who answers all by itself. */
  recvFrameSync(timeout?: number): Frame | null;
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array>;

  /** Sends a request, and waits for its answer. */
  request(data: Data): Promise<Uint8Array>;
  /** A request for a method by its name, with parameters and a result that JSON has. */
  call(method: string, ...params: unknown[]): Promise<any>;
  /** Answers requests by their bytes. */
  handle(handler: (data: Uint8Array) => Data | void | Promise<Data | void>): void;
  /** Answers call() of a method; the result goes back as JSON. */
  handle(method: string, handler: (...params: any[]) => unknown): void;
  /** Is told of messages of another type, such as CODE. */
  on(type: number, listener: (id: number, data: Uint8Array) => void): void;
  /** Answers requests, and drops messages, until the supervisor is gone. */
  serve(): Promise<void>;

  close(): void;
}

/** The channel of this process; throws where it was started without one. */
export function channel(): Channel;

export const permissions: {
  /** Would this be allowed? Nothing is opened by it. */
  query(kind: PermissionKind, value: string): Promise<PermissionStatus>;
};
