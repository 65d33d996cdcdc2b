# SPDX-License-Identifier: LGPL-2.1-or-later
"""IPv6: what is granted is reached as over IPv4, and every other form of an address is closed."""

import socket
import subprocess
import time

import addresses
import pytest
from world import wait_for

# connect6() as the prelude's connect(), for what getaddrinfo() or a literal gives.
TRY = """
    import urllib.error, urllib.request

    def connect6(host, port, kind=socket.SOCK_STREAM, scope=0):
        begun = time.monotonic()
        what = "ok"
        try:
            with socket.socket(socket.AF_INET6, kind) as sock:
                sock.settimeout(10)
                sock.connect((host, port, 0, scope))
        except OSError as error:
            what = errno.errorcode.get(error.errno, str(error))
        return [what, (time.monotonic() - begun) * 1000]

    def fetch(url):
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                return reply.read().decode()
        except urllib.error.URLError as error:
            return type(error.reason).__name__
"""
CONNECT = TRY + """
    for target in sys.argv[1:]:
        host, port = target.rsplit(":", 1)
        out[target] = connect6(host.strip("[]"), int(port))
"""


# ---- what is granted ----

def test_a_name_with_nothing_else(net, world, limit):
    """By urllib: an address of IPv6 alone is looked up, pinned and reached, and no other name."""
    mark = world.mark()
    out, result = net.json("--allow-net=six.example", code=TRY + """
    out["six"] = fetch("https://six.example/page")
    begun = time.monotonic()
    out["evil"] = fetch("https://evil6.example/")
    out["milliseconds"] = (time.monotonic() - begun) * 1000
    """)
    assert out["six"] == "hello from six.example/page\n", str(result)
    assert out["evil"] == "PermissionError" and out["milliseconds"] < limit, str(result)
    assert len(result.denied("net", "evil6.example:443 (tcp)")) == 1 == len(result.events)
    assert set(world.queries(mark)) == {"six.example"}
    assert {(record["addr"], record["port"]) for record in world.contacts(mark)} == \
        {(addresses.SIX, 443)}


def test_curl(net):
    result = net.run("--allow-net=six.example", name="curl",
                     args=["-sS", "https://six.example/from-curl"])
    assert result.status == 0 and result.stdout == "hello from six.example/from-curl\n", str(result)
    result = net.run("--allow-net=six.example", name="curl",
                     args=["-sS", f"http://[{addresses.EVIL6}]/"])
    assert result.status == 7 and result.stdout == "", str(result)
    assert len(result.denied("net", f"[{addresses.EVIL6}]:80")) == 1, str(result)


def test_a_name_of_both_kinds(net, world):
    """One query of each kind upstream; both addresses are open, on the granted port alone."""
    mark = world.mark()
    out, result = net.json("--allow-net=dual.example:443", code=TRY + """
    found = socket.getaddrinfo("dual.example", 443, type=socket.SOCK_STREAM)
    out["found"] = [info[4][0] for info in found]
    out["both"] = [connect("198.51.100.21", 443)[0], connect6("2001:db8:1::21", 443)[0]]
    out["port"] = [connect("198.51.100.21", 80)[0], connect6("2001:db8:1::21", 80)[0]]
    out["beside"] = connect6("2001:db8:1::20", 443)[0]
    out["name"] = socket.getnameinfo(("2001:db8:1::21", 443), socket.NI_NUMERICSERV)[0]
    """)
    # IPv4 first: see bt-plan-net.c.
    assert out["found"] == [addresses.DUAL, addresses.DUAL6], str(result)
    assert out["both"] == ["ok", "ok"] and out["port"] == ["PermissionError", "EACCES"], str(result)
    assert out["beside"] == "EACCES" and out["name"] == "dual.example", str(result)
    asked = [record["type"] for record in world.since(mark) if record["kind"] == "dns"]
    assert sorted(asked) == ["A", "AAAA"], asked
    assert len(result.denied("net", "dual.example:80 (tcp)")) == 2 and len(result.events) == 3


