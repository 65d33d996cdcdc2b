# SPDX-License-Identifier: LGPL-2.1-or-later
"""plugins.namespaces off: Landlock and seccomp alone, among the user's other processes."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from native import compiled
from test_stdio import readers_are_stopped
from world import init_and_guard, processes, wait_for

# From Linux 6.1. Before 6.12 Landlock keeps neither signals nor abstract sockets inside; test_flat_older.py
# has what does it then, and runs some of these as there.
pytestmark = pytest.mark.landlock(2)

LINES = ["plugins.namespaces is off:", "not held without namespaces:"]


@pytest.fixture
def policy(tmp_path):
    def write(name="p.json", plugins=None, **keys):
        path = tmp_path / name
        plugins = {"namespaces": False, **(plugins or {})}
        path.write_text(json.dumps({"version": 1, "plugins": plugins, **keys}), encoding="utf-8")
        return f"--policy={path}"
    return write


@pytest.fixture
def place(tmp_path):
    """A directory with files, where the test's own are not."""
    path = tmp_path / "place"
    (path / "sub").mkdir(parents=True)
    for name in ("a.txt", "sub/b.txt"):
        (path / name).write_text("content\n", encoding="utf-8")
    return path


@pytest.fixture
def flat(box):
    """flat(flags, "op", "argument", ...): what the program in C came to, and the run."""
    program = box.directory / "flat"
    program.write_bytes(compiled(box.world.source / "tests/sandbox/flat.c"))
    program.chmod(0o755)

    def run(flags, *words, **kwargs):
        words = [str(word) for word in words]
        result = box.run(*flags, name="./flat", args=words, **kwargs)
        assert result.status == 0, str(result)
        found = {}
        for line in result.stdout.splitlines():
            what, errno = line.rsplit(": ", 1)
            found[tuple(what.split(" ", 1))] = errno
        assert len(found) == len(words) // 2, str(result)
        return found, result
    return run


# ---- what it is ----

def test_view(box, policy):
    out, result = box.json(policy(), code="""
        out["passwd"] = attempt(lambda: open("/etc/passwd").read(1))
        out["root"] = attempt(lambda: os.listdir("/"))
        out["own"] = attempt(lambda: os.listdir("."))
        out["home"] = attempt(lambda: os.listdir(os.environ["HOME"]))
        out["tmp"] = attempt(lambda: open("/tmp/x", "w"))
        out["shm"] = attempt(lambda: open("/dev/shm/x", "w"))
        out["null"] = attempt(lambda: open("/dev/null", "w").write("x"))
        out["random"] = attempt(lambda: len(open("/dev/urandom", "rb").read(4)))
        out["proc"] = attempt(lambda: os.listdir("/proc"))
        out["init"] = attempt(lambda: open("/proc/1/cmdline").read())
        out["sys"] = attempt(lambda: os.listdir("/sys"))
        out["run"] = attempt(lambda: os.listdir("/run"))
        out["meminfo"] = attempt(lambda: open("/proc/meminfo").read(1))
        out["loadavg"] = attempt(lambda: list(os.getloadavg()))
        out["tells"] = attempt(lambda: open("/proc/loadavg").read())
        status = open("/proc/self/status").read()
        out["seccomp"] = int(status.split("Seccomp:")[1].split()[0])
        out["caps"] = int(status.split("CapEff:")[1].split()[0], 16)
        out["no_new_privs"] = int(status.split("NoNewPrivs:")[1].split()[0])
        out["maps"] = "python" in open("/proc/self/maps").read()
        out["tmpdir"] = os.environ.get("TMPDIR")
        out["user"] = attempt(lambda: os.readlink("/proc/self/ns/user"))
    """)
    assert out.pop("user") == os.readlink("/proc/self/ns/user"), str(result)
    assert out == {
        "passwd": "EACCES", "root": "EACCES", "own": "EACCES", "home": "EACCES", "tmp": "EACCES",
        "shm": "EACCES", "null": 1, "random": 4, "proc": "EACCES", "init": "EACCES",
        "sys": "EACCES", "run": "EACCES", "meminfo": "EACCES", "loadavg": [0, 0, 0], "tells": "EACCES",
        "seccomp": 2,
        "caps": 0, "no_new_privs": 1, "maps": True, "tmpdir": None,
    }, str(result)
    for line in LINES:
        assert result.stderr.count(line) == 1, str(result)


