# SPDX-License-Identifier: LGPL-2.1-or-later
"""A granted path is swapped for a link to something else while buntime starts."""

import subprocess
import sys
from contextlib import contextmanager

import pytest

STARTS = 50

SWAP = """
import ctypes, sys
libc = ctypes.CDLL(None)
one, other = (word.encode() for word in sys.argv[1:])
print("swapping", flush=True)
while True:
    libc.renameat2(-100, one, -100, other, 2)
"""


@contextmanager
def swapping(one, other):
    """The two exchange their names as fast as the kernel lets them."""
    process = subprocess.Popen([sys.executable, "-c", SWAP, one, other], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        yield
    finally:
        process.kill()
        process.communicate()


# A link that the user names is followed, and then it is a link inside, too.
LOOK = """#!/bin/sh
if [ -L {0} ]; then echo link; else read text < {0}/file; echo "$text"; fi
"""


@pytest.mark.parametrize("granted,below,write", [
    ("p/open", "p/open", False), ("p/open", "p/open", True), ("p/*", "p/open", False),
    ("p/open/in", "p/open", False), ("p/open/in/file", "p/open", True),
])
def test_what_was_looked_at_is_what_is_shown(box, granted, below, write):
    box.write("p/open/in/file", "public\n")
    box.write("p/open/file", "public\n")
    box.write("secret/in/file", "SECRET\n")
    box.write("secret/file", "SECRET\n")
    (box.directory / "link").symlink_to(box.directory / "secret")
    place = "p/open/in" if "in" in granted else "p/open"
    box.write("w.sh", LOOK.replace("[ -L {0} ]", f"[ -L {below} ]").format(place), 0o755)
    flags = [f"--allow-read={granted}", *([f"--allow-write={granted}"] if write else [])]
    seen = {}
    with swapping(box.directory / "link", box.directory / below):
        for _ in range(STARTS):
            result = box.run(*flags, name="./w.sh")
            text = result.stdout.strip()
            if result.status == 125:
                text = "stopped"
                assert "changed while buntime started" in result.stderr, str(result)
            elif result.status == 2:
                text = "not found"
            seen[text] = seen.get(text, 0) + 1
            assert "SECRET" not in text, str(result)
    # How often each happens is chance; left alone, the place is what was granted.
    if (box.directory / below).is_symlink():
        (box.directory / below).rename(box.directory / "link-again")
        (box.directory / "link").rename(box.directory / below)
    result = box.run(*flags, name="./w.sh")
    assert result.stdout.strip() == "public", f"{result}\n{seen}"