@pytest.mark.parametrize("flag,allowed,denied", [
    (f"--allow-net=[{addresses.SIX}]:443", [f"[{addresses.SIX}]:443"],
     [f"[{addresses.SIX}]:80", f"[{addresses.DUAL6}]:443"]),
    (f"--allow-net={addresses.SIX}", [f"[{addresses.SIX}]:443", f"[{addresses.SIX}]:22"],
     [f"[{addresses.DUAL6}]:443"]),
    ("--allow-net=2001:db8:1::/48:80", [f"[{addresses.SIX}]:80", f"[{addresses.DUAL6}]:80"],
     [f"[{addresses.SIX}]:443", f"[{addresses.UDP6}]:80"]),
    ("--allow-net=::/0", [f"[{addresses.SIX}]:80"], []),
    ("--allow-net=0.0.0.0/0", [], [f"[{addresses.SIX}]:80"]),
    ("--allow-net=fd00::/8:443", ["[fd00::2]:443"], ["[fc00::1]:443", f"[{addresses.SIX}]:443"]),
    ("--allow-net", [f"[{addresses.SIX}]:80", "[fec0::2]:80"], []),
])
def test_address_rules(net, flag, allowed, denied):
    out, result = net.json(flag, code=CONNECT, args=allowed + denied)
    assert {target: what for target, (what, _) in out.items()} == \
        {**dict.fromkeys(allowed, "ok"), **dict.fromkeys(denied, "EACCES")}, str(result)
    for target in denied:
        events = result.denied("net", f"{target} (tcp)")
        assert len(events) == 1 and events[0].program.startswith("python3"), str(result)
        assert events[0].allow == f"--allow-net='{target}'", str(result)


def test_data_both_ways(net):
    """More than any buffer, so that windows and acknowledgements are seen to work."""
    out, result = net.json(f"--allow-net=[{addresses.SIX}]:9000", code="""
        import threading
        with socket.create_connection(("2001:db8:1::20", 9000), timeout=20) as sock:
            threading.Thread(target=lambda: [sock.sendall(bytes(65536)) for _ in range(64)],
                             daemon=True).start()
            got = 0
            while got < 64 * 65536:
                got += len(sock.recv(1 << 20))
        out["got"] = got
    """)
    assert out["got"] == 64 * 65536, str(result)


def test_udp(net, world):
    mark = world.mark()
    out, result = net.json(f"--allow-net=[{addresses.UDP6}]:123/udp,time6.example:7777/udp", code="""
        def ask(host, port, patience=0.2):
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
                sock.settimeout(patience)
                sock.sendto(b"what time is it", (host, port))
                return sock.recv(100).decode()
        out["address"] = attempt(ask, "2001:db8:2::7", 123, 10)
        out["name"] = attempt(ask, socket.getaddrinfo("time6.example", 7777)[0][4][0], 7777, 10)
        out["denied"] = attempt(ask, "2001:db8:2::7", 124)
        out["other"] = attempt(ask, "2001:db8:1::20", 123)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            out["connect"] = attempt(sock.connect, ("2001:db8:1::20", 123))
        for port in (53, 67, 69, 546, 547):
            out[str(port)] = attempt(ask, "2001:db8:2::7", port)
    """)
    assert out["address"] == out["name"] == "what time is it", str(result)
    # A socket that is not connected is not told; each is explained.
    for what in ("denied", "other", "53", "67", "69", "546", "547"):
        assert out[what] == "timed out", (what, out)
    assert out["connect"] == "EACCES", out
    for what in ("time6.example:124", f"[{addresses.SIX}]:123", "time6.example:53",
                 "time6.example:547"):
        assert result.denied("net", what), str(result)
    assert {(record["addr"], record["port"]) for record in world.contacts(mark)} == \
        {(addresses.UDP6, 123), (addresses.UDP6, 7777)}


def test_udp_of_every_size(net):
    """What one frame holds comes through, and a port without a listener is told to the sender."""
    out, result = net.json(f"--allow-net=[{addresses.UDP6}]/udp", code="""
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.connect(("2001:db8:2::7", 123))
            for size in (1, 1200, 1232, 9000, 40000):
                sock.send(b"x" * size)
                out[str(size)] = len(sock.recv(65535))
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.connect(("2001:db8:2::7", 9999))
            sock.send(b"x")
            out["nobody"] = attempt(sock.recv, 10)
    """)
    assert out.pop("nobody") == "ECONNREFUSED", str(result)
    assert all(int(size) == got for size, got in out.items()) and len(out) == 5, str(result)


