# SPDX-License-Identifier: LGPL-2.1-or-later
"""The harness: runs the code that the host sends, in one namespace, one after the other.

Code and harness are one process, and the code is not trusted.  Nothing here holds it: it may
write to the channel itself, replace whatever it finds, or end the process.  What the harness
sees to is that code which means no harm always has an answer, exactly one, and that the process
ends where that cannot be had.

An interrupt is a signal and a message on the control socket, which names the code: by the time
the signal comes, other code may be running.  KeyboardInterrupt is raised in code alone, and
never in the harness: _guarded() is the way into the code, and a signal that comes while it is
not on the stack leaves a mark that it looks at.
"""

import builtins
import codeop
import collections
import io
import json
import linecache
import os
import signal
import sys
import threading
import traceback
import types
import warnings
# signal.signal() without its enumerations, with which it takes longer than all else in _run().
from _signal import signal as set_handler

import buntime
from buntime._types import CODE, ERROR, REQUEST, RESULT, STDERR, STDOUT

# What is written at once goes in parts of this size, so that no message is too large.
PART = 1 << 20
# Tracebacks show lines of so many codes, the last.
SOURCES = 1000
# Interrupts that came before their code.
EARLY = 1024
# An answer's text: what nobody reads to the end.
MAX_TEXT = 16 << 20


class Output(io.RawIOBase):
    """A stream of the code's: each part is a frame with the id of the code that runs."""

    def __init__(self, harness, kind, fd):
        super().__init__()
        self._harness, self._kind, self._fd = harness, kind, fd

    def writable(self):
        return True

    def fileno(self):
        """For programs that it starts: there it is the worker's own, without an id."""
        return self._fd

    def write(self, data):
        """An interrupt in here waits, or nobody would know whether this was written."""
        part = memoryview(data)[:PART]
        if self._harness.forked:
            return os.write(self._fd, part)
        self._harness.channel.send_frame(self._kind, self._harness.current, part, -1)
        return len(part)

    def look(self):
        self._harness.look()


class Buffer(io.BufferedWriter):
    """Raises interrupts that came while it wrote."""

    def write(self, data):
        size = super().write(data)
        self.raw.look()
        return size

    def flush(self):
        super().flush()
        self.raw.look()


def _guarded(harness, function, *arguments):
    """Calls what is, or calls, the code's own.  Here and below an interrupt is raised."""
    harness.inside = True
    harness.look()
    return function(*arguments)


