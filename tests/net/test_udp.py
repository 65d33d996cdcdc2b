# SPDX-License-Identifier: LGPL-2.1-or-later
"""UDP by rule: a host item alone is TCP; /udp opens datagrams."""

import addresses
import pytest
from world import wait_for

ECHO = """
    for number, target in enumerate(sys.argv[2:]):
        host, port = target.rsplit(":", 1)
        patience = 10 if number < int(sys.argv[1]) else 0.5
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(patience)
            try:
                sock.connect((host, int(port)))
                sock.send(b"what time is it")
                out[target] = sock.recv(100).decode()
            except PermissionError:
                out[target] = "PermissionError"
            except OSError as error:
                out[target] = type(error).__name__
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(patience)
            try:
                sock.sendto(b"unconnected", (host, int(port)))
                out["to " + target] = sock.recv(100).decode()
            except OSError as error:
                out["to " + target] = type(error).__name__
"""


# Where a target is denied for UDP alone, its connect() passes: see below.
@pytest.mark.parametrize("flag,allowed,denied", [
    ("--allow-net=time.example:123/udp", ["time.example:123"], ["time.example:7777"]),
    ("--allow-net=time.example/udp", ["time.example:123", "time.example:7777"],
     ["github.com:123"]),
    ("--allow-net=192.0.2.0/24:123/udp", ["192.0.2.7:123"], ["192.0.2.7:7777",
                                                               "198.51.100.10:123"]),
    ("--allow-net=time.example", [], ["time.example:123"]),
    ("--allow-net=time.example:123", [], ["time.example:123"]),
    ("--allow-net=192.0.2.7", [], ["192.0.2.7:123"]),
    ("--allow-net", ["time.example:123", "192.0.2.7:7777"], []),
])
def test_udp(net, world, flag, allowed, denied):
    mark = world.mark()
    out, result = net.json(flag, code=ECHO, args=[len(allowed), *allowed, *denied])
    for target in allowed:
        assert out[target] == "what time is it", (target, out, str(result))
        assert out["to " + target] == "unconnected", (target, out, str(result))
    for target in denied:
        # Where TCP is granted, connect() tells nothing: getaddrinfo() probes its answers so. The
        # gate refuses the datagram itself.
        refused = {"PermissionError"} if allowed else \
            {"PermissionError", "OSError", "TimeoutError", "ConnectionRefusedError"}
        assert out[target] in refused, (target, out, str(result))
        assert out["to " + target] in ("PermissionError", "TimeoutError", "ConnectionRefusedError",
                                       "OSError")
        assert result.denied("net", f"{target} (udp)"), str(result)
    if not allowed:
        assert world.contacts(mark) == []


def test_tcp_is_not_opened_by_udp(net):
    out, _ = net.json("--allow-net=192.0.2.7/udp", code="""
        out["tcp"] = connect("192.0.2.7", 80)[0]
    """)
    assert out["tcp"] == "PermissionError"


def udp_ports():
    """Of the host's sockets."""
    with open("/proc/net/udp", encoding="ascii") as table:
        return [int(line.split()[1].split(":")[1], 16) for line in table.read().splitlines()[1:]]


def test_answers_come_only_from_who_was_asked(net, world):
    """libslirp's UDP is full-cone: an address that was never asked must not get in."""
    import socket
    before = set(udp_ports())

    with net.spawn("--allow-net=203.0.113.0/24:40000/udp", code="""
        import socket
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.settimeout(1.5)
        try:
            sock.sendto(b"hello", ("203.0.113.1", 40000))
            print("SENT", flush=True)
            print("GOT", sock.recvfrom(100), flush=True)
        except OSError as error:
            print("GOT", type(error).__name__, flush=True)
    """) as process:
        assert process.stdout.readline() == b"SENT\n"
        # The socket that buntime-net holds on the host; a stranger sends to it.
        wait_for(lambda: set(udp_ports()) - before, what="its socket")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for port in set(udp_ports()) - {7004, 53}:
                for address in ("127.0.0.1", addresses.HOST):
                    stranger.sendto(b"intruder", (address, port))
        assert process.stdout.readline() == b"GOT TimeoutError\n"


def test_large_datagrams(net):
    """What does not fit a frame is a fragment, and fragments are dropped: nothing hangs or breaks."""
    out, result = net.json("--allow-net=192.0.2.7/udp", code="""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(10)
            sock.connect(("192.0.2.7", 123))
            for size in (1, 512, 1200, 1400):
                sock.send(b"x" * size)
                out[str(size)] = len(sock.recv(9000))
            out["60000"] = attempt(sock.send, b"x" * 60000)
            sock.settimeout(0.5)
            attempt(sock.recv, 100)
            sock.settimeout(10)
            sock.send(b"end")
            out["end"] = sock.recv(100).decode()
    """)
    assert out["1200"] == 1200 and out["end"] == "end", str(result)


def test_one_port_outside_for_one_inside(net, world):
    """Whoever it sends to, a socket is one to all of them; another is another (STUN relies on it)."""
    import socket
    import threading
    seen = {}

    def answer(server):
        for _ in range(2):
            data, sender = server.recvfrom(100)
            seen.setdefault(data, set()).add(sender)
            server.sendto(data, sender)

    servers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for server in servers:
        server.settimeout(10)
        server.bind((addresses.HOST, 0))
        threading.Thread(target=answer, args=(server,), daemon=True).start()
    ports = [server.getsockname()[1] for server in servers]
    rules = ",".join(f"{addresses.HOST}:{port}/udp" for port in ports)
    out, result = net.json(f"--allow-net={rules}", code=f"""
        for word in (b"one", b"other"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(5)
                for port in {ports}:
                    sock.sendto(word, ("{addresses.HOST}", port))
                    out[f"{{word}}{{port}}"] = sock.recv(100).decode()
    """)
    assert len(out) == 4, str(result)
    assert len(seen[b"one"]) == len(seen[b"other"]) == 1 and seen[b"one"] != seen[b"other"]
