# SPDX-License-Identifier: LGPL-2.1-or-later
"""A first program: what a sandbox without any policy looks like from inside.

    buntime run hello_world.py
"""
import os
import platform
import socket

print(f"Hello from Python {platform.python_version()} in a sandbox!")
print(f"I am process {os.getpid()} of this sandbox, and user {os.getuid()}, as you are.")

# Without a policy there is Python, the system's libraries, and a /tmp of its own.
with open("/tmp/note.txt", "w", encoding="utf-8") as file:
    file.write("gone when this program ends")
print("I have written /tmp/note.txt; this /tmp is mine alone, and goes when I go.")

# Of your files there is this program, and the folders that lead to it.
home = os.path.expanduser("~")
try:
    print(f"In {home} I see: {', '.join(os.listdir(home)) or 'nothing'}.")
except OSError as error:
    print(f"I cannot list {home}: {error.strerror}.")

# A connection is refused before anything leaves; the event says what would permit it.
try:
    socket.create_connection(("192.0.2.7", 80), timeout=2).close()
    print("I have reached 192.0.2.7, a host on the network.")
except OSError as error:
    print(f"I cannot reach 192.0.2.7: {error.strerror or error}.")
