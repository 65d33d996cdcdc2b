# SPDX-License-Identifier: LGPL-2.1-or-later
"""Under audit the stream tells of each connection: to where, for how long, how much."""

import json
from pathlib import Path

import jsonschema

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "data/schema/event.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def flows(net):
    with open(net.directory / "e.jsonl", encoding="utf-8") as stream:
        events = [json.loads(line) for line in stream]
    for event in events:
        VALIDATOR.validate(event)
    return [event for event in events if event["action"] in ("opened", "closed")]


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
        assert 100000 <= tcp[way] < 130000 and udp[way] == 12, (tcp, udp)
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
