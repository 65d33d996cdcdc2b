# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exit statuses and signals through the engine, with buntime as the container's pid 1."""

import time

import pytest
from engine import WHOLE

CODE = """
import os, signal, subprocess, sys, time
what = sys.argv[1]
if what == "exit":
    sys.exit(int(sys.argv[2]))
if what == "kill":
    os.kill(os.getpid(), int(sys.argv[2]))
if what == "catch":
    signal.signal(signal.SIGTERM, lambda *_: (print("caught", flush=True), sys.exit(7)))
if what == "ignore":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if what == "orphans":
    for _ in range(5):
        if os.fork() == 0:
            if os.fork() == 0:
                time.sleep(0.1)
            os._exit(0)
print("up", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("words, status", [
    (["run", "w.py", "exit", "0"], 0),
    (["run", "w.py", "exit", "7"], 7),
    (["run", "w.py", "kill", "9"], 137),
    (["run", "w.py", "kill", "15"], 143),
    (["--timeout=1s", "run", "w.py", "sleep"], 124),
    (["--allow-nte", "run", "w.py"], 2),
    (["run", "nonesuch.py"], 127),
    (["run", "/etc/passwd"], 126),
])
def test_exit_status(engine, app, words, status):
    result = engine.run(*words, options=[*WHOLE, *app("w.py", CODE)])
    assert result.status == status, str(result)


@pytest.mark.parametrize("what, status, says", [("sleep", 143, "up"), ("catch", 7, "caught")])
def test_stop(engine, app, what, status, says):
    """The worker hears of SIGTERM, and the engine need not wait."""
    with engine.started("run", "w.py", what, options=[*WHOLE, *app("w.py", CODE)]) as name:
        engine.wait_for(name, "up")
        begun = time.monotonic()
        engine.good("stop", "--time=30", name)
        assert time.monotonic() - begun < 10
        assert engine.state(name, "ExitCode") == str(status)
        assert says in engine.good("logs", name)


def test_who_does_not_hear_is_killed(engine, app):
    with engine.started("run", "w.py", "ignore", options=[*WHOLE, *app("w.py", CODE)]) as name:
        engine.wait_for(name, "up")
        engine("stop", "--time=1", name)
        assert engine.state(name, "ExitCode") == "137"


def test_orphans_are_reaped(engine, app):
    """A worker's, by the sandbox's own pid 1."""
    with engine.started("run", "w.py", "orphans", options=[*WHOLE, *app("w.py", CODE)]) as name:
        engine.wait_for(name, "up")
        time.sleep(0.5)
        states = engine.good("exec", name, "sh", "-c", "grep -h ^State: /proc/[0-9]*/status")
        # Those of the loop are the worker's own: it waits for none of them.
        assert states.count("Z (zombie)") == 5, states
