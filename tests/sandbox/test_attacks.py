# SPDX-License-Identifier: LGPL-2.1-or-later
"""A worker attacks what holds it: pid 1, the host's sockets, the filters, the mounts."""

import os
import platform
import socket
import threading

import pytest

from tier import TIER, UNSEEN

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="system call numbers")

SYSCALL = '''
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    def sys_call(number, *args):
        """errno's name, or the result"""
        args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
        ctypes.set_errno(0)
        value = libc.syscall(ctypes.c_long(number), *args)
        return errno.errorcode.get(ctypes.get_errno(), "?") if value == -1 else value
'''


def test_pid_1(box):
    out, _ = box.json(code=SYSCALL + """
    import signal
    for name in ("mem", "environ", "maps", "auxv", "syscall", "stack", "pagemap"):
        out[name] = attempt(lambda: open(f"/proc/1/{name}", "rb").read(64).hex())
    out["mem-write"] = attempt(open, "/proc/1/mem", "r+b")
    out["fd"] = attempt(os.listdir, "/proc/1/fd")
    out["fd3"] = attempt(open, "/proc/1/fd/3")
    out["fd4"] = attempt(os.readlink, "/proc/1/fd/4")
    out["root"] = attempt(os.listdir, "/proc/1/root")
    out["cwd"] = attempt(os.listdir, "/proc/1/cwd")
    out["exe"] = attempt(open, "/proc/1/exe", "rb")
    out["map_files"] = attempt(os.listdir, "/proc/1/map_files")
    out["ns"] = attempt(os.readlink, "/proc/1/ns/user")
    out["task-mem"] = attempt(open, "/proc/1/task/1/mem", "rb")
    out["ptrace-attach"] = sys_call(101, 16, 1, 0, 0)
    out["ptrace-seize"] = sys_call(101, 0x4206, 1, 0, 0)
    out["pidfd"] = sys_call(434, 1, 0)
    pidfd = out["pidfd"] if isinstance(out["pidfd"], int) else 0
    out["getfd"] = [sys_call(438, pidfd, n, 0) for n in range(12)]
    buffer = ctypes.create_string_buffer(64)
    iov = (ctypes.c_long * 2)(ctypes.addressof(buffer), 64)
    out["vm-read"] = sys_call(310, 1, iov, 1, iov, 1, 0)
    out["vm-write"] = sys_call(311, 1, iov, 1, iov, 1, 0)
    out["kcmp"] = sys_call(312, 1, os.getpid(), 0, 0, 0)
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGSEGV, signal.SIGCHLD,
                   signal.SIGINT):
        attempt(os.kill, 1, number)
    out["prlimit"] = sys_call(302, 1, 7, (ctypes.c_ulong * 2)(0, 0), 0)
    out["sched"] = [attempt(os.sched_setaffinity, 1, {0}),
                    attempt(os.sched_setscheduler, 1, os.SCHED_IDLE, os.sched_param(0))]
    out["own"] = attempt(os.sched_setscheduler, 0, os.SCHED_BATCH, os.sched_param(0))
    time.sleep(0.05)
    out["alive"] = attempt(open, "/proc/1/comm")
    """)
    for name in ("mem", "environ", "maps", "auxv", "stack", "pagemap", "mem-write", "fd",
                 "fd3", "fd4", "root", "cwd", "exe", "map_files", "task-mem"):
        assert out[name] in ("EACCES", "EPERM", "ENOENT", ""), (name, out[name])
    for name in ("ptrace-attach", "ptrace-seize", "vm-read", "vm-write", "kcmp"):
        assert out[name] in ("EPERM", "ENOSYS"), (name, out[name])
    assert {value for value in out["getfd"]} <= {"EPERM", "ENOSYS"}, out["getfd"]
    assert out["prlimit"] in ("EPERM", "ENOSYS")
    assert out["sched"] == ["EPERM", "EPERM"] and out["own"] == "ok", out
    assert out["alive"] == "ok"


