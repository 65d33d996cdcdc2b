# SPDX-License-Identifier: LGPL-2.1-or-later
"""A preset grants cat among others, a policy beside it denies cat: the denial holds.

    buntime --policy=exec-policy --deny-run=cat run exec_deny_cat.py
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


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.readline().strip()


attempt("Run cat /etc/hosts", "refused", lambda: run("cat", "/etc/hosts"))
# It was the program that was denied, and not the file.
attempt("Run head /etc/hosts", "allowed", lambda: run("head", "/etc/hosts"))
attempt("Read /etc/hosts without a program", "allowed", lambda: read("/etc/hosts"))
