# SPDX-License-Identifier: LGPL-2.1-or-later
"""Without a network grant: nothing but lo, and still every denial is explained."""

import pytest
from world import below


def test_only_loopback(box):
    out, _ = box.json(code="""
        out["names"] = [name for _, name in socket.if_nameindex()]
        server = socket.create_server(("127.0.0.1", 0))
        out["own"] = connect("127.0.0.1", server.getsockname()[1])[0]
        out["routes"] = open("/proc/net/route").read().count("\\n")
    """)
    assert out == {"names": ["lo"], "own": "ok", "routes": 1}


def test_denials_are_explained(box, world, limit):
    mark = world.mark()
    out, result = box.json(code="""
        out["name"] = connect("api.example.com", 443)
        out["literal"] = connect("198.51.100.10", 443)
        out["slirp"] = connect("10.0.2.2", 8443)
        out["host"] = connect("203.0.113.10", 8443)
    """)
    for name, (what, milliseconds) in out.items():
        assert what == "PermissionError", (name, what)
        # A first name starts buntime-net.
        assert milliseconds < limit * (2 if name == "name" else 1), (name, milliseconds)
    lines = result.stderr.splitlines()
    start = lines.index(next(line for line in lines if "api.example.com" in line))
    assert lines[start].startswith("buntime: denied net api.example.com:443 (tcp) by python3"), \
        str(result)
    assert lines[start + 1:start + 3] == [
        "  rule:  defaults.net = deny (built-in)",
        "  allow: --allow-net=api.example.com:443",
    ], str(result)
    assert len(result.events) == 4
    assert world.queries(mark) == [] and world.contacts(mark) == []


def test_udp_is_explained(box):
    out, result = box.json(code="""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            out["connect"] = attempt(sock.connect, ("198.51.100.10", 123))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            out["sendto"] = attempt(sock.sendto, b"x", ("198.51.100.10", 123))
    """)
    assert out["connect"] == "EACCES" and out["sendto"] in ("ENETUNREACH", "EACCES")
    assert len(result.denied("net", "198.51.100.10:123 (udp)")) >= 1, str(result)


def test_the_network_process_comes_only_when_asked(box):
    code = """
        import socket, sys
        print("READY", flush=True)
        sys.stdin.readline()
        try:
            socket.gethostbyname("github.com")
        except OSError:
            pass
        print("ASKED", flush=True)
        sys.stdin.readline()
    """
    with box.spawn(code=code) as process:
        assert process.stdout.readline() == b"READY\n"
        assert below(process.pid, "buntime-net") == {}
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"ASKED\n"
        assert len(below(process.pid, "buntime-net")) == 1


@pytest.mark.parametrize("flag", ["--deny-net", "--deny-net=github.com"])
def test_deny_flags_alone(box, flag):
    out, result = box.json(flag, code="out['c'] = connect('github.com', 443)[0]\n")
    assert out["c"] == "PermissionError"
    assert "--deny-net" in result.denied("net", "github.com:443")[0].rule, str(result)


def test_a_deny_flag_suggests_no_allow_flag_that_would_not_help(box):
    _, result = box.json("--deny-net", code="connect('github.com', 443)\n")
    event = result.denied("net", "github.com:443")[0]
    assert event.allow == "" or "--allow-net" not in event.allow, str(result)
