/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/bt-methods.h"

/* Descriptions are manual page's: English, and without a full stop. */

#define NUMBER(name_, needed_, least_, most_, help_)                                             \
  {                                                                                              \
    .name = (name_), .type = BT_PARAM_INTEGER, .needed = (needed_), .help = (help_),             \
    .least = (least_), .most = (most_),                                                          \
  }
#define PARAM(name_, type_, needed_, help_)                                                      \
  { .name = (name_), .type = BT_PARAM_##type_, .needed = (needed_), .help = (help_) }

#define WORKER NUMBER("worker", TRUE, 1, G_MAXINT, "number of a worker of this client")
#define TIMEOUT                                                                                  \
  NUMBER("timeout", FALSE, -1, G_MAXINT, "milliseconds to wait; -1, as without it: for ever")
/* No name of a type: cppcheck would put it where PARAM makes a word of one. */
#define AS_TEXT PARAM("text", BYTES, FALSE, "the bytes, if they are UTF-8")
#define AS_BASE64 PARAM("base64", BASE64, FALSE, "the bytes otherwise; one of the two is needed")
#define POLICY                                                                                   \
  PARAM("policy", POLICY, FALSE,                                                                 \
        "a preset's name or a file's path, a policy itself as buntime-policy(5) describes it, "  \
        "or an array of these, all of which hold")
#define FLAGS                                                                                    \
  PARAM("flags", TEXTS, FALSE,                                                                   \
        "flags of buntime(1): permissions, limits, --policy, --worker, --net, --publish and "    \
        "--audit")

#define ENTRY                                                                                    \
  PARAM("entry", TEXT, FALSE,                                                                    \
        "the program, as on the command line; without it one that takes code, in Python, or in " \
        "JavaScript by the flag --worker=bun")
#define ARGS PARAM("args", TEXTS, FALSE, "its arguments")
#define POOL NUMBER("pool", TRUE, 1, G_MAXINT, "number of a pool of this client")

const BtMethod bt_methods[] = {
  {
    .name = "hello",
    .help = "Says what this server is",
    .result = {
      { "protocol", "1; another number where what is written here no longer holds" },
      { "version", "of buntime" },
      { "methods", "their names" },
      { "notifications", "their names" },
      { "limits", "an object: line, requests, workers, pools" },
    },
  },
  {
    .name = "policy_load",
    .help = "Reads and merges what is given, and says what it comes to",
    .params = { POLICY, FLAGS },
    .result = {
      { "policy", "one policy that permits the same" },
      { "rules", "an array: a line for each rule, default and setting" },
    },
  },
  {
    .name = "policy_merge",
    .help = "Merges policies as if each were a file: the stricter default holds, rules are "
            "united",
    .params = { PARAM("policies", POLICIES, TRUE, "an array of what policy can be") },
    .result = {
      { "policy", "the merged policy" },
      { "rules", "as of policy_load" },
    },
  },
  {
    .name = "policy_check",
    .help = "Says what a worker's doing would come to; nothing is run",
    .params = {
      POLICY,
      FLAGS,
      PARAM("permission", TEXT, TRUE, "net, read, write, run, env, ffi, sys or unix"),
      PARAM("value", TEXT, TRUE, "as in that kind's flags: github.com:443"),
    },
    .result = { { "verdict", "what 'buntime check --json' prints" } },
  },
  {
    .name = "policy_show",
    .help = "Gives a policy file as it is",
    .params = { PARAM("name", TEXT, TRUE, "a preset's name or a file's path") },
    .result = { { "text", "of the file" } },
  },
  {
    .name = "policy_list",
    .help = "Lists the presets",
    .result = { { "presets", "an array of objects: name, path, description, and user, whether it is the user's own" } },
  },
  {
    .name = "policy_schema",
    .help = "Gives the JSON schema of policies",
    .result = { { "schema", "an object" } },
  },
  {
    .name = "spawn",
    .help = "Starts a worker. Everything is denied to it that policy and flags do not grant. "
            "What goes wrong later, also that there is no such program, is told by exited",
    .params = {
      POLICY,
      FLAGS,
      ENTRY,
      ARGS,
      PARAM("channel", BOOLEAN, FALSE,
            "true: the worker's channel becomes the client's; three descriptors come with the "
            "answer, see CHANNELS"),
    },
    .result = { { "worker", "its number" } },
  },
  {
    .name = "run_code",
    .help = "Runs code in a worker that takes some, and waits for its end. The code is not "
            "interrupted when the time is up. What it writes is told by output; an exception "
            "is an error of code failed with the traceback",
    .params = { WORKER, PARAM("code", TEXT, TRUE, "the code"), TIMEOUT },
    .result = {
      { "value", "what it came to, as text" },
      { "base64", "or this, of a text that its escapes would make much longer" },
    },
  },
  {
    .name = "call",
    .help = "Sends a request and waits for the worker's answer",
    .params = { WORKER, AS_TEXT, AS_BASE64, TIMEOUT },
    .result = {
      { "text", "the answer, if it is UTF-8" },
      { "base64", "or else this" },
    },
  },
  {
    .name = "send",
    .help = "Sends a message, for which there is no answer. It may be sent before the worker is "
            "ready",
    .params = { WORKER, AS_TEXT, AS_BASE64 },
  },
  {
    .name = "reply",
    .help = "Answers a worker's request",
    .params = {
      WORKER,
      NUMBER("request", TRUE, 0, G_MAXUINT32, "of the notification"),
      AS_TEXT,
      AS_BASE64,
    },
  },
  {
    .name = "reply_error",
    .help = "Answers a worker's request that failed",
    .params = {
      WORKER,
      NUMBER("request", TRUE, 0, G_MAXUINT32, "of the notification"),
      PARAM("error", TEXT, TRUE, "why"),
    },
  },
  {
    .name = "cancel",
    .help = "Gives up a run_code, which is interrupted, a call or a pool_take of this client: it "
            "is answered by an error of code cancelled",
    .params = { PARAM("request", ID, TRUE, "the id of that request") },
  },
  {
    .name = "interrupt",
    .help = "Interrupts what a worker does, as Ctrl-C in a terminal",
    .params = { WORKER },
  },
  {
    .name = "stop",
    .help = "Ends a worker: SIGTERM, then SIGKILL for it and all that it started",
    .params = {
      WORKER,
      NUMBER("grace", FALSE, 0, G_MAXINT,
             "milliseconds for it to end by itself; 0, as without it: it is killed at once"),
    },
  },
  {
    .name = "list",
    .help = "Lists the workers of this client",
    .result = {
      { "workers", "an array of objects: worker, entry, ready; entry is not there where the worker "
                   "takes code" },
    },
  },
  {
    .name = "pool_new",
    .help = "Makes a pool: workers that are ready before they are wanted. Each is handed out once, "
            "and another takes its place",
    .params = {
      POLICY,
      FLAGS,
      ENTRY,
      ARGS,
      NUMBER("size", TRUE, 1, BT_SERVE_MAX_POOL_SIZE, "how many workers wait"),
      PARAM("preload", TEXT, FALSE, "code that each runs before it waits, such as imports"),
    },
    .result = { { "pool", "its number" } },
  },
  {
    .name = "pool_take",
    .help = "Takes a worker out of a pool, or waits for one. It is ready, and stays until it ends or "
            "is stopped",
    .params = { POOL },
    .result = { { "worker", "its number" } },
  },
  {
    .name = "pool_stop",
    .help = "Ends a pool and the workers that wait in it; those that were taken go on",
    .params = { POOL },
  },
};
const guint bt_n_methods = G_N_ELEMENTS(bt_methods);

#define OF { "worker", "its number" }

const BtNotification bt_notifications[] = {
  { "ready", "The program takes messages or code", { OF } },
  {
    "output",
    "The program, or code that it runs, wrote something. Characters are whole where it writes "
    "UTF-8",
    { OF, { "stream", "stdout or stderr" }, { "text", "the bytes, if they are UTF-8" }, { "base64", "or else this" } },
  },
  { "message", "A message of the program's", { OF, { "text", "the bytes, if they are UTF-8" }, { "base64", "or else this" } } },
  {
    "request",
    "The program waits for an answer, by reply or reply_error",
    { OF, { "request", "its number" }, { "text", "the bytes, if they are UTF-8" }, { "base64", "or else this" } },
  },
  {
    "state",
    "What becomes of code",
    {
      OF,
      { "state", "exec_start, exec_end, exception or interrupted" },
      { "code", "a number for each run_code, in the worker's own count" },
      { "exitCode", "of exec_end" },
      { "text", "of exception: its class and message" },
    },
  },
  {
    "event",
    "Something was refused, reported, or happened to the worker",
    { OF, { "event", "an object as '--events' writes it" } },
  },
  {
    "dropped",
    "Events that were not told, because the client does not read",
    { OF, { "count", "how many" } },
  },
  {
    "exited",
    "The worker and all that it started are gone; its number is not used again",
    {
      OF,
      { "status", "as a shell reports it" },
      { "error", "why it was not started, or was ended: an object; not there if it ended by "
                 "itself" },
    },
  },
};
const guint bt_n_notifications = G_N_ELEMENTS(bt_notifications);
