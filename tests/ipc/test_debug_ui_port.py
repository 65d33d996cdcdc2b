# SPDX-License-Identifier: LGPL-2.1-or-later
"""No program that the debug UI runs reaches the debug UI, whatever its policy says.

It would still need the token; but what asks for it is not to be talked to, either. Each is
attacked by a worker that may do all that can be granted, and by the narrowest grants of the port
itself. That the attack works is seen with another port of the same host, which it does reach.
"""

import json
import socket
import threading

import addresses
import pytest

from debug_ui import serving

# What leads to the host's loopback, in every way that programs write it.
NAMES = ("127.0.0.1", "127.1", "0.0.0.0", "0", "localhost", "::1", "::", "::ffff:127.0.0.1",
         "::ffff:0.0.0.0", "::127.0.0.1", "10.0.2.2", "10.0.2.1", "fec0::2", "2130706433",
         "0x7f000001", "64:ff9b::7f00:1", addresses.HOST, "localhost.", "LOCALHOST")

ATTACK = '''
import json, socket, sys
reached = {}
def attempt(key, make):
    try:
        connection = make()
        connection.settimeout(2)
        connection.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
        answer = connection.recv(4096)
        reached[key] = answer[:12].decode("latin-1")
    except OSError as error:
        reached[key] = type(error).__name__
def by_address(family, name, port, first=None):
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(2)
    if first:
        try:
            connection.connect(first)
            connection.connect_ex(("0.0.0.0", 0))
        except OSError:
            pass
    connection.connect((name, port))
    return connection
from concurrent.futures import ThreadPoolExecutor
# At once: what leads nowhere waits.
with ThreadPoolExecutor(16) as pool:
    for port in map(int, sys.argv[2:]):
        for name in json.loads(sys.argv[1]):
            key = name + " " + str(port)
            pool.submit(attempt, key, lambda name=name, port=port: socket.create_connection((name, port), 2))
            for family in (socket.AF_INET, socket.AF_INET6):
                pool.submit(attempt, f"{key} {family}",
                            lambda family=family, name=name, port=port: by_address(family, name, port))
print(json.dumps(reached))
'''


@pytest.fixture
def neighbour(world):
    """Another listener of the host's loopback, that answers: its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                try:
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.1 200 neighbour\r\n\r\n")
                except OSError:
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(5)


def attack(page, flags, policies, ports, names=NAMES):
    status, out, err = page.run_to_end(ATTACK, flags=flags, policies=policies,
                                       args=[json.dumps(names), *map(str, ports)])
    assert status == 0, (status, out, err, page.states)
    return json.loads(out)


def check(page, flags, neighbour, policies=()):
    """Nothing answered of the page's port; was the neighbour's reached?"""
    port = page.server.port
    flags = [flag.replace("PORT", str(port)).replace("OTHER", str(neighbour)) for flag in flags]
    reached = attack(page, flags, policies, [port, neighbour])
    assert len(reached) == len(NAMES) * 2 * 3
    hits = [key for key, answer in reached.items() if answer.startswith("HTTP")]
    assert not [key for key in hits if key.split()[1] == str(port)], reached
    return any(hits)


@pytest.mark.host_contact
@pytest.mark.parametrize("flags", [
    ["--allow-net=localhost"],
    ["--allow-net=127.0.0.1"],
    ["--allow-net=127.0.0.0/8,[::1]"],
    ["--allow-all", "--allow-net=localhost"],
    ["--allow-all", "--allow-net=localhost:PORT,localhost:OTHER", "--net=slirp"],
    ["--allow-all", "--allow-net=localhost:PORT,localhost:OTHER", "--net=veth"],
    ["--allow-net=127.0.0.1:PORT,[::1]:PORT,0.0.0.0:PORT,localhost:PORT,127.0.0.1:OTHER"],
], ids=" ".join)
def test_the_port_is_out_of_reach(world, neighbour, flags):
    with serving(world) as server:
        assert check(server.page(), flags, neighbour), "the attack does not work"


@pytest.mark.host_contact
@pytest.mark.parametrize("flags", [
    ["--allow-all"],
    ["--allow-net"],
    ["--allow-net=0.0.0.0/0,[::]/0"],
    ["--allow-all", "--net=slirp"],
], ids=" ".join)
def test_it_is_with_what_opens_no_loopback(world, neighbour, flags):
    """Neither is any other port then."""
    with serving(world) as server:
        assert not check(server.page(), flags, neighbour)


FLAT = {"name": "flat", "text": json.dumps({"version": 1, "plugins": {"namespaces": False}})}


@pytest.mark.host_contact
@pytest.mark.parametrize("flags", [
    ["--allow-net=localhost"],
    ["--allow-net=127.0.0.0/8,[::1]"],
    ["--allow-net=0.0.0.0/0,[::]/0,localhost:PORT,localhost:OTHER"],
    ["--allow-net=127.0.0.1:PORT,[::1]:PORT,0.0.0.0:PORT,localhost:PORT,127.0.0.1:OTHER"],
], ids=" ".join)
def test_the_port_is_out_of_reach_without_namespaces(world, neighbour, flags):
    """Landlock and seccomp alone: sockets are the host's then."""
    with serving(world) as server:
        assert check(server.page(), flags, neighbour, [FLAT]), "the attack does not work"


