# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fast path: connections that address rules open are made outside and handed in."""

import contextlib
import functools
import json
import socket
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import addresses
import pytest
import test_local as local
from native import compile_c
from test_bun import outcome
from world import wait_for

HOST, HOST6 = addresses.HOST, addresses.HOST6


def answer(connection):
    """Echoes; RESET ends it at once."""
    while data := connection.recv(65536):
        if data == b"RESET":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return
        connection.sendall(data)


class Service:
    """An address of this machine with a port that is served, one that is closed and one that is silent."""

    def __init__(self, address):
        self.address = address
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, 0), family=self.family, backlog=64)
        self.port = self.listener.getsockname()[1]
        self.bound = socket.socket(self.family)
        self.bound.bind((address, 0))
        self.closed = self.bound.getsockname()[1]
        self.full = socket.create_server((address, 0), family=self.family, backlog=0)
        self.silent = self.full.getsockname()[1]
        self.filling = []
        for _ in range(2):  # more than the queue takes: the next one's first packet is dropped
            self.filling.append(socket.socket(self.family))
            self.filling[-1].setblocking(False)
            self.filling[-1].connect_ex((address, self.silent))
        self.peers = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, peer = self.listener.accept()
            except OSError:
                return
            self.peers.append(peer[:2])
            threading.Thread(target=self.attend, args=(connection,), daemon=True).start()

    @staticmethod
    def attend(connection):
        with connection:
            try:
                answer(connection)
            except OSError:
                pass

    def asking(self):
        """How many connections wait for the silent one, by the kernel's table."""
        lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()
        return sum(f":{self.silent:04X} 02 " in line for line in lines)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        for one in (self.listener, self.bound, self.full, *self.filling):
            one.close()


@contextmanager
def serving(address):
    service = Service(address)
    try:
        yield service
    finally:
        service.close()


@pytest.fixture(params=[HOST, HOST6], ids=["ipv4", "ipv6"])
def service(request):
    with serving(request.param) as one:
        yield one


@pytest.fixture
def service4():
    with serving(HOST) as one:
        yield one


@functools.cache
def compiled(source):
    return compile_c(source, Path(tempfile.mkdtemp()) / source.stem, "-lpthread").read_bytes()


def runner(box, name):
    program = box.directory / name
    program.write_bytes(compiled(box.world.source / f"tests/net/{name}.c"))
    program.chmod(0o755)

    def run(service, *flags, ops, **kwargs):
        grant = f"[{service.address}]" if ":" in service.address else service.address
        flags = flags or (f"--allow-net={grant}",)
        args = [service.address, service.port, service.closed, service.silent, *ops]
        result = box.run(*flags, name=f"./{name}", args=args, **kwargs)
        found = dict(line.split(": ", 1) for line in result.stdout.splitlines())
        assert list(found) == list(ops) and result.status == 0, str(result)
        return found, result

    return run


@pytest.fixture
def fast(box):
    """fast(service, *flags, ops=[...]): {op: result} of fast.c, and the run."""
    return runner(box, "fast")


@pytest.fixture
def escape(box):
    """The same of escape.c."""
    return runner(box, "escape")


NOTICED = {
    "blocking": "outside echoed",
    "nonblocking": "EINPROGRESS writable ok ok,EISCONN outside",
    "flags": "outside outside 1100",
    "names": "as asked",
    "options": "outside 7",
    "refused": "ECONNREFUSED ok, then ok echoed",
    "refused-nonblocking": "ECONNREFUSED, then EINPROGRESS echoed",
    "half-close": "ok 3 0 EPIPE",
    "signal": "EINTR 0 EALREADY",
    "silent": "EINPROGRESS EALREADY 0",
}


def test_what_programs_notice(fast, service):
    found, _ = fast(service, ops=NOTICED)
    assert found == NOTICED


