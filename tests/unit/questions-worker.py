# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asks what it may do, and does it: each argument is KIND=VALUE=EXPECTED."""

import ctypes
import os
import subprocess
import sys

import buntime
from buntime import _types

RAW = {"read": _types.FS_READ, "write": _types.FS_WRITE, "run": _types.EXEC, "list": _types.LISTDIR,
       "ffi": _types.FFI}


def write(path):
    if os.path.isdir(path):
        write(os.path.join(path, "made-by-the-test"))
    elif os.path.exists(path):
        with open(path, "r+b") as file:
            file.truncate(0)
    else:
        with open(path, "wb"):
            os.unlink(path)


def read(path):
    if os.path.isdir(path):
        os.listdir(path)
    else:
        with open(path, "rb") as file:
            file.read(1)


DEEDS = {
    "read": read,
    "write": write,
    "list": os.listdir,
    "run": lambda path: subprocess.run([path], check=True),
    "ffi": ctypes.CDLL,
    "env": lambda name: os.environ[name],
}


def attempt(kind, value):
    try:
        DEEDS[kind](value)
        return "allow"
    except (OSError, KeyError):
        return "deny"


def main():
    for argument in sys.argv[1:]:
        kind, value, expected = argument.split("=")
        if kind == "raw":
            for question in RAW.values():
                buntime.channel()._ask(question, value.encode())
            continue
        asked, done = buntime.permissions.query(kind, value).state, attempt(kind, value)
        if asked != expected or done != expected:
            print(f"{kind} {value}: expected {expected}, asked {asked}, done {done}")
    print("done")


main()
