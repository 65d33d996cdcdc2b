# SPDX-License-Identifier: LGPL-2.1-or-later
"""`buntime serve --socket`: whose it is, many clients, hostile ones, and nothing left behind."""

import fcntl
import json
import os
import random
import re
import signal
import socket
import stat
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from served import PATIENCE, Server, command, listening, payload, piped
from world import stays_low


@pytest.fixture
def runtime(tmp_path):
    path = tmp_path / "runtime"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def server(world, runtime, tmp_path):
    with listening(world, runtime, cwd=tmp_path) as one:
        yield one


def refused(world, runtime, *args, **env):
    result = world.run(["serve", *(args or ["--socket"])],
                       env={"XDG_RUNTIME_DIR": str(runtime), **env})
    assert result.status != 0 and result.stdout == "", str(result)
    return result.stderr


def marked():
    """A word that no other process has."""
    return f"mark-{uuid.uuid4().hex}"


def processes(mark):
    """Those that have a word among their arguments."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as line:
                if mark.encode() in line.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            pass
    return found


def until(what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def sleeper(client, mark):
    worker = client.do("spawn", entry="/bin/sh", args=["-c", "echo up; read x; sleep 1000", mark],
                       flags=["--allow-run=sleep"])["worker"]
    client.until(lambda: client.output(worker) == b"up\n")
    assert processes(mark)
    return worker


# ---- whose it is ----

def test_nobody_else_can_come(server, runtime):
    path = runtime / "buntime/serve"
    assert server.path == str(path)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_ISSOCK(path.stat().st_mode) and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert server.connect().do("list") == {"workers": []}


def test_folder_of_others(world, runtime):
    assert "XDG_RUNTIME_DIR: not set" in refused(world, "", XDG_RUNTIME_DIR="")
    assert "XDG_RUNTIME_DIR: not set" in refused(world, "relative")
    assert "No such file" in refused(world, runtime / "none")
    runtime.chmod(0o755)
    assert "others can enter it" in refused(world, runtime)
    runtime.chmod(0o700)
    (runtime / "buntime").mkdir()
    (runtime / "buntime").chmod(0o750)
    assert "others can enter it" in refused(world, runtime)
    (runtime / "buntime").rmdir()
    (runtime / "elsewhere").mkdir(mode=0o700)
    (runtime / "buntime").symlink_to("elsewhere")
    assert refused(world, runtime) and not any((runtime / "elsewhere").iterdir())
    (runtime / "buntime").unlink()
    (runtime / "buntime").write_text("a file")
    assert refused(world, runtime) and (runtime / "buntime").read_text() == "a file"


def test_names(world, runtime):
    for name in ("a/b", "..", ".hidden", "a b", "x" * 65, "\u00e9"):
        assert "not a name for a socket" in refused(world, runtime, f"--socket={name}"), name
    assert refused(world, runtime, "--socket=")
    with listening(world, runtime, name="a-B_7.sock") as server:
        assert server.path == str(runtime / "buntime/a-B_7.sock")
        with listening(world, runtime) as other:
            assert other.connect().do("list") == server.connect().do("list")


def test_nothing_is_overwritten(world, runtime):
    folder = runtime / "buntime"
    folder.mkdir(mode=0o700)
    for make in (lambda path: path.write_text("mine"), lambda path: path.mkdir(),
                 lambda path: path.symlink_to("/dev/null"), os.mkfifo):
        make(folder / "serve")
        before = (folder / "serve").lstat()
        assert "no socket of yours" in refused(world, runtime)
        assert (folder / "serve").lstat() == before
        if (folder / "serve").is_dir():
            (folder / "serve").rmdir()
        else:
            (folder / "serve").unlink()
    # Somebody else's program listens.
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(folder / "serve"))
        other.listen()
        assert "a server has this socket already" in refused(world, runtime)
        assert (folder / "serve").is_socket()


def test_stale_socket_is_replaced(world, runtime):
    mark = marked()
    first = Server(world, runtime)
    sleeper(first.connect(), mark)
    assert "a server has this socket already" in refused(world, runtime)
    first.process.kill()
    first.process.wait()
    # Nothing of it is left but the socket.
    until(lambda: not processes(mark))
    assert os.path.exists(first.path)
    first.end()
    first.process.stdout.close()
    first.process.stderr.close()
    with listening(world, runtime) as second:
        assert second.path == first.path
        assert second.connect().do("list") == {"workers": []}
    assert list((runtime / "buntime").iterdir()) == []


def test_many_start_at_once(world, runtime):
    """One of them has the socket, the others say so."""
    servers = [subprocess.Popen(world.command(["serve", "--socket"]), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=world.environment({"XDG_RUNTIME_DIR": str(runtime)}))
               for _ in range(6)]
    try:
        until(lambda: sum(server.poll() is None for server in servers) == 1)
        winner = next(server for server in servers if server.poll() is None)
        assert winner.stdout.readline().strip() == str(runtime / "buntime/serve")
        for server in servers:
            if server is not winner:
                assert "a server has this socket already" in server.stderr.read()
        winner.terminate()
        assert winner.wait(PATIENCE) == 0
    finally:
        for server in servers:
            server.kill()
            server.communicate()


def test_waits_no_longer_than_it_is_wanted(world, runtime):
    """Another one that is about to start, and does not go on."""
    (runtime / "buntime").mkdir(mode=0o700)
    folder = os.open(runtime / "buntime", os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    server = subprocess.Popen(command(world, "--socket"), stdin=subprocess.DEVNULL,
                              env=world.environment({"XDG_RUNTIME_DIR": str(runtime)}))
    try:
        with_pid = re.compile(rf"-> FLOCK .*\b{server.pid}\b")
        until(lambda: with_pid.search(Path("/proc/locks").read_text(encoding="ascii")))
        server.terminate()
        assert server.wait(8) == -signal.SIGTERM
    finally:
        server.kill()
        os.close(folder)


def test_another_socket_in_its_place_stays(world, runtime):
    with listening(world, runtime) as server:
        os.unlink(server.path)
        other = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        other.bind(server.path)
    assert os.path.exists(server.path)
    other.close()


# ---- the end ----

def test_workers_end_with_their_client(server):
    first, second = server.connect(), server.connect()
    marks = [marked(), marked(), marked()]
    sleeper(first, marks[0])
    sleeper(first, marks[1])
    worker = sleeper(second, marks[2])
    assert second.do("list")["workers"] == [{"worker": worker, "entry": "/bin/sh", "ready": False}]
    assert worker == 1
    first.close()
    until(lambda: not processes(marks[0]) and not processes(marks[1]))
    assert processes(marks[2]) and len(second.do("list")["workers"]) == 1


def test_half_closed(server):
    """What was asked is answered."""
    client = server.connect()
    mark = marked()
    sleeper(client, mark)
    number = client.ask("hello")
    client.socket.shutdown(socket.SHUT_WR)
    assert client.answer(number)["protocol"] == 1
    client.until(lambda: client.over)
    until(lambda: not processes(mark))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals(world, runtime, number):
    mark = marked()
    with listening(world, runtime) as server:
        sleeper(server.connect(), mark)
        server.process.send_signal(number)
        assert server.process.wait(PATIENCE) == 0
        assert not processes(mark) and not os.path.exists(server.path)


def test_piped_server_killed(world, tmp_path):
    mark = marked()
    with piped(world, tmp_path) as client:
        sleeper(client, mark)
        client.process.kill()
        until(lambda: not processes(mark))


def test_too_many_clients(server):
    clients = [server.connect() for _ in range(64)]
    for client in clients:
        client.do("list")
    late = server.connect()
    late.until(lambda: late.over)
    error = late.stray[0]["error"]
    assert error["code"] == "busy" and error["message"] == "server: too many clients" and error["cure"]
    for client in clients:
        assert client.do("list") == {"workers": []}
    # One that comes before the server has seen another go is refused as well.
    full = descriptors(server.process.pid)
    clients.pop().close()
    until(lambda: descriptors(server.process.pid) < full)
    assert server.connect().do("list") == {"workers": []}


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def switches(pid):
    """How often its threads slept or were sent to sleep."""
    count = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii") as status:
            count += sum(int(line.split()[1]) for line in status if "_ctxt_switches" in line)
    return count


def test_nothing_to_do(server):
    """Where nobody asks and no worker speaks, it sleeps; also for a client that is behind."""
    client, slow = server.connect(), server.connect()
    worker = sleeper(client, marked())
    slow.ask("spawn", entry="-c", args=[FLOOD], flags=["--worker=python"])
    time.sleep(1)
    assert stays_low(lambda: switches(server.process.pid), 19)
    client.do("stop", worker=worker)


# ---- those who do not read ----

MEMORY = 12 << 20  # of a server that serves two clients

FLOOD = """
import os
line = b"%07d " + b"x" * 4087 + b"\\n"
for i in range(10000):
    os.write(1, line % i)
