# SPDX-License-Identifier: LGPL-2.1-or-later
"""--allow-ffi, --deny-ffi, --allow-sys, --deny-sys: each allowed and denied."""

import ctypes.util
import shutil
import socket
import subprocess

import pytest

LOAD = """
    import ctypes
    for path in sys.argv[1:]:
        out[path] = attempt(lambda: ctypes.CDLL(path).abs(-7))
"""


@pytest.fixture
def libraries(box):
    """Two copies of the C library's neighbour, which need nothing else."""
    loaded = subprocess.run(["ldconfig", "-p"], check=True, capture_output=True, text=True,
                            env={"PATH": "/usr/sbin:/sbin:/usr/bin"}).stdout
    name = ctypes.util.find_library("m")
    path = next(line.split("=> ")[1] for line in loaded.splitlines() if name in line)
    (box.directory / "lib").mkdir()
    for copy in ("one.so", "two.so"):
        shutil.copy(path, box.directory / "lib" / copy)
    return [str(box.directory / "lib" / copy) for copy in ("one.so", "two.so")]


def load(box, *flags, paths):
    out, result = box.json("--allow-read=lib", *flags, code=LOAD, args=paths)
    return [out[path] == 7 for path in paths], result


def test_ffi(box, world, libraries):
    """abs() is found through the library's own needs: what counts is that it is loaded."""
    for flags, expected in (
            ([], [False, False]), (["--allow-ffi=lib/one.so"], [True, False]),
            (["--allow-ffi=lib"], [True, True]), (["--allow-ffi"], [True, True]),
            (["--allow-ffi=lib", "--deny-ffi=lib/two.so"], [True, False]),
            (["--allow-ffi", "--deny-ffi"], [False, False])):
        found, result = load(box, *flags, paths=libraries)
        assert found == expected, f"{flags}\n{result}"
        for path, ok in zip(libraries, expected):
            checked = world.run(["check", "--allow-read=lib", *flags, "ffi", path],
                                cwd=box.directory)
            assert checked.status == (0 if ok else 1), str(checked)


SYS = """
    out["hostname"] = socket.gethostname()
    with open("/proc/loadavg") as file:
        out["loadavg"] = file.read() != "0.00 0.00 0.00 1/1 1\\n"
"""


def test_sys(box, world):
    for flags, name, load_seen in (
            ([], False, False), (["--allow-sys=hostname"], True, False),
            (["--allow-sys=loadavg"], False, True), (["--allow-sys"], True, True),
            (["--allow-sys", "--deny-sys=hostname"], False, True)):
        out, result = box.json(*flags, code=SYS)
        assert out == {"hostname": socket.gethostname() if name else "buntime",
                       "loadavg": load_seen}, f"{flags}\n{result}"
        for kind, seen in (("hostname", name), ("loadavg", load_seen)):
            assert world.run(["check", *flags, "sys", kind]).status == (0 if seen else 1)


@pytest.mark.parametrize("flag,complaint", [
    ("--allow-sys=hostnam", "did you mean hostname"), ("--deny-sys=uid", "every process"),
    ("--allow-ffi=nonesuch.so", "nonesuch.so"),
])
def test_refused(box, flag, complaint):
    result = box.run(flag, code="print('ran')\n")
    assert result.status == 2 and complaint in result.stderr and result.stdout == "", str(result)
