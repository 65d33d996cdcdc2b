#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a host program is told of a worker that runs: its processes, and what holds it."""

import json
import os
import signal
import sys
import time
import unittest

import gi

gi.require_version("Buntime", "1.0")
# pylint: disable=wrong-import-position
from gi.repository import Buntime, GLib  # noqa: E402

# The time in which processes are looked for, as lib/bt-processes.c has it: what is not seen by then is not told.
LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 60
TRIES = 100

FLAT = '{"version": 1, "plugins": {"namespaces": false}}'

# Names that processes give themselves, one that nobody waits for, an orphan, one that computes.
FAMILY = r"""
import ctypes, os, sys, time
libc = ctypes.CDLL(None)
def child(name, work=lambda: time.sleep(1000)):
    pid = os.fork()
    if pid == 0:
        libc.prctl(15, name, 0, 0, 0)
        work()
        os._exit(0)
    return pid
def parent_of_orphan():
    print(f"orphan {child(b'orphan')}", flush=True)
def compute():
    while True:
        pass
libc.prctl(15, b"elder", 0, 0, 0)
print(f"self {os.getpid()}", flush=True)
for number, name in enumerate((b'a) R 1 2 3 (b', b'x\n\x1b[2J"', b'\xff\xfe', b'\xe2\x80\xae', b'')):
    print(f"name{number} {child(name)}", flush=True)
os.waitpid(child(b"gone", parent_of_orphan), 0)
print(f"computes {child(b'computes', compute)}", flush=True)
print(f"zombie {child(b'zombie', lambda: None)}", flush=True)
print("ready 0", flush=True)
time.sleep(1000)
"""


class Worker:
    """Runs in a main loop of its own until it says "ready"."""

    def __init__(self, code, *policies):
        policy = Buntime.Policy.new()
        for text in policies:
            policy.add_json(text, "test")
        self.loop, self.output = GLib.MainLoop(), b""
        self.worker = Buntime.Sandbox.new(policy).spawn("/usr/bin/python3", ["-c", code])
        self.at_once = self.worker.processes_to_json(), self.worker.layers_to_json()
        self.worker.connect("output", self.on_output)
        self.worker.connect("exited", lambda _worker, _status: self.loop.quit())
        self.patience = GLib.timeout_add_seconds(PATIENCE_SECONDS, self.loop.quit)
        self.loop.run()
        self.said = dict(line.split() for line in self.output.decode(errors="replace").splitlines()
                         if line.count(" ") == 1)

    def on_output(self, _worker, _stream, data):
        self.output += data.get_data()
        if b"ready" in self.output:
            self.loop.quit()

    def end(self):
        self.worker.stop(0)
        while not self.worker.get_exited():
            self.loop.run()
        GLib.source_remove(self.patience)

    def pid(self, name):
        return int(self.said[name])

    def processes(self, whole=True):
        """whole: looked for until all of them were seen, which is sure only where the time was not over."""
        for _ in range(TRIES):
            before = time.monotonic()
            text = self.worker.processes_to_json()
            if not whole or time.monotonic() - before < LOOK_SECONDS:
                break
        else:
            raise AssertionError("never seen all in time")
        listed = json.loads(text)
        found = {process["pid"]: process for process in listed}
        assert list(found) == sorted(found) and len(found) == len(listed), listed
        return found


