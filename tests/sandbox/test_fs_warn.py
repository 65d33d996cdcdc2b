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
                         if event["action"] == "warn" and event["observed"]]


def test_reading(box, tmp_path, places):
    warned, _ = places
    out, result, told = run(box, tmp_path, places, ["read_file", "read_dir"])
    assert out["read"] == out["other"] == "text" and out["list"] == ["file"], str(result)
    assert out["write"] == "EACCES"
    assert sorted(told) == [("read", str(warned)), ("read", f"{warned}/file")], str(result)
    assert f"warned read {warned}/file" in result.stderr
    assert "can evade them" in result.stderr


def test_writing_too(box, tmp_path, places):
    warned, _ = places
    out, result, told = run(box, tmp_path, places,
                            ["read_file", "read_dir", "write_file", "write_dir"])
    assert out["write"] == "written" and out["read"] == "text", str(result)
    assert ("write", f"{warned}/file") in told and ("read", f"{warned}/file") in told, str(result)


def test_no_warning_no_word(box):
    result = box.run("--allow-read=/srv", code="print(open('/etc/hostname').read())\n")
    assert result.status == 0 and "evade" not in result.stderr, str(result)
