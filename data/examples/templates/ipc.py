# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages over shared memory to the program that started this one: here, the debug UI.

    buntime run ipc.py

By itself like this it has nobody to talk to, and says so.  In the debug UI, `buntime ui`, the
module buntime is there without being installed.
"""
import sys
import time

try:
    import buntime
    channel = buntime.channel()
except (ImportError, FileNotFoundError):
    print("There is nobody to talk to: run this in the debug UI.")
    sys.exit()

# What a policy means can be asked, without trying it.
for kind, value in ("read", "/etc/hosts"), ("write", "/etc/hosts"), ("net", "github.com:443"):
    print(f"May I {kind} {value}? {buntime.permissions.query(kind, value).state}", flush=True)

# Messages are bytes.  Watch the gauge of the ring towards you, and the rate.
begun, count = time.monotonic(), 0
while time.monotonic() - begun < 2:
    for _ in range(20):
        channel.send(f"message {count} ".encode().ljust(4096, b"."))
        count += 1
    time.sleep(0.05)
print(f"{count} messages of 4 KiB sent.", flush=True)

# A request wants an answer, for which it waits.
try:
    print("You answered:", channel.request(b"What is your name?", timeout=20).decode())
except (TimeoutError, buntime.RemoteError) as error:
    print("No answer:", error)
