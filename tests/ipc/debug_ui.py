# SPDX-License-Identifier: LGPL-2.1-or-later
"""`buntime ui` and a page that is no browser: requests byte by byte, and a WebSocket."""

import base64
import itertools
import json
import os
import re
import select
import socket
import struct
import subprocess
import time
from contextlib import contextmanager

import pytest

from world import PLAIN

PATIENCE = 30


def is_built(world):
    return (world.build / "src/debug-ui/buntime-debug-ui").exists()


def need(world):
    if not is_built(world):
        pytest.skip("no debug UI in this build: it needs libsoup 3, and npm for its page")


def wait_until(what, seconds=10):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, what
        time.sleep(0.02)


class Closed(Exception):
    def __init__(self, code):
        super().__init__(f"closed with {code}")
        self.code = code


class Socket:
    """A WebSocket's client, RFC 6455, that can also do what a client should not."""

    def __init__(self, server, *, origin=None, headers=(), path="/ws", expect=101):
        self.socket = socket.create_connection(server.address, PATIENCE)
        self.buffer = b""
        self.fragments = b""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {server.host}", "Upgrade: websocket",
                 "Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13",
                 *headers]
        if origin != "":
            lines.append(f"Origin: {origin or server.origin}")
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer and self.receive(PATIENCE):
            pass
        self.head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        assert self.head.startswith(b"HTTP/1.1 %d " % expect), self.head

    def receive(self, seconds):
        if not select.select([self.socket], [], [], max(seconds, 0))[0]:
            return False
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionError:
            data = b""
        if not data:
            raise Closed(None)
        self.buffer += data
        return True

    def frame(self, opcode, data, final=True, length=None):
        size = len(data) if length is None else length
        head = bytes([opcode | 0x80 * final])
        if size < 126:
            head += bytes([0x80 | size])
        else:
            head += bytes([0x80 | 126]) + struct.pack(">H", size) if size < 65536 else \
                bytes([0x80 | 127]) + struct.pack(">Q", size)
        mask = b"\0\0\0\0"
        self.socket.sendall(head + mask + data)

    def send_text(self, text):
        self.frame(1, text if isinstance(text, bytes) else text.encode())

    def take_frame(self):
        """(opcode, data), or None where it is not whole."""
        buffer = self.buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7f, 2
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(buffer) < 2 + width:
                return None
            size, start = int.from_bytes(buffer[2:2 + width], "big"), 2 + width
        if len(buffer) < start + size:
            return None
        self.buffer = buffer[start + size:]
        return buffer[0], buffer[start:start + size]

    def read_text(self, seconds=PATIENCE):
        """The next message; None: none came."""
        end = time.monotonic() + seconds
        while True:
            frame = self.take_frame()
            if frame is None:
                if not self.receive(end - time.monotonic()):
                    return None
                continue
            opcode, data = frame
            if opcode & 0xf == 8:
                raise Closed(int.from_bytes(data[:2], "big") if data else None)
            assert opcode & 0xf in (0, 1), frame
            self.fragments += data
            if opcode & 0x80:
                text, self.fragments = self.fragments, b""
                return text

    def close_code(self, seconds=PATIENCE):
        """Of a socket that the server closes."""
        try:
            while self.read_text(seconds) is not None:
                pass
        except Closed as closed:
            return closed.code
        raise AssertionError("it is open")

    def close(self):
        self.socket.close()


