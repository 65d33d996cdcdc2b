# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs in the sandbox find their clients, and talk through a real one to a host program."""

import shutil
import subprocess

import pytest

PYTHON = """
    import os, sys
    import buntime
    channel = buntime.channel()

    @channel.handler("add")
    def add(a, b):
        return a + b

    @channel.handler("kind")
    def kind():
        return buntime.Channel.__mro__[1].__module__

    @channel.handler("allowed")
    def allowed(kind, value):
        return bool(buntime.permissions.query(kind, value))

    @channel.handler("path")
    def path():
        return [os.environ["PYTHONPATH"], buntime.__file__, sys.prefix]

    @channel.handler("ask")
    def ask(text):
        return channel.request(text.encode()).decode()

    @channel.handler("leave")
    def leave(status):
        print("leaving", flush=True)
        os._exit(status)

    channel.send(b"hello")
    for message in channel:
        channel.send(message.upper())
"""

BUN = """
    import { channel, permissions } from "buntime";
    const theChannel = channel();
    theChannel.handle("add", (a: number, b: number) => a + b);
    theChannel.handle("allowed", async (kind, value) =>
      (await permissions.query(kind, value)).state === "allow");
    theChannel.handle("ask", async (text) => new TextDecoder().decode(await theChannel.request(text)));
    theChannel.handle("leave", (status) => { console.log("leaving"); process.exit(status); });
    theChannel.send("hello");
    for await (const message of theChannel)
      theChannel.send(new TextDecoder().decode(message).toUpperCase());
"""

TALK = """
    w = Host({entry!r}, flags=[("NET", "granted.example:443"), *{flags!r}])
    w.request = lambda data: data[::-1]
    out["hello"] = w.message().decode()
    w.send(b"abc")
    out["echo"] = w.message().decode()
    large = os.urandom(500_000).hex().encode()
    w.send(large)
    out["large"] = w.message() == large.upper()
    out["add"] = w.ask("add", 2, 3)
    out["none"] = w.ask("nothing")
    out["asked"] = w.ask("ask", "olleh")
    out["granted"] = w.ask("allowed", "net", "granted.example:443")
    out["denied"] = w.ask("allowed", "net", "other.example:443")
"""
END = """
    w.worker.call(GLib.Bytes.new(b'{"method":"leave","params":[7]}'), -1, None, None)
    w.until(lambda: w.status is not None)
    out["status"], out["stdout"], out["stderr"] = w.status, w.stdout.decode(), w.stderr.decode()
    out["events"] = [event for event in w.events if event["action"] == "deny"]
"""


def talk(host, entry, more="", flags=(), env=None):
    found = host(TALK.format(entry=str(entry), flags=list(flags)) + f"    {more}" + END, env=env)
    assert found.pop("none").startswith(("LookupError", "Error"))
    assert found.pop("events") == []
    assert found.pop("stderr") == ""
    for name, value in {"hello": "hello", "echo": "ABC", "large": True, "add": 5, "asked": "hello",
                        "granted": True, "denied": False, "status": 7,
                        "stdout": "leaving\n"}.items():
        assert found.pop(name) == value, name
    return found


def test_python(host, box, world):
    """The system's Python, without any grant."""
    found = talk(host, box.write("w.py", PYTHON), 'out["kind"], out["path"] = w.ask("kind"), w.ask("path")')
    package = str(world.build / "src/worker/python")
    assert found["kind"] == "buntime._native"
    assert found["path"][:2] == [package, package + "/buntime/__init__.py"]


def test_environment(host, box, world):
    """One that the caller has made, with his own PYTHONPATH behind."""
    venv = box.directory / "venv"
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", venv], check=True)
    box.write("mine/own.py", "VALUE = 1\n")
    box.write("mine/buntime.py", "raise ImportError('not this one')\n")
    code = "import own\nassert own.VALUE == 1\n" + "\n".join(
        line[4:] for line in PYTHON.splitlines())
    found = talk(host, box.write("w.py", code), 'out["path"] = w.ask("path")',
                 flags=[("ENV", "PYTHONPATH"), ("READ", str(box.directory / "mine"))],
                 env={"VIRTUAL_ENV": str(venv), "PATH": f"{venv}/bin:/usr/bin:/bin",
                      "PYTHONPATH": str(box.directory / "mine")})
    assert found["path"][0] == f"{world.build}/src/worker/python:{box.directory}/mine"
    assert found["path"][2] == str(venv)


