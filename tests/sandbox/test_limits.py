# SPDX-License-Identifier: LGPL-2.1-or-later
"""limits: flags, policy files and what becomes of a program that reaches one."""

import json
import os
import resource

import jsonschema
from pathlib import Path

import pytest

from native import compile_c
from tier import TIER

FLAGS = ["--memory=1.5G", "--cpu=50%", "--pids=64", "--timeout=90", "--cpu-time=1m",
         "--max-output=1M", "--tmp-size=64M", "--shm-size=8M", "--open-files=100",
         "--net-rate=10", "--net-bytes=10G"]
LIMITS = {"memory": "1536M", "cpu": "0.5", "pids": 64, "wallTime": "90s", "cpuTime": "1m",
          "output": "1M", "tmpSize": "64M", "shmSize": "8M", "openFiles": 100,
          "netConnectionsPerSecond": 10, "netBytes": "10G"}


def read_events(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# ---- words ----

def test_init_policy_writes_them(world, box):
    written = world.run(["init-policy", *FLAGS])
    assert written.status == 0, str(written)
    assert json.loads(written.stdout)["limits"] == LIMITS
    box.write("p.json", written.stdout)
    merged = world.run(["policy", "show", "--merged", "p.json"], cwd=box.directory)
    assert json.loads(merged.stdout)["limits"] == LIMITS, str(merged)


def test_policy_diff_shows_them(world, box):
    for name, limits in (("a.json", {"pids": 64}), ("b.json", {"pids": 65, "wallTime": 2})):
        box.write(name, json.dumps({"version": 1, "limits": limits}))
    result = world.run(["policy", "diff", "./a.json", "./b.json"], cwd=box.directory)
    assert result.status == 1
    lines = [line.replace(" ", "") for line in result.stdout.splitlines()]
    assert "-limits.pids=64" in lines and "+limits.pids=65" in lines, str(result)
    assert "+limits.wallTime=2s" in lines, str(result)


@pytest.mark.parametrize("flag,complaint", [
    ("--memory=512MB", "MB can mean 1000 or 1024"), ("--timeout=0", "too small"),
    ("--pids=0", "too small"), ("--cpu=all", "not a number of processors"),
    ("--timeout=31d", "too large"), ("--memory", "needs a value"),
])
def test_bad_words(world, flag, complaint):
    result = world.run([flag, "x.py"])
    assert result.status == 2 and f"buntime: {flag}: {complaint}" in result.stderr, str(result)


def test_none_without_a_sandbox(box):
    result = box.run("--no-sandbox", "--pids=10", code="print('ran')\n")
    assert result.status == 125 and "ran" not in result.stdout, str(result)
    assert "--pids=10 (command line): nobody applies it without a sandbox" in result.stderr


# ---- what the kernel holds ----

@pytest.fixture(name="use_up")
def fixture_use_up(box):
    """use_up(*flags, ops=...): {op: (how much, errno)} of tests/sandbox/limit.c, and the run."""
    compile_c(box.world.source / "tests/sandbox/limit.c", box.directory / "limit", "-lpthread")

    def run(*flags, ops, **kwargs):
        result = box.run(*flags, name="./limit", args=ops, **kwargs)
        found = {}
        for line in result.stdout.splitlines():
            op, count, error = line.replace(":", "").split()
            found[op] = (int(count), error)
        return found, result
    return run


def test_pids_are_exact(box, use_up):
    """The program is one of them, and so is each thread; other programs of the user are not."""
    found, result = use_up("--pids=10", ops=["forks", "threads"])
    assert found == {"forks": (9, "EAGAIN"), "threads": (9, "EAGAIN")}, str(result)
    out, _ = box.json("--pids=5", code="""
        import signal
        pids, out["errno"] = [], None
        for _ in range(10):
            try:
                pid = os.fork()
            except OSError as error:
                out["errno"] = errno.errorcode[error.errno]
                break
            if pid == 0:
                signal.pause()
            pids.append(pid)
        out["children"] = len(pids)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
    """)
    assert out == {"errno": "EAGAIN", "children": 4}


def test_pids_above_the_default(use_up):
    found, result = use_up("--pids=1100", ops=["forks"])
    assert found == {"forks": (1099, "EAGAIN")}, str(result)
    assert "may have reached" not in result.stderr


def test_one_process_is_enough_for_a_program(box):
    out, _ = box.json("--pids=1", code="""
        out["fork"] = attempt(os.fork)
        out["run"] = attempt(subprocess.run, ["/bin/true"])
    """)
    assert out == {"fork": "EAGAIN", "run": "EAGAIN"}


def test_open_files(box, use_up):
    found, result = use_up("--open-files=20", ops=["files"])
    assert found == {"files": (20, "EMFILE")}, str(result)
    out, _ = box.json("--open-files=20", code="""
        files = []
        def fill():
            while True:
                files.append(open("/dev/null"))
        out["fill"] = attempt(fill)
        out["count"] = len(files)
        files.clear()
        out["again"] = attempt(open, "/dev/null")
    """)
    assert out["fill"] == "EMFILE" and 10 <= out["count"] <= 17 and out["again"] == "ok"


def test_too_few_open_files_for_a_start(box):
    result = box.run("--open-files=2", code="print('ran')\n")
    assert result.status == 125 and "ran" not in result.stdout, str(result)
    assert "Too many open files" in result.stderr and "--open-files" in result.stderr


def test_more_open_files_than_the_machine_gives(box):
    out, result = box.json("--open-files=1048576", code="""
        import resource
        out["files"] = resource.getrlimit(resource.RLIMIT_NOFILE)
    """, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (500, 600)))
    assert out["files"] == [600, 600]
    assert "--open-files=1048576: no more than the 600 of 'ulimit -Hn' can be had" in result.stderr


