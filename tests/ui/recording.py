#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Takes the README's recording anew: a real run in the world, as an SVG that moves by itself.

    tests/world/enter.py ... -- tests/ui/recording.py >data/screenshots/run.svg    (as tests/run starts it)

What the programs write is what they wrote, in the order and at the pace in which it came; typing and reading
take their time.
"""

import os
import pty
import re
import select
import sys
import time
from html import escape
from pathlib import Path

BUILD = Path(os.environ["BUNTIME_TEST_BUILD"])
PROGRAM = '''\
import os, socket

def attempt(what, action):
    try:
        action()
        print("got", what)
    except OSError as error:
        print("no", what + ":", error.strerror)

attempt("your keys", lambda: os.listdir(os.path.expanduser("~/.ssh")))
attempt("github.com", lambda: socket.create_connection(("github.com", 443)))
'''
COMMANDS = ["cat w.py", "python3 w.py", "buntime run w.py", "buntime --allow-net=github.com run w.py"]
TYPING, BEFORE, READING = 0.045, 0.4, 2.6
COLUMNS, CHARACTER, LINE, MARGIN = 84, 8.43, 19, 16


def run(command, folder):
    """[(seconds, line)]"""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.environ["PATH"] = f"{BUILD / 'src/cli'}:/usr/bin:/bin"
        os.execvp("setpriv", ["setpriv", "--ambient-caps=-all", "--inh-caps=-all", "--", "sh", "-c", command])
    begun, text, lines = time.monotonic(), b"", []
    while select.select([fd], [], [], 20)[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        text += data
        while b"\n" in text:
            line, text = text.split(b"\n", 1)
            lines.append((time.monotonic() - begun, re.sub(r"\x1b\[[0-9;]*m", "", line.decode()).rstrip("\r")))
    os.waitpid(pid, 0)
    return lines


def record(folder):
    """[(seconds, column, row, text, is it typed)]"""
    shown, clock, row = [], 0.8, 0
    for command in COMMANDS:
        shown.append((clock, 0, row, "$", True))
        clock += BEFORE
        for column, character in enumerate(command, 2):
            shown.append((clock, column, row, character, True))
            clock += TYPING
        clock += BEFORE
        row += 1
        last = 0
        for seconds, line in run(command, folder):
            for part in [line[i:i + COLUMNS] for i in range(0, max(len(line), 1), COLUMNS)]:
                shown.append((clock + seconds, 0, row, part, False))
                row += 1
            last = seconds
        clock += last + READING
    return shown, clock + READING, row


def svg(shown, seconds, rows):
    width, height = round(COLUMNS * CHARACTER + 2 * MARGIN), rows * LINE + 2 * MARGIN
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
           f'height="{height}" role="img" aria-label="A terminal: {escape("; ".join(COMMANDS))}">')
    yield '<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->'
    yield ('<style>text{font:14px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;fill:#d8dee9;'
           'white-space:pre}.t{fill:#a3d9a5}</style>')
    yield f'<rect width="{width}" height="{height}" rx="8" fill="#1d2129"/>'
    for at, column, row, text, typed in shown:
        if not text.strip():
            continue
        x, y = MARGIN + column * CHARACTER, MARGIN + row * LINE + 14
        yield (f'<text x="{x:.1f}" y="{y}" xml:space="preserve"' + (' class="t"' if typed else "") +
               # The same width, whichever font there is.
               (f' textLength="{len(text) * CHARACTER:.1f}"' if len(text) > 1 else "") + f'>{escape(text)}'
               f'<animate attributeName="opacity" values="0;1" keyTimes="0;{at / seconds:.4f}" calcMode="discrete" '
               f'dur="{seconds:.1f}s" repeatCount="indefinite"/></text>')
    yield "</svg>"


def main():
    folder = Path("/home/user/project")
    folder.mkdir(exist_ok=True)
    (folder / "w.py").write_text(PROGRAM, encoding="utf-8")
    keys = Path("/home/user/.ssh")
    keys.mkdir(exist_ok=True)
    (keys / "id_ed25519").touch()
    sys.stdout.write("\n".join(svg(*record(folder))) + "\n")


main()
