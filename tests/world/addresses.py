# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who lives where in the world. See enter.py for the picture."""

HOST = "203.0.113.10"
HOST_LAN = "192.168.77.1"
ROUTER = "203.0.113.1"

DNS = "198.51.100.53"
WEB = "198.51.100.10"     # github.com, api.github.com and evil.example: one address
OTHER = "198.51.100.20"
STATIC = "198.51.100.40"  # only in the host's /etc/hosts
BIG = "198.51.100.128"    # first of the addresses of big.example
PRIVATE = "10.99.0.5"     # a company's network behind the internet
UDP = "192.0.2.7"

TCP_PORTS = [22, 80, 443, 8080, 8081, 9000]
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

NAMES = {
    "github.com": [WEB],
    "api.github.com": [WEB],
    "evil.example": [WEB],
    "other.example": [OTHER],
    "wild.example": ["198.51.100.31"],
    "a.wild.example": ["198.51.100.30"],
    "b.a.wild.example": ["198.51.100.32"],
    "time.example": [UDP],
    "rebind.example": ["127.0.0.1"],
    "rebind-zero.example": ["0.0.0.0"],
    "rebind-lan.example": [HOST_LAN],
    "rebind-host.example": [HOST],
    "rebind-slirp.example": ["10.0.2.2"],
    "metadata.example": ["169.254.169.254"],
    "private.example": [PRIVATE],
    "mixed.example": ["127.0.0.1", WEB],
    "sinkhole.example": ["198.18.0.1"],
    "big.example": ["198.51.100.%d" % (128 + n) for n in range(60)],
}
TLS_NAMES = ["github.com", "api.github.com", "evil.example", "other.example", "*.wild.example",
             "wild.example", "static.example"]

INTERNET_ADDRESSES = sorted({
    address for addresses in NAMES.values() for address in addresses
    if not address.startswith(("127.", "0.", "169.254.169.254", "203.0.113.", "192.168.77."))
} | {DNS, STATIC} | set(TRAP_ADDRESSES))

# The desktop's own listeners.
HOST_TCP = [("0.0.0.0", 8443), ("127.0.0.1", 7001), (HOST, 7002), (HOST_LAN, 7003)]
HOST_TCP6 = [("::1", 7005)]
HOST_UDP = [("0.0.0.0", 7004), ("127.0.0.1", 53)]
