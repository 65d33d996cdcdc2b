# SPDX-License-Identifier: LGPL-2.1-or-later
"""Python may be started, and no other program.

    buntime --allow-run=python3 run exec_allow_python.py
"""
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


# A program's own interpreter may always be started; the policy says so for everybody to read.
attempt("Run python3", "allowed", lambda: run("python3", "-c", "print(6 * 7)"))
attempt("Run it by its path", "allowed", lambda: run(sys.executable, "-c", "print(6 * 7)"))
# What Python starts is in the same sandbox, at any depth.
attempt("Run uname", "refused", lambda: run("uname", "-s"))
CODE = "import subprocess; print(subprocess.run(['uname', '-s'], check=True))"
attempt("Run uname by another Python", "refused", lambda: run("python3", "-c", CODE))
