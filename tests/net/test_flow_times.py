# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a waterfall of connections is drawn from: when each part of one was, and of its name's look-up."""

import json
import socket
import time

import pytest

import addresses
from test_flows import VALIDATOR, flows, read

LATE = int(addresses.LATE * 1000)
PARTS = ("connect", "tls", "firstByte")

# Waits before it says anything, and before it asks for something.
PAUSES = """
    import ssl
    begun = time.time()
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10) as sock:
        time.sleep(0.2)
        if sys.argv[3] != "plain":
            context = ssl.create_default_context()
            context.maximum_version = getattr(ssl.TLSVersion, sys.argv[3])
            sock = context.wrap_socket(sock, server_hostname="other.example")
            out["version"] = sock.version()
            time.sleep(0.1)
        sock.sendall(b"GET /late HTTP/1.1\\r\\nHost: other.example\\r\\n\\r\\n")
        out["answer"] = sock.recv(100).decode()
        time.sleep(0.1)
        sock.close()
    out["begun"], out["ended"] = begun, time.time()
"""


def closed_of(net):
    opened, closed = flows(net)
    assert (opened["action"], closed["action"]) == ("opened", "closed")
    assert opened["flow"] == closed["flow"] == 1
    return opened, closed


def assert_in_order(opened, closed, out):
    """The parts are in the whole, and the whole is when the program saw it."""
    assert sum(closed.get(part, 0) for part in PARTS) <= closed["duration"], closed
    start = closed["time"] - closed["duration"]
    assert abs(start - opened["time"]) <= 3, (opened, closed)
    assert out["begun"] * 1000 - 3 <= start and closed["time"] <= out["ended"] * 1000 + 1000
    assert closed["connect"] <= closed["sent"] <= 200 + closed["connect"] + 2000
    assert closed["sent"] - closed["connect"] >= 195


GRANTS = {"name": "other.example", "address": addresses.OTHER}


@pytest.mark.parametrize("by", GRANTS)
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_of_tls(net, version, by):
    host = GRANTS[by]
    out, result = net.json(f"--allow-net={host}:443", "--audit=e.jsonl", code=PAUSES,
                           args=[host, 443, version])
    assert out["answer"].startswith("HTTP/1.1 200") and out["version"] == version.replace("_", ".")
    opened, closed = closed_of(net)
    assert opened["host"] == closed["host"] == host, str(result)
    assert_in_order(opened, closed, out)
    if version == "TLSv1_2":
        # Up to its first own bytes, which wait; then the answer does.
        assert closed["tls"] >= 100 and closed["firstByte"] >= LATE, closed
    else:
        # The handshake's end; then the server's tickets come at once.
        assert 0 < closed["tls"] < closed["duration"] - 200 - LATE and "firstByte" in closed, closed
    assert closed["duration"] >= closed["sent"] + closed["tls"] + closed["firstByte"]
    assert closed["duration"] >= 300 + LATE


def test_of_http(net):
    out, _ = net.json("--allow-net=other.example:80", "--audit=e.jsonl", code=PAUSES,
                      args=["other.example", 80, "plain"])
    assert out["answer"].startswith("HTTP/1.1 200")
    opened, closed = closed_of(net)
    assert_in_order(opened, closed, out)
    assert "tls" not in closed and closed["firstByte"] >= LATE, closed


def test_of_what_does_not_come(net):
    """No answer, no part; and each connection has a number of its own."""
    _, result = net.json("--allow-net=198.51.100.20,192.0.2.7:123/udp", "--audit=e.jsonl", code="""
        connect("198.51.100.20", 1)
        with socket.create_connection(("198.51.100.20", 9000), timeout=10):
            pass
        for asked in (b"", b"?"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(10)
                sock.sendto(b"time", ("192.0.2.7", 123))
                if asked:
                    time.sleep(0.1)
                    sock.recv(100)
    """)
    closed = {event["flow"]: event for event in flows(net) if event["action"] == "closed"}
    assert set(closed) == {1, 2, 3, 4}, str(result)
    assert {event["flow"] for event in flows(net) if event["action"] == "opened"} == set(closed)
    assert set(PARTS) & set(closed[1]) == set() and "sent" not in closed[1]
    assert set(PARTS) & set(closed[2]) == {"connect"} and "sent" not in closed[2]
    assert set(PARTS) & set(closed[4]) == {"firstByte"} and closed[4]["sent"] == 0


