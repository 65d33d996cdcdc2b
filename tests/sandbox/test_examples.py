# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host programs of data/examples, as their first lines say to run them."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tier import UNSEEN_TEXT
from world import PLAIN

SOURCE = Path(__file__).resolve().parents[2]
EXAMPLES = SOURCE / "data/examples"

# An interpreter of the host's does not load a library that wants a sanitizer's runtime.
host_program = pytest.mark.slow


def run_host(world, *command, **kwargs):
    library = str(world.build / "src/lib")
    environment = world.environment({"GI_TYPELIB_PATH": library, "LD_LIBRARY_PATH": library})
    return world.run_command([*PLAIN, *command], env=environment, **kwargs)


def test_each_is_installed_and_tested():
    """What is added here is in a test, and what a reader finds is what was tested."""
    listed = (EXAMPLES / "meson.build").read_text(encoding="utf-8")
    tests = "".join((SOURCE / "tests" / name).read_text(encoding="utf-8") for name in
                    ("sandbox/test_examples.py", "sandbox/test_docs.py", "slurm/test_slurm.py",
                     "unit/test-install.py"))
    for path in EXAMPLES.rglob("*"):
        if path.is_file() and path.name != "meson.build" and \
                path.parent.name not in ("__pycache__", "templates"):  # those: test_templates.py
            assert f"'{path.relative_to(EXAMPLES)}'" in listed
            assert path.stem in tests or path.parent.name == "plugins", path


@host_program
@pytest.mark.parametrize("command", [["/usr/bin/python3", "host.py"], ["gjs", "-m", "host.js"]],
                         ids=["python", "gjs"])
def test_a_host_program(world, command):
    """Both start worker.py."""
    result = run_host(world, *command[:-1], EXAMPLES / command[-1])
    lines = result.stdout.replace("'", "").replace("\\n", "").splitlines()
    assert result.status == 0 and result.stderr == "", str(result)
    # Output, events and answers come by ways of their own.
    assert sorted(lines) == sorted([
        "it writes: example.com? deny",
        "words: 4",
        "buntime: denied net example.com:443 (tcp) by python3[3]",
        "  rule:  defaults.net = deny (built-in)",
        "  allow: --allow-net=example.com:443",
        "phone_home failed: PermissionError: [Errno 13] Permission denied",
        "it is gone"]), str(result)
    assert lines[-1] == "it is gone"


@host_program
def test_a_worker_that_is_missing(world, tmp_path):
    """An example that fails says so."""
    for name in "host.py", "host.js":
        shutil.copy(EXAMPLES / name, tmp_path)
    for command in ["/usr/bin/python3", tmp_path / "host.py"], ["gjs", "-m", tmp_path / "host.js"]:
        result = run_host(world, *command)
        assert result.status == 1 and "No such file" in result.stdout + result.stderr, str(result)


HOSTILE = {
    "worker.py": """
import buntime
channel = buntime.channel()
channel.handler("count_words")(lambda text: "\\x1b[2J\\x9b2J")
channel.handler("phone_home")(lambda host: ["\\x1b[2J"])
channel.serve()
""",
    "worker.ts": """
import { channel } from "buntime";
const host = channel();
host.handle("countWords", () => "\\x1b[2J\\x9b2J");
host.handle("phoneHome", () => ["\\x1b[2J"]);
await host.serve();
""",
}


@host_program
@pytest.mark.parametrize("command", [["/usr/bin/python3", "host.py"], ["gjs", "-m", "host.js"],
                                     ["bun", "serve.ts"]], ids=["python", "gjs", "bun"])
def test_a_worker_that_is_hostile(world, box, bun, command):
    """Nothing of what it answers reaches the terminal as it is."""
    shutil.copy(EXAMPLES / command[-1], box.directory)
    for name, text in HOSTILE.items():
        (box.directory / name).write_text(text, encoding="utf-8")
    (box.directory / "buntime").symlink_to(world.buntime)
    library = str(world.build / "src/lib")
    environment = world.environment({"GI_TYPELIB_PATH": library, "LD_LIBRARY_PATH": library,
                                     "PATH": f"{box.directory}:{bun['PATH']}"})
    result = world.run_command([*PLAIN, *command[:-1], box.directory / command[-1]], env=environment)
    assert result.status == 0 and "words:" in result.stdout and "it is" in result.stdout, str(result)
    assert all(c.isprintable() or c == "\n" for c in result.stdout + result.stderr), str(result)


