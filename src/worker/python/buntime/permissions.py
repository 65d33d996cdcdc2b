# SPDX-License-Identifier: LGPL-2.1-or-later
"""What this program may do.  A query opens nothing, and is not reported as a denial."""

import json
from typing import NamedTuple

from . import _types
from ._client import channel

_KINDS = {
    "read": _types.FS_READ,
    "write": _types.FS_WRITE,
    "net": _types.NET_CONNECT,
    "run": _types.EXEC,
    "list": _types.LISTDIR,
    "env": _types.ENV,
    "ffi": _types.FFI,
    "sys": _types.SYS,
}
_STATES = {_types.ALLOW: "allow", _types.DENY: "deny", _types.WARN: "warn"}


class Status(NamedTuple):
    """state is "allow", "deny" or "warn" (allowed, and reported); rule is what decided, and
    flag the option of buntime that would allow it; both may be empty.  True: it is allowed."""

    state: str
    rule: str
    flag: str

    def __bool__(self):
        return self.state != "deny"


def _question(kind, value):
    if kind not in _KINDS:
        raise ValueError(f"no such permission: {kind!r}; there are {', '.join(_KINDS)}")
    return _KINDS[kind], value.encode()


def _status(answer):
    kind, data = answer
    verdict = json.loads(data) if data else {}
    rule = verdict.get("rule") or {}
    words = [rule.get("source"), rule.get("line"), rule.get("text")]
    return Status(_STATES[kind], ": ".join(str(word) for word in words if word),
                  verdict.get("suggestion") or "")


def query(kind, value):
    """Would this be allowed?  kind is read, write, net, run, list, env, ffi or sys."""
    return _status(channel()._ask(*_question(kind, value)))


async def query_async(kind, value):
    """As query(), without keeping the event loop waiting."""
    return _status(await channel()._ask_async(*_question(kind, value)))
