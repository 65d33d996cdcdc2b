# SPDX-License-Identifier: LGPL-2.1-or-later
"""--pcap: every frame of the worker's, for tcpdump and Wireshark, where it cannot change it."""

import json
import os
import stat
import struct
import subprocess

import pytest

TALK = """
    with socket.create_connection(("198.51.100.10", 9000), timeout=10) as sock:
        sock.sendall(b"hello capture")
        out["echo"] = sock.recv(100).decode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.sendto(b"time", ("192.0.2.7", 123))
        out["time"] = sock.recv(100).decode()
        sock.settimeout(0.2)
        out["denied"] = attempt(sock.sendto, b"denied datagram", ("203.0.113.77", 5555))
        attempt(sock.recv, 100)
"""
FLAGS = ["--allow-net=198.51.100.10,192.0.2.7/udp"]


def records(path):
    """[(seconds, frame), ...]"""
    data = path.read_bytes()
    assert struct.unpack("=IHHIIII", data[:24]) == (0xa1b2c3d4, 2, 4, 0, 0, 262144, 1)
    found, at = [], 24
    while at < len(data):
        seconds, micros, size, full = struct.unpack("=IIII", data[at:at + 16])
        assert size == full and at + 16 + size <= len(data)
        found.append((seconds + micros / 1e6, data[at + 16:at + 16 + size]))
        at += 16 + size
    return found


def tcpdump(path):
    result = subprocess.run(["tcpdump", "-nn", "-e", "-A", "-r", path], capture_output=True, text=True,
                            errors="replace", check=False, timeout=20)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("\n") <= 2 and "truncated" not in result.stderr, result.stderr
    return result.stdout


def test_tcpdump_reads_it(net):
    out, result = net.json(*FLAGS, "--pcap=c.pcap", code=TALK)
    assert out["echo"] == "hello capture" and out["time"] == "time", str(result)
    path = net.directory / "c.pcap"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = tcpdump(path)
    assert "> 198.51.100.10.9000: Flags [S]" in text, text
    assert "198.51.100.10.9000 >" in text and text.count("hello capture") == 2, text
    assert "192.0.2.7.123: " in text
    # What was refused is there as it was sent, and so is the answer to it.
    assert "> 203.0.113.77.5555: " in text and "denied datagram" in text, text
    assert "admin prohibited" in text or "unreachable" in text, text
    # The end of the connection, too: both sides' FIN.
    assert text.count("Flags [F.]") >= 2, text
    times = [when for when, _frame in records(path)]
    assert times == sorted(times) and 0 <= times[-1] - times[0] < 30
    assert [event.object for event in result.denied("net")] == ["203.0.113.77:5555"], str(result)


def tshark(path, *fields):
    """What Wireshark makes of each frame: {field: values}; it looks at every checksum."""
    options = [word for protocol in ("ip", "tcp", "udp")
               for word in ("-o", f"{protocol}.check_checksum:TRUE")]
    options += [word for field in fields for word in ("-e", field)]
    result = subprocess.run(["tshark", "-n", "-r", path, *options, "-T", "json"], check=False,
                            capture_output=True, text=True, timeout=60, env={**os.environ, "HOME": "/tmp"})
    assert result.returncode == 0 and result.stderr == "", result.stderr
    return [frame["_source"]["layers"] for frame in json.loads(result.stdout)]


def test_two_segments_fill_the_window(net):
    """What libslirp is asked for, by either family: it sends no third one of two bytes."""
    out, result = net.json("--allow-net=198.51.100.21:443,[2001:db8:1::21]:443", "--pcap=c.pcap", code="""
        for address in ("198.51.100.21", "2001:db8:1::21"):
            with socket.create_connection((address, 443), timeout=10):
                out[address] = True
    """)
    assert len(out) == 2, str(result)
    frames = tshark(net.directory / "c.pcap", "tcp.flags.syn", "tcp.flags.ack", "tcp.options.mss_val")
    asked = [frame["tcp.options.mss_val"] for frame in frames
             if frame.get("tcp.flags.syn") in (["1"], ["True"])
             and frame["tcp.flags.ack"] in (["0"], ["False"])]
    assert asked == [["32767"], ["32767"]], frames