def test_children_are_not_debugged_either(box):
    out, _ = box.json(code=SYSCALL + """
    child = os.fork()
    if child == 0:
        time.sleep(5)
        os._exit(0)
    out["ptrace"] = sys_call(101, 16, child, 0, 0)
    out["traceme"] = sys_call(101, 0, 0, 0, 0)
    os.kill(child, 9)
    os.waitpid(child, 0)
    """)
    assert out["ptrace"] == "EPERM" and out["traceme"] == "EPERM"


def test_nested_namespaces(box):
    out, _ = box.json(code=SYSCALL + """
    import signal
    for name, flag in (("user", 0x10000000), ("mnt", 0x00020000), ("pid", 0x20000000),
                       ("net", 0x40000000), ("ipc", 0x08000000), ("uts", 0x04000000),
                       ("cgroup", 0x02000000), ("time", 0x00000080)):
        out["unshare-" + name] = sys_call(272, flag)
        if name == "time":
            continue  # clone() takes this bit for a part of the exit signal
        value = sys_call(56, flag | signal.SIGCHLD, 0, 0, 0, 0)
        if value == 0:
            os._exit(0)
        out["clone-" + name] = value
        out["clone-user-" + name] = sys_call(56, flag | 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)
        if out["clone-user-" + name] == 0:
            os._exit(0)
    args = (ctypes.c_ulong * 11)(0x10000000, 0, 0, 0, signal.SIGCHLD)
    out["clone3"] = sys_call(435, args, 88)
    out["setns"] = sys_call(308, 0, 0)
    out["sysctl"] = attempt(lambda: open("/proc/sys/user/max_user_namespaces").read().strip())
    """)
    assert out.pop("clone3") == "ENOSYS"
    assert out.pop("setns") in ("EPERM", "ENOSYS")
    assert out.pop("sysctl") == ("0" if TIER is None else "EACCES")
    for name, value in out.items():
        assert value in ("EPERM", "ENOSPC", "EINVAL"), (name, value)


@pytest.mark.parametrize("name,number,args", [
    ("mount", 165, (0, 0, 0, 0, 0)), ("umount2", 166, (0, 0)), ("pivot_root", 155, (0, 0)),
    ("chroot", 161, (b"/tmp",)), ("open_tree", 428, (-100, b"/", 0)), ("move_mount", 429, (0, 0, 0, 0, 0)),
    ("fsopen", 430, (b"tmpfs", 0)), ("mount_setattr", 442, (-100, b"/", 0, 0, 0)),
    ("bpf", 321, (0, 0, 0)), ("perf_event_open", 298, (0, 0, 0, 0, 0)),
    ("userfaultfd", 323, (0,)), ("keyctl", 250, (0, 0, 0, 0, 0)), ("add_key", 248, (0, 0, 0, 0, 0)),
    ("request_key", 249, (0, 0, 0, 0)), ("io_uring_setup", 425, (1, 0)),
    ("io_uring_enter", 426, (0, 0, 0, 0)), ("kexec_load", 246, (0, 0, 0, 0)),
    ("init_module", 175, (0, 0, 0)), ("finit_module", 313, (0, 0, 0)), ("reboot", 169, (0, 0, 0, 0)),
    ("swapon", 167, (0, 0)), ("acct", 163, (0,)), ("syslog", 103, (3, 0, 0)),
    ("quotactl", 179, (0, 0, 0, 0)), ("nfsservctl", 180, (0, 0, 0)),
    ("name_to_handle_at", 303, (-100, b"/", 0, 0, 0)), ("open_by_handle_at", 304, (-100, 0, 0)),
    ("settimeofday", 164, (0, 0)), ("clock_settime", 227, (0, 0)), ("adjtimex", 159, (0,)),
    ("iopl", 172, (3,)), ("ioperm", 173, (0, 1, 1)), ("modify_ldt", 154, (0, 0, 0)),
    ("personality", 135, (0x0400000,)), ("vhangup", 153, ()),
    ("memfd_create", 319, (b"x", 0)), ("memfd_secret", 447, (0,)), ("pidfd_getfd", 438, (0, 0, 0)),
    ("openat2", 437, (-100, b"/", 0, 24)), ("fanotify_init", 300, (0, 0)),
    ("lookup_dcookie", 212, (0, 0, 0)), ("move_pages", 279, (1, 0, 0, 0, 0, 0)),
    ("landlock_x", 999, ()), ("sethostname", 170, (b"x", 1)),
])
def test_system_calls_that_nobody_needs(box, name, number, args):
    out, _ = box.json(code=SYSCALL + f"""
    out["value"] = sys_call({number}, *{args!r})
    """)
    assert out["value"] in ("EPERM", "ENOSYS", "EACCES"), (name, out)