def test_ctypes(host, box):
    """What a Python that cannot load the extension falls back on."""
    code = "import sys\nsys.modules['buntime._native'] = None\n" + "\n".join(
        line[4:] for line in PYTHON.splitlines())
    found = talk(host, box.write("w.py", code), 'out["kind"] = w.ask("kind")')
    assert found["kind"] == "buntime._ctypes"


def test_pypy(host, box):
    """Another Python, in an environment of its own; and an older one: it is at 3.9."""
    venv = box.directory / "venv"
    subprocess.run(["/usr/bin/pypy3", "-m", "venv", "--without-pip", venv], check=True)
    code = "import sys\nassert sys.implementation.name == 'pypy'\n" + "\n".join(
        line[4:] for line in PYTHON.splitlines())
    found = talk(host, box.write("w.py", code), 'out["kind"] = w.ask("kind")',
                 env={"VIRTUAL_ENV": str(venv), "PATH": f"{venv}/bin:/usr/bin:/bin"})
    assert found["kind"] == "buntime._ctypes"


def test_bun(host, box, bun):
    talk(host, box.write("w.ts", BUN), env=bun)


# ---- messages larger than the ring ----

LARGE = """
    import buntime, asyncio
    channel = buntime.channel()

    @channel.handler("now")
    def now(size):
        return "x" * size

    @channel.handler("later")
    async def later(size):
        await asyncio.sleep(0.02)
        return "x" * size

    @channel.handler("end")
    def end():
        channel.over = True

    async def main():
        channel.over = False
        serving = asyncio.ensure_future(channel.serve_async())
        while not channel.over:
            await asyncio.sleep(0.01)
        serving.cancel()
        await channel.send_async(bytes(5 << 20))

    asyncio.run(main())
"""
LARGE_BUN = """
    import { channel } from "buntime";
    const c = channel();
    const ended = new Promise((resolve) => c.handle("end", () => { resolve(null); }));
    c.handle("now", (size) => "x".repeat(size));
    c.handle("later", async (size) => { await Bun.sleep(20); return "x".repeat(size); });
    c.serve();
    await ended;
    await c.sendAsync(new Uint8Array(5 << 20));
    process.exit(0);
"""


@pytest.mark.parametrize("kind", ["python", "bun"])
def test_large_messages_in_an_event_loop(host, box, bun, kind):
    """All of them comes, also when nothing else happens, and before the program ends."""
    entry = box.write("w.ts" if kind == "bun" else "w.py", LARGE_BUN if kind == "bun" else LARGE)
    found = host(f"""
        w = Host({str(entry)!r})
        sizes = [3, 3 << 20, 1 << 20, 1_000_000, 5, 2 << 20]
        out["sizes"] = [len(w.ask(how, size)) for how in ("now", "later") for size in sizes] == sizes * 2
        w.ask("end")
        out["last"] = len(w.message())
        w.until(lambda: w.status is not None)
        out["end"] = [w.status, w.stderr.decode()]
    """, env=bun if kind == "bun" else None)
    assert found == {"sizes": True, "last": 5 << 20, "end": [0, ""]}


NOT_FROM_ROOM = """
    import { channel } from "buntime";
    const c = channel();
    const sent = c.sendAsync(new Uint8Array(600_000));
    // Until the other side has read it: when the promise goes on there is room, and nobody sleeps.
    c.recvSync();
    await sent;
    c.serve();
    await Bun.sleep(1);
    c.send("awake");
    process.exit(0);
"""


def test_who_waits_for_data_is_not_woken_by_room(host, box, bun):
    """Again and again, that is, so that nothing else of the program ever ran."""
    found = host(f"""
        w = Host({str(box.write("w.ts", NOT_FROM_ROOM))!r})
        out["first"] = len(w.message())
        w.send(b"read")
        out["last"] = w.message().decode()
        w.until(lambda: w.status is not None)
        out["end"] = [w.status, w.stderr.decode()]
    """, env=bun)
    assert found == {"first": 600_000, "last": "awake", "end": [0, ""]}


