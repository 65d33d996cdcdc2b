# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of `buntime serve`, over its standard input and output or its socket."""

import base64
import itertools
import json
import os
import select
import socket
import subprocess
import time
from contextlib import contextmanager

import tier

PATIENCE = 20


class ServeError(Exception):
    def __init__(self, error):
        super().__init__(error["message"])
        self.code, self.message, self.cure = error["code"], error["message"], error.get("cure")


def payload(params):
    """The bytes of text or base64, of which one is there."""
    assert ("text" in params) != ("base64" in params), params
    return params["text"].encode() if "text" in params else \
        base64.b64decode(params["base64"], validate=True)


class Client:
    def __init__(self, fd_in, fd_out, close=lambda: None):
        self.fd_in, self.fd_out, self.close_ends = fd_in, fd_out, close
        os.set_blocking(fd_in, False)
        os.set_blocking(fd_out, False)
        self.buffer, self.over = bytearray(), False
        self.socket, self.fds = None, []
        self.ids = itertools.count(1000)
        self.answers, self.told, self.stray = {}, [], []

    # ---- lines ----

    def write(self, data):
        """All of it, reading meanwhile as a host does."""
        view, end = memoryview(data), time.monotonic() + PATIENCE
        while view:
            assert time.monotonic() < end, "the server does not read"
            _, writable, _ = select.select([], [self.fd_out], [], 0.05)
            if writable:
                view = view[os.write(self.fd_out, view[:1 << 20]):]
            self.read(0)

    def read(self, seconds):
        """Takes what there is; False at the end."""
        if not select.select([self.fd_in], [], [], seconds)[0]:
            return not self.over
        try:
            if self.socket is None:
                data = os.read(self.fd_in, 1 << 20)
            else:
                data, fds, _, _ = socket.recv_fds(self.socket, 1 << 20, 8)
                self.fds += fds
        except BlockingIOError:
            return True
        except ConnectionResetError:
            data = b""
        self.over = not data
        self.buffer += data
        lines = []
        if b"\n" in data:
            *lines, rest = self.buffer.split(b"\n")
            self.buffer = bytearray(rest)
        for line in lines:
            self.take(json.loads(line))
        return not self.over

    def take(self, message):
        if "method" in message:
            assert set(message) == {"method", "params"}, message
            self.told.append((message["method"], message["params"]))
        elif message["id"] is None:
            self.stray.append(message)
        else:
            assert message["id"] not in self.answers, message
            self.answers[message["id"]] = message

    def until(self, what, seconds=PATIENCE):
        """Waits for what() to be true, and returns it."""
        end = time.monotonic() + seconds
        while not (found := what()):
            going = self.read(0.05)
            if not (found := what()):
                assert going and time.monotonic() < end, \
                    (self.over, self.told[-9:], list(self.answers.values())[-3:], self.stray)
            else:
                break
        return found

    # ---- requests ----

    def ask(self, method, **params):
        """Sends a request; its id."""
        number = next(self.ids)
        if method == "spawn" and tier.TIER is not None:
            params["flags"] = [*tier.flags([]), *params.get("flags", [])]
        self.write(json.dumps({"id": number, "method": method, "params": params}).encode() + b"\n")
        return number

    def answer(self, number, seconds=PATIENCE):
        message = self.until(lambda: self.answers.get(number), seconds)
        if "error" in message:
            raise ServeError(message["error"])
        return message["result"]

    def do(self, method, seconds=PATIENCE, **params):
        return self.answer(self.ask(method, **params), seconds)

    def fails(self, method, **params):
        try:
            result = self.do(method, **params)
        except ServeError as error:
            return error
        raise AssertionError(f"{method} succeeded: {result}")

    # ---- notifications ----

    def of(self, worker, method):
        """What was told of a worker."""
        return [params for name, params in self.told if name == method and params["worker"] == worker]

    def next(self, worker, method, seconds=PATIENCE):
        """The first one, which is taken out."""
        self.until(lambda: self.of(worker, method), seconds)
        params = self.of(worker, method)[0]
        self.told.remove((method, params))
        return params

    def output(self, worker, stream="stdout"):
        return b"".join(payload(params) for params in self.of(worker, "output")
                        if params["stream"] == stream)

    def run(self, entry, *args, flags=(), **params):
        """A worker to its end: (status, stdout, what exited told)."""
        worker = self.do("spawn", entry=str(entry), args=list(args), flags=list(flags),
                         **params)["worker"]
        exited = self.next(worker, "exited")
        return exited["status"], self.output(worker), exited

    def close(self):
        self.close_ends()


def command(world, *args):
    return world.command(["serve", *args])


@contextmanager
def piped(world, cwd, env=None):
    """A server of one client's own; the client has its process."""
    process = subprocess.Popen(command(world), cwd=cwd, env=world.environment(env),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    client = Client(process.stdout.fileno(), process.stdin.fileno(), process.stdin.close)
    client.process = process
    try:
        yield client
    finally:
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            errors = process.stderr.read().decode(errors="replace")
            process.stdout.close()
            process.stderr.close()
        assert process.returncode in (0, -9) and "CRITICAL" not in errors and \
            "WARNING" not in errors, (process.returncode, errors)


class Server:
    """One at a socket; connect() makes clients."""

    def __init__(self, world, runtime, *, name=None, cwd="/", env=None):
        self.runtime = runtime
        word = "--socket" if name is None else f"--socket={name}"
        self.process = subprocess.Popen(
            command(world, word), cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=world.environment({"XDG_RUNTIME_DIR": str(runtime), **(env or {})}))
        self.clients = []
        self.path = self.process.stdout.readline().decode().strip()

    def dial(self):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(self.path)
        return connection

    def connect(self):
        connection = self.dial()
        client = Client(connection.fileno(), connection.fileno(), connection.close)
        client.socket = connection
        self.clients.append(client)
        return client

    def memory(self):
        """Its own, in bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) * 1024

    def end(self):
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            for client in self.clients:
                client.close()

    def errors(self):
        return self.process.stderr.read().decode(errors="replace")


@contextmanager
def listening(world, runtime, **kwargs):
    server = Server(world, runtime, **kwargs)
    try:
        assert server.path, server.errors()
        yield server
    finally:
        status = server.end()
        errors = server.errors()
        server.process.stdout.close()
        server.process.stderr.close()
        assert status in (0, -9) and "CRITICAL" not in errors and "WARNING" not in errors, \
            (status, errors)
