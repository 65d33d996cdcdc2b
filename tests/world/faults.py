# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each system call of a run's set-up made to fail once (fault.c), and what became of the run."""

import collections
import errno
import functools
import itertools
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import addresses
from native import compile_c
from refuse import numbers
from world import PLAIN

SECONDS = 10  # a run takes 0.03
NAMESPACES = ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup")

Point = namedtuple("Point", "role call count arguments")


@functools.cache
def names():
    return {number: name for name, number in numbers().items()}


@dataclass
class Outcome:
    status: int
    stdout: str
    stderr: str
    calls: list = field(default_factory=list)  # [(Point, result)]
    fired: bool = False
    started: bool = False
    late: bool = False
    left: list = field(default_factory=list)  # roles that outlived the run
    behind: list = field(default_factory=list)  # files, sockets, mounts
    weak_before: set = field(default_factory=set)  # what the tier does not hold

    @property
    def ran(self):
        return "it ran\n" in self.stdout

    @property
    def blind(self):
        return "blind: " in self.stdout

    @property
    def weak(self):
        return [line for line in self.stdout.splitlines() if line.startswith("weak: ")]


def abstract_sockets():
    lines = Path("/proc/net/unix").read_text(encoding="utf-8").splitlines()
    return {line.split()[7] for line in lines if len(line.split()) > 7 and line.split()[7][0] == "@"}


