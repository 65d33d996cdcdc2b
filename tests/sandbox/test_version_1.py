# SPDX-License-Identifier: LGPL-2.1-or-later
"""The prototype's documents, as DESIGN 4 tells of them: nothing but its keys, all of them at once."""

import json
import os
import tempfile
from pathlib import Path

import pytest

from addresses import OTHER, PRIVATE, WEB
from tier import UNSEEN
from world import Box

READ = ["read_file", "read_dir"]


def document(place, **changes):
    return {
        "version": 1,
        "plugins": {"namespaces": True, "landlock": True, "seccomp": True},
        "defaults": {"fs": "deny", "net": "deny", "exec": "deny"},
        "fs": {"rules": [
            {"action": "allow", "path": f"{place}/data", "perms": READ},
            {"action": "allow", "path": f"{place}/out",
             "perms": [*READ, "write_file", "make_reg", "remove_file"]},
            {"action": "deny", "path": f"{place}/data/secret", "perms": READ}]},
        "net": {"rules": [
            {"action": "deny", "proto": "any", "cidr": f"{PRIVATE}/32", "ports": "1-65535"},
            {"action": "allow", "proto": "tcp", "cidr": "10.0.0.0/8", "ports": "80,8000-9000"},
            {"action": "allow", "proto": "tcp", "cidr": f"{WEB}/32", "ports": "443"},
            {"action": "warn", "proto": "tcp", "cidr": f"{OTHER}/32", "ports": "80"}]},
        "exec": {"rules": [
            {"action": "allow", "path": "/usr/bin/true"},
            {"action": "allow", "glob": "/usr/bin/*sum"},
            {"action": "deny", "path": "/usr/bin/sha256sum"}]},
        "antiEscape": {"denySyscalls": ["ptrace", "clone3", "mount", "fsync"]},
        "audit": {"enabled": True, "events": ["connect", "openat", "execve"]},
    } | changes


CODE = """
    import ctypes, threading
    place = sys.argv[1]

    def reach(host, port):
        with socket.create_connection((host, port), 5):
            return "ok"

    def run(path):
        return subprocess.run([path], stdin=subprocess.DEVNULL, capture_output=True).returncode

    def thread():
        one = threading.Thread(target=lambda: None)
        one.start()
        one.join()

    libc = ctypes.CDLL(None, use_errno=True)
    for name, call in {
            "read": lambda: open(f"{place}/data/a").read(),
            "secret": lambda: open(f"{place}/data/secret/b").read(),
            "write": lambda: open(f"{place}/data/a", "a"),
            "save": lambda: open(f"{place}/out/new", "w").write("x"),
            "unlink": lambda: os.unlink(f"{place}/out/new"),
            "mkdir": lambda: os.mkdir(f"{place}/out/folder"),
            "unseen": lambda: open(f"{place}/unseen/c").read(),
            "web": lambda: reach("%(web)s", 443), "web-80": lambda: reach("%(web)s", 80),
            "other": lambda: reach("%(other)s", 80), "other-443": lambda: reach("%(other)s", 443),
            "private": lambda: reach("%(private)s", 80),
            "true": lambda: run("/usr/bin/true"), "sum": lambda: run("/usr/bin/md5sum"),
            "denied": lambda: run("/usr/bin/sha256sum"), "ls": lambda: run("/usr/bin/ls"),
            "fsync": lambda: os.fsync(1), "thread": thread}.items():
        out[name] = attempt(call)
    out["mount"] = libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)
""" % {"web": WEB, "other": OTHER, "private": PRIVATE}
EXPECTED = {
    "read": "a", "secret": "EACCES", "write": "EACCES", "save": 1, "unlink": "ok", "mkdir": "EACCES",
    "unseen": UNSEEN, "web": "ok", "web-80": "EACCES", "other": "ok", "other-443": "EACCES",
    "private": "EACCES", "true": 0, "sum": 0, "denied": "EACCES", "ls": "EACCES", "fsync": "EPERM",
    "thread": "ok", "mount": -1}


def make_place(box):
    for name in ("data/a", "data/secret/b", "unseen/c", "out/kept"):
        box.write(name, name[-1])


@pytest.fixture(name="place")
def fixture_place(box):
    make_place(box)
    return box.directory


def test_it_is_valid_as_it_is(world, box, place):
    box.write("p.json", json.dumps(document(place), indent=2))
    result = world.run(["policy", "validate", "p.json"], cwd=place)
    assert (result.status, result.stdout, result.stderr) == (0, "p.json: valid\n", "")


def test_everything_at_once(box, place, tmp_path_factory):
    everything_at_once(box, place, tmp_path_factory)


def test_everything_at_once_below_tmp(world, tmp_path_factory):
    """/tmp itself is the program's own; some kinds of writing are granted of the host's below it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        box = Box(world, Path(directory))
        make_place(box)
        everything_at_once(box, box.directory, tmp_path_factory)


def everything_at_once(box, place, tmp_path_factory):
    box.write("p.json", json.dumps(document(place), indent=2))
    log = tmp_path_factory.mktemp("log") / "audit"
    out, result = box.json("--policy=p.json", f"--events={log}", code=CODE, args=[place])
    assert out == EXPECTED, str(result)
    assert "is off" not in result.stderr
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    told = {(event["action"], event["kind"], os.path.basename(event["value"] or "")) for event in events}
    assert told >= {
        ("allow", "read", "a"), ("deny", "read", "b"), ("deny", "read", "c"), ("deny", "write", "a"),
        ("allow", "write", "new"), ("allow", "net", f"{WEB}:443"), ("deny", "net", f"{WEB}:80"),
        ("warn", "net", f"{OTHER}:80"), ("deny", "net", f"{PRIVATE}:80"), ("allow", "run", "true"),
        ("allow", "run", "md5sum"), ("deny", "run", "sha256sum"), ("deny", "run", "ls")}, told
    ruled = {event["value"]: event["rule"] for event in events if event["action"] == "deny"}
    assert ruled[f"{PRIVATE}:80"]["text"] == "net.rules[0]"
    assert ruled["/usr/bin/sha256sum"]["text"] == "exec.rules[2]"
    assert ruled[f"{place}/data/secret/b"]["text"] == "fs.rules[2]"


def test_audit_only_where_it_is_enabled(box, place, tmp_path_factory):
    box.write("p.json", json.dumps(document(place, audit={"enabled": False, "events": ["openat"]})))
    log = tmp_path_factory.mktemp("log") / "audit"
    out, result = box.json("--policy=p.json", f"--events={log}", code=CODE, args=[place])
    assert out == EXPECTED, str(result)
    actions = {json.loads(line)["action"] for line in log.read_text(encoding="utf-8").splitlines()}
    assert actions == {"started", "deny", "warn", "exited"}


@pytest.mark.parametrize("default, found", [("deny", [UNSEEN, "EACCES", "EACCES"]),
                                            ("allow", ["c", "ok", 0])])
def test_defaults(box, place, default, found):
    """What no rule speaks of; the rules stand as they are."""
    box.write("p.json", json.dumps(document(
        place, defaults=dict.fromkeys(("fs", "net", "exec"), default), audit={})))
    out, result = box.json("--policy=p.json", code=CODE, args=[place])
    assert [out[name] for name in ("unseen", "other-443", "ls")] == found, str(result)
    same = ("read", "secret", "web", "private", "true", "denied", "fsync", "thread")
    assert {name: out[name] for name in same} == {name: EXPECTED[name] for name in same}, str(result)
