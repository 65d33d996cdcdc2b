# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's loopback, by port: --allow-net=localhost:5432. Without it 127.0.0.1 is the worker's own."""

import os
import signal
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from world import PRELUDE, below, wait_for


@pytest.fixture
def box(box):
    """By relays: what leaves by the fast path is the subject of test_fast.py."""
    box.flags = ["--net=slirp"]
    return box


@contextmanager
def service(answer, address="127.0.0.1", backlog=16):
    """A listener of the test's on the host's loopback; answer(connection) serves each one."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, 0), family=family, backlog=backlog)
    accepted = []

    def serve():
        while True:
            try:
                connection, peer = listener.accept()
            except OSError:
                return
            accepted.append(peer[0])
            with connection:
                try:
                    answer(connection)
                except OSError:
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], accepted
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        assert not thread.is_alive()


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)


ECHO = """
    for address in sys.argv[2:]:
        try:
            with socket.create_connection((address, int(sys.argv[1])), timeout=5) as sock:
                sock.sendall(b"hello")
                sock.shutdown(socket.SHUT_WR)
                out[address] = sock.recv(100).decode() + sock.recv(100).decode()
        except OSError as error:
            out[address] = errno.errorcode.get(error.errno, str(error))
"""


@pytest.mark.parametrize("more", [[], ["--allow-net=192.0.2.7"]])
def test_a_port_of_the_hosts_loopback(box, more):
    with service(echo) as (port, accepted):
        out, result = box.json(f"--allow-net=localhost:{port}", *more, code=ECHO,
                               args=[port, "127.0.0.1", "localhost", "0.0.0.0", "::ffff:127.0.0.1"])
        assert set(out.values()) == {"hello"}, str(result)
        assert accepted == ["127.0.0.1"] * 4
        assert result.stderr == ""


def test_no_other_network_comes_with_it(box):
    with service(echo) as (port, _):
        out, result = box.json(f"--allow-net=localhost:{port}", code="""
            out["names"] = [name for _, name in socket.if_nameindex()]
            out["other"] = connect("192.0.2.7", 80)[0]
        """)
        assert out == {"names": ["lo"], "other": "PermissionError"}
        assert len(result.denied("net", "192.0.2.7:80")) == 1


def test_ipv6(box):
    with service(echo, "::1") as (port, accepted):
        out, result = box.json(f"--allow-net=[::1]:{port}", code=ECHO, args=[port, "::1", "127.0.0.1"])
        assert out == {"::1": "hello", "127.0.0.1": "ECONNREFUSED"}, str(result)
        out, result = box.json(f"--allow-net=localhost:{port}", code=ECHO, args=[port, "::1", "127.0.0.1"])
        assert out == {"::1": "hello", "127.0.0.1": "ECONNREFUSED"}, str(result)
        assert accepted == ["::1"] * 2


@pytest.mark.parametrize("flags", [
    [], ["--allow-net"], ["--allow-net=localhost:1"], ["--allow-net=localhost"],
    ["--allow-net=localhost:{port}/udp"], ["--allow-net=localhost:{port}", "--deny-net=localhost:{port}"],
    ["--allow-net=localhost:{port}", "--deny-net=127.0.0.1", "--deny-net=[::1]:{port}"],
    ["--allow-net=127.0.0.2:{port}"], ["--allow-net=[::1]:{port}"],
])
def test_not_without_the_grant(box, flags):
    with service(echo) as (port, accepted):
        out, _ = box.json(*[flag.format(port=port) for flag in flags], code=ECHO, args=[port, "127.0.0.1"])
        assert out == {"127.0.0.1": "ECONNREFUSED"}
        assert accepted == []


@pytest.mark.parametrize("code,told", [
    ("sys.exit(connect('127.0.0.1', 5432)[0] != 'ok')", True),
    ("sys.exit(connect('127.0.0.1', 5432)[0] == 'ok')", False),  # it did without
    ("sys.exit(connect('192.0.2.7', 5432)[0] != 'ok')", False),  # that has an event
    ("connect('127.0.0.1', 5432); server = socket.create_server(('127.0.0.1', 5432)); "
     "sys.exit(connect('127.0.0.1', 5432)[0] == 'ok')", False),
])
def test_a_failed_program_that_found_nobody(box, code, told):
    """Its own loopback refused it: no denial, but which flag opens the host's is said."""
    result = box.run(code=PRELUDE + code)
    assert result.status == (0 if "==" in code and "server" not in code else 1), str(result)
    assert result.stderr.count("--allow-net=localhost:5432 grants") == told, str(result)


