# SPDX-License-Identifier: LGPL-2.1-or-later
"""`buntime run --interactive`: by a pipe, and at a terminal."""

import os
import pty
import resource
import signal
import subprocess
import termios
import textwrap
import time
from pathlib import Path

import pytest

from tier import UNSEEN_TEXT, without_announcement
from world import below, processes, wait_for


@pytest.fixture
def repl(world, box):
    def run(text, *flags, **kwargs):
        kwargs.setdefault("cwd", box.directory)
        return world.run([*flags, "--interactive"], stdin=textwrap.dedent(text).lstrip("\n"), **kwargs)
    return run


def test_python(repl):
    result = repl("""
        1 + 1
        x = 20
        x + 1

        def f(a):
            return (a +
                    1)

        f(x)
        for i in range(2):
            print(i)
        f(
            5)
        if x:
            'yes'
        else:
            'no'
        'text'
        import sys; print("err", file=sys.stderr)
        '''two
        lines'''
    """)
    assert (result.status, result.stdout, result.stderr) == \
        (0, "2\n21\n21\n0\n1\n6\n'text'\n'two\\nlines'\n", "err\n"), str(result)


def test_statuses(repl):
    assert repl("1").status == 0                      # no newline at its end
    assert repl("").status == 0
    assert repl("1/0\n2\n").status == 0               # of the last
    failed = repl("2\n1/0\n")
    assert failed.status == 1 and failed.stdout == "2\n"
    assert failed.stderr == ('Traceback (most recent call last):\n  File "<code 2>", line 1, in <module>\n'
                             "    1/0\n    ~^~\nZeroDivisionError: division by zero\n")
    left = repl("exit(3)\n1\n")
    assert (left.status, left.stdout, left.stderr) == (3, "", "")
    reason = repl("raise SystemExit('a reason')\n")
    assert (reason.status, reason.stderr) == (1, "a reason\n")
    assert repl("import sys; sys.exit()\n1/0\n").status == 0
    unfinished = repl("f(1,\n")
    assert unfinished.status == 1 and "was never closed" in unfinished.stderr
    ended = repl("import os; os._exit(9)\n1\n")
    assert ended.status == 9 and ended.stderr.endswith("buntime: the interpreter ended, with status 9\n")
    assert repl("import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n").status == 137
    assert repl("(1\n)\nx = 1\nx\n").stdout == "1\n1\n"


def test_bun(repl, bun):
    result = repl("""
        1 + 1
        const x: number = 20; undefined
        function f(a: number) {

          return a + 1
        }
        f(x)
        `two
        lines`
        (await import("node:path")).join("a", "b")
        console.error("err")
        'abc
        null.x
    """, "--worker=bun", env=bun)
    assert result.stdout == "2\n21\n'two\\nlines'\n'a/b'\n", str(result)
    assert result.stderr.startswith("err\nSyntaxError: Unterminated string literal (line 1, column 1)\n")
    assert "TypeError: null is not an object" in result.stderr and result.status == 1
    assert repl("process.exit(4)\n1\n", "--worker=bun", env=bun).status == 4


def test_permissions(repl, box, world):
    box.write("shown.txt", "shown")
    text = "open('shown.txt').read()\nopen('new.txt', 'w')\nimport os\nos.environ.get('A')\n" \
           "import subprocess; subprocess.run(['/usr/bin/id']).returncode\n"
    denied = repl(text, env={"A": "1"})
    assert denied.stdout == "" and denied.stderr.count(f"{UNSEEN_TEXT}: 'shown.txt'") == 1, str(denied)
    assert len(denied.denied("run", "/usr/bin/id")) == 1 and denied.denied("run")[0].allow
    assert len(denied.denied("write", "new.txt")) == 1
    allowed = repl(text, "--allow-read=shown.txt", "--allow-env=A", "--allow-run=/usr/bin/id",
                   "--allow-write=new.txt", env={"A": "1"})
    assert "'shown'\n" in allowed.stdout and "'1'\n" in allowed.stdout and "uid=" in allowed.stdout
    assert allowed.events == [] and (box.directory / "new.txt").exists()
    quiet = repl(text, "-q", env={"A": "1"})
    assert quiet.events == []
    assert "permissions from the environment: POD_ALLOW_ENV" in \
        repl("import os; os.environ.get('A')\n", "-q", env={"A": "1", "POD_ALLOW_ENV": "A"}).stderr


