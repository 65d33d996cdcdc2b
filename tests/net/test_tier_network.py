# SPDX-License-Identifier: LGPL-2.1-or-later
"""--tier=landlock: the network without namespaces. Connections are made by the supervisor."""

import signal
import socket
from pathlib import Path

import addresses
import pytest
from test_fast import CLOSED, NOTICED, SHARED, runner, service, service4, serving  # noqa: F401 (fixtures)
from world import wait_for

pytestmark = pytest.mark.landlock(2)  # Linux 6.1; test_plugins.py has what is said before
HOST = addresses.HOST

TIER = "--tier=landlock"

CONNECT = """
    for target in sys.argv[1:]:
        host, port = target.rsplit(":", 1)
        out[target] = connect(host, int(port))
"""


@pytest.fixture
def tier(box):
    box.flags = [TIER]
    return box


def test_addresses(tier):
    targets = [f"{addresses.OTHER}:443", f"{addresses.OTHER}:80", f"{addresses.WEB}:443"]
    out, result = tier.json(f"--allow-net={addresses.OTHER}:443", code=CONNECT, args=targets)
    assert [out[target][0] for target in targets] == ["ok", "PermissionError", "PermissionError"], \
        str(result)
    assert {(event.object, event.allow) for event in result.events} == {
        (f"{target} (tcp)", f"--allow-net={target}") for target in targets[1:]}, str(result)


@pytest.fixture
def fast(tier):
    return runner(tier, "fast")


@pytest.fixture
def escape(tier):
    return runner(tier, "escape")


def unknown(expected):
    """fast.c sees no table of sockets here, so that it cannot say whose network one is of."""
    return {op: result.replace("outside", "?").replace("inside", "?")
            for op, result in expected.items()}


def test_what_programs_notice(fast, service):
    found, _ = fast(service, ops=NOTICED)
    assert found == unknown(NOTICED)


def test_sockets_that_are_shared(fast, service, world):
    """What the fast path must leave alone is nothing special here; but nobody may bind."""
    found, _ = fast(service, ops=SHARED)
    refused = {"owner": "? lost"} if world.landlock() < 6 else {}
    assert found == unknown(SHARED | {"bound": "EPERM"} | refused)


# Only the port that is served and the one that is silent are granted.
CLOSED_HERE = CLOSED | {
    "without-namespaces": "set",
    "unspec": "ok closed ECONNRESET",
    "serve-connecting": "closed ok ENOTCONN ENOTCONN ok closed",
    "connect-again": "EISCONN EACCES EAFNOSUPPORT echoed",
    "abandoned": "ok ECONNRESET",
    "flip": "held",
    "swap": "held",
}


def test_every_way_out_is_closed(escape, service, world):
    grant = f"[{service.address}]" if ":" in service.address else service.address
    ops = {"without-namespaces": "", **CLOSED_HERE}
    found, result = escape(service, f"--allow-net={grant}:{service.port},{service.silent}", ops=ops)
    assert found == CLOSED_HERE, str(result)


# ---- who decides ----

def test_the_same_as_with_namespaces(box):
    """One matcher: grants, denials above them, defaults of a file, and closure."""
    box.write("p.json", """{"version": 1, "defaults": {"net": "allow"}, "net": {"rules": [
        {"action": "deny", "proto": "tcp", "cidr": "198.51.100.20/32", "ports": "443"}]}}""")
    targets = [f"{host}:{port}" for host in (addresses.WEB, addresses.OTHER) for port in (80, 443)]
    for flags in (["--allow-net=198.51.100.0/24:443"], ["--policy=./p.json"],
                  ["--allow-net", "--deny-net=198.51.100.10"], ["--allow-net=198.51.100.20/udp"],
                  ["--allow-net=github.com"], ["--deny-net"]):
        found = []
        for tier in ("landlock", "namespaces"):
            out, result = box.json(f"--tier={tier}", *flags, code=CONNECT, args=targets)
            found.append(({target: what for target, (what, _) in out.items()},
                          [(event.object, event.rule, event.allow) for event in result.events]))
        assert found[0] == found[1], flags


