# SPDX-License-Identifier: LGPL-2.1-or-later
"""
--tier=landlock as on Linux 6.1, whose Landlock scopes no signals, governs no truncation and no TCP.

The kernel is a newer one that is not asked for that (older.c): so it is the filter, the supervisor
and init that hold it here, or nobody. The tests of test_flat.py that are about that run here once
more; all of them do with BUNTIME_TEST_LANDLOCK=2.
"""

import os
import signal
import subprocess
import textwrap

import pytest
from test_flat import (  # noqa: F401 - fixtures and tests
    flat, place, policy, test_network_is_refused_to_python)
from test_flat_processes import (  # noqa: F401
    neighbour, test_other_processes, test_ours_are_out_of_reach, test_own_processes_are_its_own)
from world import init_and_guard, processes, wait_for

pytestmark = [pytest.mark.landlock(2), pytest.mark.usefixtures("old_kernel")]
TIER = "--tier=landlock"
NOTE = "before Linux 6.12 (Landlock here has version 2) signals are sent by buntime"

# kill_by(way, pid, number): each way to send a signal; 0 or the errno's name.
WAYS = textwrap.dedent("""
    import ctypes, fcntl, signal, struct, threading
    libc = ctypes.CDLL(None, use_errno=True)

    def call(number, *args):
        ctypes.set_errno(0)
        result = libc.syscall(number, *args)
        return result if result >= 0 else errno.errorcode[ctypes.get_errno()]

    def told(number):
        info = ctypes.create_string_buffer(128)
        struct.pack_into("iii", info, 0, number, 0, -1)  # SI_QUEUE
        return info

    def by_pidfd(pid, number, info=None):
        fd = call(434, pid, 0)
        if isinstance(fd, str):
            return fd
        result = call(424, fd, number, info, 0)
        os.close(fd)
        return result

    ways = {
        "kill": lambda pid, number: call(62, pid, number),
        "tkill": lambda pid, number: call(200, pid, number),
        "tgkill": lambda pid, number: call(234, pid, pid, number),
        "queue": lambda pid, number: call(129, pid, number, told(number)),
        "thread queue": lambda pid, number: call(297, pid, pid, number, told(number)),
        "pidfd": by_pidfd,
        "pidfd queue": lambda pid, number: by_pidfd(pid, number, told(number)),
    }

    def try_all(pid, number=signal.SIGKILL):
        return {name: way(pid, number) for name, way in ways.items()}
""").lstrip()


def by_all_ways(code):
    return WAYS + textwrap.dedent(code)


def test_it_is_announced(box):
    result = box.run(TIER, code="print('ran')\n")
    assert result.stdout == "ran\n" and result.stderr.count(NOTE) == 1, str(result)


# ---- signals at others ----

@pytest.fixture
def victim():
    """Another program of the user's, the leader of a group and a session of its own."""
    with subprocess.Popen(["/usr/bin/sleep", "600"], start_new_session=True) as process:
        yield process
        assert process.poll() is None, "it was reached"
        process.kill()


def test_signals_at_others(box, victim):
    """Who started it all, and what has nothing to do with it; by every call there is."""
    out, result = box.json(TIER, code=by_all_ways(f"""
        init = os.getppid()
        for pid in (init, {os.getpid()}, {victim.pid}, 1):
            out[str(pid)] = try_all(pid)
        out["group"] = call(62, -{victim.pid}, 9)
        out["all"] = call(62, -1, 9)
        out["nobody"] = call(62, 2 ** 31 - 1, 9)
        out["least"] = call(62, -2 ** 31, 9)
        out["no pidfd"] = call(424, 0, 9, None, 0)
        out["thread of another"] = call(234, os.getpid(), {victim.pid}, 9)
    """))
    nobody = {"nobody": "ESRCH", "least": "EPERM", "no pidfd": "ESRCH"}
    assert {name: out.pop(name) for name in nobody} == nobody, str(result)
    assert (out.pop("group"), out.pop("all")) == ("EPERM", "EPERM"), str(result)
    # The caller's number is its own: the kernel is asked whether that is one of its threads.
    assert out.pop("thread of another") == "ESRCH", str(result)
    assert len(out) == 4
    for found in out.values():
        assert set(found.values()) == {"EPERM"}, str(result)


