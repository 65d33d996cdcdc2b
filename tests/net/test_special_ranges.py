# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nothing of the machine or of the special-purpose ranges is reached by a rule for a public name.

One property, three ways: random addresses of every range, in every encoding, are connected to,
led to by granted names, and sent to in frames that no socket would make. The seed is shown where
it fails, and can be given as BUNTIME_TEST_SEED.
"""

import ctypes
import ipaddress
import os
import random
import socket
import struct
import threading
from pathlib import Path

import addresses
import pytest
from world import below, wait_for

# The IANA special-purpose registries (RFC 6890) and what is not in them but nobody's either. The
# documentation ranges are left out: here they are the internet.
CLOSED4 = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/29", "192.0.0.8/32", "192.0.0.170/32", "192.0.0.171/32", "192.0.0.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
]
CLOSED6 = [
    "::/128", "::1/128", "::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23",
    "2001::/32", "2001:2::/48", "2001:10::/28", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10",
    "ff00::/8",
]
# In the registries, and reachable from everywhere: the AS112 project's name servers, and AMT relays.
OPEN = ["192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "2001:3::/32", "2001:4:112::/48",
        "2620:4f:8000::/48"]
HOST4 = [addresses.HOST, addresses.HOST_LAN, "127.0.0.1", "10.0.2.2", "10.0.2.3"]
HOST6 = [addresses.HOST6, addresses.HOST_LAN6, "::1", "fd62:756e:7469:6d65::1",
         "fd62:756e:7469:6d65::2", "fd62:756e:7469:6d65::3"]
PORTS = [7, 22, 53, 80, 443, 7001, 7002, 7003, 7004, 7005, 7006, 7007, 7008, 8443]
GRANTS = ["--allow-net=github.com,github.com/udp,six.example,six.example/udp,time.example/udp"]
GRANTED = {addresses.WEB, addresses.SIX, addresses.UDP}


def random_in(rng, net):
    net = ipaddress.ip_network(net)
    return net.network_address + rng.randrange(net.num_addresses)


def closed_in(rng, net):
    """2001::/23 holds two ranges that are open."""
    while any((address := random_in(rng, net)) in ipaddress.ip_network(other) for other in OPEN):
        pass
    return address


def encodings(rng, ipv4):
    """Every form of IPv6 that stands for an IPv4 address somewhere."""
    packed = ipv4.packed
    noise = rng.randbytes(16)
    return [ipaddress.ip_address(data) for data in (
        bytes(10) + b"\xff\xff" + packed,                                 # IPv4-mapped
        bytes(12) + packed,                                               # IPv4-compatible
        bytes(8) + b"\xff\xff\0\0" + packed,                              # IPv4-translated
        bytes.fromhex("0064ff9b") + bytes(8) + packed,                    # NAT64, well known
        bytes.fromhex("0064ff9b0001") + packed[:2] + b"\0" + packed[2:] + bytes(5),  # local, /48
        bytes.fromhex("0064ff9b0001") + noise[:2] + b"\0" + packed + bytes(3),       # /64
        bytes.fromhex("0064ff9b0001") + noise[:6] + packed,               # /96
        b"\x20\x02" + packed + noise[:10],                                # 6to4
        bytes.fromhex("20010000") + packed + noise[:8],                   # a Teredo server
        bytes.fromhex("20010000") + noise[:8] + bytes(byte ^ 255 for byte in packed),  # a client
        bytes.fromhex("fe80") + bytes(6) + bytes.fromhex("00005efe") + packed,         # ISATAP
    )]


def closed_addresses(rng, rounds):
    """All of which no name may open; the host's own first."""
    found = [ipaddress.ip_address(address) for address in HOST4 + HOST6]
    for _ in range(rounds):
        found += [closed_in(rng, net) for net in CLOSED4 + CLOSED6]
    carried = [address for address in found if address.version == 4]
    return found + [form for address in carried for form in encodings(rng, address)
                    # A public address of the world, mapped, is that address.
                    if form.ipv4_mapped is None or str(form.ipv4_mapped) not in GRANTED]


@pytest.fixture
def rng():
    seed = int(os.environ.get("BUNTIME_TEST_SEED", random.randrange(1 << 32)))
    print(f"BUNTIME_TEST_SEED={seed}")
    return random.Random(seed)


