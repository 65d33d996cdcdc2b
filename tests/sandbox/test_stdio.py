# SPDX-License-Identifier: LGPL-2.1-or-later
"""stdin, stdout and stderr are the caller's own: pipes and terminals behave as without buntime."""

import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tier import without_announcement
from world import wait_for


def test_three_separate_streams(box):
    result = box.run(code="""
        import sys
        data = sys.stdin.read()
        print("out " + data)
        print("err " + data, file=sys.stderr)
    """, stdin="hello")
    assert (result.stdout, result.stderr, result.status) == ("out hello\n", "err hello\n", 0)


def test_bytes_are_not_touched(box, world):
    box.write("w.py", """
        import sys
        sys.stdout.buffer.write(sys.stdin.buffer.read())
    """)
    data = bytes(range(256)) * 4096
    done = subprocess.run(world.command(["run", "w.py"]), input=data, capture_output=True,
                          cwd=box.directory, env=world.environment(), timeout=30, check=False)
    assert done.stdout == data and without_announcement(done.stderr) == b""


@pytest.mark.parametrize("flags", [[], ["--allow-net=192.0.2.7"]], ids=["", "network"])
def test_a_socket_of_the_hosts_tells_nothing_of_its_network(box, world, flags):
    """Node and Bun start programs so. What else it is good for, it still is."""
    box.write("w.py", """
        import array, errno, fcntl, os, socket, struct
        names = array.array("B", bytes(4096))
        def attempt(call):
            try:
                call()
                return "done"
            except OSError as error:
                return errno.errorcode[error.errno]
        stdin = socket.socket(fileno=0)
        print(attempt(lambda: fcntl.ioctl(0, 0x8912, struct.pack("iL", 4096, names.buffer_info()[0]))),
              attempt(lambda: fcntl.ioctl(0, 0x8927, b"lo".ljust(40, bytes(1)))),
              attempt(lambda: stdin.bind(bytes(1) + b"buntime-test")),
              attempt(lambda: fcntl.ioctl(0, 0x541b, bytes(4))), stdin.recv(5))
    """)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"hello")
        done = subprocess.run(world.command(["run", *flags, "w.py"]), stdin=theirs,
                              capture_output=True, text=True, cwd=box.directory,
                              env=world.environment(), timeout=30, check=False)
    assert done.stdout == "EPERM EPERM EINVAL done b'hello'\n", done.stderr


def test_in_a_pipeline(box, world):
    box.write("w.py", """
        import sys
        for line in sys.stdin:
            print(line.upper(), end="", flush=True)
    """)
    words = " ".join(world.command(["run", "w.py"]))
    result = world.run_command(["sh", "-c", f"printf 'a\\nb\\n' | {words} | tail -1"],
                               cwd=box.directory)
    assert result.stdout == "B\n", str(result)


def test_reader_goes_away(box, world):
    box.write("w.py", "while True:\n    print('y' * 1000)\n")
    words = " ".join(world.command(["run", "w.py"]))
    result = world.run_command(["bash", "-c", f"{words} 2>/dev/null | head -1; echo ${{PIPESTATUS[0]}}"],
                               cwd=box.directory)
    assert result.stdout.splitlines()[0] == "y" * 1000
    assert int(result.stdout.splitlines()[1]) != 0


def test_closed_descriptors(box, world):
    box.write("w.py", """
        import os
        for fd in (0, 1, 2):
            try:
                os.fstat(fd)
                os.write(2, b"%d open\\n" % fd) if fd == 2 else None
            except OSError:
                pass
        raise SystemExit(5)
    """)
    words = " ".join(world.command(["run", "w.py"]))
    for closed in ("<&-", ">&-", "<&- >&-", "<&- >&- 2>&-"):
        result = world.run_command(["sh", "-c", f"{words} {closed}"], cwd=box.directory)
        assert result.status == 5, str(result)


def test_files_as_stdio(box, world):
    box.write("w.py", "import sys\nprint(sys.stdin.read().strip() + ' seen')\n")
    box.write("in.txt", "input\n")
    words = " ".join(world.command(["run", "w.py"]))
    world.run_command(["sh", "-c", f"{words} <in.txt >out.txt"], cwd=box.directory)
    assert (box.directory / "out.txt").read_text() == "input seen\n"