def test_where_no_namespace_can_be_made(box, policy, world):
    """What it is for."""
    entry = box.write("w.py", "print(open('/proc/self/comm').read())\n")
    command = ["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-ec",
               "for kind in user net ipc pid mnt; do "
               "echo 0 > /proc/sys/user/max_${kind}_namespaces; done; "
               "exec setpriv --ambient-caps=-all --inh-caps=-all \"$@\"", "sh"]
    result = world.run_command([*command, *world.command(["run", entry])], cwd=box.directory)
    assert result.status == 125, str(result)
    result = world.run_command([*command, *world.command([policy(), "run", entry])],
                               cwd=box.directory)
    assert result.stdout == "python3\n\n", str(result)


def test_loader_is_announced(box, policy, flat):
    """What cannot be held is said, and is so."""
    loader = os.path.realpath("/lib64/ld-linux-x86-64.so.2")
    if not os.path.exists(loader):
        loader = os.path.realpath("/lib/ld-linux-aarch64.so.1")
    out, result = box.json(policy(), code=f"""
        out["direct"] = attempt(lambda: subprocess.run(["/usr/bin/true"]).returncode)
        out["loader"] = attempt(lambda: subprocess.run([{loader!r}, "/usr/bin/true"]).returncode)
        out["memfd"] = attempt(lambda: os.memfd_create("x"))
    """)
    assert out == {"direct": "EACCES", "loader": 0, "memfd": "EPERM"}, str(result)
    assert "the loader runs any program and loads any library that can be read" in result.stderr


def test_sys_kinds(box, policy):
    code = """
        out["meminfo"] = attempt(lambda: open("/proc/meminfo").read(8))
        out["loadavg"] = attempt(lambda: len(open("/proc/loadavg").read().split()))
        out["stat"] = attempt(lambda: open("/proc/stat").read(3))
    """
    out, result = box.json(policy(), "--allow-sys=loadavg,systemMemoryInfo", code=code)
    assert out == {"meminfo": "MemTotal", "loadavg": 5, "stat": "EACCES"}, str(result)


# ---- files ----

def test_files_from_python(box, policy, place):
    code = f"""
        p = {str(place)!r}
        out["read"] = attempt(lambda: open(p + "/a.txt").read())
        out["below"] = attempt(lambda: open(p + "/sub/b.txt").read())
        out["list"] = attempt(lambda: sorted(os.listdir(p)))
        out["write"] = attempt(lambda: open(p + "/a.txt", "a").write("more"))
        out["make"] = attempt(lambda: open(p + "/sub/new", "w").write("x"))
        out["mkdir"] = attempt(lambda: os.mkdir(p + "/made"))
        out["move"] = attempt(os.rename, p + "/sub/b.txt", p + "/b.txt")
        out["beside"] = attempt(lambda: os.listdir(os.path.dirname(p)))
    """
    out, _ = box.json(policy(), code=code)
    assert set(out.values()) == {"EACCES"}
    out, _ = box.json(policy(), f"--allow-read={place}", code=code)
    assert out == {"read": "content\n", "below": "content\n", "list": ["a.txt", "sub"],
                   "write": "EACCES", "make": "EACCES", "mkdir": "EACCES", "move": "EACCES", "beside": "EACCES"}
    out, result = box.json(policy(), f"--allow-write={place}", code=code)
    assert out == {"read": "EACCES", "below": "EACCES", "list": "EACCES", "write": 4, "make": 1,
                   "mkdir": "ok", "move": "ok", "beside": "EACCES"}, str(result)
    assert (place / "a.txt").read_text() == "content\nmore"
    assert (place / "sub/new").read_text() == "x" and (place / "made").is_dir()


READS = ["read", "opath_read"]
WRITES = ["write", "append", "create", "truncate", "unlink", "link", "rename"]


def test_files_from_c(box, policy, place, flat):
    file = place / "a.txt"
    # Linux 6.1 does not cut by a name what it was not asked to.
    by_name = {"EPERM"} if box.world.landlock() < 3 else set()
    every = [word for op in READS + WRITES for word in (op, file)]
    found, result = flat([policy()], *every, "list", place, "mkdir", place / "x", "symlink",
                         place / "y", "create", place / "z")
    assert found["truncate", str(file)] == ("EACCES" if by_name == set() else "EPERM"), str(result)
    assert set(found.values()) == {"EACCES"} | by_name, str(result)
    # A link is told of by its new name; what is refused by name alone is not.
    told = [box.directory / "linked", file, place / "x", place / "y", place / "z"]
    assert {e.object for e in result.denied("write")} == {str(path) for path in told}, str(result)

    found, result = flat([policy(), f"--allow-read={place}"], *every, "list", place)
    assert {op for (op, _), errno in found.items() if errno == "ok"} == {*READS, "list"}
    assert {errno for errno in found.values()} == {"ok", "EACCES"} | by_name, str(result)

    found, result = flat([policy(), f"--allow-write={place}"], "read", file, "list", place,
                         "write", file, "create", place / "z", "mkdir", place / "x",
                         "symlink", place / "y", "truncate", file, "unlink", place / "sub/b.txt")
    refused = {"truncate"} if by_name else set()
    assert {op for (op, _), errno in found.items() if errno != "ok"} == {"read", "list"} | refused, str(result)
    assert (file.read_text() == "") == (not by_name) and not (place / "sub/b.txt").exists()


