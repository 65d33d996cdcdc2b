# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs of /usr/bin may be started, but not curl.

    buntime --allow-run=/usr/bin --deny-run=curl run exec_deny_curl.py
"""
import socket
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


def connect(host, port):
    try:
        socket.create_connection((host, port), timeout=1).close()
        return "connected"
    except PermissionError:  # this is how a policy refuses; all else is the network's doing
        raise
    except OSError as error:
        return f"but no connection ({error.strerror or error})"


attempt("Run uname", "allowed", lambda: run("uname", "-s"))
attempt("Run curl", "refused", lambda: run("curl", "--version"))
# Without curl a program has sockets left: the network is a permission of its own.
attempt("Connect to 192.0.2.7:80", "refused", lambda: connect("192.0.2.7", 80))
