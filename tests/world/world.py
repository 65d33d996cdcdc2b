# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a test needs of the world: running buntime in it as on a desktop, and
asking its servers what they saw.
"""

import ctypes
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import textwrap
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import addresses
import tier
from native import compile_c

# The tests hold capabilities in the world's user namespace. What a desktop
# user starts holds none.
PLAIN = ["setpriv", "--ambient-caps=-all", "--inh-caps=-all", "--"]
TIMEOUT = 30
LONGEST_LINE = 4096  # of a log

EVENT = re.compile(
    r"buntime: (?P<action>denied|warning|warned|allowed) (?P<kind>\w+) (?P<object>.*?)"
    r"(?: by (?P<program>.+?)\[(?P<pid>\d+)\])?(?P<rest>(?: \(.*\)|, .*|: .*)?)$")


def landlock_abi():
    return ctypes.CDLL(None).syscall(444, None, 0, 1)


@dataclass
class Event:
    """One refusal as a person reads it on stderr."""
    action: str
    kind: str
    object: str
    program: str
    pid: int
    line: str
    rule: str = ""
    allow: str = ""


@dataclass
class Result:
    command: list
    status: int
    stdout: str
    stderr: str
    seconds: float
    events: list = field(default_factory=list)

    def __str__(self):
        return (f"$ {' '.join(self.command)}\n-> status {self.status} after {self.seconds:.2f} s\n"
                f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}")

    def denied(self, kind, text=""):
        """The denials of a kind whose object holds text."""
        return [event for event in self.events
                if event.action == "denied" and event.kind == kind and text in event.object]


def parse_events(stderr):
    events = []
    for line in stderr.splitlines():
        # A worker's unfinished line may stand before: stderr is shared.
        match = EVENT.search(line)
        if match:
            events.append(Event(match["action"], match["kind"], match["object"],
                                match["program"] or "", int(match["pid"] or 0), line))
        elif events and line.startswith("  rule:"):
            events[-1].rule = line.split(":", 1)[1].strip()
        elif events and line.startswith("  allow:"):
            events[-1].allow = line.split(":", 1)[1].strip()
    return events


def flow(packet):
    return tuple(packet[key] for key in ("proto", "src", "source_port", "addr", "port"))


def lost(records):
    """How many packets the internet's recorder has missed: what came and what did not is unknown then."""
    return sum(record["count"] for record in records if record["kind"] == "lost")


