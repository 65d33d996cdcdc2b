# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Never weaker in silence: each thing that a run is made of is taken away, as machines do it, and
the run ends with 125, names it, and says what helps. The program never ran and nothing is left.

TAKEN is meant to be complete: what init, the supervisor and buntime-net ask of the kernel, in the
order of a run. What test_setup.py and test_doctor.py arrange by real limits and mounts is not
repeated here. tests/faults goes through every single call.
"""

import errno
import json
import os
import resource

import pytest

from faults import Bench
from refuse import refusing, rule
from test_doctor import DOCKER, PODMAN, prepared
from world import PLAIN, processes

pytestmark = pytest.mark.slow  # of sanitizers: their runtimes cannot do without all of these
E = errno
HOST = "seccomp or another security module"  # of whoever started it, or an old kernel
FILES = "raise the number of open files"
MEMORY = "free memory"
CLOSED = "closes user namespaces"
MOUNTS = "must not refuse mounts"
KERNEL = "a Linux of 5.19 or later"
CHANGED = "the path was changed while buntime started"
NOTHING_KNOWN = "'buntime doctor' shows"
NEW_USER, NEW_NS, NEW_CGROUP, NEW_IPC, NEW_NET = 0x10000000, 0x20000, 0x2000000, 0x8000000, 0x40000000
THREAD = 0x10000
RECV, SEND, ID_VALID, ADDFD = 0xc0502100, 0xc0182101, 0x40082102, 0x40182103
DUPFD, ADD_SEALS, GET_SEALS = 1030, 1033, 1034


def flag(argument, value):
    return [argument, value, value]


def equal(argument, value):
    return [argument, 0xffffffff, value]


# What is taken away, the flags, how the message begins, and what its cure says.
TAKEN = {
    # The supervisor, before there is another process.
    "a file for the plan": ([rule("memfd_create", E.EPERM)], [], "plan: Operation not permitted", HOST),
    "sealing it": ([rule("fcntl", E.EPERM, equal(1, ADD_SEALS))], [], "plan: Operation not permitted", HOST),
    "a Unix socket": ([rule("socketpair", E.EAFNOSUPPORT)], [], "status socket: Address family", HOST),
    "descriptors": ([rule("fcntl", E.EMFILE, equal(1, DUPFD))], [],
                    "F_DUPFD_CLOEXEC (spawn): Too many open files", FILES),
    "user namespaces": ([rule("clone", E.EPERM, flag(0, NEW_USER))], [],
                        "clone (spawn): Operation not permitted", CLOSED),
    "user namespaces, not built": ([rule("clone", E.EINVAL, flag(0, NEW_USER))], [],
                                   "clone (spawn): Invalid argument", HOST),
    "processes": ([rule("clone", E.EAGAIN, flag(0, NEW_USER))], [],
                  "clone (spawn): Resource temporarily unavailable", MEMORY),
    # The child that becomes init.
    "capabilities in the namespace": ([rule("capset", E.EPERM)], [], "capset (ids): Operation not", CLOSED),
    "ambient capabilities": ([rule("prctl", E.EPERM, equal(0, 47))], [], "PR_CAP_AMBIENT_RAISE (ids)", CLOSED),
    "close_range": ([rule("close_range", E.ENOSYS)], [], "close_range (spawn): Function not implemented", HOST),
    # Init.
    "PR_SET_DUMPABLE": ([rule("prctl", E.EPERM, equal(0, 4))], [], "PR_SET_DUMPABLE (plan): Operation", HOST),
    "PR_SET_PDEATHSIG": ([rule("prctl", E.EPERM, equal(0, 1))], [], "PR_SET_PDEATHSIG (plan): Operation", HOST),
    "signalfd": ([rule("signalfd4", E.ENOSYS)], [], "signalfd: Function not implemented", HOST),
    # As AppArmor does it where it lets the namespace be made: nothing may be done in it.
    "rights in the namespace": ([rule("unshare", E.EPERM, flag(0, NEW_NS))], [],
                                "mount and uts namespaces (plan): Operation not permitted", CLOSED),
    "ipc namespaces": ([rule("unshare", E.EPERM, flag(0, NEW_IPC))], [], "ipc namespace (network)", CLOSED),
    "network namespaces": ([rule("unshare", E.EPERM, flag(0, NEW_NET))], [], "network namespace (network)", CLOSED),
    "cgroup namespaces": ([rule("unshare", E.EPERM, flag(0, NEW_CGROUP))], [], "cgroup namespace (plan)", CLOSED),
    "threads": ([rule("clone", E.EAGAIN, flag(0, THREAD)), rule("clone3", E.ENOSYS)], [],
                "network namespace (plan): Resource temporarily unavailable", MEMORY),
    "securebits": ([rule("prctl", E.EPERM, equal(0, 28))], [], "securebits (plan): Operation not", CLOSED),
    "the bounding set": ([rule("prctl", E.EPERM, equal(0, 24))], [], "bounding set (plan): Operation", CLOSED),
    "seals that are seen": ([rule("fcntl", E.EINVAL, equal(1, GET_SEALS))], [], "plan: not sealed (plan)", HOST),
    "the host's name": ([rule("sethostname", E.EPERM)], [], "host name (uts): Operation not permitted", HOST),
    "openat2": ([rule("openat2", E.ENOSYS)], [], "/usr (sources): Function not implemented", HOST),
    "openat2, refused": ([rule("openat2", E.EPERM)], [], "/usr (sources): Operation not permitted", HOST),
    "raising limits": ([rule("prlimit64", E.EPERM, equal(0, 0), equal(1, 7)), rule("setrlimit", E.EPERM)], [],
                       "RLIMIT_NOFILE (sources): Operation not permitted", HOST),
    "fsopen": ([rule("fsopen", E.ENOSYS)], [], "procfs (mounts): Function not implemented", KERNEL),
    "fsopen, of no procfs": ([rule("fsopen", E.ENODEV)], [], "procfs (mounts): No such device", "the file systems tmpfs, proc"),
    "fsconfig": ([rule("fsconfig", E.EPERM)], [], "procfs (mounts): Operation not permitted", "/proc"),
    "fsmount": ([rule("fsmount", E.EPERM)], [], "procfs (mounts): Operation not permitted", "/proc"),
    "move_mount": ([rule("move_mount", E.EPERM)], [], "root tmpfs (mounts): Operation not permitted", MOUNTS),
    "open_tree": ([rule("open_tree", E.EPERM)], [], "/usr (mounts): Operation not permitted", MOUNTS),
    "mount_setattr": ([rule("mount_setattr", E.EPERM)], [], "/usr (mounts): Operation not permitted", MOUNTS),
    "mount_setattr, of 5.12": ([rule("mount_setattr", E.ENOSYS)], [], "/usr (mounts): Function not", KERNEL),
    "mount_setattr, of other flags": ([rule("mount_setattr", E.EINVAL)], [], "/usr (mounts): Invalid argument", KERNEL),
    "room for mounts": ([rule("move_mount", E.ENOSPC)], [], "root tmpfs (mounts): No space left", "fs.mount-max"),
    "a disk": ([rule("open_tree", E.EIO)], [], "/usr (mounts): Input/output error", NOTHING_KNOWN),
    "a path": ([rule("open_tree", E.ENOENT)], [], "/usr (mounts): No such file or directory", CHANGED),
    "a path before it is mounted": ([rule("openat2", E.ENOENT)], [], "/usr (sources): No such file", CHANGED),
    "setns": ([rule("setns", E.EPERM)], [], "ipc namespace (network): Operation not permitted", CLOSED),
    "lo": ([rule("ioctl", E.EPERM, equal(1, 0x8914))], [], "lo (network): Operation not permitted", HOST),
    "port 53": ([rule("bind", E.EACCES)], [], "DNS socket (udp) (network): Permission denied", HOST),
    "listen": ([rule("listen", E.EPERM)], [], "DNS socket (tcp) (network): Operation not permitted", HOST),
    "pivot_root": ([rule("pivot_root", E.EPERM)], [], "pivot_root (root): Operation not permitted", MOUNTS),
    "pivot_root, of an initramfs": ([rule("pivot_root", E.EINVAL)], [], "pivot_root (root): Invalid argument", KERNEL),
    "umount": ([rule("umount2", E.EPERM)], [], "old root (root): Operation not permitted", MOUNTS),
    "sysctls of the namespace": ([rule("openat", E.EACCES, [2, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, os.O_WRONLY | os.O_NOFOLLOW])],
                                 [],
                                 "sys/user/max_user_namespaces (namespaces): Permission denied", "/proc/sys"),
    "sysctls on a disk": ([rule("openat", E.EIO, [2, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, os.O_WRONLY | os.O_NOFOLLOW])],
                          [], "sys/user/max_user_namespaces (namespaces): Input/output error", NOTHING_KNOWN),
    "landlock_create_ruleset": ([rule("landlock_create_ruleset", E.EPERM, equal(2, 0))], [],
                                "ruleset (landlock): Operation not permitted", "landlock_*"),
    "landlock_add_rule": ([rule("landlock_add_rule", E.EPERM)], [],
                          "/dev/null (landlock): Operation not permitted", "landlock_*"),
    "landlock_restrict_self": ([rule("landlock_restrict_self", E.EPERM)], [],
                               "landlock_restrict_self (landlock): Operation not permitted", "landlock_*"),
    "room in a sandbox": ([rule("landlock_restrict_self", E.E2BIG)], [],
                          "landlock_restrict_self (landlock): Argument list too long", "start buntime outside"),
    "room for filters": ([rule("seccomp", E.ENOMEM, flag(1, 8))], [],
                         "worker filter (seccomp): Cannot allocate memory", "start buntime outside"),
    "limits": ([rule("prlimit64", E.EPERM, equal(1, 6)), rule("setrlimit", E.EPERM, equal(0, 6))], [],
               "RLIMIT_NPROC (limits): Operation not permitted", HOST),
    "no_new_privs": ([rule("prctl", E.EINVAL, equal(0, 38))], [], "no_new_privs (privileges): Invalid", HOST),
    "listening": ([rule("seccomp", E.EINVAL, flag(1, 8))], [], "worker filter (seccomp): Invalid", "5.19"),
    "filters": ([rule("seccomp", E.EPERM, equal(0, 1), equal(1, 0))], [],
                "filter of pid 1 (seccomp): Operation not permitted", "allow the call seccomp"),
    # The listener.
    "pidfd_getfd": ([rule("pidfd_getfd", E.EPERM)], [], "seccomp listener: Operation not permitted",
                    "the call pidfd_getfd"),
    "pidfd_getfd, of 5.6": ([rule("pidfd_getfd", E.ENOSYS)], [], "seccomp listener: Function not", "the call pidfd_getfd"),
    "hearing of calls": ([rule("ioctl", E.EINVAL, equal(1, RECV))], [], "seccomp listener: Invalid argument", HOST),
    "answering calls": ([rule("ioctl", E.EPERM, equal(1, SEND))], [], "seccomp listener: Operation not", HOST),
    "knowing who still waits": ([rule("ioctl", E.EPERM, equal(1, ID_VALID))], [],
                                "seccomp listener: Operation not permitted", HOST),
    "a timer": ([rule("timer_create", E.EAGAIN)], [], "timer: Resource temporarily unavailable", "ulimit -i"),
    # A network.
    "netlink": ([rule("socket", E.EAFNOSUPPORT, equal(0, 16))], ["--allow-net=github.com"],
                "rtnetlink socket (network): Address family not supported", "tun or veth"),
    "a tap device": ([rule("ioctl", E.EPERM, equal(1, 0x400454ca))], ["--allow-net=github.com", "--net=tap"],
                     "/dev/net/tun (network): Operation not permitted", "tun or veth"),
    "packet sockets": ([rule("socket", E.EPERM, equal(0, 17))], ["--allow-net=github.com", "--net=veth"],
                       "packet socket (network): Operation not permitted", "tun or veth"),
    "offload": ([rule("ioctl", E.EOPNOTSUPP, equal(1, 0x8946))], ["--allow-net=github.com", "--net=veth"],
                "checksum offload (network): Operation not supported", "tun or veth"),
}
# What a run does without: it tells the program less, or goes another way that holds as much.
SPARED = {
    "taking a thread's descriptors": [rule("pidfd_open", E.ENOSYS)],
    "killing by pidfd": [rule("pidfd_send_signal", E.EPERM)],
    "reading the worker's memory": [rule("process_vm_readv", E.EPERM)],
    "giving descriptors": [rule("ioctl", E.EPERM, equal(1, ADDFD))],
    "waking at once": [rule("ioctl", E.EINVAL, equal(1, 0x40082104))],
    "inotify": [rule("inotify_init1", E.ENOSYS)],
    "clone3": [rule("clone3", E.ENOSYS)],
    "statx": [rule("statx", E.ENOSYS)],
    "faccessat2": [rule("faccessat2", E.ENOSYS)],
    "eventfd": [rule("eventfd2", E.ENOSYS)],
    "getrandom": [rule("getrandom", E.ENOSYS)],
    "rseq": [rule("rseq", E.ENOSYS)],
}


@pytest.fixture(scope="module")
def bench(world):
    made = Bench(world)
    yield made
    made.close()


def run(world, bench, rules, *flags):
    before = bench.state()
    result = world.run_command([*PLAIN, *refusing(rules), world.buntime, *flags, "run", *bench.entry()],
                               cwd=bench.directory, timeout=15)
    assert processes(world.buntime) == {} and bench.state() - before == set(), str(result)
    return result


def check(result, begins, cure):
    """One line that names it and why, and one that says what helps."""
    assert result.status == 125, str(result)
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f"buntime: {begins}"), str(result)
    assert len(lines) == 2 and lines[1].startswith("  ") and cure in lines[1], str(result)
    assert result.stdout == "", str(result)


def enforced(result):
    assert result.status == 0 and result.stdout == "it ran\n", str(result)


@pytest.mark.parametrize("what", TAKEN)
def test_taken_away(world, bench, what):
    rules, flags, begins, cure = TAKEN[what]
    check(run(world, bench, rules, *flags), begins, cure)


@pytest.mark.parametrize("what", SPARED)
def test_spared(world, bench, what):
    """All that is refused without it is refused."""
    enforced(run(world, bench, SPARED[what], "--allow-net=github.com"))


def run_in_container(world, made, rules):
    """Its /tmp is another one, without the bench."""
    result = prepared(world, ["run", "/usr/bin/echo", "it ran"], made, rules=rules)
    assert processes(world.buntime) == {}, str(result)
    return result


@pytest.mark.parametrize("made, option", [(DOCKER, "systempaths=unconfined"), (PODMAN, "unmask=ALL")],
                         ids=["docker", "podman"])
@pytest.mark.parametrize("what", ["rights in the namespace", "openat2, refused", "fsmount", "move_mount"])
def test_refused_in_a_container(world, made, option, what):
    """What its engine takes away its engine's options give back."""
    rules, _, begins, _ = TAKEN[what]
    result = run_in_container(world, made, rules)
    check(result, begins, option)
    assert "--tier=landlock" in result.stderr and "SYS_PTRACE" not in result.stderr, str(result)