def test_the_same_by_packets(fast, service4):
    """All but the way: a program cannot tell by what its calls say."""
    found, _ = fast(service4, f"--allow-net={HOST}", "--net=slirp", ops=NOTICED)
    expected = {op: result.replace("outside", "inside") for op, result in NOTICED.items()}
    assert found == expected


@pytest.mark.parametrize("answers", [True, False])
def test_an_answer_that_comes_late(fast, service4, answers):
    """The kernel asks again after a second: what was handed in is connected, or taken back."""
    accepted, done = [], threading.Event()

    def wake():
        wait_for(lambda: service4.asking() == 3, 25)  # the last of those that fill it, and the program's two
        time.sleep(0.2)
        if not answers:
            service4.full.close()
            return
        service4.full.settimeout(0.2)
        # Each that is taken makes room for one: whose packet finds none asks again two seconds later.
        while not done.is_set():
            with contextlib.suppress(TimeoutError):
                accepted.append(service4.full.accept()[0])

    waker = threading.Thread(target=wake)
    waker.start()
    found, _ = fast(service4, ops=["late"])
    done.set()
    waker.join()
    for one in accepted:
        one.close()
    assert found["late"] == ("ok ok" if answers else
                             "ECONNREFUSED ECONNREFUSED, then outside echoed, ok outside")


SHARED = {
    "epoll": "inside 1 echoed",
    "dup": "inside echoed",
    "fork": "0 echoed",
    "passed": "0 echoed",
    "bound": "inside 34567 echoed",
    "owner": "inside kept",
    "mark": "inside",
    "many": "inside",
}


def test_sockets_that_cannot_be_exchanged(fast, service):
    found, _ = fast(service, ops=SHARED)
    assert found == SHARED


CLOSED = {
    "unspec": "EOPNOTSUPP closed echoed",
    "serve": "closed",
    "serve-closed": "closed",
    "serve-reset": "ECONNRESET closed",
    "serve-connecting": "closed ENOTCONN ENOTCONN ENOTCONN EOPNOTSUPP closed",
    "race": "closed",
    "fastopen": "EPERM EPERM EOPNOTSUPP EOPNOTSUPP EOPNOTSUPP",
    "sendto": "to the same",
    "connect-again": "EISCONN EISCONN EISCONN echoed",
    "ioctls": "closed",
    "set-options": "closed",
    "groups": "closed",
    "network": "EPERM EPERM ok EPERM EPERM",
    "after-dup": "closed",
    "after-fork": "closed",
    "after-passing": "closed",
}


def test_every_way_out_is_closed(escape, service):
    found, _ = escape(service, ops=CLOSED)
    assert found == CLOSED


# ---- when it is taken, and when it is not ----

WHERE = """
    import json
    for host, port in json.loads(sys.argv[1]):
        try:
            with socket.create_connection((host, port), timeout=5) as sock:
                out[f"{host}:{port}"] = sock.getsockname()[0]
        except OSError as error:
            out[f"{host}:{port}"] = errno.errorcode.get(error.errno, str(error))
"""


def where(box, *flags, to, **kwargs):
    out, result = box.json(*flags, code=WHERE, args=[json.dumps(to)], **kwargs)
    return list(out.values()), result


INSIDE = "10.0.2.15"
WEB = [addresses.WEB, 80]


@pytest.mark.parametrize("flags", [
    ["--allow-net=198.51.100.10"], ["--allow-net=198.51.100.0/24:80"], ["--allow-net"],
    ["--allow-net=198.51.100.10,github.com:443"], ["--allow-net", "--deny-net=192.0.2.7"],
    ["--audit", "--allow-net"],
])
def test_taken(box, flags):
    assert where(box, *flags, to=[WEB])[0] == [HOST]


