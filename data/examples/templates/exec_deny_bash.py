# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs of /usr/bin may be started, but not bash.

    buntime --allow-run=/usr/bin --deny-run=bash run exec_deny_bash.py
"""
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


attempt("Run env", "allowed", lambda: run("env", "uname", "-s"))
attempt("Run bash", "refused", lambda: run("bash", "-c", "uname -s"))
# env may run, and what it starts needs a grant of its own.
attempt("Run bash by env", "refused", lambda: run("env", "bash", "-c", "uname -s"))
