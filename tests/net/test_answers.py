# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the responder says on the wire, and which questions go upstream for it."""

import addresses
import pytest

ASK = r"""
    import struct
    server = [l.split()[1] for l in open("/etc/resolv.conf") if l.startswith("nameserver")][0]
    def question(name, kind=1):
        labels = name if isinstance(name, list) else [l.encode() for l in name.split(".") if l]
        return b"".join(bytes([len(l)]) + l for l in labels) + b"\0" + struct.pack("!HH", kind, 1)
    def ask(name, kind=1, size=None, version=0, tcp=False):
        asked = question(name, kind)
        opt = b"" if size is None else b"\0" + struct.pack("!HHBBHH", 41, size, 0, version, 0, 0)
        query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 1 if opt else 0) + asked + opt
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as sock:
            sock.settimeout(10)
            sock.connect((server, 53))
            if tcp:
                sock.sendall(struct.pack("!H", len(query)) + query)
                length = struct.unpack("!H", sock.recv(2, socket.MSG_WAITALL))[0]
                reply = sock.recv(length, socket.MSG_WAITALL)
            else:
                sock.send(query)
                reply = sock.recv(65535)
        flags, _, answers, _, extra = struct.unpack("!HHHHH", reply[2:12])
        rcode = flags & 15
        if extra:
            assert reply[-11:-8] == b"\0\0\x29", reply
            rcode |= reply[-6] << 4
        return {"rcode": rcode, "tc": bool(flags & 0x200), "answers": answers, "size": len(reply),
                "opt": extra, "same": reply[12:12 + len(asked)] == asked, "ra": bool(flags & 0x80)}
"""
NOERROR, SERVFAIL, NXDOMAIN, BADVERS = 0, 2, 3, 16


def upstream(world, mark):
    """[(name, type), ...] without repeats by time-outs of the world."""
    return sorted((record["name"], record["type"]) for record in world.since(mark)
                  if record["kind"] == "dns" and record["proto"] == "udp")


def test_edns_case_and_truncation(net):
    out, result = net.json("--allow-net=github.com,big.example,missing.example", code=ASK + """
    out["plain"] = ask("GiThUb.CoM")
    out["edns"] = ask("gItHuB.cOm", size=4096)
    out["denied"] = ask("EvIl.eXaMpLe", size=1232)
    out["missing"] = ask("MISSING.example", size=1232)
    out["version"] = ask("github.com", size=1232, version=1)
    out["tiny"] = ask("big.example", size=1)
    out["512"] = ask("big.example")
    out["1232"] = ask("big.example", size=65535)
    out["tcp"] = ask("big.example", tcp=True)
    out["nodata"] = ask("github.com", 16, size=1232)
    """)
    assert all(reply["same"] and reply["ra"] for reply in out.values()), str(result)
    assert all(reply["opt"] == (name not in ("plain", "512", "tcp")) for name, reply in out.items())
    assert out["plain"]["answers"] == out["edns"]["answers"] == out["denied"]["answers"] == 1
    assert [out[name]["rcode"] for name in ("plain", "missing", "nodata", "version")] == \
        [NOERROR, NXDOMAIN, NOERROR, BADVERS]
    assert out["nodata"]["answers"] == out["version"]["answers"] == 0
    # What a datagram has no room for is left to TCP; what has room for it is not.
    for name in ("tiny", "512"):
        assert out[name]["tc"] and out[name]["answers"] == 0 and out[name]["size"] <= 512
    for name in ("1232", "tcp"):
        assert not out[name]["tc"] and out[name]["answers"] > 30 and out[name]["size"] > 512


def test_one_question_a_name_upstream(net, world):
    """The caller's search list (corp.example) adds nothing, and neither does the sandbox's."""
    mark = world.mark()
    out, result = net.json("--allow-net=github.com,missing.example,missing", code=ASK + """
    def known(name):
        return attempt(lambda: len(socket.getaddrinfo(name, 80, proto=socket.IPPROTO_TCP)) > 0)
    out["names"] = [known(name) for name in ("github.com", "missing.example", "missing")]
    out["search"] = [line for line in open("/etc/resolv.conf") if line.startswith("search")]
    """)
    assert out["names"][0] is True and out["search"] == [], str(result)
    asked = upstream(world, mark)
    assert {name for name, _ in asked} == {"github.com", "missing.example", "missing"}, asked
    assert len(asked) == len(set(asked)), asked
    assert {kind for _, kind in asked} <= {"A", "AAAA"}, asked


def test_denied_names_of_every_kind_stay_here(net, world):
    mark = world.mark()
    long_name = ".".join(["a" * 63] * 3 + ["c" * 61])
    out, result = net.json("--allow-net=github.com", code=ASK + f"""
    names = ["printer.local", "single", "wpad", "xn--bcher-kva.example", {long_name!r},
             "github.com.corp.example", "corp.example", "_dns.resolver.arpa"]
    for name in names:
        out[name] = [ask(name), ask(name, 28), ask(name, 12)]
    for name in ("b\\u00fccher.example", "a b.example"):
        out[name] = [ask([l.encode() for l in name.split(".")], kind) for kind in (1, 28, 12)]
    """)
    for name, replies in out.items():
        host = name.isascii() and " " not in name
        assert [reply["rcode"] for reply in replies] == \
            ([NOERROR, NOERROR, NXDOMAIN] if host else [NXDOMAIN] * 3), (name, replies)
        assert [reply["answers"] for reply in replies] == [int(host), 0, 0], (name, replies)
    assert upstream(world, mark) == [], str(result)


