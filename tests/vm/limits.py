#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits by a control group of a real systemd --user: run by tests/vm/run, as the user, in the machine."""

import json
import os
import re
import subprocess
import time

# Software emulation: everything takes ten times as long.
SLOW = 120
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


def run(*flags, code):
    """Status, stdout, stderr and the limit that ended it."""
    with open("w.py", "w", encoding="utf-8") as file:
        file.write(code)
    read, write = os.pipe()
    result = subprocess.run(["buntime", *flags, f"--json-status-fd={write}", "run", "w.py"],
                            pass_fds=[write], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, timeout=SLOW, check=False)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as status:
        limit = json.load(status).get("limit")
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


def test_memory():
    status, out, _, _ = run("--memory=100M", code=ALLOCATE + "use(60)\n")
    assert (status, out) == (0, "used\n")
    status, out, err, limit = run("--memory=100M", code=ALLOCATE + "use(200)\n")
    assert (status, out, limit) == (137, "", "memory"), (status, out, limit)
    assert err.count("buntime: limit memory: ") == 1 and "  allow: --memory=200M\n" in err, err


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
    result = subprocess.run(["buntime", *flags.split(", "), "run", "/bin/true"], text=True,
                            stderr=subprocess.PIPE, timeout=SLOW, check=False)
    assert result.returncode == 0 and re.search(HELD.format(flags), result.stderr), result.stderr


def test_nothing_is_left_of_a_killed_run():
    with open("w.py", "w", encoding="utf-8") as file:
        file.write("import time\nprint('runs', flush=True)\ntime.sleep(600)\n")
    with subprocess.Popen(["buntime", "--memory=100M", "--pids=7", "run", "w.py"],
                          stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"runs\n"
        unit, = units()
        shown = systemctl("show", unit, "-p", "MemoryMax", "-p", "MemorySwapMax", "-p", "TasksMax",
                          "-p", "Delegate", "-p", "Slice")
        for line in ("MemoryMax=104857600", "MemorySwapMax=0", "TasksMax=8", "Delegate=no",
                     "Slice=app.slice"):
            assert line in shown.splitlines(), shown
        process.kill()
    wait_for(lambda: units() == [])


def main():
    wait_for(lambda: systemctl("is-system-running").strip() in ("running", "degraded"))
    # What is loaded for the first time may take longer than buntime waits.
    subprocess.run(["buntime", "--pids=50", "run", "/bin/true"], stderr=subprocess.DEVNULL,
                   timeout=SLOW, check=False)
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    for name, test in tests:
        print(name, flush=True)
        test()
        wait_for(lambda: units() == [])
    print(f"PASSED {len(tests)}", flush=True)


if __name__ == "__main__":
    main()
