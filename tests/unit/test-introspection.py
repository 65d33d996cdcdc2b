#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libbuntime from another language, and its description against its symbols.

test-introspection.py LIBRARY GIR
"""

import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree

import gi

gi.require_version("Buntime", "1.0")
# pylint: disable=wrong-import-position
from gi.repository import Buntime, GLib  # noqa: E402

LIBRARY, GIR = sys.argv[1:3]
C_IDENTIFIER = "{http://www.gtk.org/introspection/c/1.0}identifier"
GET_TYPE = "{http://www.gtk.org/introspection/glib/1.0}get-type"
CORE = "{http://www.gtk.org/introspection/core/1.0}"


class Symbols(unittest.TestCase):
    def test_every_symbol_is_described(self):
        """Each function is exported and described, and says since when."""
        lines = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], check=True,
                               capture_output=True, text=True).stdout.splitlines()
        exported = {line.split()[2].split("@")[0] for line in lines if line.split()[1] == "T"}
        root = ElementTree.parse(GIR).getroot()
        functions = [node for node in root.iter() if C_IDENTIFIER in node.attrib and
                     node.tag in (CORE + "function", CORE + "method", CORE + "constructor")]
        described = {node.attrib[C_IDENTIFIER] for node in functions}
        described |= {node.attrib[GET_TYPE] for node in root.iter() if GET_TYPE in node.attrib}
        self.assertEqual(exported, described)
        undated = [node.attrib[C_IDENTIFIER] for node in functions if "version" not in node.attrib]
        self.assertEqual(undated, [])


class Run(unittest.TestCase):
    def test_a_worker(self):
        policy = Buntime.Policy.new()
        policy.add_permission(Buntime.Permission.ENV, True, "LANG")
        self.assertEqual(policy.check(Buntime.Permission.ENV, "HOMEX").get_action(),
                         Buntime.Action.DENY)
        loop, seen = GLib.MainLoop(), {"output": b"", "events": []}
        worker = Buntime.Sandbox.new(policy).spawn("/bin/sh", ["-c", "echo hello; exit 3"])
        worker.connect("output", lambda _worker, stream, data: seen.update(
            output=seen["output"] + data.get_data()))
        worker.connect("event", lambda _worker, event: seen["events"].append(event.to_json()))
        worker.connect("exited", lambda _worker, _status: loop.quit())
        GLib.timeout_add_seconds(30, loop.quit)
        loop.run()
        self.assertTrue(worker.get_exited())
        self.assertEqual(worker.get_exit_status(), 3)
        self.assertEqual(seen["output"], b"hello\n")
        self.assertTrue(any('"exited"' in line for line in seen["events"]), seen["events"])

    def test_an_error(self):
        with self.assertRaises(GLib.Error) as caught:
            Buntime.Policy.load("/nonexistent.json")
        self.assertTrue(caught.exception.matches(Buntime.error_quark(), Buntime.Error.POLICY))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
