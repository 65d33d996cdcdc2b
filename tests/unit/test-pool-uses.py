#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A pool of Python, or of Bun: nothing of one use is found by the next.

test-pool-uses.py [BUN]
"""

import os
import sys
import unittest

import gi

gi.require_version("Buntime", "1.0")
# pylint: disable=wrong-import-position
from gi.repository import Buntime, Gio, GLib  # noqa: E402

PATIENCE = 60000
BUN = sys.argv[1] if len(sys.argv) > 1 else None
if BUN is not None:
    os.environ["PATH"] = os.path.dirname(BUN) + ":" + os.environ["PATH"]

# Whatever code can leave behind, each with what finds it again.
LEAVE = """
import builtins, json, math, os, signal, socket, sys, time
left = builtins.left = json.left = "here"
math.sin = None
os.environ["LEFT"] = "here"
os.makedirs("/tmp/left", exist_ok=True)
open("/dev/shm/left", "w").write("here")
os.chdir("/tmp")
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
sys.path.insert(0, "/tmp")
open("/tmp/buntime_left.py", "w").write("")
kept = [socket.socket(socket.AF_UNIX), socket.socket()]
kept[0].bind("\\0left"); kept[0].listen()
kept[1].bind(("127.0.0.1", 4711)); kept[1].listen()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
"""
FIND = """
import builtins, importlib.util, json, math, os, signal, socket
def answers(family, address):
    with socket.socket(family) as one:
        return one.connect_ex(address) == 0
found = [name for name, there in {
    "variable": "left" in globals() or hasattr(builtins, "left"),
    "module": hasattr(json, "left") or math.sin is None,
    "environment": "LEFT" in os.environ,
    "file": os.path.exists("/tmp/left") or os.listdir("/tmp") != [],
    "shared memory": os.listdir("/dev/shm") != [],
    "directory": os.getcwd() == "/tmp",
    "signal": signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN,
    "import": importlib.util.find_spec("buntime_left") is not None,
    "unix socket": answers(socket.AF_UNIX, "\\0left"),
    "tcp socket": answers(socket.AF_INET, ("127.0.0.1", 4711)),
    "process": len([one for one in os.listdir("/proc") if one.isdigit()]) > 2,
}.items() if there]
"""
ALL_FOUND = ["variable", "module", "environment", "file", "shared memory", "directory", "signal",
             "import", "unix socket", "tcp socket", "process"]

LEAVE_BUN = """
globalThis.left = "here";
Array.prototype.left = "here";
Math.sin = null;
process.env.LEFT = "here";
process.chdir("/tmp");
require("fs").writeFileSync("/tmp/left", "here");
require("fs").writeFileSync("/dev/shm/left", "here");
require.cache.left = "here";
globalThis.server = Bun.listen({ hostname: "127.0.0.1", port: 4711, socket: { data() {} } });
"""
FIND_BUN = """
const answers = await Bun.connect({ hostname: "127.0.0.1", port: 4711, socket: { data() {} } })
  .then(() => true, () => false);
const { readdirSync } = require("fs");
globalThis.found = Object.entries({
  variable: typeof globalThis.left !== "undefined",
  prototype: [].left !== undefined || Math.sin === null,
  environment: "LEFT" in process.env,
  file: readdirSync("/tmp").length > 0,
  memory: readdirSync("/dev/shm").length > 0,
  directory: process.cwd() === "/tmp",
  module: "left" in require.cache,
  socket: answers,
}).filter(([, there]) => there).map(([name]) => name);
"""
ALL_FOUND_BUN = "variable,prototype,environment,file,memory,directory,module,socket"

HOSTILE = {
    "kills whatever it can": "import os, signal; os.kill(-1, signal.SIGKILL); os.kill(os.getpid(), 9)",
    "writes over the rings": """
import mmap, os
for number in range(3, 64):
    try:
        with mmap.mmap(number, 0) as memory:
            memory[:] = os.urandom(len(memory))
    except (OSError, ValueError):
        pass
os.kill(os.getpid(), 9)
""",
    "floods the control socket": """
