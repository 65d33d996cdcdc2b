# SPDX-License-Identifier: LGPL-2.1-or-later
"""Host programs: what uses libbuntime as an application does.

Under sanitizers those in Python are left out, and Bun: an interpreter loads nothing that wants a
sanitizer's runtime. tests/unit/test-library.c is the library's test there, and programs in C are run.
"""

import json
import textwrap

import pytest

import tier
from world import PLAIN

SANITIZED = ("test_interactive.py", "test_serve.py", "test_debug_ui.py", "test_debug_ui_http.py")

# What a host program has to begin with: a policy, and a worker whose signals are kept.
PRELUDE = r'''
import glob, json, os, struct, sys, time
import gi
gi.require_version("Buntime", "1.0")
from gi.repository import Buntime, Gio, GLib
out = {}

def rings():
    """Where each side of each channel of this program stands."""
    for line in open("/proc/self/maps"):
        place, _, offset, _, _, *name = line.split()
        begin, end = (int(number, 16) for number in place.split("-"))
        # The file's last 64 KiB are the words; the kernel may have joined them to what is before.
        if name[:1] != ["/memfd:buntime-channel"] or (int(offset, 16) + end - begin) % 131072 == 0:
            continue
        with open("/proc/self/mem", "rb") as memory:
            memory.seek(end - 65536)
            words = struct.unpack("256I", memory.read(1024))
        for side, at in (("host", 0), ("worker", 128)):
            yield f"{side}: wrote {words[at]}, read {words[at + 32]}, wants {words[at + 64]}"

def threads():
    """What those of the processes that this one started are about, and the ticks that they took."""
    below = {os.getpid()}
    for pid in sorted(map(int, filter(str.isdigit, os.listdir("/proc")))):
        for task in glob.glob(f"/proc/{pid}/task/*"):
            try:
                stat, wchan = open(task + "/stat").read(), open(task + "/wchan").read()
            except OSError:
                continue
            name, _, rest = stat.rpartition(")")
            state, parent, *more = rest.split()
            if int(parent) in below and pid not in below:
                below.add(pid)
            if pid in below and pid != os.getpid():
                yield f"{name}) {state} {wchan}, {int(more[9]) + int(more[10])} ticks"

class Host:
    """One worker and what it told."""

    def __init__(self, entry, *args, flags=(), kind=Buntime.WorkerKind.AUTO):
        policy = Buntime.Policy.new()
        for permission, value in flags:
            policy.add_permission(getattr(Buntime.Permission, permission), True, value)
        if "BUNTIME_TEST_TIER" in os.environ:
            policy.set_tier(Buntime.Tier.LANDLOCK)
        sandbox = Buntime.Sandbox.new(policy)
        sandbox.set_worker(kind)
        self.stdout, self.stderr = b"", b""
        self.messages, self.states, self.events = [], [], []
        self.ready, self.status, self.over = False, None, False
        self.request = lambda data: None
        self.worker = sandbox.spawn(entry, list(args) if args else None)
        self.worker.connect("ready", self.on_ready)
        self.worker.connect("output", self.on_output)
        self.worker.connect("message", lambda _, data: self.messages.append(data.get_data()))
        self.worker.connect("request", self.on_request)
        self.worker.connect("state", lambda _, *state: self.states.append(list(state)))
        self.worker.connect("event", lambda _, event: self.events.append(json.loads(event.to_json())))
        self.worker.connect("exited", self.on_exited)

    def on_ready(self, _):
        self.ready = True

    def on_output(self, _, stream, data):
        if stream == 1:
            self.stdout += data.get_data()
        else:
            self.stderr += data.get_data()

    def on_request(self, worker, number, data):
        reply = self.request(data.get_data())
        return reply is not None and worker.reply(number, GLib.Bytes.new(reply))

    def on_exited(self, _, status):
        self.status = status

    def until(self, what, seconds=20):
        """Waits for what() to be true; fails with what there is."""
        context, end = GLib.MainContext.default(), time.monotonic() + seconds
        tick = GLib.timeout_add(50, lambda: True)
        while not what():
            context.iteration(True)
            if time.monotonic() > end or (self.status is not None and not what()):
                error = self.worker.get_error()
                raise AssertionError(f"status {self.status} {error and error.message}, output "
                                     f"{self.stdout[-2000:]} {self.stderr[-2000:]}, messages "
                                     f"{self.messages[:9]}, states {self.states[-9:]}, "
                                     f"denials {[e for e in self.events if e['action'] == 'deny'][:5]}" +
                                     "\n".join(["", *rings(), *threads()]))
        GLib.source_remove(tick)

    def send(self, data):
        self.worker.send(GLib.Bytes.new(data))

    def message(self):
        """The next one."""
        self.until(lambda: self.messages)
        return self.messages.pop(0)

    def finish(self, start, finish):
        """The answer of an asynchronous call, or the GLib.Error."""
        answers = []
        start(lambda worker, result: answers.append(result))
        self.until(lambda: answers)
        try:
            return finish(answers[0])
        except GLib.Error as error:
            return error

    def call(self, data, timeout=-1):
        return self.finish(lambda done: self.worker.call(GLib.Bytes.new(data), timeout, None, done),
                           lambda result: self.worker.call_finish(result).get_data())

    def ask(self, method, *params):
        """call() of a method by its name."""
        answer = self.call(json.dumps({"method": method, "params": params}).encode())
        return str(answer.message) if isinstance(answer, GLib.Error) else json.loads(answer)

    def run(self, code, timeout=-1, cancellable=None):
        answer = self.finish(lambda done: self.worker.run_code(code, timeout, cancellable, done),
                             self.worker.run_code_finish)
        return answer.message if isinstance(answer, GLib.Error) else answer

    def end(self, grace=5000):
        """Stops it; its status."""
        if self.status is None:
            self.worker.stop(grace)
        self.until(lambda: self.status is not None)
        return self.status
'''
EPILOGUE = '\nprint("OUT:" + json.dumps(out, default=repr))\n'


def pytest_collection_modifyitems(items):
    for item in items:
        if "/ipc/" in str(item.fspath) and \
                (item.fspath.basename not in SANITIZED or "bun" in item.fixturenames):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def host(world, box):
    """host(code) runs a host program, in Python, and returns what it left in `out`."""
    library = str(world.build / "src/lib")
    variables = {"GI_TYPELIB_PATH": library, "LD_LIBRARY_PATH": library}
    if tier.TIER is not None:
        variables["BUNTIME_TEST_TIER"] = tier.TIER

    def write(code):
        return box.write("host.py", PRELUDE + textwrap.dedent(code) + EPILOGUE)

    def run(code, env=None, **kwargs):
        program = write(code)
        environment = world.environment({**variables, **(env or {})})
        kwargs.setdefault("cwd", box.directory)
        result = world.run_command([*PLAIN, "/usr/bin/python3", program], env=environment,
                                   **kwargs)
        assert result.status == 0, str(result)
        assert "CRITICAL" not in result.stderr and "WARNING" not in result.stderr, str(result)
        return json.loads(result.stdout.split("OUT:")[1])

    run.write, run.variables = write, variables
    return run