def test_nobody_there_is_said_at_once(net):
    """A port without a listener: no time-out for who tries the next address."""
    out, result = net.json("--allow-net=2001:db8::/32", code=CONNECT, args=[f"[{addresses.SIX}]:81"])
    what, milliseconds = out[f"[{addresses.SIX}]:81"]
    assert what == "ECONNREFUSED" and milliseconds < 1000, str(result)


def test_echo_is_refused_at_once(net, world):
    """libslirp carries no echo over IPv6 before its version 4.8."""
    mark = world.mark()
    out, _ = net.json("--allow-net", code="""
        try:
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, 58) as sock:
                sock.settimeout(2)
                sock.sendto(b"\\x80" + bytes(7), ("2001:db8:1::20", 0))
                out["echo"] = attempt(sock.recv, 100)
        except OSError as error:
            out["echo"] = errno.errorcode[error.errno]
    """)
    assert out["echo"] in ("EACCES", "EPERM"), out  # EPERM: ping sockets are closed to this user
    assert world.contacts(mark) == []


# ---- what is closed ----

LITERALS = addresses.TRAPS6 + [
    addresses.HOST6, addresses.HOST_LAN6, "fd77:77:77::2", "fe80::1", "fd62:756e:7469:6d65::1",
    "fd62:756e:7469:6d65::2", "fd62:756e:7469:6d65::3", "ff02::1", "ff0e::1",
    "::ffff:203.0.113.10", "::ffff:192.168.77.1", "::ffff:10.0.0.1",
]


def test_literals_with_a_name_granted(net, world, limit):
    """Each form of the machine and of the special ranges, by TCP and UDP: refused, explained once."""
    mark = world.mark()
    out, result = net.json("--allow-net=six.example,*.example", code=TRY + """
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    for address in sys.argv[1:]:
        for port in (80, 8443):
            out[f"{address} {port}"] = connect6(address, port)
        out[f"{address} udp"] = connect6(address, 7008, socket.SOCK_DGRAM)
        attempt(sock.sendto, b"x", (address, 7008))
        attempt(sock.sendto, b"x", (address, 123))
    time.sleep(0.2)
    """, args=LITERALS)
    for target, (what, milliseconds) in out.items():
        assert what == "EACCES", (target, what, str(result))
        assert milliseconds < limit, (target, milliseconds)
    assert world.contacts(mark) == [] and world.host_contacts(mark) == []
    for address in addresses.TRAPS6[:8]:
        shown = socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, address))
        events = result.denied("net", f"[{shown}]:80 (tcp)")
        assert len(events) == 1 and events[0].program.startswith("python3"), str(result)


def test_a_denial_of_ipv4_holds_in_every_form(net, world):
    """By NAT64, 6to4 or Teredo a gateway of the network would lead to what was denied."""
    mark = world.mark()
    denied = ["[64:ff9b::a00:1]:80", "[64:ff9b::a9fe:a9fe]:80", "[64:ff9b:1::a00:1]:80",
              "[2002:a00:1::1]:80", "[2001:0:a00:1::1]:80", "[::ffff:10.0.0.1]:80"]
    out, result = net.json("--allow-net", "--deny-net=10.0.0.0/8,169.254.0.0/16", code=CONNECT,
                           args=[*denied, "[64:ff9b::cb00:710a]:80", f"[{addresses.SIX}]:80"])
    assert out.pop(f"[{addresses.SIX}]:80")[0] == "ok", str(result)
    assert out.pop("[64:ff9b::cb00:710a]:80")[0] == "ok"  # what is not denied is granted
    assert {what for what, _ in out.values()} == {"EACCES"}, str(result)
    assert all("--deny-net" in event.rule for event in result.events), str(result)
    assert {record["addr"] for record in world.contacts(mark)} == \
        {addresses.SIX, "64:ff9b::cb00:710a"}


