# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that a policy knows by their SHA-256: those bytes run, and no others."""

import hashlib
import json
import os
import shutil
import subprocess

import pytest

from native import Attack, compile_c
from tier import UNSEEN


def sum_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def policy(box, *rules, **more):
    return box.write("p.json", json.dumps({"version": 1, "exec": {"rules": list(rules)}} | more))


@pytest.fixture
def tool(box):
    source = box.write("tool.c", '#include <stdio.h>\nint main(void) { puts("tool"); return 7; }\n')
    return compile_c(source, box.directory / "bin/tool")


RUN = """
    for path in sys.argv[1:]:
        out[path] = attempt(lambda: subprocess.run([path], capture_output=True).returncode)
"""


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("place", ["path", "glob"])
def test_the_bytes_that_were_meant_run(box, tool, place, upper):
    total = sum_of(tool).upper() if upper else sum_of(tool)
    shutil.copy("/usr/bin/env", box.directory / "bin/other")
    policy(box, {"action": "allow", place: "bin/tool" if place == "path" else "bin/*",
                 "sha256": total})
    out, result = box.json("--policy=./p.json", "--allow-read=bin", code=RUN,
                           args=[tool, box.directory / "bin/other"])
    assert out == {str(tool): 7, f"{box.directory}/bin/other": "EACCES"}, str(result)
    assert "is not granted to run" not in result.stderr


@pytest.mark.parametrize("read", [[], ["--allow-read=."]])
def test_other_bytes_do_not(box, tool, read):
    policy(box, {"action": "allow", "path": "bin/tool", "sha256": "0" * 64})
    out, result = box.json("--policy=./p.json", *read, code=RUN, args=[tool])
    assert out == {str(tool): "EACCES" if read else UNSEEN}
    assert f"is not granted to run: its SHA-256 is {sum_of(tool)}" in result.stderr, str(result)
    assert "p.json:1: exec.rules[0]" in result.stderr


SLOW = """
    import sys, subprocess
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        print(subprocess.run(sys.argv[1:], capture_output=True).returncode)
    except OSError as error:
        print(error.errno)
"""


@pytest.mark.parametrize("read", [[], ["--allow-read=bin"]])
@pytest.mark.parametrize("how", ["overwrite", "replace", "unlink"])
def test_what_comes_later_does_not_run(box, tool, how, read):
    """The bytes that were summed are those that run, whatever the host has by then."""
    policy(box, {"action": "allow", "path": "bin/tool", "sha256": sum_of(tool)})
    other = compile_c(box.write("evil.c", "int main(void) { return 9; }\n"), box.directory / "evil")
    with box.spawn("--policy=./p.json", *read, code=SLOW, args=[tool]) as process:
        assert process.stdout.readline() == b"ready\n"
        if how == "overwrite":
            tool.write_bytes(other.read_bytes())
        elif how == "replace":
            os.replace(other, tool)
        else:
            tool.unlink()
        process.stdin.write(b"\n")
        process.stdin.flush()
        # With a name that the host takes away goes what is mounted on it; where the name is the
        # sandbox's own it stays.
        gone = {b"13\n", b"2\n"} if read and how != "overwrite" else set()
        assert process.stdout.readline() in {b"7\n"} | gone


def test_by_all_its_names_and_no_copy(box, tool):
    policy(box, {"action": "allow", "path": "bin/tool", "sha256": sum_of(tool)})
    names = ["exec", "empty-path", "o-path", "proc-fd", "dirfd", "symlink"]
    copies = ["copy", "memfd", "tmpfile", "copy-loader"]
    found, result = Attack(box)("--policy=./p.json", on=tool, ops=[*names, *copies])
    assert {found[op, str(tool)] for op in names} == {"ran"}, str(result)
    assert "ran" not in {found[op, str(tool)] for op in copies}, str(result)


def test_it_knows_its_own_path(box):
    """Programs find their files by it, and it is what its other names lead to."""
    shutil.copy("/usr/bin/readlink", box.directory / "readlink")
    policy(box, {"action": "allow", "path": "./readlink",
                 "sha256": sum_of(box.directory / "readlink")})
    out, result = box.json("--policy=./p.json", code="""
        done = subprocess.run([os.path.abspath("readlink"), "/proc/self/exe"],
                              capture_output=True, text=True)
        out["exe"] = done.stdout.strip()
    """)
    assert out == {"exe": f"{box.directory}/readlink"}, str(result)