"""


def test_client_that_does_not_read(server):
    """Its worker waits, the server does not grow, and others are served; then nothing is lost."""
    slow, other = server.connect(), server.connect()
    other.do("list")
    worker = slow.do("spawn", entry="-c", args=[FLOOD], flags=["--worker=python"])["worker"]
    time.sleep(1.5)
    slowest = 0
    for _ in range(50):
        begun = time.monotonic()
        other.do("list")
        slowest = max(slowest, time.monotonic() - begun)
    assert slowest < 1
    assert server.memory() < MEMORY
    assert slow.next(worker, "exited")["status"] == 0
    lines = slow.output(worker).splitlines()
    assert len(lines) == 10000
    assert [int(line[:7]) for line in lines] == list(range(10000))


def test_requests_of_who_does_not_read(server):
    """Answers are not made before there is room for them."""
    other = server.connect()
    other.do("list")
    with server.dial() as slow:
        slow.setblocking(False)
        line = b'{"id":1,"method":"hello"}\n'
        sent, end = 0, time.monotonic() + 2
        while time.monotonic() < end:
            try:
                sent += slow.send(line * 100)
            except BlockingIOError:
                other.do("list")
                time.sleep(0.02)
        assert sent > 1 << 17
        assert server.memory() < MEMORY
        other.do("list")
    other.do("list")


# ---- hostile ones ----

def junk(source):
    """What a client might send that means no good, or does not know better."""
    kinds = [
        lambda: source.randbytes(source.randrange(1, 5000)),
        lambda: b"[" * source.randrange(1, 200000),
        lambda: b'{"a":' * source.randrange(1, 50000) + b"\n",
        lambda: b"x" * source.randrange(1, 1 << 20),
        lambda: b"\n" * source.randrange(1, 5000),
        lambda: b'{"id":1,"method":"spawn","params":{"entry":"/bin/sh","args":["-c","read x"]}}\n',
        lambda: b'{"id":2,"method":"spawn","params":{"entry":"/nonexistent"}}\n' * 5,
        lambda: b'{"id":3,"method":"call","params":{"worker":1,"text":"x"}}\n' * 300,
        lambda: b'{"id":4,"method":"stop","params":{"worker":1}}\n' * 50,
        lambda: b'{"id":5,"method":"policy_load","params":{"policy":{"version":1,"x":'
                + b"[" * 30 + b"]" * 30 + b"}}}\n",
        lambda: b'{"id":6,"method":"hello"}'[:source.randrange(1, 25)],
        lambda: bytes(byte ^ (source.random() < 0.05) << source.randrange(8) for byte in
                      b'{"id":7,"method":"spawn","params":{"entry":"w.py","flags":["--allow-net"]}}\n'),
        lambda: json.dumps({"id": source.choice([1, "x", None, 1e300, [], {}]),
                            "method": source.choice(["hello", "list", "stop", "\0", ""]),
                            "params": source.choice([None, {}, [], {"worker": -1}, {"": ""}])}).encode(),
        lambda: b"\0\xff\xfe\n",
    ]
    return source.choice(kinds)()


def test_hostile_clients(server):
    """Whatever they send, and whenever they go, an honest client is answered, soon."""
    source = random.Random(int(os.environ.get("SERVE_SEED", "5")))
    honest = server.connect()
    mark = marked()
    worker = sleeper(honest, mark)
    times = []
    for _ in range(60):
        with server.dial() as hostile:
            hostile.settimeout(0.2)
            try:
                for _ in range(source.randrange(1, 8)):
                    data = junk(source)
                    hostile.sendall(data[:source.randrange(len(data) + 1)]
                                    if source.random() < 0.3 else data)
                    if source.random() < 0.3:
                        hostile.recv(source.randrange(1, 4000))
                if source.random() < 0.3:
                    hostile.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            begun = time.monotonic()
            assert len(honest.do("list")["workers"]) == 1
            times.append(time.monotonic() - begun)
    assert sorted(times)[-3] < 1, times
    assert server.process.poll() is None and server.memory() < 80 << 20
    # Its worker never noticed; theirs are gone.
    assert processes(mark)
    honest.do("stop", worker=worker)
    assert honest.next(worker, "exited")["status"] == 137
    until(lambda: not children(server.process.pid))


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as found:
        return found.read().split()


def test_descriptors_are_not_taken(server):
    """A client's descriptors do not become the server's."""
    client = server.connect()
    client.do("list")
    before = descriptors(server.process.pid)
    for _ in range(5):
        with open("/dev/null", "rb") as null:
            socket.send_fds(client.socket, [b'{"id":"fd","method":"list"}\n'], [null.fileno()] * 8)
        client.until(lambda: client.answers.pop("fd", None))
    assert descriptors(server.process.pid) == before
