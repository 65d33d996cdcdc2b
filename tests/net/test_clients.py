# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real clients: each works by the narrowest rules, and fails, explained, with any one taken away."""

import socket
import ssl
import struct
import textwrap
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

HERE = ["--allow-read=.", "--allow-write=."]
CA = "/etc/ssl/certs/ca-certificates.crt"


@dataclass
class Client:
    """command runs with the rules and flags; taken away, each rule leaves an event about itself."""
    rules: list
    command: list
    works: callable  # of the box and the result
    flags: list = field(default_factory=list)
    files: dict = field(default_factory=dict)
    needs_bun: bool = False


def printed(text):
    return lambda box, result: text in result.stdout


def holds(name, text):
    def look(box, _result):
        path = box.directory / name
        return path.exists() and text in path.read_text(encoding="utf-8")
    return look


PIP = ["install", "--no-cache-dir", "--retries=0", "--target=packages", "greet"]
NPM = ["npm", "--cache=/tmp/npm", f"--cafile={CA}", "--fetch-retries=0", "install", "greet"]

SOCKET_PY = """
    import asyncio, websockets
    async def main():
        async with websockets.connect("wss://github.com/socket") as socket:
            for text in ("hello socket", "x" * 1000):
                await socket.send(text)
                print(await socket.recv() == text)
    asyncio.run(main())
"""
SOCKET_TS = """
    const socket = new WebSocket("wss://github.com/socket");
    socket.onopen = () => socket.send("hello socket");
    socket.onmessage = (event) => { console.log("got " + event.data); socket.close(); };
    socket.onerror = () => process.exit(1);
"""
SNTP = """
    import socket, struct, sys, time
    question = bytes([0x23]) + bytes(39) + struct.pack("!II", 1234, 5678)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        sock.connect((socket.gethostbyname("time.example"), 123))
        sock.send(question)
        answer = sock.recv(100)
    assert len(answer) == 48 and answer[0] == 0x24 and answer[24:32] == question[40:48]
    seconds = struct.unpack("!I", answer[40:44])[0] - 2208988800
    print("the time is right" if abs(seconds - time.time()) < 60 else "it is wrong")
"""

CLIENTS = {
    "pip": Client(["--allow-net=pypi.org:443", "--allow-net=files.pythonhosted.org:443"],
                  ["--worker=python", "--", "-m", "pip", *PIP],
                  holds("packages/greet.py", "hello from greet"), HERE),
    "git": Client(["--allow-net=github.com:443"],
                  ["git", "clone", "https://github.com/owner/greet.git"],
                  holds("greet/greeting", "hello from greet"), HERE),
    "npm": Client(["--allow-net=registry.npmjs.org:443"], NPM,
                  holds("node_modules/greet/index.js", "hello from greet"), HERE),
    "websocket-python": Client(["--allow-net=github.com:443"], ["w.py"],
                               printed("True\nTrue\n"), files={"w.py": SOCKET_PY}),
    "websocket-bun": Client(["--allow-net=github.com:443"], ["w.ts"],
                            printed("got hello socket\n"), files={"w.ts": SOCKET_TS},
                            needs_bun=True),
    "sntp": Client(["--allow-net=time.example:123/udp"], ["w.py"],
                   printed("the time is right\n"), files={"w.py": SNTP}),
}


@pytest.mark.parametrize("name", sorted(CLIENTS))
def test_with_the_narrowest_rules(box, request, name):
    client = CLIENTS[name]
    env = request.getfixturevalue("bun") if client.needs_bun else None
    for path, text in client.files.items():
        box.write(path, text)

    def run(rules):
        return box.world.run([*rules, *client.flags, *client.command], cwd=box.directory, env=env)

    for rule in client.rules:
        result = run([other for other in client.rules if other != rule])
        assert result.status != 0 and not client.works(box, result), str(result)
        events = result.denied("net")
        assert events and {event.allow for event in events} <= {rule, ""}, str(result)
        assert events[0].allow == rule and events[0].pid > 0, str(result)
    result = run(client.rules)
    assert result.status == 0 and client.works(box, result), str(result)
    assert result.denied("net") == [], str(result)


# ---- presets ----