@pytest.mark.parametrize("flags", [["--allow-net=*.local,*.onion,*.invalid,alt"], ["--allow-net"]])
def test_names_that_are_not_of_the_dns(box, world, flags):
    """Granted or not, no name server hears of them; no mDNS daemon runs here."""
    mark = world.mark()
    out, result = box.json(*flags, code=ASK + """
    for name in ("printer.local", "a.b.c.LOCAL", "hidden.onion", "a.invalid", "alt"):
        out[name] = [ask(name)["rcode"], ask(name, 28)["rcode"],
                     attempt(socket.getaddrinfo, name, 80) == "ok"]
    """)
    assert all(found == [NXDOMAIN, NXDOMAIN, False] for found in out.values()), str(result)
    assert upstream(world, mark) == [], str(result)


def test_single_labels(net, world):
    """They are names like any other, asked for as they are; the hosts file is asked first."""
    mark = world.mark()
    out, result = net.json("--allow-net=single:80,desktop", code=ASK + """
    out["single"] = [ask("single")["answers"], connect("single", 80)[0]]
    out["desktop"] = connect("desktop", 7002)[0]
    out["other"] = [ask("other")["answers"], connect("other", 80)[0]]
    """)
    assert out["single"] == [1, "ok"] and out["other"] == [1, "PermissionError"], str(result)
    assert out["desktop"] == "PermissionError", str(result)
    assert result.denied("net", "other:80")[0].allow == "--allow-net=other:80", str(result)
    assert upstream(world, mark) == [("single", "A"), ("single", "AAAA")], str(result)


def test_granted_names_of_every_kind(net, world):
    """Unicode in a grant is its punycode; 253 bytes are a name as any other."""
    mark = world.mark()
    out, result = net.json(f"--allow-net=b\u00fccher.example:80,{addresses.LONG_NAME}:80", code=f"""
    out["unicode"] = connect("b\\u00fccher.example", 80)[0]
    out["punycode"] = connect("xn--bcher-kva.example", 80)[0]
    out["long"] = connect({addresses.LONG_NAME!r}, 80)[0]
    out["other"] = connect("x" + {addresses.LONG_NAME!r}[1:], 80)[0]
    """)
    assert out == {"unicode": "ok", "punycode": "ok", "long": "ok", "other": "PermissionError"}, \
        str(result)
    assert {name for name, _ in upstream(world, mark)} == \
        {"xn--bcher-kva.example", addresses.LONG_NAME}


def test_pins_of_names_that_share_an_address(net):
    """Each name's ports, and only once it was asked for; the name of an address is the last asked."""
    out, result = net.json("--allow-net=github.com:22,api.github.com:9000", code=ASK + """
    def ports():
        return [connect("198.51.100.10", port)[0] == "ok" for port in (22, 9000, 8080)]
    out["none"] = ports()
    socket.gethostbyname("github.com")
    out["one"] = ports()
    out["ptr"] = socket.gethostbyaddr("198.51.100.10")[0]
    socket.gethostbyname("api.github.com")
    out["both"] = ports()
    out["no ptr"] = ask("20.100.51.198.in-addr.arpa", 12)["rcode"]
    """)
    assert out["none"] == [False] * 3 and out["one"] == [True, False, False], str(result)
    assert out["both"] == [True, True, False] and out["ptr"] == "github.com", str(result)
    assert out["no ptr"] == NXDOMAIN


def test_closed_addresses_beside_public_ones(net, world):
    """They are left out, and that is told though no connect speaks of it."""
    out, result = net.json("--allow-net=mixed.example", code="""
    out["all"] = socket.gethostbyname_ex("mixed.example")[2]
    out["again"] = socket.gethostbyname_ex("mixed.example")[2]
    out["connect"] = connect("mixed.example", 80)[0]
    """)
    assert out["all"] == out["again"] == [addresses.WEB] and out["connect"] == "ok", str(result)
    event = result.denied("dns")[0]
    assert event.object == "mixed.example" and "127.0.0.1" in event.line, str(result)
    assert event.allow == "" and "closed" in event.line


def test_too_many_questions_a_second(net, world):
    """A flood is told to ask later, as one event; what is asked later is answered."""
    mark = world.mark()
    out, result = net.json("--allow-net=github.com", code=ASK + """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((server, 53))
    sock.settimeout(5)
    codes = {}
    for n in range(0, 10000, 20):
        for m in range(n, n + 20):
            sock.send(struct.pack("!HHHHHH", m, 0x0100, 1, 0, 0, 0) + question(f"r{m * 7919}.evil.example"))
        for _ in range(20):
            code = sock.recv(512)[3] & 15
            codes[code] = codes.get(code, 0) + 1
    out["codes"] = codes
    time.sleep(0.1)
    out["later"] = ask("github.com")
    """)
    codes = {int(code): count for code, count in out["codes"].items()}
    assert set(codes) == {NOERROR, SERVFAIL} and codes[NOERROR] >= 1000, str(result)
    assert codes[NOERROR] + codes[SERVFAIL] == 10000
    assert out["later"]["rcode"] == NOERROR and out["later"]["answers"] == 1
    assert result.stderr.count("buntime: limit dns: ") in (1, 2), str(result)
    assert {name for name, _ in upstream(world, mark)} == {"github.com"}