def test_there_is_nothing_to_reach_without_namespaces_and_grants(world, neighbour):
    with serving(world) as server:
        page = server.page()
        assert not check(page, [], neighbour, [FLAT]) and not check(page, ["--allow-net"], neighbour, [FLAT])


def test_the_port_cannot_be_published_over(world):
    with serving(world) as server:
        page = server.page()
        for address in ("", "127.0.0.1:", "0.0.0.0:"):
            worker = page.run("print(1)", flags=[f"--publish={address}{server.port}:8000"])
            page.until(lambda: page.ended(worker))
            assert page.states[worker]["state"] == "failed", page.states
        assert server.get("/")[0] == 200


@pytest.mark.host_contact
@pytest.mark.parametrize("flags", [
    ["--allow-all"],
    ["--allow-net=localhost", f"--allow-net={addresses.HOST}"],
    ["--allow-net=rebind-host.example"],
    ["--allow-all", "--net=slirp"],
    [f"--allow-net={addresses.HOST}:PORT", "--allow-net=127.0.0.1:OTHER"],
], ids=" ".join)
def test_another_address_is_out_of_reach_too(world, neighbour, flags):
    with serving(world, "ui", "--port=0", f"--listen={addresses.HOST}") as server:
        assert server.address[0] == addresses.HOST
        check(server.page(), flags, neighbour)
    assert "not only this machine" in server.errors


@pytest.mark.host_contact
@pytest.mark.parametrize("address", ["::1", "2001:db8:10::10", "127.0.0.5"])
@pytest.mark.parametrize("flags", [
    ["--allow-all", "--allow-net=localhost"],
    ["--allow-net=127.0.0.0/8:PORT,[::]/0:PORT,localhost:PORT"],
    ["--allow-all", "--allow-net=localhost:PORT,[::1]:PORT", "--net=slirp"],
], ids=" ".join)
def test_addresses_of_both_kinds_are(world, address, flags):
    with serving(world, "ui", "--port=0", f"--listen={address}") as server:
        page = server.page()
        flags = [flag.replace("PORT", str(server.port)) for flag in flags]
        reached = attack(page, flags, [], [server.port], [*NAMES, address, "2001:db8:10::10"])
        assert not [key for key, answer in reached.items() if answer.startswith("HTTP")], reached


def test_no_socket_of_the_server_is_inherited(world):
    """What is open in a program is its own, with a page connected and a client in the middle of a request."""
    code = "import os\nfor fd in os.listdir('/proc/self/fd'):\n  try: print(os.readlink('/proc/self/fd/' + fd))\n" \
           "  except OSError: pass\nprint(dict(os.environ))"
    with serving(world) as server, socket.create_connection(server.address) as half:
        half.sendall(b"GET / HTTP/1.1\r\n")
        server.page()
        page = server.page()
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [line.split() for line in table][1:]
        inodes = {row[9] for row in rows if f":{server.port:04X}" in row[1] + row[2]} - {"0"}
        assert len(inodes) >= 4
        for policies in ([], [FLAT]):
            _, out, err = page.run_to_end(code, policies=policies)
            opened = {line.strip("socket:[]") for line in out.splitlines() if line.startswith("socket:")}
            assert "/dev/null" in out and not opened & inodes, (out, err)
            assert server.token not in out


def test_the_rule_is_seen_by_check(world):
    with serving(world) as server:
        for value in (f"127.0.0.1:{server.port}", f"localhost:{server.port}", f"[::1]:{server.port}"):
            answer = server.page().ask("check", permission="net", value=value, policies=[],
                                       flags=["--allow-all", "--allow-net=localhost"])
            assert answer["verdict"]["action"] == "deny", answer
