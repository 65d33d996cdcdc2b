# SPDX-License-Identifier: LGPL-2.1-or-later
import os

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


@pytest.fixture
def limit(world):
    """Milliseconds within which a refusal must be there."""
    return 500 if world.sanitized else 50


@pytest.fixture(scope="session")
def bun(world):
    """What is added to the environment of the caller who has it."""
    found = sorted(world.source.glob(".cache/bun/node_modules/@oven/bun-linux-*/bin/bun"))
    if not found:
        pytest.skip("no bun in .cache/bun: ./bootstrap test installs it by npm")
    return {"PATH": f"{found[0].parent}:/usr/bin:/bin"}
