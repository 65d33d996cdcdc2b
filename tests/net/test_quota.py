# SPDX-License-Identifier: LGPL-2.1-or-later
"""--net-rate and --net-bytes: below them everything works, above them what they say."""

import json
import re
import socket

import addresses
import pytest
from world import wait_for

LIMIT = re.compile(r"^buntime: limit (?P<key>\w+): (?P<reason>.*)\n  rule:  (?P<rule>.*)\n"
                   r"  allow: (?P<allow>.*)$", re.MULTILINE)


def limits(result):
    return [match.groupdict() for match in LIMIT.finditer(result.stderr)]


def settle(world):
    """The server takes one after the other: those before ours are told of when ours is."""
    start = world.log_size("internet")
    with socket.create_connection((addresses.ROUTER, 80), timeout=10):
        wait_for(lambda: any(record["kind"] == "tcp" and record["addr"] == addresses.ROUTER
                             for record in world.read_log("internet", start)), what="ours")


def accepted(world, mark):
    settle(world)
    return [record for record in world.since(mark)
            if record["kind"] == "tcp" and record["addr"] == addresses.WEB and record["port"] == 80]


CONNECTS = """
    results = [connect("198.51.100.10", 80) for _ in range(8)]
    out["results"], out["milliseconds"] = [list(column) for column in zip(*results)]
"""


def test_under_the_rate(net):
    out, result = net.json("--allow-net=198.51.100.10", "--net-rate=50", code=CONNECTS)
    # One that is dropped is tried again after a second.
    assert out["results"] == ["ok"] * 8 and max(out["milliseconds"]) < 900, str(result)
    assert limits(result) == [] and result.stderr == "", str(result)


# All at once, before the bucket fills again: one by one each takes what a busy machine makes of it.
CONNECTS_AT_ONCE = """
    import select
    begun = time.monotonic()
    sockets = [socket.socket() for _ in range(8)]
    for sock in sockets:
        sock.setblocking(False)
        assert sock.connect_ex(("198.51.100.10", 80)) == errno.EINPROGRESS
    out["sent"] = time.monotonic() - begun
    for sock in sockets:
        select.select([], [sock], [], 10)
    out["errors"] = [sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for sock in sockets]
    out["seconds"] = time.monotonic() - begun
    out["peers"] = [attempt(lambda: sock.getpeername()[1]) for sock in sockets]
"""


def test_over_the_rate(net, world):
    """A patient program is slowed, since TCP tries again after a second."""
    settle(world)  # what an earlier test made is no longer to come
    mark = world.mark()
    out, result = net.json("--allow-net=198.51.100.10", "--net-rate=5", code=CONNECTS_AT_ONCE)
    assert out["errors"] == [0] * 8 and out["peers"] == [80] * 8, str(result)
    # Five at once, and each of the others takes a fifth of a second.
    assert 0.6 <= out["seconds"] < 4 + out["sent"], str(result)
    if out["sent"] < 0.6:
        assert out["seconds"] > 0.9, str(result)
        assert [(event["key"], event["rule"], event["allow"]) for event in limits(result)] == \
            [("netConnectionsPerSecond", "--net-rate=5 (command line)", "--net-rate=10")], str(result)
    assert len(accepted(world, mark)) == 8


def test_rate_of_datagrams(net):
    """Each socket is a flow; what is sent on an open one is not counted."""
    out, result = net.json("--allow-net=192.0.2.7/udp", "--net-rate=2", code="""
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(6)]
        begun = time.monotonic()
        for sock in sockets:
            sock.settimeout(10)
            sock.connect(("192.0.2.7", 123))
            for _ in range(3):
                sock.send(b"hello")
        out["first"] = [sock.recv(100).decode() for sock in sockets[:2] for _ in range(3)]
        time.sleep(0.1)
        for sock in sockets:
            sock.setblocking(False)
        out["others"] = [sum(attempt(sock.recv, 100) == "ok" for _ in range(3)) for sock in sockets[2:]]
        out["seconds"] = time.monotonic() - begun
    """)
    assert out["first"] == ["hello"] * 6, str(result)
    # Two at once, and two more a second: none, if the machine does not stand still.
    assert sum(map(bool, out["others"])) <= int(2 * out["seconds"]), (out, str(result))
    assert [event["key"] for event in limits(result)] == ["netConnectionsPerSecond"], str(result)


GET = """
    import urllib.request
    def get(path):
        with urllib.request.urlopen("http://198.51.100.10" + path, timeout=10) as reply:
            return len(reply.read())
"""


def test_under_the_bytes(net):
    out, result = net.json("--allow-net=198.51.100.10", "--net-bytes=8M", code=GET + """
    out["small"], out["big"] = attempt(get, "/small"), attempt(get, "/big")
    """)
    assert out["big"] == 1 << 22 and out["small"] < 100, str(result)
    assert result.stderr == ""


