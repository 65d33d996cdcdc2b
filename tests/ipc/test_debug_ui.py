# SPDX-License-Identifier: LGPL-2.1-or-later
"""The debug UI's server as its page sees it: runs, what is told of them, policies."""

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest

from debug_ui import serving, wait_until
from world import PLAIN, stays_low


@pytest.fixture(scope="module")
def server(world):
    with serving(world) as one:
        yield one


@pytest.fixture
def page(server):
    one = server.page()
    yield one
    one.close()


def alive(marker):
    """Processes with this text among their arguments."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and marker.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            pass
    return found


# ---- hello ----

def test_hello(page):
    hello = page.hello
    assert hello["version"] == 1 and hello["locale"] and hello["messages"] == {}
    assert "python" in hello["languages"] and hello["start"] is None
    assert hello["limits"]["code"] == 1 << 20
    presets = {preset["name"]: preset for preset in hello["presets"]}
    assert json.loads(presets["strict"]["text"])["version"] == 1
    assert presets["strict"]["description"] and presets["strict"]["user"] is False


def test_messages_that_are_none(page):
    for text in ("{", "[]", '"x"', '{"type":7}', "{}", '{"type":"ack"}', '{"type":"ack","seq":99}', '{"type":"hello"}',
                 '{"type":"run","id":"x"}', '{"type":"stop"}'):
        page.socket.send_text(text)
        page.until(lambda: page.stray)
        assert page.stray.pop()["problem"]["reason"], text
    for kind, members in (("nothing", {}), ("stop", {"worker": 1}), ("stop", {"worker": 99, "force": True}),
                          ("stop", {"worker": 1, "force": 1}), ("run", {}), ("send", {"worker": -1, "text": "x"}),
                          ("forget", {"worker": 1 << 40}), ("check", {"permission": "fly", "value": "x", "policies": [], "flags": []})):
        assert page.problem(kind, **members)["reason"], kind
    whole = {"tab": "t", "name": "a.py", "language": "python", "code": "", "args": [], "policies": [], "flags": []}
    for change in ({"name": "../a.py"}, {"name": ""}, {"name": ".a"}, {"name": "a/b"}, {"name": "-c"}, {"name": "a\n"},
                   {"name": "a" * 65}, {"language": "perl"}, {"args": [1]}, {"args": None}, {"code": "a\0b"}, {"flags": ["w.py"]},
                   {"flags": ["--no-sandbox"]}, {"flags": ["--events=/tmp/x"]}, {"flags": ["--pcap=/tmp/x"]}, {"flags": ["--debug-ui"]},
                   {"flags": ["--port=1"]}, {"flags": ["ui"]}, {"flags": ["--json-status-fd=1"]}, {"flags": ["--interactive"]},
                   {"policies": [{}]}, {"policies": [{"preset": "/etc/passwd"}]}, {"policies": [{"preset": "../x.json"}]},
                   {"policies": [{"preset": "strict", "x": 1}]}, {"policies": [{"name": "a\nb", "text": "{}"}]}, {"extra": 1}):
        assert page.problem("run", **whole | change)["reason"], change


# ---- runs ----

def test_a_run(page):
    worker = page.run("import sys\nprint('out', sys.argv[1:])\nprint('err', file=sys.stderr)\n1/0\n", args=["a", "b c"], tab="tab 7")
    page.until(lambda: page.ended(worker))
    state = page.states[worker]
    assert state["state"] == "exited" and state["exit"] == 1 and state["tab"] == "tab 7" and state["problem"] is None
    assert state["name"] == "main.py" and state["language"] == "python" and state["ended"] >= state["started"]
    assert page.output[worker][1] == "out ['a', 'b c']\n"
    # A traceback names the file that the page can make a link of.
    assert f'File "{state["file"]}", line 4' in page.output[worker][2]
    layers = {layer["layer"]: layer["state"] for layer in state["layers"]}
    assert layers["seccomp"] == layers["landlock"] == layers["namespaces"] == "on"
    kinds = [event["action"] for event in page.events[worker] if event["kind"] == "state"]
    assert kinds[0] == "started" and kinds[-1] == "exited"
    # It is known before it is heard of, and its end is the last that is.
    order = [kind for kind, one in page.order if one == worker]
    assert order[0] == "starting" and order[-1] == "exited"


def test_bun(world, bun):
    with serving(world, env=bun) as server:
        page = server.page()
        assert page.hello["languages"] == ["python", "bun"]
        status, out, err = page.run_to_end("const x: number = 7; console.log(x); throw new Error('no')",
                                           language="bun", name="main.ts")
        assert status == 1 and out == "7\n" and "main.ts:1" in err, (status, out, err)


def test_policies_hold_in_a_run(page):
    code = "import os\nfor name in ('hosts', 'passwd'):\n  print(open('/etc/' + name).read()[:0] + name)\nprint(os.environ.get('TERM'))\n" \
           "try:\n  open(os.path.expanduser('~/x'), 'w')\nexcept OSError as error:\n  print(error.errno)"
    status, out, _ = page.run_to_end(code)
    assert out.splitlines()[-1] == "13"
    mine = {"name": "mine", "text": json.dumps({"version": 1, "env": {"allow": ["SECRET"], "set": {"SECRET": "s"}}})}
    _, out, _ = page.run_to_end("import os; print(os.environ.get('SECRET'))", policies=[mine])
    assert out == "s\n"
    status, out, err = page.run_to_end("import socket; socket.create_connection(('203.0.113.5', 80))", flags=["--deny-net=203.0.113.5"])
    assert "PermissionError" in err
    event = next(one for one in page.events[max(page.events)] if one["action"] == "deny")
    assert event["kind"] == "net" and event["rule"]["source"] == "command line" and event["object"].startswith("203.0.113.5:80")


def test_what_cannot_be_run(page):
    problem = page.problem("run", tab="t", name="a.py", language="python", code="", args=[], flags=["--allow-nett"],
                           policies=[{"preset": "strict"}])
    assert problem["object"] == "--allow-nett" and "--allow-net" in problem["cure"]
    worker = page.run("print(1)", flags=["--publish=1:1"])
    page.until(lambda: page.ended(worker))
    assert page.states[worker]["state"] == "failed" and page.states[worker]["problem"]["reason"]
    assert page.states[worker]["exit"] is None


def test_stop(page):
    worker = page.run("import time\nprint('up', flush=True)\ntime.sleep(100)")
    page.until(lambda: page.output.get(worker))
    assert page.ask("stop", worker=worker, force=False)["type"] == "done"
    page.until(lambda: page.ended(worker))
    assert page.states[worker]["exit"] == 128 + signal.SIGTERM
    stubborn = page.run("import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(100)")
    page.until(lambda: page.output.get(stubborn))
    assert page.ask("stop", worker=stubborn, force=True)["type"] == "done"
    page.until(lambda: page.ended(stubborn))
    assert page.states[stubborn]["exit"] == 128 + signal.SIGKILL
    assert page.ask("stop", worker=stubborn, force=True)["type"] == "done"


def test_several_at_once(page):
    workers = [page.run(f"import time\ntime.sleep(0.2)\nprint({number})", name=f"w{number}.py") for number in range(5)]
    page.until(lambda: all(map(page.ended, workers)))
    assert [page.output[worker][1] for worker in workers] == [f"{number}\n" for number in range(5)]


def test_at_most_so_many(world):
    with serving(world) as server:
        page = server.page()
        most = page.hello["limits"]["workers"]
        workers = [page.run("import time; time.sleep(100)") for _ in range(most)]
        problem = page.problem("run", tab="t", name="a.py", language="python", code="", args=[], flags=[], policies=[])
        assert problem["reason"] == "too many workers run"
        page.ask("stop", worker=workers[3], force=True)
        page.until(lambda: page.ended(workers[3]))
        # The oldest that is over makes room.
        page.run_to_end("print(1)")
        assert page.problem("stop", worker=workers[3], force=True)["reason"] == "there is no such worker"


def test_forget(page):
    worker = page.run("import time; print('x' * 5, flush=True); time.sleep(100)", name="forgotten.py")
    page.until(lambda: page.output.get(worker))
    file = page.states[worker]["file"]
    assert page.ask("forget", worker=worker)["type"] == "done"
    assert page.problem("forget", worker=worker)["reason"] == "there is no such worker"
    wait_until(lambda: not alive(file))
    assert worker not in [state["worker"] for state in page.server.page().hello["workers"]]


def test_messages(page):
    code = '''
import buntime
channel = buntime.channel()
for message in channel:
    if message == b"end":
        break
    channel.send(b"got " + message)
    if message == b"ask":
        try:
            channel.send(b"answer " + channel.request(b"question"))
        except buntime.RemoteError as error:
            channel.send(b"failed " + str(error).encode())
    if message == b"bytes":
        channel.send(bytes([255, 0]))
'''
    worker = page.run(code)
    for text in ("one", "ask", "bytes"):
        assert page.ask("send", worker=worker, text=text)["type"] == "done"
    page.until(lambda: any(one["request"] is not None for one in page.messages.get(worker, [])))
    request = next(one for one in page.messages[worker] if one["request"] is not None)
    assert request["text"] == "question"
    problem = page.problem("reply", worker=worker, request=request["request"] + (1 << 32), text="x", failed=False)
    assert problem["reason"] == "no request has this number"
    page.ask("reply", worker=worker, request=request["request"], text="wörd", failed=False)
    page.ask("send", worker=worker, text="ask")
    page.until(lambda: sum(one["request"] is not None for one in page.messages[worker]) == 2)
    second = [one for one in page.messages[worker] if one["request"] is not None][1]
    page.ask("reply", worker=worker, request=second["request"], text="not now", failed=True)
    page.ask("send", worker=worker, text="end")
    page.until(lambda: page.ended(worker))
    texts = [one.get("text", one.get("base64")) for one in page.messages[worker]]
    assert "answer wörd" in texts and "/wA=" in texts and any(text.startswith("failed") and "not now" in text for text in texts), \
        (texts, page.output.get(worker))
    assert page.problem("send", worker=worker, text="x")["reason"] == "the worker has ended"


def test_samples(page):
    worker = page.run("import subprocess, time\nsubprocess.run(['/usr/bin/sleep', '1.5'])", flags=["--allow-run=/usr/bin/sleep"])
    page.until(lambda: page.ended(worker))
    memory = page.samples[worker, "memory"]
    names = {process["name"] for one in memory for process in one["processes"]}
    assert {"python3", "sleep"} <= names, names
    assert any(process["memory"] > 1 << 20 for one in memory for process in one["processes"])
    rings = page.samples[worker, "rings"]
    # Four a second, however long it took.
    took = page.states[worker]["ended"] - page.states[worker]["started"]
    assert 3 <= len(rings) <= took / 250 + 2 and rings[0]["toWorker"]["capacity"] > 0
    assert page.samples[worker, "syscalls"][-1].keys() >= {"connect", "openat", "execve"}


# ---- output ----

def test_characters(page):
    code = r'''
import os, time
for part in (b"a\xe2", b"\x82", b"\xac|", b"\xff|\xc3", b"(|\x1b[31mred\x00\x1b[0m|", b"\xf0\x9f\x98"):
    os.write(1, part)
    time.sleep(0.05)
'''
    _, out, _ = page.run_to_end(code)
    # What is no character is replaced, a NUL beside such, too.
    assert out.replace("\0", "\ufffd").rstrip("\ufffd") == "a€|\ufffd|\ufffd(|\x1b[31mred\ufffd\x1b[0m|"


def test_streams_stay_in_order(page):
    worker = page.run("import os\nfor n in range(300):\n  os.write(1 + n % 2, b'%d ' % n)")
    page.until(lambda: page.ended(worker))
    numbers = [list(map(int, page.output[worker][stream].split())) for stream in (1, 2)]
    assert numbers == [list(range(0, 300, 2)), list(range(1, 300, 2))]


def test_a_flood_of_output(world):
    """200 MB as fast as they come: memory is bounded, and the last line is there."""
    with serving(world) as server:
        page = server.page()
        deaf = server.page(acks=False)
        before = server.memory()
        worker = page.run("import os\nblock = (b'x' * 99 + b'\\n') * 640\nfor _ in range(3200):\n  os.write(1, block)\nprint('the last line')")
        most = 0
        end = time.monotonic() + 60
        while not page.ended(worker):
            assert time.monotonic() < end and page.step(5)
            most = max(most, server.memory())
        out = page.output[worker][1]
        assert out.endswith("\nthe last line\n")
        assert len(out) + page.skipped[worker, "output"] == 3200 * 64000 + 14
        assert most - before < 48 << 20, most - before
        assert page.biggest < 640 << 10
        # It was told of two batches, and costs nothing since.
        while deaf.step(0.5):
            pass
        assert deaf.batches == 2 and worker not in [one for one in deaf.states if deaf.ended(one)]
        # It may come back.
        deaf.acks = True
        deaf.send({"type": "ack", "seq": 2})
        deaf.until(lambda: deaf.ended(worker))
        assert deaf.output[worker][1].endswith("\nthe last line\n")
        # Whoever comes later is told what is kept.
        late = server.page()
        late.until(lambda: late.output.get(worker, {1: ""})[1].endswith("the last line\n"))
        assert late.hello["workers"][0]["state"] == "exited" and late.skipped[worker, "output"] > 190_000_000


def test_a_flood_of_single_bytes(world):
    """What each costs besides itself is counted, too."""
    with serving(world) as server:
        page = server.page(acks=False)
        before = server.memory()
        code = "import os\nfor n in range(300000):\n  os.write(1 + n % 2, b'x')"
        worker = page.run(code)
        watcher = server.page()
        watcher.until(lambda: watcher.ended(worker), 60)
        assert server.memory() - before < 32 << 20


def test_a_flood_of_events(world):
    with serving(world) as server:
        page = server.page()
        before = server.memory()
        code = "import socket\nfor n in range(20000):\n  s = socket.socket()\n  s.connect_ex(('203.0.113.5', 1 + n % 60000))\n  s.close()\nprint('done')"
        worker = page.run(code, flags=["--deny-net=203.0.113.5"])
        page.until(lambda: page.ended(worker), 60)
        assert page.output[worker][1] == "done\n"
        told = sum(event["count"] for event in page.events[worker] if event["kind"] == "net")
        dropped = sum(event["count"] for event in page.events[worker] if event["action"] == "dropped")
        assert page.skipped.get((worker, "events"), 0) == dropped
        assert told + dropped == 20000
        assert any(event["action"] == "exited" for event in page.events[worker])
        assert page.samples[worker, "syscalls"][-1]["connect"] == told
        assert server.memory() - before < 100 << 20


def test_a_page_that_reads_nothing(world):
    """Answers to what it asks are not kept without end: it is hung up on."""
    with serving(world) as server:
        page = server.page()
        message = json.dumps({"type": "apply-policy", "id": 1, "policies": [],
                              "flags": ["--allow-env=" + ",".join(f"E{n}" for n in range(5000))]})
        page.socket.socket.settimeout(20)
        most = before = server.memory()
        with pytest.raises(ConnectionError):
            for _ in range(300):
                page.socket.send_text(message)
                most = max(most, server.memory())
        assert most - before < 100 << 20
        assert server.get("/")[0] == 200


def test_coming_and_going(world):
    """Pages and runs that go in the middle of everything, and a server that does."""
    flood = "import os, socket\nwhile True:\n  os.write(1, b'x' * 50000)\n  os.write(2, b'y')\n  " \
            "socket.socket().connect_ex(('203.0.113.5', 80))"
    with serving(world) as server:
        steady = server.page()
        for turn in range(12):
            page = server.page(acks=turn % 3 > 0)
            worker = page.run(flood, flags=["--deny-net=203.0.113.5"])
            for _ in range(turn):
                page.step(0.05)
            if turn % 2:
                page.send({"type": "forget", "id": 999, "worker": worker})
            if turn % 4 == 1:
                # A frame that does not end, and no closing handshake.
                page.socket.frame(1, b"{", length=1000)
            if turn % 4 == 2:
                page.socket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            page.close()
            steady.step(0.01)
        for worker in list(steady.states):
            steady.send({"type": "stop", "id": 1000 + worker, "worker": worker, "force": True})
        assert steady.run_to_end("print('still here')")[1] == "still here\n"
        for _ in range(3):
            steady.run(flood)
        steady.step(0.1)


def test_nobody_is_woken_for_nothing(world):
    with serving(world) as server:
        page = server.page()
        worker = page.run("import time\nprint('up', flush=True)\ntime.sleep(100)")
        page.until(lambda: page.output.get(worker))
        page.close()
        assert stays_low(server.wakeups, 3, 1.5)
        # With a page, but nothing that runs.
        page = server.page()
        page.ask("stop", worker=worker, force=True)
        page.until(lambda: page.ended(worker))
        while page.step(0.7):
            pass
        assert stays_low(server.wakeups, 2)


# ---- policies ----

def set_loaded(page, policies=(), flags=()):
    answer = page.ask("apply-policy", policies=list(policies), flags=list(flags))
    assert answer["type"] == "policy-set-loaded", answer
    return answer


def text_of(**members):
    return json.dumps({"version": 1, **members})


LEVELS = [
    ("strict", [], []),
    ("strict", [{"preset": "strict"}], ["--deny-net=1.2.3.4"]),
    ("strict", [], ["--memory=1G", "--audit"]),
    ("scoped", [], ["--allow-net=github.com"]),
    ("scoped", [], ["--allow-read=/etc"]),
    ("scoped", [], ["--allow-env=HOME"]),
    ("scoped", [], ["--allow-sys"]),
    ("scoped", [{"name": "a", "text": text_of(fs={"rules": [{"action": "warn", "path": "/etc", "perms": ["read_file"]}]})}], []),
    ("open", [], ["--allow-net"]),
    ("open", [], ["--allow-net=0.0.0.0/0:443"]),
    ("open", [], ["--allow-net=[::]/0"]),
    ("open", [{"name": "a", "text": text_of(defaults={"net": "allow"})}], []),
    ("open", [{"name": "a", "text": text_of(net={"rules": [{"action": "allow", "proto": "any", "cidr": "0.0.0.0/0"}]})}], []),
    ("unrestricted", [], ["--allow-all"]),
    ("unrestricted", [], ["--allow-read"]),
    ("unrestricted", [], ["--allow-run"]),
    ("unrestricted", [], ["--allow-env"]),
    ("unrestricted", [], ["--allow-unix"]),
    ("unrestricted", [{"name": "a", "text": text_of(exec={"rules": [{"action": "allow", "path": "/"}]})}], []),
]


@pytest.mark.parametrize("level, policies, flags", LEVELS)
def test_levels(page, level, policies, flags):
    answer = set_loaded(page, policies, flags)
    assert answer["problems"] == [] and answer["summary"]["level"] == level, answer["summary"]


def test_a_set(page):
    one = {"name": "one", "text": text_of(net={"rules": [{"action": "allow", "host": "a.example", "ports": "443"}]})}
    two = {"name": "two", "text": '{\n "version": 1,\n "exec": {"rules": [\n  {"action": "deny", "path": "/usr/bin/env"}]}}'}
    answer = set_loaded(page, [one, two, {"preset": "audit"}], ["--allow-read=/etc"])
    assert answer["problems"] == []
    rules = {rule["text"]: rule["rule"] for rule in answer["rules"]}
    assert any(rule["source"] == "one" for rule in rules.values())
    assert any(rule["source"] == "two" and rule["line"] == 4 for rule in rules.values())
    assert any(rule["source"] == "command line" and rule["text"] == "--allow-read=/etc" for rule in rules.values())
    assert any(rule["source"].endswith("/audit.json") for rule in rules.values())
    assert {key: answer["summary"][key] for key in ("allow", "deny", "warn")} == {"allow": 2, "deny": 1, "warn": 0}
    merged = json.loads(answer["policy"])
    assert merged["version"] == 1 and merged["net"]["rules"][0]["host"] == "a.example"
    # The page's own address, which a run is denied, is not a part of it.
    assert str(page.server.port) not in json.dumps(answer["rules"])


def test_problems(page):
    bad = {"name": "bad", "text": '{\n "version": 1,\n "fs": {"rules": [\n  {"action": "alow", "path": "/x", "perms": ["read_file"]}]},\n "nets": {}}'}
    answer = set_loaded(page, [{"preset": "strict"}, bad, {"preset": "strickt"}, {"name": "worse", "text": "{"}],
                        ["--allow-nett=x", "--allow-net=y"])
    assert answer["policy"] is None
    problems = answer["problems"]
    first, second = problems[0], problems[1]
    assert (first["part"], first["line"], first["column"], first["object"]) == (1, 4, 14, "fs.rules[0].action"), first
    assert '"alow"' in first["reason"] and first["cure"] == 'did you mean "allow"?'
    assert (second["part"], second["line"], second["object"]) == (1, 5, "nets") and '"net"' in second["cure"]
    preset = next(one for one in problems if one["part"] == 2)
    assert preset["line"] is None and "strict" in preset["cure"], preset
    assert next(one for one in problems if one["part"] == 3)["line"] == 1
    flag = next(one for one in problems if one["part"] is None)
    assert flag["object"] == "--allow-nett" and "--allow-net" in flag["cure"]


def test_what_cannot_be_enforced(page):
    """Known before anything is run."""
    off = {"name": "off", "text": text_of(plugins={"namespaces": False, "landlock": False})}
    for policies, flags, about in (([off], [], "plugins"), ([], ["--deny-sys=uid"], "--deny-sys=uid"),
                                   ([], ["--allow-write=/home/user", "--deny-write=/home/user/nope"], "--deny-write=/home/user/nope")):
        answer = set_loaded(page, policies, flags)
        assert answer["policy"] is None and [one["object"] for one in answer["problems"]] == [about], answer["problems"]
        assert answer["problems"][0]["cure"]


def test_one_policy(page):
    answer = page.ask("apply-policy", policy={"preset": "audit"})
    assert answer["type"] == "policy-loaded" and answer["summary"]["level"] == "strict" and "policy" not in answer
    answer = page.ask("apply-policy", policy={"name": "x", "text": "{}"})
    assert answer["problems"][0]["part"] == 0
    assert page.ask("apply-policy", policy={"name": "x"})["type"] == "error"


def test_check(page):
    allow = [{"name": "net", "text": text_of(net={"rules": [{"action": "allow", "host": "github.com", "ports": "443"}]})}]
    verdict = page.ask("check", permission="net", value="github.com:443", policies=allow, flags=[])["verdict"]
    assert verdict["action"] == "allow" and verdict["rule"]["source"] == "net"
    verdict = page.ask("check", permission="net", value="github.com:80", policies=allow, flags=[])["verdict"]
    assert verdict["action"] == "deny" and verdict["suggestion"] == "--allow-net=github.com:80"
    assert page.problem("check", permission="net", value="2852039166", policies=[], flags=[])["reason"]
    assert page.problem("check", permission="net", value="x", policies=[{"name": "a", "text": "{"}], flags=[])["reason"]


def test_what_the_environment_grants(world):
    """Of a run, and so of what is said about it."""
    with serving(world, env={"BUNTIME_ALLOW_NET": "github.com"}) as server:
        page = server.page()
        answer = set_loaded(page)
        assert any(rule["rule"]["source"] == "environment" for rule in answer["rules"]) and answer["summary"]["level"] == "scoped"
        answer = page.ask("check", permission="net", value="github.com", policies=[], flags=[])
        assert answer["verdict"]["action"] == "allow"
    with serving(world, env={"BUNTIME_ALLOW_NETT": "github.com"}) as server:
        assert "BUNTIME_ALLOW_NETT" in set_loaded(server.page())["problems"][0]["object"]


def test_policies_of_the_users_own(world, tmp_path):
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    with serving(world, env=home) as server:
        page, other = server.page(), server.page()
        text = text_of(description="mine", env={"allow": ["HOME"]})
        answer = page.ask("save-policy", name="mine", text=text, overwrite=False)
        path = tmp_path / "config/buntime/policies/mine.json"
        assert answer["path"] == str(path) and path.read_text() == text and path.stat().st_mode & 0o777 == 0o600
        for one in (page, other):
            one.until(lambda: one.stray)
            assert {"name": "mine", "description": "mine", "user": True, "text": text} in one.stray.pop()["presets"]
        assert set_loaded(page, [{"preset": "mine"}])["problems"] == []
        assert "there is" in page.problem("save-policy", name="mine", text=text, overwrite=False)["reason"]
        # What is in its place is replaced, and not followed.
        victim = tmp_path / "victim"
        victim.write_text("untouched")
        path.unlink()
        path.symlink_to(victim)
        assert page.ask("save-policy", name="mine", text=text, overwrite=True)["type"] == "done"
        assert victim.read_text() == "untouched" and not path.is_symlink() and path.read_text() == text
        for name in ("../x", "", "a/b", ".x", "strict", "x.json", "a\0b", "x" * 65, "-x"):
            assert page.problem("save-policy", name=name, text=text, overwrite=True)["reason"], name
            assert page.problem("delete-policy", name=name)["reason"], name
        problem = page.problem("save-policy", name="bad", text='{"version": 1,\n "x": 1}', overwrite=False)
        assert "unknown key" in problem["reason"]
        assert [one.name for one in path.parent.iterdir()] == ["mine.json"]
        assert page.ask("delete-policy", name="mine")["path"] == str(path) and not path.exists()
        assert page.problem("delete-policy", name="mine")["reason"] == "no policy of yours"


# ---- the page of the manual ----

def test_every_message_is_described(world):
    """With each of its keys, as the page's own types have them."""
    types = (world.source / "data/debug-ui/src/protocol.ts").read_text(encoding="utf-8")
    types = re.sub(r"/\*.*?\*/", "", types, flags=re.S).split("export type ToServer", 1)[1]
    # Those come from the library, which describes them.
    for name in ("Layer", "Verdict", "BuntimeEvent", "Process"):
        types = re.sub(r"export interface %s \{.*?\n\}\n" % name, "", types, flags=re.S)
    page = (world.source / "man/buntime-debug-ui.7.in").read_text(encoding="utf-8").replace("\\-", "-").replace("\\fI", "")
    for kind in set(re.findall(r"type: '([\w-]+)'", types)):
        assert re.search(rf"^\.B {kind}$", page, re.M), kind
    for key in set(re.findall(r"\b([a-z]\w*)\??:", types)) - {"type", "stream"}:
        assert re.search(rf"\b{key}\b", page, re.I), key


