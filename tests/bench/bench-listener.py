#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Accepts and closes connections on ADDRESS PORT until its stdin ends."""
import select
import socket
import sys

with socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=512) as server:
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([server, sys.stdin], [], [])
        if sys.stdin in readable:
            break
        server.accept()[0].close()