def test_single_permissions(box, policy, place, flat):
    """Each right by itself, as Landlock has it."""
    def rule(*perms):
        return policy(fs={"rules": [{"action": "allow", "path": str(place), "perms": list(perms)}]})
    words = ["read", place / "a.txt", "list", place, "write", place / "a.txt", "mkdir", place / "x",
             "unlink", place / "sub/b.txt"]
    for perm, op in (("read_file", "read"), ("read_dir", "list"), ("write_file", "write"),
                     ("make_dir", "mkdir"), ("remove_file", "unlink")):
        found, result = flat([rule(perm)], *words)
        assert [op for (op, _), errno in found.items() if errno == "ok"] == [op], str(result)


def test_what_landlock_does_not_govern(box, policy, place, flat):
    """Neither by name nor by a descriptor that a grant to read gives."""
    file = place / "a.txt"
    file.chmod(0o600)
    before = os.stat(file)
    ops = ["chmod", "fchmodat2", "chown", "utime", "utimensat", "setxattr", "removexattr",
           "inotify", "fchmod", "futimens", "fsetxattr", "opath_chmod"]
    words = [word for op in ops for word in (op, file)]
    for flags in ([], [f"--allow-read={place}"]):
        found, result = flat([policy(), *flags], *words, "setflags", file)
        assert found.pop(("setflags", str(file))) == "ENOTTY", str(result)
        # Without the grant there is no descriptor to try it with.
        assert set(found.values()) <= {"EPERM", "EBADF"}, str(result)
        assert not flags or set(found.values()) == {"EPERM"}
    after = os.stat(file)
    assert (before.st_mode, before.st_mtime_ns, before.st_ctime_ns) == \
        (after.st_mode, after.st_mtime_ns, after.st_ctime_ns)


def test_attributes(box, policy, place, flat):
    """They are told of what can be opened to be read alone, like what the file holds."""
    file = place / "a.txt"
    os.setxattr(file, "user.x", b"secret")
    named = ["getxattr", "lgetxattr", "listxattr", "llistxattr"]
    words = [word for op in [*named, "fgetxattr", "opath_fgetxattr"] for word in (op, file)]
    for flags, opened in (([], "EBADF"), ([f"--allow-read={place}"], "ok"), ([f"--allow-write={place}"], "EBADF")):
        # Landlock asks nothing of an open that neither reads nor writes.
        found, result = flat([policy(), *flags], *words, "neither", file)
        assert {op: errno for (op, _), errno in found.items()} == {
            "neither": "EACCES", **dict.fromkeys(named, "EOPNOTSUPP"), "fgetxattr": opened,
            "opath_fgetxattr": "EBADF"}, str(result)


def test_links_do_not_lead_out(box, policy, place, flat):
    (place / "link").symlink_to("/etc/passwd")
    (place / "home").symlink_to(os.environ["HOME"])
    found, result = flat([policy(), f"--allow-read={place}", f"--allow-write={place}"],
                         "read", place / "link", "write", place / "link", "list", place / "home",
                         "read", "/proc/self/root/etc/passwd", "list", "/proc/self/cwd",
                         "list", place / "..")
    assert set(found.values()) == {"EACCES"}, str(result)


def test_warnings(box, policy, place, flat):
    """Opened by the opener, which Landlock holds as it holds the program."""
    rules = [{"action": "warn", "path": str(place), "perms": ["read_file", "read_dir"]}]
    found, result = flat([policy(fs={"rules": rules})], "read", place / "a.txt", "list", place,
                         "write", place / "a.txt", "read", "/etc/passwd", "mem", "PARENT",
                         "list", "/proc", "read", "/proc/self/maps", "read", "/proc/self/net/dev",
                         "mem_write", "PARENT", "chmod", place / "a.txt", "fds", "PARENT")
    assert {key for key, errno in found.items() if errno == "ok"} == {
        ("read", str(place / "a.txt")), ("list", str(place)), ("read", "/proc/self/maps")}, str(result)
    assert set(found.values()) == {"ok", "EACCES", "EPERM"}
    warned = [event.object for event in result.events if event.action in ("warned", "warning")]
    assert {str(place), str(place / "a.txt")} <= set(warned), str(result)


