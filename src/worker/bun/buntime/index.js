// SPDX-License-Identifier: LGPL-2.1-or-later
// What a program in a buntime sandbox has to do with the one that started it: see index.d.ts.
// All that touches the rings is libbuntime-worker's; it is called by bun:ffi.

import { CString, dlopen, ptr } from "bun:ffi";
import { accessSync, closeSync, constants, existsSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

const QUESTIONS = { read: 0x01, write: 0x02, net: 0x03, run: 0x04, list: 0x05, env: 0x06, ffi: 0x07,
                    sys: 0x08 };
const PATHS = ["read", "write", "run", "list", "ffi"];
const STATES = { 0x10: "allow", 0x11: "deny", 0x12: "warn" };
const ORDER = [0x10, 0x12, 0x11];
const MESSAGE = 0x30, REQUEST = 0x31, REPLY = 0x32, ERROR = 0x33;
const DATA = 1, ROOM = 2;
const EINTR = -4, EAGAIN = -11, EPIPE = -32, EMSGSIZE = -90, ETIMEDOUT = -110;
const POLLOUT = 4;
// After so many messages others run.
const BURST = 64;
// Characters of an error's text: what nobody reads to the end.
const MAX_TEXT = 1 << 20;

const SONAME = "libbuntime-worker.so.1";

/** Beside this package, as it is built and as it is installed, or the system's. */
function libraryPath() {
  for (const above of ["../..", "../../.."]) {
    const path = join(import.meta.dir, above, SONAME);
    if (existsSync(path)) return path;
  }
  return SONAME;
}

let library;

function load() {
  const message = ["ptr", "u32", "u32", "ptr", "u64_fast", "i32"];
  library ??= dlopen(libraryPath(), {
    buntime_channel_open: { args: ["ptr"], returns: "i32" },
    buntime_channel_close: { args: ["ptr"], returns: "void" },
    buntime_channel_send: { args: message, returns: "i32" },
    buntime_channel_queue: { args: message, returns: "i32" },
    buntime_channel_flush: { args: ["ptr"], returns: "i32" },
    buntime_channel_recv: { args: ["ptr", "ptr", "i32"], returns: "i32" },
    buntime_channel_release: { args: ["ptr"], returns: "void" },
    buntime_channel_next_id: { args: ["ptr"], returns: "u32" },
    buntime_channel_prepare: { args: ["ptr", "u32"], returns: "i32" },
    buntime_channel_woken: { args: ["ptr", "u64_fast"], returns: "i32" },
    buntime_channel_get_fd: { args: ["ptr"], returns: "i32" },
    buntime_channel_get_control_fd: { args: ["ptr"], returns: "i32" },
    buntime_channel_send_control: { args: ["ptr", "ptr", "u64_fast"], returns: "i32" },
    buntime_channel_recv_control: { args: ["ptr", "ptr", "u64_fast", "i32"], returns: "i32" },
    // Of the C library, which that one needs.
    dup: { args: ["i32"], returns: "i32" },
    poll: { args: ["ptr", "u64_fast", "i32"], returns: "i32" },
    memcpy: { args: ["ptr", "ptr", "u64_fast"], returns: "ptr" },
    strerror: { args: ["i32"], returns: "ptr" },
  }).symbols;
  return library;
}

function failure(error) {
  const result = new Error(new CString(library.strerror(-error)).toString());
  result.errno = -error;
  if (error === EPIPE) result.code = "EPIPE";
  return result;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function toBytes(data) {
  return data instanceof Uint8Array ? data : convert(data);
}

function convert(data) {
  if (typeof data === "string") return encoder.encode(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new TypeError("a string or bytes are sent");
}

function describe(error) {
  try {
    return `${error?.name ?? "Error"}: ${error?.message ?? error}`.slice(0, MAX_TEXT);
  } catch {
    return "Error"; // its own words are code, too
  }
}

export class RemoteError extends Error {
  name = "RemoteError";
}

export class Channel {
  #handle;
  #words = new Uint32Array(new ArrayBuffer(24)); // a BuntimeMessage: bytes and size, of 64 bits, type and id
  #place = ptr(this.#words);
  #backlog = [];
  #answers = new Map();
  #handlers = new Map();
  #rawHandler = null;
  #listeners = new Map();
  #sleepers = [];
  #wants = 0;
  #socket = null;
  #watching = null;

  constructor() {
    const out = new BigUint64Array(1);
    const error = load().buntime_channel_open(out);
    if (error === -2) throw new Error("no channel: this program was not started with one");
    if (error) throw failure(error);
    this.#handle = Number(out[0]);
  }

  #open() {
    if (this.#handle === null) throw new Error("the channel is closed");
    return this.#handle;
  }

  close() {
    if (this.#handle === null) return;
    this.#socket?.end();
    library.buntime_channel_close(this.#handle);
    this.#handle = null;
    this.#wake();
  }

  // Sending.

  // Each of these calls what it calls by name: then the compiler sees through it.

  send(data) {
    const bytes = toBytes(data);
    const error = library.buntime_channel_send(this.#open(), MESSAGE, 0, bytes, bytes.byteLength, -1);
    if (error) this.#sendAgain(error, MESSAGE, 0, bytes);
  }

  queue(data) {
    const bytes = toBytes(data);
    const error = library.buntime_channel_queue(this.#open(), MESSAGE, 0, bytes, bytes.byteLength, -1);
    if (error) this.#sendAgain(error, MESSAGE, 0, bytes);
  }

  sendFrame(type, id, data) {
    const bytes = toBytes(data);
    const error = library.buntime_channel_send(this.#open(), type, id, bytes, bytes.byteLength, -1);
    if (error) this.#sendAgain(error, type, id, bytes);
  }

  /** After a signal that came while there was no room. */
  #sendAgain(error, type, id, bytes) {
    while (error === EINTR)
      error = library.buntime_channel_send(this.#open(), type, id, bytes, bytes.byteLength, -1);
    if (error) throw failure(error);
  }

  flush() {
    const error = library.buntime_channel_flush(this.#open());
    if (error && error !== EAGAIN) throw failure(error);
    return error === 0;
  }

  async sendAsync(data) {
    await this.#sendAsync(MESSAGE, 0, data);
  }

  async #sendAsync(type, id, data) {
    const bytes = toBytes(data);
    for (;;) {
      const error = library.buntime_channel_send(this.#open(), type, id, bytes, bytes.byteLength, 0);
      if (!error) break;
      if (error !== EAGAIN) throw failure(error);
      await this.#sleep(ROOM);
    }
    // Of a message that is larger than the ring the rest is kept, until there is room.
    while (!this.flush()) await this.#sleep(ROOM);
  }

  // Receiving.

  /** Whether there was a message, which is then in #words. */
  #receive(timeout) {
    let error = library.buntime_channel_recv(this.#open(), this.#place, timeout);
    while (error === EINTR) error = library.buntime_channel_recv(this.#open(), this.#place, timeout);
    if (error === 0) return true;
    if (error === EAGAIN || error === ETIMEDOUT) return false;
    throw failure(error);
  }

  /** A copy of the message in #words. */
  #copy() {
    const words = this.#words;
    const size = words[2];
    const bytes = new Uint8Array(size);
    if (size) library.memcpy(bytes, words[0] + words[1] * 2 ** 32, size);
    if (size > 4096) library.buntime_channel_release(this.#handle);
    return bytes;
  }

  recvSync(timeout = -1) {
    for (;;) {
      if (this.#backlog.length) return this.#backlog.shift();
      if (!this.#receive(timeout)) return null;
      const type = this.#words[4], id = this.#words[5];
      const data = this.#copy();
      if (type === MESSAGE) return data;
      this.#onFrame(type, id, data);
    }
  }

  recvFrameSync(timeout = -1) {
    if (!this.#receive(timeout)) return null;
    return { type: this.#words[4], id: this.#words[5], data: this.#copy() };
  }

  async recv() {
    await this.#until(() => this.#backlog.length > 0);
    return this.#backlog.shift();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      try {
        await this.#until(() => this.#backlog.length > 0);
      } catch (error) {
        if (error.code === "EPIPE") return;
        throw error;
      }
      while (this.#backlog.length) yield this.#backlog.shift();
    }
  }

  async serve() {
    for await (const _ of this);
  }

  // Requests.

  async request(data) {
    const { type, data: answer } = await this.#ask(REQUEST, data);
    if (type === ERROR) throw new RemoteError(decoder.decode(answer));
    return answer;
  }

  async call(method, ...params) {
    return JSON.parse(decoder.decode(await this.request(JSON.stringify({ method, params }))));
  }

  /** What came back, whatever it was. */
  async #ask(type, data) {
    const id = library.buntime_channel_next_id(this.#open());
    this.#answers.set(id, null);
    try {
      await this.#sendAsync(type, id, data);
      await this.#until(() => this.#answers.get(id) !== null);
      return this.#answers.get(id);
    } finally {
      this.#answers.delete(id);
    }
  }

  handle(what, handler) {
    if (typeof what === "function") this.#rawHandler = what;
    else this.#handlers.set(what, handler);
  }

  on(type, listener) {
    this.#listeners.set(type, listener);
  }

  #onFrame(type, id, data) {
    if (type === MESSAGE) this.#backlog.push(data);
    else if (type === REQUEST) this.#onRequest(id, data);
    else if (type === REPLY || type === ERROR || type in STATES) {
      // An answer that nobody waits for any more is dropped.
      if (this.#answers.has(id)) this.#answers.set(id, { type, data });
    } else this.#listeners.get(type)?.(id, data);
  }

  async #onRequest(id, data) {
    let type = REPLY, answer;
    try {
      answer = await this.#runHandler(data);
      toBytes(answer);
    } catch (error) {
      type = ERROR;
      answer = describe(error);
    }
    try {
      await this.#sendAsync(type, id, answer);
    } catch (error) {
      // Else the supervisor is gone, or the channel closed: nobody waits for it.
      if (error.errno === -EMSGSIZE) await this.#sendAsync(ERROR, id, describe(error)).catch(() => {});
    }
  }

  async #runHandler(data) {
    let request = null;
    if (this.#handlers.size) {
      try {
        request = JSON.parse(decoder.decode(data));
      } catch {
        // Not a call.
      }
    }
    const handler = this.#handlers.get(request?.method);
    if (handler) return JSON.stringify((await handler(...(request.params ?? []))) ?? null);
    if (!this.#rawHandler) throw new Error(request?.method ? `no handler for ${request.method}` : "no handler");
    return (await this.#rawHandler(data)) ?? "";
  }

  // Waiting.

  /** Receives until what one caller wants is there, for all of them. */
  async #until(done) {
    for (let burst = 1; !done(); burst++) {
      if (this.#receive(0)) {
        this.#onFrame(this.#words[4], this.#words[5], this.#copy());
        this.#wake();
      } else {
        await this.#sleep(DATA);
      }
      if (burst % BURST === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The event loop reads the bytes that wake it: they are told to the library. */
  async #watch() {
    const onBytes = (size) => {
      if (this.#handle !== null) library.buntime_channel_woken(this.#handle, size);
      this.#wake();
    };
    const socket = await Bun.connect({
      fd: library.dup(library.buntime_channel_get_fd(this.#open())),
      socket: {
        data: (_, bytes) => onBytes(bytes.byteLength),
        close: () => onBytes(0),
        error: () => onBytes(0),
      },
    });
    this.#socket = socket;
    // Closed meanwhile: it would keep the program from its end.
    if (this.#handle === null) socket.end();
  }

  /** Until there may be one of wants, which is what the caller takes then: else nobody slept at all. */
  async #sleep(wants) {
    this.#watching ??= this.#watch();
    await this.#watching;
    // For all that sleep: prepare() may take the byte that was sent for another of them.
    this.#wants |= wants;
    if (library.buntime_channel_prepare(this.#open(), this.#wants)) {
      this.#wake();
      return;
    }
    this.#socket.ref();
    await new Promise((resolve) => this.#sleepers.push(resolve));
  }

  #wake() {
    // Also where nobody sleeps yet: whoever is next waits for what he wants, and no more.
    this.#wants = 0;
    if (!this.#sleepers.length) return;
    const sleepers = this.#sleepers;
    this.#sleepers = [];
    // A program whose code does not wait for anything may end.
    this.#socket?.unref();
    for (const resolve of sleepers) resolve();
  }

  /** For the harness: takes all that comes, and keeps the messages, until the supervisor is gone. */
  async _receive() {
    try {
      await this.#until(() => false);
    } catch (error) {
      if (error.code !== "EPIPE") throw error;
    }
  }

  /** Waits while the supervisor does not keep up. */
  _sendControl(text) {
    const bytes = encoder.encode(text);
    let error;
    while ((error = library.buntime_channel_send_control(this.#open(), bytes, bytes.byteLength)) === EAGAIN)
      library.poll(new Int32Array([library.buntime_channel_get_control_fd(this.#handle), POLLOUT]), 1, -1);
    if (error) throw failure(error);
  }

  /** What the supervisor said, or null. */
  _recvControl() {
    const bytes = new Uint8Array(16384);
    const size = library.buntime_channel_recv_control(this.#open(), bytes, bytes.byteLength, 0);
    return size > 0 ? decoder.decode(bytes.subarray(0, size)) : null;
  }

  /** For permissions.query(). */
  async _query(kind, value) {
    const answers = [];
    for (const question of questions(kind, value)) answers.push(await this.#ask(QUESTIONS[kind], question));
    // Of a script and its interpreter the worse.
    const { type, data } = answers.reduce((a, b) => (ORDER.indexOf(a.type) < ORDER.indexOf(b.type) ? b : a));
    const verdict = data.length ? JSON.parse(decoder.decode(data)) : {};
    const rule = verdict.rule ?? {};
    return {
      state: STATES[type],
      rule: [rule.source, rule.line, rule.text].filter(Boolean).join(": "),
      flag: verdict.suggestion ?? "",
    };
  }
}

// The supervisor looks at no path: what a link leads to, and whether a directory is there, is what
// this program sees.

const stat = path => statSync(path, { throwIfNoEntry: false });

/** Without links; with a slash behind a directory. */
function place(path) {
  let folder = resolve(path.replace(/^~(?=\/|$)/, homedir));
  let rest = "";
  for (;;) {
    try {
      const real = join(realpathSync(folder), rest);
      return stat(real)?.isDirectory() ? join(real, "/") : real;
    } catch {
      if (folder === "/") return resolve(path);
      rest = join(basename(folder), rest);
      folder = dirname(folder);
    }
  }
}

/** What the first line of a script names, which has to be allowed, too. */
function interpreter(path) {
  const line = Buffer.alloc(256);
  try {
    if (!stat(path)?.isFile()) return [];
    accessSync(path, constants.R_OK);
    const fd = openSync(path, "r");
    readSync(fd, line);
    closeSync(fd);
  } catch {
    return [];
  }
  const found = /^#![ \t]*([^ \t\r\n\0]+)/.exec(line.toString("latin1"));
  return found ? [found[1]] : [];
}

function questions(kind, value) {
  if (!Object.hasOwn(QUESTIONS, kind))
    throw new TypeError(`no such permission: ${kind}; there are ${Object.keys(QUESTIONS).join(", ")}`);
  const isName = one => kind === "run" && !one.includes("/");
  const first = isName(value) ? (Bun.which(value) ?? value) : value;
  const values = kind === "run" ? [first, ...interpreter(first)] : [first];
  return values.map(one => (PATHS.includes(kind) && one !== "" && !isName(one) ? place(one) : one));
}

let theChannel;

export function channel() {
  theChannel ??= new Channel();
  return theChannel;
}

export const permissions = {
  query: (kind, value) => channel()._query(kind, value),
};