class Bench:
    """Where runs are made: a folder with the programs, and the host's things that are out of reach."""

    def __init__(self, world):
        self.world = world
        self.directory = Path(tempfile.mkdtemp())
        os.chmod(self.directory, 0o755)
        source = world.source / "tests/sandbox"
        self.fault = compile_c(source / "fault.c", self.directory / "fault", "-O1")
        self.probe = compile_c(source / "enforced.c", self.directory / "enforced", "-O1", "-static")
        self.secret = self.directory / "secret"
        self.secret.write_text("secret")
        for name in ("folder", "granted", "readable"):
            (self.directory / name).mkdir()
        self.abstract = f"buntime-faults-{os.getpid()}"
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind("\0" + self.abstract)
        self.unix.listen()
        self.tcp = socket.create_server(("0.0.0.0", 0))

    def close(self):
        self.unix.close()
        self.tcp.close()
        shutil.rmtree(self.directory)

    def entry(self, *secrets):
        namespaces = [f"{kind}={os.readlink(f'/proc/self/ns/{kind}')}" for kind in NAMESPACES]
        return [self.probe, ":".join(map(str, secrets or [self.secret])), self.directory / "folder", self.tcp.getsockname()[1],
                addresses.HOST, self.abstract, *namespaces]

    def state(self):
        """What a run may not add to."""
        entries = [path for path in (self.directory, self.directory / "folder", Path("/tmp"), Path("/dev/shm"))
                   for path in path.iterdir()]
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
        return {*map(str, entries), *mounts, *abstract_sockets()}

    def run(self, flags, fault=None, third="-", entry=None):
        """
        fault: (Point or (role, call's name, count), what it returns); of calls whose third argument
        is so.
        """
        place = Path(tempfile.mkdtemp(dir=self.directory))
        for name in ("tmp", "runtime", "home"):
            (place / name).mkdir(mode=0o700)
        env = self.world.environment({"TMPDIR": str(place / "tmp"), "HOME": str(place / "home"),
                                      "XDG_RUNTIME_DIR": str(place / "runtime")})
        words = []
        if fault is not None:
            (role, call, count, *_), result = fault
            words = [role, numbers()[call], count, third, result]
        command = [*PLAIN, self.fault, place / "report", SECONDS, *words, "--", self.world.buntime, *flags,
                   "run", *(entry or self.entry())]
        done = subprocess.run(list(map(str, command)), cwd=self.directory, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        outcome = Outcome(done.returncode, done.stdout.decode(errors="replace"),
                          done.stderr.decode(errors="replace"))
        self.read_report(place / "report", outcome)
        for name in ("tmp", "runtime", "home"):
            outcome.behind += [str(path.relative_to(place)) for path in (place / name).rglob("*")]
        outcome.behind += [str(path) for path in (self.directory / "folder").iterdir()]
        shutil.rmtree(place)
        return outcome

    def read_report(self, path, outcome):
        for line in path.read_text(encoding="utf-8").splitlines():
            word, *rest = line.split()
            if word == "call":
                role, call, count, result, *arguments = rest
                point = Point(role, names().get(int(call), call), int(count),
                              tuple(int(argument, 16) for argument in arguments))
                outcome.calls.append((point, int(result)))
            elif word == "left":
                outcome.left.append(rest[0])
            else:
                setattr(outcome, word, True)


# ---- points ----

# Nothing that they are given here makes them fail, or whatever comes back is taken: not tried.
NEVER_FAIL = set("""
    exit exit_group rt_sigreturn brk getpid gettid getuid geteuid getgid getegid getppid umask uname
    sysinfo set_tid_address set_robust_list rseq rt_sigaction rt_sigprocmask rt_sigpending sched_yield
    arch_prctl
""".split())
# What a dynamic program is loaded by, for which the C library speaks: a few of each are enough.
LOADING = set("mmap mprotect munmap openat read pread64 newfstatat access statfs close".split())
DYNAMIC = {"buntime-json", "buntime-net", "buntime-resolver"}
FUTEX_WAIT = 0
WHICH = {"fcntl": 1, "ioctl": 1, "prctl": 0, "unshare": 0, "seccomp": 0, "futex": 1}  # argument

PLAUSIBLE = {
    errno.EMFILE: "open openat openat2 dup dup2 dup3 socket socketpair pipe2 eventfd2 signalfd4 "
                  "timerfd_create inotify_init1 epoll_create1 pidfd_open pidfd_getfd memfd_create "
                  "open_tree fsopen fsmount",
    errno.ENOMEM: "mmap mprotect munmap mremap madvise poll ppoll epoll_ctl epoll_wait inotify_add_watch "
                  "landlock_create_ruleset landlock_add_rule seccomp execve recvmsg unshare",
    errno.EIO: "read pread64 readv write writev fstat newfstatat stat lstat statx readlink readlinkat "
               "access faccessat faccessat2 getdents64 close lseek statfs fstatfs chdir fchdir "
               "process_vm_readv",
    errno.EAGAIN: "clone clone3 vfork fork futex",
    errno.ENOBUFS: "sendmsg sendto send recvfrom setsockopt getsockopt",
}
# What a program is most tempted to take for something harmless. That nothing is at a path has to be
# believed: a denial of it is then announced as unguarded. So the supervisor's look-ups are left out.
TEMPTING = {
    errno.ENOENT: "open openat openat2 newfstatat stat lstat readlink access execve chdir inotify_add_watch",
    errno.EINVAL: "prctl fcntl ioctl setsockopt fsconfig fsmount mount_setattr move_mount seccomp prlimit64 "
                  "signalfd4 landlock_create_ruleset landlock_restrict_self setns unshare umount2 capset",
    errno.EEXIST: "mkdirat mknodat symlinkat",
    errno.EBADFD: "landlock_add_rule",
    errno.EINTR: "read write recvmsg recvfrom sendmsg sendto poll wait4 futex",
    errno.ENOSYS: "close_range memfd_create pidfd_getfd open_tree fsopen pivot_root eventfd2 epoll_create1 "
                  "clone timer_create",
}


def choose(errors):
    by_call = {call: error for error, calls in errors.items() for call in calls.split()}
    return lambda point: by_call.get(point.call)


def error_of(point, kind):
    """kind: "plausible" or "tempting"; None: it is not to be tried."""
    if kind == "plausible":
        return choose_plausible(point) or errno.EPERM
    error = choose_tempting(point)
    return None if point.role == "buntime" and error == errno.ENOENT else error


choose_plausible = choose(PLAUSIBLE)
choose_tempting = choose(TEMPTING)


def which(point):
    """What a call is for that is many."""
    argument = WHICH.get(point.call)
    return None if argument is None else point.arguments[argument]


def is_tried(point):
    if point.call in NEVER_FAIL or (point.call == "futex" and which(point) & 0x7f != FUTEX_WAIT):
        return False
    # GLib ends the program where memory is wanting, and its loop waits again where poll() fails.
    if point.role == "buntime" and point.call in ("mmap", "mprotect", "poll"):
        return False
    return not (point.role in DYNAMIC and point.call in LOADING and point.count > 2)


# ---- what may become of a run ----

F_SETFD, F_GETFD, F_GETFL = 2, 1, 3
TCGETS, SET_FLAGS = 0x5401, 0x40082104
GET_NOTIF_SIZES = 3
ALL = None
PR_SET_NAME = 15
GUARD = "buntime-init/guard"
OPENER = "buntime-init/child/child"

# Whose failure a run outlives, with everything enforced: (role, calls, what for, with which errors)
# and why. All others end it.
SPARED = [
    ("*", "close", ALL, ALL, "it closes in any case"),
    ("buntime", "futex recvfrom recvmsg sendto wait4 read write", ALL, [errno.EINTR], "it is called again"),
    ("buntime", "write read recvmsg futex", ALL, ALL, "wakes the main loop, which looks again"),
    ("buntime", "access newfstatat readlink openat openat2 fstatfs getcwd", ALL, ALL,
     "what cannot be looked at is not shown, or not taken for the worker's own"),
    ("buntime", "fcntl", F_GETFD, ALL, "a descriptor is taken for a closed one"),
    ("buntime", "fcntl", F_GETFL, ALL, "a published port's socket may block for a moment"),
    ("buntime", "ioctl", TCGETS, ALL, "no terminal is there to be restored"),
    ("buntime", "ioctl", SET_FLAGS, ALL, "answers are slower"),
    ("buntime", "seccomp", GET_NOTIF_SIZES, ALL, "the sizes are those of the headers"),
    ("buntime", "socket setsockopt connect getsockname", ALL, ALL, "this machine has no IPv6, then"),
    ("buntime", "eventfd2", ALL, ALL, "GLib takes a pipe"),
    ("buntime", "getrandom", ALL, ALL, "GLib's hashes take the time"),
    ("buntime", "prlimit64", ALL, ALL, "the limit is as it was"),
    ("buntime", "inotify_init1 inotify_add_watch", ALL, ALL, "announced: a denied path is not watched"),
    ("buntime", "timer_settime", ALL, ALL, "wakes who was stopped; the main loop has its own clock"),
    ("buntime", "munmap", ALL, ALL, "memory is kept"),
    ("buntime-init", "fcntl", F_SETFD, ALL, "musl says a second time what open() was told"),
    ("buntime-init/thread", "fcntl", F_SETFD, ALL, "the same"),
    ("buntime-init", "mkdirat mknodat", ALL, [errno.EEXIST], "it is looked whether it is what is needed"),
    ("buntime-init", "openat2", ALL, [errno.ENOENT], "the folders are made first"),
    ("buntime-init", "openat", ALL, [errno.ENOENT], "a kernel without inotify has no limits of it"),
    ("buntime-init", "open", ALL, ALL, "no /dev/net/tun: a veth pair is made"),
    ("buntime-init", "prctl", 24, [errno.EINVAL], "the last one says that there are no more capabilities"),
    ("buntime-init", "poll recvfrom wait4", ALL, [errno.EINTR], "it is called again"),
    ("buntime-init", "wait4", ALL, ALL, "nothing had ended yet, or it is looked again"),
    ("buntime-init/child", "landlock_add_rule", ALL, [errno.EBADFD], "a pipe: less may be opened anew"),
    ("buntime-init/child", "fcntl", F_SETFD, ALL, "as of init's"),
    ("buntime-init", "kill", ALL, [errno.EPERM], "it asks whether signals are kept inside, and they are"),
    (GUARD, "prctl", PR_SET_NAME, ALL, "it keeps its parent's name"),
    (GUARD, "read", ALL, [errno.EINTR], "it is called again"),
    (OPENER, "recvmsg", ALL, ALL, "without the opener no file is opened"),
    ("buntime-json", "access mmap munmap newfstatat openat statfs getrandom prlimit64", ALL, ALL,
     "the C library does without"),
    ("buntime-net", "access mmap munmap newfstatat openat statfs getrandom prlimit64 write eventfd2", ALL, ALL,
     "the C library and GLib do without"),
    ("buntime-net", "epoll_create1", ALL, [errno.ENOSYS], "there is epoll_create()"),
    ("buntime-net", "recvmsg", ALL, [errno.EINTR], "it is called again"),
]

# Where another status than 125 is right, or the message says it in words of its own.
WORDED = [
    ("buntime", "access newfstatat readlink", "a part of buntime, or the program, is not found, not fit or not safe"),
    ("buntime", "recvfrom sendto shutdown wait4", "a helper's socket: it is told as the helper's end"),
    ("buntime", "process_vm_readv", "memory that cannot be read is told as one of a wrong address"),
    ("buntime-init", "fcntl", "the plan: not sealed"),
    ("buntime-init", "clone", "musl's pthread_create() has its own errno"),
    ("buntime-init", "mkdirat mknodat symlinkat openat2", "it is told what is wrong with what is there"),
    ("buntime-init", "poll", "init ends, and the program with it"),
    ("buntime-json", ALL, "the C library speaks to nobody"),
    ("buntime-net", ALL, "told as what it could not do, or as its end"),
]
SHAPE = re.compile(r"buntime: [^\n]+: [^\n]+\n(  [^\n]+\n)?")


def is_spared(point, error):
    return any(role in ("*", point.role) and point.call in calls.split() and number in (ALL, which(point))
               and (errors is ALL or error in errors) for role, calls, number, errors, _ in SPARED)


def is_worded(point):
    return any(role == point.role and (calls is ALL or point.call in calls.split())
               for role, calls, _ in WORDED)


def judge(point, error, outcome):
    """What is wrong with the outcome of a run in which a call failed; None: nothing."""
    if outcome.late or outcome.left or outcome.behind:
        return "it hung" if outcome.late else f"left behind: {outcome.left} {outcome.behind}"
    if set(outcome.weak) - outcome.weak_before:
        return f"weaker: {outcome.weak}"
    if outcome.status == 0:
        return None if is_spared(point, error) else "it went on"
    # Its end ends a run, too, but when it is found.
    if outcome.ran and point.role != "buntime-net":
        return "it ran, and yet failed"
    if outcome.status == 137 and point.role == "buntime-init" and point.call == "poll":
        return None
    if outcome.status not in ((125, 126, 127, 2) if point.role == "buntime" else (125,)):
        return f"status {outcome.status}"
    if SHAPE.fullmatch(outcome.stderr) is None:
        return "the message has not the shape of one"
    if os.strerror(error) not in outcome.stderr and not is_worded(point):
        return "the message does not say why"
    return None


# ---- sweeps ----

WARN = """{{ "version": 1, "fs": {{ "rules": [
  {{ "action": "warn", "path": "{folder}", "perms": ["read_file", "read_dir"] }} ] }} }}"""


class Sweep:
    """One kind of run, and what becomes of it where a call fails. place: of the runs at one time."""

    def __init__(self, bench, name):
        self.bench = bench
        self.name = name
        self.weak = set()  # where nothing fails
        folder = bench.directory / "readable"
        self.policy = bench.directory / "policy.json"
        self.policy.write_text(WARN.format(folder=folder))
        (folder / "denied").mkdir(exist_ok=True)
        self.secrets = [folder / "denied/secret", folder / "secret.key"]
        for secret in self.secrets:
            secret.write_text("secret")

    def flags(self, place):
        folder = self.bench.directory / "readable"
        return ["--quiet", *{
            "plain": [],
            "tier": ["--tier=landlock"],
            "veth": ["--allow-net=github.com", "--net=veth"],
            "full": ["--allow-net=github.com", f"--allow-read={folder}", f"--deny-read={folder}/denied",
                     f"--deny-read={folder}/*.key", f"--allow-write={self.bench.directory}/granted",
                     f"--publish={4711 + place}:4711", "--memory=64M", "--timeout=20",
                     f"--policy={self.policy}"],
        }[self.name]]

    def entry(self, point=None, error=None):
        # The end of what only watches is heard of while the program runs: one that must not go on lasts so long
        # that it is, however busy the machine.
        if point is not None and point.role in ("buntime-net", GUARD):
            return ["/usr/bin/sleep", "0.3" if is_spared(point, error) else SECONDS - 2]
        return self.bench.entry() if self.name in ("plain", "tier") else self.bench.entry(*self.secrets)

    def points(self):
        """Those of a run in which nothing fails."""
        outcome = self.bench.run(self.flags(9), entry=self.entry())
        assert outcome.status == 0 and outcome.ran and outcome.stderr == "", outcome
        assert self.name == "tier" or (outcome.weak == [] and not outcome.blind), outcome
        self.weak = set(outcome.weak)
        assert outcome.started and not outcome.left and not outcome.behind, outcome
        return [point for point, _ in outcome.calls if is_tried(point)]

    def try_one(self, point, error, place):
        outcome = self.bench.run(self.flags(place), (point, -error), entry=self.entry(point, error))
        outcome.weak_before = self.weak
        wrong = judge(point, error, outcome) if outcome.fired else None
        return outcome, wrong and f"{point} {errno.errorcode[error]}: {wrong}\n{outcome.stdout}{outcome.stderr}"

    def run(self, tasks, at_once=2):
        """tasks: [(Point, errno)]. How many came to each end, and what is wrong."""
        places = itertools.count()
        own = threading.local()

        def one(task):
            if not hasattr(own, "place"):
                own.place = next(places)
            return self.try_one(*task, own.place)

        counts, wrongs = collections.Counter(), []
        with ThreadPoolExecutor(at_once) as pool:
            for outcome, wrong in pool.map(one, tasks):
                end = "not reached" if not outcome.fired else "spared" if outcome.status == 0 else "refused"
                counts[end] += 1
                wrongs += [wrong] if wrong else []
        return counts, wrongs