def test_no_listener_of_its_own(box):
    """A worker that could answer notified calls itself would answer its own connects."""
    out, _ = box.json(code=SYSCALL + """
    import struct
    filters = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7fff0000))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 1, ctypes.addressof(filters)))
    out["listener"] = sys_call(317, 1, 8, program)
    """)
    assert out["listener"] in ("EBUSY", "EPERM", "ENOSYS", "EACCES"), out


def test_foreign_architectures_are_killed(box):
    """x32 numbers reach the same kernel functions past a careless filter."""
    result = box.run(code=SYSCALL.replace("\n    ", "\n") + """
import errno
print("before", flush=True)
print(sys_call(0x40000000 + 39), flush=True)
""")
    assert result.stdout.startswith("before\n"), str(result)
    assert result.status == 128 + 31 or "ENOSYS" in result.stdout, str(result)


@pytest.mark.parametrize("family,kind,proto", [
    ("AF_INET", "SOCK_RAW", 1), ("AF_INET", "SOCK_RAW", 255), ("AF_PACKET", "SOCK_RAW", 0x0300),
    ("AF_PACKET", "SOCK_DGRAM", 0x0300), ("AF_INET6", "SOCK_RAW", 58), ("AF_VSOCK", "SOCK_STREAM", 0),
    ("AF_UNIX", "SOCK_DGRAM", 0), ("AF_ALG", "SOCK_SEQPACKET", 0), ("AF_BLUETOOTH", "SOCK_RAW", 1),
    ("AF_NETLINK", "SOCK_RAW", 2), ("AF_NETLINK", "SOCK_RAW", 12), ("AF_NETLINK", "SOCK_RAW", 16),
    ("AF_CAN", "SOCK_RAW", 1), ("AF_TIPC", "SOCK_STREAM", 0), ("AF_KEY", "SOCK_RAW", 2),
])
def test_socket_families(box, family, kind, proto):
    numbers = {"AF_KEY": 15}
    number = numbers.get(family, getattr(socket, family, None))
    out, _ = box.json("--allow-net", code=f"""
    out["socket"] = attempt(socket.socket, {int(number)}, socket.{kind}, {proto})
    """)
    assert out["socket"] in ("EPERM", "EACCES", "EAFNOSUPPORT", "EPROTONOSUPPORT",
                             "ESOCKTNOSUPPORT"), out


def test_datagram_pairs_are_refused(box):
    """One end of a datagram pair could send to any path."""
    out, _ = box.json(code="""
        out["dgram"] = attempt(socket.socketpair, socket.AF_UNIX, socket.SOCK_DGRAM)
        out["stream"] = attempt(socket.socketpair, socket.AF_UNIX, socket.SOCK_STREAM)
        out["seqpacket"] = attempt(socket.socketpair, socket.AF_UNIX, socket.SOCK_SEQPACKET)
    """)
    assert out["dgram"] in ("EPERM", "EACCES", "EAFNOSUPPORT", "EOPNOTSUPP", "ESOCKTNOSUPPORT",
                            "EPROTONOSUPPORT")
    assert out["stream"] == "ok" and out["seqpacket"] == "ok"