def test_wireshark_reads_it(net):
    """As what it is: names asked for by TLS, the time, both families, nothing malformed or broken."""
    out, result = net.json(
        "--allow-net=github.com:443,six.example:443,time.example:123/udp", "--pcap=c.pcap", code="""
        import ssl, struct, urllib.request
        for name in ("github.com", "six.example"):
            out[name] = urllib.request.urlopen(f"https://{name}/x", timeout=10).read().decode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.sendto(b"\x23" + bytes(47), (socket.gethostbyname("time.example"), 123))
            out["time"] = len(sock.recv(100))
    """)
    assert out["github.com"] and out["six.example"] and out["time"] == 48, str(result)
    frames = tshark(net.directory / "c.pcap", "frame.protocols", "ip.dst", "ipv6.dst", "ip.checksum.status",
                    "tcp.checksum.status", "udp.checksum.status", "tls.handshake.extensions_server_name",
                    "ntp.flags.mode", "_ws.malformed", "tcp.analysis.lost_segment")
    assert len(frames) == len(records(net.directory / "c.pcap")) > 20

    def values(field):
        return [value for frame in frames for value in frame.get(field, [])]

    assert values("tls.handshake.extensions_server_name") == ["github.com", "six.example"], frames
    assert values("ntp.flags.mode") == ["3", "4"], frames
    assert {"198.51.100.10", "192.0.2.7"} <= set(values("ip.dst")) and "2001:db8:1::20" in values("ipv6.dst")
    for protocol in ("ip", "tcp", "udp"):
        assert set(values(f"{protocol}.checksum.status")) == {"1"}, (protocol, frames)
    assert values("_ws.malformed") == [] and values("tcp.analysis.lost_segment") == [], frames


def test_nothing_is_missing_of_much(net):
    out, result = net.json("--allow-net=198.51.100.10", "--pcap=c.pcap", code="""
        import urllib.request
        out["size"] = len(urllib.request.urlopen("http://198.51.100.10/big", timeout=20).read())
    """)
    assert out["size"] == 1 << 22 and result.stderr == "", str(result)
    got = sum(len(frame) for _when, frame in records(net.directory / "c.pcap"))
    assert got > 1 << 22


def test_an_older_file_is_replaced(box):
    path = box.write("c.pcap", "x" * 100000)
    box.json("--allow-net=198.51.100.10", "--pcap=c.pcap", code="pass\n")
    assert len(records(path)) < 50


def test_without_a_network(box):
    """There are no frames, and this is said; the file can be read all the same."""
    out, result = box.json("--pcap=c.pcap", code="out['fine'] = True\n")
    assert out["fine"] and "--pcap" in result.stderr and "no network is granted" in result.stderr
    assert records(box.directory / "c.pcap") == [] and tcpdump(box.directory / "c.pcap") == ""


def test_to_a_reader_that_is_slow_or_goes(box):
    """The program is not held up by whoever reads."""
    fifo = box.directory / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    code = """
        import urllib.request
        for _ in range(2):
            out["size"] = len(urllib.request.urlopen("http://198.51.100.10/big", timeout=20).read())
    """
    out, result = box.json("--allow-net=198.51.100.10", "--pcap=fifo", code=code)
    assert out["size"] == 1 << 22 and result.seconds < 10, str(result)
    assert result.stderr.count("buntime: limit pcap: ") >= 1, str(result)
    os.close(reader)
    result = box.run("--allow-net=198.51.100.10", "--pcap=fifo", code="pass\n")
    assert result.status == 2 and "--pcap=fifo" in result.stderr, str(result)


@pytest.mark.parametrize("flags,words", [
    (["--allow-write=.", "--allow-read=.", "--pcap=c.pcap"], "the program may write there"),
    (["--pcap=link.pcap"], "a symbolic link"),
    (["--pcap=missing/c.pcap"], "No such file or directory"),
    (["--pcap=folder"], "Is a directory"),
    (["--pcap=a.pcap", "--pcap=b.pcap"], "another"),
    (["--no-sandbox", "--pcap=c.pcap"], "without a sandbox"),
])
def test_refused(box, flags, words):
    (box.directory / "folder").mkdir()
    target = box.write("target", "as it was")
    (box.directory / "link.pcap").symlink_to(target)
    result = box.run(*flags, code="print('ran')\n")
    assert result.status == 2 and result.stdout == "" and words in result.stderr, str(result)
    assert target.read_text() == "as it was"
    assert not (box.directory / "c.pcap").exists()


def test_the_program_has_no_way_to_it(box):
    """Neither by a descriptor nor, where it may read, as more than a reader."""
    out, result = box.json("--allow-net=198.51.100.10", "--allow-read=.", "--pcap=c.pcap", code="""
        out["fds"] = sorted(os.listdir("/proc/self/fd"))
        out["write"] = attempt(open, "c.pcap", "r+b")
        out["read"] = attempt(lambda: len(open("c.pcap", "rb").read(24)))
    """)
    assert out["write"] in ("EACCES", "EROFS") and out["read"] == 24, str(result)
    assert set(out["fds"]) <= {"0", "1", "2", "3"}, str(result)