class World:
    def __init__(self):
        self.directory = Path(os.environ["BUNTIME_TEST_WORLD"])
        self.build = Path(os.environ["BUNTIME_TEST_BUILD"])
        self.source = Path(os.environ["BUNTIME_TEST_SOURCE"])
        self.buntime = str(self.build / "src/cli/buntime")
        self.sanitized = "ASAN_OPTIONS" in os.environ
        self.older = []  # what begins each command of buntime's
        self.runs = []  # of the current test, for the report of a failure
        self.barrier_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.began = 0  # where the internet's log was when the test began
        self.marked = False  # by this test
        self.earlier = set()  # connections that were there before, and how far they were read
        self.earlier_read = 0
        self.earlier_lost = 0  # packets of which nobody knows whose they were

    # ---- running ----

    def environment(self, extra=None):
        environment = {name: os.environ[name] for name in
                       ("PATH", "HOME", "LANG", "TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS")
                       if name in os.environ}
        environment |= {"TERM": "xterm", "USER": "user"}
        return environment | (extra or {})

    def command(self, args):
        return [*PLAIN, *self.older, self.buntime, *tier.flags(args), *map(str, args)]

    def landlock(self):
        """What buntime takes for the version of the kernel's Landlock."""
        return int(self.older[1]) if self.older else landlock_abi()

    def make_older(self, abi):
        """Runs from here on are as on a kernel whose Landlock has this version; None: as it is."""
        program = self.directory / "older"
        if abi is not None and not program.exists():
            compile_c(self.source / "tests/sandbox/older.c", program)
        self.older = [str(program), str(abi)] if abi is not None else []
    def run(self, args, *, timeout=TIMEOUT, cwd="/home/user", env=None, stdin=None, **kwargs):
        """Runs buntime to its end. stdin is text or None for an empty one."""
        return self.run_command(self.command(args), timeout=timeout, cwd=cwd,
                                env=self.environment(env), stdin=stdin, **kwargs)

    def run_command(self, command, *, timeout=TIMEOUT, cwd="/home/user", env=None, stdin=None,
                    **kwargs):
        command = list(map(str, command))
        begun = time.monotonic()
        process = subprocess.Popen(command, cwd=cwd, env=env or self.environment(),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **kwargs)
        try:
            out, err = process.communicate((stdin or "").encode(), timeout)
            status = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            err += f"\n(killed by the test after {timeout} s)".encode()
            status = 9999
        shown = [word for word in command if word not in PLAIN]
        err = tier.without_announcement(err)
        out, err = out.decode(errors="backslashreplace"), err.decode(errors="backslashreplace")
        return self.note(Result(shown, status, out, err, time.monotonic() - begun,
                                parse_events(err)))

    def note(self, result):
        self.runs.append(result)
        return result

    @contextmanager
    def spawn(self, args, *, cwd="/home/user", env=None, **kwargs):
        """A running buntime; ended with all that is below it when the block is left."""
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE,
                   "stderr": subprocess.PIPE} | kwargs
        process = subprocess.Popen(self.command(args), cwd=cwd, env=self.environment(env),
                                   **options)
        try:
            yield process
        finally:
            left = below(process.pid, "").keys()
            process.kill()
            out, err = process.communicate()
            # Or the next test would count them.
            wait_for(lambda: not left & processes().keys(), what="the end of all that was below it")
            self.note(Result(process.args, process.returncode,
                             (out or b"").decode(errors="replace"),
                             (err or b"").decode(errors="replace"), 0))

    # ---- what the servers saw ----

    def read_log(self, role, start=0, end=None):
        """What was told since start; a line that is only half there then or now is not."""
        skipped = max(start - LONGEST_LINE, 0)
        with open(self.directory / "log" / f"{role}.jsonl", "rb") as file:
            file.seek(skipped)
            data = file.read(-1 if end is None else max(end - skipped, 0))
        start -= skipped
        begin = data.rfind(b"\n", 0, start) + 1
        lines = data[begin:data.rfind(b"\n") + 1].splitlines()
        return [json.loads(line) for line in lines[begin != start:]]

    def log_size(self, role):
        try:
            return (self.directory / "log" / f"{role}.jsonl").stat().st_size
        except FileNotFoundError:
            return 0

    def begin(self):
        """A test begins: what earlier ones have left is not its doing. A mark, for the host alone."""
        self.runs.clear()
        self.marked = False
        self.began = self.log_size("internet")
        return {"host": self.log_size("host")}

    def mark(self):
        self.barrier()
        # The log may have been behind when the test began: that was not its doing, either.
        if not self.marked:
            self.began = self.log_size("internet")
            self.marked = True
        return {role: self.log_size(role) for role in ("internet", "host")}

    def is_late(self, record):
        """The end of a connection that an earlier test made: FINs come when a process is gone."""
        if record["opens"]:
            return False
        if self.earlier_read < self.began:
            records = self.read_log("internet", self.earlier_read, self.began)
            self.earlier |= {flow(one) for one in records if one["kind"] == "packet"}
            self.earlier_lost += lost(records)
            self.earlier_read = self.began
        late = flow(record) in self.earlier
        if not late and self.earlier_lost:
            own = {flow(one) for one in self.read_log("internet", self.began)
                   if one["kind"] == "packet" and one["opens"]}
            assert flow(record) in own, \
                f"{record} may be an earlier test's: the recorder lost {self.earlier_lost} packets"
        return late

    def barrier(self):
        """Waits until the internet's log holds all that was sent before."""
        start = self.log_size("internet")
        token = 20000 + uuid.uuid4().int % 40000
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            self.barrier_socket.sendto(b"x", (addresses.ROUTER, token))
            for _ in range(20):
                if any(record.get("port") == token for record in
                       self.read_log("internet", start)):
                    return
                time.sleep(0.005)
        raise AssertionError("the world's internet does not answer")

    def since(self, mark):
        """
        Everything that came to the internet since the mark, but for the barrier's packets and
        the questions that buntime asks for itself.
        """
        self.barrier()
        records = self.read_log("internet", mark["internet"])
        assert lost(records) == 0, f"the world's recorder lost {lost(records)} packets"
        return [record for record in records
                if record.get("addr") != addresses.ROUTER
                and record.get("name") not in addresses.REGISTERED]

    def contacts(self, mark, address=None, port=None):
        """Packets that arrived at the internet, those for the resolver left out."""
        return [record for record in self.since(mark) if record["kind"] == "packet"
                and record["addr"] != addresses.DNS and not self.is_late(record)
                and (address is None or record["addr"] == address)
                and (port is None or record["port"] == port)]

    def queries(self, mark):
        """Names that reached the resolver."""
        return [record["name"] for record in self.since(mark) if record["kind"] == "dns"]

    def host_contacts(self, mark):
        """Connections and datagrams that the desktop's own listeners got."""
        return self.read_log("host", mark["host"])


class Box:
    """Runs programs of one test below its own directory."""

    def __init__(self, world, directory):
        self.world = world
        self.directory = directory
        self.flags = []  # of every run

    def write(self, name, text, mode=0o644):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        path.chmod(mode)
        return path

    def run(self, *flags, code=None, name="w.py", args=(), **kwargs):
        """Flags, then `run`, then a program: code written to name, or name as it is."""
        if code is not None:
            self.write(name, code, 0o755)
        kwargs.setdefault("cwd", self.directory)
        return self.world.run([*self.flags, *flags, "run", name, *args], **kwargs)

    def json(self, *flags, code, expect=0, **kwargs):
        """Runs Python code that leaves its findings in `out`; (findings, result)."""
        result = self.run(*flags, code=PRELUDE + textwrap.dedent(code) + EPILOGUE, **kwargs)
        assert result.status == expect, str(result)
        for line in result.stdout.splitlines():
            if line.startswith("OUT:"):
                return json.loads(line[4:]), result
        raise AssertionError("the program printed no findings\n" + str(result))

    @contextmanager
    def spawn(self, *flags, code=None, name="w.py", args=(), **kwargs):
        if code is not None:
            self.write(name, code, 0o755)
        kwargs.setdefault("cwd", self.directory)
        with self.world.spawn([*self.flags, *flags, "run", name, *args], **kwargs) as process:
            yield process