def test_the_supervisor_and_its_guards(box):
    code = "import errno, os, sys\n" + by_all_ways("""
        for pid in map(int, sys.stdin.readline().split()):
            print(*try_all(pid).values(), flush=True)
    """)
    with box.spawn(TIER, code=code, start_new_session=True) as process:
        pids = [process.pid, *wait_for(lambda: init_and_guard(process.pid), what="init and its guard")]
        out, err = process.communicate((" ".join(map(str, pids)) + "\n").encode(), 20)
        assert out.decode().split() == ["EPERM"] * 21 and process.returncode == 0, err


def test_the_callers_group(box):
    """It is in the group of whoever started buntime: those are not meant."""
    with subprocess.Popen(["/usr/bin/sleep", "600"], start_new_session=True) as leader:
        with box.spawn(TIER, code="import os; print(os.getpgrp(), flush=True); os.kill(0, 9)\n",
                       preexec_fn=lambda: os.setpgid(0, 0)) as process:
            out, err = process.communicate(b"", 20)
            # Killed was the worker, and buntime lived to tell it.
            assert int(out) == process.pid and process.returncode == 137, err
        assert leader.poll() is None
        leader.kill()


def test_a_signal_that_comes_later(box, victim):
    """What has the kernel send it when something comes."""
    out, result = box.json(TIER, code=by_all_ways(f"""
        a, b = socket.socketpair()
        fd, pid = a.fileno(), {victim.pid}
        out["owner"] = attempt(fcntl.fcntl, fd, fcntl.F_SETOWN, pid)
        out["group"] = attempt(fcntl.fcntl, fd, fcntl.F_SETOWN, -pid)
        out["any"] = attempt(fcntl.fcntl, fd, 15, struct.pack("ii", 1, pid))
        out["ioctl"] = attempt(fcntl.ioctl, fd, 0x8901, struct.pack("i", pid))
        out["socket"] = attempt(fcntl.ioctl, fd, 0x8902, struct.pack("i", pid))
        out["flag"] = attempt(fcntl.fcntl, fd, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        out["async"] = attempt(fcntl.ioctl, fd, 0x5452, struct.pack("i", 1))
        out["number"] = attempt(fcntl.fcntl, fd, 10, signal.SIGKILL)
        b.send(b"x")
        out["owned"] = fcntl.fcntl(fd, fcntl.F_GETOWN)
        out["plain"] = attempt(fcntl.fcntl, fd, fcntl.F_SETFL, os.O_NONBLOCK)
    """))
    assert out == {"owner": "EPERM", "group": "EPERM", "any": "EPERM", "ioctl": "ENOTTY", "socket": "ENOTTY",
                   "flag": "EPERM", "async": "EPERM", "number": "EPERM", "owned": 0, "plain": 0}, str(result)


@pytest.mark.parametrize("flags", [[TIER], []], ids=["landlock", "namespaces"])
def test_a_terminal_that_tells_of_what_comes(box, terminal, flags):
    """It would tell its foreground group, in which are buntime and who started it, whoever set it."""
    box.write("w.py", """
        import fcntl, os, struct
        def attempt(function, *args):
            try:
                function(*args)
                return "DONE"
            except PermissionError:
                return "REFUSED"
        print("N", attempt(fcntl.fcntl, 0, 10, 9), flush=True)
        print("A", attempt(fcntl.fcntl, 0, fcntl.F_SETFL, os.O_RDWR | os.O_ASYNC), flush=True)
        print("B", attempt(fcntl.ioctl, 0, 0x5452, struct.pack("i", 1)), flush=True)
        print("LINE", input(), flush=True)
    """)
    words = " ".join(map(str, box.world.command([*flags, "run", "w.py"])))
    shell = terminal(["sh", "-c", f"{words}; echo END-$?-"], shell=True)
    shell.expect("N REFUSED")
    shell.expect("A REFUSED")
    shell.expect("B REFUSED")
    shell.type("x\r")
    shell.expect("LINE x")
    shell.expect("END-0-")
    assert shell.wait() == 0


