// SPDX-License-Identifier: LGPL-2.1-or-later
// The harness: runs the code that the host sends, in this one global scope, one after the other.
//
// Code and harness are one program, and the code is not trusted.  Nothing here holds it; what the
// harness sees to is that code which means no harm has an answer, exactly one.
//
// TypeScript and top-level await are what Bun's transpiler makes of code for a REPL: a script that
// leaves its names in the global scope and gives the value of its last expression, or a promise of
// it.  The script is interrupted by Bun itself, which looks for SIGINT while it runs; where a
// promise is awaited the harness stops waiting.  What runs after an await, from the event loop,
// cannot be interrupted: such a worker is to be stopped.

import { createRequire } from "node:module";
import { format, inspect } from "node:util";
import vm from "node:vm";
import { channel } from "./index.js";

const STDOUT = 0x00, STDERR = 0x09, CODE = 0x20, RESULT = 0x21, ERROR = 0x33;
// What is written at once goes in parts of this size, so that no message is too large.
const PART = 1 << 20;
// An answer's text: what nobody reads to the end.
const MAX_TEXT = 16 << 20;
// Interrupts that came before their code.
const EARLY = 1024;
// Takes a signal that comes within 20 ms.
const SPONGE = new vm.Script("{ const end = Date.now() + 20; while (Date.now() < end); }");

const theChannel = channel();
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const transpiler = new Bun.Transpiler({ loader: "tsx", replMode: true });

let current = 0;           // id of the code that runs
let count = 0;             // of codes
let giveUp = null;         // of what is awaited
let owed = 0;              // signals that are still to come for messages seen
let settling = false;      // they are waited for, and nothing is begun
const early = new Set();

// Output: the streams of Node and the console write frames with the id of the code that runs.

function write(type, data, encoding) {
  const bytes = typeof data === "string" && (encoding === undefined || encoding === "utf8" ||
    encoding === "utf-8") ? encoder.encode(data) : Buffer.from(data, encoding);
  for (let at = 0; at < bytes.length; at += PART)
    theChannel.sendFrame(type, current, bytes.subarray(at, at + PART));
}

function divert(stream, type) {
  stream.write = (data, encoding, done) => {
    if (typeof encoding === "function") [encoding, done] = [undefined, encoding];
    write(type, data, encoding);
    if (done) queueMicrotask(done);
    return true;
  };
}

function divertConsole() {
  let indent = "";
  const print = (type) => (...values) =>
    write(type, (indent + format(...values)).replaceAll("\n", "\n" + indent) + "\n");
  const out = print(STDOUT), error = print(STDERR);
  Object.assign(console, {
    log: out, info: out, debug: out, dirxml: out, error, warn: error,
    dir: (value, options) => out(inspect(value, options)),
    trace: (...values) => error(new Error(format(...values)).stack),
    table: (value, columns) => out(Bun.inspect.table(value, columns).trimEnd()),
    assert: (held, ...values) => held || error("Assertion failed" + (values.length ? ":" : ""), ...values),
    group: (...values) => { if (values.length) out(...values); indent += "  "; },
    groupEnd: () => { indent = indent.slice(2); },
  });
}

// The control socket.

function state(name, id, more) {
  theChannel._sendControl(JSON.stringify({ type: "state", state: name, id, ...more }));
}

/**
 * Takes the messages that name code to be interrupted, for so many signals that came: is the code
 * that runs among it, or has it sent the signal to itself?  What is not here yet is kept.
 */
function isMeant(signals) {
  const ids = [];
  for (let text; (text = theChannel._recvControl()) !== null;) {
    const message = JSON.parse(text);
    if (message.type === "interrupt") ids.push(message.id);
  }
  for (const id of ids) {
    if (id !== current) early.add(id);
    if (early.size > EARLY) early.delete(early.values().next().value);
  }
  const alone = ids.length === 0 && owed === 0 && signals > 0;
  owed = Math.max(0, owed + ids.length - signals);
  return current !== 0 && (alone || ids.includes(current));
}

/*
 * A signal while Bun does not look for it: a promise is awaited.  Or Bun took one too late, and
 * what it ended was not the script but run(): then nobody else will answer.
 */
process.on("SIGINT", () => {
  if (!isMeant(1)) return;
  const error = new Interrupted("interrupted");
  if (giveUp) giveUp(error);
  else finish(current, ERROR, ...fail(current, error));
});

// Code.

class Interrupted extends Error {
  name = "Interrupted";
}

/** process.exit() in code: an exception with an exit status, and not the harness's end. */
class Exit extends Error {
  name = "Exit";
  constructor(status) {
    super(`process.exit(${status})`);
    this.status = status;
  }
}

process.exit = (status) => {
  throw new Exit(Number(status ?? process.exitCode ?? 0) & 255);
};

function runScript(script) {
  let result;
  try {
    result = script.runInThisContext({ breakOnSigint: true, displayErrors: false });
  } catch (error) {
    if (error?.code !== "ERR_SCRIPT_EXECUTION_INTERRUPTED") throw error;
    isMeant(1);
    throw new Interrupted("interrupted");
  }
  // One that came at the very end was taken by Bun, and is lost; its message is there.
  if (isMeant(0)) throw new Interrupted("interrupted");
  return result;
}