# attempt() is what most findings are made of: what a call returned, or how it failed.
PRELUDE = textwrap.dedent('''
    import errno, json, os, socket, subprocess, sys, time
    out = {}

    def attempt(function, *args, **kwargs):
        try:
            value = function(*args, **kwargs)
        except OSError as error:
            return errno.errorcode.get(error.errno, str(error))
        except Exception as error:
            return type(error).__name__
        return value if isinstance(value, (int, str, list, dict, bool)) else "ok"

    def connect(host, port, kind=socket.SOCK_STREAM, timeout=10):
        begun = time.monotonic()
        what = "ok"
        try:
            with socket.socket(socket.AF_INET, kind) as sock:
                sock.settimeout(timeout)
                sock.connect((host, port))
        except PermissionError:
            what = "PermissionError"
        except OSError as error:
            what = errno.errorcode.get(error.errno, str(error))
        return [what, (time.monotonic() - begun) * 1000]
''')
EPILOGUE = '\nprint("OUT:" + json.dumps(out))\n'


class Terminal:
    """A person at a terminal: a session of its own with a pty, in which buntime runs."""

    def __init__(self, world, args, *, cwd, rows=24, columns=80, shell=False):
        self.output = b""
        self.world = world
        command = args if shell else world.command(args)
        self.command = list(map(str, command))
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd)
                os.execvpe(self.command[0], self.command, world.environment())
            finally:
                os._exit(126)
        self.status = None
        self.resize(rows, columns)

    def resize(self, rows, columns):
        import fcntl
        import struct
        import termios
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.output += data
        return bool(data)

    def expect(self, text, seconds=20):
        """Reads until text was shown; what was shown up to there."""
        deadline = time.monotonic() + seconds
        while text.encode() not in self.output:
            left = deadline - time.monotonic()
            if left <= 0 or not self.read(left):
                if text.encode() in self.output:
                    break
                raise AssertionError(f"{self.command}: no {text!r} in {self.output!r}; "
                                     f"{threads_below(self.pid)}")
        end = self.output.index(text.encode()) + len(text)
        shown, self.output = self.output[:end], self.output[end:]
        return shown.decode(errors="replace")

    def wait(self, seconds=20):
        """Reads to the end; the exit status as a shell reports it."""
        deadline = time.monotonic() + seconds
        while self.status is None and time.monotonic() < deadline:
            self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                self.status = code if code >= 0 else 128 - code
        while self.read(0.05):
            pass
        return self.status

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


def threads_below(pid):
    """Where each thread of a process and its children waits: for the message of a test that failed."""
    told = []
    for thread in sorted(Path(f"/proc/{pid}/task").glob("*")):
        try:
            name, where, call, children = ((thread / file).read_text(encoding="utf-8").strip()
                                           for file in ("comm", "wchan", "syscall", "children"))
        except OSError as error:
            told.append(f"{thread.name}: {error}")
            continue
        told += [f"{thread.name} {name}: {where}, {call}", *map(threads_below, children.split())]
    return "; ".join(told)


def wait_for(condition, seconds=10, what="what was waited for"):
    """Looks every few milliseconds until the condition holds; its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def stays_low(count, most, seconds=1.0):
    """
    Whether a number that grows, of wake-ups say, does so by no more than most within seconds: as
    soon as what was begun before is over, so that a busy machine has its time to come to rest.
    """
    for _ in range(8):
        before = count()
        time.sleep(seconds)
        grown = count() - before
        if grown <= most:
            return True
    raise AssertionError(f"{grown} in {seconds} s, again and again")


def below(pid, marker):
    """Command lines of a process's children, and of theirs, by pid; those holding marker."""
    found, known = {}, [pid]
    for one in known:
        try:
            for path in Path(f"/proc/{one}/task").glob("*/children"):
                known += map(int, path.read_text(encoding="ascii").split())
        except OSError:
            pass  # it has ended
    every = processes(marker)
    for one in known[1:]:
        if one in every:
            found[one] = every[one]
    return found


def init_and_guard(supervisor):
    """
    Both have the command line of one program; None: the guard has not called itself so yet, or the
    worker is still on its way.
    """
    pids = [*below(supervisor, "buntime-init")]
    names = {Path(f"/proc/{pid}/comm").read_text(): pid for pid in pids}
    return (names["buntime-init\n"], names["buntime-guard\n"]) if len(pids) == len(names) == 2 else None


def processes(marker=None):
    """Command lines of the processes of the world, by pid; those holding marker."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            line = Path("/proc", entry, "cmdline").read_bytes().replace(b"\0", b" ").decode(
                errors="replace").strip()
        except OSError:
            continue
        if line and (marker is None or marker in line):
            found[int(entry)] = line
    return found