# ---- signals of its own ----

def test_signals_of_its_own(box):
    out, result = box.json(TIER, code=by_all_ways("""
        def child():
            return subprocess.Popen([sys.executable, "-c", "print(1, flush=True); import time; time.sleep(60)"],
                                    stdout=subprocess.PIPE, start_new_session=True)

        for name in ("kill", "queue", "pidfd", "pidfd queue"):
            one = child()
            one.stdout.readline()
            out[name] = [ways[name](one.pid, 0), ways[name](one.pid, signal.SIGUSR1), one.wait()]
            out[name].append(ways[name](one.pid, 0))
        one = child()
        one.stdout.readline()
        out["group"] = [call(62, -one.pid, signal.SIGTERM), one.wait(), call(62, -one.pid, signal.SIGTERM)]
        one = child()
        one.stdout.readline()
        out["thread of a child"] = ways["tgkill"](one.pid, signal.SIGKILL)
        out["false word"] = call(129, one.pid, 9, struct.pack("iii116x", 9, 0, 0x80))
        out["bad memory"] = call(129, one.pid, 9, ctypes.c_void_p(16))
        out["bad number"] = call(62, one.pid, 65)
        one.kill()
        out["killed"] = one.wait()
        got = []
        signal.signal(signal.SIGUSR2, lambda number, frame: got.append(number))
        for pid in (os.getpid(), 0):
            call(62, pid, signal.SIGUSR2)
        for way in ways.values():
            way(os.getpid(), signal.SIGUSR2)
        signal.raise_signal(signal.SIGUSR2)
        thread = threading.Thread(target=lambda: signal.sigwait([signal.SIGRTMIN]))
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
        thread.start()
        signal.pthread_kill(thread.ident, signal.SIGRTMIN)
        thread.join(20)
        out["joined"] = not thread.is_alive()
        out["from a thread"] = []
        thread = threading.Thread(target=lambda: out["from a thread"].extend(
            [call(62, os.getpid(), 0), call(234, os.getpid(), os.getpid(), 0), call(200, os.getpid(), 0)]))
        thread.start()
        thread.join(20)
        out["self"] = len(got)
        out["abort"] = subprocess.run([sys.executable, "-c", "import os; os.abort()"]).returncode
    """))
    ended = -signal.SIGUSR1
    for name in ("kill", "queue", "pidfd", "pidfd queue"):
        assert out.pop(name) == [0, 0, ended, "ESRCH"], f"{name}\n{result}"
    assert out == {"group": [0, -signal.SIGTERM, "ESRCH"], "thread of a child": "EPERM", "false word": "EPERM",
                   "bad memory": "EFAULT", "bad number": "EINVAL", "killed": -9, "joined": True,
                   # Which thread a number is of cannot be known for as long as it takes.
                   "from a thread": [0, 0, "EPERM"], "self": 10, "abort": -signal.SIGABRT}, str(result)


def test_a_signal_is_sent_once(box):
    """Whoever sends one gets SIGCHLD before its answer, say, and has a handler."""
    out, result = box.json(TIER, code="""
        import signal
        ended = []
        def on_child(number, frame):
            try:
                while True:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                    if pid == 0:
                        break
                    ended.append(status)
            except ChildProcessError:
                pass
        signal.signal(signal.SIGCHLD, on_child)
        # Else a call may fail by EINTR before it is seen; buntime-tiers(7) says so.
        signal.siginterrupt(signal.SIGCHLD, False)
        out["results"] = []
        for _ in range(50):
            pid = os.fork()
            if pid == 0:
                while True:
                    signal.pause()
            result = attempt(os.kill, pid, signal.SIGKILL)
            if result not in ("ok", None):
                out["results"].append(result)
        while len(ended) < 50:
            time.sleep(0.01)
        out["ended"] = sorted(set(ended))
    """)
    assert out == {"results": [], "ended": [9]}, str(result)


# ---- files that are cut ----

