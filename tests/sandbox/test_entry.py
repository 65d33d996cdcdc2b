# SPDX-License-Identifier: LGPL-2.1-or-later
"""BUNTIME_ENTRY: what is run where the command line names nothing."""

import pytest

TOLD = "buntime: program from the environment: BUNTIME_ENTRY="


@pytest.fixture
def entry(box):
    return box.write("w.py", """
import sys
print("ran", sys.argv[1:])
try:
    open("new.txt", "w").close()
    print("wrote")
except OSError as error:
    print(error.strerror)
""")


@pytest.mark.parametrize("words", [[], ["run"], ["--timeout=60s"], ["--timeout=60s", "run"]])
def test_it_is_run_and_announced(world, box, entry, words):
    result = world.run([*words, "--quiet"], cwd=box.directory, env={"BUNTIME_ENTRY": "w.py"})
    assert result.status == 0 and result.stdout == "ran []\nPermission denied\n", str(result)
    assert result.stderr == TOLD + "w.py\n"


def test_flags_count_for_it(world, box, entry):
    result = world.run(["--allow-write=."], cwd=box.directory, env={"BUNTIME_ENTRY": str(entry)})
    assert result.status == 0 and result.stdout == "ran []\nwrote\n", str(result)
    assert (box.directory / "new.txt").exists()


def test_what_is_written_wins(world, box, entry):
    box.write("other.py", "print('other')\n")
    result = world.run(["run", "other.py"], cwd=box.directory, env={"BUNTIME_ENTRY": "w.py"})
    assert result.status == 0 and result.stdout == "other\n" and result.stderr == "", str(result)


def test_other_commands_do_not_look(world, box):
    env = {"BUNTIME_ENTRY": "/no/such"}
    for words in ["--help"], ["--version"], ["check", "net", "github.com:80"], ["policy", "list"]:
        result = world.run(words, cwd=box.directory, env=env)
        assert result.stderr == "" and result.stdout != "", str(result)
    result = world.run(["--interactive", "--quiet"], cwd=box.directory, env=env, stdin="print(6 * 7)\n")
    assert "42" in result.stdout and "BUNTIME_ENTRY" not in result.stderr, str(result)


@pytest.mark.parametrize("value, status, words", [
    ("", 2, "buntime: BUNTIME_ENTRY: the program's name is empty\n"),
    ("/no/such", 127, "buntime: /no/such: "),
    ("no\033[31m", 127, TOLD + "no\\x1b[31m\n"),
    ("-c", 127, "buntime: -c: "),
])
def test_what_cannot_be_run(world, box, value, status, words):
    # The value of a flag is not what is missing.
    result = world.run(["--allow-net"], cwd=box.directory, env={"BUNTIME_ENTRY": value})
    assert result.status == status and result.stdout == "", str(result)
    assert words in result.stderr and "--allow-net=" not in result.stderr, str(result)
    assert "\033" not in result.stderr


def test_without_it_usage_is_shown(world, box):
    for words in [], ["run"], ["--allow-net"]:
        result = world.run(words, cwd=box.directory)
        assert result.status == 2 and result.stderr.startswith("usage: "), str(result)