@pytest.mark.parametrize("flags", [
    ["--net=slirp"], ["--net=veth"], ["--net-bytes=1M"], ["--net-rate=100"], ["--pcap=x.pcap"],
    ["--audit=events"], ["--deny-net=evil.example"], ["--policy=./p.json"],
])
def test_not_taken_where_packets_are_to_be_seen(box, flags):
    box.write("p.json", '{"version": 1, "plugins": {"seccomp": false}}')
    assert where(box, "--allow-net=198.51.100.10", *flags, to=[WEB])[0] == [INSIDE]


def test_a_policy_file_and_its_default(box):
    rule = '{"action": "allow", "proto": "tcp", "cidr": "198.51.100.10/32"}'
    box.write("p.json", f'{{"version": 1, "net": {{"rules": [{rule}]}}}}')
    box.write("q.json", '{"version": 1, "defaults": {"net": "allow"}}')
    assert where(box, "--policy=./p.json", to=[WEB])[0] == [HOST]
    assert where(box, "--policy=./q.json", to=[WEB])[0] == [HOST]


def test_with_an_opener(box):
    """Another process of the sandbox, and calls that only death ends."""
    (box.directory / "data").mkdir()
    rule = '{"action": "warn", "path": "data", "perms": ["read_file"]}'
    box.write("p.json", f'{{"version": 1, "fs": {{"rules": [{rule}]}}}}')
    assert where(box, "--allow-net=198.51.100.10", "--policy=./p.json", to=[WEB])[0] == [HOST]


MANY = """
    import os, select, socket, sys
    def connect():
        socket.create_connection(("198.51.100.10", 80), timeout=20).close()
        print("CONNECTED", flush=True)
    members = [os.eventfd(0) for _ in range(600)]
    for _ in range(5):
        sys.stdin.readline()
        connect()
    sets = [select.epoll() for _ in range(380)]
    for one in sets:
        for fd in members:
            one.register(fd, select.EPOLLIN)
    for _ in range(5):
        sys.stdin.readline()
        connect()
"""


