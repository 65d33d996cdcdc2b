# SPDX-License-Identifier: LGPL-2.1-or-later
"""--publish: a port of the host's that leads to one of the worker's."""

import errno
import json
import socket
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path

import addresses
import pytest
from world import wait_for

BACK_ENDS = [[], ["--allow-net=192.0.2.7"]]

ECHO = """
    import socket, sys, threading

    def serve(sock):
        with sock:
            while data := sock.recv(65536):
                sock.sendall(data)
            sock.sendall(b"end")

    family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
    server = socket.create_server((sys.argv[1], int(sys.argv[2])), family=family, backlog=64)
    print("READY", flush=True)
    while True:
        sock, peer = server.accept()
        print(peer[0], flush=True)
        threading.Thread(target=serve, args=(sock,), daemon=True).start()
"""


def free_ports(count):
    """Each another: all are held before one is given back."""
    with ExitStack() as held_open:
        return [held_open.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
                for _ in range(count)]


def free_port():
    return free_ports(1)[0]


@contextmanager
def echo(box, *flags, address="127.0.0.1", port=8000):
    with box.spawn(*flags, code=ECHO, args=[address, port]) as process:
        assert process.stdout.readline() == b"READY\n", process.stderr.read()
        yield process


def ask(port, address="127.0.0.1", data=b"hello"):
    with socket.create_connection((address, port), timeout=5) as sock:
        sock.sendall(data)
        try:
            sock.shutdown(socket.SHUT_WR)
        except OSError as error:  # a reset was quicker
            raise ConnectionResetError from error
        got = b""
        while more := sock.recv(65536):
            got += more
        return got


def refused(port, address):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as sock:
        sock.settimeout(5)
        return errno.errorcode.get(sock.connect_ex((address, port)), "ok")


@pytest.mark.parametrize("network", BACK_ENDS)
def test_a_server_of_pythons(box, network):
    port = free_port()
    box.write("page", "from the sandbox\n")
    with box.spawn(f"--publish={port}:8000", "--allow-read=.", *network, code="""
        import http.server
        server = http.server.ThreadingHTTPServer(("", 8000), http.server.SimpleHTTPRequestHandler)
        print("READY", flush=True)
        server.serve_forever()
    """) as process:
        assert process.stdout.readline() == b"READY\n"
        reply = ask(port, data=b"GET /page HTTP/1.0\r\n\r\n")
        assert reply.startswith(b"HTTP/1.0 200") and reply.endswith(b"from the sandbox\n"), reply
        assert refused(port, addresses.HOST) == "ECONNREFUSED"
        assert refused(port, "::1") == "ECONNREFUSED"
        assert refused(8000, "127.0.0.1") == "ECONNREFUSED"
    wait_for(lambda: refused(port, "127.0.0.1") == "ECONNREFUSED")


@pytest.mark.parametrize("written,reached,closed", [
    ("{port}", ["127.0.0.1"], [addresses.HOST, "::1", "127.0.0.2"]),
    ("127.0.0.1:{port}", ["127.0.0.1"], [addresses.HOST]),
    ("0.0.0.0:{port}:{port}", ["127.0.0.1", addresses.HOST], ["::1"]),
    (addresses.HOST + ":{port}", [addresses.HOST], ["127.0.0.1"]),
    ("[::1]:{port}:{port}", ["::1"], ["127.0.0.1", addresses.HOST]),
])
def test_where_it_listens(box, written, reached, closed):
    port = free_port()
    with echo(box, f"--publish={written.format(port=port)}", port=port) as process:
        for address in reached:
            assert ask(port, address) == b"helloend"
            assert process.stdout.readline() == b"127.0.0.1\n"
        for address in closed:
            assert refused(port, address) == "ECONNREFUSED"


@pytest.mark.parametrize("address,peer", [("0.0.0.0", b"127.0.0.1\n"), ("::1", b"::1\n"),
                                          ("::", b"::ffff:127.0.0.1\n")])
def test_where_the_program_listens(box, address, peer):
    port = free_port()
    with echo(box, f"--publish={port}:8000", address=address) as process:
        if address == "::":
            peer = (peer, b"::1\n")  # as the kernel's default has it
        for _ in range(3):
            assert ask(port) == b"helloend"
            assert process.stdout.readline() in (peer if isinstance(peer, tuple) else (peer,))


