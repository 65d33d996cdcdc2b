#!/usr/bin/env -S gjs -m
// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A host program in JavaScript, as desktop programs are written in it: starts worker.py in a
 * sandbox and calls its functions.
 *
 *     gjs -m data/examples/host.js
 *
 * The functions of a worker are promises here.  The one that is refused what it tries is
 * rejected, and the refusal is an event.
 */
import Buntime from 'gi://Buntime?version=1.0';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';

Gio._promisify(Buntime.Worker.prototype, 'call', 'call_finish');

const loop = new GLib.MainLoop(null, false);
const here = GLib.path_get_dirname(GLib.filename_from_uri(import.meta.url)[0]);
const text = (bytes) => new TextDecoder().decode(bytes.toArray());
/* A terminal would obey what a worker writes, and what it answers may be anything. */
const shown = (words) => String(words).trimEnd().replace(/\p{C}/gu, '?');

/* A worker as an object: worker.functions.name(...) calls what it registered by that name. */
function start(entry, policy) {
  const worker = Buntime.Sandbox.new(policy).spawn(entry, null);
  worker.connect('output', (_worker, _stream, bytes) => print('it writes:', shown(text(bytes))));
  worker.connect('event', (_worker, event) => {
    if (event.get_action() === Buntime.Action.DENY)
      print(event.format().trimEnd());
  });
  const functions = new Proxy({}, {
    get: (_target, method) => async (...params) => {
      const request = new TextEncoder().encode(JSON.stringify({ method, params }));
      return JSON.parse(text(await worker.call(new GLib.Bytes(request), 10000, null)));
    },
  });
  const exited = new Promise((resolve) => worker.connect('exited', (_worker, status) => resolve(status)));
  return { worker, functions, exited };
}

async function main() {
  const policy = Buntime.Policy.new();
  policy.set_limit(Buntime.Limit.WALL_TIME, '60s');
  const { worker, functions, exited } = start(GLib.build_filenamev([here, 'worker.py']), policy);

  print('words:', shown(await functions.count_words('the quick brown fox')));
  try {
    print('it is', shown(await functions.phone_home('example.com')));
  } catch (error) {
    print('phone_home failed:', shown(error.message));
  }
  worker.stop(1000);
  await exited;
  print('it is gone');
}

let status = 0;
main().catch((error) => {
  printerr(error instanceof GLib.Error ? Buntime.error_format(error).trimEnd() : shown(error));
  status = 1;
}).finally(() => loop.quit());
loop.run();
System.exit(status);