# Each tells after a while how often the other task looked for room.
NO_ROOM_BUN = """
    import { channel } from "buntime";
    import { existsSync, renameSync, writeFileSync } from "node:fs";
    const c = channel();
    c.send("here");
    while (!existsSync("sent")) await Bun.sleep(5);
    const sleep = Bun.sleep(100);
    const sent = c.sendAsync(new Uint8Array(5 << 20));
    await sleep;
    writeFileSync("told.new", "1");
    renameSync("told.new", "told");
    await sent;
    process.exit(0);
"""
NO_ROOM = """
    import asyncio, os
    import buntime
    channel = buntime.channel()
    looks = []

    def prepare(wants, prepare=channel.prepare):
        looks.append(wants)
        return prepare(wants)
    channel.prepare = prepare

    async def main():
        channel.send(b"here")
        while not os.path.exists("sent"):
            await asyncio.sleep(0.005)
        sent = asyncio.ensure_future(channel.send_async(bytes(5 << 20)))
        await asyncio.sleep(0.1)
        with open("told.new", "w") as file:
            file.write(str(len(looks)))
        os.rename("told.new", "told")
        await sent

    asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["python", "bun"])
def test_others_run_while_there_is_no_room(host, box, bun, kind):
    """Also while a message is there that nobody receives; and who waits for room sleeps."""
    entry = box.write("w.ts" if kind == "bun" else "w.py", NO_ROOM_BUN if kind == "bun" else NO_ROOM)
    here = str(box.directory)
    found = host(f"""
        w = Host({str(entry)!r}, flags=[("READ", {here!r}), ("WRITE", {here!r})])
        out["here"] = w.message().decode()
        w.send(b"for nobody")
        open("sent", "w").close()
        # Nothing is read meanwhile.
        end = time.monotonic() + 20
        while not os.path.exists("told") and time.monotonic() < end:
            time.sleep(0.01)
        out["looks"] = int(open("told").read())
        out["last"] = len(w.message())
        w.until(lambda: w.status is not None)
        out["end"] = [w.status, w.stderr.decode()]
    """, env=bun if kind == "bun" else None)
    assert found.pop("looks") == 1
    assert found == {"here": "here", "last": 5 << 20, "end": [0, ""]}


# ---- requests that have no good answer ----

UNANSWERABLE = """
    import buntime, asyncio
    channel = buntime.channel()

    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    @channel.handler("large")
    {a}def large(size):
        return "x" * size

    @channel.handler("words")
    {a}def words(size):
        raise ValueError("x" * size)

    @channel.handler("mute")
    {a}def mute(_):
        raise Mute()

    @channel.handler
    {a}def answer(data):
        return "no bytes"

    {serve}
"""
UNANSWERABLE_BUN = """
    import { channel } from "buntime";
    const c = channel();
    c.handle("large", (size) => "x".repeat(size));
    c.handle("words", (size) => { throw new Error("x".repeat(size)); });
    c.handle("mute", () => { throw { get name() { throw new Error("no words"); } }; });
    c.handle(() => 7);
    await c.serve();
"""
WORKERS = {
    "plain": UNANSWERABLE.format(a="", serve="channel.serve()"),
    "asyncio": UNANSWERABLE.format(a="async ", serve="asyncio.run(channel.serve_async())"),
    "bun": UNANSWERABLE_BUN,
}


@pytest.mark.parametrize("kind", WORKERS)
def test_unanswerable(host, box, bun, kind):
    """Whatever the handler made of it, an answer comes, and the worker goes on."""
    entry = box.write("w.ts" if kind == "bun" else "w.py", WORKERS[kind])
    found = host(f"""
        w = Host({str(entry)!r})
        out["large"] = w.ask("large", 70 << 20)
        out["words"] = len(w.ask("words", 70 << 20))
        out["mute"] = w.ask("mute", 1)
        out["type"] = str(w.call(b"x").message)
        out["good"] = w.ask("large", 3)
    """, env=bun if kind == "bun" else None)
    assert found.pop("words") == 1 << 20 and found.pop("good") == "xxx"
    assert "Message too long" in found["large"] and found["mute"] in ("Mute", "Error"), found
    assert found["type"].startswith("TypeError: "), found


CLOSING = """
    import {before}buntime, signal
    channel = buntime.channel()

    class Closer:
        def __iter__(self):
            channel.close()
            return iter([1, 2])

    def told(function, *args):
        try:
            function(*args)
        except (ValueError, TypeError) as error:
            print(type(error).__name__)

    signal.signal(signal.SIGALRM, lambda *_: channel.close())
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    {what}
    open("done", "w").close()
