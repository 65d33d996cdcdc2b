# SPDX-License-Identifier: LGPL-2.1-or-later
"""The numbers of buntime-ipc(7)."""

STDOUT, STDERR = 0x00, 0x09
FS_READ, FS_WRITE, NET_CONNECT, EXEC, LISTDIR, ENV, FFI, SYS = range(0x01, 0x09)
ALLOW, DENY, WARN = 0x10, 0x11, 0x12
CODE, RESULT = 0x20, 0x21
MESSAGE, REQUEST, REPLY, ERROR = 0x30, 0x31, 0x32, 0x33

# What prepare() waits for.
DATA, ROOM = 1, 2
