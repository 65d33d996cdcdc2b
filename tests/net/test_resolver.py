# SPDX-License-Identifier: LGPL-2.1-or-later
"""The process that looks names up: when it is there, when it ends, and what then."""

import os
import signal

from world import below, processes, wait_for

ASK = """
    import socket, sys
    for name in map(str.strip, sys.stdin):
        if name == "":
            break
        try:
            print(socket.gethostbyname(name), flush=True)
        except OSError as error:
            print(type(error).__name__, flush=True)
"""


def resolvers(process):
    return set(below(process.pid, "buntime-resolver"))


def ask(process, name):
    process.stdin.write(name.encode() + b"\n")
    process.stdin.flush()
    return process.stdout.readline().decode().strip()


def finish(process):
    process.stdin.write(b"\n")
    process.stdin.flush()
    assert process.wait(10) == 0


def test_it_starts_with_the_first_granted_name(box):
    box.write("w.py", ASK)
    with box.spawn("--allow-net=github.com") as process:
        assert ask(process, "evil.example").startswith("198.19.")
        assert resolvers(process) == set()
        assert ask(process, "github.com") == "198.51.100.10"
        assert len(resolvers(process)) == 1
        assert ask(process, "github.com") == "198.51.100.10"
        (pid,) = resolvers(process)
        finish(process)
    assert pid not in processes()


def test_it_ends_with_a_supervisor_that_is_killed(box):
    box.write("w.py", ASK)
    with box.spawn("--allow-net=github.com") as process:
        assert ask(process, "github.com") == "198.51.100.10"
        (pid,) = resolvers(process)
        process.kill()
        process.wait(10)
        wait_for(lambda: pid not in processes(), what="the end of buntime-resolver")


def test_names_fail_when_it_was_killed(box):
    """Lookups fail, this is said once, and the run goes on."""
    box.write("w.py", ASK)
    with box.spawn("--allow-net=github.com,other.example,wild.example") as process:
        assert ask(process, "github.com") == "198.51.100.10"
        for pid in resolvers(process):
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not resolvers(process), what="the end of buntime-resolver")
        assert ask(process, "other.example") == "gaierror"
        assert ask(process, "wild.example") == "gaierror"
        assert ask(process, "github.com") == "198.51.100.10"  # its answer still holds
        assert resolvers(process) == set()
        finish(process)
        err = process.stderr.read().decode()
    assert err.count("buntime-resolver ended unexpectedly; names are not looked up any more") == 1, err


def test_it_has_nothing_of_the_users_environment(box):
    box.write("w.py", ASK)
    extra = {"RES_OPTIONS": "attempts:1", "GIO_EXTRA_MODULES": "/tmp", "SECRET": "s"}
    with box.spawn("--allow-net=github.com", env=extra) as process:
        assert ask(process, "github.com") == "198.51.100.10"
        (pid,) = resolvers(process)
        with open(f"/proc/{pid}/environ", "rb") as file:
            assert file.read() == b"RES_OPTIONS=attempts:1\0"
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            assert "NoNewPrivs:\t1\n" in file.read()
