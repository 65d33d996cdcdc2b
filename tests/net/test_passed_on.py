# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sockets that a program outside passes on: what they are set to is nobody's decision here."""

import ctypes
import socket
import struct
import threading

import addresses
import pytest
from test_fast import serving
from tier import TIER

HOST, HOST6 = addresses.HOST, addresses.HOST6
ROUTE = bytes([131, 7, 4, 192, 0, 2, 99, 0])  # loose source routing by another machine


def made(family=socket.AF_INET, **options):
    """A TCP socket with (level, option): value set."""
    one = socket.socket(family)
    for level, option, value in options.values():
        one.setsockopt(level, option, value)
    return one


def bound(address, family=socket.AF_INET, **options):
    one = made(family, **options)
    one.bind(address)
    return one


def of_another_network(family=socket.AF_INET):
    """What a program in a container might pass on: there the same address is another machine."""
    sockets = []

    def make():
        assert ctypes.CDLL(None, use_errno=True).unshare(0x40000000) == 0  # this thread's network alone
        sockets.append(socket.socket(family))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return sockets[0]


@pytest.fixture
def passed_on(box):
    """passed_on(sockets, *flags, code=, args=): (findings, result) of a program that gets them as `passed`."""
    def run(sockets, *flags, code, args=()):
        path = box.directory / "s"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()

            def pass_on():
                with listener.accept()[0] as connection:
                    socket.send_fds(connection, [b"x"], [one.fileno() for one in sockets])
                    connection.recv(1)

            threading.Thread(target=pass_on, daemon=True).start()
            return box.json(*flags, f"--allow-unix={path}", args=[path, *args], code=f"""
                channel = socket.socket(socket.AF_UNIX)
                channel.connect(sys.argv[1])
                _, fds, *_ = socket.recv_fds(channel, 1, {len(sockets)})
                passed = [socket.socket(fileno=fd) for fd in fds]
                args = sys.argv[2:]
            """ + code)
    return run