@host_program
def test_the_plugin_host(world):
    result = run_host(world, "/usr/bin/python3", EXAMPLES / "plugin-host.py")
    assert result.status == 0 and result.stderr == "", str(result)
    shout, spy, refused, stuck, translate = result.stdout.splitlines()
    assert shout == "shout: 'A ROSE IS A ROSE!'"
    assert spy == "spy: 'failed: PermissionError: [Errno 13] Permission denied'"
    assert refused == "  refused: 'net collector.example:443 (tcp)'"
    assert stuck.startswith("stuck: 'failed: stuck.py") and stuck.endswith("no answer came in time'")
    assert translate == "translate: 'una rosa es una rosa'"


@host_program
def test_plugins_of_ones_own(world, tmp_path):
    """None, a lie, an end in the middle, and a policy with a mistake."""
    result = run_host(world, "/usr/bin/python3", EXAMPLES / "plugin-host.py", tmp_path)
    assert result.status == 1 and result.stderr == f"{tmp_path}: no plugins are there\n", str(result)
    (tmp_path / "liar.py").write_text(
        "import buntime\nchannel = buntime.channel()\n"
        "channel.handler('transform')(lambda text: {'a': 'b' * 1000})\nchannel.serve()\n")
    (tmp_path / "quitter.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "deep.py").write_text(
        "import buntime\nchannel = buntime.channel()\nchannel.handler(lambda data: b'[' * 100000)\n"
        "channel.serve()\n")
    result = run_host(world, "/usr/bin/python3", EXAMPLES / "plugin-host.py", tmp_path)
    deep, liar, quitter = result.stdout.splitlines()
    assert deep.startswith("deep: 'failed: ") and liar == "liar: '(that is no text)'"
    assert quitter.startswith("quitter: 'failed: quitter.py") and "the worker has " in quitter
    (tmp_path / "liar.json").write_text('{"version": 1, "nett": {}}')
    result = run_host(world, "/usr/bin/python3", EXAMPLES / "plugin-host.py", tmp_path)
    assert result.status == 1 and "liar.json:1" in result.stderr, str(result)


@host_program
def test_lambda(world):
    """execute(code, policy) -> {output, error, exitCode}; nothing is left from one to the next."""
    reading = {"version": 1, "fs": {"rules": [
        {"action": "allow", "path": "/home/user/diary.txt", "perms": ["read_file"]}]}}
    read = "open('/home/user/diary.txt').read()"
    conversation = [
        ({"code": "6 * 7"}, "42\n", None, 0),
        ({"code": "print('hello'); x = 1"}, "hello\n", None, 0),
        ({"code": "x"}, "", "NameError: name 'x' is not defined", 1),
        ({"code": "import sys; print('so far', file=sys.stderr); 1 / 0"}, "so far\n", "ZeroDivisionError", 1),
        ({"code": "raise SystemExit(3)"}, "", "SystemExit: 3", 3),
        ({"code": "raise SystemExit"}, "", None, 0),
        ({"code": "import os; os._exit(7)"}, "", "it ended", 7),
        ({"code": "while True: pass", "timeout": 100}, "", "the time is up", 124),
        ({"code": "while True: print('y' * 1000)"}, "y" * 1000, "too much output", 137),
        ({"code": "open('/etc/x', 'w')"}, "", "PermissionError: [Errno 13] Permission denied: '/etc/x'", 1),
        ({"code": read}, "", "FileNotFoundError", 1),
        ({"code": read, "policy": reading}, "'SECRET-DIARY\\n'\n", None, 0),
        ({"code": read}, "", "FileNotFoundError", 1),
        ({"code": "1", "policy": {"version": 1, "nett": 1}}, "", "unknown key", 125),
        ({"code": "2 + 2", "policy": {"version": 1, "extends": ["lambda"]}}, "4\n", None, 0),
        ({"code": 3}, "", "no request", 2),
        ([], "", "no request", 2),
        ({"code": "2 ** 10"}, "1024\n", None, 0),
    ]
    result = run_host(world, "/usr/bin/python3", EXAMPLES / "lambda.py",
                      stdin="".join(json.dumps(request) + "\n" for request, *_ in conversation))
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.status == 0 and len(answers) == len(conversation), str(result)[:5000]
    for (request, output, error, status), answer in zip(conversation, answers):
        assert set(answer) == {"output", "error", "exitCode"}
        assert answer["exitCode"] == status and answer["output"].startswith(output), (request, answer)
        assert answer["output"] == output or status == 137, (request, answer)
        assert answer["error"] == error or (error and error in answer["error"]), (request, answer)
    assert [event.object for event in result.events] == ["/etc/x"], result.stderr