class Service:
    """A host's daemons: a stream and a datagram socket by path, and an abstract one."""

    def __init__(self, directory):
        directory.mkdir()
        self.heard, self.closed = [], False
        self.path, self.datagram = str(directory / "bus"), str(directory / "log")
        self.abstract = "\0buntime-test-bus"
        self.sockets, self.threads = [], []
        for kind, name in ((socket.SOCK_STREAM, self.path), (socket.SOCK_STREAM, self.abstract),
                           (socket.SOCK_DGRAM, self.datagram),
                           (socket.SOCK_SEQPACKET, self.path + ".seq")):
            sock = socket.socket(socket.AF_UNIX, kind)
            sock.bind(name)
            if kind != socket.SOCK_DGRAM:
                sock.listen(8)
            self.sockets.append(sock)
            self.threads.append(threading.Thread(target=self.serve, args=(sock, kind), daemon=True))
            self.threads[-1].start()

    def serve(self, sock, kind):
        try:
            while kind == socket.SOCK_DGRAM:
                data = sock.recv(100)
                if self.closed:
                    return
                self.heard.append(data)
            while True:
                connection, _ = sock.accept()
                self.heard.append("connected")
                connection.close()
        except OSError:
            pass

    def close(self):
        self.closed = True
        for sock, thread in zip(self.sockets, self.threads):
            sock.shutdown(socket.SHUT_RDWR)
            # While it still accepts, the name is not free for the next test.
            thread.join(20)
            assert not thread.is_alive()
            sock.close()


@pytest.fixture
def service(box):
    one = Service(box.directory / "service")
    yield one
    one.close()


def test_host_sockets(box, room, service):
    out, result = box.json("--allow-read=service", "--allow-net=github.com", *room.flags, code=room.code("""
        path, datagram = sys.argv[1:]
        def stream(name, kind=socket.SOCK_STREAM):
            with socket.socket(socket.AF_UNIX, kind) as sock:
                sock.connect(name)
        out["stream"] = attempt(stream, path)
        out["seqpacket"] = attempt(stream, path + ".seq", socket.SOCK_SEQPACKET)
        out["abstract"] = attempt(stream, "\\0buntime-test-bus")
        out["proc"] = attempt(stream, "/proc/self/root" + path)
        out["fd"] = attempt(stream, f"/proc/self/fd/{os.open(os.path.dirname(path), os.O_PATH)}/bus")
        os.symlink(path, "/tmp/link")
        out["link"] = attempt(stream, "/tmp/link")
        os.chdir(os.path.dirname(path))
        out["relative"] = attempt(stream, "bus")
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        out["sendto"] = attempt(a.sendto, b"x", datagram)
        out["sendmsg"] = attempt(a.sendmsg, [b"x"], [], 0, datagram)
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        out["seq-sendto"] = attempt(a.sendto, b"x", datagram)
        nonblocking = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        nonblocking.setblocking(False)
        out["nonblocking"] = attempt(nonblocking.connect, path)
    """), args=[service.path, service.datagram])
    for name in ("stream", "seqpacket", "proc", "fd", "link", "relative", "nonblocking"):
        assert out[name] in ("EACCES", "ENOENT", "EPERM"), (name, out)
    assert out["abstract"] in ("EACCES", "ECONNREFUSED", "EPERM"), out
    for name in ("sendto", "sendmsg", "seq-sendto"):
        assert out[name] in ("EACCES", "EPERM", "EISCONN", "ENOTCONN", 1, "ENOENT", "EOPNOTSUPP"), out
    assert service.heard == [], str(result)


def test_passing_descriptors_wins_nothing(box, service):
    """SCM_RIGHTS between two processes of the sandbox: a passed socket is still judged."""
    out, _ = box.json("--allow-read=service", code="""
        a, b = socket.socketpair()
        child = os.fork()
        if child == 0:
            unconnected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            socket.send_fds(a, [b"x"], [unconnected.fileno()])
            os._exit(0)
        _, fds, _, _ = socket.recv_fds(b, 10, 4)
        os.waitpid(child, 0)
        sock = socket.socket(fileno=fds[0])
        out["connect"] = attempt(sock.connect, sys.argv[1])
    """, args=[service.path])
    assert out["connect"] in ("EACCES", "EPERM") and service.heard == []