def test_the_gate_alone_refuses_at_once(net, world, limit):
    """Without seccomp nobody is asked about a connect: the gate answers its packet."""
    mark = world.mark()
    policy = net.directory / "p.json"
    policy.write_text('{"version": 1, "plugins": {"seccomp": false}, "net": {"rules": ['
                      '{"action": "allow", "host": "six.example", "ports": "443"}]}}')
    out, result = net.json("--policy=./p.json", code=TRY + """
    address = socket.getaddrinfo("six.example", 443)[0][4][0]
    out["granted"] = connect6(address, 443)
    out["port"] = connect6(address, 80)
    out["other"] = connect6("2001:db8:1::66", 443)
    for name in ("fd00::2", "64:ff9b::7f00:1", "fe80::1", "fd62:756e:7469:6d65::2",
                 "fd62:756e:7469:6d65::77", "2001:db8:10::10"):
        out[name] = connect6(name, 7006)
    begun = time.monotonic()
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.connect(("2001:db8:1::66", 123))
        sock.settimeout(5)
        sock.send(b"x")
        out["udp"] = [attempt(sock.recv, 10), (time.monotonic() - begun) * 1000]
    """)
    assert out.pop("granted")[0] == "ok", str(result)
    assert out["fe80::1"][0] in ("EINVAL", "ENETUNREACH", "ECONNREFUSED"), out
    for name, (what, milliseconds) in out.items():
        assert milliseconds < limit, (name, milliseconds)
        assert name == "fe80::1" or what == ("EACCES" if name == "udp" else "ECONNREFUSED"), \
            (name, what)
    assert {record["addr"] for record in world.contacts(mark)} == {addresses.SIX}
    assert world.host_contacts(mark) == []


def test_zones(net, world):
    """An address of the link names nobody, with the number of any interface."""
    mark = world.mark()
    out, result = net.json("--allow-net", code=TRY + """
    for scope in range(4):
        for address in ("fe80::1", "fe80::2", "ff02::1"):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                out[f"{address}%{scope} {kind}"] = connect6(address, 8443, kind, scope)[0]
    """)
    assert "ok" not in [what for name, what in out.items() if name.startswith("fe80")], str(result)
    assert world.contacts(mark) == [] and world.host_contacts(mark) == []


def test_the_loopback_is_its_own(net, world):
    mark = world.mark()
    out, _ = net.json("--allow-net", code=TRY + """
    for address in ("::1", "::", "::ffff:127.0.0.1"):
        for port in (7005, 8443, 7001):
            out[f"{address} {port}"] = connect6(address, port)[0]
    with socket.create_server(("::1", 5000), family=socket.AF_INET6):
        out["own"] = connect6("::1", 5000)[0]
    for address in ("fd62:756e:7469:6d65::1", "fd62:756e:7469:6d65::2", "fd62:756e:7469:6d65::3",
                    "::7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::1"):
        out[address] = connect6(address, 7005)[0]
    """)
    assert out.pop("own") == "ok"
    assert set(out.values()) <= {"ECONNREFUSED", "EACCES"}, out
    assert world.contacts(mark) == [] and world.host_contacts(mark) == []


def test_names_that_lead_to_closed_addresses(net, world, limit):
    """--allow-net=NAME opens public addresses only, whatever the resolver says."""
    mark = world.mark()
    names = sorted(addresses.REBINDING6)
    out, result = net.json("--allow-net=*.example", code=TRY + """
    for name in sys.argv[1:]:
        for port in (80, 8443, 7005):
            begun = time.monotonic()
            try:
                socket.create_connection((name, port), timeout=5).close()
                what = "ok"
            except OSError as error:
                what = type(error).__name__
            out[f"{name} {port}"] = [what, (time.monotonic() - begun) * 1000]
        out[name + " six"] = [attempt(socket.getaddrinfo, name, 80, socket.AF_INET6), 0]
    """, args=names)
    for target, (what, milliseconds) in out.items():
        if target.endswith("six"):
            assert what == "gaierror" or what.startswith("[Errno -"), (target, what)
        else:
            assert what == "PermissionError", (target, what, str(result))
    assert world.contacts(mark) == [] and world.host_contacts(mark) == []
    # What the name leads to is said, and is what a flag would have to name.
    event = result.denied("net", "rebind6-0.example:80")[0]
    assert "::1" in event.line, str(result)


def test_answers_of_both_sorts_open_the_public_part(net, world):
    out, result = net.json("--allow-net=mixed6.example,half.example", code=TRY + """
    for name in ("mixed6.example", "half.example"):
        out[name] = sorted({i[4][0] for i in socket.getaddrinfo(name, 80)})
        out[name + " fetch"] = fetch(f"http://{name}/")
    out["loopback"] = connect6("::1", 7005)[0]
    """)
    for name in ("mixed6.example", "half.example"):
        assert out[name] == [addresses.SIX], str(result)
        assert out[name + " fetch"] == f"hello from {name}/\n", str(result)
    assert out["loopback"] == "ECONNREFUSED", str(result)
    # What was left out is told, and nothing else happened.
    assert {event.kind for event in result.events} == {"dns"}, str(result)
    assert result.denied("dns", "mixed6.example")[0].line.find("::1") > 0, str(result)