def test_suggestions(box, policy, place, flat):
    """What an event suggests makes that operation pass, and no other."""
    words = ["read", place / "a.txt", "write", place / "a.txt", "create", place / "sub/new",
             "write", place / "sub/b.txt"]
    _, result = flat([policy(), "--audit"], *words)
    flags = {event.object: event.allow for event in result.events
             if event.action == "denied" and str(place) in event.object and event.allow}
    reads = {event.allow for event in result.denied("read", "a.txt")}
    assert reads == {f"--allow-read={place / 'a.txt'}"} and len(flags) == 3, str(result)
    for flag in {*flags.values(), *reads}:
        found, result = flat([policy(), flag], *words)
        passed = [op for op, errno in found.items() if errno == "ok"]
        # A directory's flag is also one for what is in it.
        assert len(passed) == (2 if flag.endswith("/sub") else 1), f"{flag}\n{result}"
        (place / "sub/new").unlink(missing_ok=True)
    result = box.run(policy(), code="open('/tmp/x', 'w')\n")
    assert [event.allow for event in result.denied("write", "/tmp/x")] == [""], str(result)


def test_audit(box, policy, place):
    result = box.run(policy(), "--audit", code=f"""
        for path in ({str(place / 'a.txt')!r}, "/etc/services", "/nowhere"):
            try:
                open(path).close()
            except OSError:
                pass
    """)
    assert [e.allow for e in result.denied("read", "a.txt")] == [f"--allow-read={place / 'a.txt'}"], \
        str(result)
    assert not result.denied("read", "/etc/services") and not result.denied("read", "/nowhere")


# ---- programs ----

def test_run(box, policy):
    code = """
        out["env"] = attempt(lambda: subprocess.run(["/usr/bin/env"], capture_output=True).returncode)
        out["true"] = attempt(lambda: subprocess.run(["/usr/bin/true"]).returncode)
    """
    out, result = box.json(policy(), code=code)
    assert out == {"env": "EACCES", "true": "EACCES"}
    assert [e.allow for e in result.denied("run", "/usr/bin/env")] == ["--allow-run=/usr/bin/env"]
    out, _ = box.json(policy(exec={"rules": [{"action": "allow", "path": "/usr/bin/env"}]}), code=code)
    assert out == {"env": 0, "true": "EACCES"}
    out, _ = box.json(policy(), "--allow-run", code=code)
    assert out == {"env": 0, "true": 0}


def test_children_are_held_too(box, policy, place, flat):
    out, result = box.json(policy(), f"--allow-run={box.directory / 'flat'}", code=f"""
        run = subprocess.run([{str(box.directory / 'flat')!r}, "read", {str(place / 'a.txt')!r},
                              "kill", "1", "datagram", "2", "create", "/tmp/x"],
                             capture_output=True, text=True)
        out["lines"] = [line.rsplit(": ", 1)[1] for line in run.stdout.splitlines()]
    """)
    assert out["lines"] == ["EACCES", "EPERM", "EACCES", "EACCES"], str(result)


def test_written_is_not_run(box, policy, place, flat):
    code = f"""
        import shutil
        p = {str(place / "copy")!r}
        with open(p, "wb") as file:
            file.write(open("/usr/bin/true", "rb").read())
        out["run"] = attempt(lambda: subprocess.run([p]).returncode)
    """
    (place / "copy").touch(0o755)
    out, result = box.json(policy(), f"--allow-write={place}", code=code)
    assert out["run"] == "EACCES", str(result)
    (place / "tool").write_text("#!/usr/bin/env\n")
    (place / "tool").chmod(0o755)
    result = box.run(policy(), f"--allow-write={place}", f"--allow-run={place / 'tool'}",
                     code="print('ran')\n")
    assert result.status == 125 and "where writing is granted" in result.stderr, str(result)
    (place / "tool").chmod(0o555)
    result = box.run(policy(), f"--allow-write={place}", f"--allow-run={place / 'tool'}",
                     code="print('ran')\n")
    assert result.stdout == "ran\n", str(result)


# ---- the network and sockets ----

