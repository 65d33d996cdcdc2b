# SPDX-License-Identifier: LGPL-2.1-or-later
"""buntime as a Flatpak: exported, installed and run as a user does it, from what is on this machine.

The runtime is made of Debian's own files, since there is no network to fetch another from; the
application is what `meson install` put into build-flatpak/install, finished as the manifest says.
"""

import copy
import fnmatch
import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import manifest
from manifest import APP
from world import PLAIN, World

PLATFORM = "io.github.buntime.TestPlatform"
BRANCH = "1"
# Flatpak's tools start processes of their own, too.
TOOL_TIMEOUT = 60
# What the tests run inside, besides buntime.
PROGRAMS = ["python3", "sh", "bash", "cat", "env", "ls", "sleep", "true"]


def libraries(files):
    """The libraries that they are linked to, and their loader."""
    shown = subprocess.run(["ldd", *files], capture_output=True, text=True, check=False, timeout=TOOL_TIMEOUT)
    return set(re.findall(r"(/\S+) \(0x", shown.stdout))


def runtime_files(installed):
    """From this machine: programs, Python's own modules, and what all is linked to. Below /usr, each."""
    modules = Path(sysconfig.get_paths()["stdlib"])
    names = {str(path) for path in modules.rglob("*") if not path.is_dir()}
    names |= {f"/usr/bin/{program}" for program in PROGRAMS}
    names |= {os.path.realpath(name) for name in names if os.path.islink(name)}
    programs = [name for name in names if name.startswith("/usr/bin/") or name.endswith(".so")]
    built = [path for path in installed.rglob("*") if path.is_file() and path.open("rb").read(4) == b"\x7fELF"]
    for name in libraries([*programs, *built]):
        # The name that it is found by, and the file.
        names |= {name, os.path.realpath(name)}
        if os.path.basename(name) == "libc.so.6":
            # Of the C library's own, what Bun is linked to.
            names |= {os.path.join(os.path.dirname(name), other)
                      for other in ("libpthread.so.0", "libdl.so.2", "librt.so.1")}
    return sorted({re.sub("^/(usr/)?", "", name) for name in names if re.match("/(usr|lib|lib64)/", name)})


