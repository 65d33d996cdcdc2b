// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The messages between this page and buntime-debug-ui, version 1: JSON text frames on
 * ws://127.0.0.1:PORT/ws. buntime-debug-ui(7) is this file in words. `tests/ui` speaks it too.
 *
 *   page                                server
 *   hello {token}               ──▶            first message; anything else closes the socket
 *                               ◀──            hello: presets, workers that run, translations
 *   run, stop, apply-policy ... ──▶            each with an id of the page's ...
 *                               ◀──            ... whose answer carries it: done, an answer's own type, or error
 *                               ◀──            state: a worker began, ended
 *                               ◀──            batch {seq}: output, events, memory ... of all workers
 *   ack {seq}                   ──▶            the page has dealt with it; else no further batch comes
 *
 * Several pages may be connected: each sees all workers. What a page has not seen yet is kept in
 * bounded buffers by the server: `skipped` says what fell out of them. The last output never does.
 *
 * Whatever comes in output, events, messages and processes may be made up by a worker: it is
 * shown as text and never as anything else.
 */

export const PROTOCOL = 1;

/* ---- policies ---- */

/* What a set of policies is made of: a preset or a policy of the user's by name, or a text. */
export type PolicyPart = { preset: string } | { name: string; text: string };

/* All of them hold: policies merge as files do, flags are the command line's layer above them. */
export interface PolicySet {
  policies: PolicyPart[];
  flags: string[]; /* "--allow-net=github.com:443": permissions, limits, --policy, --audit ... */
}

export type RuleKind =
  | 'fs' | 'net' | 'exec' | 'env' | 'ffi' | 'sys' | 'unix' | 'limits' | 'defaults' | 'plugins'
  | 'audit' | 'antiEscape';

/* Where a rule is written; `source` is "command line", "built-in", a part's name or a file. */
export interface RuleSource {
  source: string;
  line: number | null;
  text: string;
}

/* As buntime_policy_rules_to_json() says it. */
export interface MergedRule {
  kind: RuleKind;
  action: 'allow' | 'deny' | 'warn' | null;
  text: string;
  rule: RuleSource | null;
}

/* Object, reason and cure, as everywhere; where it stands, if it stands in a text. */
export interface Problem {
  object: string;
  reason: string;
  cure: string | null;
  part: number | null; /* of PolicySet.policies; null: the flags or the whole */
  line: number | null;
  column: number | null;
}

/* What can be granted, from the most to the least:
 * unrestricted: something is granted whole (all files, all programs ...); open: a kind's default is allow, or
 * all addresses of the net; scoped: some things are granted; strict: nothing but the private world. */
export type Level = 'unrestricted' | 'open' | 'scoped' | 'strict';

export interface PolicySummary {
  level: Level;
  allow: number;
  deny: number;
  warn: number;
}

export interface Preset {
  name: string;
  description: string;
  user: boolean; /* the user's own: it may be overwritten and deleted */
  text: string;  /* of the file */
}

/* ---- page to server ---- */

export type ToServer =
  | { type: 'hello'; version: number; token: string }
  | { type: 'ack'; seq: number }
  /* Starts a worker: answered by done {worker}. The code runs as a program of its own. */
  | ({ type: 'run'; id: number; tab: string; name: string; language: Language; code: string; args: string[] } & PolicySet)
  /* Ends it: SIGTERM, then SIGKILL; force: SIGKILL at once. */
  | { type: 'stop'; id: number; worker: number; force: boolean }
  /* Takes it off the server's list, with its output; a worker that runs is stopped first. */
  | { type: 'forget'; id: number; worker: number }
  /* A message over the ring. */
  | { type: 'send'; id: number; worker: number; text: string }
  /* The answer to a worker's request. */
  | { type: 'reply'; id: number; worker: number; request: number; text: string; failed: boolean }
  /* Reads one policy: answered by policy-loaded. */
  | { type: 'apply-policy'; id: number; policy: PolicyPart }
  /* Merges a set: answered by policy-set-loaded. Nothing is run; `run` brings its own set. */
  | ({ type: 'apply-policy'; id: number } & PolicySet)
  /* The matcher's word for a request nobody makes: answered by verdict. */
  | ({ type: 'check'; id: number; permission: Permission; value: string } & PolicySet)
  /* To the user's policies, ~/.config/buntime/policies/NAME.json: answered by done {path}, then presets to all pages. */
  | { type: 'save-policy'; id: number; name: string; text: string; overwrite: boolean }
  | { type: 'delete-policy'; id: number; name: string };

export type Language = 'python' | 'bun';
export type Permission = 'net' | 'read' | 'write' | 'run' | 'env' | 'ffi' | 'sys' | 'unix';

