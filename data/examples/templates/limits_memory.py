# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory is limited: a program that wants more is told so, or ended.

    buntime --memory=128M run limits_memory.py

Where a control group holds the limit, it is for all processes together, and the kernel ends them
without a word; without one each process has it, and asking for more fails.
"""
BLOCK = 16 << 20
held = []

try:
    while len(held) < 32:
        held.append(b"x" * BLOCK)
        print(f"It has {len(held) * BLOCK >> 20} MiB.", flush=True)
    print("No limit was reached.")
except MemoryError:
    had = len(held) * BLOCK >> 20
    held.clear()
    print(f"MemoryError: with {had} MiB in use no more was to be had.")
