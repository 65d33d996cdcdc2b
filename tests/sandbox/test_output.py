# SPDX-License-Identifier: LGPL-2.1-or-later
"""--max-output: what is counted, what still comes through, and who waits for whom."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from native import compile_c
from tier import without_announcement
from world import below, wait_for

OVER = "buntime: limit output: more was written: the program is ended"
# Writes argv[1] bytes to stdout and argv[2] to stderr, in writes that fit nothing.
WRITE = """
    import os, sys
    def write(fd, size):
        data = bytes(i % 251 for i in range(3001))
        while size > 0:
            size -= os.write(fd, data[:min(size, len(data))])
    write(1, int(sys.argv[1]))
    write(2, int(sys.argv[2]))
    sys.exit(7)
"""


def pattern(size):
    return (bytes(i % 251 for i in range(3001)) * (size // 3001 + 1))[:size]


@pytest.fixture(name="run")
def fixture_run(box, world):
    """run(flags, args, ...): the completed process, its streams as bytes."""
    def run(flags, args=(), code=WRITE, **kwargs):
        box.write("w.py", code)
        options = {"capture_output": True, "cwd": box.directory, "env": world.environment(),
                   "timeout": 30, "check": False} | kwargs
        done = subprocess.run(world.command([*flags, "run", "w.py", *map(str, args)]), **options)
        done.stdout, done.stderr = map(without_announcement, (done.stdout, done.stderr))
        return done
    return run


def test_less_than_the_limit(run):
    done = run(["--max-output=1M"], [300_000, 200_000])
    assert done.returncode == 7 and done.stdout == pattern(300_000), done.stderr[-500:]
    # What buntime itself says stands behind.
    assert done.stderr.startswith(pattern(200_000)) and OVER.encode() not in done.stderr


@pytest.mark.parametrize("limit,out,err", [(1, 1, 0), (100_000, 70_000, 30_000), (65536, 0, 65536)])
def test_exactly_the_limit(run, limit, out, err):
    done = run([f"--max-output={limit}"], [out, err])
    assert done.returncode == 7 and done.stdout == pattern(out)
    assert done.stderr.startswith(pattern(err)) and OVER.encode() not in done.stderr


@pytest.mark.parametrize("limit,out,err", [
    (1, 2, 0), (100_000, 100_001, 0), (100_000, 70_000, 30_001), (4096, 0, 4097),
    (1 << 20, 9 << 20, 0),
])
def test_more_than_the_limit(run, limit, out, err):
    """However it ended itself meanwhile; which of both pipes is read first nobody promises."""
    done = run([f"--max-output={limit}"], [out, err])
    assert done.returncode == 137, done.stderr[-500:]
    first = len(done.stdout)
    assert limit - err <= first <= min(limit, out) and done.stdout == pattern(first)
    # The event may stand before what was still on its way.
    said = done.stderr
    event = (f"{OVER}\n  rule:  --max-output={limit} (command line)\n").encode()
    assert said.count(event) == 1
    begin = said.index(event)
    assert said[:begin] + said[said.index(b"\n", begin + len(event)) + 1:] == pattern(limit - first)


def test_a_program_without_end(box, world):
    compile_c(world.source / "tests/sandbox/limit.c", box.directory / "limit", "-lpthread")
    reader, writer = os.pipe()
    result = box.run("--max-output=10K", f"--json-status-fd={writer}", "--events=e.jsonl",
                     name="./limit", args=["output"], pass_fds=(writer,))
    os.close(writer)
    assert result.status == 137 and result.stdout == "o" * 10240, result.stderr
    assert result.stderr.count(OVER) == 1 and "  allow: --max-output=20K\n" in result.stderr
    with open(reader, encoding="utf-8") as file:
        assert json.load(file) == {"v": 1, "started": True, "exit": 137, "limit": "output"}
    events = (box.directory / "e.jsonl").read_text(encoding="utf-8").splitlines()
    limits = [event for event in map(json.loads, events) if event["kind"] == "limit"]
    assert len(limits) == 1 and limits[0]["object"] == "output"
    assert limits[0]["rule"]["text"] == "--max-output=10K" and limits[0]["observed"] is False


def test_one_file_keeps_its_order(run):
    done = run(["--max-output=1M"], code="""
        import os
        for number in range(2000):
            os.write(1 + number % 2, b"%d\\n" % number)
    """, capture_output=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.stdout == b"".join(b"%d\n" % number for number in range(2000))


def test_nobody_reads(box):
    """The program waits, the supervisor does not: it still answers, and ends at its time."""
    (box.directory / "w").mkdir()
    with box.spawn("--max-output=100M", "--timeout=6", "--allow-write=w", "--allow-read=w", code="""
        import os, threading
        def write():
            while True:
                os.write(1, b"x" * 65536)
        threading.Thread(target=write, daemon=True).start()
        for number in range(300):
            try:
                open("no", "w")
            except PermissionError:
                pass
        open("w/answered", "w").close()
        threading.Event().wait()
    """) as process:
        wait_for((box.directory / "w/answered").exists, what="an answer")
        assert process.wait(20) == 124


def test_a_slow_reader_gets_everything(box):
    with box.spawn("--max-output=10M", code=WRITE, args=["1500000", "0"]) as process:
        got = b""
        while chunk := os.read(process.stdout.fileno(), 20_000):
            got += chunk
            time.sleep(0.001)
        assert got == pattern(1_500_000) and process.wait(10) == 7


def test_the_reader_goes_away(box, world):
    """As without a limit: the program's next write fails, and nothing waits for it."""
    box.write("w.py", "while True:\n    print('y' * 1000)\n")
    words = " ".join(world.command(["--max-output=1G", "run", "w.py"]))
    result = world.run_command(
        ["bash", "-c", f"{words} 2>/dev/null | head -1; echo ${{PIPESTATUS[0]}}"],
        cwd=box.directory)
    assert result.stdout.splitlines()[0] == "y" * 1000
    assert int(result.stdout.splitlines()[1]) == 1, str(result)


