# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ways out that were found by attacking, and stay closed."""

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from test_attacks import SYSCALL, Service
from tier import TIER
from world import below, wait_for

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="system call numbers")


@pytest.fixture
def service(box):
    one = Service(box.directory / "service")
    yield one
    one.close()


@pytest.fixture
def nested():
    """A working directory two levels below /tmp: the worker may rename the first."""
    top = tempfile.mkdtemp(dir="/tmp")
    (Path(top) / "project").mkdir()
    yield Path(top) / "project"
    shutil.rmtree(top)


def test_a_link_makes_no_host_socket_ones_own(box, service, nested, world):
    """The sandbox's own file systems are known before the worker can rearrange /tmp."""
    (Path(service.path).parent / "project").mkdir()
    (nested / "w.py").write_text(f"""
import os, socket
os.rename({str(nested.parent)!r}, "/tmp/away")
os.symlink({os.path.dirname(service.path)!r}, {str(nested.parent)!r})
try:
    socket.socket(socket.AF_UNIX).connect({service.path!r})
    print("connected")
except OSError as error:
    print(error.errno)
""")
    result = world.run([f"--allow-read={os.path.dirname(service.path)}", "run", "w.py"], cwd=nested)
    assert result.stdout == "13\n", str(result)
    assert service.heard == []


def connected_tcp():
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = socket.create_connection(server.getsockname())
        other, _ = server.accept()
    return one, other


def udp():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM), None


def unix_datagrams():
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)


def unconnected_unix():
    return socket.socket(socket.AF_UNIX), None


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("make", [connected_tcp, udp, unix_datagrams, unconnected_unix])
def test_a_socket_of_the_hosts_is_no_standard_stream(box, world, make, number):
    """connect(AF_UNSPEC) and connect() again: it is in the host's network namespace."""
    box.write("w.py", "open('/dev/shm/ran', 'w')\n")
    one, other = make()
    streams = [subprocess.DEVNULL, subprocess.PIPE, subprocess.PIPE]
    streams[number] = one
    with world.spawn(["run", "w.py"], cwd=box.directory, stdin=streams[0], stdout=streams[1],
                     stderr=streams[2]) as process:
        assert process.wait(20) == 125
    one.close()
    if other is not None:
        other.close()


def test_a_connected_unix_stream_is_a_standard_stream(box, world):
    """As Node's child_process and sshd give it."""
    box.write("w.py", "print(input() + ' seen')\n")
    one, other = socket.socketpair()
    with world.spawn(["run", "w.py"], cwd=box.directory, stdin=one, stdout=one) as process:
        one.close()
        other.sendall(b"line\n")
        assert process.wait(20) == 0
        assert other.recv(100) == b"line seen\n"
    other.close()


@pytest.mark.parametrize("home", ["{secret}/bin", "{secret}/sub/../bin", "/run/bin", "/"])
def test_a_programs_own_words_show_nothing(box, home):
    """The #! line and pyvenv.cfg are written by whoever wrote the program."""
    secret = box.write("secret/key", "k").parent
    (secret / "bin").mkdir()
    box.write("evil/pyvenv.cfg", f"home = {home.format(secret=secret)}\n")
    (box.directory / "evil/bin").mkdir()
    (box.directory / "evil/bin/python3").symlink_to("/usr/bin/python3")
    box.write("evil/tool", f"""
        #!{box.directory}/evil/bin/python3
        import os
        print(os.path.exists({str(secret)!r}), os.path.exists("/run/user"))
    """, 0o755)
    result = box.run(name="evil/tool")
    assert result.stdout == "False False\n", str(result)


def test_an_interpreter_in_a_project_does_not_show_what_is_beside_it(box):
    box.write("work/other/key", "k")
    (box.directory / "work/evil").mkdir()
    shutil.copy(os.path.realpath("/usr/bin/python3"), box.directory / "work/evil/python3")
    box.write("work/evil/tool", f"""
        #!{box.directory}/work/evil/python3
        import os
        print(os.path.exists({str(box.directory / "work/other")!r}))
    """, 0o755)
    result = box.run(name="work/evil/tool")
    assert result.stdout == "False\n", str(result)