import os, socket
for number in range(3, 64):
    try:
        one = socket.socket(fileno=number)
    except OSError:
        continue
    for _ in range(100000):
        try:
            one.send(b"[[[[", socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except OSError:
            break
    one.detach()
os.kill(os.getpid(), 9)
""",
    "never comes back": "import time\nwhile True: time.sleep(0.01)",
    "fills its disk": """
with open("/tmp/all", "wb") as file:
    try:
        while True: file.write(bytes(1 << 20))
    except OSError: pass
""",
}


class Base(unittest.TestCase):
    def setUp(self):
        self.context = GLib.MainContext.default()
        self.patience = GLib.timeout_add(PATIENCE, self.give_up)

    def tearDown(self):
        GLib.source_remove(self.patience)

    def give_up(self):
        raise SystemExit("the pool takes too long")

    def pool(self, size=1, preload=None, kind=Buntime.WorkerKind.PYTHON):
        sandbox = Buntime.Sandbox.new(Buntime.Policy.new())
        sandbox.set_worker(kind)
        pool = Buntime.Pool.new(sandbox, size)
        if preload is not None:
            pool.set_preload(preload)
        self.addCleanup(pool.stop)
        return pool

    def wait(self, begin, finish):
        results = []
        begin(lambda _object, result: results.append(result))
        while not results:
            self.context.iteration(True)
        return finish(results[0])

    def take(self, pool):
        worker = self.wait(lambda done: pool.take_async(None, done), pool.take_finish)
        self.addCleanup(worker.stop, 0)
        return worker

    def run_code(self, worker, code, timeout=-1):
        return self.wait(lambda done: worker.run_code(code, timeout, None, done),
                         worker.run_code_finish)

    def find(self, worker):
        self.run_code(worker, FIND)
        return self.run_code(worker, "found")

    def end(self, worker):
        worker.stop(0)
        while not worker.get_exited():
            self.context.iteration(True)


class State(Base):
    def test_nothing_passes_from_one_use_to_the_next(self):
        pool = self.pool(2)
        first = self.take(pool)
        self.run_code(first, LEAVE)
        # The test can fail: the same use finds all of it.
        self.assertEqual(self.find(first), repr(ALL_FOUND))
        for again in range(3):
            # The first while it goes on, those that follow when it has ended.
            with self.subTest(again):
                self.assertEqual(self.find(self.take(pool)), "[]")
            if again == 0:
                self.end(first)

    def test_each_has_its_own_preloaded(self):
        pool = self.pool(1, "import decimal\nnumbers = [1]")
        for _ in range(3):
            worker = self.take(pool)
            self.assertEqual(self.run_code(worker, "numbers.append(2) or len(numbers)"), "2")
            self.assertEqual(self.run_code(worker, "'decimal' in __import__('sys').modules"), "True")

    def test_a_preload_that_fails(self):
        with self.assertRaises(GLib.Error) as caught:
            self.take(self.pool(1, "raise ValueError('not today')"))
        self.assertTrue(caught.exception.matches(Buntime.error_quark(), Buntime.Error.FAILED))
        self.assertIn("ValueError: not today", caught.exception.message)


@unittest.skipIf(BUN is None, "there is no Bun")
class BunState(Base):
    def find(self, worker):
        self.run_code(worker, FIND_BUN)
        return self.run_code(worker, "found.join()").strip("'")

    def test_nothing_passes_from_one_use_to_the_next(self):
        pool = self.pool(2, "globalThis.numbers = [1]", Buntime.WorkerKind.BUN)
        first = self.take(pool)
        self.run_code(first, LEAVE_BUN)
        self.assertEqual(self.find(first), ALL_FOUND_BUN)
        for again in range(2):
            with self.subTest(again):
                worker = self.take(pool)
                self.assertEqual(self.find(worker), "")
                self.assertEqual(self.run_code(worker, "numbers.push(2)"), "2")
            self.end(first)


class Hostile(Base):
    def test_the_next_use_is_not_touched(self):
        pool = self.pool(2)
        for name, code in HOSTILE.items():
            with self.subTest(name):
                worker = self.take(pool)
                try:
                    self.run_code(worker, code, 1000)
                except GLib.Error:
                    pass
                honest = self.take(pool)
                self.assertEqual(self.run_code(honest, "sum(range(10))"), "45")
                self.assertEqual(self.find(honest), "[]")
                self.end(worker)
                self.end(honest)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