CLOSED_NAMES = ["rebind.example", "rebind-zero.example", "rebind-lan.example", "rebind-host.example",
                "metadata.example", "private.example", "rebind6-0.example", "rebind6-1.example"]


def test_names_lead_nowhere_closed(tier, world):
    """Also not to this machine's own addresses, and not for who knows the address."""
    mark = world.mark()
    out, result = tier.json("--allow-net=" + ",".join(CLOSED_NAMES), code="""
        for name in sys.argv[1:]:
            out[name] = attempt(lambda: socket.create_connection((name, 8443), timeout=5))
        out["lan"] = connect("192.168.77.1", 7003)[0]
        out["own"] = connect("203.0.113.10", 8443)[0]
    """, args=CLOSED_NAMES)
    assert {what for name, what in out.items() if not name.startswith("rebind6")} == \
        {"EACCES", "PermissionError"}, str(result)
    assert not {"ok"} & set(out.values()) and world.contacts(mark) == [], str(result)


def test_an_address_of_another_name(tier):
    """github.com and evil.example are one address: here that is as far as it is looked. It is said."""
    out, result = tier.json("--allow-net=github.com:443", code="""
        address = socket.getaddrinfo("github.com", 443, type=socket.SOCK_STREAM)[0][4]
        out["pinned"] = attempt(lambda: socket.create_connection(address[:2]))
        out["port"] = attempt(lambda: socket.create_connection((address[0], 80)))
        out["other"] = attempt(lambda: socket.create_connection(("198.51.100.20", 443)))
    """)
    assert out == {"pinned": "ok", "port": "EACCES", "other": "EACCES"}, str(result)
    assert "the names that TLS and HTTP ask for are not looked at" in result.stderr


def test_not_before_it_was_asked_for(tier):
    out, _ = tier.json("--allow-net=github.com", code=f"""
        out["before"] = connect({addresses.WEB!r}, 443)[0]
        socket.getaddrinfo("github.com", 443)
        out["after"] = connect({addresses.WEB!r}, 443)[0]
    """)
    assert out == {"before": "PermissionError", "after": "ok"}


# ---- this machine's loopback ----

@pytest.mark.host_contact
def test_localhost(tier):
    code = """
        for host in ("127.0.0.1", "localhost", "0.0.0.0", "::1", "::ffff:127.0.0.1", "127.0.0.9"):
            out[host] = attempt(lambda: socket.create_connection((host, int(sys.argv[1])), timeout=5))
    """
    with serving("127.0.0.1") as service:
        for flags, reached in (([], []), (["--allow-net"], []), ([f"--allow-net=localhost:{service.closed}"], []),
                               ([f"--allow-net=localhost:{service.port}"], None), (["--allow-net=localhost"], None)):
            out, result = tier.json(*flags, code=code, args=[service.port])
            if reached is None:
                reached = ["127.0.0.1", "localhost", "0.0.0.0", "::ffff:127.0.0.1"]
                assert out["::1"] == "ECONNREFUSED", str(result)
            assert [host for host, what in out.items() if what == "ok"] == reached, str(result)
            assert set(out.values()) <= {"ok", "EACCES", "ECONNREFUSED"}


# For github.com, with its length before it.
QUESTION = bytes.fromhex("001c123401000001000000000000" "0667697468756203636f6d0000010001")


def test_the_door_to_the_resolver_is_shut(tier):
    """Who finds it by its port, another program of this machine's say, is hung up on."""
    def ports():
        lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()]
        return {int(words[1].split(":")[1], 16) for words in lines
                if words[3] == "0A" and words[1].startswith("0100007F:")}

    before = ports()
    with tier.spawn("--allow-net=github.com", code="""
        import socket, time
        socket.getaddrinfo("github.com", 443)
        print("READY", flush=True)
        time.sleep(1.5)
        print(socket.getaddrinfo("github.com", 80)[0][4][0], flush=True)
    """) as process:
        assert process.stdout.readline() == b"READY\n"
        (port,) = ports() - before
        with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
            try:
                one.sendall(QUESTION)
                answer = one.recv(512)
            except ConnectionError:
                answer = b""
        assert answer == b""
        assert process.stdout.readline().strip().decode() == addresses.WEB