def counters():
    """What the machine's kernel got that no listener would tell of."""
    found = {}
    for name in ("snmp", "snmp6"):
        lines = Path("/proc/net", name).read_text(encoding="ascii").splitlines()
        if name == "snmp6":
            found |= {line.split()[0]: int(line.split()[1]) for line in lines}
            continue
        for names, values in zip(lines[::2], lines[1::2]):
            kind, *keys = names.split()
            found |= {kind[:-1] + key: int(value) for key, value in zip(keys, values.split()[1:])}
    return {key: found[key] for key in ("IcmpInEchos", "UdpNoPorts", "Icmp6InEchos", "Udp6NoPorts")}


@pytest.fixture
def nothing(world):
    """Nothing but the granted addresses was sent to, and the machine heard nothing."""
    mark, before = world.mark(), counters()
    yield
    assert {record["addr"] for record in world.contacts(mark)} <= GRANTED
    assert world.host_contacts(mark) == [] and counters() == before


def test_the_counters_count():
    before = counters()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", ("127.0.0.1", 9))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", ("::1", 9))
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, 1) as sock:
        sock.sendto(echo_request(8), ("127.0.0.1", 0))
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, 58) as sock:
        sock.sendto(echo_request(128), ("::1", 0))
    wait_for(lambda: all(counters()[key] == before[key] + 1 for key in before), what="four packets")


# ---- by sockets ----

SOCKETS = """
    import select
    def open_socket(address, kind, proto=0):
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind, proto)
        sock.setblocking(False)
        return sock

    def target(address, port):
        scope = 2 if address.startswith(("fe80", "ff")) else 0
        return (address, port, 0, scope) if ":" in address else (address, port)

    for name in ("github.com", "six.example", "time.example"):
        socket.getaddrinfo(name, 80)
    lines = sys.stdin.read().split()
    codes, connected, pings = {}, [], set()
    for at in range(0, len(lines), 200):
        open_ones = {}
        for line in lines[at:at + 200]:
            address, port = line.rsplit("/", 1)
            sock = open_socket(address, socket.SOCK_STREAM)
            code = errno.errorcode.get(sock.connect_ex(target(address, int(port))), "ok")
            codes.setdefault(code, []).append(line)
            open_ones[sock.fileno()] = sock
            with open_socket(address, socket.SOCK_DGRAM) as udp:
                attempt(udp.sendto, b"x" * 48, target(address, int(port)))
                attempt(udp.connect, target(address, int(port)))
                attempt(udp.send, b"y")
            ping = attempt(lambda: open_socket(address, socket.SOCK_DGRAM, 58 if ":" in address else 1).sendto(
                b"\\x80" + bytes(7) if ":" in address else b"\\x08" + bytes(7), target(address, 0)))
            pings.add(str(ping))
        end = time.monotonic() + 0.2
        while open_ones and time.monotonic() < end:
            poll = select.poll()
            for number in open_ones:
                poll.register(number, select.POLLOUT)
            for number, _ in poll.poll(50):
                sock = open_ones.pop(number)
                if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 and \\
                        attempt(sock.getpeername) == "ok":
                    connected.append(str(sock))
                sock.close()
        for sock in open_ones.values():
            sock.close()
    out["codes"], out["connected"], out["pings"] = codes, connected, sorted(pings)
"""


@pytest.mark.parametrize("seccomp", [True, False])
def test_by_sockets(box, rng, nothing, seccomp):
    """Each is refused when it is asked for; without seccomp the gate alone stands in the way."""
    box.write("p.json", '{"version": 1, "plugins": {"seccomp": %s}}' % str(seccomp).lower())
    targets = [f"{address}/{rng.choice(PORTS)}" for address in closed_addresses(rng, 2)]
    out, result = box.json("--quiet", "--policy=./p.json", *GRANTS, code=SOCKETS,
                           stdin="\n".join(targets))
    assert out["connected"] == [] and "ok" not in out["codes"], str(result)
    assert sum(map(len, out["codes"].values())) == len(targets)
    assert set(out["pings"]) <= {"EACCES", "EPERM"}, out["pings"]  # nobody may open such a socket
    if seccomp:
        # The worker's own loopback, and what the kernel has no way to at all.
        others = {target.rsplit("/", 1)[0] for code, them in out["codes"].items()
                  if code != "EACCES" for target in them}
        for address in map(ipaddress.ip_address, others):
            inner = getattr(address, "ipv4_mapped", None) or address
            assert inner.is_loopback or inner.is_unspecified, (address, str(result))


# ---- by names ----