def test_cutting(box, place):
    file, code = place / "a.txt", f"""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        p = {str(place / 'a.txt')!r}
        out["reading"] = attempt(lambda: os.close(os.open(p, os.O_RDONLY | os.O_TRUNC)))
        out["neither"] = attempt(lambda: os.close(os.open(p, 3 | os.O_TRUNC)))
        out["making"] = attempt(lambda: os.close(os.open(p, os.O_CREAT | os.O_TRUNC)))
        out["old call"] = libc.syscall(2, p.encode(), 3 | os.O_TRUNC) if os.uname().machine == "x86_64" else -1
        out["by name"] = attempt(os.truncate, p, 0)
        fd = attempt(os.open, p, os.O_RDONLY)
        out["descriptor"] = attempt(os.ftruncate, fd, 0) if isinstance(fd, int) else fd
        out["kept"] = os.stat(p).st_size
        out["writing"] = attempt(lambda: os.close(os.open(p, os.O_WRONLY | os.O_TRUNC)))
        out["creat"] = libc.creat(p.encode(), 0o600) >= 0
        out["cut"] = os.stat(p).st_size == 0
    """
    refused = {"reading": "EACCES", "neither": "EACCES", "making": "EACCES", "old call": -1, "by name": "EPERM",
               "kept": 8}
    for flags, descriptor, writing in (([], "EACCES", "EACCES"), ([f"--allow-read={place}"], "EINVAL", "EACCES"),
                                       ([f"--allow-write={place}"], "EACCES", "ok")):
        file.write_text("content\n", encoding="utf-8")
        out, result = box.json(TIER, *flags, code=code)
        assert out == refused | {"descriptor": descriptor, "writing": writing, "creat": writing == "ok",
                                 "cut": writing == "ok"}, str(result)
        assert (file.stat().st_size == 0) == (writing == "ok")


# ---- ends ----

BOMB = """
    import os, signal, sys, time
    for number in (1, 2, 3, 15):
        signal.signal(number, signal.SIG_IGN)
    print("READY", flush=True)
    leader = os.getpid()
    until = time.monotonic() + 60
    for _ in range(8):
        if os.fork() == 0:
            break
    if os.getpid() == leader:
        sys.stdin.readline()
        os._exit(5)
    while time.monotonic() < until:
        # Each goes on in a child, in a session of its own, and leaves it now and then.
        try:
            pid = os.fork()
        except OSError:
            continue
        if pid == 0:
            os.setsid()
        elif os.getpid() % 4 == 0:
            time.sleep(60)
        else:
            os._exit(0)
"""


@pytest.mark.parametrize("whom", ["nobody", "supervisor", "init", "guard", "group"])
def test_what_forks_on(box, whom):
    """Sessions left, parents gone, and always one that is just being made."""
    before = set(processes())
    with box.spawn(TIER, code=BOMB, start_new_session=True) as process:
        assert process.stdout.readline() == b"READY\n"
        wait_for(lambda: len(processes("w.py")) > 30, seconds=60, what="processes")
        if whom == "group":
            os.killpg(process.pid, signal.SIGKILL)
        elif whom == "supervisor":
            process.kill()
        elif whom == "nobody":
            process.stdin.write(b"\n")
            process.stdin.flush()
        else:
            both = wait_for(lambda: init_and_guard(process.pid), what="init and its guard")
            os.kill(both[whom == "guard"], signal.SIGKILL)
        status = process.wait(20)
        assert status == {"nobody": 5, "init": 137, "guard": 137}.get(whom, -9)
        wait_for(lambda: set(processes()) <= before, what="the end of every process")


def test_a_long_chain(box):
    """Each the other's child; they end one after the other."""
    before = set(processes())
    result = box.run(TIER, code="""
        import os, time
        reader, writer = os.pipe()
        for depth in range(60):
            if os.fork() != 0:
                break
        else:
            os.write(writer, b"x")
        if depth == 0:
            os.read(reader, 1)
            os._exit(3)
        time.sleep(600)
    """)
    assert result.status == 3, str(result)
    assert set(processes()) <= before
