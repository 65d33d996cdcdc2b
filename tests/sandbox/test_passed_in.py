# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program has in common with its caller: the process group, and owners of passed-in descriptors."""

import fcntl
import os
import signal
import socket
import subprocess

import pytest

KINDS = [("namespaces", False), ("namespaces", True), ("landlock", False), ("landlock", True)]


@pytest.fixture(params=KINDS, ids=["namespaces", "namespaces older", "landlock", "landlock older"])
def tier(request, world):
    """Each tier, on this kernel and as on Linux 6.1."""
    name, older = request.param
    before = world.older
    if older:
        world.make_older(2)
    yield f"--tier={name}"
    world.older = before


# A child stops in a group whose only tie to the session is its parent, which goes elsewhere and ends:
# the kernel sends SIGHUP to all of that group.
HANG_UP = """
    import errno, os, signal
    def attempt(*args):
        try:
            os.setpgid(*args)
            return "done"
        except OSError as error:
            return errno.errorcode[error.errno]
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    group = os.getsid(0)
    ready, tell = os.pipe()
    middle = os.fork()
    if middle == 0:
        last = os.fork()
        if last == 0:
            joined = attempt(0, group) if JOIN else "stayed"
            os.write(tell, f"child {joined}\\n".encode())
            os.kill(os.getpid(), signal.SIGSTOP)
            os._exit(0)
        os.waitpid(last, os.WUNTRACED)
        os.write(tell, f"parent {attempt(0, 0)}\\n".encode())
        os._exit(0)
    os.waitpid(middle, 0)
    print(os.read(ready, 4096).decode(), flush=True)
"""


def test_the_callers_group_is_not_hung_up(box, world, tier):
    """As under cron or in a service: nobody above the group is of its session."""
    box.write("w.py", HANG_UP.replace("JOIN", "False"))
    words = " ".join(world.command([tier, "run", "w.py"]))
    result = world.run_command(["sh", "-c", f"{words}; echo after $?"], cwd=box.directory,
                               start_new_session=True)
    assert result.stdout == "child stayed\nparent EPERM\n\nafter 0\n", str(result)


@pytest.mark.parametrize("name", ["namespaces", "landlock"])
def test_the_shells_group_is_not_hung_up(box, world, terminal, name):
    """A shell's own group is its session's number. That of a session outside is 0 in namespaces."""
    box.write("w.py", HANG_UP.replace("JOIN", "True"))
    words = " ".join(world.command([f"--tier={name}", "run", "w.py"]))
    one = terminal(["bash", "--norc", "--noprofile", "-i"], shell=True)
    one.type(f"PS1='prompt'; set -m; {words}; echo after $((1 + 1))\n")
    shown = one.expect("after 2")
    assert ("child done" if name == "namespaces" else "child EPERM") in shown
    one.type("echo still $((1 + 1))\n")
    one.expect("still 2")


def test_groups_of_its_own(box, world):
    """Who has no children yet may leave, as shells and their children do; by what is its own all is free."""
    out, result = box.json("--tier=namespaces", "--allow-run=/usr/bin/sleep", code="""
        import threading
        def at_once(*args):
            child = os.fork()
            if child == 0:
                os._exit(0 if attempt(os.setpgid, *args) == "ok" else 1)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out["own"] = at_once(0, 0)
        out["popen"] = subprocess.Popen(["/usr/bin/sleep", "0"], process_group=0).wait()

        ready, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.read(ready, 1)
            os.setpgid(0, 0)
            grandchild = os.fork()
            if grandchild == 0:
                os.setpgid(0, 0)
                time.sleep(600)
            late = attempt(os.setpgid, grandchild, 0)
            back = attempt(os.setpgid, 0, os.getpid())
            os.kill(grandchild, 9)
            os._exit(0 if late == back == "ok" else 1)
        out["by its parent"] = attempt(os.setpgid, child, 0)
        out["with a child"] = attempt(os.setpgid, 0, 0)
        os.write(tell, b"x")
        out["later"] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        thread = threading.Thread(target=os.read, args=(ready, 1))
        thread.start()
        out["with a thread"] = attempt(os.setpgid, 0, 0)
        os.write(tell, b"x")
        thread.join()
    """)
    assert out == {"own": 0, "popen": 0, "by its parent": "EACCES", "with a child": "EPERM", "later": 0,
                   "with a thread": "EPERM"}, str(result)


def test_a_shell_has_job_control(box, world, terminal):
    one = terminal(["--tier=namespaces", "--allow-run", "run", "/bin/bash", "--norc", "--noprofile", "-i"])
    one.type("PS1='prompt'; echo begin $((1 + 1)); sleep 600 | sleep 600 &\n")
    shown = one.expect("begin 2") + one.expect("[1]")
    one.type("kill %1; wait; echo end $((1 + 1))\n")
    shown += one.expect("end 2")
    # Its jobs are the foreground in turn, and it is again when they have ended or stopped.
    one.type("sleep 0 | sleep 0; sh -c 'kill -STOP $$'; echo back $((1 + 1))\n")
    shown += one.expect("back 2")
    # A job that is stopped makes it ask once.
    one.type("exit 7\nexit 7\n")
    assert "job control" not in shown and "setpgid" not in shown and one.wait() == 7


# ---- descriptors that have an owner ----