class Processes(unittest.TestCase):
    def check_family(self, worker, top):
        self.assertIn("ready", worker.said, (worker.output, worker.worker.get_error()))
        own = worker.pid("self")
        deadline = time.monotonic() + 20
        while True:
            found = worker.processes()
            # A child has its parent's name until it gives itself its own, and the elder says "ready"
            # before it sleeps.
            if found[worker.pid("zombie")]["state"] == "zombie" and \
               found[worker.pid("computes")]["cpuTime"] >= 20000 and \
               found[own]["state"] == "sleeping" and \
               [pid for pid, process in found.items() if process["name"] == "elder"] == [own]:
                break
            self.assertLess(time.monotonic(), deadline, found)
            time.sleep(0.02)
        self.assertEqual(found[own]["parent"], top)
        self.assertEqual(found[worker.pid("orphan")]["parent"], top)
        names = ["a) R 1 2 3 (b", "x\n\x1b[2J\"", "\ufffd\ufffd", "\u202e", ""]
        for number, name in enumerate(names):
            process = found[worker.pid(f"name{number}")]
            self.assertEqual((process["name"], process["parent"]), (name, own))
        self.assertGreater(found[own]["memory"], 1 << 20)
        self.assertLess(found[own]["memory"], 1 << 30)
        self.assertEqual(found[worker.pid("zombie")]["memory"], 0)
        self.assertLess(found[own]["cpuTime"], 20 * 1000000)
        text = worker.worker.processes_to_json()
        self.assertFalse(set("\n\x1b\u202e") & set(text), text)
        return found

    def test_in_namespaces(self):
        worker = Worker(FAMILY)
        self.assertEqual(worker.at_once, ("[]", "[]"))
        found = self.check_family(worker, 1)
        self.assertEqual(len(found), 9, found)
        # It answers for itself, whatever its processes do.
        worker.worker.pause_reading()
        self.assertEqual(len(worker.processes()), 9)
        worker.worker.resume_reading()
        worker.end()
        self.assertEqual(worker.worker.processes_to_json(), "[]")

    def test_without_namespaces(self):
        """Numbers are the host's then, and none of the others on it is told."""
        worker = Worker(FAMILY, FLAT)
        self.assertIn("self", worker.said, worker.output)
        with open(f"/proc/{worker.pid('self')}/stat", encoding="ascii") as file:
            init = int(file.read().rsplit(")", 1)[1].split()[1])
        found = self.check_family(worker, init)
        self.assertEqual(len([process for process in found.values()
                              if process["name"] != "buntime-guard"]), 9, found)
        self.assertNotIn(os.getpid(), found)
        self.assertNotIn(init, found)
        os.kill(worker.pid("name0"), signal.SIGKILL)
        worker.end()
        self.assertEqual(worker.worker.processes_to_json(), "[]")

    def test_very_many(self):
        code = """
import os, time
for i in range(1200):
    try:
        if os.fork() == 0:
            time.sleep(1000)
    except BlockingIOError:
        break
print("ready", i, flush=True)
time.sleep(1000)
"""
        worker = Worker(code, '{"version": 1, "limits": {"pids": 1300}}')
        self.assertIn("ready", worker.said, (worker.output, worker.worker.get_error()))
        # All that it could start, or as many as are seen in the time that there is: on a busy machine
        # that may be over at once.
        for _ in range(TRIES):
            before = time.monotonic()
            found = worker.processes(whole=False)
            self.assertLess(time.monotonic() - before, 2)
            self.assertLessEqual(len(found), 1024)
            if len(found) > 100:
                break
        else:
            self.fail("never more than 100")
        worker.end()


LAYERS = ["namespaces", "network", "gate", "mounts", "limits", "landlock", "privileges", "seccomp",
          "notifier", "channel"]

# What the kernel says of the process itself, and whether files and programs are kept from it.
HELD = r"""
import os, socket, sys
for line in open("/proc/self/status"):
    key, value = line.split(":", 1)
    if key in ("Seccomp", "NoNewPrivs", "CapEff", "CapBnd"):
        print(key, value.strip())
try:
    print("pid", os.readlink("/proc/self/ns/pid"))
except OSError:
    print("pid hidden")
try:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    print("inet yes")
except OSError:
    print("inet no")
try:
    print("interfaces", ",".join(name for _, name in socket.if_nameindex()))
except OSError:
    print("interfaces unknown")
print("ready 0", flush=True)
"""