class Harness:
    def __init__(self, arguments):
        self.channel = buntime.channel()
        self.current = 0            # id of the code that runs
        self.interrupted = False    # it, and code has not been told
        self.inside = False         # is code on the stack?
        self.thread = threading.get_ident()
        self.early = collections.deque(maxlen=EARLY)
        self.owed = 0               # signals that are still to come for messages seen
        self.forked = False
        self.leaving = False        # the interpreter is to end as by exit()
        self.waiting = collections.deque()
        self.count = 0              # of codes
        self.sources = collections.deque()
        self.streams = [io.TextIOWrapper(Buffer(Output(self, kind, fd)), encoding="utf-8",
                                         errors="backslashreplace", line_buffering=True)
                        for kind, fd in ((STDOUT, 1), (STDERR, 2))]
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = self.streams
        # exit() closes it: then the next file would have its number.
        sys.stdin = sys.__stdin__ = open(0, closefd=False)
        sys.argv = ["", *arguments]
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        self.names = main.__dict__
        self.names["__builtins__"] = builtins
        os.register_at_fork(after_in_child=self._on_fork)
        self.channel.handler("buntime.complete")(self._complete)
        self.channel.handler("buntime.exit")(self._leave)
        self.channel.on(CODE)(lambda number, data: self.waiting.append((number, data)))
        set_handler(signal.SIGINT, self._on_signal)

    def _on_fork(self):
        self.forked = True

    # The control socket.

    def _state(self, state, number, more=""):
        """more: further members as JSON.  The first code waits for this: no json.dumps()."""
        self.channel.send_control(
            f'{{"type":"state","state":"{state}","id":{number}{more}}}'.encode())

    def _interrupts(self):
        """The ids of code that were named since."""
        found = []
        while (text := self.channel.recv_control()) is not None:
            message = json.loads(text)
            if message.get("type") == "interrupt":
                found.append(message.get("id"))
        return found

    def _note(self, numbers, running):
        """Whether the code running is among them; what is not yet here is kept."""
        self.early.extend(number for number in numbers if number != running)
        return running in numbers

    def _on_signal(self, _number, frame):
        numbers = self._interrupts()
        if numbers:
            self.owed += len(numbers) - 1
            meant = self._note(numbers, self.current)
        elif self.owed:
            self.owed -= 1
            return
        else:
            meant = self.current != 0   # code has sent it to itself
        if not meant:
            return
        while frame is not None and frame.f_code not in (_guarded.__code__, Output.write.__code__):
            frame = frame.f_back
        self.interrupted = True
        if frame is not None and frame.f_code is _guarded.__code__:
            self.look()

    def look(self):
        """Raises an interrupt that has not been."""
        if self.interrupted and self.inside and not self.forked and \
                threading.get_ident() == self.thread:
            self.interrupted = False
            raise KeyboardInterrupt

    # Code.

    def _warm_up(self):
        """What takes longer the first time is done before code is waited for."""
        for source in (b"None", b"pass"):
            self._evaluate(source)
        self.count = 0

    def serve(self):
        self._warm_up()
        self.channel.send_control(b'{"type":"ready"}')
        while not self.leaving:
            while self.waiting:
                self._run(*self.waiting.popleft())
            try:
                kind, number, data = self.channel.recv_frame(-1)
            except EOFError:
                return
            try:
                self.channel._on_frame(kind, number, data)
            except BaseException as error:  # of a handler that code has registered
                if kind == REQUEST:
                    self.channel._answer(number, ERROR, type(error).__name__.encode())
            if self.forked:
                os._exit(0)

    def _leave(self):
        """At the end of a conversation: what code has in hand for its files is written, too."""
        self.leaving = True

    @classmethod
    def _complete(cls, source):
        """Of lines that are typed: 0, more must come; 1, it is whole; 2, it was without the last."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they come when it is run
            return cls._complete_quietly(source)

    @staticmethod
    def _complete_quietly(source):
        try:
            return 0 if codeop.compile_command(source, "<input>", "single") is None else 1
        except (SyntaxError, ValueError, OverflowError):
            before, newline, last = source.rpartition("\n")
            if not newline or last[:1] in ("", " ", "\t", "#", ")", "]", "}"):
                return 1
        try:
            compile(before, "<input>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, OverflowError):
            return 1
        return 2

    def _run(self, number, data):
        numbers = self._interrupts()
        self.owed += len(numbers)
        self._note(numbers, None)
        self.interrupted = False
        self.current = number
        # One that code has put there is not the next code's.
        set_handler(signal.SIGINT, self._on_signal)
        if number in self.early:
            self.interrupted = True
        self._state("exec_start", number)
        try:
            kind, answer, status = RESULT, _guarded(self, self._evaluate, data), 0
        except BaseException as error:
            kind, answer, status = self._fail(number, error)
        self.inside = False
        if self.forked:
            self._leave_child(status)
        for stream in self.streams:
            try:
                stream.flush()
            except ValueError:  # closed by the code
                pass
        self._state("exec_end", number, f',"exitCode":{status}')
        self.current = 0
        self.channel.send_frame(kind, number, answer.encode(errors="backslashreplace"), -1)

    def _evaluate(self, data):
        """The value's text: of an expression; else nothing."""
        self.count += 1
        source, name = data.decode(), f"<code {self.count}>"
        self._remember(name, source)
        code = self._compile(source.lstrip(" \t"), name, "eval", SyntaxError)
        if code is None:
            code = self._compile(source, name, "exec", ())
        value = eval(code, self.names)
        if value is None:
            return ""
        builtins._ = value
        text = repr(value)
        if len(text) > MAX_TEXT:
            raise ValueError(f"the value's text is too long: {len(text)} characters")
        return text

    @staticmethod
    def _compile(source, name, mode, expected):
        """None: it failed as expected, and the next error is none that followed from it."""
        try:
            return compile(source, name, mode, dont_inherit=True)
        except expected:
            return None

    def _remember(self, name, source):
        """For tracebacks."""
        linecache.cache[name] = (len(source), None, (source + "\n").splitlines(True), name)
        self.sources.append(name)
        if len(self.sources) > SOURCES:
            linecache.cache.pop(self.sources.popleft(), None)

    def _fail(self, number, error):
        """The kind of the answer, its text, and the exit status."""
        status = 1
        if isinstance(error, SystemExit):
            status = self._exit_status(error)
        elif isinstance(error, KeyboardInterrupt):
            status = 130
        self.interrupted = False
        try:
            name, text, brief = _guarded(self, self._describe, error)
        except BaseException:
            name, text, brief = "", "an exception that cannot be told", ""
        if status == 130:
            self._state("interrupted", number)
        else:
            self._state("exception", number,
                        f',"name":{json.dumps(name)},"text":{json.dumps(brief)}')
        return ERROR, text[:MAX_TEXT], status

    @staticmethod
    def _exit_status(error):
        """As the interpreter's own."""
        if error.code is None:
            return 0
        return error.code & 255 if isinstance(error.code, int) else 1

    @staticmethod
    def _describe(error):
        """The name of its class, the traceback, and its message if that can be had."""
        name = str(type(error).__name__)[:80]
        try:
            brief = str(error)[:200]
        except Exception:
            brief = ""
        if isinstance(error, SystemExit):
            return name, f"SystemExit: {error}", brief
        trace = error.__traceback__
        while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("<code "):
            trace = trace.tb_next
        lines = traceback.format_exception(type(error), error, trace)
        return name, "".join(lines).rstrip("\n"), brief

    def _leave_child(self, status):
        """A process that code has made by fork() came back here: it is not the harness."""
        try:
            for stream in self.streams:
                stream.flush()
        finally:
            os._exit(status)


def main(leave=os._exit):
    """Ends the process in any case, whatever code has made of it, unless it was asked to let it
    end as an interpreter does."""
    status, harness = 1, None
    try:
        # Modules are looked for in the working directory, not in this one.
        if sys.path and sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
            sys.path[0] = ""
        harness = Harness(sys.argv[1:])
        harness.serve()
        status = 0
    except BaseException:
        os.write(2, traceback.format_exc().encode(errors="backslashreplace"))
    finally:
        if status != 0 or not harness.leaving:
            leave(status)


if __name__ == "__main__":
    main()
