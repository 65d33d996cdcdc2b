# SPDX-License-Identifier: LGPL-2.1-or-later
"""buntime-net's own end, and that a worker cannot make it grow."""

import os
import resource
import signal
import time

import addresses
import pytest
from world import below, processes, wait_for

TALK = """
    import socket, sys
    with socket.create_connection(("198.51.100.10", 9000)) as sock:
        print("connected", flush=True)
        sock.recv(1)
    print("went on", flush=True)
"""


def test_the_run_ends_with_it(net):
    """What waits for an answer would wait for ever: the cause is told, and nothing is left."""
    with net.spawn("--allow-net=198.51.100.10", code=TALK) as process:
        assert process.stdout.readline() == b"connected\n"
        (pid,), workers = below(process.pid, "buntime-net"), below(process.pid, "w.py")
        os.kill(pid, signal.SIGKILL)
        begun = time.monotonic()
        assert process.wait(10) == 125
        assert time.monotonic() - begun < 3
        err = process.stderr.read().decode()
        assert process.stdout.read() == b""
    assert "buntime: buntime-net: ended unexpectedly" in err, err
    assert pid not in processes()
    wait_for(lambda: not workers.keys() & processes().keys(), what="the end of the worker")


ASK = """
    import socket, sys
    for name in map(str.strip, sys.stdin):
        if name == "":
            break
        try:
            print(socket.gethostbyname(name), flush=True)
        except OSError as error:
            print(type(error).__name__, flush=True)
"""


def test_without_a_network_the_run_goes_on(box):
    """There it has only explained."""
    with box.spawn(code=ASK) as process:
        def ask():
            process.stdin.write(b"evil.example\n")
            process.stdin.flush()
            return process.stdout.readline().decode().strip()
        assert ask().startswith("198.19.")
        (pid,) = below(process.pid, "buntime-net")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not below(process.pid, "buntime-net"), what="the end of buntime-net")
        assert ask() == "gaierror"
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.wait(10) == 0
        err = process.stderr.read().decode()
    assert err.count("buntime-net ended unexpectedly; the program goes on without names") == 1, err


MAKE_ROOM = """
    import errno, socket, sys
    old = socket.create_connection(("198.51.100.10", 9000), timeout=10)
    used = socket.create_connection(("198.51.100.10", 9000), timeout=10)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for n in range(12287):
            if n % 50 == 0:  # no more are on their way than there is room for
                used.sendall(b"x")
                used.recv(1)
            sock.sendto(b"x", ("192.0.2.7", 1024 + n))
    try:
        print("old", old.recv(1), flush=True)
    except OSError as error:
        print("old", errno.errorcode[error.errno], flush=True)
    used.sendall(b"y")
    print("used", used.recv(1).decode(), flush=True)
    sys.stdin.readline()
"""


def connections(port):
    """Those that are open in the world's host, where buntime-net's sockets are."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file][1:]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def test_the_oldest_idle_connection_makes_room(net):
    """Beyond the bound it is reset, here and outside; one that was used since is not."""
    with net.spawn("--allow-net=198.51.100.10,192.0.2.7/udp", "--quiet", code=MAKE_ROOM) as process:
        assert process.stdout.readline() == b"old ECONNRESET\n"
        assert process.stdout.readline() == b"used y\n"
        assert connections(9000) == 1


GROW = """
    import socket, sys
    def wait():
        print("ready", flush=True)
        sys.stdin.readline()
    def grow():
        held = []
        for n in range(300):
            held.append(socket.create_connection(("198.51.100.10", 9000)))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for n in range(20000):
                if n % 50 == 0:  # no more are on their way than there is room for
                    held[-1].sendall(b"x")
                    held[-1].recv(1)
                try:
                    sock.sendto(b"x" * 1000, ("192.0.2.7", 1024 + n))
                except OSError:
                    pass
        for n in range(300):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                for port in range(20):
                    try:
                        sock.sendto(b"x", ("192.0.2.7", 1024 + port))
                    except OSError:
                        pass
        for n in range(900):
            try:
                socket.gethostbyname(f"n{n}.evil.example")
            except OSError:
                pass
    wait()
    grow()
    wait()
    grow()
    wait()
"""


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def test_a_worker_cannot_make_it_grow(box, world):
    """Flows beyond the table's bound, sockets and names, twice: the second time takes little."""
    with box.spawn("--allow-net=198.51.100.10,192.0.2.7/udp", "--quiet", code=GROW) as process:
        sizes = []
        for _ in range(3):
            assert process.stdout.readline() == b"ready\n"
            (pid,) = below(process.pid, "buntime-net")
            sizes.append(resident(pid))
            process.stdin.write(b"\n")
            process.stdin.flush()
        assert process.wait(10) == 0
    if not world.sanitized:
        assert sizes[1] < sizes[0] + (32 << 10) and sizes[2] < sizes[1] + (8 << 10), sizes


