# SPDX-License-Identifier: LGPL-2.1-or-later
"""A worker in Python: two functions that a host program calls, host.py or host.js beside it.

buntime is there without being installed; by itself, outside of a sandbox, this program ends
at once.
"""

import socket

import buntime

channel = buntime.channel()


@channel.handler("count_words")
def count_words(text):
    return len(text.split())


@channel.handler("phone_home")
def phone_home(host):
    """What nobody asked for.  An exception goes back to the caller as its text."""
    # Whoever reads a policy can ask what it means, without trying.
    state = buntime.permissions.query("net", f"{host}:443").state
    print(f"{host}?", state, flush=True)
    with socket.create_connection((host, 443), timeout=5):
        return "connected"


channel.serve()