# ---- what there is not ----

def test_what_is_refused(tier):
    out, result = tier.json("--allow-net", code="""
        import struct
        v4, v6 = socket.AF_INET, socket.AF_INET6
        stream, datagram, raw = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW
        for name, words in {"udp": (v4, datagram), "udp6": (v6, datagram), "icmp": (v4, datagram, 1),
                            "raw": (v4, raw, 1), "raw6": (v6, raw, 58), "sctp": (v4, stream, 132),
                            "mptcp": (v4, stream, 262), "route": (16, raw, 0), "generic": (16, raw, 16),
                            "packet": (17, raw), "vsock": (40, stream), "alg": (38, 5)}.items():
            out[name] = attempt(socket.socket, *words)
        tcp = socket.socket()
        out["bind"] = attempt(tcp.bind, ("127.0.0.1", 0))
        out["bind any"] = attempt(tcp.bind, ("", 0))
        out["listen"] = attempt(tcp.listen)
        out["fast open"] = attempt(tcp.sendto, b"x", 0x20000000, ("198.51.100.10", 80))
        out["device"] = attempt(tcp.setsockopt, socket.SOL_SOCKET, 25, b"lo")
        out["interfaces"] = attempt(socket.if_nameindex)
    """)
    assert out == {
        "udp": "EACCES", "udp6": "EACCES", "icmp": "EACCES", "raw": "EPERM", "raw6": "EPERM",
        "sctp": "EPROTONOSUPPORT", "mptcp": "EPROTONOSUPPORT", "route": "EAFNOSUPPORT",
        "generic": "EAFNOSUPPORT", "packet": "EAFNOSUPPORT", "vsock": "EAFNOSUPPORT",
        "alg": "EAFNOSUPPORT", "bind": "EPERM", "bind any": "EPERM", "listen": "EPERM",
        "fast open": "ENOTSUP", "device": "EPERM", "interfaces": "EAFNOSUPPORT",
    }, str(result)


def test_udp_is_told_of_when_a_program_fails(tier):
    code = "import socket\ntry:\n socket.socket(type=socket.SOCK_DGRAM)\nexcept OSError:\n raise SystemExit({})\n"
    assert "there is no UDP" in tier.run("--allow-net", code=code.format(1)).stderr
    assert "there is no UDP" not in tier.run("--allow-net", code=code.format(0)).stderr
    result = tier.run("--allow-net=time.example:123/udp", code="pass\n")
    assert "time.example:123/udp: without namespaces there is no UDP" in result.stderr, str(result)


# ---- many at once, and slow ones ----

def test_three_hundred_at_once(tier):
    with serving(HOST) as service:
        out, result = tier.json(f"--allow-net={HOST}", code=f"""
            import asyncio
            async def one(number):
                reader, writer = await asyncio.open_connection({HOST!r}, {service.port})
                writer.write(b"%03d" % number)
                data = await reader.readexactly(3)
                writer.close()
                return int(data) == number
            async def all():
                return await asyncio.gather(*(one(number) for number in range(300)))
            out["right"] = sum(asyncio.run(all()))
        """)
    assert out["right"] == 300, str(result)


def test_names_by_many_threads(tier):
    names = ["github.com", "api.github.com", "other.example", "dual.example", "pypi.org", "six.example"]
    out, result = tier.json("--allow-net=" + ",".join(names), code=f"""
        from concurrent.futures import ThreadPoolExecutor
        names = {names!r} * 20
        def look(name):
            return bool(socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM))
        with ThreadPoolExecutor(40) as pool:
            out["found"] = sum(pool.map(look, names))
    """)
    assert out["found"] == 120, str(result)


