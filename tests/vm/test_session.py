# SPDX-License-Identifier: LGPL-2.1-or-later
"""What only a session of a user on a whole Debian shows: run there by tests/vm/run, outside the world."""

import json
import os
import re
import stat
import subprocess
import time
from pathlib import Path

import pytest

# Software emulation: everything takes ten times as long.
SLOW = 120
SOURCE = Path(__file__).resolve().parents[2]
BUNTIME = SOURCE.parent / "build/src/cli/buntime"
HELD = r"{}: held by the control group buntime-\d+-\d+\.scope"


def wait_for(condition, seconds=SLOW):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def systemctl(*args):
    return subprocess.run(["systemctl", "--user", "--no-pager", "--no-legend", *args], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout


def units():
    return re.findall(r"buntime-\S+\.scope", systemctl("list-units", "--all", "buntime-*"))


@pytest.fixture(scope="module", autouse=True)
def fixture_booted():
    wait_for(lambda: systemctl("is-system-running").strip() in ("running", "degraded"))
    # What is loaded for the first time may take longer than buntime waits.
    subprocess.run([BUNTIME, "--pids=50", "run", "/bin/true"], stderr=subprocess.DEVNULL,
                   timeout=SLOW, check=False)


@pytest.fixture(autouse=True)
def fixture_place(tmp_path, monkeypatch):
    """A directory of each test's own, and no unit left by it."""
    monkeypatch.chdir(tmp_path)
    yield
    wait_for(lambda: units() == [])


# A run waits for systemd for less than it may need here, and says that it went on without.
TRIES = 5
LATE = "systemd --user did not answer in time"


def in_time(*command, **kwargs):
    """What came of a command for which systemd was not late."""
    for _ in range(TRIES):
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                timeout=SLOW, check=False, **kwargs)
        if LATE not in result.stdout + result.stderr:
            break
    return result


# ---- the machine as its user sees it ----

def test_the_machine():
    """What this pass is for: were it not so, the rest would prove nothing new."""
    assert os.uname().release.startswith("6.1."), os.uname()
    assert os.getuid() == 1000 and "user@1000.service" in systemctl("status")
    assert os.stat("/sys/fs/cgroup/cgroup.controllers")
    tun = os.stat("/dev/net/tun")
    assert stat.S_IMODE(tun.st_mode) == 0o666 and tun.st_uid == 0


def test_doctor():
    """All is there, and what is optional too."""
    result = in_time(BUNTIME, "doctor", "--json")
    report = json.loads(result.stdout)
    found = {check["name"]: check["found"] for check in report["checks"]}
    assert result.returncode == 0 and report["enforced"] is True, result.stdout + result.stderr
    for name in ("namespaces", "landlock", "seccomp", "run", "tap", "veth", "cgroup"):
        assert found[name] == "ok", result.stdout


def test_tour():
    result = subprocess.run([BUNTIME, "--allow-net=github.com", "run", SOURCE / "data/examples/tour.py"],
                            capture_output=True, text=True, timeout=SLOW, check=False)
    assert result.returncode == 0 and "Surprises: none" in result.stdout, result.stdout + result.stderr


# ---- limits by a control group ----

def run(*flags, code):
    """Status, stdout, stderr and the limit that ended it."""
    with open("w.py", "w", encoding="utf-8") as file:
        file.write(code)
    for _ in range(TRIES):
        read, write = os.pipe()
        result = subprocess.run([BUNTIME, *flags, f"--json-status-fd={write}", "run", "w.py"],
                                pass_fds=[write], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, timeout=SLOW, check=False)
        os.close(write)
        with os.fdopen(read, encoding="utf-8") as status:
            limit = json.load(status).get("limit")
        if LATE not in result.stderr:
            break
    for flag in flags:
        assert re.search(HELD.format(re.escape(flag)), result.stderr), result.stderr
    return result.returncode, result.stdout, result.stderr, limit


def test_view():
    """The program sees a group of its own and no tree of them, and not the bus."""
    status, out, _, _ = run("--memory=200M", code="""
import os
print(open("/proc/self/cgroup").read().strip(), os.path.exists("/sys/fs/cgroup"),
      "DBUS_SESSION_BUS_ADDRESS" in os.environ, os.path.exists("/run/user"))
""")
    assert (status, out) == (0, "0::/ False False False\n"), out


