# SPDX-License-Identifier: LGPL-2.1-or-later
"""/etc is denied as a whole: what every program sees of it is gone, too.

    buntime --audit --deny-read=/etc run fs_deny_etc.py
"""
import os


def attempt(what, expected, action):
    try:
        came = f"allowed: {action()}"
    except OSError as error:
        came = f"refused: {error.strerror}"
    print(f"{what}\n  expected {expected}\n  came     {came}", flush=True)


def read(path):
    with open(path, encoding="utf-8") as file:
        return f"{len(file.read())} characters"


attempt("List /etc", "refused", lambda: f"{len(os.listdir('/etc'))} names")
attempt("Read /etc/passwd", "refused", lambda: read("/etc/passwd"))
attempt("Read /etc/hosts", "refused", lambda: read("/etc/hosts"))
# A way around by another name leads to the same place.
attempt("Read /usr/../etc/passwd", "refused", lambda: read("/usr/../etc/passwd"))
os.symlink("/etc/passwd", "/tmp/link")
attempt("Read it through a link in /tmp", "refused", lambda: read("/tmp/link"))
# What is not below /etc is as it was.
attempt("Read Python's own os.py", "allowed", lambda: read(os.__file__))
