# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs and libraries that a test compiles, and what tests/sandbox/attack.c finds with them."""

import subprocess


def compile_c(source, target, *flags):
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-o", target, source, *flags], check=True)
    return target


class Attack:
    """The worker is a program in C that tries its ways on paths."""

    def __init__(self, box):
        self.box = box
        compile_c(box.world.source / "tests/sandbox/attack.c", box.directory / "attack", "-ldl")

    def parse(self, text):
        found = {}
        for line in text.splitlines():
            words, result = line.rsplit(": ", 1)
            found[tuple(words.split(" ", 1))] = result
        return found

    def __call__(self, *flags, on, ops, **kwargs):
        """{(op, path): result} and the run. on is a path or several."""
        paths = on if isinstance(on, (list, tuple)) else [on]
        args = [word for path in paths for op in ops for word in (op, str(path))]
        result = self.box.run(*flags, name="./attack", args=args, **kwargs)
        found = self.parse(result.stdout)
        assert len(found) == len(ops) * len(paths), str(result)
        return found, result

    def without_sandbox(self, *, on, ops):
        args = [word for op in ops for word in (op, str(on))]
        done = subprocess.run([self.box.directory / "attack", *args], capture_output=True,
                              text=True, check=True)
        return self.parse(done.stdout)