def test_several_ports(box):
    ports = free_ports(2)
    with box.spawn(f"--publish={ports[0]}:8000", f"--publish={ports[1]}:8001", code="""
        import select, socket
        servers = {socket.create_server(("", port)): port for port in (8000, 8001)}
        print("READY", flush=True)
        while True:
            for server in select.select(list(servers), [], [])[0]:
                with server.accept()[0] as sock:
                    sock.sendall(b"%d" % servers[server])
    """) as process:
        assert process.stdout.readline() == b"READY\n"
        assert [ask(port, data=b"") for port in ports + ports] == [b"8000", b"8001"] * 2


@pytest.mark.parametrize("flag,words", [
    ("--publish=nothing", "not a port"),
    ("--publish=", "needs a value"),
    ("--publish=0", "not a port"),
    ("--publish=65536", "not a port"),
    ("--publish=80:80:80", "not a port"),
    ("--publish=localhost:8000:80", "not a port"),
    ("--publish=::1:8000", "not a port"),
    ("--publish=[127.0.0.1]:8000", "not a port"),
    ("--publish=127.0.0.1:", "not a port"),
    ("--publish=8000/udp", "not a port"),
])
def test_what_is_not_written_so(box, flag, words):
    result = box.run(flag, code="print('ran')")
    assert result.status == 2 and result.stdout == "" and words in result.stderr, str(result)


def test_a_port_that_is_taken(box):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        result = box.run(f"--publish={port}", code="print('ran')")
        assert result.status == 125 and result.stdout == "", str(result)
        assert f"127.0.0.1:{port}" in result.stderr and "in use" in result.stderr
        assert "choose another port" in result.stderr


def test_a_port_and_an_address_that_are_not_the_callers(box):
    limit = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text(encoding="ascii"))
    if limit > 80:
        result = box.run("--publish=80", code="print('ran')")
        assert result.status == 125 and "Permission denied" in result.stderr, str(result)
    result = box.run(f"--publish=192.0.2.200:{free_port()}", code="print('ran')")
    assert result.status == 125 and result.stdout == "", str(result)
    assert "Cannot assign" in result.stderr


def test_no_sandbox_publishes_nothing(box):
    result = box.run("--no-sandbox", "--publish=8000", code="print('ran')")
    assert result.status == 2 and result.stdout == "", str(result)


def test_the_hosts_loopback_is_not_published(box):
    """A port that stands for the host's own inside, or where names are asked for, is not the program's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        inner = listener.getsockname()[1]
        for grant in (f"localhost:{inner}", f"[::1]:{inner}", f"127.0.0.0/8:{inner}"):
            result = box.run(f"--publish=0.0.0.0:{free_port()}:{inner}", f"--allow-net={grant}",
                             code="print('ran')")
            assert result.status == 125 and result.stdout == "", str(result)
            assert f"port {inner} inside" in result.stderr and "--publish=" in result.stderr
    result = box.run(f"--publish={free_port()}:53", code="print('ran')")
    assert result.status == 125 and "port 53" in result.stderr, str(result)


def test_too_many(box):
    result = box.run(*[f"--publish={port}" for port in range(20000, 20017)], code="print('ran')")
    assert result.status == 2 and "16 published" in result.stderr, str(result)


def test_without_the_flag_nothing_listens(box):
    with echo(box, "--allow-net=192.0.2.7", port=8077):
        assert refused(8077, "127.0.0.1") == "ECONNREFUSED"


def test_nobody_listens_inside(box):
    """The host's end was accepted, so it can only be reset; the next one finds the program."""
    port = free_port()
    wait = """
    import sys
    print("WAIT", flush=True)
    sys.stdin.readline()
    """
    with box.spawn(f"--publish={port}:8000", args=["127.0.0.1", 8000], code=wait + ECHO) as process:
        assert process.stdout.readline() == b"WAIT\n"
        for _ in range(100):  # more than there are sockets to try it with
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                ask(port)
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"READY\n"
        assert ask(port) == b"helloend"


def test_one_after_the_other(box):
    """Three times as many as there are sockets: each is used again, and nothing of one stays in the next."""
    port = free_port()
    with echo(box, f"--publish={port}:8000"):
        for number in range(200):
            data = b"%d" % number * 100
            assert ask(port, data=data) == data + b"end"
        wait_for(lambda: not held(port), what="the last connection's end")