def test_a_denial_takes_one_port_out_of_a_range(box):
    with service(echo) as (port, accepted):
        flags = [f"--allow-net=localhost:{port - 1}-{port + 1}"]
        out, _ = box.json(*flags, code=ECHO, args=[port, "127.0.0.1"])
        assert out == {"127.0.0.1": "hello"}
        out, _ = box.json(*flags, f"--deny-net=localhost:{port}", code=ECHO, args=[port, "127.0.0.1"])
        assert out == {"127.0.0.1": "ECONNREFUSED"} and len(accepted) == 1


@pytest.mark.parametrize("rule", ['"host": "localhost"', '"cidr": "127.0.0.0/8"', '"cidr": "127.0.0.1/32"'])
def test_by_a_policy_file(box, rule):
    with service(echo) as (port, _):
        policy = box.write("p.json", '{"version": 1, "net": {"rules": [{"action": "allow", "proto": "tcp", '
                           + rule + f', "ports": "{port}"}}]}}}}')
        out, result = box.json(f"--policy={policy}", code=ECHO, args=[port, "127.0.0.1"])
        assert out == {"127.0.0.1": "hello"}, str(result)


@pytest.mark.parametrize("flag,words", [
    ("localhost", "name the ports"),
    ("127.0.0.0/8", "name the ports"),
    ("localhost:80/udp", "TCP alone"),
    ("127.0.0.5:80", "127.0.0.1 and ::1"),
    ("localhost:53", "port 53"),
])
def test_what_cannot_be_had_is_said_once(box, flag, words):
    result = box.run(f"--allow-net={flag}", code="")
    assert result.status == 0 and result.stderr.count(words) == 1, str(result)


def test_too_many_ports_are_an_error(box):
    result = box.run("--allow-net=localhost:1000-1064", code="print('ran')")
    assert result.status == 125 and result.stdout == "", str(result)
    assert "more than 64 ports" in result.stderr
    result = box.run("--allow-net=localhost:1000-1063", code="print('ran')")
    assert result.stdout == "ran\n", str(result)


def test_nobody_serves(box):
    """A refusal of the host's is the program's refusal, in whichever way it connects."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    out, result = box.json(f"--allow-net=localhost:{port}", code="""
        import asyncio, select
        port = int(sys.argv[1])
        out["blocking"] = connect("127.0.0.1", port, timeout=None)[0]
        out["timeout"] = connect("127.0.0.1", port)[0]
        with socket.socket() as sock:
            sock.setblocking(False)
            number = sock.connect_ex(("127.0.0.1", port))
            if number == errno.EINPROGRESS:
                select.select([], [sock], [], 5)
                number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            out["poll"] = errno.errorcode[number]

        async def main():
            try:
                await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                return "ECONNREFUSED"
        out["asyncio"] = asyncio.run(main())
    """, args=[port])
    assert set(out.values()) == {"ECONNREFUSED"}, str(result)


def test_without_notification_a_refusal_is_a_reset(box):
    """Without the filter nobody sees the connect(), and the relay can only end what it accepted."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    policy = box.write("p.json", '{"version": 1, "plugins": {"seccomp": false}}')
    code = """
        def ask():
            sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
            sock.sendall(b"x")
            sock.recv(1)
        out["end"] = attempt(ask)
    """
    out, result = box.json(f"--policy={policy}", f"--allow-net=localhost:{port}", code=code, args=[port])
    assert out["end"] in ("ECONNRESET", "EPIPE"), str(result)
    with service(echo) as (port, _):
        out, result = box.json(f"--policy={policy}", f"--allow-net=localhost:{port}", code=ECHO,
                               args=[port, "127.0.0.1"])
        assert out == {"127.0.0.1": "hello"}, str(result)


