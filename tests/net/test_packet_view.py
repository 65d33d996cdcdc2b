# SPDX-License-Identifier: LGPL-2.1-or-later
"""The packet view against the kernel's, on frames that come by tap; by veth it is a unit test."""

import subprocess


def test_of_random_frames(world, tap):
    test = subprocess.run([world.build / "tests/unit/test-packet-kernel", "-p", "/packet-kernel/tap"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert test.returncode == 0 and "ok 1 /packet-kernel/tap" in test.stdout, \
        test.stdout + test.stderr
