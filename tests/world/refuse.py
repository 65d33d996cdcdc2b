# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Executes a program below a seccomp filter, as container engines and other sandboxes install one:

    refuse.py RULES PROGRAM [ARGS...]

RULES: [{"call": NUMBER, "error": ERRNO, "if": [[ARGUMENT, MASK, VALUE], ...]}, ...] as JSON. The
first rule whose call it is, and whose arguments (their low halves) are so, decides.
"""

import ctypes
import functools
import json
import os
import re
import struct
import sys
from pathlib import Path

HEADERS = ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"]
LOAD, EQUAL, AND, RETURN = 0x20, 0x15, 0x54, 0x06
ERRNO, ALLOW = 0x00050000, 0x7FFF0000


@functools.cache
def numbers():
    """Calls by their names, of the kernel's header."""
    header = next(path for path in map(Path, HEADERS) if path.exists())
    found = re.findall(r"#define __NR_(\w+) (\d+)", header.read_text(encoding="utf-8"))
    return {name: int(number) for name, number in found}


def rule(call, error, *conditions):
    """See above. A call by its name, conditions as (ARGUMENT, MASK, VALUE)."""
    return {"call": numbers()[call], "error": error, "if": conditions}


def refusing(rules):
    """What comes before a command that is to be executed below these rules."""
    return ["/usr/bin/python3", "-SE", __file__, json.dumps(rules)]


def step(code, value, yes=0, no=0):
    return struct.pack("HBBI", code, yes, no, value)


def assemble(rules):
    program = b""
    for rule in rules:
        tests = [step(LOAD, 0), (EQUAL, rule["call"])]
        for argument, mask, value in rule.get("if", []):
            tests += [step(LOAD, 16 + 8 * argument), step(AND, mask), (EQUAL, value)]
        # Whatever is not so goes past the rule's own return.
        for number, test in enumerate(tests):
            program += test if isinstance(test, bytes) else step(*test, 0, len(tests) - number)
        program += step(RETURN, ERRNO | rule["error"])
    return program + step(RETURN, ALLOW)


def install(rules):
    code = ctypes.create_string_buffer(assemble(rules))
    program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxQ", (len(code) - 1) // 8, ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.c_void_p(ctypes.addressof(program)), 0, 0) == 0


if __name__ == "__main__":
    install(json.loads(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
