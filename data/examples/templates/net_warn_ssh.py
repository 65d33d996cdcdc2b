# SPDX-License-Identifier: LGPL-2.1-or-later
"""A warning lets a connection pass and tells of it: here SSH, to any host.

    buntime --policy=net-egress run net_warn_ssh.py
"""
import socket


def attempt(what, expected, action):
    try:
        came = f"allowed: {action()}"
    except OSError as error:
        came = f"refused: {error.strerror}"
    print(f"{what}\n  expected {expected}\n  came     {came}", flush=True)


def connect(host, port):
    try:
        socket.create_connection((host, port), timeout=1).close()
        return "connected"
    except PermissionError:  # this is how a policy refuses; all else is the network's doing
        raise
    except OSError as error:
        return f"but no connection ({error.strerror or error})"


# 192.0.2.7 is for documentation (RFC 5737): put a host of yours there to see it answer.
attempt("Connect to 192.0.2.7:80 (HTTP)", "allowed", lambda: connect("192.0.2.7", 80))
# This one is an event with the action "warn", and the rule that says so.
attempt("Connect to 192.0.2.7:22 (SSH)", "allowed", lambda: connect("192.0.2.7", 22))
# A denial stands over the warning: nothing is sent to a private network, whatever the port.
attempt("Connect to 10.0.0.1:22 (SSH)", "refused", lambda: connect("10.0.0.1", 22))