def test_each_side_may_close_first(box):
    def greet(connection):
        connection.sendall(b"bye")
        connection.shutdown(socket.SHUT_WR)
        received.append(connection.recv(100))
        received.append(connection.recv(100))

    received = []
    with service(greet) as (port, _):
        out, _ = box.json(f"--allow-net=localhost:{port}", code="""
            sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
            out["read"] = [sock.recv(100).decode(), sock.recv(100).decode()]
            sock.sendall(b"still here")
            sock.close()
        """, args=[port])
        assert out == {"read": ["bye", ""]}
        wait_for(lambda: received == [b"still here", b""])


def test_a_reset_is_passed_on(box):
    def reset(connection):
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with service(reset) as (port, _):
        out, _ = box.json(f"--allow-net=localhost:{port}", code="""
            sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
            sock.sendall(b"x")
            out["recv"] = attempt(sock.recv, 1)
        """, args=[port])
        assert out == {"recv": "ECONNRESET"}
    ends = []

    def watch(connection):
        try:
            ends.append(connection.recv(1))
            connection.sendall(b"y")
            ends.append(connection.recv(1))
        except ConnectionResetError:
            ends.append("reset")

    with service(watch) as (port, _), box.spawn(f"--allow-net=localhost:{port}", args=[port], code="""
            import socket, sys
            sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
            sock.sendall(b"x")
            sock.recv(1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0")
            sock.close()
            sys.stdin.readline()
        """):
        wait_for(lambda: ends == [b"x", "reset"], what=f"a reset, not {ends}")


def test_much_both_ways(box):
    """10 MB each way at once: neither side can hold the other up for good."""
    size = 10_000_000

    def exchange(connection):
        sender = threading.Thread(target=connection.sendall, args=(b"a" * size,))
        sender.start()
        got = 0
        while data := connection.recv(1 << 20):
            assert data.strip(b"b") == b""
            got += len(data)
        received.append(got)
        sender.join()
        connection.shutdown(socket.SHUT_WR)

    received = []
    with service(exchange) as (port, _):
        out, _ = box.json(f"--allow-net=localhost:{port}", code="""
            import threading
            sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
            def send():
                sock.sendall(b"b" * 10_000_000)
                sock.shutdown(socket.SHUT_WR)
            sender = threading.Thread(target=send)
            sender.start()
            got = 0
            while data := sock.recv(1 << 20):
                assert data.strip(b"a") == b""
                got += len(data)
            sender.join()
            out["got"] = got
        """, args=[port])
        assert out == {"got": size} and received == [size]


def test_what_was_sent_before_the_end_arrives(box):
    """Also of a program that sends and ends at once, to a service that is slow to read."""
    size, received = 1_000_000, []

    def read(connection):
        time.sleep(0.1)
        got = 0
        while data := connection.recv(1 << 20):
            got += len(data)
        received.append(got)

    with service(read) as (port, _):
        result = box.run(f"--allow-net=localhost:{port}", args=[port], code=f"""
            import os, socket, sys
            sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
            sock.sendall(b"x" * {size})
            os._exit(0)
        """)
        assert result.status == 0, str(result)
        wait_for(lambda: received == [size], what=f"all bytes, not {received}")


