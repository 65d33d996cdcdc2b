# SPDX-License-Identifier: LGPL-2.1-or-later
"""--allow-sys: what a program learns of the machine."""

import os
import re
import socket

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


def test_hostname(box):
    out, _ = box.json("-A", code=FACTS)
    assert out["hostname"] == out["etc"] == socket.gethostname()
    assert socket.gethostname() in out["hosts"]
    assert out["total"] == memory_of(out["meminfo"]) == TOTAL
    assert out["vmstat"] == "read"


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
