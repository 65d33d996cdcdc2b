# SPDX-License-Identifier: LGPL-2.1-or-later
"""What this program may do.  A query opens nothing, and is not reported as a denial.

The supervisor looks at no path: what a link leads to, and whether a directory is there, is what
this program sees.
"""

import collections
import json
import os

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
_PATHS = ("read", "write", "run", "list", "ffi")
_STATES = {_types.ALLOW: "allow", _types.DENY: "deny", _types.WARN: "warn"}
_ORDER = {"allow": 0, "warn": 1, "deny": 2}


class Status(collections.namedtuple("Status", ("state", "rule", "flag"))):
    """state is "allow", "deny" or "warn" (allowed, and reported); rule is what decided, and
    flag the option of buntime that would allow it; both may be empty.  True: it is allowed."""

    __slots__ = ()

    def __bool__(self):
        return self.state != "deny"


def _place(path):
    """Without links; with a slash behind a directory."""
    real = os.path.realpath(os.path.expanduser(path))
    return real.rstrip("/") + "/" if os.path.isdir(real) else real


def _program(name):
    """As shutil.which(), which takes long to load."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    paths = [os.path.join(folder or ".", name) for folder in folders]
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)


def _interpreter(path):
    """What the first line of a script names, which has to be allowed, too."""
    line = b""
    if os.path.isfile(path) and os.access(path, os.R_OK):
        try:
            with open(path, "rb") as file:
                line = file.readline(256)
        except OSError:  # what may be executed alone
            pass
    words = line[2:].split() if line.startswith(b"#!") else []
    return [os.fsdecode(words[0])] if words else []


def _questions(kind, value):
    if kind not in _KINDS:
        raise ValueError(f"no such permission: {kind!r}; there are {', '.join(_KINDS)}")
    values = [value]
    if kind == "run" and "/" not in value:
        values = [_program(value) or value]
    if kind == "run":
        values += _interpreter(values[0])
    for one in values:
        named = kind not in _PATHS or one == "" or (kind == "run" and "/" not in one)
        yield _KINDS[kind], (one if named else _place(one)).encode()


def _worst(answers):
    return max((_status(answer) for answer in answers), key=lambda status: _ORDER[status.state])


def _status(answer):
    kind, data = answer
    verdict = json.loads(data) if data else {}
    rule = verdict.get("rule") or {}
    words = [rule.get("source"), rule.get("line"), rule.get("text")]
    return Status(_STATES[kind], ": ".join(str(word) for word in words if word),
                  verdict.get("suggestion") or "")


def query(kind, value):
    """Would this be allowed?  kind is read, write, net, run, list, env, ffi or sys."""
    return _worst([channel()._ask(*question) for question in _questions(kind, value)])


async def query_async(kind, value):
    """As query(), without keeping the event loop waiting."""
    return _worst([await channel()._ask_async(*question) for question in _questions(kind, value)])
