# SPDX-License-Identifier: LGPL-2.1-or-later
"""`buntime serve` hands a worker's channel to its client, who speaks the ring by himself."""

import ctypes
import json
import os
import socket
import stat

import pytest

from served import listening, piped

STDOUT, NET_CONNECT, ALLOW, CODE, RESULT, MESSAGE, REQUEST, REPLY = \
    0x00, 0x03, 0x10, 0x20, 0x21, 0x30, 0x31, 0x32


class Message(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_void_p), ("size", ctypes.c_size_t), ("type", ctypes.c_uint32),
                ("id", ctypes.c_uint32)]


class Supervisor:
    """buntime_channel_open_supervisor() of libbuntime-worker, as any language can call it."""

    def __init__(self, world, fds):
        self.library = ctypes.CDLL(str(world.build / "src/worker/libbuntime-worker.so"))
        self.library.buntime_channel_send.argtypes = [
            ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_char_p, ctypes.c_size_t,
            ctypes.c_int]
        self.library.buntime_channel_recv.argtypes = [
            ctypes.c_void_p, ctypes.POINTER(Message), ctypes.c_int]
        self.library.buntime_channel_close.argtypes = [ctypes.c_void_p]
        self.channel = ctypes.c_void_p()
        assert self.library.buntime_channel_open_supervisor(*fds, ctypes.byref(self.channel)) == 0
        self.control = socket.socket(fileno=os.dup(fds[2]))
        self.control.settimeout(20)

    def send(self, kind, data, number=0):
        assert self.library.buntime_channel_send(self.channel, kind, number, data, len(data), 20000) == 0

    def receive(self, timeout=20000):
        """(type, id, bytes), or the error's number."""
        message = Message()
        error = self.library.buntime_channel_recv(self.channel, ctypes.byref(message), timeout)
        if error != 0:
            return -error
        return message.type, message.id, ctypes.string_at(message.bytes, message.size)

    def state(self):
        return json.loads(self.control.recv(16384))

    def close(self):
        self.control.close()
        self.library.buntime_channel_close(self.channel)
        self.channel = None


@pytest.fixture
def server(world, tmp_path):
    (tmp_path / "runtime").mkdir(mode=0o700)
    with listening(world, tmp_path / "runtime", cwd=tmp_path) as one:
        yield one


@pytest.fixture
def given(world, server):
    """given(...) spawns a worker: (client, worker, Supervisor)."""
    opened = []

    def spawn(**params):
        client = server.connect()
        worker = client.do("spawn", channel=True, **params)["worker"]
        assert len(client.fds) == 3
        fds, client.fds = client.fds, []
        assert stat.S_ISREG(os.fstat(fds[0]).st_mode)
        opened.append(Supervisor(world, fds))
        return client, worker, opened[-1]

    yield spawn
    for one in opened:
        one.close()


def test_messages(given, world):
    client, worker, channel = given(entry=str(world.build / "tests/unit/library-peer"))
    # The peer says it once more than its library does.
    assert [channel.state()["type"] for _ in range(3)] == ["hello", "hello", "ready"]
    for data in (b"", b"abc", os.urandom(3 << 20)):
        channel.send(MESSAGE, data)
        assert channel.receive() == (MESSAGE, 0, data)
    channel.send(REQUEST, b"hello", 5)
    assert channel.receive() == (REPLY, 5, b"hello")
    # Questions are the client's to answer.
    channel.send(MESSAGE, b"ask")
    kind, number, value = channel.receive()
    assert kind == NET_CONNECT
    verdict = client.do("policy_check", permission="net", value=value.decode(),
                        flags=["--allow-net=granted.example"])["verdict"]
    assert verdict["action"] == "allow"
    channel.send(ALLOW, b"", number)
    assert channel.receive() == (MESSAGE, 0, b"yes")
    # The server has no say in it, but tells of the end.
    for method, params in (("send", {"text": "x"}), ("call", {"text": "x"}),
                           ("run_code", {"code": "1"}), ("reply", {"request": 1, "text": "x"})):
        assert client.fails(method, worker=worker, **params).code == "usage", method
    channel.send(MESSAGE, b"end")
    assert client.next(worker, "exited")["status"] == 7
    assert channel.receive() == 32  # EPIPE
    assert not client.of(worker, "message") and not client.of(worker, "ready")


def test_harness(given):
    client, worker, channel = given()
    assert channel.state()["type"] == "hello"
    assert channel.state() == {"type": "ready"}
    channel.send(CODE, b"print('out'); x = 6", 1)
    found = [channel.receive(), channel.receive()]
    assert (STDOUT, 1, b"out\n") in found and (RESULT, 1, b"") in found
    channel.send(CODE, b"x * 7", 2)
    assert channel.receive() == (RESULT, 2, b"42")
    client.do("stop", worker=worker)
    client.next(worker, "exited")


