# SPDX-License-Identifier: LGPL-2.1-or-later
"""/etc may be read, which is more than the few files that every program sees of it.

    buntime --allow-read=/etc run fs_allow_etc.py
"""
import os


def attempt(what, expected, action):
    try:
        came = f"allowed: {action()}"
    except OSError as error:
        came = f"refused: {error.strerror}"
    print(f"{what}\n  expected {expected}\n  came     {came}", flush=True)


def first_line(path):
    with open(path, encoding="utf-8") as file:
        return repr(file.readline())


def write(path):
    with open(path, "a", encoding="utf-8"):
        return "opened for writing"


attempt("List /etc", "allowed", lambda: f"{len(os.listdir('/etc'))} names")
attempt("Read /etc/shells", "allowed", lambda: first_line("/etc/shells"))
# Names and users are still made up: a program learns no more of you than it needs.
attempt("Read /etc/hostname", "allowed", lambda: first_line("/etc/hostname"))
# A grant never gives a program more than you have yourself.
attempt("Read /etc/shadow", "refused", lambda: first_line("/etc/shadow"))
# Reading is one permission and writing is another.
attempt("Write /etc/shells", "refused", lambda: write("/etc/shells"))