def test_a_caller_who_may_have_less(use_up):
    """Less than what is built in, or asked for: the caller's own word stands, and the run goes on."""
    for flags in ([], ["--pids=500"]):
        found, result = use_up(*flags, ops=["raise", "forks"], preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_NPROC, (300, 300)))
        assert found["raise"] == (0, "EPERM") and found["forks"][1] == "EAGAIN", str(result)
        assert found["forks"][0] < 300


def test_a_caller_without_core_files(box):
    """Zero keeps no core handler from being started: it is enough only where there is none."""
    handled = Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").startswith("|")
    result = box.run(code="print('ran')\n",
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
    if handled:
        assert result.status == 125 and "ran" not in result.stdout, str(result)
        assert "RLIMIT_CORE (limits)" in result.stderr and "ulimit -Hc" in result.stderr
    else:
        assert result.status == 0 and result.stdout == "ran\n", str(result)


@pytest.mark.parametrize("flags,tmp,shm", [
    (["--tmp-size=8M"], 8, 8), (["--shm-size=4M"], 256, 4), (["--tmp-size=8M", "--shm-size=16M"], 8, 16),
])
def test_tmp_and_shm_size(use_up, flags, tmp, shm):
    found, result = use_up(*flags, ops=["tmp", "shm"])
    assert found == {"tmp": (tmp, "ENOSPC"), "shm": (shm, "ENOSPC")}, str(result)


def test_tmp_larger_than_the_default(box):
    out, _ = box.json("--tmp-size=2G", code="""
        def size(path):
            found = os.statvfs(path)
            return found.f_blocks * found.f_frsize
        out["sizes"] = [size("/tmp"), size("/dev/shm")]
        with open("/tmp/x", "wb") as file:
            file.write(bytes(1 << 20))
    """)
    assert out["sizes"] == [2 << 30, 2 << 30]


MEMORY = "for each process by itself; shared memory and files in /tmp are not counted"


def test_memory_of_a_process(box, use_up):
    found, result = use_up("--memory=64M", ops=["memory", "heap", "raise", "tmp", "shm"])
    assert found["memory"][1] == "ENOMEM" and 50 <= found["memory"][0] < 64, str(result)
    assert found["heap"][1] == "ENOMEM" and found["raise"][0] == 0
    # Files there are memory, too: neither file system is larger.
    assert found["tmp"] == (64, "ENOSPC") and found["shm"] == (64, "ENOSPC")
    assert f"--memory=64M: {MEMORY}" in result.stderr
    out, _ = box.json("--memory=128M", code="""
        out["small"] = attempt(lambda: len(bytearray(32 << 20)))
        out["large"] = attempt(bytearray, 256 << 20)
        out["children"] = subprocess.run(
            [sys.executable, "-c", "print(len(bytearray(32 << 20)))"], capture_output=True,
            text=True).stdout
    """)
    assert out == {"small": 32 << 20, "large": "MemoryError", "children": f"{32 << 20}\n"}


def test_memory_does_not_limit_addresses(box):
    """Runtimes reserve far more than they use."""
    out, _ = box.json("--memory=128M", code="""
        import mmap
        out["reserved"] = attempt(mmap.mmap, -1, 64 << 30, prot=mmap.PROT_READ,
                                  flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    """)
    assert out["reserved"] == "ok"


# ---- what is told of it ----

def told_of(box, *flags, code, expect=1):
    """The events of limits: (object, suggestion, count); they are seen, not made."""
    (box.directory / "events").unlink(missing_ok=True)
    result = box.run("--events=./events", *flags, code=code)
    assert result.status == expect, str(result)
    events = [event for event in read_events(box.directory / "events") if event["kind"] == "limit"]
    for event in events:
        assert event["observed"] is True and event["action"] == "deny", event
    assert len({event["object"] for event in events}) == len(events), events
    return {event["object"]: event for event in events}, result


THREADS = """
    import threading, sys
    stop = threading.Event()
    try:
        for _ in range(20):
            threading.Thread(target=stop.wait, daemon=True).start()
    except RuntimeError:
        stop.set()
        sys.exit(1)
"""
FORKS = """
    import os, signal, sys
    children = []
    try:
        for _ in range(20):
            children.append(os.fork() or signal.pause())
    except OSError:
        sys.exit(1)
"""


@pytest.mark.parametrize("code", [THREADS, FORKS], ids=["threads", "forks"])
@pytest.mark.parametrize("warned", [False, True])
def test_pids_are_told(box, code, warned):
    """By one event, at the call that is refused; none where all went well."""
    flags = ["--pids=9"]
    if warned:
        box.write("p.json", json.dumps({"version": 1, "fs": {"rules": [
            {"action": "warn", "path": "/srv", "perms": ["read_file"]}]}}))
        flags.append("--policy=p.json")
    events, result = told_of(box, *flags, code=code)
    assert set(events) == {"pids"}, str(result)
    event = events["pids"]
    assert event["suggestion"].startswith("--pids=") and event["program"] == "python3"
    assert event["rule"]["text"] == "--pids=9" and event["count"] == 1
    more = [*flags, "--pids=30"]
    events, result = told_of(box, *more, code=code, expect=0)
    assert events == {}, str(result)


def test_pids_that_come_and_go_are_not_told(box):
    """As many as may be, but never more at once."""
    events, result = told_of(box, "--pids=3", expect=0, code="""
        import os
        for _ in range(200):
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
    """)
    assert events == {}, str(result)


def test_clone_is_looked_at_before_it_is_counted(box):
    """What the supervisor continues no filter sees again."""
    out, result = box.json("--pids=20", code="""
        import ctypes, signal
        libc = ctypes.CDLL(None, use_errno=True)
        for name, flag in {"user": 0x10000000, "mount": 0x20000, "net": 0x40000000}.items():
            ctypes.set_errno(0)
            number = 56 if os.uname().machine == "x86_64" else 220
            pid = libc.syscall(number, flag | signal.SIGCHLD, 0, 0, 0, 0)
            if pid == 0:
                os._exit(0)
            out[name] = errno.errorcode.get(ctypes.get_errno(), pid)
        out["fork"] = os.waitpid(os.fork() or os._exit(7), 0)[1]
    """)
    assert out == {"user": "EPERM", "mount": "EPERM", "net": "EPERM", "fork": 7 << 8}, str(result)


def test_what_is_refused_is_not_counted(box):
    """A denial of the call itself stands: nobody is asked about it."""
    box.write("p.json", json.dumps({"version": 1, "antiEscape": {"denySyscalls": ["clone", "fork", "vfork"]}}))
    out, result = box.json("--pids=20", "--policy=p.json", code="""
        out["fork"] = attempt(lambda: os.fork() or os._exit(0))
    """)
    assert out == {"fork": "EPERM"}, str(result)


def test_open_files_are_told(box):
    code = """
        import sys
        files = []
        try:
            for number in range(60):
                files.append(open("/dev/null"{mode}))
        except OSError:
            sys.exit(1)
    """
    events, result = told_of(box, "--open-files=40", code=code.replace("{mode}", ", 'w'"))
    assert set(events) == {"openFiles"}, str(result)
    assert events["openFiles"]["rule"]["text"] == "--open-files=40"
    assert events["openFiles"]["suggestion"].startswith("--open-files=")
    # Where a rule warns of files and opens are carried out, too.
    box.write("p.json", json.dumps({"version": 1, "fs": {"rules": [
        {"action": "warn", "path": "/srv", "perms": ["read_file"]}]}}))
    events, result = told_of(box, "--open-files=40", "--policy=p.json", code=code.replace("{mode}", ", 'w'"))
    assert set(events) == {"openFiles"}, str(result)
    # Of those that only read there is none, without audit.
    events, result = told_of(box, "--open-files=40", code=code.replace("{mode}", ""))
    assert events == {} and "may have reached one of --open-files=40" in result.stderr, str(result)
    events, result = told_of(box, "--open-files=90", code=code.replace("{mode}", ", 'w'"), expect=0)
    assert events == {}, str(result)


FILL = """
    import sys
    try:
        with open("{place}/big", "wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 20))
    except OSError:
        {then}
"""


@pytest.mark.parametrize("flags,place,limit,rule,suggests", [
    (["--tmp-size=8M"], "/tmp", "tmpSize", "--tmp-size=8M", "--tmp-size="),
    (["--tmp-size=8M"], "/dev/shm", "tmpSize", "--tmp-size=8M", "--tmp-size="),
    (["--shm-size=8M"], "/dev/shm", "shmSize", "--shm-size=8M", "--shm-size="),
    (["--memory=64M"], "/tmp", "memory", "--memory=64M", "--memory="),
    ([], "/tmp", "tmpSize", "limits.tmpSize = 256M", "--tmp-size=512M"),
])
def test_a_full_file_system_is_told(box, flags, place, limit, rule, suggests):
    code = FILL.replace("{place}", place)
    events, result = told_of(box, *flags, code=code.replace("{then}", "sys.exit(1)"))
    assert set(events) == {limit}, str(result)
    assert events[limit]["rule"]["text"] == rule and events[limit]["reason"] == f"{place} was full at the end"
    assert events[limit]["suggestion"].startswith(suggests)
    if not flags:
        return
    # Who copes with it fails at nothing, and what was removed is not full.
    events, result = told_of(box, *flags, code=code.replace("{then}", "pass"), expect=0)
    assert events == {}
    events, result = told_of(
        box, *flags, code=code.replace("{then}", f"import os; os.unlink('{place}/big'); sys.exit(1)"))
    assert events == {}


def test_too_many_files_are_told(box):
    events, result = told_of(box, "--tmp-size=1M", code="""
        import os, sys
        try:
            for number in range(100000):
                os.mknod(f"/tmp/{number}")
        except OSError:
            sys.exit(1)
    """)
    assert set(events) == {"tmpSize"} and "as many files" in events["tmpSize"]["reason"], str(result)


def test_a_program_that_failed_may_have_reached_one(box):
    code = "import os, sys\nsys.exit(int(sys.argv[1]))\n"
    failed = box.run("--open-files=70", "--memory=200M", code=code, args=["3"])
    assert failed.status == 3
    assert "may have reached one of --memory=200M, --open-files=70" in failed.stderr, str(failed)
    assert "may have reached" not in box.run("--memory=200M", code=code, args=["0"]).stderr
    # Of too many processes there is an event.
    assert "may have reached" not in box.run("--pids=7", code=code, args=["3"]).stderr
    assert "may have reached" not in box.run(code=code, args=["3"]).stderr


def test_limits_of_a_file(box):
    box.write("p.json", json.dumps({"version": 1, "limits": {"pids": 3, "tmpSize": "1M"}}, indent=1))
    code = """
        out["forks"] = [attempt(os.fork) for _ in range(1)]
        if out["forks"] == [0]:
            time.sleep(600)
        out["tmp"] = os.statvfs("/tmp").f_blocks * os.statvfs("/tmp").f_frsize
    """
    out, _ = box.json("--policy=./p.json", code=code)
    assert out["forks"][0] != "EAGAIN" and out["tmp"] == 1 << 20
    # A flag stands over the file.
    out, _ = box.json("--policy=./p.json", "--pids=1", code=code)
    assert out["forks"] == ["EAGAIN"] and out["tmp"] == 1 << 20


def test_cpu_needs_a_control_group(box):
    result = box.run("--cpu=50%", code="print('ran')\n")
    assert result.status == 125 and "ran" not in result.stdout, str(result)
    assert "--cpu=50% (command line): only a control group can hold it" in result.stderr
    assert "systemd --user" in result.stderr


CPU_TIME = "buntime: limit cpuTime: the program was killed after computing for "


def test_cpu_time(box, use_up):
    """Sleeping does not count, and the signal that comes first elsewhere is not there to be ignored."""
    found, result = use_up("--cpu-time=900ms", ops=["raise", "spin"])
    assert result.status == 137 and found == {"raise": (0, "EPERM")}, str(result)
    assert result.stderr.count(CPU_TIME) == 1 and "  allow: --cpu-time=1800ms\n" in result.stderr
    assert "--cpu-time=900ms: for each process by itself, in whole seconds" in result.stderr
    result = box.run("--cpu-time=1", "--events=e.jsonl", code="""
        import time
        time.sleep(1.2)
        print("slept", flush=True)
        while True:
            pass
    """)
    assert (result.status, result.stdout) == (137, "slept\n") and CPU_TIME in result.stderr, str(result)
    limits = [event for event in read_events(box.directory / "e.jsonl")
              if event["kind"] == "limit"]
    assert len(limits) == 1 and limits[0]["observed"] is True and limits[0]["object"] == "cpuTime"


def test_cpu_time_is_not_every_death(box):
    result = box.run("--cpu-time=5", code="import os\nos.kill(os.getpid(), 9)\n")
    assert result.status == 137 and "limit cpuTime" not in result.stderr, str(result)


# ---- the time limit ----

SOON = "--timeout=2s"  # a sanitizer's start has room in it
AT_ONCE = 2 + 1.9  # before what does not go would be killed


def check_timed_out(result, within):
    assert result.status == 124 and 2 <= result.seconds < within, str(result)
    assert result.stderr.count("buntime: limit wallTime: the time is up") == 1, str(result)
    assert f"  rule:  {SOON} (command line)\n" in result.stderr
    assert "  allow: --timeout=4s\n" in result.stderr
    assert "may have reached" not in result.stderr and "--audit" not in result.stderr


def test_timeout(box):
    result = box.run(SOON, code="print('ran', flush=True)\nimport time\ntime.sleep(60)\n")
    check_timed_out(result, within=AT_ONCE)
    assert result.stdout == "ran\n"


def test_timeout_is_not_reached(box):
    result = box.run("--timeout=20", code="print('ran')\nraise SystemExit(7)\n")
    assert (result.status, result.stdout) == (7, "ran\n") and "limit" not in result.stderr, str(result)


def test_timeout_lets_it_tidy_up(box):
    result = box.run(SOON, code="""
        import signal, sys, time
        def on_term(*args):
            print("tidy")
            sys.exit(0)
        signal.signal(signal.SIGTERM, on_term)
        time.sleep(60)
    """)
    check_timed_out(result, within=AT_ONCE)
    assert result.stdout == "tidy\n"


def test_timeout_of_what_ignores_it(use_up):
    """In C every signal is blocked; after two more seconds it is killed all the same."""
    found, result = use_up(SOON, ops=["deaf"])
    check_timed_out(result, within=10)
    assert found == {} and result.seconds >= 4


def test_timeout_of_what_is_stopped(box):
    check_timed_out(box.run(SOON, code="""
        import os, signal
        os.kill(os.getpid(), signal.SIGSTOP)
    """), within=AT_ONCE)


def test_timeout_of_many(box):
    """The program has gone, its children hold stdout: none is left."""
    check_timed_out(box.run(SOON, code="""
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for _ in range(5):
            os.fork()
            time.sleep(0.01)
            if os.getpid() % 3 == 0:
                os.setsid() if os.getpgrp() != os.getpid() else None
        time.sleep(60)
    """), within=10)


def test_timeout_during_set_up(box):
    """A thousand mounts take longer: nothing has run, and there is nobody to ask."""
    for number in range(1000):
        box.write(f"data/{number}.txt", "x")
    reader, writer = os.pipe()
    result = box.run("--timeout=1ms", "--allow-read=data/*", f"--json-status-fd={writer}",
                     code="print('ran')\n", pass_fds=(writer,))
    os.close(writer)
    assert result.status == 124 and result.stdout == "" and result.seconds < 10, str(result)
    if TIER:
        return  # nothing is mounted, and it may have begun
    assert "limit wallTime: the time is up, and the program had not started" in result.stderr
    with open(reader, encoding="utf-8") as file:
        assert json.load(file) == {"v": 1, "started": False, "exit": 124, "limit": "wallTime"}


def test_timeout_at_a_terminal_of_what_stops_itself(box, terminal):
    """The supervisor stops with it, for a shell to notice. A script's does not: the time goes on."""
    box.write("w.py", "import os, signal\nprint('READY', flush=True)\nwhile True:\n"
                      "    os.kill(os.getpid(), signal.SIGSTOP)\n")
    command = " ".join(box.world.command(["--timeout=3", "run", "w.py"]))
    shell = terminal(["bash", "-c", f"{command}; echo END-$?-"], cwd=box.directory, shell=True)
    shell.expect("READY")
    shell.expect("limit wallTime", seconds=10)
    shell.expect("END-124-", seconds=10)


def test_status_of_a_timeout(box, world):
    reader, writer = os.pipe()
    result = box.run(SOON, f"--json-status-fd={writer}", "--events=events.jsonl",
                     code="import time\ntime.sleep(60)\n", pass_fds=(writer,))
    os.close(writer)
    with open(reader, encoding="utf-8") as file:
        assert json.load(file) == {"v": 1, "started": True, "exit": 124, "limit": "wallTime"}
    events = read_events(box.directory / "events.jsonl")
    schema = json.loads((world.source / "data/schema/event.schema.json").read_text(encoding="utf-8"))
    for event in events:
        jsonschema.validate(event, schema)
    limits = [event for event in events if event["kind"] == "limit"]
    assert len(limits) == 1, str(result)
    assert limits[0]["action"] == "deny" and limits[0]["object"] == "wallTime"
    assert limits[0]["rule"] == {"source": "command line", "line": None, "text": SOON}
    assert limits[0]["suggestion"] == "--timeout=4s"
    assert events[-1]["action"] == "exited" and events[-1]["exit"] == 124


def test_timeout_of_a_file(box):
    box.write("p.json", json.dumps({"version": 1, "limits": {"wallTime": 0.5}}, indent=1))
    result = box.run("--policy=./p.json", code="import time\ntime.sleep(60)\n")
    assert result.status == 124, str(result)
    assert "p.json:4: limits.wallTime\n" in result.stderr and "  allow: --timeout=1s\n" in result.stderr


@pytest.mark.parametrize("flag, code", [
    ("--timeout=2s", "import time\ntime.sleep(2.05)\n"), ("--max-output=1K", "print('x' * 1500)\n")])
def test_what_is_suggested_is_enough_for_it_and_has_an_end(box, flag, code):
    result = box.run(flag, "--events=events.jsonl", code=code)
    [event] = [event for event in read_events(box.directory / "events.jsonl") if event["kind"] == "limit"]
    assert result.status != 0 and event["suggestion"].startswith(flag.split("=")[0]), str(result)
    (box.directory / "events.jsonl").unlink()
    result = box.run(flag, event["suggestion"], code=code)
    assert result.status == 0, str(result)
    result = box.run(flag, event["suggestion"], code=code * 4)
    assert result.status != 0, str(result)