@pytest.mark.parametrize("what", ["fsopen, of no procfs", "mount_setattr, of 5.12", "mount_setattr, of other flags",
                                  "room for mounts", "a disk", "processes"])
def test_not_refused_in_a_container(world, what):
    """Of all that is no refusal its engine's options would help nobody."""
    rules, _, begins, cure = TAKEN[what]
    result = run_in_container(world, DOCKER, rules)
    check(result, begins, cure)
    assert "--security-opt" not in result.stderr, str(result)


def test_nothing_taken_away(world, bench):
    enforced(run(world, bench, [rule("kexec_load", E.EPERM)]))


def test_a_network_by_nothing(world, bench):
    """/dev/net/tun is closed, and no veth pair can be had in its place."""
    rules = [rule("openat", E.EACCES, equal(2, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)),
             rule("open", E.EACCES, flag(1, os.O_RDWR | os.O_NONBLOCK)),
             rule("socket", E.EPERM, equal(0, 17))]
    check(run(world, bench, rules, "--allow-net=github.com"), "packet socket (network)", "tun or veth")


@pytest.mark.parametrize("says, call", [
    ("could not give up its privileges", "capset"),
    ("could not confine itself by Landlock", "landlock_restrict_self"),
    ("could not confine itself by seccomp", "seccomp"),
])
def test_buntime_net_is_not_confined(bench, says, call):
    """What parses packets does not begin without its own confinement."""
    outcome = bench.run(["--quiet", "--allow-net=github.com", "--timeout=5"],
                        (("buntime-net", call, 1), -E.EPERM), entry=["/usr/bin/sleep", "5"])
    assert outcome.fired and outcome.status == 125, outcome
    assert outcome.stderr.startswith(f"buntime: buntime-net: {says}\n  "), outcome


