#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""worker.lua, which was written from buntime-ipc(7), in a real sandbox.

test-ipc-page.py LUAJIT WORKER
"""

import sys
import unittest

import gi

gi.require_version("Buntime", "1.0")
# pylint: disable=wrong-import-position
from gi.repository import Buntime, GLib  # noqa: E402

LUAJIT, WORKER = sys.argv[1:3]
LARGE = bytes(range(256)) * 8192  # 2 MiB, more than the ring


class Talk(unittest.TestCase):
    def test_a_conversation(self):
        policy = Buntime.Policy.new()
        policy.add_permission(Buntime.Permission.NET, True, "granted.example:443")
        policy.add_permission(Buntime.Permission.READ, True, WORKER.replace(",", ",,"))
        loop, told, answers = GLib.MainLoop(), [], []
        worker = Buntime.Sandbox.new(policy).spawn(LUAJIT, [WORKER, "serve"])

        def on_answer(worker, result):
            answers.append(worker.call_finish(result).get_data())
            if len(answers) == 3:
                worker.send(GLib.Bytes.new(LARGE))

        def on_ready(worker):
            for text in b"one", b"two", LARGE:
                worker.call(GLib.Bytes.new(text), 20000, None, on_answer)

        def on_request(worker, number, data):
            worker.reply(number, GLib.Bytes.new(b"host was asked: " + data.get_data()))
            return True

        def on_message(worker, data):
            told.append(data.get_data())
            if len(told) == 4:
                worker.send(GLib.Bytes.new(b"end"))

        worker.connect("ready", on_ready)
        worker.connect("request", on_request)
        worker.connect("message", on_message)
        worker.connect("output", lambda _worker, _stream, data: told.append(data.get_data()))
        worker.connect("exited", lambda _worker, _status: loop.quit())
        GLib.timeout_add_seconds(40, loop.quit)
        loop.run()
        # What is answered by different threads comes in any order.
        self.assertEqual(sorted(told), sorted([b"question 1: yes", b"question 2: no",
                                               b"request 3: host was asked: from lua", LARGE]))
        self.assertEqual(answers, [b"ONE", b"TWO", LARGE.upper()])
        self.assertTrue(worker.get_exited())
        self.assertEqual((worker.get_exit_status(), worker.get_error()), (0, None))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
