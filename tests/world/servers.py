#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The servers of one network of the world: servers.py internet|host WORLD.

Each writes what happens to WORLD/log/ROLE.jsonl, one JSON object a line:

    {"kind": "tcp", "addr": A, "port": P}            a connection was accepted
    {"kind": "udp", "addr": A, "port": P}            a datagram arrived
    {"kind": "http", "host": H}                      a request at port 8081
    {"kind": "dns", "name": N, "type": T, "proto": "udp"|"tcp"}
    {"kind": "packet", "proto": N, "src": A, "source_port": P, "addr": A, "port": P, "opens": B}
                                                     came in from the host's network; opens: it may
                                                     be the first of its connection
    {"kind": "lost", "count": N}                     so many packets came in before, of which nothing
                                                     is known
"""

import ctypes
import json
import multiprocessing
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import addresses  # noqa: E402
import sites  # noqa: E402

IP_PKTINFO = 8
SOL_PACKET, PACKET_STATISTICS = 263, 6


class Log:
    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def add(self, **record):
        os.write(self.fd, (json.dumps(record) + "\n").encode())


def thread(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()


def listen_tcp(log, address, port, serve):
    """Accepts for ever; each connection is logged by the address it came to."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(128)

    def accept():
        while True:
            connection, peer = listener.accept()
            local = connection.getsockname()
            log.add(kind="tcp", addr=local[0], port=port, peer=peer[0])
            thread(attend, connection)

    def attend(connection):
        connection.settimeout(20)
        try:
            serve(connection)
        except (OSError, ValueError):
            pass
        connection.close()

    thread(accept)


def listen_udp(log, address, port, answer):
    """Answers from the address that was asked, as a host with many addresses must."""
    if ":" in address:
        listen_udp6(log, address, port, answer)
        return
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    sock.bind((address, port))

    def serve():
        while True:
            data, ancillary, _flags, peer = sock.recvmsg(65535, 1024)
            packed = ancillary[0][2]
            local = socket.inet_ntoa(packed[8:12])
            log.add(kind="udp", addr=local, port=port, peer=peer[0])
            reply = answer(data)
            if reply is not None:
                info = struct.pack("i4s4s", 0, packed[8:12], bytes(4))
                try:
                    sock.sendmsg([reply], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, peer)
                except OSError:
                    pass

    thread(serve)


def listen_udp6(log, address, port, answer):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    sock.bind((address, port))

    def serve():
        while True:
            data, ancillary, _flags, peer = sock.recvmsg(65535, 1024)
            packed = ancillary[0][2][:16]
            log.add(kind="udp", addr=socket.inet_ntop(socket.AF_INET6, packed), port=port,
                    peer=peer[0])
            info = packed + struct.pack("i", 0)
            try:
                sock.sendmsg([answer(data)],
                             [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)], 0, peer)
            except OSError:
                pass

    thread(serve)


# ---- HTTP and HTTPS, as little as a client needs ----

def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(4096)
        if not part:
            raise ValueError("closed")
        data += part
        if len(data) > 65536:
            raise ValueError("too long")
    return data.decode("latin-1")


def serve_http(connection):
    request = read_request(connection)
    lines = request.split("\r\n")
    host = next((line[5:].strip() for line in lines if line.lower().startswith("host:")), "")
    path = lines[0].split(" ")[1]
    body = f"hello from {host}{path}\n".encode()
    if path.startswith("/late"):
        time.sleep(addresses.LATE)
    if path.startswith("/big"):
        body = b"x" * (1 << 22)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode() + body)


def http_server_of_many(log):
    """Answers request after request of a connection; a WebSocket is an echo."""
    def serve(connection):
        while True:
            lines = read_request(connection).lower().split("\r\n")
            host = next((line[5:].strip() for line in lines if line.startswith("host:")), "")
            log.add(kind="http", host=host)
            if "upgrade: websocket" in lines:
                connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
                serve_echo(connection)
                return
            body = f"hello from {host}\n".encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    return serve


