# SPDX-License-Identifier: LGPL-2.1-or-later
"""defaults.fs: allow: the host's tree as the user sees it, minus denials and what is the kernel's."""

import json
import os
import socket
from pathlib import Path

import pytest

from native import Attack
from test_fs_denials import READ, WRITE, write_policy

ALLOW = {"defaults": {"fs": "allow"}}


def test_the_hosts_tree(box):
    box.write("data/a", "a")
    box.write("data/gone", "g")
    (box.directory / "link").symlink_to("data/a")
    out, result = box.json(write_policy(box, **ALLOW), code="""
        out["diary"] = attempt(lambda: open("/home/user/diary.txt").read())
        out["root"] = sorted(os.listdir("/"))
        out["etc"] = attempt(lambda: open("/etc/os-release").read())
        out["link"] = open("link").read()
        out["names"] = sorted(os.listdir("."))
        open("data/new", "w").write("new")
        open("data/a", "a").write("more")
        os.mkdir("data/dir")
        os.rename("data/a", "data/dir/a")
        os.unlink("data/gone")
        os.symlink("dir", "data/link")
        os.chmod("data/new", 0o600)
        os.truncate("data/dir/a", 2)
    """)
    assert out["diary"].startswith("SECRET-DIARY"), str(result)
    assert set(out["root"]) >= {"home", "usr", "var", "opt", "srv"} & set(os.listdir("/")), str(result)
    assert out["link"] == "a" and set(out["names"]) == set(os.listdir(box.directory)), str(result)
    data = box.directory / "data"
    assert (data / "new").read_text() == "new" and (data / "dir/a").read_text() == "am"
    assert not (data / "gone").exists() and (data / "link").is_symlink()
    assert (data / "new").stat().st_mode & 0o777 == 0o600


def test_what_is_the_kernels_is_never_the_hosts(box):
    out, result = box.json(write_policy(box, **ALLOW), code="""
        out["pids"] = len([n for n in os.listdir("/proc") if n.isdigit()])
        out["dev"] = sorted(os.listdir("/dev"))
        for name in ("/sys/class", "/run/systemd", "/dev/kmsg", "/dev/shm/host", "/run/user"):
            out[name] = attempt(os.stat, name)
        for name in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/power/state", "/dev/new",
                     "/run/new", "/etc/passwd"):
            out["write " + name] = attempt(open, name, "w")
        out["tmp"] = os.listdir("/tmp")
        open("/tmp/mine", "w").write("x")
    """)
    assert out["pids"] <= 3 and not {"kmsg", "mem", "sda", "fuse", "kvm"} & set(out["dev"]), str(result)
    for name, value in out.items():
        if name.startswith("/") or name.startswith("write "):
            assert value in ("ENOENT", "EACCES", "EROFS", "EPERM"), (name, str(result))
    assert out["tmp"] == [] and not Path("/tmp/mine").exists()


def test_denials_are_taken_from_it(box):
    for name in ("data/hidden/h", "data/fixed/f", "data/free", "secret", "glob/a.key", "glob/b.txt"):
        box.write(name, name)
    policy = write_policy(box, ("deny", "data/hidden", READ), ("deny", "data/fixed", WRITE),
                          ("deny", "secret", ["read_file"]), ("deny", "glob/*.key", READ),
                          ("deny", "/home/user/.ssh", READ), **ALLOW)
    found, result = Attack(box, "perms").each(policy, "--deny-write=glob/b.txt", pairs=[
        ("read_file", "data/hidden/h"), ("read_dir", "data/hidden"), ("write_file", "data/hidden/h"),
        ("read_file", "data/fixed/f"), ("write_file", "data/fixed/f"), ("make_dir", "data/fixed/new"),
        ("remove_file", "data/fixed/f"), ("read_file", "data/free"), ("write_file", "data/free"),
        ("make_dir", "data/new"), ("read_file", "secret"), ("read_file", "glob/a.key"),
        ("read_file", "glob/b.txt"), ("write_file", "glob/b.txt"),
        ("read_dir", "/home/user/.ssh"), ("rename", "data:moved"), ("rename", "data/hidden:data/moved"),
        ("chmod", "data/fixed/f"), ("write_file", "p.json")])
    refused = {pair for pair, got in found.items() if got != "ok"}
    assert refused == set(found) - {
        ("read_file", "data/fixed/f"), ("read_file", "data/free"), ("write_file", "data/free"),
        ("make_dir", "data/new"), ("read_file", "glob/b.txt")}, str(result)
    for path in ("data/fixed/f", "glob/b.txt"):
        assert result.denied("write", path), str(result)


def test_sockets_of_the_host_stay_closed(box):
    path = str(box.directory / "bus")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        server.setblocking(False)
        out, result = box.json(write_policy(box, **ALLOW), code="""
            with socket.socket(socket.AF_UNIX) as one:
                out["connect"] = attempt(one.connect, "bus")
        """)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert out["connect"] == "EACCES", str(result)


def test_a_program_does_not_run_from_it(box):
    """Files are one default and programs another."""
    box.write("tool", "#!/bin/sh\necho ran\n", 0o755)
    policy = write_policy(box, **ALLOW)
    found, result = Attack(box, "perms")(policy, on=["./tool", "/usr/bin/env"], ops=["execute"])
    assert set(found.values()) == {"EACCES"}, str(result)


def test_a_later_default_is_the_stricter(box):
    (box.directory / "strict.json").write_text(json.dumps({"version": 1, "defaults": {"fs": "deny"}}))
    out, result = box.json(write_policy(box, **ALLOW), "--policy=./strict.json", code="""
        out["diary"] = attempt(open, "/home/user/diary.txt")
    """)
    assert out["diary"] == "ENOENT", str(result)