def test_standard_error_can_be_reopened(box):
    out, _ = box.json(code="""
        for name in ("/dev/stdout", "/dev/stderr", "/proc/self/fd/1"):
            out[name] = attempt(open, name, "w")
        out["/dev/stdin"] = attempt(open, "/dev/stdin")
    """, stdin="x")
    assert set(out.values()) == {"ok"}, out


# ---- at a terminal ----

def test_terminal_is_a_terminal(box, terminal):
    box.write("w.py", """
        import os, sys
        print("TTY", [os.isatty(fd) for fd in (0, 1, 2)], tuple(os.get_terminal_size()),
              os.path.exists(os.ttyname(0)), open("/dev/tty", "w").isatty())
    """)
    one = terminal(["run", "w.py"], rows=33, columns=77)
    one.expect("TTY [True, True, True] (77, 33) True True")
    assert one.wait() == 0


def test_window_size_changes(box, terminal):
    box.write("w.py", """
        import os, signal
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])
        print("READY", flush=True)
        signal.sigwait([signal.SIGWINCH])
        print("SIZE", tuple(os.get_terminal_size()), flush=True)
    """)
    one = terminal(["run", "w.py"])
    one.expect("READY")
    one.resize(50, 111)
    one.expect("SIZE (111, 50)")
    assert one.wait() == 0


def test_control_c(box, terminal):
    box.write("w.py", """
        import time
        try:
            print("READY", flush=True)
            # One that comes between Python's last look and its sleep is taken after the sleep.
            while True:
                time.sleep(0.05)
        except KeyboardInterrupt:
            print("INTERRUPTED", flush=True)
            raise SystemExit(9)
    """)
    one = terminal(["run", "w.py"])
    one.expect("READY")
    one.type("\x03")
    one.expect("INTERRUPTED")
    assert one.wait() == 9


def test_control_c_ends_what_does_not_care(box, terminal):
    box.write("w.py", """
        import signal, time
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        print("READY", flush=True)
        time.sleep(20)
    """)
    one = terminal(["run", "w.py"])
    one.expect("READY")
    one.type("\x03")
    assert one.wait() == 128 + signal.SIGINT


def status_of(pid, field):
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(line.split()[1] for line in text.splitlines() if line.startswith(f"{field}:"))


def has_interrupt(pid, field):
    return int(status_of(pid, field), 16) >> (signal.SIGINT - 1) & 1 == 1