# ---- languages ----

def test_texts_in_another_language(world, tmp_path):
    """With a German catalogue and a German locale, which a small system may lack."""
    (tmp_path / "de.po").write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
                                    'msgid "Connected"\nmsgstr "Verbunden – \\"da\\""\n', encoding="utf-8")
    subprocess.run(["msgfmt", "-o", "de.mo", "de.po"], cwd=tmp_path, check=True)
    shutil.copytree("/usr/lib/locale/C.utf8", tmp_path / "locale/de_DE.UTF-8")
    options = json.loads((world.build / "meson-info/intro-buildoptions.json").read_text())
    options = {option["name"]: option["value"] for option in options}
    folder = Path(options["prefix"], options["localedir"], "de/LC_MESSAGES")
    place = next(parent for parent in folder.parents if parent.exists())
    prefix = ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "sh", "-ec",
              f'mount -t tmpfs catalogue {place}; mkdir -p {folder}; cp {tmp_path}/de.mo {folder}/buntime.mo; exec "$@"', "sh"]
    env = {"LC_ALL": "de_DE.UTF-8", "LOCPATH": str(tmp_path / "locale")}
    with serving(world, prefix=prefix, env=env) as server:
        hello = server.page().hello
        assert hello["locale"] == "de-DE" and hello["messages"] == {"Connected": 'Verbunden – "da"'}
    with serving(world, prefix=prefix, env=env | {"LC_ALL": "C"}) as server:
        assert server.page().hello["locale"] == "en" and server.page().hello["messages"] == {}


