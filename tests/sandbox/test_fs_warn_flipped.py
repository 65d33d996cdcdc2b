# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is opened under a warning is what is told, whatever is changed under the open."""

import json
import os
from collections import Counter

import pytest

from native import compile_c
from tier import TIER


@pytest.fixture(scope="module")
def flipper(world, tmp_path_factory):
    return compile_c(world.source / "tests/sandbox/flip.c", tmp_path_factory.mktemp("program") / "flip",
                     "-O2", "-pthread")


@pytest.fixture
def flip(box, flipper, room, tmp_path_factory):
    """flip(way, flags, count): what was opened, and what the events say of it."""
    top = tmp_path_factory.mktemp("flip")
    for name in "abc":
        (top / name).mkdir()
        (top / name / "file").write_text(name, encoding="utf-8")
    policy = tmp_path_factory.mktemp("policy") / "p.json"
    events = policy.parent / "events"

    def run(way, flags, count, off=None, other=None):
        # Mounts alone know no more kinds of writing.
        perms = ["read_file", "read_dir"] + (["write_file"] if off != "landlock" else [])
        policy.write_text(json.dumps({
            "version": 1, "audit": {"enabled": True, "events": ["openat"]},
            "plugins": {off: False} if off else {},
            "fs": {"rules": [{"action": "warn", "path": str(top / "a"), "perms": perms},
                             {"action": "allow", "path": str(top / "b"), "perms": perms},
                             *([{"action": "allow", "path": str(top / "c"), "perms": other}] if other else []),
                             *room.rules]}}),
            encoding="utf-8")
        events.unlink(missing_ok=True)
        result = box.run(f"--policy={policy}", f"--events={events}", name=str(flipper),
                         args=[way, str(flags), str(count), str(top), room.path, "60" if other else "0"])
        assert result.status == 0, str(result)
        told = Counter()
        for line in events.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if not event.get("observed"):
                told[event["kind"], event["action"], event["object"]] += event["count"]
        return json.loads(result.stdout.splitlines()[-1]), told, top
    return run


@pytest.mark.parametrize("way", ["text", "link", "directory", "exchange", "start", "cwd", "magic"])
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY])
def test_flipped(flip, way, flags):
    """Whatever is changed under an open: what is told is what was opened, each time."""
    opened, told, top = flip(way, flags, 2500)
    kind = "read" if flags == os.O_RDONLY else "write"
    assert opened["foreign"] == 0 and opened["unlike"] == 0, opened
    assert opened["a"] > 50 and opened["b"] > 50 and opened["flips"] > 100, opened
    assert told[kind, "warn", f"{top}/a/file"] == opened["a"]
    assert told[kind, "allow", f"{top}/b/file"] == opened["b"]
    # Where nothing can hide it, it is refused.
    assert {action for _, action, name in told if name.startswith(f"{top}/c")} <= ({"deny"} if TIER else set())


@pytest.mark.parametrize("way", ["text", "link", "start", "magic"])
@pytest.mark.parametrize("flags, other", [(os.O_RDONLY, ["write_file"]), (os.O_WRONLY, ["read_file", "read_dir"])])
def test_flipped_to_what_is_granted_for_another_use(flip, way, flags, other):
    """It is there to be seen, and Landlock or its mount refuse this use of it, each time."""
    opened, told, top = flip(way, flags, 2000, other=other)
    kind = "read" if flags == os.O_RDONLY else "write"
    assert opened["c"] == opened["foreign"] == opened["unlike"] == 0 and opened["failed"] > 50, opened
    assert told[kind, "warn", f"{top}/a/file"] == opened["a"] > 50, opened
    assert told[kind, "allow", f"{top}/b/file"] == opened["b"] > 50, opened


# Without namespaces no other layer can be off.
@pytest.mark.parametrize("off", [pytest.param("namespaces", marks=pytest.mark.landlock(2)),
                                 *([] if TIER else ["landlock"])])
@pytest.mark.parametrize("way", ["text", "start", "cwd", "magic"])
def test_flipped_without_a_layer(flip, way, off):
    opened, told, top = flip(way, os.O_RDONLY, 2000, off=off)
    assert opened["foreign"] == 0 and opened["unlike"] == 0, opened
    assert opened["a"] > 50 and opened["b"] > 50 and opened["c"] == 0, opened
    assert told["read", "warn", f"{top}/a/file"] == opened["a"]
    assert told["read", "allow", f"{top}/b/file"] == opened["b"]