NAMES = """
    from concurrent.futures import ThreadPoolExecutor
    def reach(line):
        name, port = line.split("/")
        return attempt(lambda: socket.create_connection((name, int(port)), timeout=10).close())
    lines = sys.stdin.read().split()
    with ThreadPoolExecutor(8) as pool:
        out.update(zip(lines, pool.map(reach, lines)))
"""


def name_of(address):
    return f"x{address.packed.hex()}.to.example"


def test_by_names(box, rng, nothing):
    """A granted name leads wherever its owner likes: its owner gets nothing by it."""
    closed = closed_addresses(rng, 2)
    chosen = closed[:len(HOST4 + HOST6)] + rng.sample(closed, 300)
    lines = [f"{name_of(address)}/{rng.choice(PORTS[3:])}" for address in chosen]
    out, result = box.json("--quiet", "--allow-net=*.to.example", code=NAMES, stdin="\n".join(lines))
    assert len(out) == len(set(lines))
    assert set(out.values()) == {"EACCES"}, str(result)


def test_what_the_registries_call_reachable(box, rng, world):
    """There a name may lead: closing too much would take it from whom it serves."""
    mark = world.mark()
    chosen = [random_in(rng, net) for net in OPEN]
    with box.spawn("--allow-net=*.to.example", code="""
        import socket, sys
        for name in sys.argv[1:]:
            kind, _, _, _, address = socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)[0]
            sock = socket.socket(kind)
            sock.setblocking(False)
            sock.connect_ex(address)
            globals()[name] = sock
        sys.stdin.read()
    """, args=list(map(name_of, chosen))) as process:
        wait_for(lambda: {record["addr"] for record in world.contacts(mark)} == set(map(str, chosen)),
                 what="a packet to each")
        assert process.poll() is None


# ---- by frames ----

def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def echo_request(kind):
    data = struct.pack("!BBHHH", kind, 0, 0, 7, 1) + b"ping"
    return data[:2] + struct.pack("!H", checksum(data)) + data[4:]


class Link:
    """The worker's end of the network, as a program with every right in there would have it."""

    def __init__(self, pid):
        self.pid = pid
        thread = threading.Thread(target=self.enter)
        thread.start()
        thread.join()
        self.socket.settimeout(5)

    def enter(self):
        """What is opened by a thread in the sandbox's network stays there."""
        libc = ctypes.CDLL(None, use_errno=True)
        fd = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        assert libc.setns(fd, 0x40000000) == 0, os.strerror(ctypes.get_errno())
        os.close(fd)
        self.name = next(name for _, name in socket.if_nameindex() if name != "lo")
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
        self.socket.bind((self.name, 0x0806))
        self.mac = self.socket.getsockname()[4]

    def learn(self):
        """The two addresses of each end, from what the worker's kernel knows."""
        arp = Path(f"/proc/{self.pid}/net/arp").read_text(encoding="ascii").splitlines()[1].split()
        self.gateway, self.gateway_mac = socket.inet_aton(arp[0]), bytes.fromhex(arp[3].replace(":", ""))

    def ask_for_gateway(self, address):
        """The gate answers, once it has looked at what was sent before."""
        asked = struct.pack("!HHBBH6s4s6s4s", 1, 0x800, 6, 4, 1, self.mac, address, bytes(6), self.gateway)
        self.socket.send(b"\xff" * 6 + self.mac + b"\x08\x06" + asked)
        while True:
            frame = self.socket.recv(2000)
            if frame[20:22] == b"\0\2":
                return