# ---- beginning and end ----

def test_the_browser_is_given_no_token(world, tmp_path):
    """Every user of the machine can read what programs are started with; a file leads there instead."""
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/args.new\ncp "${{1#file://}}" {tmp_path}/page\n'
                       f'stat -c %a "${{1#file://}}" > {tmp_path}/mode\nmv {tmp_path}/args.new {tmp_path}/args\n')
    browser.chmod(0o755)
    applications = tmp_path / "share/applications"
    applications.mkdir(parents=True)
    (applications / "b.desktop").write_text(f"[Desktop Entry]\nType=Application\nName=B\nExec={browser} %u\nMimeType=text/html;x-scheme-handler/file;\n")
    (applications / "mimeapps.list").write_text("[Default Applications]\ntext/html=b.desktop\nx-scheme-handler/file=b.desktop\n")
    (applications / "mimeinfo.cache").write_text("[MIME Cache]\ntext/html=b.desktop;\nx-scheme-handler/file=b.desktop;\n")
    env = {"XDG_DATA_HOME": str(tmp_path / "share"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    with serving(world, "ui", "--port=0", "--open", env=env) as server:
        wait_until((tmp_path / "args").exists)
        args = (tmp_path / "args").read_text()
        assert args.strip().endswith("/buntime.html") and server.token not in args, args
        assert f"url={server.url}" in (tmp_path / "page").read_text()
        assert (tmp_path / "mode").read_text() == "600\n"
    assert not Path(args.strip().removeprefix("file://")).exists()


def test_run_debug_ui(world, tmp_path):
    program = tmp_path / "my prog.py"
    program.write_text("print('hé')\n")
    with serving(world, "run", "--debug-ui=0", "--allow-net=github.com", "-R=/etc", "--audit", program, "a", "--b", cwd=tmp_path) as server:
        assert server.page().hello["start"] == {
            "name": "my_prog.py", "language": "python", "code": "print('hé')\n", "args": ["a", "--b"],
            "flags": ["--allow-net=github.com", "--allow-read=/etc", "--audit"]}
    (tmp_path / "x.ts").write_text("1")
    with serving(world, "--debug-ui=0", tmp_path / "x.ts") as server:
        assert server.page().hello["start"]["language"] == "bun"
    (tmp_path / "binary").write_bytes(b"\xff\0")
    for words, status in ((["--debug-ui=0", "--no-sandbox", program], 2), (["--debug-ui=0", tmp_path / "binary"], 126),
                          (["--debug-ui=0", tmp_path / "nothing"], 127), (["--debug-ui=x", program], 2),
                          (["--debug-ui", "--events=x", program], 2)):
        assert world.run(words).status == status, words


def test_everything_ends_with_it(world, tmp_path):
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    marker = f"sleeper-{os.getpid()}"
    code = f"import os, time\nif os.fork() == 0: os.setsid()\nprint('{marker}', flush=True)\ntime.sleep(100)"
    with serving(world, env={"XDG_RUNTIME_DIR": str(runtime)}) as server:
        page = server.page()
        worker = page.run(code, args=[marker])
        page.until(lambda: page.output.get(worker, {1: ""})[1].count(marker) == 2)
        file = Path(page.states[worker]["file"])
        assert runtime / "buntime" in file.parents and file.read_text() == code
        assert file.stat().st_mode & 0o777 == 0o600 and file.parent.parent.stat().st_mode & 0o777 == 0o700
        assert alive(marker)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(10) == 0
        assert not alive(marker) and list((runtime / "buntime").iterdir()) == []


def test_a_folder_that_others_can_enter_is_not_used(world, tmp_path):
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o755)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    for change in (lambda: None, lambda: (runtime.chmod(0o700), (runtime / "buntime").symlink_to(elsewhere)),
                   lambda: ((runtime / "buntime").unlink(), (runtime / "buntime").mkdir(mode=0o777))):
        change()
        with serving(world, env={"XDG_RUNTIME_DIR": str(runtime)}) as server:
            page = server.page()
            worker = page.run("print(1)")
            page.until(lambda: page.ended(worker))
            assert page.states[worker]["file"].startswith("/tmp/buntime-ui-")
    assert list(elsewhere.iterdir()) == []


def test_nothing_is_left_of_one_that_was_killed(world, tmp_path):
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    marker = f"sleeper-k-{os.getpid()}"
    env = {"XDG_RUNTIME_DIR": str(runtime)}
    with serving(world, env=env, status=(-9,)) as server:
        page = server.page()
        worker = page.run(f"import time\nprint('{marker}', flush=True)\ntime.sleep(100)", args=[marker])
        page.until(lambda: page.output.get(worker))
        server.process.kill()
        wait_until(lambda: not alive(marker))
    left, = (runtime / "buntime").iterdir()
    # What a worker could have put there is not followed.
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("untouched")
    (left / "7").symlink_to(victim)
    (left / "1" / "link").symlink_to(victim / "file")
    (runtime / "buntime" / "ui-1-link").symlink_to(victim)
    with serving(world, env=env) as server:
        assert not left.exists()
        assert (victim / "file").read_text() == "untouched"
        # One that is in use stays.
        page = server.page()
        worker = page.run("import time; print('up', flush=True); time.sleep(100)")
        page.until(lambda: page.output.get(worker))
        with serving(world, env=env):
            pass
        assert Path(page.states[worker]["file"]).exists()


def test_without_it(world, tmp_path):
    """A build without the debug UI says what is missing."""
    alone = tmp_path / "buntime"
    shutil.copy(world.buntime, alone)
    (tmp_path / "w.py").write_text("")
    for words in (["ui"], ["run", "--debug-ui", tmp_path / "w.py"]):
        result = world.run_command([*PLAIN, alone, *words])
        assert result.status == 125 and "not a part of this buntime" in result.stderr and "-Ddebug_ui=enabled" in result.stderr


def test_a_run_does_not_load_it(world, tmp_path):
    """Nothing of libsoup is in a process of `buntime run`."""
    program = tmp_path / "w.py"
    program.write_text("import time\nprint('up', flush=True)\ntime.sleep(100)")
    with world.spawn(["run", program]) as process:
        assert process.stdout.readline() == b"up\n"
        maps = Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8", errors="replace")
        assert "soup" not in maps and "buntime" in maps
