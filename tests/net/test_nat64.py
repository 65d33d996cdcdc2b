# SPDX-License-Identifier: LGPL-2.1-or-later
"""In a network that takes IPv6 to IPv4 by a prefix of its own (NAT64), names open no more than ever."""

import ipaddress

import addresses
import pytest

# Nothing tells it from any other address: 2001:db8::/32 is the world's internet.
PREFIX = "2001:db8:64::"
CONNECT = """
    for name in sys.argv[1:]:
        out[name] = [sorted({info[4][0] for info in socket.getaddrinfo(name, 80)})]
        kind, _, _, _, address = socket.getaddrinfo(name, 80, socket.AF_UNSPEC, socket.SOCK_STREAM)[-1]
        with socket.socket(kind) as sock:
            sock.setblocking(False)
            out[name].append(errno.errorcode.get(sock.connect_ex(address), "ok"))
            time.sleep(0.05)
"""


@pytest.fixture
def dns64(world):
    """dns64(prefix): from now on the name server makes addresses with it."""
    path = world.directory / "dns64"
    yield lambda prefix: path.write_text(prefix, encoding="ascii")
    path.unlink(missing_ok=True)


def name_of(address):
    return f"x{ipaddress.ip_address(address).packed.hex()}.to.example"


def carried(ipv4):
    return str(ipaddress.ip_address(PREFIX + ipv4))


def test_what_is_public_is_reached_and_nothing_else(net, world, dns64):
    """By names whose addresses the network makes, and by names that are written so as to lead there."""
    dns64(PREFIX)
    mark = world.mark()
    private = ["10.0.0.1", "192.168.1.1", "169.254.169.254", "127.0.0.1", addresses.HOST,
               addresses.HOST_LAN]
    made = [name_of(address) for address in private]
    written = [name_of(PREFIX + address) for address in private]
    out, result = net.json("--allow-net=github.com,*.to.example", code=CONNECT,
                           args=["github.com", *made, *written])
    assert out["github.com"] == [[addresses.WEB, carried(addresses.WEB)], "EINPROGRESS"], str(result)
    for name in made + written:
        found, code = out[name]
        assert len(found) == 1 and found[0].startswith("198.19."), (name, str(result))
        assert code == "EACCES", (name, str(result))
    # IPv4 inside is at the network's other end; the packet has the made address.
    assert {record["addr"] for record in world.contacts(mark)} == {carried(addresses.WEB)}
    event = result.denied("net", f"{written[0]}:80")[0]
    assert carried("10.0.0.1") in event.line, str(result)


def test_without_one_the_address_is_any_other(net, world):
    mark = world.mark()
    name = name_of(PREFIX + "10.0.0.1")
    out, result = net.json("--allow-net=*.to.example", code=CONNECT, args=[name])
    assert out[name] == [[carried("10.0.0.1")], "EINPROGRESS"], str(result)
    assert {record["addr"] for record in world.contacts(mark)} == {carried("10.0.0.1")}


def test_a_network_that_does_not_say(box, world, dns64):
    """Then no address of IPv6 is answered: one of IPv4 is, and a name without is not found."""
    dns64("fail")
    out, result = box.json("--allow-net=dual.example,six.example", code="""
        for name in ("dual.example", "six.example"):
            out[name] = attempt(lambda: sorted({i[4][0] for i in socket.getaddrinfo(name, 80)}))
    """)
    assert out["dual.example"] == [addresses.DUAL], str(result)
    assert "Temporary failure" in out["six.example"], str(result)
    assert result.stderr.count("ipv4only.arpa") == 1, str(result)


def test_it_is_asked_once(box, world):
    """For however many names, and only where one has addresses of IPv6."""
    def asked(*names):
        start = world.log_size("internet")
        box.json("--allow-net=*.example,github.com", code=CONNECT, args=names)
        world.barrier()
        return [record["type"] for record in world.read_log("internet", start)
                if record.get("name") == "ipv4only.arpa"]
    assert asked("github.com", "other.example") == []
    assert sorted(asked("six.example", "dual.example", "six.example")) == ["A", "AAAA"]
