# SPDX-License-Identifier: LGPL-2.1-or-later
"""One rule allows a network, another warns of one port in it.

    buntime --policy=net-egress run net_warn_mysql.py
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


# 192.0.2.0/24 is for documentation (RFC 5737): put your own network into both rules to try it.
attempt("Connect to 192.0.2.7:443 (HTTPS)", "allowed", lambda: connect("192.0.2.7", 443))
# warn stands over allow, as deny stands over both; the order of the rules does not count.
attempt("Connect to 192.0.2.7:3306 (MySQL)", "allowed", lambda: connect("192.0.2.7", 3306))
