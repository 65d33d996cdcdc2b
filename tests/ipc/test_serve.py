# SPDX-License-Identifier: LGPL-2.1-or-later
"""`buntime serve`: each method, allowed and denied, and what becomes of each bad line."""

import base64
import json
import re
import subprocess
import time

import pytest

from served import ServeError, payload, piped

METHODS = {"hello", "policy_load", "policy_merge", "policy_check", "policy_show", "policy_list",
           "policy_schema", "spawn", "run_code", "call", "send", "reply", "reply_error", "cancel",
           "interrupt", "stop", "list", "pool_new", "pool_take", "pool_stop"}

# Repeats messages, answers and makes requests.
WORKER = """
    import sys, time
    import buntime
    channel = buntime.channel()

    @channel.handler
    def answer(data):
        if data == b"fail":
            raise ValueError("as it was asked to")
        while data == b"silence":
            time.sleep(1)
        return data[::-1]

    for message in channel:
        if message == b"end":
            sys.exit(7)
        if message.startswith(b"ask:"):
            try:
                message = b"answer:" + channel.request(message[4:])
            except buntime.RemoteError as error:
                message = b"error:" + str(error).encode()
        channel.send(message)
"""


@pytest.fixture
def client(world, box):
    with piped(world, box.directory) as one:
        yield one


@pytest.fixture
def peer(world):
    """A program of the C library's, which takes code."""
    return str(world.build / "tests/unit/library-peer")


def test_hello(client):
    hello = client.do("hello")
    assert hello["protocol"] == 1 and hello["version"]
    assert set(hello["methods"]) == METHODS
    assert set(hello["limits"]) == {"line", "requests", "workers", "pools"}
    assert "params" not in hello and client.do("hello") == hello


# ---- policies ----

def test_policy_load(client, box):
    box.write("p.json", '{"version": 1, "env": {"allow": ["A"]}}')
    loaded = client.do("policy_load", policy=["./p.json", {"version": 1, "env": {"allow": ["B"]}}],
                       flags=["--allow-env=C", "--memory=64M"])
    assert set(loaded["policy"]["env"]["allow"]) == {"A", "B", "C"}
    assert loaded["policy"]["limits"]["memory"] == "64M" or loaded["policy"]["limits"]["memory"]
    assert "env: allow A" in loaded["rules"]
    # What it comes to can be given again.
    again = client.do("policy_load", policy=loaded["policy"])
    assert again["policy"] == loaded["policy"]
    empty = client.do("policy_load")
    assert empty["policy"]["defaults"] == {"fs": "deny", "net": "deny", "exec": "deny"}


def test_policy_merge(client):
    allow = {"version": 1, "defaults": {"net": "allow"}, "env": {"allow": ["A"]}}
    deny = {"version": 1, "defaults": {"net": "deny"}, "env": {"allow": ["B"]}}
    merged = client.do("policy_merge", policies=[allow, deny])
    assert merged["policy"]["defaults"]["net"] == "deny"
    assert set(merged["policy"]["env"]["allow"]) == {"A", "B"}


def test_policy_check(client):
    asked = {"permission": "net", "value": "github.com:443"}
    assert client.do("policy_check", **asked)["verdict"]["action"] == "deny"
    verdict = client.do("policy_check", flags=["--allow-net=github.com"], **asked)["verdict"]
    assert verdict["action"] == "allow" and verdict["rule"]["text"] == "--allow-net=github.com"
    for permission in ("read", "write", "run", "env", "ffi", "sys", "unix"):
        value = {"env": "A", "sys": "hostname"}.get(permission, "/usr/bin/true")
        verdict = client.do("policy_check", permission=permission, value=value)["verdict"]
        assert verdict["kind"] == permission, verdict
    assert client.fails("policy_check", permission="nett", value="x").code == "usage"
    assert client.fails("policy_check", permission="net", value=":::").code == "usage"


def test_policy_texts(client, world):
    presets = client.do("policy_list")["presets"]
    assert {"mcp-server", "strict"} <= {preset["name"] for preset in presets}
    text = client.do("policy_show", name="strict")["text"]
    assert text == world.run(["policy", "show", "strict"]).stdout
    schema = client.do("policy_schema")["schema"]
    assert schema == json.loads(world.run(["policy", "schema"]).stdout)