def test_families(box, policy, flat):
    """TCP alone, which goes nowhere without the supervisor; datagrams are told of under audit."""
    words = ["socket", 2, "socket", 10, "datagram", 2, "datagram", 10, "socket", 16, "socket", 17,
             "socket", 40, "interfaces", "x"]
    found, result = flat([policy()], *words)
    assert [found["socket", str(n)] for n in (2, 10, 16, 17, 40)] == \
        ["ok", "ok", "EAFNOSUPPORT", "EAFNOSUPPORT", "EAFNOSUPPORT"], str(result)
    assert [found["datagram", str(n)] for n in (2, 10)] == ["EACCES", "EACCES"]
    assert found["interfaces", "x"] == "EPERM" and not result.denied("net")
    _, result = flat([policy(), "--audit"], *words)
    events = result.denied("net")
    assert {event.object for event in events} == {"AF_INET (udp)", "AF_INET6 (udp)"}, str(result)
    assert "plugins.namespaces" in events[0].rule and events[0].allow == ""


def test_network_is_refused_to_python(box, policy, world):
    mark = world.mark()
    out, result = box.json(policy(), code="""
        out["address"] = connect("203.0.113.10", 443)[0]
        out["name"] = attempt(lambda: socket.create_connection(("github.com", 443)))
    """)
    assert out == {"address": "PermissionError", "name": "EACCES"}, str(result)
    assert world.contacts(mark) == [] and world.queries(mark) == []
    assert [event.allow for event in result.denied("net")] == \
        ["--allow-net=203.0.113.10:443", "--allow-net=github.com:443"], str(result)


def test_network_is_granted_to_python(box, policy, world):
    """By a version 1 document as by flags: tests/net/test_tier_network.py has the rest."""
    flag = policy(net={"rules": [{"action": "allow", "proto": "tcp", "host": "github.com",
                                  "ports": "443"}]})
    out, result = box.json(flag, code="""
        out["granted"] = attempt(lambda: socket.create_connection(("github.com", 443)))
        out["port"] = attempt(lambda: socket.create_connection(("github.com", 80)))
    """)
    assert out == {"granted": "ok", "port": "EACCES"}, str(result)


@pytest.fixture
def listeners(tmp_path):
    """The host's own Unix sockets: one with a path, one abstract."""
    names = [str(tmp_path / "host.sock"), "\0buntime-test-%d" % os.getpid()]
    sockets = []
    for name in names:
        one = socket.socket(socket.AF_UNIX)
        one.bind(name)
        one.listen()
        one.setblocking(False)
        sockets.append(one)
    yield names[0], "@" + names[1][1:], sockets
    for one in sockets:
        one.close()


def accepted(listener):
    try:
        listener.accept()[0].close()
        return True
    except BlockingIOError:
        return False


def test_host_sockets(box, policy, flat, listeners):
    path, abstract, sockets = listeners
    found, result = flat([policy(), f"--allow-read={box.directory}"], "connect", path,
                         "connect", abstract, "pair", 1, "pair", 5, "pair", 2, "datagram", 1,
                         "bind", box.directory / "mine", "bind", "@mine")
    assert [found["connect", name] for name in (path, abstract)] == ["EACCES", "EACCES"], str(result)
    assert (found["pair", "1"], found["pair", "5"]) == ("ok", "ok")
    assert (found["pair", "2"], found["datagram", "1"]) == ("EACCES", "EACCES")
    assert found["bind", "@mine"] == "EPERM"
    assert not any(accepted(one) for one in sockets)
    assert len(result.denied("unix", "host.sock")) == 1 and len(result.denied("unix", abstract)) == 1

    found, result = flat([policy(), f"--allow-unix={path}"], "connect", path, "connect", abstract)
    assert [found["connect", name] for name in (path, abstract)] == ["ok", "EACCES"], str(result)
    assert accepted(sockets[0]) and not accepted(sockets[1])


# ---- the machine ----

def test_machine(box, policy, flat):
    found, result = flat([policy()], "shm", 7, "sem", 7, "msg", 7, "mq", "x", "memfd", "x",
                         "unshare", "0x10000000", "unshare", "0x40000000", "undumpable", 0,
                         "mount", "x")
    assert set(found.values()) == {"EPERM"}, str(result)


# ---- beginnings and ends ----