def test_flags(repl, box, world):
    for flags, status, text in [
            (["--json-status-fd=1"], 2, "not with --interactive"), (["--no-sandbox"], 2, "not with --interactive"),
            (["--worker=exec"], 2, "only Python and Bun take code"),
            (["--policy=nothing-of-that-name"], 125, "policy"), (["--wurker=bun"], 2, "--worker")]:
        result = repl("1\n", *flags)
        assert result.status == status and text in result.stderr and result.stdout == "", str(result)
    named = world.run(["run", "--interactive", "w.py"])
    assert named.status == 2 and "no program is run with --interactive" in named.stderr
    assert world.run(["-i", "--help"]).stdout.startswith("usage")
    assert world.run(["-qi"], stdin="1\n").stdout == "1\n"
    box.write("p.json", '{"version": 1, "env": {"set": {"SET": "by the file"}}}')
    assert repl("import os\nos.environ['SET']\n", "--policy=./p.json").stdout == "'by the file'\n"
    limited = repl("while True: pass\n", "--timeout=1s")
    assert limited.status == 124, str(limited)


def test_terminal(terminal):
    one = terminal(["run", "--interactive"])
    one.expect(">>> ")
    one.type("1 + 1\n")
    one.expect("2\r\n>>> ")
    one.type("def f(x):\n")
    one.expect("... ")
    one.type("    return x\n")
    one.expect("... ")
    one.type("\n")
    one.expect(">>> ")
    one.type("f(5)\n")
    one.expect("5\r\n>>> ")
    # Ctrl-C drops what is typed.
    one.type("f(")
    one.type("\x03")
    one.expect(">>> ")
    one.type("(1,\n")
    one.expect("... ")
    one.type("\x03")
    one.expect(">>> ")
    # ... and ends code, whose names stay.
    one.type("kept = 7; print('be' + 'gun'); exec('while True: pass')\n")
    one.expect("begun")
    one.type("\x03")
    assert "KeyboardInterrupt" in one.expect(">>> ")
    one.type("kept\n")
    one.expect("7\r\n>>> ")
    one.type("exec('while True: print(1)')\n")
    one.expect("1\r\n1\r\n")
    one.type("\x03")
    assert "KeyboardInterrupt" in one.expect(">>> ")
    # Output while it runs.
    one.type("import time; print('no' + 'w'); time.sleep(100)\n")
    one.expect("now")
    one.type("\x03")
    one.expect(">>> ")
    one.type("\x04")
    assert one.wait() == 0


def test_what_was_typed_before_an_interrupt_is_not_waited_for(terminal):
    """The terminal drops it, also when the program was told of it and has not read it yet."""
    one = terminal(["run", "--interactive"])
    one.expect(">>> ")
    for _ in range(1500):
        one.type("f(")
        one.type("\x03")
        one.expect(">>> ")



def test_editing(terminal):
    """Lines are edited, and those before are at hand."""
    one = terminal(["run", "--interactive"])
    one.expect(">>> ")
    one.type("10 + 1\n")
    one.expect("11\r\n")
    one.expect(">>> ")
    one.type("\x1b[A\x1b[D2\n")      # up, left: 10 + 21
    one.expect("31\r\n")
    one.expect(">>> ")
    one.type("unfinished")
    one.expect("unfinished")
    one.type("\x03")
    one.expect(">>> ")
    one.type("5 * 5\n")
    one.expect("25\r\n")
    one.expect(">>> ")
    # At once, and while code runs.
    one.type("import time; time.sleep(0.3)\n30 + 3\n40 + 4\n\"gr\u00fc\u00df\"[2:]\n")
    one.expect("\r\n33\r\n")
    one.expect("\r\n44\r\n")
    one.expect("'\u00fc\u00df'\r\n")
    one.expect(">>> ")
    modes = termios.tcgetattr(one.fd)
    assert not modes[3] & termios.ECHO  # by the editor
    os.kill(one.pid, signal.SIGTERM)
    assert one.wait() == 128 + signal.SIGTERM
    assert termios.tcgetattr(one.fd)[3] & termios.ECHO


def was_interrupted(pid):
    """Has the interpreter below been sent a signal that it has blocked?"""
    for interpreter in below(pid, "python3"):
        status = Path(f"/proc/{interpreter}/status").read_text(encoding="ascii")
        if int(status.split("\nShdPnd:")[1].split()[0], 16) & 1 << signal.SIGINT - 1:
            return True
    return False


def test_a_third_interrupt(terminal):
    """Code that takes no notice of them is ended with its interpreter, and there is another one."""
    one = terminal(["run", "--interactive"])
    one.expect(">>> ")
    one.type("kept = 7\n")
    one.expect(">>> ")
    one.type("import signal; x = signal.pthread_sigmask(signal.SIG_BLOCK, [2]); print('be' + 'gun')\n")
    one.expect("begun\r\n>>> ")
    one.type("print('go' + 'es'); exec('while True: pass')\n")
    one.expect("goes")
    one.type("\x03")
    wait_for(lambda: was_interrupted(one.pid))  # two at once would be one
    one.type("\x03")
    one.expect("once more ends the interpreter")
    one.type("\x03")
    one.expect("with it what it knew")
    one.expect(">>> ")
    one.type("kept\n")
    assert "NameError" in one.expect(">>> ")
    one.type("exit(5)\n")
    assert one.wait() == 5


