# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files with a warning: they can be used, and it is told, also without --audit."""

import json

import pytest

USE = """
    import sys
    warned, other = sys.argv[1:]
    out["read"] = attempt(lambda: open(warned + "/file").read())
    out["list"] = attempt(lambda: os.listdir(warned))
    out["other"] = attempt(lambda: open(other + "/file").read())
    out["write"] = attempt(lambda: open(warned + "/file", "a").close() or "written")
"""


@pytest.fixture
def places(tmp_path):
    warned, other = tmp_path.parent / "warned", tmp_path.parent / "other"
    for place in (warned, other):
        place.mkdir(exist_ok=True)
        (place / "file").write_text("text", encoding="utf-8")
    return warned, other


def run(box, tmp_path, places, perms):
    warned, other = places
    policy, events = tmp_path / "p.json", tmp_path / "events"
    policy.write_text(json.dumps({"version": 1, "fs": {"rules": [
        {"action": "warn", "path": str(warned), "perms": perms},
        {"action": "allow", "path": str(other), "perms": ["read_file", "read_dir"]},
    ]}}), encoding="utf-8")
    out, result = box.json(f"--policy={policy}", f"--events={events}", code=USE,
                           args=[str(warned), str(other)])
    lines = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    return out, result, [(event["kind"], event["object"]) for event in lines
                         if event["action"] == "warn" and not event["observed"]]


def test_reading(box, tmp_path, places):
    warned, _ = places
    out, result, told = run(box, tmp_path, places, ["read_file", "read_dir"])
    assert out["read"] == out["other"] == "text" and out["list"] == ["file"], str(result)
    assert out["write"] == "EACCES"
    assert sorted(told) == [("read", str(warned)), ("read", f"{warned}/file")], str(result)
    assert f"warned read {warned}/file" in result.stderr


def test_writing_too(box, tmp_path, places):
    warned, _ = places
    out, result, told = run(box, tmp_path, places,
                            ["read_file", "read_dir", "write_file", "write_dir"])
    assert out["write"] == "written" and out["read"] == "text", str(result)
    assert ("write", f"{warned}/file") in told and ("read", f"{warned}/file") in told, str(result)



def test_both_at_once(box, tmp_path, places):
    """An open to read and write is a warning of each that a rule warns of."""
    warned, other = places
    policy, events = tmp_path / "p.json", tmp_path / "events"
    policy.write_text(json.dumps({"version": 1, "fs": {"rules": [
        {"action": "warn", "path": str(warned), "perms": ["read_file"]},
        {"action": "allow", "path": str(warned), "perms": ["write_file"]},
        {"action": "allow", "path": str(other), "perms": ["read_file", "write_file"]},
    ]}}), encoding="utf-8")
    box.json(f"--policy={policy}", f"--events={events}", args=[str(warned), str(other)], code="""
    for place in sys.argv[1:]:
        open(place + "/file", "r+").close()
    """)
    told = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    assert [(event["kind"], event["object"]) for event in told if event["action"] == "warn"] == \
        [("read", f"{warned}/file")]


def test_warned_writing_alone(box, tmp_path, places):
    """A rule may warn of writing and nothing else."""
    warned, _ = places
    out, result, told = run(box, tmp_path, places, ["write_file"])
    assert out["write"] == "written" and out["read"] == "EACCES", str(result)
    assert told == [("write", f"{warned}/file")], str(result)
