# SPDX-License-Identifier: LGPL-2.1-or-later
"""Address closure: what no name and no bare grant opens, literally and through names."""

import addresses
import pytest

# Besides the traps: every form of the host itself and of the special ranges.
LITERALS = addresses.TRAPS + [
    addresses.HOST, addresses.HOST_LAN, "127.0.0.2", "127.255.255.254", "0.0.0.0", "224.0.0.1",
    "239.255.255.250", "255.255.255.255", "192.168.77.2", "10.99.0.5",
]
REBINDING = ["rebind.example", "rebind-zero.example", "rebind-lan.example", "rebind-host.example",
             "rebind-slirp.example", "metadata.example", "private.example", "sinkhole.example"]
CONNECT = """
    for target in sys.argv[1:]:
        host, port = target.rsplit(":", 1)
        out[target] = connect(host, int(port), timeout=3)
"""


def test_literals_with_a_name_granted(net, world, limit):
    mark = world.mark()
    targets = [f"{address}:{port}" for address in LITERALS for port in (80, 8443)
               if not address.startswith(("127.", "0.0"))]
    out, result = net.json("--allow-net=github.com", code=CONNECT, args=targets)
    for target in targets:
        what, milliseconds = out[target]
        assert what == "PermissionError", (target, what)
        assert milliseconds < limit, (target, milliseconds)
    assert world.contacts(mark) == []


def test_each_refusal_has_one_event(net):
    targets = [f"{address}:443" for address in addresses.TRAPS[:12]]
    _, result = net.json("--allow-net=github.com", code=CONNECT, args=targets)
    for target in targets:
        events = result.denied("net", f"{target} (tcp)")
        assert len(events) == 1, (target, str(result))
        assert events[0].program.startswith("python3") and events[0].rule
    assert len(result.events) == len(targets)


def test_own_loopback_is_its_own(net, world):
    """127.0.0.1 inside is nobody's but the worker's."""
    mark = world.mark()
    out, _ = net.json("--allow-net=github.com", code="""
        for port in (7001, 8443, 7003):
            for address in ("127.0.0.1", "127.0.0.2", "0.0.0.0"):
                out[f"{address}:{port}"] = connect(address, port, timeout=3)[0]
        server = socket.create_server(("127.0.0.1", 5000))
        out["own"] = connect("127.0.0.1", 5000)[0]
    """)
    own = out.pop("own")
    assert set(out.values()) <= {"ECONNREFUSED", "PermissionError", "ENETUNREACH"}, out
    assert own == "ok"
    assert world.host_contacts(mark) == []


@pytest.mark.parametrize("name", REBINDING)
def test_granted_names_that_lead_to_closed_addresses(net, world, limit, name):
    """--allow-net=NAME opens public addresses only, whatever the resolver says."""
    mark = world.mark()
    out, result = net.json(f"--allow-net={name}", code=CONNECT, args=[f"{name}:443", f"{name}:8443", f"{name}:80"])
    for target, (what, milliseconds) in out.items():
        # Refused by us, or a name without an address that could be used.
        assert what in ("PermissionError", "-2", "-5", "-3") or what.startswith("[Errno -"), \
            (target, what, str(result))
    assert world.contacts(mark) == [] and world.host_contacts(mark) == []


def test_wildcards_do_not_open_them_either(net, world):
    mark = world.mark()
    out, _ = net.json("--allow-net=*.example", code=CONNECT,
                      args=[f"{name}:443" for name in REBINDING] + ["other.example:443"])
    assert out.pop("other.example:443")[0] == "ok"
    assert all(what != "ok" for what, _ in out.values()), out
    assert {record["addr"] for record in world.contacts(mark)} == {addresses.OTHER}


def test_mixed_answers_open_only_the_public_part(net, world):
    out, _ = net.json("--allow-net=mixed.example", code="""
        out["addresses"] = sorted({i[4][0] for i in socket.getaddrinfo("mixed.example", 80, socket.AF_INET)})
        out["public"] = connect("198.51.100.10", 80)[0]
        out["loopback"] = connect("127.0.0.1", 7001)[0]
    """)
    assert out["addresses"] == [addresses.WEB] and out["public"] == "ok"
    assert out["loopback"] in ("ECONNREFUSED", "PermissionError")


def test_static_name_of_the_host_leads_nowhere(net, world):
    mark = world.mark()
    out, _ = net.json("--allow-net=static-lan.example,desktop,localhost.example", code=CONNECT,
                      args=["static-lan.example:7003", "desktop:7002"])
    assert all(what != "ok" for what, _ in out.values()), out
    assert world.host_contacts(mark) == []


def test_bare_allow_net_leaves_the_hosts_loopback_closed(net, world):
    """A bare --allow-net means what it says, but for the host's loopback and libslirp's aliases."""
    mark = world.mark()
    out, result = net.json("--allow-net", code=CONNECT,
                           args=["127.0.0.1:7001", "10.0.2.2:7001", "10.0.2.2:8443",
                                 "127.0.0.2:8443", "0.0.0.0:8443", "10.0.2.3:53", "10.0.2.2:53",
                                 "rebind.example:7001", "rebind-slirp.example:8443",
                                 "198.51.100.10:80"])
    assert out.pop("198.51.100.10:80")[0] == "ok", str(result)
    assert all(what != "ok" for what, _ in out.values()), (out, str(result))
    assert world.host_contacts(mark) == []