SET = {
    "an address": lambda: bound((HOST, 0)),
    "a port": lambda: bound(("", 0)),
    "a port by its number": lambda: bound(("", 1023)),
    "a mark": lambda: made(mark=(socket.SOL_SOCKET, 36, 1)),
    "an interface": lambda: made(device=(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")),
    "an interface for all": lambda: made(interface=(socket.SOL_IP, 50, struct.pack("!I", 1))),
    "no routes": lambda: made(direct=(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)),
    "a route": lambda: made(route=(socket.SOL_IP, socket.IP_OPTIONS, ROUTE)),
    "any address": lambda: made(any=(socket.SOL_IP, 19, 1)),  # IP_TRANSPARENT
    "any address, later": lambda: made(any=(socket.SOL_IP, 15, 1)),  # IP_FREEBIND
    "hops": lambda: made(hops=(socket.SOL_IP, socket.IP_TTL, 3)),
    "hops back": lambda: made(hops=(socket.SOL_IP, 21, 3)),
    "fast open": lambda: made(fast=(socket.IPPROTO_TCP, 30, 1)),
    "another network": of_another_network,
}
SET6 = {
    "an address": lambda: bound((HOST6, 0), socket.AF_INET6),
    "a port": lambda: bound(("::", 0), socket.AF_INET6),
    "hops": lambda: made(socket.AF_INET6, hops=(socket.IPPROTO_IPV6, 16, 3)),
    "an interface for all": lambda: made(socket.AF_INET6,
                                         interface=(socket.IPPROTO_IPV6, 76, struct.pack("!I", 1))),
    "options": lambda: made(socket.AF_INET6, options=(socket.IPPROTO_IPV6, 59, bytes([0, 0, 1, 4, 0, 0, 0, 0]))),
    "another network": lambda: of_another_network(socket.AF_INET6),
}
CONNECT = """
                out["got"] = [attempt(one.connect, (args[0], int(args[1]))) for one in passed]
"""


@pytest.mark.landlock(6)
@pytest.mark.parametrize("address,kinds", [(HOST, SET), (HOST6, SET6)], ids=["4", "6"])
def test_without_namespaces(passed_on, address, kinds):
    """One that is as the program would have made it is connected; all others are told of."""
    with serving(address) as service:
        sockets = [made(service.family), *(kind() for kind in kinds.values())]
        grant = f"[{address}]" if ":" in address else address
        out, result = passed_on(sockets, "--tier=landlock", f"--allow-net={grant}", code=CONNECT,
                                args=[address, service.port])
        found = dict(zip(["nothing", *kinds], out["got"]))
        assert found == {"nothing": "ok"} | dict.fromkeys(kinds, "EACCES"), str(result)
        events = result.denied("net", f"{grant}:{service.port}")
        assert events and all("another program" in event.line for event in events), str(result)
        assert len(service.peers) == 1


@pytest.mark.landlock(6)
def test_an_address_alone_is_taken_away(passed_on):
    """The kernel does not tell it from what a connect has left. IP_BIND_ADDRESS_NO_PORT stays."""
    with serving(HOST) as service:
        one = bound((addresses.HOST_LAN, 0), late=(socket.SOL_IP, 24, 1))
        out, result = passed_on([one], "--tier=landlock", f"--allow-net={HOST}", code=CONNECT,
                                args=[HOST, service.port])
        assert out["got"] == ["ok"] and [peer for peer, _ in service.peers] == [HOST], str(result)
        assert one.getsockopt(socket.SOL_IP, 24) == 1


@pytest.mark.parametrize("flags", [[], [f"--allow-net={HOST}"], ["--net=slirp", f"--allow-net={HOST}"]],
                         ids=["no network", "fast path", "packets"])
def test_of_another_network(passed_on, flags):
    """Neither the sandbox's nor this machine's: what an address means there no rule knows."""
    with serving(HOST) as service:
        out, result = passed_on([of_another_network()], *flags, code=CONNECT, args=[HOST, service.port])
        assert out["got"] == ["EACCES"] and result.denied("net", f"{HOST}:{service.port}"), str(result)
        assert service.peers == []


def test_abstract_names_of_the_host(passed_on):
    """They are of the socket's network: a socket of the host's would find the host's."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0passed-on")
        listener.listen()
        out, result = passed_on([socket.socket(socket.AF_UNIX)], code="""
                out["passed"] = attempt(passed[0].connect, b"\\0passed-on")
                with socket.socket(socket.AF_UNIX) as own:
                    out["own"] = attempt(own.connect, b"\\0passed-on")
        """)
        assert out == {"passed": "EACCES", "own": "ECONNREFUSED"}, str(result)
        assert len(result.denied("unix", "@passed-on")) == 1, str(result)


def test_other_families(passed_on):
    """As those that a program can make, and no others."""
    sockets = [socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)]
    code = """
                def own():
                    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as one:
                        one.connect((0, 0))
                out["own"] = attempt(own)
                out["passed"] = [attempt(one.connect, (0, 0)) for one in passed]
    """
    out, result = passed_on(sockets, code=code)
    assert out == {"own": "ok" if TIER is None else "EAFNOSUPPORT", "passed": ["EACCES"]}, str(result)


def test_by_a_standard_stream(box):
    """As programs of Node start others: who is at its other end can pass on sockets, too."""
    with serving(HOST) as service:
        here, there = socket.socketpair()
        with box.spawn(f"--allow-net={HOST}", args=[service.port], stdin=there, code=f"""
            import errno, socket, sys
            stdin = socket.socket(fileno=0)
            _, (fd,), *_ = socket.recv_fds(stdin, 1, 1)
            try:
                socket.socket(fileno=fd).connect(({HOST!r}, int(sys.argv[1])))
                print("connected", flush=True)
            except OSError as error:
                print(errno.errorcode[error.errno], flush=True)
        """) as process:
            there.close()
            with of_another_network() as one, here:
                socket.send_fds(here, [b"x"], [one.fileno()])
                assert process.stdout.readline() == b"EACCES\n"
        assert service.peers == []
