# SPDX-License-Identifier: LGPL-2.1-or-later
"""--allow-sys: what a program learns of the machine."""

import os
import re
import socket

import pytest

FACTS = """
    import ctypes, socket

    class Sysinfo(ctypes.Structure):
        _fields_ = [("uptime", ctypes.c_long), ("loads", ctypes.c_ulong * 3),
                    ("totalram", ctypes.c_ulong), ("freeram", ctypes.c_ulong),
                    ("shared", ctypes.c_ulong), ("buffers", ctypes.c_ulong),
                    ("totalswap", ctypes.c_ulong), ("freeswap", ctypes.c_ulong),
                    ("procs", ctypes.c_ushort), ("pad", ctypes.c_ushort),
                    ("totalhigh", ctypes.c_ulong), ("freehigh", ctypes.c_ulong),
                    ("unit", ctypes.c_uint)]

    libc = ctypes.CDLL(None, use_errno=True)
    info = Sysinfo()
    out["sysinfo"] = libc.sysinfo(ctypes.byref(info))
    out["loads"] = list(info.loads)
    out["total"] = info.totalram * info.unit
    out["procs"] = info.procs
    out["uptime"] = info.uptime
    out["hostname"] = socket.gethostname()
    out["etc"] = open("/etc/hostname").read().strip()
    out["loadavg"] = open("/proc/loadavg").read()
    out["meminfo"] = open("/proc/meminfo").read()
    out["hosts"] = open("/etc/hosts").read()
    for name in ("vmstat", "zoneinfo", "buddyinfo", "pressure/cpu"):
        out[name] = attempt(lambda: open("/proc/" + name).read(1) and "read")
    out["bad pointer"] = libc.sysinfo(ctypes.c_void_p(8)), ctypes.get_errno()
    out["interfaces"] = [name for _, name in socket.if_nameindex()]
"""

TOTAL = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def memory_of(meminfo):
    return int(re.search(r"^MemTotal: +(\d+) kB$", meminfo, re.M).group(1)) * 1024


def test_denied(box):
    out, result = box.json(code=FACTS)
    assert out["sysinfo"] == 0, str(result)
    assert out["loads"] == [0, 0, 0] and out["procs"] == 1
    assert out["uptime"] > 0
    assert out["hostname"] == out["etc"] == "buntime"
    assert out["loadavg"] == "0.00 0.00 0.00 1/1 1\n"
    assert memory_of(out["meminfo"]) == out["total"]
    # A power of two: a heap can be sized by it, a machine not be told by it.
    assert out["total"] & (out["total"] - 1) == 0
    assert 256 << 20 <= out["total"] <= 8 << 30
    assert {out[name] for name in ("vmstat", "zoneinfo", "buddyinfo")} == {"EACCES"}
    assert out["pressure/cpu"] in ("EACCES", "ENOENT")
    assert out["bad pointer"] == [-1, 14]
    assert out["interfaces"] == ["lo"]


@pytest.mark.parametrize("flag", ["--allow-sys=hostname", "--allow-sys", "-A"])
def test_hostname(box, flag):
    out, _ = box.json(flag, code=FACTS)
    assert out["hostname"] == out["etc"] == socket.gethostname()
    assert socket.gethostname() in out["hosts"]


def test_one_kind_is_not_another(box):
    out, _ = box.json("--allow-sys=loadavg", code=FACTS)
    assert re.match(r"\d+\.\d\d \d+\.\d\d \d+\.\d\d \d+/\d+ \d+\n", out["loadavg"])
    assert out["loadavg"] != "0.00 0.00 0.00 1/1 1\n"
    assert out["hostname"] == "buntime"
    assert out["total"] & (out["total"] - 1) == 0
    assert out["vmstat"] == "EACCES"


def test_memory(box):
    out, _ = box.json("--allow-sys=systemMemoryInfo", code=FACTS)
    assert out["total"] == memory_of(out["meminfo"]) == TOTAL
    assert out["vmstat"] == "read"
    assert out["loads"] == [0, 0, 0]
    assert out["loadavg"] == "0.00 0.00 0.00 1/1 1\n"


def test_deny_over_allow(box):
    out, _ = box.json("--allow-sys", "--deny-sys=hostname,systemMemoryInfo", code=FACTS)
    assert out["hostname"] == "buntime"
    assert out["vmstat"] == "EACCES"
    assert out["loadavg"] != "0.00 0.00 0.00 1/1 1\n"


def test_interfaces_cannot_be_shown(box):
    result = box.run("--allow-sys=networkInterfaces", code=FACTS)
    assert "the host's cannot be shown" in result.stderr, str(result)


@pytest.mark.parametrize("kind", ["osRelease", "osUptime", "uid", "gid"])
def test_what_cannot_be_hidden_is_not_denied(box, kind):
    result = box.run(f"--deny-sys={kind}", code="pass\n")
    assert result.status == 2, str(result)
    assert kind in result.stderr and "cannot be hidden" in result.stderr


def test_unknown_kind(box):
    result = box.run("--allow-sys=hostnam", code="pass\n")
    assert result.status == 2
    assert "did you mean hostname?" in result.stderr, str(result)


def test_sysinfo_from_many_threads(box):
    out, result = box.json(code="""
        import ctypes, threading
        libc = ctypes.CDLL(None)

        def ask():
            for _ in range(200):
                buffer = ctypes.create_string_buffer(256)
                counts.append(libc.sysinfo(buffer))

        counts = []
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        out["all"] = len(counts)
        out["bad"] = sum(1 for count in counts if count != 0)
    """)
    assert out == {"all": 1600, "bad": 0}, str(result)


def test_a_denied_file_tells_no_fact(box):
    """Who may not read a file is told nothing by it: the event has the rule that refused."""
    out, result = box.json("--audit", "--deny-read=/etc/hostname", code="""
        out["etc"] = attempt(open, "/etc/hostname")
    """)
    assert out["etc"] == "EACCES" and result.denied("sys", "hostname") == [], str(result)
    event, = result.denied("read", "/etc/hostname")
    assert event.rule == "--deny-read=/etc/hostname (command line)"
    out, result = box.json("--audit", code="""
        out["etc"] = open("/etc/hostname").read()
    """)
    assert out["etc"] == "buntime\n" and len(result.denied("sys", "hostname")) == 1, str(result)