@pytest.mark.parametrize("abi", range(1, 8))
def test_landlock_of_an_older_kernel(bench, abi):
    """Each version asks for what it knows; namespaces hold what it does not."""
    outcome = bench.run(["--quiet"], (("-", "landlock_create_ruleset", "-"), abi), third=1)
    assert outcome.status == 0 and outcome.stdout == "it ran\n", outcome


LANDLOCKED = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
rights = ctypes.c_uint64(1 << 12)  # to make block devices, which nobody here may
ruleset = libc.syscall(444, ctypes.byref(rights), 8, 0)
assert ruleset >= 0 and libc.syscall(446, ruleset, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_in_a_landlock_sandbox(world, bench):
    """Who is in one that knows files may not mount."""
    result = world.run_command([*PLAIN, "/usr/bin/python3", "-SE", "-c", LANDLOCKED,
                                world.buntime, "run", *bench.entry()], cwd=bench.directory)
    check(result, "root tmpfs (mounts): Operation not permitted", MOUNTS)


def test_no_queued_signals(world, bench):
    result = world.run_command([*PLAIN, world.buntime, "run", *bench.entry()], cwd=bench.directory,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, 0)))
    check(result, "timer: Resource temporarily unavailable", "ulimit -i")


@pytest.mark.parametrize("what", ["user namespaces", "rights in the namespace", "move_mount",
                                  "landlock_restrict_self", "listening"])
def test_doctor_says_the_same(world, bench, what):
    """The run's last line is one of doctor's."""
    rules = TAKEN[what][0]
    result = run(world, bench, rules)
    told = world.run_command([*PLAIN, *refusing(rules), world.buntime, "doctor", "--json"])
    assert told.status == 1, str(told)
    cures = [check.get("cure") for check in json.loads(told.stdout)["checks"]]
    assert result.stderr.splitlines()[1].strip() in cures, (str(result), cures)