def cpu_seconds(pid):
    """Of all its threads; whoever else is there on a busy machine does not count."""
    return sum(int(path.read_text(encoding="ascii").split()[0])
               for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def test_a_look_at_who_holds_a_socket_is_bounded(box):
    """All workers of a host wait for the thread that looks. What is too much is not looked through."""
    with box.spawn("--allow-net=198.51.100.10", code=MANY) as process:
        def took():
            begun = cpu_seconds(process.pid)
            process.stdin.write(b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"CONNECTED\n"
            return cpu_seconds(process.pid) - begun

        before, after = (min(took() for _ in range(5)) for _ in range(2))
        assert process.wait(10) == 0
    assert after < before + 0.025, (before, after)


def test_names_go_by_packets(box):
    """Also at an address that a rule opens by itself; and denied names lead nowhere."""
    found, _ = where(box, "--allow-net=github.com,198.51.100.10", to=[["github.com", 80], WEB])
    assert found == [INSIDE, INSIDE]
    found, result = where(box, "--allow-net=198.51.100.20,198.18.0.0/15", to=[["evil.example", 80]])
    assert found == ["EACCES"] and result.denied("net", "evil.example:80"), str(result)


def test_denied(box, world):
    """A denial beats, and a grant is of its ports and addresses alone."""
    mark = world.mark()
    for flags, to in ((["--allow-net=198.51.100.0/24", "--deny-net=198.51.100.10"], WEB),
                      (["--allow-net=198.51.100.10:443"], WEB), (["--allow-net=198.51.100.20"], WEB),
                      (["--allow-net", "--deny-net=198.51.100.0/24:80"], WEB),
                      (["--allow-net"], ["169.254.0.0", 53]), (["--allow-net"], ["10.0.2.2", 80]),
                      (["--allow-net", "--deny-net=192.0.2.0/24"], ["::ffff:192.0.2.7", 80]),
                      (["--allow-net=198.51.100.10/udp"], WEB)):
        found, result = where(box, *flags, to=[to])
        assert found == ["EACCES"] and len(result.denied("net")) == 1, str(result)
    assert world.contacts(mark) == []


def test_the_hosts_loopback_stays_closed(box):
    with serving("127.0.0.1") as service:
        for host in ("127.0.0.1", "0.0.0.0", "::ffff:127.0.0.1", "127.0.0.9"):
            assert where(box, "--allow-net", to=[[host, service.port]])[0] == ["ECONNREFUSED"]
        assert service.peers == []


def test_an_audit_and_a_warning_tell_of_it(box):
    _, result = where(box, "--allow-net=198.51.100.10", "--audit", to=[WEB])
    told = [event.object for event in result.events if event.kind == "net"]
    assert told == ["198.51.100.10:80 (tcp)"], str(result)
    rule = '{"action": "warn", "proto": "tcp", "cidr": "198.51.100.10/32"}'
    box.write("p.json", f'{{"version": 1, "net": {{"rules": [{rule}]}}}}')
    found, result = where(box, "--policy=./p.json", to=[WEB])
    assert found == [HOST] and [event.action for event in result.events] == ["warned"], str(result)


@pytest.mark.parametrize("flags", [[], ["--allow-net=198.51.100.10"]], ids=["without", "with"])
def test_a_socket_that_somebody_outside_passed_on(box, flags):
    """Unconnected and of this machine's network: what it would reach was not decided here."""
    path = box.directory / "s"
    with serving("127.0.0.1") as service, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def pass_on():
            with listener.accept()[0] as connection, socket.socket() as sock, socket.socket() as other:
                other.connect(("127.0.0.1", service.port))
                socket.send_fds(connection, [b"x"], [sock.fileno(), other.fileno()])
                connection.recv(1)

        threading.Thread(target=pass_on, daemon=True).start()
        out, result = box.json(*flags, f"--allow-unix={path}", args=[path, service.port], code="""
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            with socket.socket(socket.AF_UNIX) as channel:
                channel.connect(sys.argv[1])
                _, (one, other), *_ = socket.recv_fds(channel, 1, 2)
                fresh, used = socket.socket(fileno=one), socket.socket(fileno=other)
                out["connect"] = attempt(fresh.connect, ("127.0.0.1", int(sys.argv[2])))
                libc.connect(other, bytes(16), 16)
                out["unspec"] = errno.errorcode[ctypes.get_errno()]
                out["again"] = attempt(used.connect, ("127.0.0.1", int(sys.argv[2])))
        """)
        assert out["connect"] in ("ENOTSUP", "ECONNABORTED") and out["unspec"] == "ENOTSUP", str(result)
        assert out["again"] in ("ENOTSUP", "EISCONN") and len(service.peers) == 1, str(result)


# ---- localhost ----

@pytest.mark.parametrize("flag", ["localhost", "localhost:{port}", "127.0.0.0/8"])
def test_localhost(box, flag):
    with serving("127.0.0.1") as service:
        to = [[host, service.port] for host in ("127.0.0.1", "localhost", "0.0.0.0", "::ffff:127.0.0.1")]
        found, result = where(box, f"--allow-net={flag.format(port=service.port)}", to=to)
        assert found == ["127.0.0.1"] * 3 + ["::ffff:127.0.0.1"] and result.stderr == "", str(result)
        wait_for(lambda: len(service.peers) == 4)


def test_what_is_served_inside_comes_first(fast):
    """A rule for all of localhost; and a socket may be tried again."""
    with serving("127.0.0.1") as service:
        found, _ = fast(service, "--allow-net=localhost", ops=["own-server", "blocking"])
        assert found == {"own-server": "ECONNREFUSED ECONNREFUSED ok outside, then inside",
                         "blocking": "outside echoed"}


def test_every_way_out_of_localhost_is_closed(escape):
    with serving("127.0.0.1") as service:
        assert escape(service, "--allow-net=localhost", ops=CLOSED)[0] == CLOSED


def test_nobody_serves(box):
    local.test_nobody_serves(box)


@pytest.fixture
def two_ports():
    """All that the machine's kernel has to choose from."""
    path, ports = Path("/proc/sys/net/ipv4/ip_local_port_range"), [30000, 30001]
    before = path.read_text(encoding="ascii")
    path.write_text("{} {}".format(*ports), encoding="ascii")
    yield ports
    path.write_text(before, encoding="ascii")


def test_nobody_is_its_own_peer(box, two_ports):
    """The port that nobody serves may be the one that the connection gets: there it would meet itself."""
    to = [[host, port] for host in ("127.0.0.1", "::1", HOST, HOST6) for port in two_ports]
    found, result = where(box, f"--allow-net=localhost,{HOST},[{HOST6}]", to=to)
    assert found == ["ECONNREFUSED"] * len(to), str(result)


@pytest.mark.parametrize("test", [
    local.test_each_side_may_close_first, local.test_a_reset_is_passed_on, local.test_much_both_ways,
    local.test_what_was_sent_before_the_end_arrives, local.test_a_hundred_connections_leak_nothing,
    local.test_a_warning_and_an_audit_tell_of_it, local.test_ipv6, local.test_a_unix_socket_beside,
], ids=lambda test: test.__name__)
def test_as_by_a_relay(box, test):
    """What tests/net/test_local.py says of ports of the host's loopback."""
    test(box)


# ---- whole programs ----

def test_asyncio(box):
    with serving(HOST) as service:
        out, result = box.json(f"--allow-net={HOST}", args=[service.port], code=f"""
            import asyncio
            async def one(number):
                reader, writer = await asyncio.open_connection("{HOST}", int(sys.argv[1]))
                own = writer.get_extra_info("sockname")[0]
                writer.write(b"x" * number)
                writer.write_eof()
                data = await reader.read()
                writer.close()
                await writer.wait_closed()
                return own, len(data)
            async def refused():
                try:
                    await asyncio.open_connection("{HOST}", {service.closed})
                except ConnectionRefusedError:
                    return "refused"
            async def main():
                got = await asyncio.gather(*[one(number * 1000) for number in range(1, 31)])
                return [*got, await refused()]
            out["got"] = asyncio.run(main())
        """)
        assert out["got"] == [[HOST, number * 1000] for number in range(1, 31)] + ["refused"], str(result)
        assert {peer for peer, _ in service.peers} == {HOST}


def test_bun(box, bun, world):
    mark = world.mark()
    result = box.run("--allow-net=198.51.100.20:80,198.51.100.10:80", "--deny-net=198.51.100.10", name="w.ts",
                     env=bun, timeout=60, code="""
        const out: Record<string, string> = {};
        const get = async (url: string) => {
            try { out[url] = await (await fetch(url, { headers: { Host: "x" } })).text(); }
            catch (error: any) { out[url] = error.code ?? error.name; }
        };
        await Promise.all([..."abcdef"].map(letter => get("http://198.51.100.20/" + letter)));
        await get("http://198.51.100.10/");
        await get("http://198.51.100.20:81/");
        const own = await new Promise(resolve => Bun.connect({ hostname: "198.51.100.20", port: 80, socket: {
            open(socket) { resolve(socket.localAddress); socket.end(); }, data() {},
        } }));
        out.own = String(own);
        console.log("OUT:" + JSON.stringify(out));
    """)
    out = outcome(result)
    for letter in "abcdef":
        assert f"/{letter}" in out[f"http://198.51.100.20/{letter}"], str(result)
    assert "hello" not in out["http://198.51.100.10/"] and "hello" not in out["http://198.51.100.20:81/"]
    assert out["own"] == HOST, str(result)
    assert len(result.denied("net", "198.51.100.10:80")) == 1
    assert {record["addr"] for record in world.contacts(mark)} == {"198.51.100.20"}
