#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""make-packet-corpus.py DIR: writes hostile packets to DIR/packet, and conversations of them to DIR/gate.

    tests/fuzz/make-packet-corpus.py tests/fuzz/corpus

Names say what is wrong. Checksums are left out: neither the view nor the gate looks at them.
"""

import struct
import sys
from ipaddress import ip_address
from pathlib import Path

WORKER_MAC, GATEWAY_MAC = bytes([2, 0, 0, 0, 0, 15]), bytes([2, 0, 0, 0, 0, 2])
EVERYBODY = b"\xff" * 6
WORKER, GATEWAY, SERVER = (ip_address(text).packed for text in ("10.0.2.15", "10.0.2.2", "192.0.2.7"))
WORKER6, GATEWAY6, SERVER6 = (ip_address(text).packed
                              for text in ("fd00::f", "fd00::2", "2001:db8:1::7"))
FIN, SYN, RST, PSH, ACK, URG = (1 << bit for bit in range(6))
MORE = 0x2000


def ethernet(kind, payload, destination=GATEWAY_MAC, source=WORKER_MAC):
    return destination + source + struct.pack("!H", kind) + payload


def ipv4(proto, payload, fragment=0, options=b"", size=None, source=WORKER, destination=SERVER, **mac):
    words = 5 + len(options) // 4
    total = words * 4 + len(payload) if size is None else size
    header = struct.pack("!BBHHHBBH", 0x40 | words, 0, total, 1, fragment, 64, proto, 0)
    return ethernet(0x800, header + source + destination + options + payload, **mac)


def ipv6(proto, payload, size=None, source=WORKER6, destination=SERVER6, **mac):
    header = struct.pack("!IHBB", 6 << 28, len(payload) if size is None else size, proto, 255)
    return ethernet(0x86dd, header + source + destination + payload, **mac)


def tcp(flags, data=b"", sequence=1, window=65535, urgent=0, options=b"", offset=None, port=443,
        source=4000, acknowledgement=2):
    words = 5 + len(options) // 4 if offset is None else offset
    return struct.pack("!HHIIBBHHH", source, port, sequence, acknowledgement, words << 4, flags, window,
                       0, urgent) + options + data


def udp(data, port, source=4000, size=None):
    return struct.pack("!HHHH", source, port, 8 + len(data) if size is None else size, 0) + data


def arp(operation, sender_mac, sender, target_mac, target, hardware=1, **mac):
    return ethernet(0x806, struct.pack("!HHBBH", hardware, 0x800, 6, 4, operation) + sender_mac + sender +
                    target_mac + target, **mac)


def ndp(kind, target, option, destination=GATEWAY6):
    return ipv6(58, struct.pack("!BBHI", kind, 0, 0, 0x60000000) + target + option,
                destination=destination)


def fragment6(place, more, payload, proto=17):
    return ipv6(44, struct.pack("!BBHI", proto, 0, place | more, 7) + payload)


def answered(frame):
    """Of a TCP segment over IPv4, from the far side."""
    return frame[6:12] + frame[:6] + frame[12:26] + frame[30:34] + frame[26:30] + frame[36:38] + \
        frame[34:36] + frame[38:]


WHOLE = udp(b"x" * 56, 123)
FRAGMENTS = {
    "fragment-tiny-first": ipv4(6, tcp(SYN)[:8], MORE),
    "fragment-tiny-rest": ipv4(6, tcp(SYN)[8:], 1),
    "fragment-first": ipv4(17, WHOLE[:32], MORE),
    "fragment-overlaps": ipv4(17, udp(b"y" * 56, 53)[24:], 3),
    "fragment-overlaps-all": ipv4(17, udp(b"y" * 56, 53), 0),
    "fragment-beyond-the-end": ipv4(17, WHOLE, 0x1fff),
    "fragment-and-do-not": ipv4(17, WHOLE, MORE | 0x4000),
    "ipv6-fragment-first": fragment6(0, 1, WHOLE[:32]),
    "ipv6-fragment-overlaps": fragment6(24, 0, udp(b"y" * 56, 53)[24:]),
    "ipv6-fragment-whole": fragment6(0, 0, WHOLE),
    "ipv6-fragment-beyond-the-end": fragment6(0xfff8, 0, WHOLE),
}
URGENT = {
    "tcp-urgent": ipv4(6, tcp(PSH | ACK | URG, b"GET / HTTP/1.1\r\n", urgent=4)),
    "tcp-urgent-beyond": ipv4(6, tcp(PSH | ACK | URG, b"x", urgent=65535)),
    "tcp-urgent-nothing": ipv4(6, tcp(ACK | URG, urgent=1)),
    "tcp-urgent-syn": ipv4(6, tcp(SYN | URG, b"x", urgent=1)),
    "tcp-urgent-flag-less": ipv4(6, tcp(PSH | ACK, b"xyz", urgent=2)),
}
WINDOWS = {
    "tcp-window-zero": ipv4(6, tcp(ACK, window=0)),
    "tcp-window-zero-syn": ipv4(6, tcp(SYN, window=0)),
    "tcp-window-scale-255": ipv4(6, tcp(SYN, options=b"\3\3\xff\0")),
    "tcp-segment-size-zero": ipv4(6, tcp(SYN, options=b"\2\4\0\0")),
}
LIES = {
    "tcp-option-length-zero": ipv4(6, tcp(SYN, options=b"\2\0\5\xb4")),
    "tcp-option-length-one": ipv4(6, tcp(SYN, options=b"\2\1\5\xb4")),
    "tcp-option-length-beyond": ipv4(6, tcp(SYN, options=b"\2\xff\5\xb4")),
    "tcp-option-without-length": ipv4(6, tcp(SYN, options=b"\1\1\1\2")),
    "tcp-option-selective-odd": ipv4(6, tcp(ACK, options=b"\5\x05\1\2\3\4\5\6\7\1\1\1")),
    "tcp-offset-all-of-it": ipv4(6, tcp(SYN, b"x" * 40, offset=15)),
    "tcp-every-flag": ipv4(6, tcp(0xff)),
    "tcp-no-flag": ipv4(6, tcp(0, b"x")),
    "udp-length-zero": ipv4(17, udp(b"x", 123, size=0)),
    "udp-length-of-less-than-a-header": ipv4(17, udp(b"x", 123, size=7)),
    "udp-length-less": ipv4(17, udp(b"xyz", 123, size=9)),
    "ip-option-length-zero": ipv4(17, udp(b"x", 123), options=b"\x83\0\4\0"),
    "ip-option-length-beyond": ipv4(17, udp(b"x", 123), options=b"\x83\x28\4\0"),
    "ip-source-route": ipv4(17, udp(b"x", 123), options=b"\x83\7\4\xc0\0\2\1\0"),
    "ip-header-of-nothing": ipv4(17, udp(b"x", 123), size=20),
    "ip-length-zero": ipv4(17, udp(b"x", 123), size=0),
    "ipv6-length-zero": ipv6(17, udp(b"x", 123), size=0),
    "ipv6-udp-length-zero": ipv6(17, udp(b"x", 123, size=0)),
}
NEIGHBOURS = {
    "arp-reply-for-the-gateway": arp(2, WORKER_MAC, GATEWAY, GATEWAY_MAC, GATEWAY),
    "arp-gratuitous": arp(1, WORKER_MAC, SERVER, EVERYBODY, SERVER, destination=EVERYBODY),
    "arp-of-another-sender": arp(1, GATEWAY_MAC, WORKER, bytes(6), GATEWAY, destination=EVERYBODY),
    "arp-for-another-target": arp(1, WORKER_MAC, WORKER, bytes(6), SERVER, destination=EVERYBODY),
    "arp-other-hardware": arp(1, WORKER_MAC, WORKER, bytes(6), GATEWAY, hardware=6),
    "arp-cut": arp(1, WORKER_MAC, WORKER, bytes(6), GATEWAY)[:41],
    "ndp-redirect": ndp(137, SERVER6, SERVER6 + b"\2\1" + WORKER_MAC),
    "ndp-advertises-the-gateway": ndp(136, GATEWAY6, b"\2\1" + WORKER_MAC),
    "ndp-option-length-zero": ndp(135, GATEWAY6, b"\1\0" + WORKER_MAC),
    "ndp-router": ndp(134, bytes(8), b"\3\4\x40\xc0" + bytes(28), ip_address("ff02::1").packed),
    "icmp-redirect": ipv4(1, struct.pack("!BBH", 5, 1, 0) + SERVER + ipv4(17, udp(b"", 123))[14:]),
}
BOOTP = struct.pack("!BBBBI", 1, 1, 6, 0, 7) + bytes(20) + WORKER_MAC + bytes(202)
SERVICES = {
    "dhcp-discover": ipv4(17, udp(BOOTP + b"\x63\x82\x53\x63\x35\1\1\xff", 67, 68), source=bytes(4),
                          destination=b"\xff" * 4),
    "dhcp-option-length-lies": ipv4(17, udp(BOOTP + b"\x63\x82\x53\x63\x35\xff\1", 67, 68)),
    "bootp-to-the-gateway": ipv4(17, udp(BOOTP, 67, 68), destination=GATEWAY),
    "tftp-read": ipv4(17, udp(b"\0\1/etc/passwd\0octet\0", 69), destination=GATEWAY),
    "tftp-climbs": ipv4(17, udp(b"\0\1../../etc/passwd\0octet\0blksize\0" + b"65464\0", 69),
                        destination=GATEWAY),
    "dns-to-libslirp": ipv4(17, udp(b"\0\7\1\0\0\1" + bytes(6) + b"\1a\0\0\1\0\1", 53),
                            destination=ip_address("10.0.2.3").packed),
}

OPENED = [ipv4(6, tcp(SYN)), (answered, ipv4(6, tcp(SYN | ACK, sequence=7, acknowledgement=2))),
          ipv4(6, tcp(ACK, sequence=2, acknowledgement=8))]
TALKS = {
    "hostile-fragments": FRAGMENTS.values(),
    "hostile-lies": LIES.values(),
    "hostile-neighbours": NEIGHBOURS.values(),
    "hostile-services": SERVICES.values(),
    "hostile-syn-flood": [ipv4(6, tcp(SYN, source=4000 + i % 40, sequence=i)) for i in range(80)],
    "hostile-urgent": [*OPENED, *URGENT.values()],
    "hostile-windows": [
        *OPENED, *WINDOWS.values(),
        (answered, ipv4(6, tcp(ACK, window=0, sequence=8, acknowledgement=2))),
        *(ipv4(6, tcp(PSH | ACK, b"x", sequence=2)) for _ in range(4)), # probes of the window
    ],
    "hostile-resets": [
        *OPENED, ipv4(6, tcp(RST, sequence=0x7fffffff)), ipv4(6, tcp(SYN, sequence=9)),
        (answered, ipv4(6, tcp(RST | ACK, sequence=9, acknowledgement=10))),
        ipv4(6, tcp(PSH | ACK, b"late", sequence=10)), ipv4(6, tcp(FIN | ACK)), ipv4(6, tcp(FIN | ACK)),
    ],
}


def main():
    corpus = Path(sys.argv[1])
    for group in (FRAGMENTS, URGENT, WINDOWS, LIES, NEIGHBOURS, SERVICES):
        for name, frame in group.items():
            (corpus / "packet" / name).write_bytes(frame)
    for name, frames in TALKS.items():
        with open(corpus / "gate" / name, "wb") as file:
            for frame in frames:
                inbound = isinstance(frame, tuple)
                frame = frame[0](frame[1]) if inbound else frame
                file.write(struct.pack("!H", len(frame) | inbound << 15) + frame)


main()