def test_a_slow_one_is_interrupted(tier, service4):
    """By Ctrl-C, and by an alarm, after which it goes on; the supervisor waits for nobody."""
    with tier.spawn(f"--allow-net={HOST}", code=f"""
        import signal, socket, sys, time
        class Late(Exception):
            pass
        def late(*_):
            raise Late
        signal.signal(signal.SIGALRM, late)
        one = socket.socket()
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        begun = time.monotonic()
        try:
            one.connect(({HOST!r}, {service4.silent}))
        except Late:
            print("LATE", time.monotonic() - begun < 5, flush=True)
        two = socket.create_connection(({HOST!r}, {service4.port}))
        two.sendall(b"hello")
        print(two.recv(5).decode(), flush=True)
        try:
            print("READY", flush=True)
            socket.create_connection(({HOST!r}, {service4.silent}))
        except KeyboardInterrupt:
            print("INTERRUPTED", flush=True)
    """) as process:
        assert process.stdout.readline() == b"LATE True\n"
        assert process.stdout.readline() == b"hello\n"
        assert process.stdout.readline() == b"READY\n"
        wait_for(lambda: service4.asking() >= 3, 25)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == b"INTERRUPTED\n"


# ---- names ----

FETCH = """
    import urllib.error, urllib.request
    def fetch(url):
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                return reply.read().decode()
        except urllib.error.URLError as error:
            return type(error.reason).__name__
    for url in sys.argv[1:]:
        out[url] = fetch(url)
"""


def test_names(tier, world):
    mark = world.mark()
    urls = ["https://github.com/page", "https://evil.example/", "https://other.example/"]
    out, result = tier.json("--allow-net=github.com", code=FETCH, args=urls)
    assert out == {urls[0]: "hello from github.com/page\n", urls[1]: "PermissionError",
                   urls[2]: "PermissionError"}, str(result)
    assert {(event.object, event.allow) for event in result.events} == {
        (f"{host}:443 (tcp)", f"--allow-net={host}:443") for host in ("evil.example", "other.example")}
    assert set(world.queries(mark)) == {"github.com"}


@pytest.mark.parametrize("host", ["127.0.0.53", "198.51.100.53", "192.0.2.1", "::1", "2001:db8::53", "fe80::1"])
def test_port_53_is_the_own_resolver(tier, world, host):
    """Whatever address it has, and without any grant: it says what is not granted."""
    mark = world.mark()
    out, result = tier.json(code=f"""
        with socket.create_connection(({host!r}, 53), timeout=5) as one:
            one.sendall(bytes.fromhex({QUESTION.hex()!r}))
            out["answer"] = one.recv(512).hex()
            out["peer"] = one.getpeername()[0]
    """)
    answer = bytes.fromhex(out["answer"])
    assert answer[2:4] == b"\x12\x34" and answer[-4:-2] in (b"\xc6\x12", b"\xc6\x13"), str(result)
    assert out["peer"] in ("127.0.0.1", "::ffff:127.0.0.1")
    assert world.queries(mark) == [] and world.contacts(mark) == []


BUN = """
    async function get(url) {
      try { return (await (await fetch(url)).text()).trim(); } catch (error) { return error.code ?? String(error); }
    }
    import dns from "node:dns/promises";
    async function find(what) { try { return await what(); } catch (error) { return error.code ?? String(error); } }
    for (const url of process.argv.slice(2)) console.log(url, await get(url));
    console.log("lookup", await find(() => dns.lookup("github.com").then(one => one.address)));
    console.log("resolve4", await find(() => dns.resolve4("github.com")));
    console.log("localhost", await find(() => dns.lookup("localhost").then(one => one.address)));
"""


def test_bun(tier, bun):
    tier.write("w.ts", BUN)
    result = tier.run("--allow-net=github.com", "--allow-read=.", name="w.ts",
                      args=["https://github.com/page", "https://evil.example/"], env=bun)
    found = dict(line.split(" ", 1) for line in result.stdout.splitlines())
    assert found["https://github.com/page"] == "hello from github.com/page", str(result)
    assert found["https://evil.example/"] == "ECONNREFUSED"  # its own word for any failure
    assert (found["lookup"], found["localhost"]) == (addresses.WEB, "::1"), str(result)
    assert found["resolve4"] == "ECONNREFUSED"  # c-ares asks by UDP
    assert len(result.denied("net", "evil.example:443")) == 1, str(result)
