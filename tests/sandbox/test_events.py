# SPDX-License-Identifier: LGPL-2.1-or-later
"""--events and --audit: one line of JSON for each denial, and nobody else's."""

import fcntl
import json
import os
import shlex
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import jsonschema
import pytest

from addresses import OTHER, UDP, WEB
from native import compile_c
from world import Box

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "data/schema/event.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def parse(text):
    events = [json.loads(line) for line in text.splitlines()]
    for event in events:
        VALIDATOR.validate(event)
    return events


class Events:
    """A file that is none of the program's, and what a run wrote to it."""

    def __init__(self, box, directory):
        self.box = box
        self.path = directory / "events.jsonl"

    def run(self, *flags, audit=False, **kwargs):
        self.path.unlink(missing_ok=True)
        flag = f"--audit={self.path}" if audit else f"--events={self.path}"
        result = self.box.run(flag, *flags, **kwargs)
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        return parse(text), result


@pytest.fixture
def events(box, tmp_path_factory):
    return Events(box, tmp_path_factory.mktemp("events"))


@pytest.fixture
def bus(tmp_path_factory):
    """A Unix socket of the host's."""
    path = tmp_path_factory.mktemp("bus") / "bus.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield path


def of(events, action):
    return [event for event in events if event["action"] == action]


# ---- each kind, denied: one event, and its flag lets just that pass ----

