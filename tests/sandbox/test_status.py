# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exit codes, and the one line that explains each of buntime's own."""

import signal

import pytest


@pytest.mark.parametrize("code", [0, 1, 7, 42, 124, 125, 126, 127, 255])
def test_own_status(box, code):
    assert box.run(code=f"raise SystemExit({code})\n").status == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV,
                                    signal.SIGABRT, signal.SIGUSR1, signal.SIGINT, signal.SIGHUP])
def test_killed(box, number):
    result = box.run(code=f"""
        import os, signal
        if {int(number)} != 9:
            signal.signal({int(number)}, signal.SIG_DFL)
        os.kill(os.getpid(), {int(number)})
        signal.pause()
    """)
    assert result.status in (128 + number, -number), str(result)


@pytest.mark.parametrize("name", ["missing.py", "./missing.py", "/nonexistent/w.py", "no-such-program"])
def test_entry_not_found(box, name):
    result = box.run(name=name)
    assert result.status == 127, str(result)
    assert result.stderr.startswith("buntime: ") and name.rsplit("/", 1)[-1] in result.stderr
    assert result.stdout == ""


def test_entry_not_runnable(box):
    box.write("data.txt", "no program\n")
    result = box.run(name="./data.txt")
    assert result.status == 126, str(result)
    assert "data.txt" in result.stderr
    assert box.run(name=str(box.directory)).status == 126


def test_missing_interpreter(box):
    box.write("w.ts", "console.log(1)\n")
    result = box.run(name="w.ts", env={"PATH": "/usr/bin:/bin", "HOME": "/home/user"})
    assert result.status == 127, str(result)
    assert "bun" in result.stderr.lower()


@pytest.mark.parametrize("flags", [
    ["--no-such-flag"], ["--allow-nett=x"], ["--alow-read"], ["--worker=perl"], ["-Z"],
    ["--allow-net=http://x/"], ["--allow-net=2852039166"], ["--allow-net=0x7f000001"],
    ["--allow-net=github.com:99999"], ["--allow-net=10.0.0.0/99"], ["--allow-net="],
    ["--quiet=x"], ["--net=carrier-pigeon"],
])
def test_usage(box, flags):
    result = box.run(*flags, code="print('ran')\n")
    assert result.status == 2, str(result)
    assert "ran" not in result.stdout and result.stderr.startswith("buntime: ")


def test_the_nearest_flag_is_named(box):
    assert "--allow-net" in box.run("--alow-net", code="").stderr


@pytest.mark.parametrize("flag", ["--allow-net", "--allow-read", "--allow-write", "--allow-env",
                                  "--policy", "--worker", "--deny-net"])
def test_value_in_a_separate_word(box, world, flag):
    box.write("w.py", "print('ran')\n")
    value = {"--policy": "p.json", "--worker": "python"}.get(flag, "github.com")
    result = world.run([flag, value, "run", "w.py"], cwd=box.directory)
    assert result.status == 2, str(result)
    assert f"{flag}={value}" in result.stderr, str(result)


def test_no_entry(world):
    assert world.run([]).status == 2
    assert world.run(["run"]).status == 2


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(world, flag):
    for args in ([flag], ["run", flag]):
        result = world.run(args)
        assert result.status == 0 and result.stderr == ""
        for name in ("--allow-net", "--deny-write", "--policy", "--quiet"):
            assert name in result.stdout


def test_version(world):
    result = world.run(["--version"])
    assert result.status == 0 and result.stdout.startswith("buntime 0."), str(result)


def test_a_missing_path_in_a_flag_stops_the_run(box):
    result = box.run("--allow-read=/no/such/path", code="print('ran')\n")
    assert result.status in (2, 125) and "/no/such/path" in result.stderr, str(result)
    assert result.stdout == ""


def test_the_message_is_one_object_one_reason_one_cure(box):
    lines = box.run("--allow-read=/no/such/path", code="").stderr.splitlines()
    assert lines and lines[0].startswith("buntime: ") and len(lines) <= 3, lines