def test_racing_the_address_of_a_connect(box, service):
    """Another thread swaps the path while the supervisor looks: what was checked is what is used."""
    out, _ = box.json("--allow-read=service", code=SYSCALL + """
    import threading
    good = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    good.bind("/tmp/good")
    good.listen(1000)
    bad = sys.argv[1].encode()
    address = ctypes.create_string_buffer(110)
    length = 2 + len(bad) + 1
    def fill(path):
        ctypes.memmove(address, b"\\x01\\x00" + path + b"\\0" * (108 - len(path)), 110)
    stop = False
    def flip():
        while not stop:
            fill(b"/tmp/good")
            fill(bad)
    thread = threading.Thread(target=flip)
    thread.start()
    codes = {}
    for _ in range(300):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            value = str(sys_call(42, sock.fileno(), address, 110))
            codes[value] = codes.get(value, 0) + 1
    stop = True
    thread.join()
    out["codes"] = codes
    """, args=[service.path], timeout=60)
    assert service.heard == []
    assert sum(out["codes"].values()) == 300


def test_programs_from_memory(box, room):
    out, _ = box.json(*room.flags, code=SYSCALL + room.code("""
    out["memfd"] = sys_call(319, b"x", 0)
    out["memfd-exec"] = sys_call(319, b"x", 0x10)
    fd = os.open("/tmp/prog", os.O_RDWR | os.O_CREAT, 0o755)
    os.write(fd, open("/usr/bin/env", "rb").read() if os.access("/usr/bin/env", os.R_OK) else b"")
    read_only = os.open("/tmp/prog", os.O_RDONLY)
    os.close(fd)
    out["execveat"] = sys_call(322, read_only, b"", (ctypes.c_char_p * 2)(b"x", None), 0, 0x1000)
    out["proc-fd"] = attempt(os.execv, f"/proc/self/fd/{read_only}", ["x"])
    hidden = os.open("/tmp", os.O_RDWR | os.O_TMPFILE, 0o700)
    os.write(hidden, b"#!/usr/bin/python3\\n")
    out["tmpfile"] = attempt(os.execv, f"/proc/self/fd/{hidden}", ["x"])
    """))
    assert out["memfd"] in ("EPERM", "EACCES", "ENOSYS")
    assert out["memfd-exec"] in ("EPERM", "EACCES", "ENOSYS")
    for name in ("execveat", "proc-fd", "tmpfile"):
        assert out[name] in ("EACCES", "EPERM", "ENOSYS", "ETXTBSY"), (name, out)


def test_the_loader_runs_nothing_that_was_not_granted(box):
    out, result = box.json(code="""
        import glob
        loader = os.path.realpath("/lib64/ld-linux-x86-64.so.2")
        for program in ("/usr/bin/curl", "/usr/bin/env", "/bin/ls"):
            done = attempt(lambda: subprocess.run([loader, program, "--version"], text=True,
                                                  capture_output=True, timeout=10).stdout)
            out[program] = done
        import shutil
        for path in ("/tmp/ls", "/dev/shm/ls"):
            attempt(shutil.copy, "/usr/bin/ls", path)
            out[path] = attempt(lambda: subprocess.run([loader, path, "--version"], text=True,
                                                       capture_output=True, timeout=10).stdout)
    """)
    for program, text in out.items():
        assert text in ("", "EACCES", "EPERM", "ENOENT"), (program, text, str(result))