@pytest.mark.host_contact
def test_the_machine_itself_by_a_rule(net, world):
    """As over IPv4: who names its address means it, and who names another port or name does not."""
    mark = world.mark()
    targets = [f"[{addresses.HOST6}]:7006", f"[{addresses.HOST_LAN6}]:7007", "[::1]:7005"]
    out, result = net.json("--allow-net=github.com,[2001:db8:10::10]:80", code=CONNECT, args=targets)
    assert [out[target][0] for target in targets] == ["EACCES", "EACCES", "ECONNREFUSED"], str(result)
    assert world.host_contacts(mark) == []
    out, result = net.json(f"--allow-net=[{addresses.HOST6}]:7006", code=CONNECT, args=targets)
    assert [out[target][0] for target in targets] == ["ok", "EACCES", "ECONNREFUSED"], str(result)
    wait_for(lambda: world.host_contacts(mark), what="the listener's word")
    assert {record["addr"] for record in world.host_contacts(mark)} == {addresses.HOST6}


def test_options_that_add_headers(net, world):
    """Options of a socket cannot put a header between: the gate drops what has one."""
    mark = world.mark()
    out, result = net.json(f"--allow-net=[{addresses.UDP6}]:123/udp", code="""
        import struct
        routing = struct.pack("BBBBBBH", 0, 2, 4, 0, 0, 0, 0) + \\
            socket.inet_pton(socket.AF_INET6, "2001:db8:1::66")
        options = {"hop-by-hop": (54, bytes([0, 0, 1, 4, 0, 0, 0, 0])),
                   "destination": (59, bytes([0, 0, 1, 4, 0, 0, 0, 0])),
                   "routing": (57, routing)}
        for name, (number, value) in options.items():
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
                sock.settimeout(10)
                out[name] = attempt(sock.setsockopt, socket.IPPROTO_IPV6, number, value)
                out[name + " sent"] = attempt(sock.sendto, b"x", ("2001:db8:2::7", 123))
                if out[name] == "EPERM":  # it went plainly: who is gone when the answer comes says so
                    sock.recv(100)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.3)
            out["fragments"] = attempt(sock.sendto, b"x" * 65500, ("2001:db8:2::7", 123))
        time.sleep(0.1)
    """)
    assert out["routing sent"] == 1 and out["fragments"] == 65500, out
    # What a routing header leads to next stands in the packet as where it goes.
    assert result.denied("net", addresses.EVIL6) and result.denied("net", addresses.UDP6), str(result)
    # The options that nobody may set, so that these two went plainly.
    assert out["hop-by-hop"] == out["destination"] == "EPERM", out
    assert [record["addr"] for record in world.contacts(mark)] == [addresses.UDP6] * 2


def test_raw_dns(net, world):
    """Port 53 of any address, whatever a rule says."""
    mark = world.mark()
    out, _ = net.json("--allow-net=::/0,::/0/udp", code=TRY + """
    out["tcp"] = connect6("2001:db8:1::20", 53)[0]
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.2)
        attempt(sock.sendto, b"x", ("2001:db8:1::20", 53))
        out["udp"] = attempt(sock.recv, 10)
    """)
    assert out == {"tcp": "EACCES", "udp": "timed out"}, out
    assert world.contacts(mark) == []


# ---- where the machine has none ----

@pytest.fixture
def no_route():
    """The machine keeps its addresses and loses its way out."""
    route = ["default", "via", addresses.ROUTER6]
    subprocess.run(["ip", "-6", "route", "del", *route], check=True)
    yield
    subprocess.run(["ip", "-6", "route", "add", *route], check=True)


