#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Model Context Protocol server: tools for a language model, over standard input and output.

    buntime --policy=mcp-server run data/examples/mcp-server.py

That is also how it stands in a client's configuration:

    {"mcpServers": {"notes": {"command": "buntime",
                              "args": ["--policy=mcp-server", "run", "/path/to/mcp-server.py"]}}}

The client speaks to the server as if buntime were not there: stdin and stdout are the server's own.
The model may ask for whatever it likes; the policy lets the server read the directory that it was
started in, and nothing else.  Three tools keep to that.  The fourth one, save_file, does not, and the
model is told that it was refused, while stderr tells the user what would have permitted it.
"""

import json
import sys
from pathlib import Path

VERSIONS = ["2025-06-18", "2025-03-26", "2024-11-05"]
PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
MOST = 100_000  # characters of an answer


def list_files():
    """List the files of the served directory."""
    return "\n".join(sorted(str(path) for path in Path(".").rglob("*") if path.is_file()))


def read_file(path: str):
    """Read a text file."""
    return Path(path).read_text(encoding="utf-8")[:MOST]


def search(text: str):
    """Find the lines that contain a text."""
    found = []
    for path in sorted(Path(".").rglob("*")):
        if path.is_file():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            found += [f"{path}:{number}: {line}" for number, line in enumerate(lines, 1) if text in line]
    return "\n".join(found)[:MOST]


def save_file(path: str, text: str):
    """Write a text file."""
    Path(path).write_text(text, encoding="utf-8")
    return f"{len(text)} characters written"


TOOLS = {function.__name__: function for function in (list_files, read_file, search, save_file)}


class Failure(Exception):
    """A request that cannot be answered: a code and a text."""


def arguments_of(function):
    return [name for name in function.__annotations__ if name != "return"]


def describe(function):
    names = arguments_of(function)
    return {"name": function.__name__, "description": function.__doc__,
            "inputSchema": {"type": "object", "required": names,
                            "properties": {name: {"type": "string"} for name in names}}}


def initialize(params):
    asked = params.get("protocolVersion")
    return {"protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "buntime-example", "version": "1.0"}}


def call_tool(params):
    function, arguments = TOOLS.get(str(params.get("name"))), params.get("arguments", {})
    if function is None:
        raise Failure(INVALID_PARAMS, "no such tool")
    if not isinstance(arguments, dict) or set(arguments) != set(arguments_of(function)) or \
            not all(isinstance(value, str) for value in arguments.values()):
        raise Failure(INVALID_PARAMS, f"wanted, as strings: {', '.join(arguments_of(function))}")
    try:
        text, failed = function(**arguments), False
    except (OSError, ValueError) as error:
        # Not an error of the protocol: the model is to read what went wrong.
        text, failed = str(error), True
    return {"content": [{"type": "text", "text": text}], "isError": failed}


METHODS = {
    "initialize": initialize,
    "ping": lambda params: {},
    "tools/list": lambda params: {"tools": [describe(function) for function in TOOLS.values()]},
    "tools/call": call_tool,
}


def answer(line):
    """The answer to one line of bytes, None for a notification."""
    number = None
    try:
        message = json.loads(line)
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            raise Failure(INVALID_REQUEST, "not a request")
        if "id" not in message or "method" not in message:
            return None  # a notification, or an answer to what we never ask
        number, params = message["id"], message.get("params", {})
        method = METHODS.get(str(message["method"]))
        if method is None:
            raise Failure(METHOD_NOT_FOUND, "no such method")
        if not isinstance(params, dict):
            raise Failure(INVALID_PARAMS, "params is no object")
        return {"jsonrpc": "2.0", "id": number, "result": method(params)}
    except (ValueError, RecursionError):
        code, text = PARSE_ERROR, "not JSON"
    except Failure as failure:
        code, text = failure.args
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": text}}


def main():
    for line in sys.stdin.buffer:  # bytes: what is no UTF-8 is a mistake in that line alone
        reply = answer(line)
        if reply is not None:
            print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