TCP = "import socket; socket.create_connection(({0!r}, {1}), 10).close()"
KINDS = {
    "net-name": ("net", TCP.format("github.com", 443), "github.com:443", TCP.format("github.com", 80)),
    "net-address": ("net", TCP.format(OTHER, 443), f"{OTHER}:443", TCP.format(WEB, 443)),
    "udp": ("net", f"import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.connect(({UDP!r}, 123))",
            f"{UDP}:123", f"import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.connect(({UDP!r}, 7777))"),
    "write": ("write", "open('a/x', 'w')", "a/x", "open('b/x', 'w')"),
    "run": ("run", "import os; os.posix_spawn('/usr/bin/true', ['true'], {})", "/usr/bin/true",
            "import os; os.posix_spawn('/usr/bin/false', ['false'], {})"),
    "read": ("read", "open('a/secret').read()", "a/secret", "open('b/secret').read()"),
    "ffi": ("ffi", "import ctypes; ctypes.CDLL({lib!r} + '/a.so')", "lib/a.so",
            "import ctypes; ctypes.CDLL({lib!r} + '/b.so')"),
    "unix": ("unix", "import socket; socket.socket(socket.AF_UNIX).connect({bus!r})", "bus.sock",
             "open('a/y', 'w')"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_denial_is_one_event_and_its_flag_helps(events, bus, kind):
    word, code, value, other = KINDS[kind]
    box = events.box
    for name in ("a/secret", "b/secret"):
        box.write(name, "secret\n")
    if kind == "ffi":
        for name in "ab":
            compile_c(box.write("x.c", "int x;\n"), box.directory / f"lib/{name}.so",
                      "-shared", "-fPIC")
    places = {"{bus!r}": repr(str(bus)), "{lib!r}": repr(str(box.directory / "lib"))}
    for word_of, place in places.items():
        code, other = code.replace(word_of, place), other.replace(word_of, place)
    audit = kind == "read"
    # What is seen is needed to see the socket; what is refused is the connection.
    flags = [f"--allow-read={bus.parent}"] if kind == "unix" else []
    if kind in ("write", "ffi"):
        flags = [f"--allow-read={box.directory}"]
    found, result = events.run(*flags, audit=audit, code=code)
    assert result.status == 1, str(result)
    denied = [event for event in of(found, "deny") if value in (event["value"] or "")]
    assert len(denied) == 1, found
    event = denied[0]
    assert event["kind"] == word == event["permission"] and event["count"] == 1
    # Here the kernel decides, and what is said of it was looked at.
    assert event["observed"] is audit and event["program"] == "python3" and event["pid"] > 0
    assert event["rule"]["source"] == "built-in" and event["rule"]["line"] is None
    assert (event["host"] is not None) == (word == "net")
    if not audit:
        assert len(of(found, "deny")) == 1, found
    more = shlex.split(event["suggestion"])
    found, result = events.run(*flags, *more, audit=audit, code=code)
    assert result.status == 0, str(result)
    assert [one for one in of(found, "deny") if value in (one["value"] or "")] == []
    _, result = events.run(*flags, *more, code=other)
    assert result.status == 1, str(result)


def test_a_rule_of_a_file_is_named_by_its_line(events):
    policy = events.box.write("p.json", """
        {"version": 1,
         "net": {"rules": [
           {"action": "deny", "proto": "tcp", "cidr": "198.51.100.20/32"}]}}
    """)
    found, _ = events.run(f"--policy={policy}", code=TCP.format(OTHER, 80))
    denied, = of(found, "deny")
    assert denied["rule"]["source"] == str(policy) and denied["rule"]["line"] == 3
    assert denied["rule"]["text"] == "net.rules[0]"


def test_start_and_end(events):
    found, _ = events.run(code="import sys; sys.exit(7)")
    assert [event["action"] for event in found] == ["started", "exited"]
    assert found[0]["object"] == "w.py" and found[1]["exit"] == 7
    assert found[0]["worker"] == found[1]["worker"]
    found, result = events.run(name="missing.py", code=None)
    assert [event["action"] for event in found] == ["failed"] and result.status == 127


# ---- places ----

def test_stdout_is_moved_to_stderr(box):
    result = box.run("--events=-", code="print('mine'); open('/usr/x', 'w')")
    assert [event["action"] for event in parse(result.stdout)] == ["started", "deny", "exited"]
    assert "mine\n" in result.stderr and result.denied("write")


def test_a_descriptor_is_not_passed_on(box, tmp_path_factory):
    path = tmp_path_factory.mktemp("events") / "e"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    fcntl.fcntl(fd, fcntl.F_SETFD, 0)
    result = box.run(f"--events={fd}", "--allow-read", pass_fds=[fd], code=f"""
        import os
        for number in range(3, 64):
            try:
                os.write(number, b"forged\\n")
            except OSError:
                pass
        print(sorted(os.listdir("/proc/self/fd")))
        open("/usr/x", "w")
    """)
    os.close(fd)
    assert [event["action"] for event in parse(path.read_text())] == ["started", "deny", "exited"]
    assert result.stdout.strip() in ("['0', '1', '2', '3']", "['0', '1', '2']")


@pytest.mark.parametrize("number", ["0", "1", "2", "99"])
def test_other_descriptors_are_refused(box, number):
    result = box.run(f"--events={number}", code="print('ran')")
    assert result.status == 2 and result.stdout == "" and f"--events={number}" in result.stderr


@pytest.mark.parametrize("grant", ["--allow-write=.", "--allow-write=e.jsonl", "--allow-write",
                                   "--allow-all"])
def test_a_file_below_a_write_grant_is_refused(world, grant):
    # Not in /tmp, where a bare grant means the private one.
    with tempfile.TemporaryDirectory(dir=os.environ["HOME"]) as directory:
        box = Box(world, Path(directory))
        if "e.jsonl" in grant:
            box.write("e.jsonl", "")
        result = box.run("--events=e.jsonl", grant, code="print('ran')")
        assert result.status == 2 and "--events=e.jsonl" in result.stderr, str(result)
        assert result.stdout == ""
        assert "e.jsonl" in grant or not (box.directory / "e.jsonl").exists()


def test_links_and_second_names_are_refused(box, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "target").write_text("kept\n")
    (other / "link").symlink_to(other / "target")
    os.link(other / "target", other / "second")
    for name in ("link", "second"):
        result = box.run(f"--events={other / name}", code="print('ran')")
        assert result.status == 2 and result.stdout == "", str(result)
    assert (other / "target").read_text() == "kept\n"


def test_the_programs_own_output_is_refused(box):
    command = shlex.join(map(str, box.world.command(["--events=-", "run", "w.py"])))
    box.write("w.py", "print('ran')")
    done = subprocess.run(["sh", "-c", command + " 2>&1"], cwd=box.directory, capture_output=True,
                          env=box.world.environment(), timeout=60)
    assert done.returncode == 2 and b"ran\n" not in done.stdout, done


# ---- bounds ----

def test_floods_are_counted(events):
    found, _ = events.run(code="""
        for _ in range(3000):
            try:
                open("/usr/x", "w")
            except OSError:
                pass
    """)
    denied = of(found, "deny")
    assert sum(event["count"] for event in denied) == 3000 and len(denied) <= 10


def test_a_pipe_that_nobody_reads_blocks_nothing(box):
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
    begun = time.monotonic()
    result = box.run(f"--events={write_end}", pass_fds=[write_end], code="""
        for number in range(3000):
            try:
                open(f"/usr/{number}", "w")
            except OSError:
                pass
        print("done")
    """)
    os.close(write_end)
    os.close(read_end)
    assert result.status == 0 and result.stdout == "done\n", str(result)
    assert time.monotonic() - begun < 30


def test_quiet_silences_stderr_alone(events):
    found, result = events.run("--quiet", code="""
        try:
            open("/usr/x", "w")
        except OSError:
            pass
    """)
    assert result.stderr == "" and len(of(found, "deny")) == 1


# ---- audit ----

def test_audit_reports_what_was_allowed(events):
    events.box.write("data.txt", "x")
    found, result = events.run("--allow-read=data.txt", f"--allow-net={OTHER}:443",
                               "--allow-run=/usr/bin/true", audit=True,
                               code=TCP.format(OTHER, 443) + """
        open("data.txt").read()
        open("/etc/passwd").read()
        server = socket.create_server(("127.0.0.1", 8123))
        socket.create_connection(("127.0.0.1", 8123))
        import os
        os.waitpid(os.posix_spawn("/usr/bin/true", ["true"], {}), 0)
    """.replace("\n        ", "\n"))
    assert result.status == 0, str(result)
    allowed = {(event["kind"], event["value"].rsplit("/", 1)[-1]): event
               for event in of(found, "allow") if event["value"]}
    data = allowed["read", "data.txt"]
    assert data["rule"]["text"].startswith("--allow-read") and data["observed"] is True
    assert allowed["read", "passwd"]["rule"] is None
    connected = allowed["net", f"{OTHER}:443"]
    assert connected["observed"] is False and connected["host"] == OTHER
    assert allowed["net", "127.0.0.1:8123"]["rule"] is None
    assert allowed["run", "true"]["observed"] is True


LOOK_UP = """
    import socket
    for name in ("github.com", "evil.example", "evil.example"):
        socket.gethostbyname(name)
"""


@pytest.mark.parametrize("grant", [["--allow-net=github.com:443"], []])
def test_audit_tells_of_names_that_are_only_looked_up(events, grant):
    found, _ = events.run(*grant, audit=True, code=LOOK_UP)
    names = {event["object"]: event for event in found if event["kind"] == "dns"}
    assert set(names) == {"github.com", "evil.example"}, found
    granted, refused = names["github.com"], names["evil.example"]
    assert granted["action"] == ("allow" if grant else "deny")
    assert granted["rule"]["text"] == (grant[0] if grant else "defaults.net = deny")
    assert refused["action"] == "deny" and refused["suggestion"] == "--allow-net=evil.example"
    for event in names.values():
        assert event["permission"] == "net" and event["value"] == event["host"] == event["object"]
        assert event["observed"] is False
    refusals = [event for event in of(found, "deny") if event["object"] == "evil.example"]
    assert sum(event["count"] for event in refusals) == 2
    # With its flag it is looked up; and without audit only the connection is told of.
    found, result = events.run(*grant, refused["suggestion"], audit=True, code=LOOK_UP)
    assert [event for event in of(found, "deny") if event["object"] == "evil.example"] == []
    found, _ = events.run(*grant, code=LOOK_UP)
    assert [event for event in found if event["kind"] == "dns"] == []


ASK = """
    import ctypes, os
    ctypes.CDLL(None).sysinfo(ctypes.create_string_buffer(256))
    for path in ("/proc/loadavg", "/proc/meminfo", "/etc/hostname", "/proc/version"):
        open(path).read()
"""


@pytest.mark.parametrize("warned", [False, True])
@pytest.mark.parametrize("granted", [[], ["loadavg"], ["systemMemoryInfo"],
                                     ["hostname", "loadavg", "systemMemoryInfo"]])
def test_audit_tells_of_facts_that_are_asked_for(events, granted, warned):
    flags = [f"--allow-sys={','.join(granted)}"] if granted else []
    # Where a rule warns of files, opens are carried out.
    policy = events.box.write("p.json", json.dumps({"version": 1, "fs": {"rules": [
        {"action": "warn", "path": "/srv", "perms": ["read_file"]}]}}))
    flags += [f"--policy={policy}"] if warned else []
    found, result = events.run(*flags, audit=True, code=ASK)
    assert result.status == 0, str(result)
    refused = [event for event in of(found, "deny") if event["kind"] == "sys"]
    assert {event["object"] for event in refused} == \
        {"hostname", "loadavg", "systemMemoryInfo"} - set(granted), found
    for event in refused:
        assert event["suggestion"] == f"--allow-sys={event['object']}"
        assert event["rule"]["text"] == "defaults.sys = deny" and event["program"] == "python3"
    assert not warned or not any(event["observed"] for event in refused)
    # What sysinfo(2) was told is decided by the supervisor.
    asked = [event for event in found if event["kind"] == "sys" and not event["observed"]]
    assert asked and {event["action"] for event in asked} == \
        ({"allow"} if len(granted) == 3 else {"deny"}), asked
    found, _ = events.run(*flags, code=ASK)
    assert [event for event in found if event["kind"] == "sys"] == []


def test_audit_tells_which_variables_were_handed_over(events):
    env = {"AWS_KEY": "sesame", "AWS_DENIED": "sesame", "OTHER": "sesame", "POD_NAME": "sesame"}
    policy = events.box.write("p.json", '{"version": 1, "env": {"set": {"AWS_SET": "sesame"}}}')
    found, _ = events.run("--allow-env=AWS_*", "--deny-env=AWS_DENIED", f"--policy={policy}",
                          audit=True, env=env, code="pass")
    told = [event for event in found if event["kind"] == "env"]
    assert [(event["action"], event["object"], event["value"]) for event in told] == \
        [("allow", "AWS_KEY", "AWS_KEY")]
    assert told[0]["rule"]["text"] == "--allow-env=AWS_*" and told[0]["observed"] is False
    assert "sesame" not in events.path.read_text(encoding="utf-8")
    found, _ = events.run("--allow-env=AWS_*", env=env, code="pass")
    assert [event for event in found if event["kind"] == "env"] == []


def test_audit_without_a_file_shows_on_stderr(box):
    box.write("data.txt", "x")
    box.write("secret.txt", "x")
    result = box.run("--audit", "--allow-read=data.txt", code="""
        open("data.txt").read()
        try:
            open("secret.txt")
        except OSError:
            pass
    """)
    assert "allowed read" in result.stderr and "data.txt by python3" in result.stderr
    assert result.denied("read", "secret.txt")[0].allow.endswith("secret.txt")
    assert "--audit=FILE has them" in result.stderr


def test_without_audit_a_failure_points_to_it(box):
    hint = "run it again with --audit"
    assert hint in box.run(code="import sys; sys.exit(1)").stderr
    assert hint not in box.run(code="pass").stderr
    assert hint not in box.run("--audit", code="import sys; sys.exit(1)").stderr
    assert hint not in box.run("--allow-read", code="import sys; sys.exit(1)").stderr


def test_one_place_only(box, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    result = box.run(f"--events={other}/a", f"--audit={other}/b", code="print('ran')")
    assert result.status == 2 and result.stdout == ""
