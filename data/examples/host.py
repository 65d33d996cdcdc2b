#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host program in Python: starts worker.py in a sandbox and calls its functions.

    python3 data/examples/host.py

It needs PyGObject (python3-gi) and buntime's typelib, no more: what is in the sandbox is told by
the policy, and worker.py is granted nothing.  Its first function works, its second one is refused
what it tries, and the refusal is told to us, with what would have permitted it.
"""

import json
import sys
from pathlib import Path

import gi

gi.require_version("Buntime", "1.0")
# pylint: disable=wrong-import-position
from gi.repository import Buntime, GLib  # noqa: E402

WORKER = Path(__file__).resolve().with_name("worker.py")


def call(worker, method, *params):
    """Calls a function of the worker's, and waits for what it returns."""
    loop, done = GLib.MainLoop(), []
    request = json.dumps({"method": method, "params": params}).encode()
    worker.call(GLib.Bytes.new(request), 10_000, None,
                lambda _worker, result: (done.append(result), loop.quit()))
    loop.run()
    answer = worker.call_finish(done[0]).get_data()
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        return "no answer that could be read"


def on_output(_worker, _stream, data):
    # A terminal would obey what a worker writes: repr() shows it with escapes, here and below.
    print("it writes:", repr(data.get_data().decode(errors="replace")))


def on_event(_worker, event):
    if event.get_action() == Buntime.Action.DENY:
        print(event.format(), end="")


def main():
    policy = Buntime.Policy.new()
    policy.set_limit(Buntime.Limit.MEMORY, "256M")
    policy.set_limit(Buntime.Limit.WALL_TIME, "60s")
    worker = Buntime.Sandbox.new(policy).spawn(str(WORKER))
    worker.connect("output", on_output)
    worker.connect("event", on_event)

    print("words:", repr(call(worker, "count_words", "the quick brown fox")))
    try:
        print("it is", repr(call(worker, "phone_home", "example.com")))
    except GLib.Error as error:
        print("phone_home failed:", repr(error.message))

    loop = GLib.MainLoop()
    worker.connect("exited", lambda _worker, _status: loop.quit())
    worker.stop(1000)
    loop.run()
    print("it is gone")


if __name__ == "__main__":
    try:
        main()
    except GLib.Error as error:
        sys.exit(Buntime.error_format(error).rstrip())
