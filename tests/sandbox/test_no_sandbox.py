# SPDX-License-Identifier: LGPL-2.1-or-later
"""--no-sandbox: no isolation, and never without a word."""

import json
import os

import pytest


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_runs_and_says_so(box, tmp_path, quiet):
    target = tmp_path / "made"
    result = box.run("--no-sandbox", *quiet, code=f"""
        import os, sys
        open({str(target)!r}, "w").write("x")
        print(os.getpid() != 1, os.environ["TOKEN"], sys.argv[1:])
        sys.exit(7)
    """, args=["--a", "b"], env={"TOKEN": "t"})
    assert result.status == 7, str(result)
    assert result.stdout == "True t ['--a', 'b']\n"
    assert result.stderr.count("without a sandbox (--no-sandbox)") == 1
    assert target.read_text(encoding="utf-8") == "x"


def test_in_place(box):
    """Nothing stays behind it: the program is the caller's own child."""
    out, _ = box.json("--no-sandbox", code="out['parent'] = os.getppid()\n")
    assert out["parent"] == os.getpid()


def test_policy_that_asks_for_namespaces(box, tmp_path):
    policy = tmp_path / "p.json"
    policy.write_text(json.dumps({"version": 1}), encoding="utf-8")
    result = box.run("--no-sandbox", f"--policy={policy}", code="print('ran')\n")
    assert result.status == 125 and "ran" not in result.stdout, str(result)
    assert "asks for namespaces" in result.stderr


def test_status_fd_is_refused(box):
    reader, writer = os.pipe()
    result = box.run("--no-sandbox", f"--json-status-fd={writer}", code="print('ran')\n",
                     pass_fds=(writer,))
    os.close(reader)
    os.close(writer)
    assert result.status == 2 and "ran" not in result.stdout
    assert "without a sandbox" in result.stderr, str(result)


def test_not_from_standard_input(world):
    result = world.run(["--no-sandbox", "-"], stdin="print('ran')\n")
    assert result.status == 2 and "ran" not in result.stdout, str(result)


def test_missing_entry(world):
    assert world.run(["--no-sandbox", "./nothing.py"]).status == 127
