# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Some of the set-up's system calls fail, one a run: of each kind the first and the last. All of them
are gone through in tests/faults, which says what is to become of a run.
"""

import errno

import pytest

from faults import DYNAMIC, Bench, Sweep, error_of, which


# Of programs that are loaded first.
CONFINING = ["capset", "prctl", "prlimit64", "landlock_create_ruleset", "landlock_restrict_self", "seccomp"]


pytestmark = pytest.mark.slow  # of sanitizers: their runtimes make calls of their own


@pytest.fixture(scope="module")
def bench(world):
    made = Bench(world)
    yield made
    made.close()


def kinds_of(points):
    """The points of a kind, in their order."""
    kinds = {}
    for point in points:
        kinds.setdefault((point.role, point.call, which(point)), []).append(point)
    return kinds


def check(bench, sweep, tasks, least):
    before = bench.state()
    counts, wrongs = sweep.run(tasks)
    assert wrongs == [], "\n".join(wrongs)
    assert counts["refused"] >= least, counts
    assert bench.state() - before == set()


def test_the_plain_run(bench):
    sweep = Sweep(bench, "plain")
    chosen = [point for some in kinds_of(sweep.points()).values() for point in {some[0], some[-1]}]
    check(bench, sweep, [(point, error_of(point, "plausible")) for point in chosen], 80)


def test_what_grants_add(bench):
    plain, full = kinds_of(Sweep(bench, "plain").points()), Sweep(bench, "full")
    chosen = [some[0] for kind, some in kinds_of(full.points()).items()
              if kind not in plain and (kind[0] not in DYNAMIC or kind[1] in CONFINING)]
    check(bench, full, [(point, error_of(point, "plausible")) for point in chosen], 20)


def test_a_denied_path_cannot_be_looked_at(bench):
    """What is not found is announced as unguarded; what may be there is not."""
    sweep = Sweep(bench, "full")
    chosen = [point for point in sweep.points() if point.role == "buntime" and point.call == "readlink"]
    check(bench, sweep, [(point, errno.EIO) for point in chosen[::2]], 10)


def test_a_capability_stays(bench):
    """EINVAL is what the kernel says of the first that it does not know."""
    sweep = Sweep(bench, "plain")
    drops = kinds_of(sweep.points())["buntime-init", "prctl", 24]
    check(bench, sweep, [(point, errno.EINVAL) for point in (drops[0], drops[20], drops[40])], 3)