def test_the_end_is_when_it_was(net):
    """Of what was closed long before it is told of: not when that is."""
    _, result = net.json("--allow-net=198.51.100.20:9000", "--audit=e.jsonl", code="""
        with socket.create_connection(("198.51.100.20", 9000), timeout=10) as sock:
            sock.shutdown(socket.SHUT_WR)
            sock.recv(1)  # both ends have passed
        time.sleep(0.7)
    """)
    exited, = (event for event in read(net) if event["action"] == "exited")
    _, closed = closed_of(net)
    assert exited["time"] - closed["time"] >= 690 and closed["duration"] < 600, str(result)


def test_the_name_is_that_of_its_beginning(net):
    """Another that leads to the same address is asked for while the connection lives."""
    _, result = net.json("--allow-net=github.com:9000,api.github.com:9000,198.51.100.20:9000,late.example:1",
                         "--audit=e.jsonl", code="""
        with socket.create_connection(("198.51.100.20", 9000), timeout=10):
            attempt(socket.gethostbyname, "late.example")
        for name, other in (("github.com", "api.github.com"), ("api.github.com", "github.com")):
            with socket.create_connection((name, 9000), timeout=10):
                socket.gethostbyname(other)
    """)
    found = [(event["flow"], event["host"]) for event in flows(net) if event["action"] == "closed"]
    expected = [(1, "198.51.100.20"), (2, "github.com"), (3, "api.github.com")]
    assert sorted(found) == expected, str(result)
    assert [(event["flow"], event["host"]) for event in flows(net)
            if event["action"] == "opened"] == expected


def test_of_the_hosts_loopback(net):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with net.spawn(f"--allow-net=localhost:{port}", "--audit=e.jsonl", args=[port], code="""
import socket, sys, time
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10) as sock:
    time.sleep(0.2)
    sock.sendall(b"?")
    sock.recv(1)
""") as process:
            peer, _ = listener.accept()
            with peer:
                peer.recv(1)
                time.sleep(0.1)
                peer.sendall(b"!")
                assert process.wait(10) == 0
    _, closed = closed_of(net)
    assert closed["sent"] >= 195 and closed["firstByte"] >= 99 and "tls" not in closed, closed
    assert closed["connect"] <= closed["sent"]
    assert closed["sent"] + closed["firstByte"] <= closed["duration"]


def names(net):
    return [event for event in read(net) if event["kind"] == "dns"]


def test_of_a_name(net):
    out, result = net.json("--allow-net=late.example:9000", "--audit=e.jsonl", code="""
        begun = time.time()
        with socket.create_connection(("late.example", 9000), timeout=10):
            pass
        out["begun"] = begun
    """)
    event, = names(net)
    opened, closed = closed_of(net)
    assert event["action"] == "allow" and event["count"] == 1, str(result)
    assert event["addresses"] == [addresses.OTHER] and event["host"] == closed["host"]
    assert LATE - 1 <= event["duration"] < 5000
    # It is over before the connection begins, and began when the program asked.
    assert event["time"] <= opened["time"] + 2
    assert event["time"] - event["duration"] >= out["begun"] * 1000 - 3


def test_of_names_that_lead_nowhere(net):
    _, result = net.json("--allow-net=none.example,rebind.example", "--audit=e.jsonl", code="""
        for name in ("none.example", "rebind.example", "evil.example"):
            attempt(socket.gethostbyname, name)
    """)
    found = {event["object"]: event for event in names(net) if event["count"] == 1}
    none, closed, denied = (found[name] for name in ("none.example", "rebind.example", "evil.example"))
    assert none["action"] == closed["action"] == "allow", str(result)
    assert none["addresses"] == closed["addresses"] == []
    assert "no such name" in none["reason"] and "127.0.0.1" in closed["reason"]
    assert denied["action"] == "deny" and not {"duration", "addresses"} & set(denied)