@pytest.mark.slow
@pytest.mark.parametrize("preset,command,works", [
    ("pip-install", ["--worker=python", "--", "-m", "pip", "install", "--target=packages", "greet"],
     holds("packages/greet.py", "hello from greet")),
    ("npm-install", ["npm", f"--cafile={CA}", "install", "greet"],
     holds("node_modules/greet/index.js", "hello from greet")),
    ("agent", ["git", "clone", "https://github.com/owner/greet.git"],
     holds("greet/greeting", "hello from greet")),
    ("agent", ["--worker=python", "--", "-m", "pip", "install", "--target=packages", "greet"],
     holds("packages/greet.py", "hello from greet")),
    ("agent", ["npm", f"--cafile={CA}", "install", "greet"],
     holds("node_modules/greet/index.js", "hello from greet")),
    ("desktop", ["git", "ls-remote", "https://github.com/owner/greet.git"],
     printed("refs/heads/main")),
])
def test_presets(box, preset, command, works):
    result = box.world.run([f"--policy={preset}", *command], cwd=box.directory)
    assert result.status == 0 and works(box, result), str(result)
    assert result.denied("net") == [], str(result)


def test_npm_install_by_bun(box, bun):
    result = box.world.run(["--policy=npm-install", "bun", "install", f"--cafile={CA}", "greet"],
                           cwd=box.directory, env=bun)
    assert result.status == 0 and result.denied("net") == [], str(result)
    assert holds("node_modules/greet/index.js", "hello from greet")(box, result), str(result)


# ---- a database of the host's ----

class Database:
    """As much of PostgreSQL's protocol as psql needs for one query, by TLS as it prefers."""

    def __init__(self, world):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(world.directory / "server.pem", world.directory / "server.key")
        self.queries = []
        self.listener = socket.create_server(("127.0.0.1", 5432))

    @staticmethod
    def read(connection, size):
        data = b""
        while len(data) < size:
            part = connection.recv(size - len(data))
            if not part:
                raise ConnectionError("closed")
            data += part
        return data

    @staticmethod
    def message(kind, payload=b""):
        return kind + struct.pack("!I", len(payload) + 4) + payload

    def answer(self, connection):
        size, code = struct.unpack("!II", self.read(connection, 8))
        while code in (80877103, 80877104):  # SSLRequest and GSSENCRequest
            connection.sendall(b"S" if code == 80877103 else b"N")
            if code == 80877103:
                connection = self.context.wrap_socket(connection, server_side=True)
            size, code = struct.unpack("!II", self.read(connection, 8))
        assert code == 3 << 16, code
        self.read(connection, size - 8)  # user and database
        ready = self.message(b"Z", b"I")
        connection.sendall(self.message(b"R", bytes(4)) + self.message(
            b"S", b"server_version\x0015.0\0") + ready)
        while (kind := self.read(connection, 1)) == b"Q":
            query = self.read(connection, struct.unpack("!I", self.read(connection, 4))[0] - 4)
            self.queries.append(query.rstrip(b"\0").decode())
            column = b"answer\0" + struct.pack("!IHIhIH", 0, 0, 23, 4, 0xffffffff, 0)
            connection.sendall(
                self.message(b"T", struct.pack("!H", 1) + column) +
                self.message(b"D", struct.pack("!HI", 1, 2) + b"42") +
                self.message(b"C", b"SELECT 1\0") + ready)
        assert kind == b"X", kind

    def serve(self):
        while True:
            try:
                connection, _peer = self.listener.accept()
            except OSError:
                return
            with connection:
                self.answer(connection)


@contextmanager
def database(world):
    server = Database(world)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join(5)
        assert not thread.is_alive()


PSQL = ["psql", "-h", "localhost", "-U", "user", "-At", "-c", "select 6 * 7"]


def test_a_database_of_the_hosts(box):
    """By psql as Debian installs it: a script that looks for the program of the right version."""
    with database(box.world) as server:
        refused = box.world.run(["--allow-net=localhost:5432", *PSQL], cwd=box.directory)
        run = refused.denied("run", "/bin/psql")[0].allow
        denied = box.world.run([run, *PSQL], cwd=box.directory)
        assert denied.status == 2 and server.queries == [], str(denied)
        assert denied.events == [] and "--allow-net=localhost:5432" in denied.stderr, str(denied)
        result = box.world.run(["--allow-net=localhost:5432", run, *PSQL], cwd=box.directory)
        assert result.stdout == "42\n" and result.status == 0, str(result)
        assert result.events == [] and server.queries == ["select 6 * 7"], str(result)
