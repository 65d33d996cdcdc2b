# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs and libraries that a test compiles, and what tests/sandbox/*.c find out by themselves."""

import functools
import subprocess
import tempfile
from pathlib import Path


def compile_c(source, target, *flags):
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-o", target, source, *flags], check=True)
    return target


@functools.cache
def compiled(source):
    """Once for all tests of a run."""
    return compile_c(source, Path(tempfile.mkdtemp()) / source.stem, "-ldl").read_bytes()


class Attack:
    """The worker is a program in C that tries its ways on paths."""

    def __init__(self, box, program="attack"):
        self.box = box
        self.program = box.directory / program
        self.program.write_bytes(compiled(box.world.source / f"tests/sandbox/{program}.c"))
        self.program.chmod(0o755)

    def parse(self, text):
        found = {}
        for line in text.splitlines():
            words, result = line.rsplit(": ", 1)
            found[tuple(words.split(" ", 1))] = result
        return found

    def __call__(self, *flags, on, ops, **kwargs):
        """{(op, path): result} and the run. on is a path or several."""
        paths = on if isinstance(on, (list, tuple)) else [on]
        return self.each(*flags, pairs=[(op, path) for path in paths for op in ops], **kwargs)

    def each(self, *flags, pairs, **kwargs):
        """The same for each (op, path)."""
        args = [word for op, path in pairs for word in (op, str(path))]
        result = self.box.run(*flags, name=f"./{self.program.name}", args=args, **kwargs)
        found = self.parse(result.stdout)
        assert len(found) == len(pairs), str(result)
        return found, result

    def without_sandbox(self, *, on, ops):
        args = [word for op in ops for word in (op, str(on))]
        done = subprocess.run([self.program, *args], capture_output=True,
                              text=True, check=True)
        return self.parse(done.stdout)