def held(port):
    """Connections of the host's at a port that are open or half closed."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return [line for line in lines if f":{port:04X}" in line and line.split()[3] in ("01", "08")]


def test_more_than_at_once(box):
    """64 are open, the others wait for one of them to end."""
    port = free_port()
    with echo(box, f"--publish={port}:8000"):
        socks = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(80)]
        for sock in socks:
            sock.sendall(b"x")
        for sock in socks:
            assert sock.recv(1) == b"x"
            sock.close()


def test_resets_are_passed_on_and_leave_nothing(box):
    port = free_port()
    linger = b"\1\0\0\0\0\0\0\0"
    with box.spawn(f"--publish={port}:8000", code="""
        import socket
        server = socket.create_server(("", 8000))
        print("READY", flush=True)
        while True:
            sock, _ = server.accept()
            try:
                word = sock.recv(5)
                if word == b"reset":
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0")
                elif word == b"close":
                    sock.sendall(b"!")
                    sock.recv(1)
                else:
                    sock.sendall(word)
            except ConnectionResetError:
                print("RESET", flush=True)
            sock.close()
    """) as process:
        assert process.stdout.readline() == b"READY\n"
        for _ in range(80):
            with pytest.raises(ConnectionResetError):
                ask(port, data=b"reset")
        for _ in range(80):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
                sock.sendall(b"close")
                # Taken by the program, or else nobody would tell it.
                assert sock.recv(1) == b"!"
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            assert process.stdout.readline() == b"RESET\n"
        assert ask(port, data=b"hello") == b"hello"


def test_much_both_ways(box):
    """Also what was on its way when the program ended."""
    port, size = free_port(), 10_000_000
    with box.spawn(f"--publish={port}:8000", code="""
        import socket, threading
        server = socket.create_server(("", 8000))
        print("READY", flush=True)
        sock, _ = server.accept()
        def send():
            sock.sendall(b"a" * 10_000_000)
            sock.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        got = 0
        while data := sock.recv(1 << 20):
            got += len(data)
        sender.join()
        print(got, flush=True)
    """) as process:
        assert process.stdout.readline() == b"READY\n"
        with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
            def send():
                sock.sendall(b"b" * size)
                sock.shutdown(socket.SHUT_WR)

            sender = threading.Thread(target=send)
            sender.start()
            got = 0
            while data := sock.recv(1 << 20):
                assert data.strip(b"a") == b""
                got += len(data)
            sender.join()
            assert got == size
            assert process.stdout.readline() == b"%d\n" % size


def test_a_program_that_does_not_read_keeps_nobody(box):
    """Its connections are taken from it once both ends have closed, however much is on its way."""
    port = free_port()
    with box.spawn(f"--publish={port}:8000", code="""
        import socket, time
        server = socket.create_server(("", 8000))
        print("READY", flush=True)
        socks = []
        while True:
            sock, _ = server.accept()
            sock.shutdown(socket.SHUT_WR)
            socks.append(sock)
            print("TAKEN", flush=True)
    """) as process:
        assert process.stdout.readline() == b"READY\n"
        sock = socket.create_connection(("127.0.0.1", port), timeout=0.5)
        try:
            while True:
                sock.send(b"x" * 65536)
        except TimeoutError:
            pass
        sock.close()
        assert process.stdout.readline() == b"TAKEN\n"
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            assert process.stdout.readline() == b"TAKEN\n"


def test_audit_tells_who_came(box, tmp_path):
    port, events = free_port(), tmp_path / "events"
    with echo(box, f"--publish={port}:8000", f"--audit={events}"):
        assert ask(port) == b"helloend"

        def came():
            return [event for event in map(json.loads, events.read_text(encoding="utf-8").splitlines())
                    if f"--publish={port}:8000" in json.dumps(event)]

        wait_for(came)
        event, = came()
        assert event["kind"] == "net" and event["action"] == "allow" and event["host"] == "127.0.0.1", event


def test_its_bytes_count(box):
    port = free_port()
    with echo(box, f"--publish={port}:8000", "--net-bytes=100K"):
        assert ask(port, data=b"x" * 10000) == b"x" * 10000 + b"end"
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            ask(port, data=b"x" * 200_000)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            ask(port)


def test_beside_the_hosts_loopback(box):
    """Both ways at once: what comes in at a published port goes on to a granted one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        inner = listener.getsockname()[1]
        thread = threading.Thread(target=lambda: listener.accept()[0].sendall(b"deep"), daemon=True)
        thread.start()
        port = free_port()
        with box.spawn(f"--publish={port}:8000", f"--allow-net=localhost:{inner}", args=[inner], code="""
            import socket, sys
            server = socket.create_server(("", 8000))
            print("READY", flush=True)
            sock, _ = server.accept()
            with socket.create_connection(("localhost", int(sys.argv[1]))) as other:
                sock.sendall(other.recv(100))
            sock.close()
        """) as process:
            assert process.stdout.readline() == b"READY\n"
            assert ask(port, data=b"") == b"deep"