# An echo on a connection that is then left alone, and a large answer on another.
OVER = """
    idle = socket.create_connection(("198.51.100.10", 9000), timeout=10)
    idle.sendall(b"echo")
    assert idle.recv(100) == b"echo"
    got = 0
    with socket.create_connection(("198.51.100.10", 80), timeout=10) as sock:
        sock.sendall(b"GET /big HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
        try:
            while part := sock.recv(65536):
                got += len(part)
            out["big"] = "ended"
        except OSError as error:
            out["big"] = errno.errorcode[error.errno]
    out["got"] = got
    out["idle"] = attempt(lambda: idle.recv(100).decode())
    out["new"] = connect("198.51.100.10", 80)
    out["other"] = connect("198.51.100.20", 80)[0]
    out["denied"] = connect("192.0.2.7", 80)[0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        out["udp"] = attempt(sock.sendto, b"x", ("192.0.2.7", 123))
        time.sleep(0.2)
"""


def test_over_the_bytes(net, world, limit):
    settle(world)  # what an earlier test made is no longer to come
    mark = world.mark()
    out, result = net.json("--allow-net=198.51.100.0/24,192.0.2.7/udp", "--net-bytes=300K",
                           code=OVER)
    # What came before is the program's; a cut is no end, neither here nor for whom nobody reads.
    assert out["big"] == "ECONNRESET" and 0 < out["got"] <= 300 << 10, str(result)
    assert out["idle"] == "ECONNRESET", str(result)
    # Said at once, instead of a wait for what cannot come.
    assert out["new"][0] == "PermissionError" and out["new"][1] < limit, str(result)
    assert out["other"] == "PermissionError"
    # Once as what it is; then each refusal by its own object, and the limit as its rule.
    assert limits(result) == [{"key": "netBytes", "rule": "--net-bytes=300K (command line)",
                               "reason": "all that may be sent and received is used up",
                               "allow": "--net-bytes=600K"}], str(result)
    for target in ("198.51.100.10:80 (tcp)", "198.51.100.20:80 (tcp)"):
        events = result.denied("net", target)
        assert [event.rule for event in events] == ["--net-bytes=300K (command line)"], str(result)
        assert events[0].program.startswith("python3")
    # What a rule refuses is still the rule's.
    assert out["denied"] == "PermissionError"
    assert result.denied("net", "192.0.2.7:80")[0].rule == "defaults.net = deny (built-in)"
    assert len(accepted(world, mark)) == 1
    assert world.contacts(mark, addresses.OTHER) == [] and world.contacts(mark, addresses.UDP) == []


def test_ipv6_counts_too(net):
    out, result = net.json("--allow-net=six.example", "--net-bytes=100K", "--net-rate=1", code="""
        def get():
            with socket.create_connection(("six.example", 80), timeout=10) as sock:
                sock.sendall(b"GET /big HTTP/1.1\\r\\nHost: six.example\\r\\n\\r\\n")
                while sock.recv(65536):
                    pass
            return "ended"
        out["big"], out["new"] = attempt(get), attempt(get)
    """)
    assert out == {"big": "ECONNRESET", "new": "EACCES"}, str(result)
    assert [event["key"] for event in limits(result)] == ["netBytes"], str(result)
    assert [event.rule for event in result.denied("net", "six.example:80 (tcp)")] == \
        ["--net-bytes=100K (command line)"], str(result)


def test_what_is_sent_counts(net):
    out, result = net.json("--allow-net=198.51.100.10", "--net-bytes=100K", code="""
        sock = socket.create_connection(("198.51.100.10", 9000), timeout=10)
        out["sent"] = attempt(lambda: [sock.sendall(b"x" * 10000) for _ in range(2000)] and "all")
    """)
    assert out["sent"] in ("ECONNRESET", "EPIPE"), str(result)
    assert [event["key"] for event in limits(result)] == ["netBytes"], str(result)


def test_of_a_file_and_in_the_stream(net):
    """The event of a limit of a file names its line; a program reads the same."""
    path = net.directory / "p.json"
    path.write_text('{"version": 1, "defaults": {"net": "allow"},\n'
                    ' "limits": {"netBytes": "50K", "netConnectionsPerSecond": 1}}\n')
    _, result = net.json("--policy=./p.json", "--events=events.jsonl", code="""
        with socket.create_connection(("198.51.100.10", 80), timeout=10) as sock:
            sock.sendall(b"GET /big HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
            attempt(lambda: [None for _ in iter(lambda: sock.recv(65536), b"")] and "all")
    """)
    with open(net.directory / "events.jsonl", encoding="utf-8") as stream:
        events = [json.loads(line) for line in stream]
    found = [event for event in events if event["kind"] == "limit"]
    assert len(found) == 1 and found[0]["object"] == "netBytes", events
    assert found[0]["rule"]["line"] == 2 and found[0]["rule"]["source"] == str(path), found
    assert found[0]["suggestion"] == "--net-bytes=100K"


@pytest.mark.parametrize("flags", [["--net-bytes=1"], ["--net-rate=1"]])
def test_without_a_network(net, flags):
    """Nothing is granted, so that nothing is counted; the sandbox's own loopback is not."""
    out, result = net.json(*flags, code="""
        listener = socket.create_server(("127.0.0.1", 0))
        out["own"] = [connect(*listener.getsockname())[0] for _ in range(5)]
    """)
    assert out["own"] == ["ok"] * 5 and limits(result) == [], str(result)
