# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs of /usr/bin may be started, but no shell: nothing runs command lines.

    buntime --allow-run=/usr/bin --deny-run=sh,bash run exec_deny_shell.py
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


attempt("Run uname", "allowed", lambda: run("uname", "-s"))
attempt("Run sh", "refused", lambda: run("sh", "-c", "uname -s"))
attempt("Run bash", "refused", lambda: run("bash", "-c", "uname -s"))
# What os.system() and shell=True do is to start sh.  So a command line that was put together from
# somebody's input, "; rm -rf ~" and all, never runs.
attempt("Run a command line", "refused",
        lambda: subprocess.run("uname -s; id", shell=True, check=True, capture_output=True))