def children_of(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()


def hold_init(one):
    """Stops init before there is a worker, and the supervisor in its main loop: init, or None if it was too quick."""
    inits = wait_for(lambda: [int(pid) for pid in children_of(one.pid) if status_of(pid, "Name") == "buntime-init"],
                     60)
    os.kill(inits[0], signal.SIGSTOP)
    wait_for(lambda: status_of(inits[0], "State") == "T", 60)
    if children_of(inits[0]):
        return None
    wait_for(lambda: has_interrupt(one.pid, "SigBlk") and status_of(one.pid, "State") == "S", 60)
    os.kill(one.pid, signal.SIGSTOP)
    wait_for(lambda: status_of(one.pid, "State") == "T", 60)
    return inits[0]


def test_control_c_before_there_is_a_program(box, terminal):
    """Init, a pid 1, ignores it, and the worker is not yet there: who looks for both has to take it."""
    box.write("w.py", "import time; time.sleep(600)\n")
    init = None
    while init is None:
        # In every pass: without namespaces init is no pid 1.
        one = terminal(["--tier=namespaces", "run", "w.py"])
        init = hold_init(one)
    one.type("\x03")
    wait_for(lambda: has_interrupt(one.pid, "ShdPnd"), 60)
    os.kill(init, signal.SIGCONT)
    wait_for(lambda: children_of(init), 60)
    os.kill(one.pid, signal.SIGCONT)
    assert one.wait() == 128 + signal.SIGINT


def readers_are_stopped(session):
    """Are all of python's processes at this terminal?"""
    fields = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, rest = path.read_text(encoding="utf-8").rsplit(")", 1)
            fields.append((name.split("(", 1)[1], *rest.split()))
    states = [state for name, state, _, _, sid, *_ in fields
              if name.startswith("python") and int(sid) == session]
    assert states
    return set(states) == {"T"}


def test_control_z_and_back(box, terminal, world):
    box.write("w.py", """
        import time
        print("READY", flush=True)
        input()
        print("CONTINUED", flush=True)
    """)
    words = " ".join(world.command(["run", "w.py"]))
    one = terminal(["bash", "--norc", "--noprofile", "-i"], shell=True)
    one.type(f"PS1='prompt'; set -m; {words}\n")
    one.expect("READY")
    one.type("\x1a")
    one.expect("Stopped")
    one.expect("prompt")
    # The shell saw buntime stop. A program that still has to read would take what is typed.
    wait_for(lambda: readers_are_stopped(one.pid))
    one.type("echo still=$((1 + 1))\n")
    one.expect("still=2")
    one.type("fg\n")
    one.expect("w.py")
    one.type("\n")
    one.expect("CONTINUED")
    one.expect("prompt")  # what is typed before buntime has ended is thrown away
    one.type("exit\n")
    assert one.wait() == 0


def test_terminal_settings_are_put_back(box, terminal, world):
    box.write("w.py", """
        import os, termios, tty
        tty.setraw(0)
        os.write(1, b"RAW\\n")
    """)
    words = " ".join(world.command(["run", "w.py"]))
    one = terminal(["sh", "-c", f"stty -g; {words}; stty -g; echo END"], shell=True)
    shown = one.expect("END").replace("\r", "")
    lines = [line for line in shown.splitlines() if line.count(":") > 10]
    assert len(lines) == 2 and lines[0] == lines[1], shown
    assert one.wait() == 0


def test_nothing_can_be_typed_for_the_caller(box, terminal):
    box.write("w.py", """
        import errno, fcntl, os, termios
        for name, request in (("TIOCSTI", termios.TIOCSTI), ("TIOCLINUX", 0x541C),
                              ("TIOCSETD", 0x5423), ("high", 0x100000000 | termios.TIOCSTI)):
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            status = libc.ioctl(0, ctypes.c_ulong(request), ctypes.c_char_p(b"x"))
            print(name, status, errno.errorcode.get(ctypes.get_errno()), flush=True)
        print("DONE", flush=True)
    """)
    one = terminal(["run", "w.py"])
    shown = one.expect("DONE")
    for name in ("TIOCSTI", "TIOCLINUX", "TIOCSETD", "high"):
        assert f"{name} -1 EPERM" in shown, shown


def test_typed_ahead_is_thrown_away(box, terminal, world):
    """What a worker leaves in the terminal's input is no command for the shell behind."""
    box.write("w.py", """
        print("READY", flush=True)
        input()
    """)
    words = " ".join(world.command(["run", "w.py"]))
    one = terminal(["bash", "-c", f"{words}; read -t 0.3 x; echo LEFT=[$x]"], shell=True)
    one.expect("READY")
    one.type("go\nrm -rf x\n")
    one.expect("LEFT=[")
    rest = one.expect("]")
    assert rest.strip("\r\n") == "]", rest
    assert one.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_signals_to_the_supervisor_reach_the_worker(box, number):
    code = f"""
        import os, signal, time
        def caught(number, frame):
            os.write(1, b"CAUGHT %d\\n" % number)  # print() is not reentrant
            os._exit(3)
        signal.signal({int(number)}, caught)
        os.write(1, b"READY\\n")
        while True:  # a signal just before it sleeps is seen after that
            time.sleep(0.05)
    """
    with box.spawn(code=code) as process:
        assert process.stdout.readline() == b"READY\n"
        process.send_signal(number)
        assert process.stdout.readline() == b"CAUGHT %d\n" % number
        wait_for(lambda: process.poll() is not None)
        assert process.returncode == 3


@pytest.mark.parametrize("prefix, ignored", [("trap '' HUP; ", True), ("", False)])
def test_an_ignored_signal_stays_ignored(box, world, prefix, ignored):
    """As nohup needs it; SIGPIPE is nobody's choice, so a pipeline's end is told."""
    box.write("w.sh", "grep '^Sig[IC]' /proc/self/status\n")
    words = " ".join(world.command(["--allow-run", "--allow-read=.", "run", "/bin/sh", "w.sh"]))
    result = world.run_command(
        ["python3", "-c", "import os, signal, sys\n"
         "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
         "signal.signal(signal.SIGPIPE, signal.SIG_IGN)\n"
         "os.execvp('sh', ['sh', '-c', sys.argv[1]])", prefix + words], cwd=box.directory)
    assert result.status == 0, str(result)
    mask = int(dict(line.split(":\t") for line in result.stdout.splitlines())["SigIgn"], 16)
    assert bool(mask & 1 << signal.SIGHUP - 1) == ignored
    assert not mask & 1 << signal.SIGPIPE - 1
