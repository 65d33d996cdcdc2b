# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import threading
import time

import pytest


def tap_opens():
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
        return True
    except OSError:
        return False


@pytest.fixture
def tap():
    if not tap_opens():
        pytest.skip("/dev/net/tun is closed to this user")


@pytest.fixture(params=["veth", "tap"])
def net(request, box):
    """net.run(...) and net.json(...) with each of the two ways frames leave the sandbox."""
    if request.param == "tap":
        request.getfixturevalue("tap")

    class Net:
        backend = f"--net={request.param}"
        directory = box.directory

        def run(self, *flags, **kwargs):
            return box.run(self.backend, *flags, **kwargs)

        def json(self, *flags, **kwargs):
            return box.json(self.backend, *flags, **kwargs)

        def spawn(self, *flags, **kwargs):
            return box.spawn(self.backend, *flags, **kwargs)

    return Net()


class Limit:
    """
    Milliseconds within which a refusal must be there: 50 on a machine that is at rest, and as much
    more as it takes to answer on this one now. Measured all the time in between, and only looked at
    in a comparison, when all is over. Always less than the second after which TCP tries again: what
    is late because somebody waits for an answer never passes.
    """

    def __init__(self, base):
        self.base, self.late, self.ended = base, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.measure)
        self.thread.start()

    def measure(self):
        while not self.ended.is_set():
            begun = time.monotonic()
            time.sleep(0.002)
            self.late = max(self.late, (time.monotonic() - begun) * 1000 - 2)

    def __mul__(self, times):
        return min(times * (self.base + 10 * self.late), 900)

    def __gt__(self, milliseconds):
        return milliseconds < self * 1

    def __repr__(self):
        return f"{self.base} ms, and 10 times {self.late:.1f}"


@pytest.fixture
def limit(world):
    made = Limit(500 if world.sanitized else 50)
    yield made
    made.ended.set()
    made.thread.join()
