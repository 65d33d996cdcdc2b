# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `meson install` makes, and buntime run from there."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from world import PLAIN


def run(*command, timeout=120, **kwargs):
    """A build tool's output, which is shown if it fails."""
    result = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                            check=False, **kwargs)
    assert result.returncode == 0, f"$ {' '.join(map(str, command))}\n{result.stdout[-8000:]}"
    return result.stdout


def option(build, name):
    options = json.loads((build / "meson-info/intro-buildoptions.json").read_text(encoding="utf-8"))
    return next(one["value"] for one in options if one["name"] == name)


# What a release is built without.
HIDDEN = ("git", "node", "nodejs", "npm", "bun", "ccache")


def bare(folder, *command, env=None, **kwargs):
    """Where PATH leads to all but what is hidden; links to the rest are made in a folder."""
    programs = folder / "programs"
    if not programs.exists():
        programs.mkdir()
        for program in [*Path("/usr/sbin").iterdir(), *Path("/usr/bin").iterdir()]:
            if program.name not in HIDDEN and not (programs / program.name).is_symlink():
                (programs / program.name).symlink_to(program)
    return run(*PLAIN, *command, env={**os.environ, "PATH": str(programs), **(env or {})}, **kwargs)


class Tree:
    """An installed buntime, wherever it lies."""

    def __init__(self, world, root, prefix, libdir):
        self.world, self.root = world, root
        self.prefix = Path(str(root) + prefix)
        self.names = (prefix, libdir)
        self.libdir, self.datadir = self.prefix / libdir, self.prefix / "share"
        self.program = self.prefix / "bin/buntime"
        self.examples = self.datadir / "doc/buntime/examples"

    @classmethod
    def install(cls, world, build, root):
        run("meson", "install", "-C", build, "--no-rebuild", "--quiet", f"--destdir={root}")
        return cls(world, root, option(build, "prefix"), option(build, "libdir"))

    def move(self, root):
        """Another one, copied; this one is away."""
        shutil.copytree(self.root, root, symlinks=True)
        self.root.rename(self.root.with_name(self.root.name + "-away"))
        return Tree(self.world, root, *self.names)

    def check_tour(self):
        result = self.call("--allow-net=github.com", "run", self.examples / "tour.py")
        assert result.status == 0 and "Surprises: none." in result.stdout, str(result)
        assert result.denied("net", "example.com:443") and result.denied("write", "buntime-tour-was-here")

    def check_page(self):
        """The debug UI's server starts."""
        server = subprocess.Popen([*PLAIN, str(self.program), "ui", "--port=0"], stdout=subprocess.PIPE,
                                  text=True, env=self.world.environment())
        try:
            assert server.stdout.readline().startswith("http://127.0.0.1:")
        finally:
            server.terminate()
            server.wait(20)
            server.stdout.close()

    def call(self, *args, env=None, cwd="/home/user", stdin=None):
        return self.world.run_command([*PLAIN, self.program, *args], cwd=cwd, stdin=stdin,
                                      env=self.world.environment(env))

    def host(self, command, cwd="/home/user", env=None):
        """A program that uses the library, as it would find it by ldconfig."""
        return self.world.run_command([*PLAIN, *command], cwd=cwd, env=self.world.environment({
            "LD_LIBRARY_PATH": str(self.libdir), "GI_TYPELIB_PATH": str(self.libdir / "girepository-1.0"),
            "PATH": f"{self.program.parent}:/usr/bin:/bin", **(env or {})}))

    def files(self):
        """All but folders, below the prefix, with libdir's name as anywhere."""
        names = [str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*")
                 if path.is_symlink() or not path.is_dir()]
        libdir = str(self.libdir.relative_to(self.prefix))
        return sorted(re.sub(rf"^{re.escape(libdir)}/", "lib/", name) for name in names)


