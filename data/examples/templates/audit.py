# SPDX-License-Identifier: LGPL-2.1-or-later
"""An audit tells of what is allowed, too, and of reads that are refused without a word.

    buntime --policy=audit run audit.py
"""
import os
import socket
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


# Each of these is one event or more; filter them by kind:read, kind:run and kind:net.
attempt("Read /etc/hosts", "allowed", lambda: read("/etc/hosts"))
# Without the audit this file is not there, and nobody hears that it was asked for.
attempt("Read ~/.bashrc", "refused", lambda: read(os.path.expanduser("~/.bashrc")))
attempt("Ask for this machine's name", "allowed", lambda: read("/etc/hostname"))
attempt("Start another Python", "allowed",
        lambda: subprocess.run([sys.executable, "-c", ""], check=True).returncode)
attempt("Look up github.com", "refused", lambda: socket.create_connection(("github.com", 443)))