class Layers(unittest.TestCase):
    def held(self, *policies):
        worker = Worker(HELD, *policies)
        self.assertIn("ready", worker.said, (worker.output, worker.worker.get_error()))
        text = worker.worker.layers_to_json()
        worker.end()
        self.assertEqual(worker.worker.layers_to_json(), text)
        listed = json.loads(text)
        self.assertEqual([layer["layer"] for layer in listed], LAYERS)
        self.assertNotIn("\n", text)
        states = {layer["layer"]: layer["state"] for layer in listed}
        details = {layer["layer"]: layer["detail"] for layer in listed}
        self.assertEqual(states["privileges"], "on")
        self.assertEqual(worker.said["NoNewPrivs"], "1")
        self.assertEqual(int(worker.said["CapEff"], 16), 0)
        self.assertEqual(worker.said["Seccomp"], "2" if states["seccomp"] == "on" else "0")
        self.assertEqual(states["notifier"], states["seccomp"])
        self.assertEqual(worker.said["pid"] not in ("hidden", os.readlink("/proc/self/ns/pid")),
                         states["namespaces"] == "on")
        return worker, states, details

    def test_all(self):
        worker, states, details = self.held()
        self.assertEqual(worker.said["interfaces"], "lo")
        self.assertEqual({layer for layer, state in states.items() if state == "on"},
                         set(LAYERS) - {"gate"})
        self.assertEqual(states["gate"], "unneeded")
        self.assertTrue(details["network"].startswith("none: "), details)
        self.assertRegex(details["landlock"], r"^ABI [1-9][0-9]*, [1-9][0-9]* rules")
        self.assertRegex(details["mounts"], r" [1-9][0-9]* mounts$")
        self.assertRegex(details["limits"], r"^resource limits: .*core.*nproc")

    def test_network(self):
        rule = '{"action": "allow", "%s": "%s", "ports": "443"}'
        for key, value, gate in (("host", "granted.example", "every packet"),
                                 ("cidr", "192.0.2.1/32", "but for connections")):
            worker, states, details = self.held(
                '{"version": 1, "net": {"rules": [' + rule % (key, value) + "]}}")
            self.assertIn("eth0", worker.said["interfaces"])
            self.assertRegex(details["network"], "^(tap|veth), slirp$")
            self.assertEqual(states["gate"], "on")
            self.assertTrue(details["gate"].startswith(gate), details)

    def test_turned_off(self):
        for layer, others in (("landlock", set()), ("seccomp", {"notifier"})):
            text = '{"version": 1, "plugins":\n {"%s": false}}' % layer
            _, states, details = self.held(text)
            self.assertEqual({name for name, state in states.items() if state == "off"},
                             {layer} | others)
            self.assertIn(f"(test:2: plugins.{layer})", details[layer])

    def test_without_namespaces(self):
        worker, states, details = self.held(FLAT)
        self.assertEqual({name for name, state in states.items() if state == "off"},
                         {"namespaces", "gate", "mounts"})
        self.assertEqual(states["network"], "on")
        self.assertTrue(details["network"].startswith("the host's: TCP alone"), details)
        self.assertIn("(test:1: plugins.namespaces)", details["gate"])
        self.assertEqual(worker.said["interfaces"], "unknown")

    def test_limits(self):
        """No bus: the kernel's own limits are used instead, and that is said."""
        for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"):
            os.environ.pop(name, None)
        _, states, details = self.held(
            '{"version": 1, "limits": {"memory": "512M", "wallTime": "60s", "tmpSize": "1M"}}')
        self.assertEqual(states["limits"], "on")
        self.assertRegex(details["limits"], "^no control group; file systems: tmpSize; "
                                            "supervisor: wallTime; resource limits: .*data")

    def test_nothing_was_started(self):
        worker = Buntime.Sandbox.new(Buntime.Policy.new()).spawn("/nonexistent", None)
        loop = GLib.MainLoop()
        worker.connect("exited", lambda _worker, _status: loop.quit())
        loop.run()
        self.assertEqual(worker.get_exit_status(), 127)
        self.assertEqual(worker.layers_to_json(), "[]")


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
