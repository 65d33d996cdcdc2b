#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libbuntime from another language, and its description against its symbols.

test-introspection.py LIBRARY GIR WORKER_LIBRARY WORKER_HEADER
"""

import json
import re
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import gi

gi.require_version("Buntime", "1.0")
# pylint: disable=wrong-import-position
from gi.repository import Buntime, GLib  # noqa: E402

LIBRARY, GIR, WORKER_LIBRARY, WORKER_HEADER = sys.argv[1:5]
C_IDENTIFIER = "{http://www.gtk.org/introspection/c/1.0}identifier"
GET_TYPE = "{http://www.gtk.org/introspection/glib/1.0}get-type"
CORE = "{http://www.gtk.org/introspection/core/1.0}"


SIGNAL = "{http://www.gtk.org/introspection/glib/1.0}signal"
# What has a "Since:" of its own; a member has its enumeration's.
DATED = [CORE + tag for tag in ("function", "method", "constructor", "class", "record", "enumeration",
                                "bitfield", "callback", "constant")] + [SIGNAL]
PARTS = [CORE + tag for tag in ("parameter", "instance-parameter", "member", "return-value")]


def exported_by(library):
    lines = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    return {line.split()[2].split("@")[0] for line in lines if line.split()[1] == "T"}


def is_described(node):
    """What returns nothing has nothing to be said about it."""
    nothing = node.tag == CORE + "return-value" and node.find(f"{CORE}type[@name='none']") is not None
    return nothing or node.find(CORE + "doc") is not None


def complaints(root):
    """No "Since:", no build; the same for what is not described."""
    for node in root.iter():
        name = node.get(C_IDENTIFIER) or node.get("name")
        # The structure of a class is nobody's to use.
        if node.tag not in DATED or node.get("{http://www.gtk.org/introspection/glib/1.0}is-gtype-struct-for"):
            continue
        if node.get("version") is None:
            yield f"{name}: no Since:"
        for part in [node] + [part for part in node.iter() if part.tag in PARTS]:
            if part.tag in PARTS and node.tag in (CORE + "class", CORE + "record"):
                continue  # of its methods, which have their turn
            if not is_described(part):
                yield f"{name}: {part.get('name', part.tag.split('}')[1])} is not described"


class Symbols(unittest.TestCase):
    def test_every_symbol_is_described(self):
        """What the map exports is what the GIR tells of."""
        root = ElementTree.parse(GIR).getroot()
        functions = [node for node in root.iter() if C_IDENTIFIER in node.attrib and
                     node.tag in (CORE + "function", CORE + "method", CORE + "constructor")]
        described = {node.attrib[C_IDENTIFIER] for node in functions}
        described |= {node.attrib[GET_TYPE] for node in root.iter() if GET_TYPE in node.attrib}
        self.assertEqual(exported_by(LIBRARY), described)

    def test_nothing_is_left_out(self):
        root = ElementTree.parse(GIR).getroot()
        self.assertEqual(list(complaints(root)), [])
        # That can fail.
        method = next(root.iter(CORE + "method"))
        del method.attrib["version"]
        method.remove(method.find(CORE + "doc"))
        next(root.iter(SIGNAL)).remove(next(root.iter(SIGNAL)).find(CORE + "doc"))
        self.assertEqual(len(list(complaints(root))), 3)

    def test_the_worker_library(self):
        """The same for what a worker links to, which has no GIR."""
        text = Path(WORKER_HEADER).read_text(encoding="utf-8")
        found = re.findall(r"/\*\*\n \* (\w+):\n((?: \*[^\n]*\n)*?) \*/\n([^;]*);", text)
        functions = {name for name, _, declared in found if "BUNTIME_WORKER_API" in declared}
        self.assertEqual(exported_by(WORKER_LIBRARY), functions)
        self.assertEqual(len(found), text.count("/**"))
        for name, comment, declared in found:
            self.assertIn("Since: ", comment, name)
            arguments = declared.split("(", 1)[1].rstrip(")").split(",") if "(" in declared else []
            for argument in (re.search(r"(\w+)$", argument.strip())[1] for argument in arguments):
                self.assertIn(f" * @{argument}: ", comment, name)


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


def told(kind, action, text, source, line, rule):
    return {"kind": kind, "action": action, "text": text,
            "rule": {"source": source, "line": line, "text": rule}}


class Rules(unittest.TestCase):
    def test_tier(self):
        """What holds a program is no part of what a policy says."""
        policy = Buntime.Policy.new()
        policy.add_permission(Buntime.Permission.NET, True, "192.0.2.1,192.0.2.1/udp")
        before = policy.to_json(), policy.rules_to_json()
        for tier, udp in ((Buntime.Tier.LANDLOCK, Buntime.Action.DENY),
                          (Buntime.Tier.NAMESPACES, Buntime.Action.ALLOW)):
            policy.set_tier(tier)
            self.assertEqual((policy.to_json(), policy.rules_to_json()), before)
            verdict = policy.check(Buntime.Permission.NET, "192.0.2.1:1/udp")
            self.assertEqual(verdict.get_action(), udp)
            verdict = policy.check(Buntime.Permission.NET, "192.0.2.1:1")
            self.assertEqual(verdict.get_action(), Buntime.Action.ALLOW)

    def test_each_has_its_source(self):
        policy = Buntime.Policy.new()
        policy.add_json("""{"version": 1, "plugins": {"landlock": false, "seccomp": true,
            "namespaces": false}, "defaults": {"fs": "allow", "net": "allow"},
            "net": {"rules": [{"action": "warn", "host": "x.example", "ports": "443"}]},
            "env": {"set": {"A": "1"}}, "limits": {"memory": "64M"}, "audit": {"events": ["openat"]}}""",
                        "first")
        policy.add_json("""{"version": 1, "plugins": {"namespaces": false, "landlock": false},
            "defaults": {"net": "deny", "fs": "allow"},
            "antiEscape": {"denySyscalls": ["getrandom"]},
            "net": {"rules": [
              {"action": "warn", "host": "x.example", "ports": "443"}]},
            "limits": {"memory": "32M", "pids": 7}, "audit": {}}""", "second\x1b")
        policy.add_permission(Buntime.Permission.SYS, True, "hostname")
        policy.set_audit()
        rules = json.loads(policy.rules_to_json())
        wanted = [
            told("plugins", None, "plugins.namespaces = false", "first", 2, "plugins.namespaces"),
            told("plugins", None, "plugins.landlock = false", "first", 1, "plugins.landlock"),
            told("defaults", "allow", "defaults.fs = allow", "first", 2, "defaults.fs = allow"),
            told("defaults", "deny", "defaults.net = deny", "second\x1b", 2, "defaults.net = deny"),
            told("defaults", "deny", "defaults.exec = deny", "built-in", None, "defaults.exec = deny"),
            told("net", "warn", "net: warn x.example 443 tcp", "first", 3, "net.rules[0]"),
            told("net", "warn", "net: warn x.example 443 tcp", "second\x1b", 5, "net.rules[0]"),
            told("env", None, "env: set A=1", "first", 4, "env.set.A"),
            told("sys", "allow", "sys: allow hostname", "command line", None, "--allow-sys=hostname"),
            told("antiEscape", "deny", "antiEscape: deny getrandom", "second\x1b", 3,
                 "antiEscape.denySyscalls[0]"),
            told("audit", None, "audit: connect", "second\x1b", 6, "audit"),
            told("audit", None, "audit: openat", "first", 4, "audit.events[0]"),
            told("audit", None, "audit: execve", "second\x1b", 6, "audit"),
            told("limits", None, "limits.memory = 32M", "second\x1b", 6, "limits.memory"),
            told("limits", None, "limits.pids = 7", "second\x1b", 6, "limits.pids"),
        ]
        self.assertEqual(rules, wanted)
        self.assertEqual(sorted({rule["text"] for rule in rules}), policy.list_rules())
        self.assertNotIn("\x1b", policy.rules_to_json())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