def test_without_ipv6(net, world, no_route):
    """No address inside, no answers, one query upstream; a connect fails at once."""
    mark = world.mark()
    out, result = net.json("--allow-net=dual.example,2001:db8::/32", code=TRY + """
    out["found"] = [info[4][0] for info in
                    socket.getaddrinfo("dual.example", 443, type=socket.SOCK_STREAM)]
    out["six"] = attempt(socket.getaddrinfo, "dual.example", 443, socket.AF_INET6)
    out["fetch"] = fetch("http://dual.example/")
    out["literal"] = connect6("2001:db8:1::20", 80)
    out["denied"] = connect6("fd00::2", 80)[0]
    with open("/proc/net/if_inet6") as file:
        out["interfaces"] = {line.split()[-1] for line in file} == {"lo"}
    """)
    assert out["found"] == [addresses.DUAL] and out["six"].startswith("[Errno -"), str(result)
    assert out["fetch"] == "hello from dual.example/\n" and out["interfaces"], str(result)
    assert out["literal"][0] == "ENETUNREACH" and out["literal"][1] < 500, str(result)
    assert out["denied"] == "EACCES"
    assert "2001:db8::/32: this machine has no route for IPv6" in result.stderr
    assert {record["type"] for record in world.since(mark) if record["kind"] == "dns"} == {"A"}


def test_it_goes_away(net, world):
    """The route goes while a program runs: addresses are no longer told, and a connect says so."""
    with net.spawn("--allow-net=dual.example,2001:db8:1::/48", code="""
        import errno, socket, sys, time
        for line in sys.stdin:
            six = socket.socket(socket.AF_INET6)
            six.settimeout(10)
            begun = time.monotonic()
            try:
                six.connect(("2001:db8:1::20", 80))
                what = "ok"
            except OSError as error:
                what = errno.errorcode.get(error.errno, str(error))
            found = socket.getaddrinfo("dual.example", 80, type=socket.SOCK_STREAM)
            print(what, len(found), time.monotonic() - begun < 1, flush=True)
    """) as process:
        def ask():
            process.stdin.write(b"\n")
            process.stdin.flush()
            return process.stdout.readline().split()
        assert ask() == [b"ok", b"2", b"True"]
        subprocess.run(["ip", "-6", "route", "del", "default", "via", addresses.ROUTER6], check=True)
        try:
            what, found, soon = ask()
        finally:
            subprocess.run(["ip", "-6", "route", "add", "default", "via", addresses.ROUTER6],
                           check=True)
        assert what in (b"ENETUNREACH", b"EHOSTUNREACH") and (found, soon) == (b"1", b"True"), what
        assert ask() == [b"ok", b"2", b"True"]


def test_a_new_address_of_the_machine(net, world):
    """The address that a name leads to becomes the machine's own: it is closed at once."""
    address = ["address", f"{addresses.SIX}/128", "dev", "lan0"]
    with net.spawn("--allow-net=six.example", code="""
        import socket, sys
        open_one = socket.create_connection(("six.example", 9000), timeout=10)
        for line in sys.stdin:
            got = []
            try:
                open_one.sendall(b"x")
                got.append(open_one.recv(1).decode())
            except OSError as error:
                got.append(type(error).__name__)
            try:
                socket.create_connection((sys.argv[1], 9000), timeout=10).close()
                got.append("ok")
            except OSError as error:
                got.append(type(error).__name__)
            print(*got, flush=True)
    """, args=[addresses.SIX]) as process:
        def ask():
            process.stdin.write(b"\n")
            process.stdin.flush()
            return process.stdout.readline().split()
        assert ask() == [b"x", b"ok"]
        subprocess.run(["ip", "-6", "addr", "add", *address[1:], "nodad"], check=True)
        try:
            deadline = time.monotonic() + 10
            # What is open and what is begun do not end at one time.
            while (found := ask())[0] == b"x" or found[1] != b"PermissionError":
                assert time.monotonic() < deadline, found
                time.sleep(0.02)
        finally:
            subprocess.run(["ip", "-6", "addr", "del", *address[1:]], check=True)


# ---- clients that try both kinds ----

def test_asyncio_side_by_side(net):
    """Happy eyeballs: where one kind is refused the other is there without a wait."""
    out, result = net.json("--allow-net=dual.example,198.51.100.20:81", "--deny-net=2001:db8::/32",
                           code="""
        import asyncio
        async def reach(name, port):
            begun = time.monotonic()
            reader, writer = await asyncio.open_connection(name, port, happy_eyeballs_delay=5)
            peer = writer.get_extra_info("peername")[0]
            writer.close()
            return [peer, (time.monotonic() - begun) * 1000]
        asyncio.run(reach("dual.example", 80))  # what is loaded first takes its time
        out["reach"] = asyncio.run(reach("dual.example", 80))
    """)
    assert out["reach"][0] == addresses.DUAL and out["reach"][1] < 3000, str(result)