def test_what_the_gate_closes_is_refused_at_once(net, limit):
    """EACCES and one event with the process, and no flag that would not help."""
    targets = ["10.0.2.2:8443", "10.0.2.3:53", "198.51.100.53:53"]
    for flag in ("--allow-net", "--allow-net=10.0.2.0/24,198.51.100.53", "--allow-net=github.com"):
        out, result = net.json(flag, code=CONNECT, args=targets)
        for target in targets:
            what, milliseconds = out[target]
            assert what == "PermissionError" and milliseconds < limit, (target, str(result))
            events = result.denied("net", f"{target} (tcp)")
            assert len(events) == 1, (target, str(result))
            assert events[0].program.startswith("python3"), str(result)
        assert len(result.events) == len(targets), str(result)
        assert "allow: " not in result.stderr, str(result)


def test_udp_to_closed_addresses(net, world):
    mark = world.mark()
    out, _ = net.json("--allow-net=github.com", code="""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for address in sys.argv[1:]:
            for port in (53, 123, 7004, 69, 67):
                attempt(sock.sendto, b"x", (address, port))
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                    out[f"{address}:{port}"] = attempt(other.connect, (address, port))
                    attempt(other.send, b"x")
        time.sleep(0.2)
    """, args=[a for a in LITERALS if not a.startswith(("127.", "0."))])
    assert world.contacts(mark) == [] and world.host_contacts(mark) == []


def test_raw_dns_past_the_resolver(net, world):
    """Port 53 is dropped whatever a rule says, to granted addresses too."""
    mark = world.mark()
    out, _ = net.json("--allow-net=198.51.100.0/24,198.51.100.0/24/udp", code="""
        query = b"\\x12\\x34\\x01\\x00\\x00\\x01" + bytes(6) + b"\\x06secret\\x04evil\\x00\\x00\\x01\\x00\\x01"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.5)
            attempt(sock.sendto, query, ("198.51.100.53", 53))
            out["udp"] = attempt(sock.recv, 100)
        out["tcp"] = connect("198.51.100.53", 53, timeout=1)[0]
    """)
    assert world.queries(mark) == []
    assert not [record for record in world.since(mark) if record.get("addr") == addresses.DNS]


def test_mapped_addresses_are_looked_through(net, world):
    """::ffff:a.b.c.d is the IPv4 address: allowed as that, refused as that."""
    mark = world.mark()
    out, _ = net.json("--allow-net=198.51.100.10:80", code="""
        for address, port in (("203.0.113.10", 8443), ("10.0.2.2", 8443), ("198.51.100.20", 80),
                              ("127.0.0.1", 7001)):
            with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
                sock.settimeout(2)
                out[address] = attempt(sock.connect, ("::ffff:" + address, port))
    """)
    assert all(what != "ok" for what in out.values()), out
    assert world.contacts(mark) == [] and world.host_contacts(mark) == []


def test_other_ways_to_connect(net, world):
    """Every call that names a destination is judged by the same gate."""
    mark = world.mark()
    out, _ = net.json("--allow-net=github.com:443", code="""
        MSG_FASTOPEN = 0x20000000
        with socket.socket() as sock:
            sock.settimeout(2)
            out["fastopen"] = attempt(sock.sendto, b"x", MSG_FASTOPEN, ("198.51.100.20", 80))
        with socket.socket() as sock:
            attempt(sock.setsockopt, socket.IPPROTO_TCP, 30, 1)
            sock.settimeout(2)
            attempt(sock.connect, ("198.51.100.20", 80))
            out["fastopen-connect"] = attempt(sock.send, b"x")
        with socket.socket() as sock:
            sock.setblocking(False)
            out["nonblocking"] = attempt(sock.connect, ("198.51.100.20", 80))
        with socket.socket() as sock:
            sock.settimeout(2)
            sock.connect((socket.gethostbyname("github.com"), 443))
            out["again"] = attempt(sock.connect, ("198.51.100.20", 80))
        with socket.socket() as sock:
            out["bind-other"] = attempt(sock.bind, ("203.0.113.10", 0))
        # 132: SCTP, 33: DCCP, 136: UDP-Lite
        for proto, kind in ((132, socket.SOCK_STREAM), (33, 6), (136, socket.SOCK_DGRAM)):
            out[f"proto{proto}"] = attempt(socket.socket, socket.AF_INET, kind, proto)
        time.sleep(0.1)
    """)
    assert out["nonblocking"] == "EACCES"
    assert out["fastopen"] != 1 and out["fastopen-connect"] != 1, out
    assert {record["addr"] for record in world.contacts(mark)} <= {addresses.WEB}
    for name in ("proto132", "proto33", "proto136"):
        assert out[name] != "ok", out


def test_interfaces_cannot_be_changed(net):
    out, _ = net.json("--allow-net=github.com", code="""
        import fcntl, struct
        names = [name for _, name in socket.if_nameindex()]
        out["names"] = names
        sock = socket.socket()
        request = struct.pack("16sH14s", names[-1].encode(), 2, socket.inet_aton("203.0.113.77") + bytes(10))
        for name, number in (("address", 0x8916), ("flags", 0x8914), ("mtu", 0x8922), ("mac", 0x8924),
                             ("route", 0x890B)):
            out[name] = attempt(fcntl.ioctl, sock, number, request + bytes(32))
        link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        message = struct.pack("IHHIIBBHiII", 32, 16, 5, 1, 0, 0, 0, 0, 2, 0, 1)
        attempt(link.send, message)
        reply = link.recv(4096)
        out["netlink"] = errno.errorcode.get(-struct.unpack("i", reply[16:20])[0], "?")
    """)
    assert len(out["names"]) == 2
    for name in ("address", "flags", "mtu", "mac", "route"):
        assert out[name] in ("EPERM", "EACCES", "ENOTTY", "ENOSYS"), (name, out)
    assert out["netlink"] in ("EPERM", "EACCES"), out