def test_the_callers_process_group(box, world):
    """The supervisor and the rest of a pipeline are in the worker's process group."""
    box.write("w.py", SYSCALL.replace("\n    ", "\n") + """
import errno, signal
print(sys_call(141, 1, 0, 19), sys_call(251, 2, 0, 3 << 13), flush=True)
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
libc.kill(0, signal.SIGUSR1)
libc.kill(0, signal.SIGKILL)
""")
    words = " ".join(world.command(["run", "w.py"]))
    # The worker may kill itself by it, but nobody outside.
    result = world.run_command(
        ["sh", "-c", f"trap 'echo got it' USR1; {words}; echo $?; nice"],
        cwd=box.directory, start_new_session=True)
    lines = result.stdout.splitlines()
    assert lines[0] == "EPERM EPERM" and lines[-1] == "0", str(result)
    assert lines[1] in ("137", "0") and "got it" not in lines, str(result)


def test_a_supervisor_that_cannot_be_made_to_wait(box):
    """O_NONBLOCK is taken away again while the supervisor connects to a full queue."""
    if shutil.which("cc") is None:
        pytest.fail("cc is needed")
    box.write("race.c", r"""
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <pthread.h>
        #include <signal.h>
        #include <string.h>
        #include <sys/socket.h>
        #include <sys/time.h>
        #include <sys/un.h>
        #include <unistd.h>
        static int s;
        static void nothing(int n) {}
        static void *flip(void *a) { for (;;) fcntl(s, F_SETFL, 0); return a; }
        int main(void) {
          struct sockaddr_un name = { AF_UNIX, "/tmp/full" };
          struct sigaction action = { .sa_handler = nothing };
          struct itimerval often = { { 0, 3000 }, { 0, 3000 } };
          pthread_t thread;
          int listener = socket(AF_UNIX, SOCK_STREAM, 0), first = socket(AF_UNIX, SOCK_STREAM, 0);
          bind(listener, (void *)&name, sizeof name);
          listen(listener, 0);
          connect(first, (void *)&name, sizeof name);
          s = socket(AF_UNIX, SOCK_STREAM, 0);
          sigaction(SIGALRM, &action, 0);
          setitimer(ITIMER_REAL, &often, 0);
          pthread_create(&thread, 0, flip, 0);
          write(1, "begun\n", 6);
          for (;;) {
            fcntl(s, F_SETFL, O_NONBLOCK);
            connect(s, (void *)&name, sizeof name);
          }
        }
    """)
    subprocess.run(["cc", "-O2", "-pthread", "-o", box.directory / "race", box.directory / "race.c"],
                   check=True)
    with box.spawn(name="./race") as process:
        assert process.stdout.readline() == b"begun\n"
        time.sleep(3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM


def test_a_worker_that_stops_does_not_make_the_supervisor_deaf(box):
    """Without a terminal nobody would send SIGCONT."""
    with box.spawn(code="""
        import os, signal
        print("begun", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
        signal.pause()
    """, start_new_session=True) as process:
        assert process.stdout.readline() == b"begun\n"

        def states(marker, *others):
            return {Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
                    for pid in (*below(process.pid, marker), *others)}

        wait_for(lambda: states("python3") == {"T"}, what="the program's stop")
        wait_for(lambda: states("buntime", process.pid) == {"S"}, what="the supervisor's sleep")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM


def test_private_places_hold_no_endless_number_of_files(box):
    out, _ = box.json(code="""
        for path in ("/tmp", "/dev/shm"):
            out[path] = os.statvfs(path).f_files
    """)
    assert all(0 < count < 500000 for count in out.values()), out


SET_UID = """
    import ctypes, os, stat
    libc = ctypes.CDLL(None, use_errno=True)
    os.umask(0)
    os.chdir("data")
    one = os.open("f", os.O_RDWR)
    here = os.open(".", os.O_RDONLY)

    def call(number, *args):
        if libc.syscall(number, *args) < 0:
            raise OSError(ctypes.get_errno(), "")
        return "done"

    mode, high = 0o4755, 0o4755 | 1 << 40
    out["chmod"] = attempt(lambda: call(90, b"f", high))
    out["fchmod"] = attempt(lambda: call(91, one, mode))
    out["fchmodat"] = attempt(lambda: call(268, here, b"f", mode))
    out["fchmodat2"] = attempt(lambda: call(452, here, b"f", mode, 0))
    out["open"] = attempt(lambda: call(2, b"open", os.O_CREAT | os.O_WRONLY, mode))
    out["openat"] = attempt(lambda: call(257, here, b"openat", os.O_CREAT | os.O_RDWR, mode))
    out["creat"] = attempt(lambda: call(85, b"creat", mode))
    out["mknod"] = attempt(lambda: call(133, b"mknod", stat.S_IFREG | mode, 0))
    out["mknodat"] = attempt(lambda: call(259, here, b"mknodat", stat.S_IFREG | mode, 0))
    out["nameless"] = attempt(lambda: call(257, here, b".", os.O_TMPFILE | os.O_RDWR, mode))
    # What is done every day.
    out["plain"] = attempt(lambda: [os.chmod("f", 0o755), os.fchmod(one, 0o640), os.mkdir("d"),
                                    os.chmod("d", 0o2775), os.open("new", os.O_CREAT, 0o666)] and "done")
    # Not made, so that what stands there for its mode is of no account.
    out["unmade"] = attempt(lambda: call(2, b"f", os.O_WRONLY, mode) and "done")
"""


@pytest.mark.parametrize("layers", ["", "warn", pytest.param("flat", marks=pytest.mark.landlock(2))])
def test_no_file_runs_as_its_owner_for_others(box, layers):
    """Another user of the machine would be the caller by it, in no sandbox."""
    data = box.directory / "data"
    box.write("data/f", "")
    policy = {"version": 1, "fs": {"rules": [
        {"action": "warn" if layers == "warn" else "allow", "path": str(data),
         "perms": ["read_file", "read_dir", "write_file", "write_dir", "truncate", "refer"]}]}}
    if layers == "flat":
        policy["plugins"] = {"namespaces": False}
    box.write("p.json", json.dumps(policy))
    out, result = box.json("--policy=./p.json", code=SET_UID)
    plain, unmade = out.pop("plain"), out.pop("unmade")
    assert set(out.values()) == {"EPERM"} and len(out) == 10, str(result)
    assert unmade == "done" and plain == ("EPERM" if layers == "flat" or TIER else "done"), str(result)
    assert not [path for path in data.iterdir() if path.stat().st_mode & 0o4000]


def test_the_callers_other_programs_keep_their_share(box):
    """The kernel counts these by user, and the worker has the caller's number."""
    box.write("host.py", """
        import ctypes
        libc = ctypes.CDLL(None)
        timer = ctypes.c_void_p()
        print(libc.inotify_init1(0) >= 0, libc.timer_create(1, None, ctypes.byref(timer)) == 0)
    """)
    with box.spawn(code="""
        import ctypes, time
        libc = ctypes.CDLL(None)
        timer = ctypes.c_void_p()
        instances = timers = watches = 0
        one = libc.inotify_init1(0)
        while libc.inotify_init1(0) >= 0:
            instances += 1
        while timers < 200000 and libc.timer_create(1, None, ctypes.byref(timer)) == 0:
            timers += 1
        print(instances, timers, flush=True)
        time.sleep(20)
    """) as process:
        instances, timers = map(int, process.stdout.readline().split())
        host = subprocess.run([sys.executable, box.directory / "host.py"], check=True,
                              capture_output=True, text=True)
        process.kill()
    assert host.stdout == "True True\n" and instances >= 16 and timers >= 64


FLAGS = """python3 -c 'import fcntl, os
print("flags", fcntl.fcntl(0, fcntl.F_GETFL) & os.O_NONBLOCK)'"""


def test_a_terminal_is_given_back_whoever_took_it(box, terminal, world):
    # Without namespaces there are no groups to take it for.
    take = "os.setpgid(0, 0), os.tcsetpgrp(0, os.getpid())" if TIER is None else "()"
    box.write("w.py", f"""
        import fcntl, os, signal, termios
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        if os.fork() == 0:
            {take}
            settings = termios.tcgetattr(0)
            settings[3] &= ~termios.ECHO
            termios.tcsetattr(0, termios.TCSANOW, settings)
            fcntl.ioctl(0, termios.TIOCEXCL)
            print("taken", flush=True)
            fcntl.fcntl(0, fcntl.F_SETFL, os.O_RDWR | os.O_NONBLOCK)
            os._exit(0)
        os.wait()
    """)
    words = " ".join(world.command(["run", "w.py"]))
    one = terminal(["sh", "-c", f"{words}; {FLAGS}; stty; (: </dev/tty) && echo opened; read line; echo $line"],
                   shell=True)
    one.expect("taken")
    one.expect("flags 0")
    shown = one.expect("opened")
    assert "-echo " not in shown + " ", shown
    one.type("typed\n")
    one.expect("typed\r\ntyped")
    assert one.wait() == 0


@pytest.mark.parametrize("below", ["home", "/tmp"])
def test_a_pipe_of_the_hosts_is_not_written_by_a_read_grant(box, world, room, below):
    """A read-only mount does not stop it, and below the private /tmp Landlock does not either."""
    with tempfile.TemporaryDirectory(dir=box.directory if below == "home" else below) as directory:
        os.mkfifo(directory + "/pipe")
        Path(directory, "w.py").write_text(room.code("""
import os
os.mkfifo("/tmp/own")
for name in ("pipe", "/tmp/own"):
    try:
        os.open(name, os.O_RDWR)
        print("opened", name)
    except OSError as error:
        print(error.errno, name)
"""))
        denied = world.run(["--allow-read=.", *room.flags, "run", "w.py"], cwd=directory)
        room.clear()
        allowed = world.run(["--allow-read=.", "--allow-write=pipe", *room.flags, "run", "w.py"], cwd=directory)
    assert denied.stdout == room.code("13 pipe\nopened /tmp/own\n"), str(denied)
    assert denied.denied("write", "pipe"), str(denied)
    assert allowed.stdout == room.code("opened pipe\nopened /tmp/own\n"), str(allowed)


def test_no_realtime_priority(box):
    """Of what the caller may, such as a member of the audio group."""
    out, _ = box.json(code="""
        import resource
        out["rt"] = list(resource.getrlimit(resource.RLIMIT_RTPRIO))
        out["fifo"] = attempt(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(1))
    """)
    assert out["rt"] == [0, 0] and out["fifo"] == "EPERM", out


@pytest.mark.parametrize("loader", ["secret", "secret/key"])
def test_a_granted_program_does_not_choose_what_is_shown(box, loader):
    """The loader's name in an ELF file is the word of whoever made the file."""
    secret = box.write("secret/key", "k", 0o755)
    box.write("tool.c", "int main(void) { return 0; }\n")
    subprocess.run(["cc", "-o", "tool", "tool.c",
                    f"-Wl,--dynamic-linker={box.directory / loader}"],
                   cwd=box.directory, check=True)
    out, _ = box.json("--allow-run=./tool", code=f"""
        out["exists"] = os.path.exists({str(secret)!r})
    """)
    assert out["exists"] is False, out