@pytest.mark.parametrize("telling", [False, True], ids=["silent", "telling"])
def test_an_owner_outside_is_not_signalled(box, world, tier, telling):
    """The kernel sends a descriptor's owner what was chosen for it, whoever chose."""
    box.write("w.py", """
        import errno, fcntl, os, signal
        def attempt(*args):
            try:
                fcntl.fcntl(*args)
                return "done"
            except OSError as error:
                return errno.errorcode[error.errno]
        print(attempt(0, 10, signal.SIGKILL), attempt(0, fcntl.F_SETFL, os.O_RDWR | os.O_ASYNC), flush=True)
        os.read(0, 1)
    """)
    ours, theirs = socket.socketpair()
    owner = subprocess.Popen(["sleep", "600"], preexec_fn=lambda: signal.signal(signal.SIGIO, signal.SIG_IGN)
                             if telling else None)
    with ours, theirs:
        fcntl.fcntl(theirs, fcntl.F_SETOWN, owner.pid)
        if telling:
            fcntl.fcntl(theirs, fcntl.F_SETFL, os.O_ASYNC)
        with world.spawn([tier, "run", "w.py"], cwd=box.directory, stdin=theirs) as process:
            assert process.stdout.readline() == b"EPERM EPERM\n"
            ours.send(b"x")
            assert process.wait() == 0
    alive = owner.poll() is None
    owner.kill()
    owner.wait()
    assert alive


@pytest.mark.parametrize("name", ["namespaces", "landlock"])
def test_a_terminal_is_given_back_at_a_shell(box, world, terminal, name):
    """Had it made the shell the foreground itself, this would seem to be another job's terminal by now."""
    box.write("w.py", """
        import errno, fcntl, os, signal, struct, termios
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        settings = termios.tcgetattr(0)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(0, termios.TCSANOW, settings)
        fcntl.ioctl(0, termios.TIOCEXCL)
        try:
            fcntl.ioctl(0, termios.TIOCSPGRP, struct.pack("i", os.getsid(0)))
            print("given", flush=True)
        except OSError as error:
            print("refused", errno.errorcode[error.errno], flush=True)
        termios.tcflow(0, termios.TCOOFF)
    """)
    words = " ".join(world.command([f"--tier={name}", "run", "w.py"]))
    one = terminal(["bash", "--norc", "--noprofile", "-i"], shell=True)
    one.type(f"PS1='prompt'; set -m; {words}\n")
    one.expect("refused")
    one.expect("prompt")
    one.type("(: </dev/tty) && echo opened $((1 + 1)); stty\n")
    one.expect("opened 2")
    one.type("echo end $((1 + 1))\n")
    shown = one.expect("end 2")
    assert "-echo " not in shown + " ", shown


# ---- files ----

def test_a_file_to_read_is_not_cut(box, world, tier):
    """By its name in /proc: it is on a mount of the host's, and Landlock before Linux 6.2 does not mind."""
    kept = box.write("kept.txt", "kept\n")
    box.write("w.py", """
        import ctypes, os, sys
        libc = ctypes.CDLL(None)
        def attempt(function, *args):
            try:
                function(*args)
            except OSError:
                pass
        for name in ("/proc/self/fd/0", "/dev/stdin", "/dev/fd/0", f"/proc/{os.getpid()}/fd/0"):
            for mode in range(4):
                for more in (os.O_TRUNC, os.O_TRUNC | os.O_CREAT):
                    attempt(os.open, name, mode | more)
            attempt(os.truncate, name, 0)
            libc.creat(name.encode(), 0o600)
        print("done")
    """)
    with open(kept, encoding="utf-8") as file:
        done = subprocess.run(world.command([tier, "run", "w.py"]), stdin=file, capture_output=True, text=True,
                              cwd=box.directory, env=world.environment(), timeout=60, check=False)
    assert done.stdout == "done\n", done.stderr
    assert kept.read_text(encoding="utf-8") == "kept\n", done.stderr


def test_a_terminal_is_not_taken_from_the_background(box, world, terminal):
    """What is typed at the shell is not the job's that runs beside it; a terminal of its own is."""
    box.write("w.py", """
        import errno, fcntl, os, pty, signal, struct, termios
        def take(fd):
            try:
                fcntl.ioctl(fd, termios.TIOCSPGRP, struct.pack("i", os.getpgrp()))
                return "TAKEN"
            except OSError as error:
                return errno.errorcode[error.errno]
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
        os.setpgid(0, 0)
        master, slave = pty.openpty()
        if os.fork() == 0:
            os.setsid()
            os.write(slave, take(os.open(os.ttyname(slave), os.O_RDWR)).encode())
            os._exit(0)
        print("own", os.read(master, 5).decode(), "other", take(0), flush=True)
        try:
            print("READ", os.read(0, 100))
        except OSError as error:
            print("NOTHING", errno.errorcode[error.errno])
    """)
    words = " ".join(world.command(["--tier=namespaces", "run", "w.py"]))
    one = terminal(["bash", "--norc", "--noprofile", "-i"], shell=True)
    one.type(f"PS1='prompt'; set -m; {words} & wait -n; echo end $((1 + 1))\n")
    shown = one.expect("end 2")
    assert "own TAKEN other EPERM" in shown and "NOTHING EIO" in shown, shown
    # In the foreground it may.
    one.type(f"{words}\n")
    one.expect("own TAKEN other TAKEN")
    one.type("x\n")
    one.expect("READ b'x\\n'")
    one.expect("prompt")
    one.type("echo end $((1 + 1))\n")
    one.expect("end 2")
