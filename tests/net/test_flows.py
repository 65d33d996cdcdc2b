# SPDX-License-Identifier: LGPL-2.1-or-later
"""Under audit the stream tells of each connection: to where, for how long, how much; and without
of all of them together, at the end."""

import json
import socket
import threading
from pathlib import Path

import jsonschema

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "data/schema/event.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def read(net):
    with open(net.directory / "e.jsonl", encoding="utf-8") as stream:
        events = [json.loads(line) for line in stream]
    for event in events:
        VALIDATOR.validate(event)
    return events


def counts_of(net):
    exited, = (event for event in read(net) if event["action"] == "exited")
    return exited.get("network")


def flows(net):
    return [event for event in read(net) if event["action"] in ("opened", "closed")]


# Under 100000 bytes, their headers and two segments more: one that is sent again counts again.
MOST = 100000 + 2 * 32768
TALK = """
    with socket.create_connection(("other.example", 9000), timeout=10) as sock:
        sock.sendall(b"x" * 100000)
        left = 100000
        while left > 0:
            left -= len(sock.recv(65536))
        time.sleep(0.3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.sendto(b"time", ("192.0.2.7", 123))
        sock.recv(100)
    out["denied"] = connect("198.51.100.10", 80)[0]
"""
FLAGS = ["--allow-net=other.example:9000,192.0.2.7:123/udp"]


def test_opened_and_closed(net):
    out, result = net.json(*FLAGS, "--audit=e.jsonl", code=TALK)
    assert out["denied"] == "PermissionError", str(result)
    found = flows(net)
    assert sorted((event["action"], event["object"]) for event in found) == [
        ("closed", "192.0.2.7:123 (udp)"), ("closed", "other.example:9000 (tcp)"),
        ("opened", "192.0.2.7:123 (udp)"), ("opened", "other.example:9000 (tcp)")], str(result)
    tcp, udp = [next(event for event in found if event["action"] == "closed"
                     and event["host"] == host) for host in ("other.example", "192.0.2.7")]
    assert tcp["kind"] == "net" and tcp["value"] == "other.example:9000" and tcp["count"] == 1
    for way in ("bytesOut", "bytesIn"):
        assert 100000 <= tcp[way] < MOST and udp[way] == 12, (tcp, udp)
    assert 300 <= tcp["duration"] < 10000 and udp["duration"] < 5000


def test_one_event_for_each(net):
    """They are not told as several alike: each has its own figures."""
    _, result = net.json("--allow-net=198.51.100.10:9000", "--audit=e.jsonl", code="""
        for n in range(1, 11):
            with socket.create_connection(("198.51.100.10", 9000), timeout=10) as sock:
                sock.sendall(b"x" * 1000 * n)
                sock.recv(1)
    """)
    closed = [event for event in flows(net) if event["action"] == "closed"]
    assert len(closed) == 10 and all(event["count"] == 1 for event in closed), str(result)
    sizes = [event["bytesOut"] for event in closed]
    assert all(1000 * (n + 1) <= size for n, size in enumerate(sorted(sizes))), sizes


def test_only_under_audit(net):
    net.json(*FLAGS, "--events=e.jsonl", code=TALK)
    assert flows(net) == []


def test_all_together(net):
    _, result = net.json(*FLAGS, "--events=e.jsonl", code=TALK)
    counts = counts_of(net)
    assert counts["flows"] == 2 and counts["queries"] in (1, 2), str(result)
    assert all(100012 <= counts[way] < MOST for way in ("bytesOut", "bytesIn")), counts
    assert counts["dropped"] == 0, counts


def test_what_was_dropped_counts(net):
    """Datagrams, since a connection that is refused sends no packet."""
    _, result = net.json("--allow-net=192.0.2.7:123/udp", "--events=e.jsonl", code="""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for n in range(5):
                attempt(sock.sendto, b"x", ("192.0.2.7", 124 + n))
    """)
    counts = counts_of(net)
    assert counts == {"flows": 0, "bytesOut": 0, "bytesIn": 0, "dropped": 5, "queries": 0}, str(result)


def test_without_a_network_there_is_nothing_to_count(net):
    net.json("--events=e.jsonl", code="attempt(socket.gethostbyname, 'other.example')")
    assert counts_of(net) is None


RELAYED = """
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10) as sock:
        sock.sendall(b"x" * 3000)
        left = 3000
        while left > 0:
            left -= len(sock.recv(65536))
        time.sleep(0.2)
"""


def test_of_the_hosts_loopback(net):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            peer, _ = listener.accept()
            with peer:
                while data := peer.recv(65536):
                    peer.sendall(data)
        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        _, result = net.json(f"--allow-net=localhost:{port}", "--audit=e.jsonl", code=RELAYED, args=[port])
    opened, closed = flows(net)
    assert (opened["action"], closed["action"]) == ("opened", "closed"), str(result)
    assert opened["object"] == closed["object"] == f"127.0.0.1:{port} (tcp)"
    assert closed["bytesOut"] == closed["bytesIn"] == 3000 and 200 <= closed["duration"] < 10000
    counts = counts_of(net)
    assert counts["flows"] == 1 and counts["bytesOut"] == counts["bytesIn"] == 3000


def test_of_a_published_port(net):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with net.spawn(f"--publish={port}:8000", "--audit=e.jsonl", code="""
        import socket
        with socket.create_server(("", 8000)) as server:
            print("READY", flush=True)
            sock, _ = server.accept()
            with sock:
                sock.sendall(b"four" + sock.recv(100))
    """) as process:
        assert process.stdout.readline() == b"READY\n"
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            own = sock.getsockname()[1]
            sock.sendall(b"hello")
            while sock.recv(100):
                pass
        assert process.wait(10) == 0
    opened, closed = flows(net)
    assert opened["object"] == closed["object"] == f"127.0.0.1:{own} (tcp)"
    assert (closed["bytesIn"], closed["bytesOut"]) == (5, 9)
    assert counts_of(net)["flows"] == 1