def https_server(world):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(world / "server.pem", world / "server.key")
    context.sni_callback = lambda secure, name, _context: setattr(secure, "asked", name)

    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            if getattr(secure, "asked", None) in sites.NAMES:
                sites.Site(secure, connection, None)
            else:
                serve_http(secure)

    return serve


def h2_frame(kind, flags, stream, payload=b""):
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def serve_h2(connection, name):
    """One answer to each request; its headers are not read (HPACK), the name is TLS's."""
    def read(size):
        data = connection.recv(size)
        while len(data) < size:
            part = connection.recv(size - len(data))
            if not part:
                raise ValueError("closed")
            data += part
        return data

    read(24)  # the client's preface
    connection.sendall(h2_frame(4, 0, 0))
    while True:
        head = read(9)
        size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        stream = int.from_bytes(head[5:], "big")
        payload = read(size) if size else b""
        if kind == 4 and not flags & 1:  # SETTINGS
            connection.sendall(h2_frame(4, 1, 0))
        elif kind == 6 and not flags & 1:  # PING
            connection.sendall(h2_frame(6, 1, 0, payload))
        elif kind == 1:  # HEADERS: ":status: 200" is entry 8 of HPACK's table
            body = f"hello from {name} by HTTP/2\n".encode()
            connection.sendall(h2_frame(1, 4, stream, b"\x88") + h2_frame(0, 1, stream, body))
        elif kind == 7:  # GOAWAY
            return


def h2_server(world):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(world / "server.pem", world / "server.key")
    context.set_alpn_protocols(["h2"])
    context.sni_callback = lambda secure, name, _context: setattr(secure, "asked", name)

    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            serve_h2(secure, secure.asked)

    return serve


def serve_echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)


def answer_datagram(data):
    """A question of SNTP (RFC 4330) is answered in kind; everything else is said back."""
    if len(data) != 48 or data[0] & 7 != 3:
        return data
    now = struct.pack("!II", int(time.time()) + 2208988800, 0)
    return struct.pack("!BBbbIII", 0x24, 1, 0, -20, 0, 0, 0) + now + data[40:48] + now + now


# ---- DNS ----

TYPES = {1: "A", 12: "PTR", 28: "AAAA", 65: "HTTPS"}


def parse_name(data, offset):
    labels = []
    while data[offset]:
        length = data[offset]
        labels.append(data[offset + 1:offset + 1 + length].decode("latin-1"))
        offset += 1 + length
    return ".".join(labels).lower(), offset + 1


def dns64():
    """The prefix, of 96 bits, by which this network makes addresses of IPv6; "fail": it cannot say."""
    try:
        return (Path(sys.argv[2]) / "dns64").read_text(encoding="ascii")
    except FileNotFoundError:
        return None


def answer_dns(log, data, proto):
    try:
        name, end = parse_name(data, 12)
        kind, _class = struct.unpack("!HH", data[end:end + 4])
    except (IndexError, struct.error):
        return None
    log.add(kind="dns", name=name, type=TYPES.get(kind, str(kind)), proto=proto)
    if name == "late.example":
        time.sleep(addresses.LATE)
    question = data[12:end + 4]
    known = addresses.look_up(name)
    prefix = dns64()
    failed = prefix == "fail" and name in addresses.REGISTERED
    if kind == 28 and prefix and not any(":" in address for address in known or [":"]):
        known = [prefix + address for address in known if not failed]
    answers = b""
    count = 0
    for address in [] if failed else known or []:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        packed = socket.inet_pton(family, address)
        if kind == {4: 1, 16: 28}[len(packed)]:
            answers += struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(packed)) + packed
            count += 1
    # NOERROR, SERVFAIL or NXDOMAIN, authoritative
    flags = 0x8583 if known is None else 0x8582 if failed else 0x8580
    if proto == "udp" and len(question) + len(answers) + 12 > 512:
        flags |= 0x0200  # truncated: ask again by TCP
        answers, count = b"", 0
    return data[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + question + answers


def serve_dns_tcp(log):
    def serve(connection):
        while True:
            head = connection.recv(2, socket.MSG_WAITALL)
            if len(head) < 2:
                return
            data = connection.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
            reply = answer_dns(log, data, "tcp")
            if reply is None:
                return
            connection.sendall(struct.pack("!H", len(reply)) + reply)
    return serve


# ---- what arrives at all ----

def read_packet(ethertype, data):
    """(protocol, source, destination, payload) of what a program could have sent; else None."""
    if ethertype == 0x0800 and len(data) >= 24:
        return (data[9], socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20]),
                data[(data[0] & 15) * 4:])
    if ethertype == 0x86dd and len(data) >= 44:
        # The host's own kernel looks for its router and tells of its groups.
        if data[24] == 0xff or (data[6] == 58 and 133 <= data[40] <= 137):
            return None
        return (data[6], socket.inet_ntop(socket.AF_INET6, data[8:24]),
                socket.inet_ntop(socket.AF_INET6, data[24:40]), data[40:])
    return None