ALLOCATE = """
import os, time
def use(mib):
    kept = [bytearray(1 << 20) for _ in range(mib)]
    print("used", flush=True)
    return kept
"""


def oom_kills():
    lines = Path("/proc/vmstat").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def test_memory():
    status, out, _, _ = run("--memory=100M", code=ALLOCATE + "use(60)\n")
    assert (status, out) == (0, "used\n")
    before = oom_kills()
    status, out, err, limit = run("--memory=100M", code=ALLOCATE + "use(200)\n")
    assert (status, out, limit) == (137, "", "memory"), (status, out, limit)
    assert err.count("buntime: limit memory: ") == 1 and "  allow: --memory=200M\n" in err, err
    # It was the kernel's doing, in that group: it says so to whoever asks.
    assert oom_kills() > before


def test_memory_of_all_together():
    """No process has more than it may; what the kernel leaves systemd ends."""
    status, _, err, limit = run("--memory=100M", code=ALLOCATE + """
for _ in range(4):
    if os.fork() == 0:
        kept = use(40)
        time.sleep(60)
time.sleep(60)
""")
    assert status in (137, 143) and limit == "memory", (status, limit)
    assert "buntime: limit memory: " in err, err


def test_cpu():
    status, out, _, _ = run("--cpu=50%", code="""
import time
begun, used = time.monotonic(), time.process_time()
while time.monotonic() - begun < 5:
    pass
print((time.process_time() - used) / (time.monotonic() - begun))
""")
    assert status == 0 and 0.3 < float(out) < 0.65, out


FORK = """
import errno, os, time
count = 0
try:
    while os.fork() != 0:
        count += 1
except OSError as error:
    print(count, errno.errorcode[error.errno], flush=True)
else:
    time.sleep(5)
"""


def test_pids():
    status, out, err, _ = run("--pids=10", code=FORK)
    assert (status, out) == (0, "9 EAGAIN\n"), out
    assert "buntime: limit pids: " in err and "  allow: --pids=20\n" in err, err
    # Exact, though it is the kernel's resource limit that strikes here.
    status, out, _, _ = run("--pids=1", code=FORK)
    assert (status, out) == (0, "0 EAGAIN\n"), out


def test_cpu_time_of_all_together():
    """No process uses a third of it."""
    status, _, err, limit = run("--cpu-time=3", code="""
import os
for _ in range(3):
    if os.fork() == 0:
        break
while True:
    pass
""")
    assert (status, limit) == (137, "cpuTime"), (status, limit)
    assert "buntime: limit cpuTime: it is used up" in err, err


def test_all_at_once():
    flags = "--memory=1G, --cpu=2, --pids=20, --cpu-time=1m"
    result = in_time(BUNTIME, *flags.split(", "), "run", "/bin/true")
    assert result.returncode == 0 and re.search(HELD.format(flags), result.stderr), result.stderr


def begin(*flags):
    """A run that goes on until it is killed."""
    with open("w.py", "w", encoding="utf-8") as file:
        file.write("import time\nprint('runs', flush=True)\ntime.sleep(600)\n")
    for _ in range(TRIES):
        process = subprocess.Popen([BUNTIME, *flags, "run", "w.py"], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # It says what holds its limits before it begins.
        said = next((line for line in process.stderr if flags[0] in line), "")
        if LATE not in said:
            break
        with process:
            process.kill()
        wait_for(lambda: units() == [])
    return process, said


def test_nothing_is_left_of_a_killed_run():
    process, said = begin("--memory=100M", "--pids=7")
    with process:
        assert re.search(HELD.format("--memory=100M, --pids=7"), said), said
        assert process.stdout.readline() == "runs\n"
        unit, = units()
        shown = systemctl("show", unit, "-p", "MemoryMax", "-p", "MemorySwapMax", "-p", "TasksMax",
                          "-p", "Delegate", "-p", "Slice")
        for line in ("MemoryMax=104857600", "MemorySwapMax=0", "TasksMax=8", "Delegate=no",
                     "Slice=app.slice"):
            assert line in shown.splitlines(), shown
        process.kill()
    wait_for(lambda: units() == [])
