# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes, files and time are limited: what a program is told, and how it ends.

    buntime --pids=8 --tmp-size=4M --open-files=32 --timeout=3s run limits.py
"""
import os
import signal
import time


def use_up(what, most, action):
    """How often action can be done; never more than most times, where nothing limits it."""
    count, came = 0, "no limit was reached"
    try:
        while count < most:
            action()
            count += 1
    except OSError as error:
        came = error.strerror
    print(f"{what}: {count}, then: {came}", flush=True)


def fork():
    children.append(os.fork())
    if children[-1] == 0:
        signal.pause()


children, files, tmp = [], [], open("/tmp/full", "wb", buffering=0)
use_up("MiB in /tmp", 16, lambda: tmp.write(bytes(1 << 20)))
use_up("Open files", 100, lambda: files.append(os.dup(0)))
use_up("Child processes", 20, fork)
for child in children:
    os.kill(child, signal.SIGKILL)

# At the end of its time a program gets SIGTERM; who ignores it is killed two seconds later.
for seconds in range(10):
    print(f"It runs for {seconds} s ...", flush=True)
    time.sleep(1)
print("Nobody has ended it.")
