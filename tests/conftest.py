# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent / "world"))

import tier  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "host_contact: the test means to reach the host's listeners")
    config.addinivalue_line("markers", "slow: left out under sanitizers")
    config.addinivalue_line("markers", "landlock(abi): what a kernel's Landlock can do from then on")
    if "BUNTIME_TEST_WORLD" not in os.environ:
        raise pytest.UsageError(
            "these tests run in the world: tests/run --pass=suites -- tests/sandbox/test_view.py")
    config.tier = tier.Exceptions(Path(os.environ["BUNTIME_TEST_SOURCE"])) if tier.TIER else None


# All runs are as on a kernel whose Landlock is so old (tests/sandbox/older.c).
OLDER = os.environ.get("BUNTIME_TEST_LANDLOCK")


def left_out_under_sanitizers(item):
    """The slow ones; and one test by tap is enough: the back ends differ only in init's set-up."""
    back_end = getattr(item, "callspec", None) and item.callspec.params.get("net")
    return item.get_closest_marker("slow") or \
        (back_end == "tap" and item.originalname != "test_github_by_urllib")


def not_of_this_kernel(item, abi):
    needs = item.get_closest_marker("landlock")
    return needs and abi < needs.args[0]


def pytest_collection_modifyitems(config, items):
    if config.tier:
        parts = {Path(word.split("::")[0]).name for word in config.args if "::" in word}
        unknown = config.tier.unknown([item.nodeid for item in items if item.path.name not in parts])
        if unknown:
            raise pytest.UsageError(f"tests/world/tier.py names what is not there: {unknown}")
    from world import landlock_abi
    abi = int(OLDER or landlock_abi())
    left_out = [item for item in items if not_of_this_kernel(item, abi)
                or "ASAN_OPTIONS" in os.environ and left_out_under_sanitizers(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def world():
    from world import World
    world = World()
    assert os.access(world.buntime, os.X_OK), f"{world.buntime} is not built"
    world.barrier()
    world.make_older(OLDER)
    return world


@pytest.fixture
def old_kernel(world):
    """Linux 6.1's Landlock, the oldest that --tier=landlock takes."""
    world.make_older(2)
    yield
    world.make_older(OLDER)


@pytest.fixture(scope="session")
def bun(world):
    """What is added to the environment of the caller who has it."""
    found = sorted(world.source.glob(".cache/bun/node_modules/@oven/bun-linux-*/bin/bun"))
    if not found:
        pytest.skip("no bun in .cache/bun: ./bootstrap test installs it by npm")
    return {"PATH": f"{found[0].parent}:/usr/bin:/bin"}


@pytest.fixture
def box(world, tmp_path):
    from world import Box
    return Box(world, tmp_path)


@pytest.fixture
def room(tmp_path_factory):
    return tier.Room(tmp_path_factory.mktemp("room") if tier.TIER else None)


@pytest.fixture
def terminal(world, tmp_path):
    """terminal(args) runs buntime, or terminal(args, shell=True) a command, at a terminal."""
    from world import Terminal
    opened = []

    def start(args, **kwargs):
        kwargs.setdefault("cwd", tmp_path)
        opened.append(Terminal(world, args, **kwargs))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.fixture(autouse=True)
def nothing_reached_the_host(request, world):
    """Whatever a test does, the desktop's own listeners hear nothing of it."""
    mark = world.begin()
    yield
    if request.node.get_closest_marker("host_contact") is None:
        assert world.host_contacts(mark) == []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    world = item.funcargs.get("world") if hasattr(item, "funcargs") else None
    if item.config.tier and call.when == "call":
        item.config.tier.judge(item.nodeid, report, world.runs)
    if report.failed and world is not None:
        for number, result in enumerate(world.runs[-5:], 1):
            report.sections.append((f"run {number}", str(result)[:20000]))