class Application:
    def __init__(self, world, directory):
        self.world = world
        self.directory = directory
        self.repository = directory / "repo"
        self.manifest = manifest.read(world.source)
        self.arch = self.tool("flatpak", "--default-arch").strip()
        (directory / "run").mkdir(mode=0o700)
        # The host's buntime, which --host starts: the session's PATH is that of its first process.
        self.host_buntime = directory / "bin/buntime"
        self.host_buntime.parent.mkdir()
        self.host_buntime.symlink_to(world.buntime)
        # As long as its standard input is open.
        self.session = subprocess.Popen(
            [*PLAIN, "dbus-run-session", "--", "sh", "-c", "echo $DBUS_SESSION_BUS_ADDRESS; exec cat"],
            env=self.environment({"PATH": f"{self.host_buntime.parent}:/usr/bin:/bin"}), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self.bus = self.session.stdout.readline().strip()

    def close(self):
        self.session.stdin.close()
        self.session.wait(TOOL_TIMEOUT)

    # ---- making it ----

    def environment(self, extra=None):
        own = {"XDG_RUNTIME_DIR": str(self.directory / "run"),
               "FLATPAK_USER_DIR": str(self.directory / "user")}
        if hasattr(self, "bus"):
            own["DBUS_SESSION_BUS_ADDRESS"] = self.bus
        return self.world.environment(own | (extra or {}))

    def tool(self, *command, env=None):
        result = self.world.run_command([*PLAIN, *command],
                                        timeout=TOOL_TIMEOUT, env=self.environment(env), cwd=self.directory)
        assert result.status == 0, str(result)
        return result.stdout

    def make_tree(self, name, files, metadata):
        tree = self.directory / name
        (tree / "var").mkdir(parents=True)
        (tree / "files").mkdir(exist_ok=True)
        (tree / files).mkdir(exist_ok=True)
        (tree / "metadata").write_text(metadata, encoding="utf-8")
        return tree

    def export_runtime(self):
        runtime = f"{PLATFORM}/{self.arch}/{BRANCH}"
        tree = self.make_tree("runtime", "usr", f"[Runtime]\nname={PLATFORM}\nruntime={runtime}\nsdk={runtime}\n")
        names = "\0".join(runtime_files(self.world.build / "install"))
        packed = subprocess.Popen(["tar", "-C", "/usr", "-cf", "-", "--null", "-T", "-"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        unpacked = subprocess.Popen(["tar", "-C", tree / "usr", "-xf", "-"], stdin=packed.stdout)
        packed.stdout.close()
        packed.stdin.write(names.encode())
        packed.stdin.close()
        assert (packed.wait(TOOL_TIMEOUT), unpacked.wait(TOOL_TIMEOUT)) == (0, 0)
        shutil.copy("/usr/libexec/flatpak-xdg-utils/flatpak-spawn", tree / "usr/bin")
        etc = tree / "usr/etc"
        etc.mkdir()
        for name in ("ld.so.conf", "ld.so.cache", "machine-id"):
            (etc / name).touch()
        # The world's authority, as every runtime has those of the real one.
        shutil.copytree("/etc/ssl/certs", etc / "ssl/certs")
        (tree / "usr/lib/ssl").symlink_to("/etc/ssl")
        (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n", encoding="utf-8")
        self.tool("flatpak", "build-export", "--runtime", "--disable-sandbox", self.repository, tree, BRANCH)

    def export_application(self):
        runtime = f"{PLATFORM}/{self.arch}/{BRANCH}"
        tree = self.make_tree("application", "files", f"[Application]\nname={APP}\nruntime={runtime}\nsdk={runtime}\n")
        files = tree / "files"
        shutil.copytree(self.world.build / "install/app", files, symlinks=True, dirs_exist_ok=True)
        for pattern in self.manifest["cleanup"]:
            for path in list(files.rglob("*")):
                if fnmatch.fnmatch("/" + str(path.relative_to(files)) if "/" in pattern else path.name, pattern):
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        self.tool("flatpak", "build-finish", f"--command={self.manifest['command']}",
                  *self.manifest["finish-args"], tree)
        self.tool("flatpak", "build-export", self.repository, tree)

    def install(self):
        # Made plain, so that nothing is compressed and nothing needs attributes of files.
        self.tool("ostree", "init", f"--repo={self.repository}", "--mode=bare-user-only")
        self.export_runtime()
        self.export_application()
        self.tool("flatpak", "build-update-repo", self.repository)
        self.tool("flatpak", "--user", "remote-add", "--no-gpg-verify", "local", self.repository)
        # It asks the system's bus about parental controls.
        self.tool("flatpak", "--user", "install", "--noninteractive", "--assumeyes", "local", APP,
                  env={"DBUS_SYSTEM_BUS_ADDRESS": self.bus})
        for name in ("runtime", "application", "repo"):
            shutil.rmtree(self.directory / name)

    # ---- running it ----

    def command(self, args, flatpak=()):
        return [*PLAIN, "flatpak", "run", *flatpak, APP, *map(str, args)]

    def run(self, *args, flatpak=(), env=None, **kwargs):
        """`flatpak run FLATPAK... APP ARGS...`"""
        return self.world.run_command(self.command(args, flatpak), env=self.environment(env), **kwargs)

    def inside(self, flatpak=()):
        """The world with another buntime in it."""
        world = copy.copy(self.world)
        world.__class__ = Inside
        world.application, world.flatpak = self, flatpak
        return world


class Inside(World):
    def command(self, args):
        return self.application.command(args, self.flatpak)

    def environment(self, extra=None):
        return self.application.environment(extra)