LIAR = """
import os, mmap, struct, time
memory = int(os.environ["BUNTIME_CHANNEL"].split(",")[0])
size = os.fstat(memory).st_size
ring = mmap.mmap(memory, size)
capacity = (size - 65536) // 2
ring[capacity:capacity + 64] = b"\\xff" * 64
struct.pack_into("<I", ring, 2 * capacity + 512, 64)
print("done", flush=True)
time.sleep(100)
"""


def test_worker_that_lies(given):
    """It is told apart, and the server and another worker go on."""
    client, worker, channel = given(entry="-c", args=[LIAR], flags=["--worker=python"])
    client.until(lambda: client.output(worker) == b"done\n")
    assert channel.receive(1000) == 71  # EPROTO
    assert [one["worker"] for one in client.do("list")["workers"]] == [worker]
    client.do("stop", worker=worker)
    assert client.next(worker, "exited")["status"] == 137


# Each begins to send what nobody will read, in an event loop, and listens.
BROKEN_OFF = {
    "w.py": """
import asyncio
import buntime
channel = buntime.channel()

async def main():
    sent = asyncio.ensure_future(channel.send_async(bytes(5 << 20)))
    await asyncio.sleep(0)
    print("begun", flush=True)
    try:
        await sent
    except BrokenPipeError:
        print("broken", flush=True)

asyncio.run(main())
""",
    "w.ts": """
import { channel } from "buntime";
const c = channel();
const sent = c.sendAsync(new Uint8Array(5 << 20));
console.log("begun");
await sent.catch((error) => console.log(error.code === "EPIPE" ? "broken" : error));
process.exit(0);
""",
}


@pytest.mark.parametrize("name", BROKEN_OFF)
def test_client_that_ends_midway(world, box, bun, name):
    """Who waits for room in an event loop is told that there will be none."""
    runtime = box.directory / "runtime"
    runtime.mkdir(mode=0o700)
    entry = box.write(name, BROKEN_OFF[name])
    with listening(world, runtime, cwd=box.directory, env=bun if name == "w.ts" else None) as server:
        client = server.connect()
        worker = client.do("spawn", channel=True, entry=str(entry), flags=["--allow-read=."])["worker"]
        client.until(lambda: client.output(worker) == b"begun\n")
        for fd in client.fds:
            os.close(fd)
        client.fds.clear()
        assert client.next(worker, "exited")["status"] == 0
        assert client.output(worker) == b"begun\nbroken\n" and client.output(worker, "stderr") == b""


ANSWERING = """
import asyncio
import buntime
channel = buntime.channel()

@channel.handler
def answer(data):
    print("begun", flush=True)
    return bytes(5 << 20)

async def main():
    await channel.serve_async()
    # Whatever else was told of the end has heard of it.
    await asyncio.sleep(0.01)

asyncio.run(main())
"""


def test_client_that_does_not_wait_for_its_answer(given, box):
    """The worker ends as it would: nothing went wrong that it could mend."""
    client, worker, channel = given(entry=str(box.write("w.py", ANSWERING)))
    channel.send(REQUEST, b"x", 1)
    client.until(lambda: client.output(worker) == b"begun\n")
    channel.close()
    assert client.next(worker, "exited")["status"] == 0
    assert client.output(worker, "stderr") == b""


def test_only_by_a_socket(world, box):
    with piped(world, box.directory) as client:
        error = client.fails("spawn", entry="/bin/true", channel=True)
        assert error.code == "usage" and "--socket" in error.cure
        assert client.fails("spawn", entry="/bin/true", channel="yes").code == "usage"
        worker = client.do("spawn", entry="/bin/true", channel=False)["worker"]
        assert client.next(worker, "exited")["status"] == 0


def test_many_answers_at_once(server):
    """Each answer's descriptors come with it, whatever was in the way; the server keeps none."""
    client = server.connect()
    client.run("/nonexistent")
    client.told.clear()
    before = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    lines = b"".join(
        b'{"id":%d,"method":"policy_list"}\n'
        b'{"id":%d,"method":"spawn","params":{"entry":"/nonexistent","channel":true}}\n'
        % (2 * i, 2 * i + 1) for i in range(5))
    client.write(lines)
    client.until(lambda: len(client.answers) >= 11)
    assert len(client.fds) == 15 and len({os.fstat(fd).st_ino for fd in client.fds}) == 15
    for fd in client.fds:
        os.close(fd)
    client.until(lambda: sum(name == "exited" for name, _ in client.told) == 5)
    client.until(lambda: client.do("list") and
                 len(os.listdir(f"/proc/{server.process.pid}/fd")) <= before)