def test_signals(world, box):
    """By a process, where there is no terminal."""
    with world.spawn(["run", "--interactive"], cwd=box.directory) as process:
        process.stdin.write(b"print('begun', flush=True); import time; time.sleep(60)\n'after'\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == b"'after'\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    with world.spawn(["run", "--interactive"], cwd=box.directory) as process:
        process.stdin.write(b"print('begun', flush=True); import time; time.sleep(60)\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == -signal.SIGTERM


def test_nobody_reads(world, box):
    """A reader of its output that has gone is its end, and nothing is left."""
    with world.spawn(["run", "--interactive"], cwd=box.directory) as process:
        process.stdin.write(b"while True: print('x' * 1000)\n\n")
        process.stdin.flush()
        assert process.stdout.read(10) == b"x" * 10
        process.stdout.close()
        assert process.wait(20) == 128 + signal.SIGPIPE


def test_hostile_answers(repl):
    """What the interpreter says of lines is its own word: whatever it is, the user goes on."""
    result = repl("""
        import buntime; c = buntime.channel()
        x = c.handler("buntime.complete")(lambda source: "nonsense")
        1 + 1
        x = c.handler("buntime.complete")(lambda source: 1 / 0)
        2 + 1
        x = c.handler("buntime.complete")(lambda source: 2)
        3 + 1
        x = c.handler("buntime.complete")(lambda source: 0)
        4 + 1
    """)
    assert result.stdout.splitlines() == ["2", "3", "4", "5"] and result.status == 0, str(result)


# ---- ends ----

def test_what_is_open(repl, box, bun):
    """At its end the interpreter ends as by itself: files are written, handlers run."""
    text = """
        import atexit, threading, time
        x = atexit.register(print, "bye")
        f = open("new.txt", "w")
        x = f.write("data")
        threading.Thread(target=lambda: (time.sleep(0.2), print("late"))).start()
    """
    result = repl(text, "--allow-write=.")
    assert (result.status, result.stdout, result.stderr) == (0, "late\nbye\n", ""), str(result)
    assert (box.directory / "new.txt").read_text(encoding="utf-8") == "data"
    left = repl("import atexit; x = atexit.register(print, 'bye')\nexit(3)\n")
    assert (left.status, left.stdout) == (3, "bye\n"), str(left)
    told = repl("process.on('exit', () => console.log('bye')); undefined\n", "--worker=bun", env=bun)
    assert (told.status, told.stdout) == (0, "bye\n"), str(told)


def test_an_end_that_does_not_come(world, box):
    """... which an interrupt cuts short."""
    with world.spawn(["run", "--interactive"], cwd=box.directory) as process:
        process.stdin.write(b"import atexit, time; x = atexit.register(lambda: (print('begun'), time.sleep(100)))\n")
        process.stdin.close()
        process.stdin = None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(8) == 0


def test_output_over_the_limit(repl):
    """Nor is it a success if all was read before it was seen: on one CPU that is so each sixth time."""
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})
    try:
        results = [repl("1\nprint('x' * 3000)\n5\n", "--max-output=1K") for _ in range(6)]
    finally:
        os.sched_setaffinity(0, cpus)
    for result in results:
        assert result.status == 137 and "limit output" in result.stderr, str(result)


def test_a_broken_channel(repl):
    """Why the interpreter was ended is told."""
    result = repl("import buntime, os, time; os.write(buntime.channel().control_fileno(), b'{'); time.sleep(9)\n")
    assert result.status == 137 and "broke the channel's protocol" in result.stderr, str(result)


def test_code_too_large(repl):
    """What cannot be sent is told, and the next line is run."""
    result = repl(f"x = '{'a' * (65 << 20)}'\n6 * 7\n")
    assert result.status == 0 and result.stdout == "42\n" and "more than 64 MiB" in result.stderr, str(result)[:2000]


