# SPDX-License-Identifier: LGPL-2.1-or-later
"""limits: flags, policy files and what becomes of a program that reaches one."""

import json

import pytest

FLAGS = ["--memory=1.5G", "--cpu=50%", "--pids=64", "--timeout=90", "--cpu-time=1m",
         "--max-output=1M", "--tmp-size=64M", "--shm-size=8M", "--open-files=100",
         "--net-rate=10", "--net-bytes=10G"]
LIMITS = {"memory": "1536M", "cpu": "0.5", "pids": 64, "wallTime": "90s", "cpuTime": "1m",
          "output": "1M", "tmpSize": "64M", "shmSize": "8M", "openFiles": 100,
          "netConnectionsPerSecond": 10, "netBytes": "10G"}


# ---- words ----

def test_init_policy_writes_them(world, box):
    written = world.run(["init-policy", *FLAGS])
    assert written.status == 0, str(written)
    assert json.loads(written.stdout)["limits"] == LIMITS
    box.write("p.json", written.stdout)
    merged = world.run(["policy", "show", "--merged", "p.json"], cwd=box.directory)
    assert json.loads(merged.stdout)["limits"] == LIMITS, str(merged)


def test_policy_diff_shows_them(world, box):
    for name, limits in (("a.json", {"pids": 64}), ("b.json", {"pids": 65, "wallTime": 2})):
        box.write(name, json.dumps({"version": 1, "limits": limits}))
    result = world.run(["policy", "diff", "./a.json", "./b.json"], cwd=box.directory)
    assert result.status == 1
    lines = [line.replace(" ", "") for line in result.stdout.splitlines()]
    assert "-limits.pids=64" in lines and "+limits.pids=65" in lines, str(result)
    assert "+limits.wallTime=2s" in lines, str(result)


@pytest.mark.parametrize("flag,complaint", [
    ("--memory=512MB", "MB can mean 1000 or 1024"), ("--timeout=0", "too small"),
    ("--pids=0", "too small"), ("--cpu=all", "not a number of processors"),
    ("--timeout=31d", "too large"), ("--memory", "needs a value"),
])
def test_bad_words(world, flag, complaint):
    result = world.run([flag, "x.py"])
    assert result.status == 2 and f"buntime: {flag}: {complaint}" in result.stderr, str(result)


def test_none_without_a_sandbox(box):
    result = box.run("--no-sandbox", "--pids=10", code="print('ran')\n")
    assert result.status == 125 and "ran" not in result.stdout, str(result)
    assert "--pids=10 (command line): nobody applies it without a sandbox" in result.stderr


@pytest.mark.parametrize("flag", FLAGS)
def test_not_applied(box, flag):
    result = box.run(flag, code="print('ran')\n")
    assert result.status == 125 and "ran" not in result.stdout, str(result)
    assert "cannot be applied" in result.stderr