async function evaluate(source) {
  const script = new vm.Script(transpiler.transformSync(source), {
    filename: `${process.cwd()}/[code ${++count}]`,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  let result = runScript(script);
  if (result instanceof Promise) {
    const interrupted = new Promise((_, reject) => { giveUp = reject; });
    result = await Promise.race([result, interrupted]);
  }
  const value = result?.value;
  if (value === undefined) return "";
  globalThis._ = value;
  const text = inspect(value, { depth: 4, maxArrayLength: Infinity, maxStringLength: Infinity });
  if (text.length > MAX_TEXT) throw new RangeError(`the value's text is too long: ${text.length} characters`);
  return text;
}

/** A stack without the harness's own part. */
function describe(error) {
  if (error instanceof Interrupted) return "Interrupted";
  if (error instanceof Exit) return `Exit: ${error.status}`;
  if (error instanceof BuildMessage) return `SyntaxError: ${error.message}` +
    (error.position ? ` (line ${error.position.line}, column ${error.position.column})` : "");
  if (error instanceof AggregateError && error.errors.every((one) => one instanceof BuildMessage))
    return error.errors.map(describe).join("\n");
  if (!(error instanceof Error)) return `Uncaught ${inspect(error)}`;
  const lines = String(error.stack ?? error).split("\n");
  const own = lines.findIndex((line) => /\bat runInThisContext \(|\/harness\.js:\d/.test(line));
  return (own > 0 ? lines.slice(0, own) : lines).join("\n");
}

function classOf(error) {
  if (error instanceof BuildMessage) return "SyntaxError";
  return error instanceof Error ? String(error.name) : typeof error;
}

/** The answer's text and the exit status of code that failed. */
function fail(id, error) {
  let text = "an exception that cannot be told", name = "", brief = "";
  try {
    text = describe(error);
    name = classOf(error).slice(0, 80);
    brief = String(error?.message ?? error).slice(0, 200);
  } catch {
    // Its own words are code, too.
  }
  if (error instanceof Interrupted) state("interrupted", id);
  else state("exception", id, { name, text: brief });
  return [text.slice(0, MAX_TEXT), error instanceof Interrupted ? 130 : error instanceof Exit ? error.status : 1];
}

/** The code's one answer. */
function finish(id, type, text, status) {
  if (current !== id) return;
  giveUp = null;
  state("exec_end", id, { exitCode: status });
  current = 0;
  theChannel.sendFrame(type, id, text);
  queueMicrotask(next);
}

/**
 * Waits for the signals whose messages are here: Bun ends by them whatever script runs when it
 * gets to it, be that the next.  One may be an event already; and one that Bun took as the last
 * script ended, and forgot, never comes.
 */
async function settle() {
  settling = true;
  await new Promise((resolve) => setImmediate(resolve));
  try {
    if (owed > 0) SPONGE.runInThisContext({ breakOnSigint: true });
  } catch (error) {
    if (error?.code !== "ERR_SCRIPT_EXECUTION_INTERRUPTED") throw error;
  }
  owed = 0;
  settling = false;
}

async function run(id, data) {
  isMeant(0);
  if (owed > 0) await settle();
  current = id;
  state("exec_start", id);
  try {
    if (early.has(id)) throw new Interrupted("interrupted");
    finish(id, RESULT, await evaluate(decoder.decode(data)), 0);
  } catch (error) {
    if (current === id) finish(id, ERROR, ...fail(id, error));
  }
}

// What nobody waited for went wrong: it is shown, and the harness goes on.
for (const event of ["uncaughtException", "unhandledRejection"])
  process.on(event, (error) => {
    try {
      write(STDERR, describe(error) + "\n");
    } catch {
      process.reallyExit(1);
    }
  });

divert(process.stdout, STDOUT);
divert(process.stderr, STDERR);
divertConsole();
globalThis.require = createRequire(process.cwd() + "/");
process.argv.splice(1, 1, "");

/** Of lines that are typed: 0, more must come; 1, it is whole, or never will be. */
function complete(source) {
  const isOpen = ({ message, position }) => /end of file|to terminate multi-line/.test(message) ||
    (/^Unterminated string/.test(message) &&
     source.split("\n")[position?.line - 1]?.[position?.column - 1] === "`");
  try {
    transpiler.transformSync(source);
    return 1;
  } catch (error) {
    return (error?.errors ?? [error]).some(isOpen) ? 0 : 1;
  }
}

theChannel.handle("buntime.complete", complete);

/** At the end of a conversation: what code wants to be told of its end is told. */
theChannel.handle("buntime.exit", () => {
  try {
    process.emit("exit", 0);
  } catch (error) {
    write(STDERR, describe(error) + "\n");
  }
  process.reallyExit(0);
});

const waiting = [];

function next() {
  if (current === 0 && !settling && waiting.length) run(...waiting.shift()).catch(end);
}

function end(error) {
  Bun.write(Bun.stderr, `${error?.stack ?? error}\n`).finally(() => process.reallyExit(1));
}

theChannel.on(CODE, (id, data) => {
  waiting.push([id, data]);
  next();
});

// What takes longer the first time is done before code is waited for.
await evaluate("0");
delete globalThis._;
count = 0;

// Code that waits for nothing that is to come is no reason to end, and what ends either of these is.
setInterval(() => {}, 2 ** 30);
theChannel._receive().then(() => process.reallyExit(0), end);
theChannel._sendControl('{"type":"ready"}');