def test_the_worker_cannot_change_it(box, tool):
    policy(box, {"action": "allow", "path": "bin/tool", "sha256": sum_of(tool)})
    out, result = box.json("--policy=./p.json", "--allow-write=.", "--allow-read=.", code="""
        path = sys.argv[1]
        copies = "/run/buntime/programs"
        for name, where in (("path", path), ("copy", copies + "/0")):
            out[name + " write"] = attempt(open, where, "r+b")
            out[name + " chmod"] = attempt(os.chmod, where, 0o777)
            out[name + " unlink"] = attempt(os.unlink, where)
        out["copy run"] = attempt(lambda: subprocess.run([copies + "/0"]).returncode)
        out["tool"] = attempt(lambda: subprocess.run([path], capture_output=True).returncode)
    """, args=[tool])
    assert out.pop("tool") == 7, str(result)
    assert set(out.values()) <= {"EACCES", "EROFS", "EBUSY", "EPERM"}, out


def test_scripts_and_interpreters(box):
    script = box.write("script", "#!/bin/sh\nexit 5\n", 0o755)
    policy(box, {"action": "allow", "path": "./script", "sha256": sum_of(script)})
    out, result = box.json("--policy=./p.json", code=RUN, args=[script])
    assert out == {str(script): "EACCES"}
    [event] = result.denied("run")
    out, result = box.json("--policy=./p.json", event.allow, code=RUN, args=[script])
    assert event.allow == "--allow-run=/usr/bin/dash" and out == {str(script): 5}, str(result)


def test_a_denied_sum(box, tool):
    shutil.copy("/usr/bin/env", box.directory / "bin/env")
    policy(box, {"action": "allow", "path": "./bin"},
           {"action": "deny", "glob": "bin/*", "sha256": sum_of(tool)})
    out, result = box.json("--policy=./p.json", code=RUN, args=[tool, box.directory / "bin/env"])
    assert out == {str(tool): "EACCES", f"{box.directory}/bin/env": 0}, str(result)
    assert "exec.rules[1]" in result.denied("run", str(tool))[0].rule


def test_a_denied_sum_of_what_can_be_written(box, tool):
    policy(box, {"action": "allow", "path": "bin/tool"},
           {"action": "deny", "path": "bin/tool", "sha256": "0" * 64})
    result = box.run("--policy=./p.json", "--allow-write=.", code="")
    assert result.status == 125 and "exec.rules[1]" in result.stderr, str(result)
    assert "so the denied bytes could be put there" in result.stderr


def test_a_warned_sum(box, tool):
    policy(box, {"action": "warn", "path": "bin/tool", "sha256": sum_of(tool)})
    out, result = box.json("--policy=./p.json", code=RUN, args=[tool])
    assert out == {str(tool): 7}
    assert [event.object for event in result.events if event.action == "warned"] == [str(tool)]


def test_a_sum_of_a_directory(box, tool):
    policy(box, {"action": "allow", "path": "./bin", "sha256": "0" * 64})
    result = box.run("--policy=./p.json", code="")
    assert result.status == 125 and "this is a directory" in result.stderr, str(result)


def test_the_interpreter_itself(box):
    """The worker's own program is granted by its entry; its bytes are the ones that were summed."""
    from pathlib import Path
    python = Path("/usr/bin/python3").resolve()
    policy(box, {"action": "allow", "path": str(python), "sha256": sum_of(python)})
    out, result = box.json("--policy=./p.json", code="""
        out["exe"] = os.readlink("/proc/self/exe")
        out["again"] = subprocess.run([sys.executable, "-c", "import ctypes"]).returncode
        out["device"] = os.stat(sys.executable).st_dev == os.stat("/").st_dev
    """)
    assert out == {"exe": str(python), "again": 0, "device": True}, str(result)


def test_a_large_program(box, tool):
    """More than the sandbox's root otherwise holds."""
    with tool.open("ab") as file:
        file.truncate(100 << 20)
    policy(box, {"action": "allow", "path": "bin/tool", "sha256": sum_of(tool)})
    out, result = box.json("--policy=./p.json", code=RUN, args=[tool], timeout=60)
    assert out == {str(tool): 7}, str(result)
    subprocess.run(["truncate", "-s", str((128 << 20) + 1), tool], check=True)
    result = box.run("--policy=./p.json", code="")
    assert result.status == 125 and "at most 128 MiB" in result.stderr, str(result)
