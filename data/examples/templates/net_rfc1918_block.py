# SPDX-License-Identifier: LGPL-2.1-or-later
"""The internet is open, the networks of home and office (RFC 1918) are not.

    buntime --policy=net-egress run net_rfc1918_block.py
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


# Routers, printers and other machines live at these.
for address in "10.0.0.1", "172.16.0.1", "192.168.0.1":
    attempt(f"Connect to {address}:80", "refused", lambda address=address: connect(address, 80))
# A cloud tells its machines their passwords here.
attempt("Connect to 169.254.169.254:80", "refused", lambda: connect("169.254.169.254", 80))
# Any other address, of those for documentation (RFC 5737): most networks have nobody there.
attempt("Connect to 192.0.2.7:80", "allowed", lambda: connect("192.0.2.7", 80))
