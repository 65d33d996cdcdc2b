#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program with plugins that it does not trust.

    python3 data/examples/plugin-host.py [FOLDER]

Each FOLDER/NAME.py (plugins/ beside this file unless given) is somebody's plugin: it has a function
transform(text).  Each is started in a sandbox of its own, side by side, and all are called with the
same text.  FOLDER/NAME.json is the policy that the user has agreed to for that plugin; without one
it is granted nothing.  A plugin that fails, lies or never ends spoils nobody's text but its own.
"""

import json
import sys
from pathlib import Path

import gi

gi.require_version("Buntime", "1.0")
# pylint: disable=wrong-import-position
from gi.repository import Buntime, GLib  # noqa: E402

TEXT = "a rose is a rose"
PATIENCE = 3000  # milliseconds, with those that start the interpreter


class Plugin:
    """One plugin: its sandbox, what it answered, and what was refused to it."""

    def __init__(self, path, on_end):
        self.name, self.answer, self.refused = path.stem, None, []
        policy = Buntime.Policy.new()
        if path.with_suffix(".json").exists():
            policy.add_file(str(path.with_suffix(".json")))
        policy.set_limit(Buntime.Limit.PIDS, "16")
        # Whoever holds the worker holds its sandbox.
        self.worker = Buntime.Sandbox.new(policy).spawn(str(path))
        self.worker.connect("event", self.on_event)
        self.worker.connect("exited", lambda _worker, _status: on_end(self))

    def on_event(self, _worker, event):
        if event.get_action() == Buntime.Action.DENY:
            self.refused.append(f"{event.get_kind()} {event.get_object()}")

    def call(self, method, *params):
        request = json.dumps({"method": method, "params": params}).encode()
        self.worker.call(GLib.Bytes.new(request), PATIENCE, None, self.on_answer)

    def on_answer(self, worker, result):
        try:
            # It may be anything: what is wanted is a text, and not a long one.
            answer = json.loads(worker.call_finish(result).get_data())
            self.answer = answer[:200] if isinstance(answer, str) else "(that is no text)"
        except (GLib.Error, ValueError, RecursionError) as error:
            self.answer = "failed: " + getattr(error, "message", str(error)).split("\n", maxsplit=1)[0][:200]
        # What still runs in there, whatever it is, ends now.
        worker.stop(0)


def main():
    here = Path(__file__).resolve().parent
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else here / "plugins"
    loop, running, ended = GLib.MainLoop(), set(), []

    def on_end(plugin):
        ended.append(plugin)
        running.discard(plugin.name)
        if not running:
            loop.quit()

    plugins = [Plugin(path, on_end) for path in sorted(folder.glob("*.py"))]
    if not plugins:
        sys.exit(f"{folder}: no plugins are there")
    for plugin in plugins:
        running.add(plugin.name)
        plugin.call("transform", TEXT)
    loop.run()
    for plugin in sorted(ended, key=lambda plugin: plugin.name):
        print(f"{plugin.name}: {plugin.answer!r}")
        for what in plugin.refused:
            print(f"  refused: {what!r}")


if __name__ == "__main__":
    try:
        main()
    except GLib.Error as error:
        sys.exit(Buntime.error_format(error).rstrip())