/* ---- server to page ---- */

export type ToPage =
  | {
      type: 'hello';
      version: number;
      buntime: string; /* its version */
      locale: string;  /* BCP 47: "de", "pt-BR" */
      messages: Record<string, string>; /* translations of this page's texts; without one: English */
      presets: Preset[];
      workers: WorkerState[]; /* their output and events follow in batches, as far as they are kept */
      languages: Language[];  /* those that an interpreter was found for */
      start: Start | null;    /* `run --debug-ui` */
      limits: { code: number; text: number; workers: number }; /* bytes, bytes, number */
    }
  | { type: 'done'; id: number; worker?: number; path?: string }
  | { type: 'error'; id: number | null; problem: Problem } /* id null: of the connection */
  | { type: 'presets'; presets: Preset[] }
  | { type: 'policy-loaded'; id: number; rules: MergedRule[]; summary: PolicySummary; problems: Problem[] }
  | { type: 'policy-set-loaded'; id: number; rules: MergedRule[]; summary: PolicySummary;
      policy: string | null; /* the merged policy as a file's text; null if there are problems */
      problems: Problem[] }
  | { type: 'verdict'; id: number; verdict: Verdict }
  | ({ type: 'state' } & WorkerState)
  | { type: 'batch'; seq: number; items: BatchItem[] };

/* What `run --debug-ui [FLAGS] ENTRY [ARGS]` was given; the page opens a tab with it and runs it. */
export interface Start {
  name: string;
  language: Language;
  code: string;
  args: string[];
  flags: string[];
}

export interface WorkerState {
  worker: number;
  tab: string; /* the page's own name for where it belongs */
  name: string;
  language: Language;
  file: string; /* the program's path in tracebacks */
  state: 'starting' | 'running' | 'exited' | 'failed';
  started: number; /* ms since 1970 */
  ended: number | null;
  exit: number | null; /* as a shell reports it; null until it has exited, and if it failed */
  problem: Problem | null; /* of failed: why it could not be started */
  layers: Layer[]; /* what is in force: buntime_worker_layers_to_json(); empty until running */
}

export interface Layer {
  layer: string;
  state: 'on' | 'off' | 'unneeded';
  detail: string;
}

/* What buntime_verdict_to_json() says. */
export interface Verdict {
  kind: string;
  action: 'allow' | 'warn' | 'deny';
  object: string;
  rule: RuleSource | null;
  suggestion: string | null;
}

/* A line of `buntime --events`: data/schema/event.schema.json. */
export interface BuntimeEvent {
  time: number;
  worker: string;
  pid: number | null;
  program: string | null;
  kind: 'net' | 'dns' | 'read' | 'write' | 'run' | 'env' | 'unix' | 'ffi' | 'sys' | 'limit' | 'state';
  action: 'deny' | 'warn' | 'allow' | 'started' | 'exited' | 'failed' | 'dropped' | 'notice' | 'opened' | 'closed';
  object: string | null;
  value: string | null;
  permission: string;
  host: string | null;
  reason: string | null;
  told?: string; /* the reason in the page's language: the server adds it */
  rule: RuleSource | null;
  suggestion: string | null;
  wider?: true;
  count: number;
  observed: boolean;
  flow?: number; /* the connection's number in its run */
  duration?: number; /* ms, as the next ones */
  connect?: number;
  sent?: number;
  tls?: number;
  firstByte?: number;
  addresses?: string[];
  bytesOut?: number;
  bytesIn?: number;
  exit?: number;
}

export interface Process {
  pid: number;
  parent: number;
  name: string;
  state: string;
  memory: number;  /* bytes that are resident */
  cpuTime: number; /* microseconds */
}

export interface Ring {
  capacity: number;
  used: number;
  bytes: number; /* since the start */
}

export type BatchItem =
  /* `offset` counts all bytes the worker wrote, also those that were skipped. */
  | { type: 'output'; worker: number; skipped: number; chunks: [stream: 1 | 2, text: string][] }
  | { type: 'events'; worker: number; skipped: number; events: BuntimeEvent[] }
  | { type: 'messages'; worker: number; skipped: number; messages: Message[] }
  /* Twice a second while it runs. */
  | { type: 'memory'; worker: number; time: number; processes: Process[] }
  | { type: 'rings'; worker: number; time: number; toWorker: Ring; fromWorker: Ring }
  /* How often each was seen since the start, as far as audit or denials show it. */
  | { type: 'syscalls'; worker: number; time: number; connect: number; openat: number; execve: number };

export interface Message {
  time: number;
  request: number | null; /* the worker waits for `reply` with this number */
  text?: string;
  base64?: string; /* where the bytes are no UTF-8 */
}
