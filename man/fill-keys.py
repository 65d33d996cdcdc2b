#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs at build time: fill-keys.py SCHEMA SOURCE VERSION prints a page, its source with the
schema's keys where a line is @KEYS@: buntime-events(5), and buntime-doctor(1) in part."""

import json
import re
import sys


def roff(text):
    """Words in man(7), in ASCII."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    text = "".join(c if ord(c) < 0x80 else rf"\[u{ord(c):04X}]" for c in text)
    # A line that begins so would be a request.
    return re.sub(r"^(?=[.])", r"\\&", text)


def type_of(key):
    if "const" in key:
        return f"always {json.dumps(key['const'])}"
    kinds = key.get("type", "string")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    names = {"integer": "whole number", "boolean": "true or false", "array": "list"}
    return " or ".join(names.get(kind, kind) for kind in kinds)


def keys_of(schema, before=""):
    for name, key in schema["properties"].items():
        optional = "; not in every object" if before else "; not in every line"
        yield ".TP"
        yield rf"\fI{roff(before + name)}\fR ({roff(type_of(key))}{'' if name in schema['required'] else optional})"
        yield roff(key["description"])
        if "enum" in key:
            yield "One of"
            yield from (rf"\fB{roff(word)}\fR," for word in key["enum"][:-1])
            yield rf"\fB{roff(key['enum'][-1])}\fR."
        if "properties" in key:
            yield from keys_of(key, f"{before}{name}.")
        elif "properties" in key.get("items", {}):
            yield from keys_of(key["items"], f"{before}{name}[].")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    with open(sys.argv[2], encoding="utf-8") as file:
        source = file.read()
    page = source.replace("@VERSION@", sys.argv[3])
    if page.count("\n@KEYS@\n") != 1:
        sys.exit(f"{sys.argv[2]}: it does not have @KEYS@ once")
    sys.stdout.write(page.replace("\n@KEYS@\n", "\n" + "\n".join(keys_of(schema)) + "\n"))


main()
