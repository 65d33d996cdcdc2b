# SPDX-License-Identifier: LGPL-2.1-or-later
"""A buntime-net that was taken over, and says what it likes to the supervisor (tests/net/taken.c)."""

import json
import random
import shutil
import time

import pytest
from native import compile_c
from test_flows import VALIDATOR
from world import PLAIN, processes, wait_for

HELPERS = ["init/buntime-init", "lib/buntime-json", "lib/buntime-resolver", "lib/buntime-scope"]
WORKER = """
    import socket, sys, time
    print("ran", flush=True)
    for n in range(5):
        try:
            socket.create_connection(("198.51.100.10", 9000), timeout=0.05).close()
        except OSError:
            pass
    time.sleep(0.2)
"""


@pytest.fixture
def taken(world, tmp_path):
    """taken(kind, seed) runs a worker beside it, from an installation of its own: the result."""
    (tmp_path / "bin").mkdir()
    helpers = tmp_path / "libexec/buntime"
    helpers.mkdir(parents=True)
    shutil.copy2(world.buntime, tmp_path / "bin/buntime")
    for helper in HELPERS:
        if (world.build / "src" / helper).exists():
            shutil.copy2(world.build / "src" / helper, helpers)
    entry = tmp_path / "w.py"
    entry.write_text("\n".join(line[4:] for line in WORKER.splitlines()), encoding="utf-8")

    def run(kind, seed, *flags):
        compile_c(world.source / "tests/net/taken.c", helpers / "buntime-net", "-D_GNU_SOURCE",
                  f"-I{world.source}/src", f"-DSEED={seed}u", f"-DKIND={kind}")
        return world.run_command([*PLAIN, str(tmp_path / "bin/buntime"),
                                  "--allow-net=198.51.100.10,github.com", *flags, "run", str(entry)],
                                 cwd=tmp_path)
    return run


def check(result, seed, words="was ended, because it did not keep to the protocol"):
    """Ended by the supervisor's own decision: it says so in words, and nothing is left."""
    assert result.status == 125, (seed, str(result))
    assert f"buntime: buntime-net: {words}" in result.stderr, (seed, str(result))
    check_words(result, seed)


def check_words(result, seed):
    assert all(char.isprintable() or char == "\n" for char in result.stderr), (seed, str(result))
    wait_for(lambda: not processes("w.py") and not processes("libexec/buntime"),
             what="the end of everything")


@pytest.mark.parametrize("kind", [0, 1])
def test_garbage(taken, kind):
    for seed in (random.randrange(1 << 32) for _ in range(4)):
        check(taken(kind, seed), seed)


def test_an_empty_message(taken):
    """It reads as the end, and is taken for one."""
    check(taken(4, 0), 0, words="ended unexpectedly")


def test_flows_that_were_not(taken, tmp_path):
    """They are told, since nothing else knows of flows; but at no time before the run or behind it."""
    begun, seed = time.time(), random.randrange(1 << 32)
    result = taken(3, seed, "--audit=e.jsonl")
    assert result.status == 0, (seed, str(result)[:4000])
    events = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text("utf-8").splitlines()]
    told = [event for event in events if event["action"] in ("opened", "closed")]
    assert len(told) > 1000, (seed, len(told))
    for event in told:
        VALIDATOR.validate(event)
        assert begun * 1000 - 5 <= event["time"] <= time.time() * 1000, (seed, event)


def test_what_may_be_said_but_is_not_true(taken, world):
    """Questions, pins and denials that nobody caused: the run goes on, and no name leads upstream."""
    mark, seed = world.mark(), random.randrange(1 << 32)
    begun = time.monotonic()
    result = taken(2, seed)
    assert result.status == 0 and result.stdout == "ran\n", (seed, str(result)[:4000])
    assert time.monotonic() - begun < 20, seed
    check_words(result, seed)
    assert len(result.stderr) < 1 << 20, (seed, len(result.stderr))
    assert world.queries(mark) == [], seed
