# SPDX-License-Identifier: LGPL-2.1-or-later
"""A task that nobody trusts: counts the primes of the Nth thousand, and phones home."""

import socket
import sys

task = int(sys.argv[1])
numbers = range(max(2, 1000 * (task - 1)), 1000 * task)
primes = [n for n in numbers if all(n % divisor for divisor in range(2, int(n ** 0.5) + 1))]
print(f"task {task}: {len(primes)} primes")
try:
    socket.create_connection(("telemetry.example", 443))
except OSError as error:
    print(f"no telemetry: {error.strerror}")
