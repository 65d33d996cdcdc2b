#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-client.py HOST PACKAGES native|ctypes: the Python client against channel-host.

Each test is a worker of its own, started by the host; what it asserts is asserted there.
"""

import os
import subprocess
import sys
import textwrap
import unittest

HOST, PACKAGES, KIND = sys.argv[1:4]

PROLOGUE = """
import sys
if {kind!r} == "ctypes":
    sys.modules["buntime._native"] = None
import asyncio, errno, os, select, signal, threading, time
import buntime
assert buntime.Channel.__mro__[1].__module__ == {base!r}, buntime.Channel.__mro__
channel = buntime.channel()

def raises(kind, function, *arguments):
    try:
        function(*arguments)
    except kind as error:
        return str(error)
    raise AssertionError(f"no {{kind.__name__}}")

def run(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, 20))
"""


def work(code, size=None, status=0):
    base = "buntime._native" if KIND == "native" else "buntime._ctypes"
    program = PROLOGUE.format(kind=KIND, base=base) + textwrap.dedent(code)
    words = [HOST] + ([str(size)] if size else []) + [sys.executable, "-c", program]
    result = subprocess.run(words, env={**os.environ, "PYTHONPATH": PACKAGES}, timeout=60,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode != status:
        raise AssertionError(f"status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


class Messages(unittest.TestCase):
    def test_echo(self):
        work("""
            for size in 0, 1, 16, 256, 4096, 4097, 65536, 300_000, 1 << 20, 5 << 20:
                data = os.urandom(size)
                for form in data, bytearray(data), memoryview(data):
                    channel.send(form)
                    assert channel.recv() == data, size
            assert "str" in raises(TypeError, channel.send, "text")
            raises(TypeError, channel.send, None)
        """)

    def test_many(self):
        work("""
            for i in range(20000):
                channel.queue(b"sink:%d" % i)
            channel.flush()
            channel.send(b"count")
            assert channel.recv() == b"20000"
            channel.send(b"flood:5000:100")
            for i in range(5000):
                assert channel.recv()[:4] == i.to_bytes(4, "little")
        """, size=1 << 17)

    def test_iteration(self):
        work("""
            channel.send(b"flood:3:4")
            for i, data in enumerate(channel):
                assert data == i.to_bytes(4, "little")
                if i == 2:
                    break
        """)

    def test_timeout(self):
        work("""
            start = time.monotonic()
            assert channel.recv_frame(30) is None and time.monotonic() - start >= 0.03
            assert channel.recv_frame(0) is None
            raises(TimeoutError, channel.request, b"ignore", 0.05)
            # The wait can be interrupted.
            def stop(*_):
                raise KeyboardInterrupt
            signal.signal(signal.SIGALRM, stop)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            raises(KeyboardInterrupt, channel.recv)
            channel.send(b"after")
            assert channel.recv() == b"after"
        """)

    def test_threads(self):
        work("""
            def send():
                for i in range(500):
                    channel.send(b"sink:" + bytes(i * 7 % 3000))
                    if i % 100 == 0:
                        channel.send(b"sink:" + bytes(400_000))
            threads = [threading.Thread(target=send) for _ in range(4)]
            for thread in threads:
                thread.start()
            assert channel.recv_frame(50) is None
            for thread in threads:
                thread.join()
            channel.send(b"count")
            assert channel.recv() == b"2020"
        """, size=1 << 18)

    def test_closed(self):
        work("""
            channel.send(b"sink:last words")
            channel.close()
            channel.close()
            for function in (channel.recv, channel.flush, channel.fileno, channel.next_id,
                             channel.recv_control):
                raises(ValueError, function)
            for function in channel.send, channel.send_control:
                raises(ValueError, function, b"{}")
            os._exit(7)
        """, status=7)

    def test_end(self):
        # Who never waits is told of it, too.
        work("""
            def poll():
                while True:
                    channel.recv_frame(0)
            channel.send(b"leave")
            signal.alarm(30)
            raises(EOFError, poll)
            raises(EOFError, channel.recv)
        """)

    def test_frames(self):
        out = work("""
            channel.send_frame(0x00, 0, b"out\\n", -1)
            channel.send_frame(0x21, 5, b"2", -1)
            raises(OSError, channel.send_frame, 0x20, 0, b"", -1)
            raises(TypeError, channel.send_frame, 0x20)
        """)
        self.assertIn("out\nresult 5: 2\n", out)
        self.assertIn('control: {"type":"hello","version":1,', out)

    def test_control(self):
        out = work("""
            assert channel.recv_control() is None
            for text in b"{}", b"x" * (16 << 10):
                channel.send(b"control:" + text)
                channel.send(b"done")
                assert channel.recv() == b"done" and channel.recv_control() == text
            assert channel.recv_control() is None
            # More than the socket holds: it waits for room.
            for i in range(3000):
                channel.send_control(b"no. %d." % i)
            raises(OSError, channel.send_control, b"")
            raises(OSError, channel.send_control, b"x" * ((16 << 10) + 1))
            os.close(channel.control_fileno())
            raises(OSError, channel.recv_control)
        """)
        self.assertEqual([line for line in out.splitlines() if line.startswith("control: no.")],
                         [f"control: no. {i}." for i in range(3000)])

    def test_no_channel(self):
        result = subprocess.run(
            [sys.executable, "-c", "import buntime; buntime.channel()"],
            env={**os.environ, "PYTHONPATH": PACKAGES}, stderr=subprocess.PIPE, text=True, check=False)
        self.assertIn("FileNotFoundError: no channel", result.stderr)


class Requests(unittest.TestCase):
    def test_answers(self):
        work("""
            assert channel.request(b"what") == b"what"
            assert raises(buntime.RemoteError, channel.request, b"fail") == "failed"
            # What comes meanwhile is kept.
            channel.send(b"a")
            channel.send(b"b")
            assert channel.request(b"what") == b"what"
            assert [channel.recv(), channel.recv()] == [b"a", b"b"]
        """)

    def test_handler(self):
        work("""
            @channel.handler
            def answer(data):
                if data == b"bad":
                    raise ValueError("no")
                return data.upper()
            channel.send(b"call:abc")
            assert channel.recv() == b"reply:ABC"
            channel.send(b"call:bad")
            assert channel.recv() == b"error:ValueError: no"
        """)

    def test_methods(self):
        work("""
            @channel.handler("add")
            def add(a, b):
                return {"sum": a + b}
            channel.send(b'call:{"method":"add","params":[1,2]}')
            assert channel.recv() == b'reply:{"sum":3}'
            channel.send(b'call:{"method":"sub","params":[1,2]}')
            assert channel.recv().startswith(b"error:LookupError")
            channel.send(b'call:{"method":"add","params":[1]}')
            assert channel.recv().startswith(b"error:TypeError")
            channel.send(b"call:not json")
            assert channel.recv().startswith(b"error:LookupError")
        """)

    def test_permissions(self):
        work("""
            status = buntime.permissions.query("net", "allowed.example:443")
            assert status and status == ("allow", "policy.json: 3: net.rules[0]", ""), status
            status = buntime.permissions.query("read", "/etc/shadow")
            assert not status and status == ("deny", "defaults.net = deny", "--allow-it"), status
            assert buntime.permissions.query("run", "nothing") == ("deny", "", "")
            assert buntime.permissions.query("env", "warned").state == "warn"
            assert "no such permission" in raises(ValueError, buntime.permissions.query, "x", "y")
        """)


class Loop(unittest.TestCase):
    def test_echo(self):
        work("""
            async def main():
                for size in 0, 16, 65536, 5 << 20:
                    data = os.urandom(size)
                    await channel.send_async(data)
                    assert await channel.recv_async() == data
                await channel.send_async(b"flood:300:4")
                i = 0
                async for data in channel:
                    assert data == i.to_bytes(4, "little")
                    i += 1
                    if i == 300:
                        break
            run(main())
        """, size=1 << 17)

    def test_together(self):
        work("""
            @channel.handler
            async def answer(data):
                await asyncio.sleep(0.01)
                return data.upper()
            @channel.handler("add")
            def add(a, b):
                return a + b
            async def main():
                got = []
                async def receive():
                    async for data in channel:
                        got.append(data)
                task = asyncio.ensure_future(receive())
                await channel.send_async(b"call:abc")
                await channel.send_async(b'call:{"method":"add","params":[1,2]}')
                answers = await asyncio.gather(*(channel.request_async(b"%d" % i) for i in range(100)))
                assert answers == [b"%d" % i for i in range(100)]
                status = await buntime.permissions.query_async("net", "allowed")
                assert status.state == "allow"
                try:
                    await asyncio.wait_for(channel.request_async(b"ignore"), 0.05)
                    raise AssertionError
                except asyncio.TimeoutError:
                    pass
                while len(got) < 2:
                    await asyncio.sleep(0.005)
                assert sorted(got) == [b"reply:3", b"reply:ABC"]
                task.cancel()
            run(main())
        """)

    def test_room(self):
        # More than the ring holds, both ways at once.
        work("""
            async def main():
                async def send():
                    for i in range(40):
                        await channel.send_async(bytes([i]) * 50_000)
                task = asyncio.ensure_future(send())
                for i in range(40):
                    assert await channel.recv_async() == bytes([i]) * 50_000
                await task
            run(main())
        """, size=1 << 17)

    def test_sleeps(self):
        # An idle loop is not woken: what it does is counted.
        work("""
            async def main():
                turns = 0
                loop = asyncio.get_running_loop()
                run_once = loop._run_once
                def count():
                    nonlocal turns
                    turns += 1
                    run_once()
                task = asyncio.ensure_future(channel.recv_async())
                await asyncio.sleep(0.05)
                loop._run_once = count
                before = time.process_time()
                await asyncio.sleep(0.3)
                assert turns <= 3, turns
                assert time.process_time() - before < 0.1
                channel.send(b"x")
                assert await task == b"x"
            run(main())
        """)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
