# SPDX-License-Identifier: LGPL-2.1-or-later
"""plugins.namespaces off: what the user's other processes are to the program. (test_flat.py has the rest.)"""

import json
import os
import subprocess

import pytest
from test_flat import flat, policy  # noqa: F401 - fixtures
from world import init_and_guard, wait_for

pytestmark = pytest.mark.landlock(2)


@pytest.fixture
def neighbour():
    """Another process of the user's."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    assert process.poll() is None, "it was reached"
    process.kill()
    process.wait()


PROCESS_OPS = {
    "kill": "EPERM", "tgkill": "EPERM", "sigqueue": "EPERM", "pidfd_kill": "EPERM",
    "pidfd_getfd": "EPERM", "ptrace": "EPERM", "vm_read": "EPERM", "mem": "EACCES",
    "mem_write": "EACCES", "environ": "EACCES", "cmdline": "EACCES", "fds": "EACCES",
    "net": "EACCES", "priority": "EPERM", "io_priority": "EPERM", "affinity": "EPERM",
    "scheduler": "EPERM", "limit": "EPERM", "setns": "EPERM", "owner": "EPERM",
}


def test_other_processes(box, policy, flat, neighbour):
    """A neighbour, init and the supervisor."""
    nice = os.getpriority(os.PRIO_PROCESS, neighbour.pid)
    for pid in ("PARENT", neighbour.pid):
        words = [word for op in PROCESS_OPS for word in (op, pid)]
        found, result = flat([policy()], *words)
        assert {op: errno for (op, _), errno in found.items()} == PROCESS_OPS, str(result)
    found, _ = flat([policy()], "all_priorities", os.getuid(), "priority", 0, "affinity", 0,
                    "scheduler", 0, "limit", 0)
    assert found.pop(("all_priorities", str(os.getuid()))) == "EPERM"
    assert set(found.values()) == {"ok"}
    assert os.getpriority(os.PRIO_PROCESS, neighbour.pid) == nice


def test_ours_are_out_of_reach(box, policy, flat):
    """The supervisor, init and its guard, by their numbers."""
    program = box.directory / "flat"
    with box.spawn(policy(), f"--allow-run={program}", code=f"""
        import json, subprocess, sys
        for pid in input().split():
            words = [word for op in {[*PROCESS_OPS]!r} for word in (op, pid)]
            run = subprocess.run([{str(program)!r}, *words], capture_output=True, text=True)
            print(json.dumps([line.rsplit(": ", 1)[1] for line in run.stdout.splitlines()]))
    """) as process:
        init, guard = wait_for(lambda: init_and_guard(process.pid), what="init and its guard")
        out, err = process.communicate(f"{process.pid} {init} {guard}\n".encode(), 20)
        lines = out.decode().splitlines()
        assert len(lines) == 3 and process.returncode == 0, err
        for line in lines:
            assert dict(zip(PROCESS_OPS, json.loads(line))) == PROCESS_OPS, line


def test_own_processes_are_its_own(box, policy):
    out, result = box.json(policy(), code="""
        import signal, threading
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        out["stop"] = attempt(child.send_signal, signal.SIGSTOP)
        out["kill"] = attempt(child.kill)
        out["status"] = child.wait()
        thread = threading.Thread(target=lambda: out.update(thread=True))
        thread.start()
        thread.join()
        out["group"] = attempt(os.killpg, os.getpgrp(), 0)
        a, b = socket.socketpair()
        a.send(b"x")
        out["pair"] = b.recv(1).decode()
    """)
    assert out == {"stop": "ok", "kill": "ok", "status": -9, "thread": True, "group": "ok",
                   "pair": "x"}, str(result)
