# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Never weaker in silence: every system call of the set-up is made to fail, each once in a run of its
own: those of the supervisor, of init, its thread and the child it is made of, the worker up to its
program, the opener, buntime-net until it is confined, buntime-json; and without namespaces, where
no more than that tier holds is looked for.

Either the run goes on with everything enforced, of which the worker convinces itself, and is meant
to (faults.SPARED says why), or it ends with 125 and one message that names the thing and errno. It
never hangs, and nothing is left: no process, file, mount or socket.
"""

import pytest

from faults import Bench, Sweep, error_of

# The back end that "full" does not take: what it adds.
VETH = "socket ioctl sendto recvfrom setsockopt setns unshare bind open".split()


@pytest.fixture(scope="module")
def bench(world):
    made = Bench(world)
    yield made
    made.close()


@pytest.mark.parametrize("kind", ["plausible", "tempting"])
@pytest.mark.parametrize("name, least", [("plain", 400), ("full", 600), ("veth", 10), ("tier", 200)])
def test_every_call_fails_once(bench, name, least, kind):
    sweep = Sweep(bench, name)
    before = bench.state()
    tasks = [(point, error_of(point, kind)) for point in sweep.points()
             if error_of(point, kind) is not None
             and (name != "veth" or (point.role == "buntime-init" and point.call in VETH))]
    counts, wrongs = sweep.run(tasks)
    print(f"\n{name}, {kind}: {len(tasks)} calls, {dict(counts)}, {len(wrongs)} wrong")
    assert wrongs == [], "\n".join(wrongs)
    assert len(tasks) >= least
    # What depends on who is first may not come a second time.
    assert counts["not reached"] <= len(tasks) * 0.03
    assert bench.state() - before == set()
