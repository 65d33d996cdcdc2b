# SPDX-License-Identifier: LGPL-2.1-or-later
"""/etc may be read but for one file: a denial stands over a grant, whichever comes first.

    buntime --audit --allow-read=/etc --deny-read=/etc/hostname run fs_deny_etc_hostname.py
"""
import subprocess
import sys


def attempt(what, expected, action):
    try:
        came = f"allowed: {action()}"
    except OSError as error:
        came = f"refused: {error.strerror}"
    print(f"{what}\n  expected {expected}\n  came     {came}", flush=True)


def read(path):
    with open(path, encoding="utf-8") as file:
        return f"{len(file.read())} characters"


def read_in_child(path):
    done = subprocess.run([sys.executable, "-c", f"print(len(open({path!r}).read()))"],
                          capture_output=True, check=False, text=True)
    if done.returncode != 0:
        raise OSError(0, done.stderr.splitlines()[-1])
    return f"{done.stdout.strip()} characters"


attempt("Read /etc/hosts", "allowed", lambda: read("/etc/hosts"))
attempt("Read /etc/shells", "allowed", lambda: read("/etc/shells"))
attempt("Read /etc/hostname", "refused", lambda: read("/etc/hostname"))
# What a program starts is in the same sandbox.
attempt("Read /etc/hostname in another Python", "refused", lambda: read_in_child("/etc/hostname"))
