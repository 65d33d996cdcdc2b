# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits by a control group: what a run does with the systemd it finds, if any.

No machine that these tests can count on has a systemd --user with control
groups of version 2: a bus is real, systemd is tests/unit/mock-systemd.c, and
the control groups that it makes up are not where a run looks. So here it is
proven what is asked, when, and that nothing is believed; tests/unit/test-scope.c
has the case where the groups show it.
"""

import re
import select
import socket
import subprocess
import time

import pytest
from world import below, processes, wait_for

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={path}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="false"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
"""
WEAKER = "held by the kernel's resource limits, not by a control group ({})"
NO_PROOF = "the control groups do not show what systemd says it did"
NO_TREE = "control groups of version 2 are not at /sys/fs/cgroup"


@pytest.fixture(name="bus")
def fixture_bus(box):
    """bus(mode) is the environment of a session with that systemd; None: with none."""
    started = []

    def start(mode):
        path, config = box.directory / "bus", box.directory / "bus.conf"
        config.write_text(CONFIG.format(path=path), encoding="utf-8")
        daemon = subprocess.Popen(["dbus-daemon", "--nofork", f"--config-file={config}",
                                   "--print-address"], stdout=subprocess.PIPE)
        started.append(daemon)
        environment = {"DBUS_SESSION_BUS_ADDRESS": daemon.stdout.readline().decode().strip()}
        if mode is not None:
            (box.directory / "systemd").mkdir()
            mock = subprocess.Popen([box.world.build / "tests/unit/mock-systemd", mode,
                                     box.directory / "systemd"], stdout=subprocess.PIPE,
                                    env=environment)
            started.append(mock)
            assert mock.stdout.readline() == b"ready\n"
        return environment

    yield start
    for process in reversed(started):
        process.kill()
        process.wait()


@pytest.fixture(name="deaf_environment")
def fixture_deaf_environment(box):
    """A bus that takes connections and says nothing."""
    path = str(box.directory / "deaf")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(8)
        yield {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={path}"}


@pytest.mark.parametrize("flags", [[], ["--open-files=100"], ["--net-bytes=1G"], ["--tmp-size=1M"]])
def test_other_runs_ask_nobody(box, bus, flags):
    environment = bus("apply")
    result = box.run(*flags, code="print('ran')\n", env=environment)
    assert result.stdout == "ran\n" and result.stderr == "", str(result)
    assert not (box.directory / "systemd/request").exists()


def test_without_a_session(box):
    result = box.run("--memory=200M", "--pids=20", code="print('ran')\n")
    assert result.status == 0 and result.stdout == "ran\n", str(result)
    assert "--memory=200M, --pids=20: " + WEAKER.format(
        "there is no session bus, and so no systemd of the user's") in result.stderr
    result = box.run("--cpu=50%", code="print('ran')\n")
    assert result.status == 125 and result.stdout == "", str(result)
    assert "--cpu=50% (command line): only a control group can hold it" in result.stderr


def test_a_session_without_systemd(box, bus):
    environment = bus(None)
    result = box.run("--memory=200M", code="print('ran')\n", env=environment)
    assert result.stdout == "ran\n" and WEAKER.split("(")[0] in result.stderr, str(result)
    assert "The name org.freedesktop.systemd1 was not provided" in result.stderr
    result = box.run("--cpu=50%", code="print('ran')\n", env=environment)
    assert result.status == 125 and result.stdout == "", str(result)


def test_it_is_not_believed(box, bus):
    """systemd says that all is done; the machine's control groups know nothing of it."""
    environment = bus("apply")
    result = box.run("--memory=200M", "--pids=20", code="print('ran')\n", env=environment)
    assert result.stdout == "ran\n", str(result)
    assert any("--memory=200M, --pids=20: " + WEAKER.format(reason) in result.stderr
               for reason in (NO_PROOF, NO_TREE)), str(result)
    request = (box.directory / "systemd/request").read_text(encoding="utf-8")
    for part in ("('MemoryMax', <uint64 209715200>)", "('MemorySwapMax', <uint64 0>)",
                 "('TasksMax', <uint64 21>)"):
        assert part in request
    result = box.run("--cpu=50%", code="print('ran')\n", env=environment)
    assert result.status == 125 and result.stdout == "", str(result)


def test_refused_in_the_words_of_others(box, bus):
    environment = bus("refuse")
    result = box.run("--pids=20", code="print('ran')\n", env=environment)
    assert result.stdout == "ran\n" and "no \\x1b[31mscopes\\x0a today" in result.stderr, str(result)
    assert "\x1b" not in result.stderr


def test_init_alone_is_moved_and_waits(box, bus):
    """Nothing of the program's runs before its limits are settled."""
    environment = bus("silent")
    request = box.directory / "systemd/request"
    with box.spawn("--pids=20", code="print('ran', flush=True)\n", env=environment) as process:
        wait_for(request.exists, what="the request")
        match = re.match(r"\('buntime-(\d+)-(\d+)\.scope', 'fail', .*\('PIDs', <\[uint32 (\d+)\]>\)",
                         request.read_text(encoding="utf-8"))
        pid = int(match[3])
        assert pid == int(match[2]) and pid in below(process.pid, "buntime-init")
        assert not select.select([process.stdout], [], [], 0.3)[0]
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            assert children.read() == ""
        # It does not wait for ever.
        assert process.stdout.readline() == b"ran\n"
        assert process.wait(10) == 0


def test_a_bus_that_never_answers(box, deaf_environment):
    begun = time.monotonic()
    result = box.run("--memory=200M", code="print('ran')\n", env=deaf_environment)
    assert result.stdout == "ran\n" and 1.9 < time.monotonic() - begun < 6, str(result)
    assert WEAKER.format("systemd --user did not answer in time") in result.stderr
    assert processes("buntime-scope") == {}


def test_nothing_is_left_of_a_run_that_is_killed_meanwhile(box, deaf_environment):
    """Several times: the end may come before buntime-scope has bound its life to the supervisor's."""
    for _ in range(6):
        with box.spawn("--memory=200M", code="print('ran')\n", env=deaf_environment) as process:
            wait_for(lambda: below(process.pid, "buntime-scope"), what="buntime-scope")
            process.kill()
            process.wait(10)
            wait_for(lambda: not processes("buntime-scope") and not processes("buntime-init"),
                     what="the end of all")


def test_a_bus_of_another_pid_namespace(box, bus):
    """There our numbers are other programs': systemd must not be told one."""
    environment = bus("apply")
    box.write("w.py", "print('ran')\n")
    command = ["unshare", "--user", "--map-current-user", "--pid", "--fork", "--kill-child",
               "--mount", "--mount-proc", *box.world.command(["--pids=20", "run", "w.py"])]
    result = box.world.run_command(command, cwd=box.directory,
                                   env=box.world.environment(environment))
    assert result.stdout == "ran\n", str(result)
    assert WEAKER.format("the session bus is another machine's or container's") in result.stderr
    assert not (box.directory / "systemd/request").exists()