class Page:
    """One that said its hello; it acknowledges batches where it is asked to."""

    def __init__(self, server, acks=True):
        self.server, self.acks = server, acks
        self.socket = Socket(server)
        self.ids = itertools.count(1)
        self.answers, self.states, self.stray = {}, {}, []
        self.order = []  # (kind, worker) of what came
        self.pieces, self.skipped, self.events, self.messages = {}, {}, {}, {}
        self.samples, self.batches = {}, 0
        self.biggest = 0
        self.send({"type": "hello", "version": 1, "token": server.token})
        self.hello = json.loads(self.socket.read_text())
        assert self.hello["type"] == "hello", self.hello
        for state in self.hello["workers"]:
            self.states[state["worker"]] = state

    def send(self, message):
        self.socket.send_text(json.dumps(message))

    @property
    def output(self):
        """By worker and stream, as far as it was told."""
        return {worker: {stream: "".join(pieces) for stream, pieces in streams.items()}
                for worker, streams in self.pieces.items()}

    def take_item(self, item):
        worker = item["worker"]
        self.order.append((item["type"], worker))
        if item["type"] == "output":
            streams = self.pieces.setdefault(worker, {1: [], 2: []})
            for stream, text in item["chunks"]:
                streams[stream].append(text)
        elif item["type"] in ("events", "messages"):
            getattr(self, item["type"]).setdefault(worker, []).extend(item[item["type"]])
        else:
            self.samples.setdefault((worker, item["type"]), []).append(item)
        if "skipped" in item:
            key = (worker, item["type"])
            self.skipped[key] = self.skipped.get(key, 0) + item["skipped"]

    def step(self, seconds):
        """Takes one message; False: none came."""
        text = self.socket.read_text(seconds)
        if text is None:
            return False
        message = json.loads(text)
        if message["type"] == "batch":
            self.batches += 1
            self.biggest = max(self.biggest, len(text))
            for item in message["items"]:
                self.take_item(item)
            if self.acks:
                self.send({"type": "ack", "seq": message["seq"]})
        elif message["type"] == "state":
            self.order.append((message["state"], message["worker"]))
            self.states[message["worker"]] = message
        elif message.get("id") is not None:
            self.answers[message["id"]] = message
        else:
            self.stray.append(message)
        return True

    def until(self, what, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end and self.step(end - time.monotonic()), \
                (self.answers, self.states, self.stray, self.output)

    def ask(self, kind, **members):
        number = next(self.ids)
        self.send({"type": kind, "id": number, **members})
        self.until(lambda: number in self.answers)
        return self.answers.pop(number)

    def problem(self, kind, **members):
        answer = self.ask(kind, **members)
        assert answer["type"] == "error", answer
        return answer["problem"]

    def run(self, code, *, flags=(), policies=(), args=(), language="python", name="main.py",
            tab="tab"):
        answer = self.ask("run", tab=tab, name=name, language=language, code=code,
                          args=list(args), policies=list(policies), flags=list(flags))
        assert answer["type"] == "done", answer
        return answer["worker"]

    def ended(self, worker):
        return self.states.get(worker, {}).get("state") in ("exited", "failed")

    def run_to_end(self, code, seconds=PATIENCE, **kwargs):
        """(exit, stdout, stderr)"""
        worker = self.run(code, **kwargs)
        self.until(lambda: self.ended(worker), seconds)
        output = self.output.get(worker, {1: "", 2: ""})
        return self.states[worker]["exit"], output[1], output[2]

    def close(self):
        self.socket.close()


def is_part(answer, asked):
    """Is there, by its own words, more of it to come?"""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = None if asked.startswith(b"HEAD ") else re.search(rb"(?i)\r\nContent-Length: *(\d+)", head)
    return not end or length is not None and len(body) < int(length[1])


class Server:
    def __init__(self, world, *words, cwd="/home/user", env=None, prefix=()):
        self.process = subprocess.Popen(
            [*prefix, *PLAIN, world.buntime, *map(str, words or ("ui", "--port=0"))], cwd=cwd,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=world.environment(env))
        self.sanitized = world.sanitized
        self.url = self.process.stdout.readline().decode().strip()
        self.origin, _, self.token = self.url.partition("/#token=")
        self.host = self.origin.removeprefix("http://")
        address, _, port = self.host.rpartition(":")
        self.address = (address.strip("[]"), int(port or 0))
        self.port = self.address[1]
        self.pages = []

    def page(self, **kwargs):
        self.pages.append(Page(self, **kwargs))
        return self.pages[-1]

    def exchange(self, data, seconds=PATIENCE):
        """What is answered until the server closes, or for a moment says no more."""
        with socket.create_connection(self.address, seconds) as connection:
            connection.sendall(data)
            answer = b""
            while select.select([connection], [], [], seconds if is_part(answer, data) else 0.2)[0]:
                try:
                    part = connection.recv(1 << 20)
                except ConnectionError:
                    break
                if not part:
                    break
                answer += part
            return answer

    def get(self, path, *headers, method="GET", host=None, version="1.1", body=b""):
        """(status, head, body); host: "" for none."""
        lines = [f"{method} {path} HTTP/{version}", *headers]
        if host != "":
            lines.insert(1, f"Host: {host or self.host}")
        answer = self.exchange(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)
        head, _, rest = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]) if head else 0, head.decode("latin-1"), rest

    def memory(self):
        """Its own, in bytes; 0 where a sanitizer keeps what was freed."""
        if self.sanitized:
            return 0
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status
                        if line.startswith("RssAnon")) * 1024

    def wakeups(self):
        """How often its threads have slept."""
        total = 0
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{thread}/status", encoding="ascii") as status:
                total += sum(int(line.split()[1]) for line in status if "ctxt_switches" in line)
        return total

    def end(self):
        for page in self.pages:
            page.close()
        self.process.terminate()
        try:
            status = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
        self.errors = self.process.stderr.read().decode(errors="replace")
        self.process.stdout.close()
        self.process.stderr.close()
        return status


@contextmanager
def serving(world, *words, status=(0,), **kwargs):
    need(world)
    server = Server(world, *words, **kwargs)
    try:
        assert server.token, server.end() or server.errors
        yield server
    finally:
        ended = server.end()
        assert ended in status and "CRITICAL" not in server.errors and \
            "WARNING" not in server.errors, (ended, server.errors)
