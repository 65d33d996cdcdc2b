# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bun's folder may be read, but Bun not be started.

    buntime --allow-read=~/.bun/bin --deny-run=bun run exec_deny_bun.py

(Without Bun in your home, leave out the first flag.)
"""
import os
import subprocess
import sys


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


attempt("Run Python", "allowed", lambda: run(sys.executable, "-c", "print(6 * 7)"))
# Where Bun installs itself.  Without it this says that there is no such file.
attempt("Run Bun", "refused", lambda: run(os.path.expanduser("~/.bun/bin/bun"), "--version"))
# Where a system has it, if it has.
attempt("Run Bun on PATH", "refused", lambda: run("bun", "--version"))
