# SPDX-License-Identifier: LGPL-2.1-or-later
"""The channel: messages, requests and their answers, from plain code and from asyncio.

A program uses it from plain code or from one event loop.  Any thread may send; one at a time
may receive, and that includes waiting for an answer.
"""

import errno
import json
import threading
import time
from collections.abc import Awaitable

from ._types import DATA, DENY, ALLOW, ERROR, MESSAGE, REPLY, REQUEST, ROOM, WARN

try:
    from ._native import Channel as _Base
except ImportError:
    from ._ctypes import Channel as _Base

# An event loop's other tasks run after so many messages, whatever comes.
_BURST = 64
# Characters of an error's text: what nobody reads to the end.
_MAX_TEXT = 1 << 20


class RemoteError(Exception):
    """The other side answered a request with an error; its text is the argument."""


def _asyncio():
    """Only for who has an event loop: it takes longer to load, and more memory, than all else."""
    import asyncio  # pylint: disable=import-outside-toplevel
    return asyncio


def _milliseconds(timeout):
    return -1 if timeout is None else max(0, int(timeout * 1000 + 0.999))


class Channel(_Base):
    """The connection to the program that started this one: see buntime.channel().

    send(data), queue(data), flush() and recv() are for plain messages; the data are bytes.
    """

    def __init__(self):
        self._handlers = {}
        self._raw_handler = None
        self._other = {}
        self._answers = {}      # by request id; None: not here yet
        self._sleepers = []     # futures of an event loop
        self._wants = 0         # what they wait for
        self._loop = None
        self._tasks = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the channel; what was queued is sent."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self.fileno())
        self._loop = None
        super().close()

    # Plain code.

    def __iter__(self):
        return self

    def __next__(self):
        try:
            return self.recv()
        except EOFError:
            raise StopIteration from None

    def request(self, data, timeout=None):
        """Sends a request and waits for its answer."""
        return self._result(self._ask(REQUEST, data, timeout))

    def call(self, method, *params, timeout=None):
        """request() of a method by its name, with parameters and a result that JSON has."""
        return json.loads(self.request(_pack_call(method, params), timeout))

    def serve(self):
        """Answers requests, and drops messages, until the supervisor ends the channel."""
        for _ in self:
            pass

    def _ask(self, kind, data, timeout=None):
        number = self.next_id()
        end = None if timeout is None else time.monotonic() + timeout
        self._answers[number] = None
        try:
            self.send_frame(kind, number, data, _milliseconds(timeout))
            while self._answers[number] is None:
                left = None if end is None else end - time.monotonic()
                frame = self.recv_frame(_milliseconds(left)) if left is None or left > 0 else None
                if frame is None:
                    raise TimeoutError("no answer within the time")
                self._on_frame(*frame)
            return self._answers[number]
        finally:
            del self._answers[number]

    @staticmethod
    def _result(answer):
        kind, data = answer
        if kind == ERROR:
            raise RemoteError(data.decode(errors="replace"))
        return data

    # What comes.

    def handler(self, what):
        """Decorates what answers requests: @channel.handler gets and returns bytes;
        @channel.handler("name") is called with the parameters of call("name", ...), and its
        result goes back as JSON.  In an event loop it may be a coroutine."""
        if callable(what):
            self._raw_handler = what
            return what

        def register(function):
            self._handlers[what] = function
            return function
        return register

    def on(self, kind):
        """Decorates what is called as f(id, data) for messages of another type, such as CODE."""
        def register(function):
            self._other[kind] = function
            return function
        return register

    def _on_frame(self, kind, number, data):
        if kind == MESSAGE:
            self._backlog.append(data)
        elif kind in (REPLY, ERROR, ALLOW, DENY, WARN):
            # An answer that nobody waits for any more is dropped.
            if number in self._answers:
                self._answers[number] = (kind, data)
        elif kind == REQUEST:
            self._on_request(number, data)
        elif kind in self._other:
            self._other[kind](number, data)

    def _on_request(self, number, data):
        try:
            result, pack = self._run_handler(data)
            if isinstance(result, Awaitable):
                self._start(self._finish(number, result, pack))
                return
            result = pack(result)
        except Exception as error:  # whatever it is, it is the answer
            self._answer(number, ERROR, _describe(error))
            return
        self._answer(number, REPLY, result)

    def _run_handler(self, data):
        """What the handler returned, and what makes bytes of it."""
        method, params = _unpack_call(data) if self._handlers else (None, None)
        if method in self._handlers:
            return self._handlers[method](*params), _pack_json
        if self._raw_handler is None:
            raise LookupError(f"no handler for {method!r}" if method else "no handler")
        return self._raw_handler(data), lambda result: b"" if result is None else result

    def _answer(self, number, kind, data):
        """Each request is answered: what cannot be sent, such as a str or too much, is an error."""
        try:
            self.send_frame(kind, number, data, -1 if self._loop is None else 0)
            if self._loop is not None and not self.flush():
                self._start(self._drain())
        except BlockingIOError:
            self._start(self._send_async(kind, number, data))
        except BrokenPipeError:
            pass  # nobody waits for it any more; who receives is told of the end
        except (OSError, TypeError) as error:
            if kind == ERROR or getattr(error, "errno", errno.EMSGSIZE) != errno.EMSGSIZE:
                raise
            self._answer(number, ERROR, _describe(error))

    async def _finish(self, number, awaitable, pack):
        try:
            kind, data = REPLY, pack(await awaitable)
        except Exception as error:
            kind, data = ERROR, _describe(error)
        self._answer(number, kind, data)

    def _start(self, coroutine):
        async def answer():
            try:
                await coroutine
            except BrokenPipeError:
                pass

        task = _asyncio().ensure_future(answer())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # asyncio.

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return await self.recv_async()
        except EOFError:
            raise StopAsyncIteration from None

    async def recv_async(self):
        """The next message."""
        await self._until(lambda: self._backlog)
        return self._backlog.pop(0)

    async def send_async(self, data):
        """Sends a message, and lets others run while there is no room."""
        await self._send_async(MESSAGE, 0, data)

    async def request_async(self, data):
        """Sends a request and waits for its answer.  asyncio.wait_for() bounds it."""
        return self._result(await self._ask_async(REQUEST, data))

    async def call_async(self, method, *params):
        """As call()."""
        return json.loads(await self.request_async(_pack_call(method, params)))

    async def serve_async(self):
        """Answers requests, and drops messages, until the supervisor ends the channel."""
        async for _ in self:
            pass

    async def _send_async(self, kind, number, data):
        while True:
            try:
                self.send_frame(kind, number, data, 0)
                break
            except BlockingIOError:
                await self._sleep(ROOM)
        await self._drain()

    async def _drain(self):
        """Of a message that is larger than the ring the rest is kept, until there is room."""
        while not self.flush():
            await self._sleep(ROOM)

    async def _ask_async(self, kind, data):
        number = self.next_id()
        self._answers[number] = None
        try:
            await self._send_async(kind, number, data)
            await self._until(lambda: self._answers[number] is not None)
            return self._answers[number]
        finally:
            del self._answers[number]

    async def _until(self, done):
        """Receives until what this coroutine wants is there, for itself and all others."""
        self._watch()
        burst = 0
        while not done():
            frame = self.recv_frame(0)
            burst += 1
            if frame is None:
                await self._sleep(DATA)
            else:
                self._on_frame(*frame)
                self._wake()
                if burst % _BURST == 0:
                    await _asyncio().sleep(0)

    def _watch(self):
        loop = _asyncio().get_running_loop()
        if self._loop is not loop:
            loop.add_reader(self.fileno(), self._on_readable)
            self._loop = loop

    async def _sleep(self, wants):
        self._watch()
        # For all that sleep: prepare() may take the byte that was sent for another of them.
        self._wants |= wants
        if self.prepare(self._wants):
            self._wake()
            await _asyncio().sleep(0)
            return
        future = self._loop.create_future()
        self._sleepers.append(future)
        await future

    def _on_readable(self):
        self.prepare(0)  # takes the bytes, so that the loop may sleep again
        self._wake()

    def _wake(self):
        sleepers, self._sleepers, self._wants = self._sleepers, [], 0
        for future in sleepers:
            if not future.done():
                future.set_result(None)


def _pack_json(value):
    return json.dumps(value, separators=(",", ":")).encode()


def _pack_call(method, params):
    return _pack_json({"method": method, "params": params})


def _unpack_call(data):
    try:
        request = json.loads(data)
        return request["method"], request.get("params", [])
    except (ValueError, TypeError, KeyError):
        return None, None


def _describe(error):
    name = type(error).__name__
    try:
        text = f"{name}: {error}"
    except Exception:  # its own words are code, too
        text = name
    return text[:_MAX_TEXT].encode(errors="replace")


_channel = None
_lock = threading.Lock()


def channel():
    """The channel of this process.  FileNotFoundError: it was not started by buntime, or
    without one."""
    global _channel
    with _lock:
        if _channel is None:
            try:
                _channel = Channel()
            except FileNotFoundError:
                raise FileNotFoundError("no channel: this program was not started with one") from None
        return _channel
