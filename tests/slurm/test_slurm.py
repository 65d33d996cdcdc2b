# SPDX-License-Identifier: LGPL-2.1-or-later
"""buntime as the steps of Slurm's jobs: the two nodes and the hundred tasks of data/examples/slurm."""

import json
import os
import select
import shutil
import signal
import subprocess
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from world import PLAIN, processes, wait_for

SOURCE = Path(__file__).resolve().parents[2]
EXAMPLE = SOURCE / "data/examples/slurm"

# Wherever a program of an ordinary user's may leave something. What is not already this world's
# alone is made so for the nodes: others use this machine, too.
SHARED = ["/var/tmp", "/dev/shm", "/run"]
PLACES = ["/tmp", "/home", *SHARED]
PRIVATE = f"""
set -e
for place in {' '.join(SHARED)}; do
  mount -n -t tmpfs -o mode=1777 tmpfs $place
done
exec "$@"
"""


def expect(process, line, seconds=60):
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    if not ready or process.stdout.readline() != line:
        process.kill()
        raise AssertionError(f"{process.args}: no {line!r}: {process.communicate()}")


class Slurm:
    """A cluster with nothing in it, that the jobs of all tests go to."""

    def __init__(self, world, directory):
        self.world = world
        self.directory = directory
        self.state = directory / "cluster"
        self.runtime = directory / "runtime"
        self.runtime.mkdir(mode=0o700)
        self.process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", PRIVATE, "sh",
             *PLAIN, EXAMPLE / "cluster", self.state, "cat"],
            env=self.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdin.write(b"up\n")
        self.process.stdin.flush()
        expect(self.process, b"up\n")

    def environment(self):
        path = f"{self.world.build}/src/cli:/usr/local/bin:/usr/bin:/bin"
        return self.world.environment({"PATH": path, "XDG_RUNTIME_DIR": str(self.runtime),
                                       "SLURM_CONF": str(self.state / "slurm.conf")})

    def run(self, *command, **kwargs):
        return self.world.run_command([*PLAIN, *command], env=self.environment(), **kwargs)

    @contextmanager
    def spawn(self, *command, **kwargs):
        with subprocess.Popen([*PLAIN, *command], env=self.environment(), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, **kwargs) as process:
            try:
                yield process
            finally:
                process.kill()

    def job_of(self, name):
        return self.run("squeue", "--noheader", "--states=running", "--name", name, "--format=%i").stdout.strip()

    def files(self):
        """{path: what tells a change} of the nodes, but for what Slurm and pytest keep there."""
        root = Path(f"/proc/{self.process.pid}/root")
        found = {}
        for place in PLACES:
            for folder, folders, files in os.walk(root / place[1:]):
                where = Path("/", os.path.relpath(folder, root))
                folders[:] = [name for name in folders if where / name != self.directory.parent]
                for name in [".", *files]:
                    status = os.lstat(os.path.join(folder, name))
                    found[str(where / name)] = (status.st_ino, status.st_mtime_ns, status.st_size)
        return found

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0


@pytest.fixture(name="slurm", scope="module")
def fixture_slurm(world, tmp_path_factory):
    before = set(processes())
    slurm = Slurm(world, tmp_path_factory.mktemp("slurm"))
    yield slurm
    slurm.stop()
    wait_for(lambda: set(processes()) <= before, what="the end of the cluster")


STUBBORN = """
import os, signal, time
for number in range(1, 32):
    if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
else:
    os.wait()
    print("up", flush=True)
time.sleep(600)
"""


@pytest.fixture(name="limited", scope="module", autouse=True)
def fixture_limited(slurm):
    """A job whose time is up in a moment, which Slurm looks at twice a minute: others go on."""
    (slurm.directory / "limited.py").write_text(STUBBORN, encoding="utf-8")
    with slurm.spawn("srun", "--job-name=limited", "--time=1", "buntime", "run", "limited.py",
                     cwd=slurm.directory) as process:
        expect(process, "up\n")
        job = slurm.job_of("limited")
        soon = slurm.run("scontrol", "update", f"JobId={job}", "EndTime=now+2seconds")
        assert soon.status == 0, str(soon)
        yield process


@pytest.fixture(name="left", autouse=True)
def fixture_left(slurm):
    """What a test has run is gone when it is over."""
    before = set(processes())
    yield
    wait_for(lambda: set(processes()) <= before, what="the end of all that a job started")