def test_policy_errors(client, box):
    error = client.fails("policy_load", policy={"version": 1, "fss": {}, "envv": {}})
    assert error.code == "policy" and "fss" in error.message and "envv" in error.message
    assert client.fails("policy_load", policy="no-such-preset").code == "policy"
    assert client.fails("policy_load", policy=[["strict"]]).code == "usage"
    assert client.fails("policy_show", name="./nothing.json").code == "policy"
    error = client.fails("policy_load", flags=["--alow-net=x"])
    assert error.code == "usage" and "--allow-net" in error.cure
    for flag in ("--no-sandbox", "--events=-", "--json-status-fd=1", "--audit=-", "--quiet",
                 "--pcap=x", "--socket", "--help", "w.py", "-", "--", "", "run"):
        assert client.fails("policy_load", flags=[flag]).code == "usage", flag
    # All is well after all of this.
    assert client.do("list") == {"workers": []}
    assert sorted(box.directory.iterdir()) == []


# ---- workers ----

def test_spawn_denied_and_allowed(client, box):
    box.write("data/a.txt", "content\n")
    code = 'read x <data/a.txt; echo "$x"; echo new >out.txt; exit 5'
    status, output, _ = client.run("/bin/sh", "-c", code)
    assert (status, output) == (5, b"\n") and not (box.directory / "out.txt").exists()
    denied = [event["event"]["object"] for event in client.of(1, "event")
              if event["event"]["action"] == "deny"]
    assert any(path.endswith("out.txt") for path in denied), denied
    status, output, _ = client.run("/bin/sh", "-c", code, flags=["--allow-read=.",
                                                                 "--allow-write=."])
    assert (status, output) == (5, b"content\n")
    assert (box.directory / "out.txt").read_text() == "new\n"
    policy = {"version": 1, "fs": {"rules": [{"action": "allow", "path": "./data",
                                              "perms": ["read_file", "read_dir"]}]}}
    status, output, _ = client.run("/bin/sh", "-c", code, policy=policy)
    assert (status, output) == (5, b"content\n")


def test_audit_sees_every_connection(client):
    """Also those that addresses alone open: no fast path leads past it, and without audit one does."""
    code = 'exec 3<>/dev/tcp/198.51.100.20/9000; echo "?" >&3; read x <&3; echo "$x"'
    for audit in ([], ["--audit"]):
        status, output, _ = client.run("/bin/bash", "-c", code,
                                       flags=["--allow-net=198.51.100.20:9000", *audit])
        assert (status, output) == (0, b"?\n")
    told = {worker: [(event["event"]["action"], event["event"]["flow"])
                     for event in client.of(worker, "event") if "flow" in event["event"]]
            for worker in (1, 2)}
    assert told == {1: [], 2: [("opened", 1), ("closed", 1)]}


def test_not_started(client):
    status, _, exited = client.run("/nonexistent/program")
    assert status == 127 and exited["error"]["code"] == "not-found"
    status, _, exited = client.run("/etc/passwd", flags=["--worker=exec"])
    assert status == 126 and exited["error"]["code"] == "not-runnable"
    assert client.do("list") == {"workers": []}


def test_kind_and_limits(client, box):
    box.write("w.txt", "print('python', flush=True)\nwhile True: pass\n")
    status, output, _ = client.run("w.txt", flags=["--worker=python", "--timeout=5s"])
    assert (status, output) == (124, b"python\n")


def test_list_stop_interrupt(client):
    first = client.do("spawn", entry="/bin/sh", args=["-c", "echo up; read x; sleep 100"],
                      flags=["--allow-run=sleep"])["worker"]
    code = "import time\nprint('up', flush=True)\ntime.sleep(100)\n"
    second = client.do("spawn", entry="-c", args=[code], flags=["--worker=python"])["worker"]
    client.until(lambda: client.output(second) == b"up\n")
    assert client.do("list") == {"workers": [
        {"worker": first, "entry": "/bin/sh", "ready": False},
        {"worker": second, "entry": "-c", "ready": False}]}
    client.do("interrupt", worker=second)
    assert client.next(second, "exited")["status"] == 130
    assert b"KeyboardInterrupt" in client.output(second, "stderr")
    client.do("stop", worker=first, grace=5000)
    client.next(first, "exited")
    assert client.do("list") == {"workers": []}
    for method in ("stop", "interrupt"):
        assert client.fails(method, worker=first).code == "ended"
        assert client.fails(method, worker=99).code == "usage"


def test_stop_at_once(client):
    worker = client.do("spawn", entry="/bin/sh", args=["-c", "trap '' TERM; echo up; read x; while :; do :; done"])
    worker = worker["worker"]
    client.until(lambda: client.output(worker))
    client.do("stop", worker=worker)
    assert client.next(worker, "exited")["status"] == 137