def test_no_other_interpreter(world, box):
    """One that cannot be started again is the end."""
    with world.spawn(["run", "--interactive"], cwd=box.directory) as process:
        process.stdin.write(b"import signal; x = signal.pthread_sigmask(signal.SIG_BLOCK, [2]); "
                            b"print('begun', flush=True); exec('while True: pass')\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"begun\n"
        # As many as there are: fewer, and it could not wait for them.
        open_files = len(os.listdir(f"/proc/{process.pid}/fd"))
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (open_files, open_files))
        process.send_signal(signal.SIGINT)
        wait_for(lambda: was_interrupted(process.pid))  # two at once would be one
        process.send_signal(signal.SIGINT)
        lines = iter(process.stderr.readline, b"")
        assert b"once more ends the interpreter" in next(filter(None, map(without_announcement, lines)))
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 125
        told = process.stderr.read().decode()
        assert "Too many open files" in told and "CRITICAL" not in told, told


# ---- who reads and writes ----

def test_standard_output_that_does_not_wait(world, box):
    """Whoever shares it may have made it so."""
    end, begin = os.pipe()
    os.set_blocking(begin, False)
    with world.spawn(["run", "--interactive"], cwd=box.directory, stdout=begin) as process:
        os.close(begin)
        process.stdin.write(b"print('x' * 1000000)\n2\n")
        process.stdin.close()
        process.stdin = None
        time.sleep(0.5)
        with open(end, "rb") as file:
            assert file.read() == b"x" * 1000000 + b"\n2\n"
        assert process.wait(20) == 0


def test_nobody_reads_yet(world, box):
    """A signal ends it where it waits for its reader."""
    with world.spawn(["run", "--interactive"], cwd=box.directory) as process:
        process.stdin.write(b"print('x' * 1000000)\n")
        process.stdin.flush()
        assert process.stdout.read(1) == b"x"
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(8) == -signal.SIGTERM


def test_much_input(world, box):
    """What was run is not kept."""
    path = box.directory / "in.txt"
    path.write_bytes((b" " * 65000 + b"\n") * 1000 + b"2\n")
    with open(path, "rb") as file, \
            world.spawn(["run", "--interactive"], cwd=box.directory, stdin=file) as process:
        peak = 0
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            peak = max([peak, *(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)])
            time.sleep(0.002)
        # A sanitizer keeps what was freed.
        assert 0 < peak < (400 if world.sanitized else 40) << 10, f"{peak} KiB"


def test_warnings(repl):
    """Once, when it is run."""
    result = repl("1 is 1\n")
    assert result.stdout == "True\n" and result.stderr.count("SyntaxWarning") == 1, str(result)


# ---- the terminal ----

def test_what_was_typed(world, terminal):
    """What was not read is dropped at the end: it may be what the terminal answered to the worker."""
    one = terminal(["sh", "-c", f"{world.buntime} run --interactive; echo over; read x; echo got:$x."],
                   shell=True)
    one.expect(">>> ")
    one.type("exit()\nevil\n")
    one.expect("over")
    one.type("mine\n")
    one.expect("got:mine.")


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP])
def test_its_modes(terminal, number):
    one = terminal(["run", "--interactive"])
    one.expect(">>> ")
    before = termios.tcgetattr(one.fd)[3]
    assert not before & termios.ECHO  # by the editor
    if number == signal.SIGQUIT:
        one.type("\x1c")
    else:
        os.kill(one.pid, number)
    assert one.wait() == 128 + number
    assert termios.tcgetattr(one.fd)[3] & termios.ECHO


def test_the_terminal_goes(world, box):
    """One that is not told by a signal sees that nobody is there."""
    ours, its = pty.openpty()
    process = subprocess.Popen(world.command(["run", "--interactive"]), cwd=box.directory, stdin=its,
                               stdout=its, stderr=subprocess.PIPE, env=world.environment())
    os.close(its)
    shown = b""
    while b">>> " not in shown:
        shown += os.read(ours, 1000)
    os.close(ours)
    try:
        assert process.wait(8) in (0, 128 + signal.SIGPIPE)
    finally:
        process.kill()
        process.stderr.close()


def test_killed(world, box):
    """By SIGKILL: no process and no file is left."""
    before = set(processes())
    files = sorted(Path("/tmp").glob("*"))
    with world.spawn(["run", "--interactive", "--allow-net"], cwd=box.directory) as process:
        process.stdin.write(b"import os, signal, time; open('/tmp/left', 'w').write('x')\n"
                            b"if os.fork() == 0:\n    os.setsid()\n"
                            b"    for n in (1, 2, 3, 15): signal.signal(n, signal.SIG_IGN)\n"
                            b"    time.sleep(600)\n\nprint('READY')\ntime.sleep(600)\n")
        process.stdin.flush()
        assert b"READY\n" in iter(process.stdout.readline, b"")
        assert len(set(processes()) - before) >= 4
        process.kill()
        process.wait(10)
        wait_for(lambda: set(processes()) <= before, what="the end of every process")
    assert sorted(Path("/tmp").glob("*")) == files