class Crafter:
    """Frames of one worker."""

    def __init__(self, rng, link, source4, source6):
        self.rng, self.link = rng, link
        self.sources = {4: socket.inet_aton(source4),
                        6: socket.inet_pton(socket.AF_INET6, source6)}

    def transport(self, kind, source, destination, port):
        """(protocol, bytes)"""
        six = len(destination) == 16
        if kind == "icmp":
            data = bytearray(echo_request(128 if six else 8))
            number = 58 if six else 1
            at = 2
        elif kind == "udp":
            data = bytearray(struct.pack("!HHHH", self.rng.randrange(1024, 65536), port, 12, 0) + b"xxxx")
            number, at = 17, 6
        else:
            data = bytearray(struct.pack("!HHIIHHHH", self.rng.randrange(1024, 65536), port,
                                         self.rng.randrange(1 << 32), 0, 0x5002, 65535, 0, 0))
            number, at = 6, 16
        if six or kind != "icmp":
            pseudo = source + destination + (struct.pack("!IHBB", len(data), 0, 0, number) if six
                                             else struct.pack("!BBH", 0, number, len(data)))
            data[at:at + 2] = bytes(2)
            data[at:at + 2] = struct.pack("!H", checksum(pseudo + bytes(data)))
        return number, bytes(data)

    def packet(self, kind, destination, port, twist="none"):
        packed = destination.packed
        source = self.sources[destination.version]
        if twist == "source":
            source = ipaddress.ip_address(self.rng.choice(
                HOST4 if destination.version == 4 else HOST6)).packed
        number, data = self.transport(kind, source, packed, port)
        if destination.version == 6:
            if twist == "header":  # hop-by-hop, routing or destination options
                option = self.rng.choice([0, 43, 60])
                data, number = bytes([number, 0, 1, 4, 0, 0, 0, 0]) + data, option
            if twist == "fragment":
                data = struct.pack("!BBHI", number, 0, 1, 77) + data
                number = 44
            return struct.pack("!IHBB", 6 << 28, len(data), number, 64) + source + packed + data
        options = b""
        if twist == "header":  # a loose source route by which the way would go on to a granted one
            options = struct.pack("!BBB4sB", 131, 7, 4, socket.inet_aton(addresses.WEB), 0)
        fragment = 0x2000 if twist == "fragment" else 0
        head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(data),
                           self.rng.randrange(65536), fragment, 64, number, 0) + source + packed + options
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + data

    def frame(self, kind, destination, port, twist="none"):
        packet = self.packet(kind, destination, port, twist)
        ethertype = 0x86dd if destination.version == 6 else 0x0800
        to = self.link.gateway_mac
        if twist == "tunnel":  # in a packet to where the way is open
            inner, number = packet, 41 if destination.version == 6 else 4
            outer = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(inner), 1, 0, 64, number, 0) + \
                self.sources[4] + socket.inet_aton(addresses.WEB)
            packet = outer[:10] + struct.pack("!H", checksum(outer)) + outer[12:] + inner
            ethertype = 0x0800
        if twist == "type":
            ethertype = 0x86dd if ethertype == 0x0800 else 0x0800
        if twist == "broadcast":
            to = b"\xff" * 6
        tag = b"\x81\0\0\1" if twist == "tag" else b""
        return to + self.link.mac + tag + struct.pack("!H", ethertype) + packet


WAITING = """
    import socket, sys
    for name in ("github.com", "six.example", "time.example"):
        address = socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)[0][4][0]
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((address, 123))
            print(sock.getsockname()[0], flush=True)
    socket.create_connection(("github.com", 443)).close()
    print("ready", flush=True)
    sys.stdin.readline()
"""
TWISTS = ["source", "header", "fragment", "tunnel", "type", "broadcast", "tag"]


def test_by_frames(net, rng, nothing, world):
    """What no socket sends, too: the gate looks at frames and believes nothing of them."""
    with net.spawn("--quiet", *GRANTS, code=WAITING) as process:
        source4, source6, _ = [process.stdout.readline().decode().strip() for _ in range(3)]
        assert process.stdout.readline() == b"ready\n"
        link = Link(max(below(process.pid, "python3 w.py")))
        link.learn()
        crafter = Crafter(rng, link, source4, source6)
        frames = []
        for address in closed_addresses(rng, 6):
            for kind in ("tcp", "udp", "icmp"):
                frames.append(crafter.frame(kind, address, rng.choice(PORTS)))
                frames.append(crafter.frame(kind, address, rng.choice(PORTS), rng.choice(TWISTS)))
        rng.shuffle(frames)
        for number, frame in enumerate(frames):
            link.socket.send(frame)
            if number % 50 == 49:
                crafter.link.ask_for_gateway(crafter.sources[4])
        # The same frames to where the way is open do come out; nobody answers there who would be late.
        mark = world.mark()
        for name, kind, port in ((addresses.WEB, "tcp", 80), (addresses.SIX, "tcp", 80),
                                 (addresses.UDP, "udp", 124)):
            link.socket.send(crafter.frame(kind, ipaddress.ip_address(name), port))
        wait_for(lambda: {(record["addr"], record["port"]) for record in world.contacts(mark)} ==
                 {(addresses.WEB, 80), (addresses.SIX, 80), (addresses.UDP, 124)},
                 what="the packets that are allowed")
        assert process.poll() is None