def test_writable_and_executable_mappings_of_files(box):
    """A file the worker wrote is never mapped as code."""
    out, _ = box.json("--allow-write=.", "--allow-read=.", code="""
        import mmap
        for path in ("/tmp/code", "/dev/shm/code", "code"):
            with open(path, "w+b") as file:
                file.write(bytes(4096))
                file.flush()
                for name, prot in (("x", mmap.PROT_READ | mmap.PROT_EXEC),
                                   ("wx", mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)):
                    out[path + name] = attempt(mmap.mmap, file.fileno(), 4096, mmap.MAP_SHARED, prot)
                    out[path + name + "p"] = attempt(mmap.mmap, file.fileno(), 4096,
                                                     mmap.MAP_PRIVATE, prot)
        import ctypes
        import shutil
        import glob
        library = glob.glob("/usr/lib/*/libz.so.1")[0]
        shutil.copy(library, "/tmp/libz.so")
        out["dlopen"] = attempt(ctypes.CDLL, "/tmp/libz.so")
    """)
    assert {value for value in out.values()} <= {"EPERM", "EACCES", "OSError", "failed to map"} or \
        all(value != "ok" for value in out.values()), out


def test_set_user_id_programs_gain_nothing(box):
    out, _ = box.json("--allow-run", code="""
        for program in ("su", "passwd", "mount", "newuidmap", "sudo"):
            import shutil
            path = shutil.which(program)
            if path:
                done = subprocess.run([path, "--help"], capture_output=True, timeout=10)
                out[program] = done.returncode
        done = subprocess.run(["/usr/bin/python3", "-c",
                               "import os; print(os.getresuid())"], capture_output=True, text=True)
        out["ids"] = done.stdout.strip()
    """)
    assert out["ids"] == str((os.getuid(),) * 3)


def test_other_processes_of_the_host_are_out_of_reach(box):
    out, _ = box.json(code=f"""
        import signal
        out["kill"] = attempt(os.kill, {os.getpid()} + 100000, 0)
        out["all"] = attempt(os.kill, -1, 0)
        out["proc"] = attempt(os.listdir, "/proc/{os.getpid()}") if {os.getpid()} > 50 else "ENOENT"
        out["nice"] = attempt(os.setpriority, os.PRIO_USER, os.getuid(), 0)
    """)
    assert out["kill"] == "ESRCH" and out["proc"] in ("ENOENT", UNSEEN)


def test_system_v_ipc_is_its_own(box):
    out, _ = box.json(code="""
        for name in ("shm", "msg", "sem"):
            out[name] = attempt(lambda: open("/proc/sysvipc/" + name).read().count("\\n"))
        out["mqueue"] = attempt(os.listdir, "/dev/mqueue")
    """)
    for name in ("shm", "msg", "sem"):
        assert out[name] in (1, "ENOENT", "EACCES"), out


def test_hard_links_bring_nothing_closer(box):
    box.write("data/secret", "s")
    out, _ = box.json("--allow-write=.", "--deny-read=data/secret", "--allow-read=.", code="""
        out["link"] = attempt(os.link, "data/secret", "mine")
        out["rename"] = attempt(os.rename, "data/secret", "mine")
        out["read"] = attempt(lambda: open("data/secret").read())
        out["mine"] = attempt(lambda: open("mine").read())
    """)
    assert out["link"] != "ok" and out["rename"] != "ok", out
    assert out["read"] in ("EACCES", "EPERM", "ENOENT") and out["mine"] == UNSEEN


def test_limits_hold(box):
    out, _ = box.json(code="""
        import resource
        out["core"] = list(resource.getrlimit(resource.RLIMIT_CORE))
        out["nproc"] = list(resource.getrlimit(resource.RLIMIT_NPROC))
        out["raise"] = attempt(resource.setrlimit, resource.RLIMIT_CORE, (1 << 30, 1 << 30))
    """)
    assert out["core"][1] <= 1 and out["raise"] in ("EPERM", "ValueError"), out


def test_core_pattern_of_the_host_is_not_reached(box):
    result = box.run(code="import os\nos.abort()\n")
    assert result.status == 134
    assert sorted(os.listdir(box.directory)) == ["w.py"]
