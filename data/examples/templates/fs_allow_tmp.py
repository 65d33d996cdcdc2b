# SPDX-License-Identifier: LGPL-2.1-or-later
"""/tmp may be written, and nothing else.  It is the program's own /tmp, not yours.

    buntime --allow-read=/tmp --allow-write=/tmp run fs_allow_tmp.py
"""
import os


def attempt(what, expected, action):
    try:
        came = f"allowed: {action()}"
    except OSError as error:
        came = f"refused: {error.strerror}"
    print(f"{what}\n  expected {expected}\n  came     {came}", flush=True)


def write(path):
    with open(path, "w", encoding="utf-8") as file:
        return f"{file.write('a line of text')} characters"


def read(path):
    with open(path, encoding="utf-8") as file:
        return repr(file.read())


def rename():
    os.mkdir("/tmp/folder")
    os.rename("/tmp/scratch.txt", "/tmp/folder/kept.txt")
    return ", ".join(os.listdir("/tmp/folder"))


attempt("Write /tmp/scratch.txt", "allowed", lambda: write("/tmp/scratch.txt"))
attempt("Read it back", "allowed", lambda: read("/tmp/scratch.txt"))
attempt("Move it into a folder", "allowed", rename)
# Each refusal outside /tmp is an event, with the flag that would permit it.
attempt("Write /var/tmp/scratch.txt", "refused", lambda: write("/var/tmp/scratch.txt"))
attempt("Write into your home", "refused", lambda: write(os.path.expanduser("~/scratch.txt")))