def test_the_end_is_not_held_up(box):
    """By a service that reads nothing: a second, and then what is left is given up."""
    stop = threading.Event()
    with service(lambda connection: stop.wait(20)) as (port, _):
        result = box.run(f"--allow-net=localhost:{port}", args=[port], code="""
            import socket, sys
            sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
            sock.settimeout(0.2)
            try:
                while True:
                    sock.send(b"x" * 65536)
            except TimeoutError:
                pass
        """)
        stop.set()
        assert result.status == 0 and result.seconds < 5, str(result)
    # Nothing is left to be passed on: no wait at all, though the service keeps its end open.
    stop.clear()
    with service(lambda connection: stop.wait(20)) as (port, _):
        with box.spawn(f"--allow-net=localhost:{port}", args=[port], code="""
            import os, socket, sys
            sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
            sock.sendall(b"x")
            print("END", flush=True)
            os._exit(0)
        """) as process:
            assert process.stdout.readline() == b"END\n"
            begun = time.monotonic()
            assert process.wait(10) == 0
            seconds = time.monotonic() - begun
        stop.set()
        assert seconds < 0.9


def test_a_side_that_does_not_read_holds_the_other_up(box):
    """What is on its way is bounded: buffers of kernels and relay, and no more."""
    stop = threading.Event()
    with service(lambda connection: stop.wait(20)) as (port, _):
        out, _ = box.json(f"--allow-net=localhost:{port}", code="""
            sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=1)
            sent = 0
            try:
                while sent < 200_000_000:
                    sent += sock.send(b"x" * 65536)
            except TimeoutError:
                pass
            out["sent"] = sent
        """, args=[port])
        stop.set()
        assert out["sent"] < 50_000_000


