# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who lives where in the world. See enter.py for the picture."""

import ipaddress

HOST = "203.0.113.10"
HOST_LAN = "192.168.77.1"
ROUTER = "203.0.113.1"

DNS = "198.51.100.53"
WEB = "198.51.100.10"     # github.com, api.github.com and evil.example: one address
OTHER = "198.51.100.20"
STATIC = "198.51.100.40"  # only in the host's /etc/hosts
PYPI = "198.51.100.60"    # pypi.org and files.pythonhosted.org: one address
NPM = "198.51.100.61"
BIG = "198.51.100.128"    # first of the addresses of big.example
PRIVATE = "10.99.0.5"     # a company's network behind the internet
UDP = "192.0.2.7"

# The same in IPv6.
HOST6 = "2001:db8:10::10"
HOST_LAN6 = "fd77:77:77::1"
ROUTER6 = "2001:db8:10::1"
SIX = "2001:db8:1::20"    # six.example: it has no other address
DUAL = "198.51.100.21"    # dual.example has both
DUAL6 = "2001:db8:1::21"
EVIL6 = "2001:db8:1::66"
UDP6 = "2001:db8:2::7"

TCP_PORTS = [22, 80, 443, 8080, 8081, 8444, 9000]
UDP_PORTS = [123, 7777]

# A worker that gets a packet to one of these has found a hole.
TRAPS = [
    "0.1.2.3", "10.0.0.1", "10.0.2.2", "10.0.2.3", "10.255.255.1", "100.64.0.1", "169.254.1.1",
    "169.254.169.254", "172.16.0.1", "172.31.255.1", "192.0.0.8", "192.168.0.1", "192.168.1.1",
    "198.18.0.1", "198.19.255.1", "240.0.0.1", "255.255.255.254",
]
# Those that an interface can carry; the sniffer sees the others as well.
TRAP_ADDRESSES = [address for address in TRAPS
                  if not address.startswith(("0.", "240.", "255."))]

# The same in IPv6: what carries a closed IPv4 address, and what is not global.
TRAPS6 = [
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::c612:1",
    "64:ff9b::cb00:710a",  # the host's own address
    "64:ff9b:1::a00:1", "64:ff9b:1:7f00:0:100::", "100::1", "2001::1", "2001:0:a00:1::1", "2001:2::1",
    "2001:10::1", "2001:20::1", "2002:7f00:1::1", "2002:a00:1::1", "2002:c0a8:101::1",
    "2002:cb00:710a::1",  # the host's own address
    "4000::1", "5f00::1", "fc00::1", "fd00::2", "fd62:756e:7469:6d65::77", "fec0::2", "fec0::3",
    "::7f00:1",
]
# The kernel sends nothing to these from a socket of the world's own.
TRAP_ADDRESSES6 = [address for address in TRAPS6 if not address.startswith("::")]

LONG_NAME = ".".join(["a" * 63] * 3 + ["b" * 53, "example"])  # 253 bytes

NAMES = {
    "github.com": [WEB],
    "api.github.com": [WEB],
    "evil.example": [WEB],
    "other.example": [OTHER],
    "single": [OTHER],
    "wild.example": ["198.51.100.31"],
    "a.wild.example": ["198.51.100.30"],
    "b.a.wild.example": ["198.51.100.32"],
    "time.example": [UDP],
    "pypi.org": [PYPI],
    "files.pythonhosted.org": [PYPI],
    "registry.npmjs.org": [NPM],
    "xn--bcher-kva.example": ["198.51.100.33"],
    LONG_NAME: ["198.51.100.34"],
    "rebind.example": ["127.0.0.1"],
    "rebind-zero.example": ["0.0.0.0"],
    "rebind-lan.example": [HOST_LAN],
    "rebind-host.example": [HOST],
    "rebind-slirp.example": ["10.0.2.2"],
    "metadata.example": ["169.254.169.254"],
    "private.example": [PRIVATE],
    "mixed.example": ["127.0.0.1", WEB],
    "sinkhole.example": ["198.18.0.1"],
    "six.example": [SIX],
    "dual.example": [DUAL, DUAL6],
    "evil6.example": [EVIL6],
    "time6.example": [UDP6],
    "a.wild6.example": [SIX],
    "mixed6.example": ["::1", "fd00::2", SIX, "127.0.0.1"],
    "half.example": ["10.0.0.1", SIX],
    "late.example": [OTHER],  # after LATE seconds
    "big.example": ["198.51.100.%d" % (128 + n) for n in range(60)],
}
LATE = 0.4
# Names of the real world, of which buntime asks by itself (RFC 7050).
REGISTERED = {"ipv4only.arpa": ["192.0.0.170", "192.0.0.171"]}

# Each leads to one closed address.
REBINDING6 = {f"rebind6-{number}.example": address for number, address in enumerate(
    ["::1", "::", "fe80::1", "::ffff:127.0.0.1", "::ffff:192.168.77.1", HOST6, HOST_LAN6,
     "fd62:756e:7469:6d65::2", "ff02::1", *TRAPS6])}
NAMES |= {name: [address] for name, address in REBINDING6.items()}
TLS_NAMES = ["six.example", "dual.example", "evil6.example", "github.com", "api.github.com",
             "evil.example", "other.example", "*.wild.example", "wild.example", "static.example",
             "pypi.org", "files.pythonhosted.org", "registry.npmjs.org"]

INTERNET_ADDRESSES = sorted({
    address for addresses in NAMES.values() for address in addresses
    if ":" not in address and not address.startswith(("127.", "0.", "169.254.169.254", "203.0.113.", "192.168.77."))
} | {DNS, STATIC} | set(TRAP_ADDRESSES))

INTERNET_ADDRESSES6 = [SIX, DUAL6, EVIL6, UDP6, *TRAP_ADDRESSES6]


def look_up(name):
    """The addresses of a name, None if it is not there; x0a000001.to.example leads to 10.0.0.1."""
    label, _, rest = name.partition(".")
    if rest == "to.example" and len(label) in (9, 33):
        return [str(ipaddress.ip_address(bytes.fromhex(label[1:])))]
    return NAMES.get(name) or REGISTERED.get(name)


# The desktop's own listeners.
HOST_TCP = [("0.0.0.0", 8443), ("127.0.0.1", 7001), (HOST, 7002), (HOST_LAN, 7003)]
HOST_TCP6 = [("::1", 7005), ("::", 8443), (HOST6, 7006), (HOST_LAN6, 7007)]
HOST_UDP6 = [("::", 7008)]
HOST_UDP = [("0.0.0.0", 7004), ("127.0.0.1", 53)]