"""


@pytest.mark.parametrize("what", [
    "told(channel.recv)",
    "told(channel.send, Closer())",
    "while signal.getitimer(0)[0]: told(channel.send, bytes(1 << 20))",
], ids=["receiving", "converting", "full"])
@pytest.mark.parametrize("before", ["", "sys; sys.modules['buntime._native'] = None; import "],
                         ids=["native", "ctypes"])
def test_closed_while_it_is_used(host, box, before, what):
    """By code that runs in between: an exception, and no crash."""
    entry = box.write("w.py", CLOSING.format(before=before, what=what))
    found = host(f"""
        w = Host({str(entry)!r}, flags=[("WRITE", {str(box.directory)!r})])
        # Nobody reads meanwhile.
        end = time.monotonic() + 15
        while not os.path.exists("done") and time.monotonic() < end:
            time.sleep(0.05)
        w.until(lambda: w.status is not None)
        out["end"] = [w.status, w.stdout.decode().split()[-1], w.stderr.decode()]
    """)
    assert found["end"] in ([0, "ValueError", ""], [0, "TypeError", ""])


def test_closed_at_once(host, box, bun):
    """What waits for the event loop to watch the channel does not keep the program."""
    entry = box.write("w.ts", """
        import { channel } from "buntime";
        const c = channel();
        c.recv().catch((error) => console.log(error.message));
        c.close();
    """)
    found = host(f"""
        w = Host({str(entry)!r})
        w.until(lambda: w.status is not None)
        out["end"] = [w.status, w.stdout.decode(), w.stderr.decode()]
    """, env=bun)
    assert found["end"] == [0, "the channel is closed\n", ""]


def test_read_only(host, box):
    """What every worker loads is nobody's to change, nor a way to run or load anything else."""
    found = host(f"""
        w = Host({str(box.write("w.py", '''
            import ctypes, os, shutil, subprocess
            import buntime
            channel = buntime.channel()
            here = os.path.dirname(buntime.__file__)
            def attempt(function, *args):
                try:
                    function(*args)
                    return b"done"
                except Exception as error:
                    return type(error).__name__.encode()
            channel.send(attempt(open, here + "/more.py", "w"))
            channel.send(attempt(open, here + "/__init__.py", "r+"))
            channel.send(attempt(os.unlink, here + "/__init__.py"))
            channel.send(attempt(os.rename, here, here + "2"))
            native = buntime.Channel.__mro__[1].__module__
            shutil.copy(__import__(native, fromlist=["x"]).__file__, "/tmp/x.so")
            channel.send(attempt(ctypes.CDLL, "/tmp/x.so"))
        '''))!r})
        out["found"] = [w.message().decode() for _ in range(5)]
    """)
    assert found["found"][2] in ("OSError", "PermissionError")
    assert found["found"][3] in ("OSError", "PermissionError")
    assert found["found"][:2] == ["PermissionError"] * 2 and found["found"][4] == "OSError"


def test_without_a_channel(box):
    """Nothing of it is there for `buntime run`: it starts as before."""
    result = box.run(code="import os\nprint('PYTHONPATH' in os.environ, 'NODE_PATH' in os.environ)\n"
                          "import buntime\n")
    assert result.stdout == "False False\n" and "ModuleNotFoundError" in result.stderr


def test_without_namespaces(host, box):
    """Landlock and seccomp alone: what is shown there is readable here."""
    policy = box.write("p.json", '{"version": 1, "plugins": {"namespaces": false}}\n')
    entry = box.write("w.py", PYTHON)
    found = host(f"""
        Buntime.Policy.new = lambda: Buntime.Policy.load({str(policy)!r})
        w = Host({str(entry)!r})
        out["hello"] = w.message().decode()
        out["kind"] = w.ask("kind")
    """)
    assert found == {"hello": "hello", "kind": "buntime._native"}


@pytest.fixture(scope="module")
def installed(world, tmp_path_factory):
    """As it is installed below a prefix of the caller's."""
    stage = tmp_path_factory.mktemp("stage")
    subprocess.run(["meson", "install", "-C", world.build, "--no-rebuild", "--quiet", "--destdir",
                    stage], check=True, stdout=subprocess.DEVNULL)
    yield stage
    shutil.rmtree(stage)


def test_installed(host, box, bun, installed):
    """Nothing of the build is needed, wherever it was moved to."""
    library = next(installed.rglob("libbuntime.so.1")).parent
    env = {"GI_TYPELIB_PATH": str(library / "girepository-1.0"), "LD_LIBRARY_PATH": str(library)}
    found = talk(host, box.write("w.py", PYTHON), 'out["path"] = w.ask("path")', env=env)
    assert found["path"][0] == str(library / "buntime/python")
    code = "import sys\nsys.modules['buntime._native'] = None\n" + "\n".join(
        line[4:] for line in PYTHON.splitlines())
    found = talk(host, box.write("w.py", code), 'out["kind"] = w.ask("kind")', env=env)
    assert found["kind"] == "buntime._ctypes"
    talk(host, box.write("w.ts", BUN), env={**env, **bun})
