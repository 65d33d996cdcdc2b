# SPDX-License-Identifier: LGPL-2.1-or-later
"""Podman, as an ordinary user's, with storage and settings of its own; and the image in it.

No registry is asked. What the Containerfile calls docker.io/library/debian:12 is made here of
Debian's packages, by mmdebstrap, and kept below ~/.cache with the image's layers.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent.parent
PROFILE = SOURCE / "data/containers/seccomp.json"
BASE = "docker.io/library/debian:12"
IMAGE = "buntime"
# What the README and buntime-integration(7) say a run in a container needs.
WHOLE = ["--security-opt", f"seccomp={PROFILE}", "--security-opt", "unmask=ALL"]
TIMEOUT = 60

SETTINGS = """
[containers]
cgroups = "disabled"
netns = "none"
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "file"
[engine.runtimes]
crun = ["{wrapper}"]
"""


class Result:
    def __init__(self, command, process, stdout, stderr, seconds):
        self.command, self.status, self.seconds = command, process.returncode, seconds
        self.stdout, self.stderr = stdout, stderr

    def __str__(self):
        return (f"$ {' '.join(self.command)}\n-> {self.status} after {self.seconds:.1f} s\n"
                f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}")

    def tour(self, outcome):
        """What the tour found to be "allowed" or "refused"."""
        lines = [line.lstrip(" !") for line in self.stdout.splitlines() if line[:1] == " "]
        return {line[9:].split(" (")[0] for line in lines if line.startswith(outcome + " ")}


class Engine:
    def __init__(self):
        self.cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "buntime-containers"
        self.run_dir = Path(f"/tmp/buntime-containers-{os.getuid()}")
        for path in self.cache, self.run_dir:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.environment = {
            "HOME": str(Path.home()), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(self.run_dir), "XDG_DATA_HOME": str(self.cache / "data"),
            "CONTAINERS_CONF": str(self.run_dir / "containers.conf"),
        }
        settings = SETTINGS.format(run=self.run_dir, wrapper=SOURCE / "tests/containers/crun")
        (self.run_dir / "containers.conf").write_text(settings, encoding="utf-8")
        self.choose_driver()

    def choose_driver(self):
        """Layers by the kernel's overlay where users may have it, by copies where not."""
        for driver in "overlay", "vfs":
            self.places = [f"--storage-driver={driver}", f"--root={self.cache}/{driver}",
                           f"--runroot={self.run_dir}/storage", f"--tmpdir={self.run_dir}/engine"]
            result = self("info")
            if result.status == 0:
                return
        raise AssertionError(str(result))

    def command(self, *words):
        return ["podman", *self.places, *map(str, words)]

    def __call__(self, *words, timeout=TIMEOUT, stdin=None):
        command = self.command(*words)
        begun = time.monotonic()
        with subprocess.Popen(command, env=self.environment, text=True, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/") as process:
            try:
                out, err = process.communicate(stdin or "", timeout)
            except subprocess.TimeoutExpired:
                process.terminate()
                out, err = process.communicate()
                err += f"\n(ended by the test after {timeout} s)"
        return Result(command, process, out, err, time.monotonic() - begun)

    def good(self, *words, **kwargs):
        result = self(*words, **kwargs)
        assert result.status == 0, str(result)
        return result.stdout.strip()

    # ---- the image ----

    def make_base(self):
        if self("image", "exists", BASE).status == 0:
            return
        tar = self.cache / "debian-12.tar"
        if not tar.exists():
            part = tar.with_suffix(".part")
            made = subprocess.run(["mmdebstrap", "--mode=unshare", "--variant=apt", "--format=tar",
                                   "--components=main", "bookworm", str(part)], check=False, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, env=self.environment, timeout=600)
            assert made.returncode == 0, made.stdout
            part.rename(tar)
        self.good("import", tar, BASE, timeout=300)
        tar.unlink()

    def build(self):
        """As README says, from the tree as it is; the network is apt-get's."""
        result = self("build", "--pull=never", "--network=host", "--isolation=chroot", "--tag", IMAGE,
                      SOURCE, timeout=900)
        assert result.status == 0, f"{result.stdout[-5000:]}\n{result.stderr[-5000:]}"
        # Layers are what the next time is shorter by; those of long ago are not.
        self("image", "prune", "--force", "--filter=until=48h")

    # ---- containers ----

    @contextlib.contextmanager
    def started(self, *words, options=()):
        """The name of a container that runs in the background, until the block ends."""
        name = self.good("run", "--detach", *options, IMAGE, *words)
        try:
            yield name
        finally:
            self("rm", "--force", "--time=0", name)

    def wait_for(self, name, text):
        """Until a container has said something."""
        end = time.monotonic() + TIMEOUT
        while text not in self.good("logs", name):
            assert time.monotonic() < end, f"{text} never came"
            time.sleep(0.1)

    def state(self, name, key):
        return self.good("inspect", "--format", "{{.State." + key + "}}", name)

    def run(self, *words, options=(), **kwargs):
        """The image's entry point with words, in a container that is gone afterwards."""
        return self("run", "--rm", *options, IMAGE, *words, **kwargs)

    def close(self):
        """What the engine keeps running for this user's containers, and its files."""
        self("rm", "--all", "--force", "--time=0")
        for path in self.run_dir.rglob("pause.pid"):
            try:
                os.kill(int(path.read_text(encoding="utf-8")), signal.SIGTERM)
            except (OSError, ValueError):
                pass
        shutil.rmtree(self.run_dir, ignore_errors=True)