DAEMONS = """
    import os, signal, sys, time
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for number in range(1, 32):
                    try:
                        signal.signal(number, signal.SIG_IGN)
                    except OSError:
                        pass
                if not sys.argv[1:]:
                    for fd in (0, 1, 2):
                        os.close(fd)
                while True:
                    # Always one that is just being made.
                    pid = os.fork()
                    if pid != 0:
                        os._exit(0)
                    time.sleep(0.02)
            os._exit(0)
    for number in (1, 2, 3, 15):
        signal.signal(number, signal.SIG_IGN)
    print("READY", flush=True)
    if sys.argv[1:]:
        time.sleep(600)
"""


def assert_all_ended(before):
    wait_for(lambda: set(processes()) <= before, what="the end of every process")


def test_daemons_end_with_the_worker(box, policy):
    before = set(processes())
    result = box.run(policy(), code=DAEMONS + "    raise SystemExit(4)\n")
    assert result.status == 4 and result.seconds < 10, str(result)
    # When buntime ends, all have.
    assert set(processes()) <= before


@pytest.mark.parametrize("whom", ["supervisor", "group", "init", "guard"])
def test_killed(box, policy, whom):
    """Daemons, too, that the worker has left: whichever of ours it is that is killed."""
    before = set(processes())
    with box.spawn(policy(), code=DAEMONS, args=["wait"], start_new_session=True) as process:
        assert process.stdout.readline() == b"READY\n"
        assert len(set(processes()) - before) >= 4
        if whom == "group":
            os.killpg(process.pid, signal.SIGKILL)
        elif whom == "supervisor":
            process.kill()
        else:
            init, guard = wait_for(lambda: init_and_guard(process.pid), what="init and its guard")
            os.kill(init if whom == "init" else guard, signal.SIGKILL)
        status = process.wait(20)
        assert whom not in ("init", "guard") or status == 137
        assert_all_ended(before)


def test_killed_while_starting(box, policy):
    before = set(processes())
    box.write("w.py", "import time\ntime.sleep(600)\n")
    for delay in range(0, 24, 2):
        with box.spawn(policy()) as process:
            time.sleep(delay / 1000)
            process.kill()
            process.wait(10)
    assert_all_ended(before)


def test_terminated(box, policy):
    before = set(processes())
    with box.spawn(policy(), code="""
        import signal, time
        signal.signal(signal.SIGTERM, lambda *_: exit(9))
        print("READY", flush=True)
        while True:  # a signal just before one long sleep would be handled after it
            time.sleep(0.1)
    """) as process:
        assert process.stdout.readline() == b"READY\n"
        process.terminate()
        assert process.wait(10) == 9
    assert_all_ended(before)


@pytest.mark.parametrize("limit,status", [("--timeout=1s", 124), ("--max-output=100", 137)])
def test_limits_end_all(box, policy, limit, status):
    before = set(processes())
    code = DAEMONS.replace("time.sleep(600)", "[print('y' * 1000, flush=True) for _ in range(9)]; "
                           "time.sleep(600)")
    result = box.run(policy(), limit, code=code, args=["wait"])
    assert result.status == status and result.seconds < 15, str(result)
    assert_all_ended(before)


@pytest.mark.parametrize("code,status", [
    ("raise SystemExit(7)", 7),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
    ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 139),
])
def test_status(box, policy, code, status):
    assert box.run(policy(), code=code + "\n").status == status


def test_not_runnable(box, policy):
    assert box.run(policy(), name="missing.py").status == 127
    assert box.run(policy(), name="w.sh", code="#!/nothing/here\n").status == 127
    box.write("data.txt", "no program\n", 0o755)
    assert box.run(policy(), name="./data.txt").status == 126


def test_terminal(box, policy, terminal):
    box.write("w.py", """
        import os, time
        print("TTY", [os.isatty(fd) for fd in (0, 1, 2)], os.path.exists(os.ttyname(0)),
              open("/dev/tty", "w").isatty(), open("/dev/stdout", "w").isatty(), flush=True)
        try:
            print("READY", flush=True)
            while True:  # a signal just before it sleeps is seen after that
                time.sleep(0.05)
        except KeyboardInterrupt:
            print("INTERRUPTED", flush=True)
    """)
    one = terminal([policy(), "run", "w.py"])
    one.expect("TTY [True, True, True] True True True")
    one.expect("READY")
    one.type("\x03")
    one.expect("INTERRUPTED")
    assert one.wait() == 0