def test_output(client):
    """Whatever is written comes whole, and can be told apart."""
    code = r"""
import buntime, os
for part in (b"\xe2\x82", b"\xac\n", b"\xff\xfe\n", "\u2028\u202e\x1b[2J\0\"\\\n".encode(), b"\xe2\x82"):
    os.write(1, part)
    buntime.channel().recv()
os.write(2, b"error\n")
"""
    worker = client.do("spawn", entry="-c", args=[code], flags=["--worker=python"])["worker"]
    time.sleep(0.2)  # of what is half a character nothing is told
    for end in (b"", b"\xac\n", b"\xff\xfe\n", b"\\\n", b""):
        client.until(lambda: client.output(worker).endswith(end))
        client.do("send", worker=worker, text="go on")
    assert client.next(worker, "exited")["status"] == 0
    assert client.output(worker) == \
        b"\xe2\x82\xac\n\xff\xfe\n" + "\u2028\u202e\x1b[2J\0\"\\\n".encode() + b"\xe2\x82"
    assert client.output(worker, "stderr") == b"error\n"
    texts = [params.get("text") for params in client.of(worker, "output")]
    assert "\u20ac\n" in texts and None in texts


# ---- the channel ----

@pytest.fixture
def worker(client, box):
    box.write("w.py", WORKER)
    number = client.do("spawn", entry="w.py", flags=["--worker=python"])["worker"]
    assert client.do("call", worker=number, text="up") == {"text": "pu"}
    return number


