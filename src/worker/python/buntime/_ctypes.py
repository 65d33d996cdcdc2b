# SPDX-License-Identifier: LGPL-2.1-or-later
"""What buntime._native does, by ctypes: for a Python that cannot load it, such as PyPy."""

import ctypes
import errno
import os
import select
from pathlib import Path

MESSAGE = 0x30
MAX_CONTROL = 16 << 10
SONAME = "libbuntime-worker.so.1"


class Message(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_void_p), ("size", ctypes.c_size_t),
                ("type", ctypes.c_uint32), ("id", ctypes.c_uint32)]


def load(kind):
    """The library beside this package, as it is built and as it is installed, or the system's."""
    above = list(Path(__file__).resolve().parents)  # which has no slices before 3.10
    for folder in above[2:4]:
        if (folder / SONAME).exists():
            return kind(str(folder / SONAME))
    return kind(SONAME)


# A call that does not wait keeps the interpreter's lock, which is faster.  PyPy has no such calls.
WAITING = load(ctypes.CDLL)
QUICK = load(getattr(ctypes, "PyDLL", ctypes.CDLL))


def declare(name, *arguments, result=ctypes.c_int, library=QUICK):
    function = getattr(library, "buntime_channel_" + name)
    function.argtypes = arguments
    function.restype = result
    return function


# Handles are plain numbers: ctypes passes them faster than pointer objects.
HANDLE = ctypes.c_void_p
U32 = ctypes.c_uint32
open_channel = declare("open", ctypes.POINTER(HANDLE))
close_channel = declare("close", HANDLE, result=None)
SEND = (HANDLE, U32, U32, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
send = declare("send", *SEND)
send_waiting = declare("send", *SEND, library=WAITING)
queue = declare("queue", *SEND)
queue_waiting = declare("queue", *SEND, library=WAITING)
flush = declare("flush", HANDLE)
recv = declare("recv", HANDLE, ctypes.c_void_p, ctypes.c_int)
recv_waiting = declare("recv", HANDLE, ctypes.c_void_p, ctypes.c_int, library=WAITING)
release = declare("release", HANDLE, result=None)
prepare = declare("prepare", HANDLE, U32)
get_fd = declare("get_fd", HANDLE)
get_control_fd = declare("get_control_fd", HANDLE)
send_control = declare("send_control", HANDLE, ctypes.c_char_p, ctypes.c_size_t)
recv_control = declare("recv_control", HANDLE, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
next_id = declare("next_id", HANDLE, result=U32)


def failure(error):
    return OSError(-error, os.strerror(-error))


class Channel:
    def __new__(cls):
        self = super().__new__(cls)
        self._backlog = []
        self._message = Message()
        self._message_at = ctypes.addressof(self._message)
        self._handle = None
        handle = HANDLE()
        error = open_channel(ctypes.byref(handle))
        if error:
            raise failure(error)
        self._handle = handle.value
        return self

    def __del__(self):
        self.close()

    def _open(self):
        if self._handle is None:
            raise ValueError("the channel is closed")
        return self._handle

    def _send(self, function, waiting, kind, number, data, timeout):
        if not isinstance(data, bytes):
            if isinstance(data, str):
                raise TypeError("bytes are sent, not str: encode it")
            data = bytes(memoryview(data))
        error = function(self._open(), kind, number, data, len(data), 0)
        while timeout and error in (-errno.EAGAIN, -errno.EINTR):
            error = waiting(self._open(), kind, number, data, len(data), timeout)
        if error:
            raise failure(error)

    def send(self, data):
        self._send(send, send_waiting, MESSAGE, 0, data, -1)

    def queue(self, data):
        self._send(queue, queue_waiting, MESSAGE, 0, data, -1)

    def flush(self):
        error = flush(self._open())
        if error not in (0, -errno.EAGAIN):
            raise failure(error)
        return error == 0

    def send_frame(self, kind, number, data, timeout):
        self._send(send, send_waiting, kind, number, data, timeout)

    def recv_frame(self, timeout):
        message = self._message
        error = recv(self._open(), self._message_at, 0)
        while timeout and error in (-errno.EAGAIN, -errno.EINTR):
            # A signal's handler may have closed it.
            error = recv_waiting(self._open(), self._message_at, timeout)
        if not error:
            data = ctypes.string_at(message.bytes, message.size) if message.size else b""
            release(self._open())
            return message.type, message.id, data
        if error in (-errno.EAGAIN, -errno.ETIMEDOUT):
            return None
        if error == -errno.EPIPE:
            raise EOFError("the supervisor is gone")
        raise failure(error)

    def recv(self):
        while True:
            if self._backlog:
                return self._backlog.pop(0)
            kind, number, data = self.recv_frame(-1)
            if kind == MESSAGE:
                return data
            self._on_frame(kind, number, data)

    def prepare(self, wants):
        ready = prepare(self._open(), wants)
        if ready < 0:
            raise failure(ready)
        return bool(ready)

    def fileno(self):
        return get_fd(self._open())

    def control_fileno(self):
        return get_control_fd(self._open())

    def send_control(self, text):
        while (error := send_control(self._open(), text, len(text))) == -errno.EAGAIN:
            room = select.poll()
            room.register(self.control_fileno(), select.POLLOUT)
            room.poll()
        if error:
            raise failure(error)

    def recv_control(self):
        text = ctypes.create_string_buffer(MAX_CONTROL)
        size = recv_control(self._open(), text, MAX_CONTROL, 0)
        if size in (-errno.EAGAIN, -errno.EPIPE, -errno.ECONNRESET):
            return None
        if size < 0:
            raise failure(size)
        return text.raw[:size]

    def next_id(self):
        return next_id(self._open())

    def close(self):
        handle, self._handle = self._handle, None
        if handle is not None:
            close_channel(handle)