CONNECT = """
    import socket, sys
    print("ready", flush=True)
    sys.stdin.readline()
    held = [socket.create_connection(("198.51.100.10", 9000)) for _ in range(300)]
    print("went on", flush=True)
"""


@pytest.mark.slow  # there address space is no measure
def test_more_memory_than_its_bound(net):
    """Made near, since it is far above what the tables hold: the run ends, and says why."""
    with net.spawn("--allow-net=198.51.100.10", code=CONNECT) as process:
        assert process.stdout.readline() == b"ready\n"
        (pid,), workers = below(process.pid, "buntime-net"), below(process.pid, "w.py")
        assert resource.prlimit(pid, resource.RLIMIT_AS) == (6 << 30, 6 << 30)
        resource.prlimit(pid, resource.RLIMIT_AS, (64 << 20, 64 << 20))
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.wait(10) == 125
        err = process.stderr.read().decode()
        assert process.stdout.read() == b""
    assert "buntime: buntime-net: ended unexpectedly" in err, err
    assert workers and not {pid, *workers} & processes().keys()


GARBAGE = """
    import random, socket, struct, sys, time
    seed = random.randrange(1 << 32)
    print("seed", seed, flush=True)
    random.seed(seed)
    server = next(l.split()[1] for l in open("/etc/resolv.conf") if l.startswith("nameserver"))
    good = struct.pack("!6H", 7, 0x100, 1, 0, 0, 1) + b"\\6github\\3com\\0\\0\\1\\0\\1" + \\
        b"\\0\\0\\x29\\x10\\0\\0\\0\\0\\0\\0\\0"
    def garbage():
        if random.random() < 0.2:
            return random.randbytes(random.randrange(1500))
        bytes = bytearray(good)
        for _ in range(random.randrange(1, 4)):
            bytes[random.randrange(len(bytes))] = random.randrange(256)
        return bytes[:random.randrange(len(bytes) + 1)] if random.random() < 0.3 else bytes
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.connect((server, 53))
    udp.setblocking(False)
    end = time.monotonic() + 1
    sent = 0
    while time.monotonic() < end:
        for _ in range(50):
            try:
                udp.send(garbage())
                udp.recv(4096)
            except BlockingIOError:
                pass
            sent += 1
        with socket.create_connection((server, 53)) as tcp:
            message = garbage()
            size = random.choice([len(message), 0, 1, 65535, random.randrange(65536)])
            try:
                tcp.sendall(struct.pack("!H", size) + message)
            except OSError:
                pass
    print("sent", sent > 100, flush=True)
    # Much of it was a question, and there are so many a second.
    time.sleep(1.1)
    print(socket.gethostbyname("github.com"), flush=True)
    sys.stdin.readline()
"""


def test_garbage_for_names(box, world):
    """After a second of it a name is still answered, by the same process, which is no larger."""
    with box.spawn("--allow-net=github.com", "--quiet", code=GARBAGE) as process:
        seed = process.stdout.readline()
        (pid,) = below(process.pid, "buntime-net")
        before = resident(pid)
        assert process.stdout.readline() == b"sent True\n", seed
        assert process.stdout.readline() == f"{addresses.WEB}\n".encode(), seed
        if not world.sanitized:
            assert resident(pid) < before + (4 << 10), seed
        assert set(below(process.pid, "buntime-net")) == {pid}, seed
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.wait(10) == 0, seed


FLOOD = """
    import socket, time
    for n in range(13000):
        with socket.socket() as sock:
            sock.setblocking(False)
            sock.connect_ex(("192.0.2.250", 9000))
        if n % 100 == 0:
            time.sleep(0.005)
    with socket.create_connection(("198.51.100.10", 9000), timeout=10) as sock:
        sock.sendall(b"x")
        print(sock.recv(1).decode(), flush=True)
    input()
"""


def test_a_flood_of_beginnings(box, world):
    """More connections than the table holds to a host that does not answer: the next is still made."""
    with box.spawn("--allow-net=198.51.100.10,192.0.2.250", "--quiet", code=FLOOD) as process:
        assert process.stdout.readline() == b"x\n"
        (pid,) = below(process.pid, "buntime-net")
        size = resident(pid)
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.wait(10) == 0, process.stderr.read()
    if not world.sanitized:
        assert size < 96 << 10, size