def sniff(log, interface):
    """
    Every packet that comes out of the host, whatever becomes of it here. In a process of its own:
    the servers' threads would keep it from what comes in a burst.
    """
    every = 3  # ETH_P_ALL: one socket, so that what came first is told first
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(every))
    # Not what goes out: large segments would take the room, and what came in be lost.
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in (
        (0x30, 0, 0, 0xfffff004),  # the packet's direction
        (0x15, 1, 0, socket.PACKET_OUTGOING), (0x06, 0, 0, 128), (0x06, 0, 0, 0))))
    sock.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", 4, ctypes.addressof(code)))  # SO_ATTACH_FILTER
    # As much as there may be: of a burst on a busy machine nothing is to be missed.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    sock.bind((interface, every))

    def look():
        while True:
            data, (_name, ethertype, direction, _hw, _address) = sock.recvfrom(128)
            # Before this packet is told of, since it may be the one that is waited for.
            lost = struct.unpack("II", sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
            if lost:
                log.add(kind="lost", count=lost)
            packet = read_packet(ethertype, data)
            if direction == socket.PACKET_OUTGOING or packet is None:
                continue
            proto, source, destination, payload = packet
            source_port, port = (0, 0) if proto not in (6, 17) else \
                struct.unpack("!HH", payload.ljust(4, b"\0")[:4])
            syn_alone = len(payload) > 13 and payload[13] & 0x12 == 2
            log.add(kind="packet", proto=proto, src=source, source_port=source_port,
                    addr=destination, port=port, opens=proto != 6 or syn_alone)

    multiprocessing.get_context("fork").Process(target=look, daemon=True).start()


def internet(world, log):
    print("here", flush=True)
    sys.stdin.readline()
    lines = ["link set lo up", f"addr add {addresses.ROUTER}/24 dev inet0", "link set inet0 up"]
    lines += [f"addr add {address}/32 dev lo" for address in addresses.INTERNET_ADDRESSES]
    lines += [f"addr add {addresses.ROUTER6}/64 dev inet0 nodad"]
    lines += [f"addr add {address}/128 dev lo nodad" for address in addresses.INTERNET_ADDRESSES6]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)
    sniff(log, "inet0")
    for port in addresses.TCP_PORTS:
        serve = {443: https_server(world), 80: serve_http, 8080: serve_http,
                 8081: http_server_of_many(log), 8444: h2_server(world)}.get(port, serve_echo)
        listen_tcp(log, "0.0.0.0", port, serve)
        listen_tcp(log, "::", port, serve)
    for port in addresses.UDP_PORTS:
        listen_udp(log, "0.0.0.0", port, answer_datagram)
        listen_udp(log, "::", port, answer_datagram)
    listen_udp(log, "0.0.0.0", 53, lambda data: answer_dns(log, data, "udp"))
    listen_tcp(log, "0.0.0.0", 53, serve_dns_tcp(log))


def host(_world, log):
    for address, port in addresses.HOST_TCP + addresses.HOST_TCP6:
        listen_tcp(log, address, port, serve_echo)
    for address, port in addresses.HOST_UDP + addresses.HOST_UDP6:
        listen_udp(log, address, port, lambda data: data)


def main():
    role, world = sys.argv[1], Path(sys.argv[2])
    log = Log(world / "log" / f"{role}.jsonl")
    {"internet": internet, "host": host}[role](world, log)
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