def test_a_hundred_tasks(slurm, tmp_path):
    """Each in a sandbox, on both nodes, their events in one file; nothing else is left by them."""
    for name in "job", "worker.py", "collect":
        shutil.copy(EXAMPLE / name, tmp_path)
    before = slurm.files()
    result = slurm.run("sbatch", "--wait", "job", cwd=tmp_path, timeout=90)
    assert result.status == 0, str(result)

    assert slurm.files() == before
    assert os.listdir(slurm.runtime) == []
    outputs = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.out")}
    assert set(outputs) == {f"{task}.out" for task in range(1, 101)}
    assert "task 1: 168 primes\n" in outputs["1.out"]
    assert all("no telemetry: Permission denied\n" in text for text in outputs.values())
    kept = {path.name for path in tmp_path.iterdir()} - set(outputs)
    assert kept == {"job", "worker.py", "collect", "events"}

    collected = slurm.run("./collect", "events", cwd=tmp_path)
    events = [json.loads(line) for line in collected.stdout.splitlines()]
    assert events == sorted(events, key=lambda event: event["time"])
    jobs = {event["job"]: event["node"] for event in events}
    assert len(jobs) == 100 and set(jobs.values()) == {"node1", "node2"}
    assert Counter((event["kind"], event["action"], event["value"]) for event in events) == {
        ("state", "started", None): 100, ("state", "exited", None): 100,
        ("net", "deny", "telemetry.example:443"): 100}


def test_collect_leaves_what_is_half_written(slurm, tmp_path):
    (tmp_path / "7.node1").write_text('{"time": 2}\n{"ti', encoding="utf-8")
    (tmp_path / "8.node2").write_text('{"time": 1}\n', encoding="utf-8")
    result = slurm.run(EXAMPLE / "collect", tmp_path)
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"node": "node2", "job": "8", "time": 1}, {"node": "node1", "job": "7", "time": 2}]


@pytest.mark.parametrize("status,flags,code", [
    (0, [], ""), (7, [], "raise SystemExit(7)"),
    (137, [], "import os; os.kill(os.getpid(), 9)"),
    (124, ["--timeout=0.3"], "import time; time.sleep(60)"),
    (2, ["--no-such-flag"], ""), (125, ["--policy=no-such-preset"], ""),
    (127, [], None),
])
def test_statuses(slurm, tmp_path, status, flags, code):
    if code is not None:
        (tmp_path / "w.py").write_text(code, encoding="utf-8")
    result = slurm.run("srun", "buntime", *flags, "run", "w.py", cwd=tmp_path)
    assert result.status == status, str(result)


def test_a_policy_for_every_task(slurm, tmp_path):
    """One step on both nodes: what is granted works, what is not is told by each."""
    (tmp_path / "w.py").write_text("""
import os, sys
open(f"out/{os.environ['SLURM_PROCID']}", "w").write("written")
open("other", "w")
""", encoding="utf-8")
    (tmp_path / "p.json").write_text(json.dumps({"version": 1, "env": {"allow": ["SLURM_PROCID"]}}),
                                     encoding="utf-8")
    (tmp_path / "out").mkdir()
    result = slurm.run("srun", "--nodes=2", "--label", "buntime", "--policy=./p.json",
                       "--allow-write=out", "run", "w.py", cwd=tmp_path)
    assert result.status == 1, str(result)
    assert sorted(os.listdir(tmp_path / "out")) == ["0", "1"], str(result)
    for task in "0", "1":
        assert f"{task}: buntime: denied write {tmp_path}/other by python3[3]" in result.stderr
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("sandboxed", [True, False], ids=["sandboxed", "bare"])
def test_a_job_that_is_cancelled(slurm, tmp_path, sandboxed):
    """It ignores signals and has a child in a session of its own, which Slurm alone does not find."""
    (tmp_path / "w.py").write_text(STUBBORN, encoding="utf-8")
    command = ["buntime", "run", "w.py"] if sandboxed else ["python3", "-u", "w.py"]
    with slurm.spawn("srun", "--job-name=cancelled", *command, cwd=tmp_path) as process:
        expect(process, "up\n")
        assert slurm.run("scancel", slurm.job_of("cancelled")).status == 0
        # srun's own status is 0 here, whatever was killed.
        _, err = process.communicate(timeout=20)
        assert "CANCELLED" in err, err
    if sandboxed:
        wait_for(lambda: not processes("w.py"), what="the end of the sandbox")
    else:
        left, = wait_for(lambda: len(processes("w.py")) == 1 and processes("w.py"),
                         what="the end of the other process")
        os.kill(left, signal.SIGKILL)


def test_time_limit_of_slurm(limited):
    """Its last test, since it waits for what began before the first."""
    _, err = limited.communicate(timeout=60)
    assert "DUE TO TIME LIMIT" in err, err
    wait_for(lambda: not processes("limited.py"), what="the end of the sandbox")
