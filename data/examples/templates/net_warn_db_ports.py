# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connections to the ports of databases pass, and each is told of.

    buntime --policy=net-egress run net_warn_db_ports.py
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


DATABASES = {"MySQL": 3306, "PostgreSQL": 5432, "Redis": 6379}

# Three events with the action "warn", and none of HTTPS.  192.0.2.7 is for documentation
# (RFC 5737): most networks have nobody there.
for name, port in DATABASES.items():
    attempt(f"Connect to 192.0.2.7:{port} ({name})", "allowed",
            lambda port=port: connect("192.0.2.7", port))
attempt("Connect to 192.0.2.7:443 (HTTPS)", "allowed", lambda: connect("192.0.2.7", 443))