@host_program
def test_a_host_program_by_serve(world, bun, box):
    """In Bun; and in Node, for which Bun drops the types, since Debian's does not."""
    (box.directory / "buntime").symlink_to(world.buntime)
    shutil.copy(EXAMPLES / "worker.ts", box.directory)
    path = {"PATH": f"{box.directory}:{bun['PATH']}"}
    made = world.run_command([*PLAIN, "bun", "build", EXAMPLES / "serve.ts", "--target=node", "--outfile",
                              box.directory / "serve.mjs"], env=world.environment(path))
    assert made.status == 0, str(made)
    for command in ["bun", EXAMPLES / "serve.ts"], ["node", box.directory / "serve.mjs"]:
        result = world.run_command([*PLAIN, *command], env=world.environment(path), timeout=60)
        assert result.status == 0 and result.stderr == "", str(result)
        # Output, events and answers come by ways of their own.
        assert sorted(result.stdout.splitlines()) == sorted([
            "it writes: example.com? deny", "words: 4", "refused: net example.com:80 (tcp)",
            "phoneHome failed", "6 * 7 is 42"]), str(result)
    lost = world.run_command([*PLAIN, "node", box.directory / "serve.mjs"], env=world.environment())
    assert lost.status == 1 and "buntime" in lost.stderr, str(lost)


class Client:
    """A client of a Model Context Protocol server, by its pipes."""

    def __init__(self, process):
        self.process, self.number = process, 0

    def send(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def receive(self):
        return json.loads(self.process.stdout.readline())

    def request(self, method, **params):
        self.number += 1
        self.send(json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}))
        reply = self.receive()
        assert reply["jsonrpc"] == "2.0" and reply["id"] == self.number
        return reply

    def tool(self, name, **arguments):
        result = self.request("tools/call", name=name, arguments=arguments)["result"]
        return result["content"][0]["text"], result["isError"]


def test_the_mcp_server(world, box):
    """A conversation: each line is answered before the next is sent."""
    box.write("list.txt", "milk\nand honey\n")
    folder = box.directory
    with world.spawn(["--policy=mcp-server", "run", EXAMPLES / "mcp-server.py"], cwd=folder) as process:
        client = Client(process)
        hello = client.request("initialize", protocolVersion="2025-03-26", capabilities={},
                               clientInfo={"name": "test", "version": "1"})["result"]
        assert hello["protocolVersion"] == "2025-03-26" and "tools" in hello["capabilities"]
        client.send('{"jsonrpc":"2.0","method":"notifications/initialized"}')
        process.stdin.write(b"\xff\n")
        process.stdin.flush()
        assert client.receive()["error"]["code"] == -32700
        tools = client.request("tools/list")["result"]["tools"]
        assert {tool["name"] for tool in tools} == {"list_files", "read_file", "search", "save_file"}
        assert client.tool("list_files") == ("list.txt", False)
        assert client.tool("read_file", path="list.txt") == ("milk\nand honey\n", False)
        assert client.tool("search", text="honey") == ("list.txt:2: and honey", False)
        # What it may not.
        assert client.tool("save_file", path="new.txt", text="x") == \
            ("[Errno 13] Permission denied: 'new.txt'", True)
        text, failed = client.tool("read_file", path="/home/user/.ssh/id_ed25519")
        assert failed and UNSEEN_TEXT in text
        # It goes on, whatever is said to it.
        for line, code in (("[1", -32700), ("[" * 100_000, -32700), ("[]", -32600)):
            client.send(line)
            assert client.receive()["error"]["code"] == code
        assert client.request("tools/call", name="rm")["error"]["code"] == -32602
        assert client.request("tools/call", name="search", arguments={"text": 1})["error"]["code"] == -32602
        assert client.request("sampling/none")["error"]["code"] == -32601
        assert client.request("ping")["result"] == {}
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0 and out == b""
    told = err.decode()
    assert f"denied write {folder.resolve()}/new.txt" in told and "--allow-write=" in told
    assert not os.path.exists(folder / "new.txt")