def test_the_reader_goes_away_where_sigpipe_is_ignored(box):
    """As a caller may have it; then the error alone says that nobody reads."""
    reader, writer = os.pipe()
    with box.spawn("--max-output=1G", code="while True:\n    print('y' * 1000)\n", stdout=writer,
                   restore_signals=False,
                   preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN)) as process:
        os.close(writer)
        os.read(reader, 10)
        os.close(reader)
        assert process.wait(10) == 1


def test_a_signal_ends_waiting_for_the_reader(box):
    with box.spawn("--max-output=10M", code="import os\nos.write(1, b'x' * 100000)\n"
                   "open('/dev/stderr', 'w').write('DONE\\n')\n") as process:
        lines = iter(process.stderr.readline, b"")
        assert next(filter(None, map(without_announcement, lines))) == b"DONE\n"
        # Which the supervisor has heard of when it has reaped what it started.
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        wait_for(lambda: children.read_text(encoding="ascii") == "", what="the end of the program")
        assert process.poll() is None
        process.terminate()
        assert process.wait(20) == 0


@pytest.mark.parametrize("whole_group", [False, True])
def test_a_signal_at_the_same_time_as_the_end(box, whole_group):
    """It ends waiting for the reader, too; but not where the program was meant, and ended by it."""
    with box.spawn("--max-output=10M", code="import os, time\nos.write(1, b'x' * 100000)\n"
                   f"open('/dev/stderr', 'w').write('DONE\\n')\ntime.sleep({600 * whole_group})\n") as process:
        lines = iter(process.stderr.readline, b"")
        assert next(filter(None, map(without_announcement, lines))) == b"DONE\n"
        process.send_signal(signal.SIGSTOP)
        if whole_group:
            for pid in below(process.pid, "w.py"):
                os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not below(process.pid, ""), what="the end of the program")
        process.terminate()
        process.send_signal(signal.SIGCONT)
        if whole_group:
            assert process.stdout.read(100_000) == b"x" * 100_000
        assert process.wait(20) == (128 + signal.SIGTERM if whole_group else 0)


def test_a_pipe_that_a_host_process_got_hold_of(box):
    """Its end is not waited for, and what it writes later goes nowhere."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(box.directory / "service"))
        listener.listen()
        with box.spawn("--max-output=1M", "--allow-unix=service", code="""
            import socket
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect("service")
                socket.send_fds(sock, [b"x"], [1])
                sock.recv(1)
            print("last words", flush=True)
        """) as process:
            connection, _ = listener.accept()
            with connection:
                _, fds, _, _ = socket.recv_fds(connection, 1, 1)
                connection.send(b"y")
                assert process.wait(10) == 0
                assert process.stdout.read() == b"last words\n"
                with pytest.raises(BrokenPipeError):
                    os.write(fds[0], b"later")
                os.close(fds[0])


def test_files_sockets_and_nothing(box, run, world):
    target = box.write("log.txt", "before\n")
    with open(target, "ab") as file:
        assert run(["--max-output=1M"], [5, 0], capture_output=False, stdout=file,
                   stderr=subprocess.DEVNULL).returncode == 7
    assert target.read_bytes() == b"before\n" + pattern(5)
    ours, theirs = socket.socketpair()
    assert run(["--max-output=1M"], [50_000, 0], capture_output=False, stdout=theirs,
               stderr=subprocess.DEVNULL).returncode == 7
    theirs.close()
    with ours.makefile("rb") as file:
        assert file.read() == pattern(50_000)
    words = " ".join(world.command(["--max-output=1M", "run", "w.py", "10", "10"]))
    for closed in (">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/full"):
        result = world.run_command(["sh", "-c", f"{words} {closed}"], cwd=box.directory)
        assert result.status in ((7,) if "full" not in closed else (7, 1, 141)), str(result)


def test_at_a_terminal(box, terminal):
    """The output comes; the program sees pipes, and still has its input's terminal."""
    box.write("w.py", "import os, sys\nprint([os.isatty(fd) for fd in (0, 1, 2)], flush=True)\n"
                      "print('GOT', input('NAME? '))\n")
    one = terminal(["--max-output=1M", "run", "w.py"])
    one.expect("[True, False, False]")
    one.expect("NAME? ")
    one.type("you\n")
    one.expect("GOT you")
    assert one.wait() == 0


def test_events_on_stdout(run):
    done = run(["--max-output=1000", "--events=-"], [600, 600])
    assert done.returncode == 137
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["object"] for event in events if event["kind"] == "limit"] == ["output"]
    assert done.stderr.count(pattern(600)) == 1 and OVER.encode() in done.stderr
