# SPDX-License-Identifier: LGPL-2.1-or-later
"""The world itself, without a sandbox: a test of the tests' ground."""

import socket
import ssl
import urllib.request

import addresses
import pytest


def test_names_and_tls(world):
    mark = world.mark()
    with urllib.request.urlopen("https://github.com/hello", timeout=5) as reply:
        assert reply.read() == b"hello from github.com/hello\n"
    assert "github.com" in world.queries(mark)
    assert world.contacts(mark, addresses.WEB, 443)


def test_curl_trusts_the_world(world):
    result = world.run_command(["curl", "-sS", "https://api.github.com/x"])
    assert result.stdout == "hello from api.github.com/x\n"


def test_certificates_hold_only_for_the_world(world):
    context = ssl.create_default_context()
    with socket.create_connection((addresses.WEB, 443), 5) as sock, \
            pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(sock, server_hostname="unknown.example")


@pytest.mark.parametrize("address", addresses.TRAP_ADDRESSES)
def test_traps_would_notice(world, address):
    mark = world.mark()
    with socket.create_connection((address, 443), 5):
        pass
    assert world.contacts(mark, address, 443)


@pytest.mark.parametrize("address", addresses.TRAP_ADDRESSES6)
def test_traps_of_ipv6_would_notice(world, address):
    mark = world.mark()
    with socket.create_connection((address, 443), 5):
        pass
    assert world.contacts(mark, address, 443)


@pytest.mark.host_contact
@pytest.mark.parametrize("address,port", addresses.HOST_TCP + [("203.0.113.10", 8443)] + [
    (addresses.HOST6 if address == "::" else address, port)
    for address, port in addresses.HOST_TCP6])
def test_host_listens(world, address, port):
    from world import wait_for
    mark = world.mark()
    with socket.create_connection((address, port), 5):
        wait_for(lambda: world.host_contacts(mark))


def test_udp_echo():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.connect((addresses.UDP, 123))
        sock.send(b"what time")
        assert sock.recv(100) == b"what time"


def test_names_of_both_kinds(world):
    for name, expected in (("six.example", [addresses.SIX]),
                           ("dual.example", [addresses.DUAL, addresses.DUAL6])):
        found = {info[4][0] for info in socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)}
        assert found == set(expected)
    with urllib.request.urlopen("https://six.example/x", timeout=5) as reply:
        assert reply.read() == b"hello from six.example/x\n"


def test_udp_echo_over_ipv6():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.connect((addresses.UDP6, 123))
        sock.send(b"what time")
        assert sock.recv(100) == b"what time"


def test_long_answers_come_by_tcp(world):
    mark = world.mark()
    assert len({info[4] for info in socket.getaddrinfo("big.example", 80, socket.AF_INET,
                                                       socket.SOCK_STREAM)}) == 60
    assert [record["proto"] for record in world.since(mark)
            if record["kind"] == "dns" and record["type"] == "A"] == ["udp", "tcp"]


def test_what_an_earlier_test_left_open(world):
    """Its end is no contact of this one's; a connection anew is, and so is one of this test's own."""
    with socket.create_connection((addresses.WEB, 9000), timeout=5) as left:
        world.barrier()
        world.begin()
        mark = world.mark()
        left.sendall(b"x")
        assert left.recv(1) == b"x" and world.contacts(mark) == []
        with socket.create_connection((addresses.OTHER, 9000), timeout=5) as own:
            assert {record["addr"] for record in world.contacts(mark)} == {addresses.OTHER}
            mark = world.mark()
            own.sendall(b"x")
            assert own.recv(1) == b"x" and world.contacts(mark, addresses.OTHER, 9000)


def test_buntime_runs_without_capabilities(world):
    from world import PLAIN
    result = world.run_command([*PLAIN, "grep", "Cap[IPEA]", "/proc/self/status"])
    values = {line.split()[1] for line in result.stdout.splitlines()}
    assert values == {"0000000000000000"}, str(result)