def test_stopped_and_continued(box, policy, terminal):
    box.write("w.py", """
        import time
        print("READY", flush=True)
        input()
        print("DONE", flush=True)
    """)
    words = " ".join(box.world.command([policy(), "run", "w.py"]))
    one = terminal(["bash", "--norc", "--noprofile", "-i"], shell=True)
    one.type(f"PS1='prompt'; set -m; {words}\n")
    one.expect("READY")
    one.type("\x1a")
    one.expect("Stopped")
    one.expect("prompt")
    wait_for(lambda: readers_are_stopped(one.pid))  # or the program takes what is typed
    one.type("fg\n")
    one.expect("w.py")
    one.type("\n")
    one.expect("DONE")
    one.expect("prompt")  # what is typed before buntime has ended is thrown away
    one.type("exit\n")
    assert one.wait() == 0


# ---- what is refused ----

SUM = hashlib.sha256(Path("/usr/bin/env").read_bytes()).hexdigest()


@pytest.mark.parametrize("keys,flags,words", [
    ({}, ["--allow-all"], "--allow-all"),
    ({"limits": {"netBytes": "1M"}}, [], "limits.netBytes"),
    ({}, ["--net-rate=5"], "--net-rate"),
    ({}, ["--net=slirp"], "--net"),
    ({}, ["--pcap=x.pcap"], "--pcap"),
    ({}, ["--publish=8080"], "--publish=8080"),
    ({"exec": {"rules": [{"action": "allow", "path": "/usr/bin/env", "sha256": SUM}]}}, [],
     "exec.rules[0]"),
    ({"exec": {"rules": [{"action": "deny", "path": "/usr/bin/env", "sha256": SUM}]}}, [],
     "exec.rules[0]"),
    ({}, ["--allow-ffi=/usr/lib"], "--allow-ffi"),
    ({}, ["--deny-ffi=/usr/lib"], "--deny-ffi"),
    ({}, ["--deny-sys=hostname"], "--deny-sys=hostname"),
    ({"fs": {"rules": [{"action": "allow", "path": "/tmp", "perms": ["write_file"]}]}}, [],
     "fs.rules[0]"),
    ({}, ["--deny-read=/usr/share/doc"], "--deny-read=/usr/share/doc"),
    ({"exec": {"rules": [{"action": "allow", "path": "/usr/bin"},
                         {"action": "deny", "path": "/usr/bin/env"}]}}, [], "exec.rules[1]"),
    ({"limits": {"pids": 10}}, [], "limits.pids"),
    ({"limits": {"tmpSize": "1M"}}, [], "limits.tmpSize"),
    ({"plugins": {"seccomp": False}}, [], "plugins"),
    ({"plugins": {"landlock": False}}, [], "plugins"),
])
def test_what_needs_namespaces(box, policy, keys, flags, words):
    result = box.run(policy(**keys), *flags, code="print('ran')\n")
    assert result.status == 125 and "ran" not in result.stdout, str(result)
    line = [line for line in result.stderr.splitlines() if line.startswith("buntime: ")][-1]
    assert words in line and "namespaces" in line, str(result)


def test_a_denial_below_a_grant(box, policy, place):
    for allow, deny in (("read", "read"), ("write", "write"), ("read,write", "write")):
        flags = [f"--allow-{kind}={place}" for kind in allow.split(",")]
        result = box.run(policy(), *flags, f"--deny-{deny}={place / 'sub'}", code="print('ran')\n")
        assert result.status == 125 and "ran" not in result.stdout, str(result)
        assert f"--deny-{deny}=" in result.stderr and "namespaces" in result.stderr
    # What takes nothing from a grant holds by itself.
    out, result = box.json(policy(), f"--allow-read={place / 'sub'}", f"--deny-write={place}",
                           "--deny-read=/home/nobody", code=f"""
        out["read"] = attempt(lambda: open({str(place / 'sub/b.txt')!r}).read())
        out["write"] = attempt(lambda: open({str(place / 'sub/b.txt')!r}, "a"))
    """)
    assert out == {"read": "content\n", "write": "EACCES"}, str(result)


def test_the_kernels_files_by_another_name(box, policy, place):
    """A chroot's /proc, say: within a grant, granted itself, or around what is."""
    proc = place / "sub"
    subprocess.run(["mount", "-t", "proc", "proc", proc], check=True)
    try:
        for path in (place, proc, proc / "1"):
            result = box.run(policy(), f"--allow-read={path}", code="print('ran')\n")
            assert result.status == 125 and "ran" not in result.stdout, str(result)
            assert str(proc) in result.stderr and "namespaces" in result.stderr
        result = box.run(policy(), f"--allow-read={place / 'a.txt'}", code="print('ran')\n")
        assert result.stdout == "ran\n", str(result)
    finally:
        subprocess.run(["umount", proc], check=True)


