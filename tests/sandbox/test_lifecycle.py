# SPDX-License-Identifier: LGPL-2.1-or-later
"""Beginnings and ends: nothing is left, nothing disturbs another, the supervisor keeps answering."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tier import TIER
from world import below, processes, stays_low, wait_for


def namespaces():
    """Every namespace that some process of the world is in."""
    found = set()
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            for name in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup"):
                try:
                    found.add(os.readlink(f"/proc/{pid}/ns/{name}"))
                except OSError:
                    pass
    return found


def snapshot(box):
    return {
        "processes": set(processes()),
        "mounts": Path("/proc/self/mountinfo").read_text(encoding="utf-8"),
        "namespaces": namespaces(),
        "files": sorted(str(path) for top in ("/tmp", "/home", "/dev/shm", "/run/user")
                        for path in Path(top).rglob("*")
                        if "w.py" not in path.name and os.access(path.parent, os.R_OK)),
    }


def assert_clean(box, before):
    wait_for(lambda: set(processes()) <= before["processes"], what="the end of every process")
    # A process that is ending has no command line any more, but still namespaces.
    wait_for(lambda: namespaces() <= before["namespaces"], what="the end of every namespace")
    after = snapshot(box)
    assert after["mounts"] == before["mounts"]
    assert after["files"] == before["files"]


SLEEPER = """
    import os, signal, time
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(1, 32):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except OSError:
                    pass
            time.sleep(600)
        os._exit(0)
    for number in (1, 2, 3, 15):
        signal.signal(number, signal.SIG_IGN)
    try:
        open("/tmp/x", "w").write("x")
    except PermissionError:
        pass  # not each tier has one
    print("READY", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("flags", [[], ["--allow-net"], ["--allow-write=.", "--allow-read=."]])
def test_supervisor_killed(box, flags):
    box.write("w.py", SLEEPER)
    before = snapshot(box)
    with box.spawn(*flags) as process:
        assert process.stdout.readline() == b"READY\n"
        assert len(set(processes()) - before["processes"]) >= 3
        process.kill()
        process.wait(10)
        assert_clean(box, before)


def test_supervisor_killed_while_starting(box):
    box.write("w.py", "import time\ntime.sleep(600)\n")
    before = snapshot(box)
    for delay in range(0, 24, 2):
        with box.spawn("--allow-net") as process:
            time.sleep(delay / 1000)
            process.kill()
            process.wait(10)
    assert_clean(box, before)


def test_helpers_killed(box):
    """Without its init or buntime-net a run ends; it does not go on unwatched."""
    box.write("w.py", SLEEPER)
    before = snapshot(box)
    with box.spawn("--allow-net") as process:
        assert process.stdout.readline() == b"READY\n"
        init = list(below(process.pid, "buntime-init"))
        assert init
        os.kill(init[0], signal.SIGKILL)
        process.wait(10)
        assert process.returncode != 0
    assert_clean(box, before)


def test_children_of_the_worker_end_with_it(box):
    before = snapshot(box)
    result = box.run(code="""
        import os, signal, time
        for _ in range(5):
            if os.fork() == 0:
                os.setsid()
                os.close(0); os.close(1); os.close(2)
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                time.sleep(600)
        raise SystemExit(4)
    """)
    assert result.status == 4 and result.seconds < 10
    assert_clean(box, before)


def test_orphans_are_reaped(box):
    out, _ = box.json(code="""
        for _ in range(50):
            if os.fork() == 0:
                if os.fork() == 0:
                    os._exit(0)
                os._exit(0)
            os.wait()
        deadline = time.monotonic() + 5
        while True:
            states = [attempt(lambda: open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()[0])
                      for p in os.listdir("/proc") if p.isdigit()]
            if "Z" not in states or time.monotonic() > deadline:
                break
            time.sleep(0.01)
        out["states"] = states
    """)
    assert "Z" not in out["states"]


@pytest.mark.slow
def test_two_hundred_runs_leak_nothing(box):
    box.write("w.py", "")
    box.run()
    before = snapshot(box)
    fds = len(os.listdir("/proc/self/fd"))
    for number in range(200):
        flags = [["--quiet"], ["--allow-net=github.com"], ["--allow-write=.", "--allow-read=."]]
        result = box.run(*flags[number % 3], name="true")
        assert result.status == 0, str(result)
    assert len(os.listdir("/proc/self/fd")) == fds
    assert_clean(box, before)


def test_concurrent_runs(box, world):
    """Twenty at once, each with a private /tmp, network and status."""
    box.write("w.py", """
        import os, socket, sys, time
        open("/tmp/mine", "x").write(sys.argv[1])
        server = socket.create_server(("127.0.0.1", 4000))
        time.sleep(0.3)
        assert os.listdir("/tmp") == ["mine"], os.listdir("/tmp")
        print(open("/tmp/mine").read())
        raise SystemExit(int(sys.argv[1]))
    """)
    running = [subprocess.Popen(world.command([*(["--allow-net"] if n % 2 else []), "run", "w.py",
                                               str(n)]),
                                cwd=box.directory, env=world.environment(),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
               for n in range(20)]
    for number, process in enumerate(running):
        out, err = process.communicate(timeout=60)
        hint = "buntime: run it again with --audit to see which reads were refused\n"
        assert (process.returncode, out) == (number, f"{number}\n"), (number, out, err)
        assert err == (hint if number != 0 else ""), (number, out, err)


def test_output_flood(box, world):
    """A worker that floods its stderr and a reader that does not read: refusals still come at once."""
    code = """
        import os, sys, time
        worst = 0
        for n in range(2000):
            begun = time.monotonic()
            try:
                open(f"no{n}", "w")
            except OSError:
                pass
            worst = max(worst, time.monotonic() - begun)
        print("%.3f" % worst, flush=True)
    """
    # Nobody reads stderr; its pipe holds 64 KiB.
    with box.spawn(code=code) as process:
        line = process.stdout.readline()
        assert line and float(line) < 2.0
        assert process.wait(20) == 0

    result = box.run(code="import sys\nfor n in range(200000):\n    print('x' * 80)\n")
    assert result.status == 0 and len(result.stdout) == 200000 * 81


@pytest.mark.slow
def test_ten_thousand_forks(box):
    """The process limit holds inside, and the supervisor goes on answering."""
    out, result = box.json(args=[1500 if TIER else 10000], code="""
        import signal
        children, refused = [], 0
        for n in range(int(sys.argv[1])):
            try:
                pid = os.fork()
            except OSError:
                refused += 1
                if refused > 100:
                    break
                continue
            if pid == 0:
                try:
                    signal.pause()
                finally:
                    os._exit(0)
            children.append(pid)
        out["children"], out["refused"] = len(children), refused
        begun = time.monotonic()
        out["open"] = attempt(open, "refused", "w")
        out["seconds"] = time.monotonic() - begun
        for pid in children:
            os.kill(pid, signal.SIGKILL)
    """, timeout=120)
    assert out["refused"] > 0 and out["children"] <= 1024, out
    assert out["open"] == "EACCES" and out["seconds"] < 2
    assert result.denied("write", "refused")


@pytest.mark.slow
def test_ten_thousand_short_children(box):
    """Forked in heaps by a shell, which forks fast."""
    result = box.run(name="sh", args=["-c", """
        i=0
        while [ $i -lt 10000 ]; do
          (:) &
          i=$((i + 1))
          [ $((i % 200)) -ne 0 ] || wait
        done
        wait
        : >refused
        echo "forked $i"
    """], timeout=120)
    assert "forked 10000" in result.stdout or result.status == 2, str(result)
    assert len(result.denied("write", "refused")) == 1, str(result)


def test_worker_closes_its_ends(box):
    result = box.run(code="""
        import os
        for fd in (0, 1, 2):
            os.close(fd)
        for n in range(200):
            try:
                open("no", "w")
            except OSError:
                pass
        os.execv("/usr/bin/python3", ["python3", "-c", "raise SystemExit(6)"])
    """)
    assert result.status == 6, str(result)


def test_many_threads_are_answered(box):
    out, _ = box.json(code="""
        import threading
        codes = []
        def work(n):
            for k in range(20):
                codes.append(attempt(open, f"no{n}", "w"))
        threads = [threading.Thread(target=work, args=(n,)) for n in range(50)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        out["codes"] = sorted(set(codes))
        out["count"] = len(codes)
    """)
    assert out == {"codes": ["EACCES"], "count": 1000}


def test_worker_dies_in_a_notified_call(box):
    result = box.run(code="""
        import os, signal, threading
        def work():
            while True:
                try:
                    open("no", "w")
                except OSError:
                    pass
        for _ in range(8):
            threading.Thread(target=work, daemon=True).start()
        if os.fork() == 0:
            os._exit(0)
        threading.Event().wait(0.1)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert result.status == 137 and result.seconds < 10, str(result)


def test_the_supervisor_is_small_and_quiet(box):
    """A worker that does nothing costs its supervisor nothing: no polling."""
    with box.spawn(code="print('READY', flush=True)\nimport time\ntime.sleep(600)\n") as process:
        assert process.stdout.readline() == b"READY\n"

        def ticks():
            fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            return int(fields[11]) + int(fields[12])

        def switches():
            text = Path(f"/proc/{process.pid}/status").read_text()
            return int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0])

        # One tick weighs as much as three switches.
        assert stays_low(lambda: 3 * ticks() + switches(), 3)