def test_a_hundred_connections_leak_nothing(box):
    with service(echo) as (port, accepted):
        with box.spawn(f"--allow-net=localhost:{port}", args=[port], code="""
            import socket, sys
            def once():
                with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5) as sock:
                    sock.sendall(b"x")
                    assert sock.recv(1) == b"x"
            for count in (1, 100):
                for _ in range(count):
                    once()
                print("DONE", flush=True)
                sys.stdin.readline()
        """) as process:
            assert process.stdout.readline() == b"DONE\n"
            # buntime-net shows nobody its descriptors: what is open is in the kernel's own table.
            def connections():
                lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
                ours = [line.split() for line in lines if f":{port:04X}" in line]
                return [fields for fields in ours if fields[3] in ("01", "08")]  # ESTABLISHED, CLOSE_WAIT

            wait_for(lambda: not connections(), what="the first connection's end")
            supervisor = process.pid
            before = len(list(Path(f"/proc/{supervisor}/fd").iterdir()))
            process.stdin.write(b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"DONE\n"
            wait_for(lambda: not connections(), what="the last connection's end")
            assert len(list(Path(f"/proc/{supervisor}/fd").iterdir())) == before
    assert len(accepted) == 101


def test_many_at_once(box):
    """More than a relay takes at a time: the others wait their turn."""
    with service(lambda connection: threading.Thread(target=echo, args=(connection.dup(),)).start(),
                 backlog=512) as (port, accepted):
        out, result = box.json(f"--allow-net=localhost:{port}", code="""
            socks = []
            for _ in range(300):
                socks.append(socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10))
                socks[-1].sendall(b"x")
            good = 0
            for sock in socks:
                good += sock.recv(1) == b"x"
                sock.close()
            out["good"] = good
        """, args=[port])
        assert out == {"good": 300}, str(result)
        assert len(accepted) == 300


def test_the_port_is_taken_inside(box):
    """The worker cannot listen there, in whichever way, and so serve itself what it was granted."""
    with service(echo) as (port, accepted):
        out, _ = box.json(f"--allow-net=localhost:{port}", code="""
            port = int(sys.argv[1])
            for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"),
                                    (socket.AF_INET6, "::1"), (socket.AF_INET6, "::")):
                for option in (None, socket.SO_REUSEADDR, socket.SO_REUSEPORT):
                    with socket.socket(family) as sock:
                        if option:
                            sock.setsockopt(socket.SOL_SOCKET, option, 1)
                        out[f"{address} {option}"] = attempt(sock.bind, (address, port))
            with socket.socket() as sock:
                out["other"] = attempt(sock.bind, ("127.0.0.1", 0))
        """, args=[port])
        assert out.pop("other") == "ok"
        assert set(out.values()) == {"EADDRINUSE"}, out
        assert accepted == []


def test_the_sockets_are_not_the_workers(box):
    """It inherits none, and finds none in another process's hands."""
    with service(echo) as (port, _):
        out, _ = box.json(f"--allow-net=localhost:{port}", code="""
            out["own"] = sorted(os.listdir("/proc/self/fd"), key=int)[:-1]
            out["init"] = attempt(os.listdir, "/proc/1/fd")
        """)
        assert out["own"] in (["0", "1", "2"], ["0", "1", "2", "3"])
        assert out["init"] in ("EACCES", "EPERM")


def test_what_is_used_counts(box):
    with service(echo) as (port, accepted):
        out, result = box.json(f"--allow-net=localhost:{port}", "--net-bytes=100K", code="""
            sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
            got = 0
            try:
                for _ in range(100):
                    sock.sendall(b"x" * 10000)
                    got += len(sock.recv(10000))
            except OSError as error:
                out["end"] = errno.errorcode[error.errno]
            out["got"] = got
            out["again"] = connect("127.0.0.1", int(sys.argv[1]))[0]
        """, args=[port])
        assert out["end"] in ("ECONNRESET", "EPIPE") and out["got"] <= 100 * 1024, str(result)
        assert out["again"] == "PermissionError" and len(accepted) == 1, str(result)
        assert "netBytes" in result.stderr or "net-bytes" in result.stderr


USE_UP = """
    local = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
    far = socket.create_connection(("198.51.100.10", 9000), timeout=5)
    used, idle = (local, far) if sys.argv[2] == "local" else (far, local)
    for sock in (local, far):
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
    out["used"] = attempt(lambda: [(used.sendall(b"x" * 1000), used.recv(1000)) for _ in range(200)])
    out["idle"] = attempt(lambda: idle.recv(1).decode())
"""


@pytest.mark.parametrize("way", ["local", "far"])
def test_what_is_open_is_reset_whichever_way_the_bytes_went(box, way):
    """Also who only waits is told: nothing would ever come."""
    with service(echo) as (port, _):
        out, result = box.json(f"--allow-net=localhost:{port},198.51.100.10", "--net-bytes=100K",
                               code=USE_UP, args=[port, way])
        assert out["used"] in ("ECONNRESET", "EPIPE") and out["idle"] == "ECONNRESET", str(result)
        assert result.stderr.count("buntime: limit netBytes: ") == 1, str(result)


def test_connections_a_second_are_slowed(box):
    with service(echo) as (port, accepted):
        begun = time.monotonic()
        out, result = box.json(f"--allow-net=localhost:{port}", "--net-rate=3", code="""
            for _ in range(6):
                with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10) as sock:
                    sock.sendall(b"x")
                    sock.recv(1)
            out["done"] = True
        """, args=[port])
        assert out == {"done": True} and time.monotonic() - begun > 0.9, str(result)
        assert len(accepted) == 6


def test_a_warning_and_an_audit_tell_of_it(box):
    with service(echo) as (port, _):
        policy = box.write("p.json", '{"version": 1, "net": {"rules": [{"action": "warn", "proto": "tcp", '
                           f'"host": "localhost", "ports": "{port}"}}]}}}}')
        out, result = box.json(f"--policy={policy}", code=ECHO, args=[port, "127.0.0.1"])
        assert out == {"127.0.0.1": "hello"}
        warned = [event for event in result.events if event.action in ("warning", "warned")]
        assert len(warned) == 1 and f"127.0.0.1:{port} (tcp)" in warned[0].object, str(result)
        _, result = box.json(f"--allow-net=localhost:{port}", "--audit", code=ECHO, args=[port, "127.0.0.1"])
        allowed = [event for event in result.events if event.action == "allowed" and event.kind == "net"]
        assert [event.object for event in allowed] == [f"127.0.0.1:{port} (tcp)"], str(result)


def test_the_network_process_ends_the_run(box):
    """Also while a connect() waits for its answer."""
    with service(echo) as (port, _):
        with box.spawn(f"--allow-net=localhost:{port}", args=[port], code="""
            import socket, sys
            print("READY", flush=True)
            sys.stdin.readline()
            socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        """) as process:
            assert process.stdout.readline() == b"READY\n"
            pid, = below(process.pid, "buntime-net")
            os.kill(pid, signal.SIGSTOP)
            process.stdin.write(b"\n")
            process.stdin.flush()
            time.sleep(0.1)
            os.kill(pid, signal.SIGKILL)
            assert process.wait(10) == 125
            assert b"buntime-net: ended unexpectedly" in process.stderr.read()


def test_a_unix_socket_beside(box):
    """What a database client uses: a socket by its path, or its port, each by its own grant."""
    path = str(box.directory / "s.PGSQL")
    with socket.socket(socket.AF_UNIX) as listener, service(echo) as (port, _):
        listener.bind(path)
        listener.listen()
        thread = threading.Thread(target=lambda: echo(listener.accept()[0]), daemon=True)
        thread.start()
        code = """
            def unix():
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.connect(sys.argv[2])
                    sock.sendall(b"query")
                    return sock.recv(100).decode()
            def tcp():
                with socket.create_connection(("localhost", int(sys.argv[1])), timeout=5) as sock:
                    sock.sendall(b"query")
                    return sock.recv(100).decode()
            out["unix"], out["tcp"] = attempt(unix), attempt(tcp)
        """
        flags = [f"--allow-read={path}"]
        unix, tcp = f"--allow-unix={path}", f"--allow-net=localhost:{port}"
        out, _ = box.json(*flags, tcp, code=code, args=[port, path])
        assert out == {"unix": "EACCES", "tcp": "query"}
        out, result = box.json(*flags, unix, tcp, code=code, args=[port, path])
        assert out == {"unix": "query", "tcp": "query"}, str(result)


@pytest.mark.parametrize("flag,value,status,words", [
    ("--allow-net=localhost:5432", "localhost:5432", 0, "the host's; the program cannot listen there"),
    ("--allow-net=localhost:5432", "127.0.0.1:5432", 0, "--allow-net=localhost:5432"),
    ("--allow-net=127.0.0.1:5432", "localhost:5432", 0, "--allow-net=127.0.0.1:5432"),
    ("--allow-net=localhost:5432", "[::1]:5432", 0, "--allow-net=localhost:5432"),
    ("--allow-net=localhost:5432", "localhost:5433", 1, "the program's own loopback"),
    ("--allow-net=localhost:5432", "localhost:5433", 1, "allow: --allow-net=127.0.0.1:5433"),
    ("--allow-net", "localhost:5432", 1, "the program's own loopback"),
    ("--allow-net=localhost", "localhost", 0, "where the program serves nothing there itself"),
    ("--allow-net=localhost", "[::1]:5432", 0, "where the program serves nothing there itself"),
    ("--allow-net=localhost,127.0.0.1:5432", "localhost:5432", 0, "the program cannot listen there"),
    ("--allow-net=localhost,github.com --deny-net=evil.example", "localhost:5432", 1, "ports that are named"),
    ("--allow-net=localhost:53/udp", "localhost:53/udp", 1, "by TCP"),
    ("--allow-net=127.0.0.2:80", "127.0.0.2:80", 1, "127.0.0.1 and ::1"),
])
def test_check_says_whose_it_is(box, flag, value, status, words):
    result = box.world.run(["check", *flag.split(), "net", value])
    assert result.status == status and words in result.stdout, str(result)