def test_asyncio_with_ipv6_alone(net):
    out, result = net.json("--allow-net=dual.example", "--deny-net=198.51.100.0/24", code="""
        import asyncio
        async def reach(name, port):
            begun = time.monotonic()
            reader, writer = await asyncio.open_connection(name, port, happy_eyeballs_delay=5)
            peer = writer.get_extra_info("peername")[0]
            writer.close()
            return [peer, (time.monotonic() - begun) * 1000]
        asyncio.run(reach("dual.example", 80))
        out["reach"] = asyncio.run(reach("dual.example", 80))
    """)
    assert out["reach"][0] == addresses.DUAL6 and out["reach"][1] < 3000, str(result)


@pytest.fixture
def ipv6_alone():
    """The machine reaches the internet by IPv6, and of IPv4 its resolver alone."""
    resolver = [f"{addresses.DNS}/32", "via", addresses.ROUTER]
    default = ["default", "via", addresses.ROUTER]
    subprocess.run(["ip", "route", "add", *resolver], check=True)
    subprocess.run(["ip", "route", "del", *default], check=True)
    yield
    subprocess.run(["ip", "route", "add", *default], check=True)
    subprocess.run(["ip", "route", "del", *resolver], check=True)


def test_a_machine_with_ipv6_alone(net, ipv6_alone):
    """IPv4, which programs take first, fails at once, and the next address is there."""
    out, result = net.json("--allow-net=dual.example,six.example", code=TRY + """
    for name in ("dual.example", "six.example"):
        begun = time.monotonic()
        out[name] = [fetch(f"http://{name}/"), time.monotonic() - begun]
    out["four"] = connect("198.51.100.21", 80)
    """)
    for name in ("dual.example", "six.example"):
        assert out[name][0] == f"hello from {name}/\n" and out[name][1] < 3, str(result)
    assert out["four"][0] in ("ENETUNREACH", "EHOSTUNREACH") and out["four"][1] < 1000, str(result)
    assert result.events == [], str(result)


# ---- inside ----

def test_what_there_is_inside(net):
    """One address and one way out; nothing is learned by itself, and nothing can be changed."""
    out, _ = net.json("--allow-net=six.example", code="""
        with open("/proc/net/if_inet6") as file:
            out["addresses"] = sorted((line.split()[0], line.split()[-1]) for line in file)
        with open("/proc/net/ipv6_route") as file:
            out["routes"] = [line.split() for line in file]
    """)
    assert out["addresses"] == [["0" * 31 + "1", "lo"],
                                ["fd62756e74696d65000000000000000f", "eth0"]], out
    ways = [route for route in out["routes"] if route[1] == "00" and route[-1] == "eth0"]
    assert [route[4] for route in ways] == ["fd62756e74696d650000000000000002"], out


def test_connects_are_as_fast(net):
    """To a client that tries both kinds side by side IPv6 is no slower."""
    out, result = net.json("--allow-net=dual.example", code=TRY + """
    socket.getaddrinfo("dual.example", 80)
    for _ in range(20):
        connect("198.51.100.21", 80)
        connect6("2001:db8:1::21", 80)
    out["four"] = sorted(connect("198.51.100.21", 80)[1] for _ in range(50))[25]
    out["six"] = sorted(connect6("2001:db8:1::21", 80)[1] for _ in range(50))[25]
    """)
    assert out["six"] < 5 * out["four"] + 5, str(result)


def test_the_name_holds_on_the_wire(net, world):
    """Two names on one address of IPv6: the one that was granted, and not the other."""
    out, result = net.json("--allow-net=six.example", code=TRY + """
    import ssl
    def hello(name):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        address = socket.getaddrinfo("six.example", 443)[0][4][0]
        with socket.create_connection((address, 443), timeout=5) as sock:
            with context.wrap_socket(sock, server_hostname=name):
                return "ok"
    out["granted"] = attempt(hello, "six.example")
    out["other"] = attempt(hello, "a.wild6.example")
    """)
    assert out["granted"] == "ok" and out["other"] == "ECONNRESET", str(result)
    assert result.denied("net", "a.wild6.example"), str(result)
