# SPDX-License-Identifier: LGPL-2.1-or-later
"""ls is denied; looking at a directory is another matter.

    buntime --policy=exec-policy --deny-run=ls run exec_deny_ls.py
"""
import os
import subprocess


def attempt(what, expected, action):
    try:
        came = f"allowed: {action()}"
    except OSError as error:
        came = f"refused: {error.strerror}"
    print(f"{what}\n  expected {expected}\n  came     {came}", flush=True)


def run(*command):
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode != 0:
        raise OSError(done.returncode, done.stderr.strip().rpartition("\n")[2])
    return done.stdout.partition("\n")[0]


attempt("Run ls /usr", "refused", lambda: run("ls", "/usr"))
# The preset grants find, too.
attempt("Run find /usr", "allowed", lambda: run("find", "/usr", "-maxdepth", "0"))
# No rule for programs keeps a program from what it can do itself: deny reading for that.
attempt("List /usr without a program", "allowed", lambda: f"{len(os.listdir('/usr'))} names")