def test_a_policy_that_could_be_rewritten(box, policy):
    result = box.run(policy(), f"--allow-write={box.directory}", code="print('ran')\n")
    assert result.status == 125 and "ran" not in result.stdout, str(result)
    assert result.stderr.startswith(f"buntime: {box.directory}/"), str(result)
    assert "p.json: it has to stay as it is" in result.stderr and "namespaces" in result.stderr


def test_program_from_standard_input(box, policy):
    result = box.run(policy(), name="-", stdin="print('ran')\n")
    assert result.status == 125 and "namespaces" in result.stderr, str(result)


def test_off_only_where_every_file_says_so(box, policy, tmp_path):
    silent = tmp_path / "q.json"
    silent.write_text('{"version": 1}', encoding="utf-8")
    out, result = box.json(policy(), f"--policy={silent}", "--allow-net", code="""
        out["pid"] = os.getppid()
    """)
    assert out["pid"] == 1 and LINES[0] not in result.stderr, str(result)


def test_the_prototypes_document(box, policy, place):
    """Version 1 as the prototype wrote it."""
    flag = policy(
        plugins={"namespaces": False, "landlock": True, "seccomp": True},
        defaults={"fs": "deny", "net": "deny", "exec": "deny"},
        fs={"rules": [{"action": "allow", "path": str(place), "perms": ["read_file", "read_dir"]},
                      {"action": "allow", "path": str(place / "sub"),
                       "perms": ["write_file", "make_reg"]},
                      {"action": "deny", "path": "/etc/shadow", "perms": ["read_file"]}]},
        net={"rules": [{"action": "deny", "proto": "tcp", "cidr": "0.0.0.0/0", "ports": "1-65535"}]},
        exec={"rules": [{"action": "allow", "path": "/usr/bin/env"}]},
        antiEscape={"denySyscalls": ["ptrace", "mount", "fsync"]},
        audit={"enabled": True, "events": ["connect", "execve"]})
    out, result = box.json(flag, code=f"""
        import ctypes
        p = {str(place)!r}
        out["read"] = attempt(lambda: open(p + "/a.txt").read())
        out["write"] = attempt(lambda: open(p + "/a.txt", "a"))
        out["make"] = attempt(lambda: open(p + "/sub/new", "w").write("x"))
        out["shadow"] = attempt(lambda: open("/etc/shadow"))
        out["run"] = attempt(lambda: subprocess.run(["/usr/bin/env"], capture_output=True).returncode)
        out["not"] = attempt(lambda: subprocess.run(["/usr/bin/true"]).returncode)
        out["fsync"] = attempt(os.fsync, 1)
        out["net"] = connect("203.0.113.10", 443)[0]
    """)
    assert out == {"read": "content\n", "write": "EACCES", "make": 1, "shadow": "EACCES", "run": 0,
                   "not": "EACCES", "fsync": "EPERM", "net": "PermissionError"}, str(result)
    assert [event.object for event in result.events
            if event.kind == "run" and event.action == "allowed"].count("/usr/bin/env") == 1
    assert len(result.denied("run", "/usr/bin/true")) == 1, str(result)


# ---- check, events ----

def test_check_agrees(box, policy, place):
    flags = [policy(), f"--allow-read={place}", "--allow-run=/usr/bin/env"]
    for kind, value, status in (
            ("read", place / "a.txt", 0), ("read", "/etc/passwd", 1), ("read", "/usr/bin/env", 0),
            ("write", place / "a.txt", 1), ("write", "/dev/null", 0), ("write", "/tmp", 1),
            ("run", "/usr/bin/env", 0), ("run", "/usr/bin/true", 1), ("net", "github.com:443", 1),
            ("sys", "hostname", 0), ("sys", "loadavg", 1), ("env", "TMPDIR", 1)):
        result = box.world.run([*flags, "check", kind, value], cwd=box.directory)
        assert result.status == status, str(result)
    for value, status in (("github.com:443", 0), ("github.com:443/udp", 1), ("127.0.0.1:80", 1),
                          ("203.0.113.10:53", 1), ("[fe80::1]:80", 1)):
        result = box.world.run([policy(), "--allow-net", "check", "net", value], cwd=box.directory)
        assert result.status == status, str(result)


def test_events(box, policy, tmp_path):
    target = tmp_path / "events.jsonl"
    box.run(policy(), f"--events={target}", code="open('/nowhere/x', 'w')\n")
    events = [json.loads(line) for line in target.read_text().splitlines()]
    assert [event["action"] for event in events][::len(events) - 1] == ["started", "exited"]
    assert events[0]["reason"] == "without namespaces"