def test_messages(client, worker):
    every = bytes(range(256))
    client.do("send", worker=worker, text="h\u00e9llo \u2028 \0 \"")
    assert payload(client.next(worker, "message")) == "h\u00e9llo \u2028 \0 \"".encode()
    for size in (0, 1, 2, 3, 4, 256, 1 << 20):
        data = (every * (size // 256 + 1))[128:128 + size]
        client.do("send", worker=worker, base64=base64.b64encode(data).decode())
        assert payload(client.next(worker, "message")) == data
    # Escapes would make it six times as long.
    client.do("send", worker=worker, text="\x01" * 1000)
    assert "base64" in client.next(worker, "message")
    for wrong in ({}, {"text": "a", "base64": "YQ=="}, {"base64": "YQ="}, {"base64": "Y!=="},
                  {"base64": "===="}, {"base64": "Y=Q="}, {"text": 1}, {"text": None}):
        assert client.fails("send", worker=worker, **wrong).code == "usage", wrong
    client.do("send", worker=worker, text="end")
    assert client.next(worker, "exited")["status"] == 7
    assert client.fails("send", worker=worker, text="late").code == "ended"


def test_calls(client, worker):
    assert client.do("call", worker=worker, text="abc") == {"text": "cba"}
    assert payload(client.do("call", worker=worker, base64="/wE=")) == b"\x01\xff"
    error = client.fails("call", worker=worker, text="fail")
    assert error.code == "failed" and "as it was asked to" in error.message
    assert client.fails("call", worker=worker, text="silence", timeout=100).code == "timed-out"
    client.do("stop", worker=worker)


def test_cancel(client, worker):
    waiting = client.ask("call", worker=worker, text="silence")
    assert client.fails("cancel", request=12345).code == "usage"
    client.do("cancel", request=waiting)
    with pytest.raises(ServeError) as caught:
        client.answer(waiting)
    assert caught.value.code == "cancelled"
    # One that waits when the worker goes is answered, too.
    waiting = client.ask("call", worker=worker, text="silence")
    client.do("stop", worker=worker)
    with pytest.raises(ServeError) as caught:
        client.answer(waiting)
    assert caught.value.code == "ended"


def test_requests(client, worker):
    client.do("send", worker=worker, text="ask:question")
    request = client.next(worker, "request")
    assert payload(request) == b"question"
    client.do("reply", worker=worker, request=request["request"], text="an answer")
    assert payload(client.next(worker, "message")) == b"answer:an answer"
    client.do("send", worker=worker, text="ask:another")
    request = client.next(worker, "request")
    client.do("reply_error", worker=worker, request=request["request"], error="no answer")
    assert payload(client.next(worker, "message")) == b"error:no answer"
    # What the worker did not ask is its own to pass over.
    client.do("reply", worker=worker, request=4711, text="x")
    assert client.do("call", worker=worker, text="still") == {"text": "llits"}


def test_code(client, peer):
    worker = client.do("spawn", entry=peer)["worker"]
    client.next(worker, "ready")
    assert client.do("list")["workers"][0]["ready"]
    assert client.do("run_code", worker=worker, code="6 * 7") == {"value": "42"}
    assert client.next(worker, "state")["state"] == "exec_start"
    assert client.output(worker) == b"out"
    assert client.fails("run_code", worker=worker, code="a\0b").code == "usage"
    assert client.fails("run_code", worker=worker + 1, code="1").code == "usage"


def test_harness(client):
    """Python without an entry: state stays, output and values are apart, errors are told."""
    worker = client.do("spawn", entry=None)["worker"]
    client.next(worker, "ready")
    assert client.do("list") == {"workers": [{"worker": worker, "ready": True}]}
    assert client.do("run_code", worker=worker, code="x = 20") == {"value": ""}
    assert client.do("run_code", worker=worker, code="print('h\u00e9'); x") == {"value": ""}
    assert client.do("run_code", worker=worker, code="x + 1") == {"value": "21"}
    assert client.output(worker).decode().startswith("h\u00e9\n")
    error = client.fails("run_code", worker=worker, code="1/0")
    assert error.code == "failed" and "ZeroDivisionError" in error.message
    assert any(state["state"] == "exception" and "ZeroDivisionError" in state["text"]
               for state in client.of(worker, "state"))
    error = client.fails("run_code", worker=worker, code="open('/etc/hostname.new', 'w')")
    assert error.code == "failed" and "PermissionError" in error.message
    # Given up, it is interrupted, and the worker goes on.
    waiting = client.ask("run_code", worker=worker, code="import time\nprint('on')\ntime.sleep(100)")
    client.until(lambda: client.output(worker).endswith(b"on\n"))
    client.do("cancel", request=waiting)
    with pytest.raises(ServeError) as caught:
        client.answer(waiting)
    assert caught.value.code == "cancelled"
    assert client.do("run_code", worker=worker, code="x + 2") == {"value": "22"}
    client.do("stop", worker=worker)


# What a worker does that knows its harness.
HOSTILE = """
import buntime, gc
from buntime import _types as kinds
channel = buntime.channel()
harness = next(one for one in gc.get_objects() if type(one).__name__ == 'Harness')
def answer(data):
    channel.send_frame(kinds.STDOUT, harness.current, b'', -1)
    channel.send_frame(kinds.RESULT, harness.current, data, -1)
"""


def test_hostile_answers(client):
    """A value that its escapes would make six times as long; and output that is nothing."""
    worker = client.do("spawn")["worker"]
    client.do("run_code", worker=worker, code=HOSTILE)
    assert client.do("run_code", worker=worker, code="answer(b'one')") == {"value": "one"}
    value = client.do("run_code", worker=worker, code="answer(b'\\x01' * 1000)")
    assert value == {"base64": base64.b64encode(b"\x01" * 1000).decode()}
    assert client.do("run_code", worker=worker, code="answer(b'\\xff')") == {"value": "\ufffd"}
    client.do("stop", worker=worker)


def test_harness_of_bun(world, box, bun):
    with piped(world, box.directory, env=bun) as client:
        worker = client.do("spawn", flags=["--worker=bun"])["worker"]
        client.next(worker, "ready", 40)
        assert client.do("run_code", worker=worker, code="const y = 6; y * 7") == {"value": "42"}
        client.do("stop", worker=worker)


# ---- pools ----

def test_pool(client):
    pool = client.do("pool_new", size=2, preload="import json\nstate = 1")["pool"]
    first = client.do("pool_take", pool=pool)["worker"]
    assert client.do("list") == {"workers": [{"worker": first, "ready": True}]}
    assert client.do("run_code", worker=first, code="state += 1") == {"value": ""}
    # Nothing of one is found by another.
    second = client.do("pool_take", pool=pool)["worker"]
    assert client.do("run_code", worker=second, code="[state, 'json' in dir()]") == \
        {"value": "[1, True]"}
    client.do("pool_stop", pool=pool)
    assert client.fails("pool_take", pool=pool).code == "ended"
    assert client.fails("pool_stop", pool=pool).code == "ended"
    assert client.fails("pool_take", pool=77).code == "usage"
    # Those that were taken go on.
    assert client.do("run_code", worker=first, code="state") == {"value": "2"}
    for worker in (first, second):
        client.do("stop", worker=worker)
        client.next(worker, "exited")


def test_pool_of_programs(client, peer):
    pool = client.do("pool_new", size=1, entry=peer)["pool"]
    worker = client.do("pool_take", pool=pool)["worker"]
    assert client.do("list")["workers"] == [{"worker": worker, "entry": peer, "ready": True}]
    assert client.do("call", worker=worker, text="hello") == {"text": "hello"}


def test_pool_errors(client):
    assert client.fails("pool_new").code == "usage"
    for size in (0, 65, "2"):
        assert client.fails("pool_new", size=size).code == "usage"
    pool = client.do("pool_new", size=1, entry="/nonexistent")["pool"]
    assert client.fails("pool_take", pool=pool).code == "not-found"
    waiting = client.ask("pool_take", pool=pool)
    client.do("pool_stop", pool=pool)
    with pytest.raises(ServeError):
        client.answer(waiting)
    for _ in range(client.do("hello")["limits"]["pools"]):
        client.do("pool_new", size=1, entry="/bin/true")
    assert client.fails("pool_new", size=1).code == "busy"


# ---- bad lines ----

DEEP = "[" * 100000 + "]" * 100000
BAD = [
    ("", "a value is missing"),
    ("nonsense", "a value is missing"),
    ("[]", "request: not an object"),
    ("1", "request: not an object"),
    ("{}", "id: a key that is missing"),
    ('{"id":1}', "method: a key that is missing"),
    ('{"id":1,"method":7}', "method: not a string"),
    ('{"id":1,"method":"he\\u0000llo"}', "method: not a string"),
    ('{"id":1,"method":"helo"}', "helo: no method"),
    ('{"id":1,"method":"hello","parms":{}}', "parms: not a key"),
    ('{"id":1,"method":"hello","params":[]}', "params: not an object"),
    ('{"id":1,"method":"hello","params":{"x":1}}', "x: not a parameter of hello"),
    ('{"id":1,"method":"stop"}', "stop.worker: a parameter that is missing"),
    ('{"id":1,"method":"stop","params":{"worker":1.5}}', "stop.worker: not a whole number"),
    ('{"id":1,"method":"stop","params":{"worker":0}}', "stop.worker: not a whole number"),
    ('{"id":1,"method":"stop","params":{"worker":1e99}}', "stop.worker: not a whole number"),
    ('{"id":1,"method":"stop","params":{"worker":99999999999999999999}}', "not a whole number"),
    ('{"id":1,"method":"stop","params":{"worker":1,"grace":-1}}', "stop.grace: not"),
    ('{"id":1,"method":"spawn","params":{"entry":"x","args":"y"}}', "spawn.args: not an array"),
    ('{"id":1,"method":"spawn","params":{"entry":"x","args":["a\\u0000"]}}', "spawn.args: not"),
    ('{"id":1.5,"method":"hello"}', "id: not"),
    ('{"id":null,"method":"hello"}', "id: not"),
    ('{"id":true,"method":"hello"}', "id: not"),
    ('{"id":"' + "x" * 100 + '","method":"hello"}', "id: not"),
    ('{"id":1,"id":2,"method":"hello"}', "a key is there twice"),
    ('{"id":1,"method":"hello",}', "a key is missing"),
    ('{"id":1 "method":"hello"}', "',' or '}' is missing"),
    ('{"id":1,"method":"hello"} {}', "more than one value"),
    ('{"id":01,"method":"hello"}', "number"),
    ('{"id":1,"method":"hello" /* no */}', "',' or '}' is missing"),
    ('{"id":1,"method":"hel\tlo"}', "a control character"),
    ('{"id":1,"method":"hel\\xlo"}', "an escape"),
    ('{"id":1,"method":"\\ud800"}', "an escape"),
    ('{"id":1,"method":"hello', "does not end"),
    ("'" + '{"id":1}' + "'", "a value is missing"),
    (b'{"id":1,"method":"\xff"}', "not UTF-8"),
    (b'{"id":1,"method":"a\0b"}', "not UTF-8"),
    (DEEP, "too deep"),
    ('{"a":' * 5000 + "1" + "}" * 5000, "too deep"),
    ("[" + "1," * 200000 + "1]", "too many values"),
]


def test_bad_lines(client):
    """Each is answered, with its id if that was to be found, and the next line is read."""
    for line, reason in BAD:
        line = line if isinstance(line, bytes) else line.encode()
        client.write(line + b"\n")
        mark = client.ask("list")
        client.answer(mark)
        found = client.stray.pop() if client.stray else client.answers.pop(1)
        assert found["error"]["code"] == "usage" and reason in found["error"]["message"], \
            (line[:80], found)
        assert client.stray == [] and 1 not in client.answers


def test_newlines(client):
    """What is between message and cure is no newline of a name."""
    for method, params in (("a\nb", {}), ("hello", {"a\nb": 1}), ("policy_load", {"flags": ["--a\nb"]}),
                           ("policy_load", {"flags": ["a\nb"]}),
                           ("policy_load", {"flags": ["--allow-net=a\nb"]}),
                           ("policy_check", {"permission": "a\nb", "value": "x"}),
                           ("policy_show", {"name": "/a\nb"})):
        error = client.fails(method, **params)
        line = error.message.split("\n")[0] if error.code == "policy" else error.message
        assert "a\\x0ab: " in line and "\n" not in line, (method, params, error.message)


def test_ids(client):
    """Any number or short string, as it was written; each once at a time."""
    for text in ('"a"', "0", "-7", "9007199254740991", '"\\u00e9\\n"', '""'):
        client.write(b'{"id":%s,"method":"list"}\n' % text.encode())
        assert client.answer(json.loads(text)) == {"workers": []}


def test_same_id_twice(client, worker):
    line = b'{"id":"x","method":"call","params":{"worker":%d,"text":"silence"}}\n' % worker
    client.write(line + line)
    message = client.until(lambda: client.answers.pop("x", None))
    assert "waits already" in message["error"]["message"]
    client.do("stop", worker=worker)
    assert client.until(lambda: client.answers.get("x"))["error"]["code"] == "ended"


def test_long_line(client):
    """Of a line beyond the limit nothing is kept, and it is said once."""
    limit = client.do("hello")["limits"]["line"]
    for size in (limit + 1, limit + (1 << 20)):
        client.write(b'{"id":1,"method":"' + b"x" * size + b'"}\n')
        client.do("list")
        assert "longer than 16 MiB" in client.stray.pop()["error"]["message"]
        assert client.stray == []
    line = b'{"id":"long","method":"policy_show","params":{"name":"' + b"x" * (limit - 57) + b'"}}'
    assert len(line) == limit
    client.write(line + b"\n")
    assert client.until(lambda: client.answers.get("long"))["error"]["code"] == "policy"


def test_too_many_requests(client, worker):
    most = client.do("hello")["limits"]["requests"]
    for _ in range(most):
        client.ask("call", worker=worker, text="silence")
    assert client.fails("call", worker=worker, text="one more").code == "busy"
    client.do("stop", worker=worker)
    client.until(lambda: len(client.answers) >= most)
    client.next(worker, "exited")
    assert client.do("list") == {"workers": []}


def test_end_of_input(world, box):
    """What was asked is answered, also where the last line has no end; then the server ends."""
    result = world.run(["serve"], stdin='{"id":1,"method":"hello"}\n{"id":2,"method":"list"}')
    assert result.status == 0 and result.stderr == "", str(result)
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [1, 2]
    result = world.run(["serve"])
    assert (result.status, result.stdout, result.stderr) == (0, "", ""), str(result)
    begun = time.monotonic()
    line = json.dumps({"id": 1, "method": "spawn", "params": {
        "entry": "/usr/bin/sleep", "args": ["100"]}})
    result = world.run(["serve"], stdin=line + "\n")
    assert result.status == 0 and time.monotonic() - begun < 15, str(result)


def test_command_line(world):
    for args in (["serve", "x"], ["serve", "--allow-net"], ["serve", "--sockt"], ["serve", "--json"]):
        assert world.run(args).status == 2, args
    assert "--socket[=NAME]" in world.run(["serve", "--help"]).stdout


def test_all_is_described(client, world):
    """buntime-serve(7) has a section for each method and notification."""
    text = subprocess.run(["mandoc", "-T", "ascii", world.build / "man/buntime-serve.7"],
                          check=True, capture_output=True, text=True).stdout
    text = re.sub(r".\x08", "", text)
    methods, rest = text.split("\nMETHODS\n", 1)[1].split("\nNOTIFICATIONS\n", 1)
    hello = client.do("hello")
    for names, section in ((hello["methods"], methods), (hello["notifications"], rest)):
        for name in names:
            assert re.search(rf"^   {name}$", section, re.M), name
    assert str(hello["limits"]["line"]) in rest
