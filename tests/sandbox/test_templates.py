# SPDX-License-Identifier: LGPL-2.1-or-later
"""The debug UI's templates, run with what index.json turns on for each, and as their first lines say."""

import json
import re
import shlex
from pathlib import Path

import pytest

from world import PLAIN

TEMPLATES = Path(__file__).resolve().parents[2] / "data/examples/templates"
INDEX = json.loads((TEMPLATES / "index.json").read_text(encoding="utf-8"))
BY_ID = {entry["id"]: entry for entry in INDEX}

# What any Python does on its way, and an audit tells of.
BESIDE = {("deny", "read", "/etc/ld.so.cache"), ("deny", "read", "/usr/share/locale/locale.alias"),
          ("deny", "read", "/etc/host.conf"), ("deny", "sys", "systemMemoryInfo")}

def _outcomes():
    """templates.json, which the browser's tests read too: what each attempt comes to, the events that
    are not of something allowed, and which attempts come to something else where the policies are
    off (null: all).  HOME is the caller's, SHELL what /bin/sh leads to; "allowed: but no connection"
    is the host's doing, which has nothing at that port: the policy let it pass."""
    text = Path(__file__).with_name("templates.json").read_text(encoding="utf-8")
    text = text.replace("SHELL", str(Path("/bin/sh").resolve()))
    return {name: (one["attempts"], [tuple(event) for event in one["events"]],
                   set(one["attempts"] if one["changed"] is None else one["changed"]))
            for name, one in json.loads(text).items()}


OUTCOMES = _outcomes()
# Those that do not go by attempts.
OTHERS = {"hello_world", "ipc", "limits", "limits_memory"}
NETWORK = [entry["id"] for entry in INDEX if entry["group"] == "network"]


def options_of(entry, folder):
    """The flags that turn on what a template recommends."""
    for part in entry["policies"]:
        if "preset" in part:
            yield f"--policy={part['preset']}"
        else:
            path = folder / f"{part['name']}.json"
            path.write_text(json.dumps(part["policy"]), encoding="utf-8")
            yield f"--policy={path}"
    yield from entry["flags"]


def attempts_of(text):
    """What was tried: (what was expected, what came)."""
    found = re.findall(r"^(\S.*)\n  expected (\w+)\n  came     (.*)$", text, re.MULTILINE)
    assert len(found) * 3 == len(text.splitlines()), text
    return {what: (expected, came) for what, expected, came in found}


class Template:
    """One of them, in a home of its own: what a program does in it is nobody else's."""

    def __init__(self, world, folder, name, env):
        self.world, self.folder, self.home = world, folder, folder / "home"
        self.entry = BY_ID[name]
        self.env = env | {"HOME": str(self.home)}
        # A Bun as it installs itself, of which only the place counts.
        bun = self.home / ".bun/bin/bun"
        bun.parent.mkdir(parents=True)
        bun.write_text("#!/bin/sh\necho 1.0\n", encoding="utf-8")
        bun.chmod(0o755)
        (self.home / ".bashrc").write_text("alias ll='ls -l'\n", encoding="utf-8")

    def run(self, *options, around=(), **kwargs):
        """The run, and its events that are not of something allowed, each once."""
        path = self.folder / "events"
        path.unlink(missing_ok=True)
        result = self.world.run_command(
            [*PLAIN, *around, self.world.buntime, *options, f"--events={path}", "run",
             TEMPLATES / self.entry["file"], *self.entry["args"]],
            cwd=self.home, env=self.world.environment(self.env), **kwargs)
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        told = {(event["action"], event["kind"], event["object"].replace(str(self.home), "HOME"))
                for event in lines if event["kind"] != "state" and event["action"] != "allow"}
        return result, sorted(told - BESIDE)

    def run_recommended(self, **kwargs):
        return self.run(*options_of(self.entry, self.folder), **kwargs)


@pytest.fixture
def template(request, world, tmp_path):
    def make(name):
        env = request.getfixturevalue("bun") if BY_ID[name]["language"] == "bun" else {}
        return Template(world, tmp_path, name, env)
    return make


# ---- the index ----

def test_the_index_has_every_file_once():
    listed = [entry["file"] for entry in INDEX]
    there = {path.name for path in TEMPLATES.iterdir() if path.is_file()}
    assert sorted(listed) == sorted(there - {"index.json", "meson.build"})
    assert len(BY_ID) == len(INDEX) and set(BY_ID) == set(OUTCOMES) | OTHERS
    built = (TEMPLATES / "meson.build").read_text(encoding="utf-8")
    assert set(re.findall(r"^  '(.*)',$", built, re.MULTILINE)) == {*listed, "index.json"}


@pytest.mark.parametrize("entry", INDEX, ids=lambda entry: entry["id"])
def test_an_entry(world, tmp_path, entry):
    """What the page relies on; every policy loads by itself, and all of them together."""
    assert set(entry) == {"id", "file", "language", "title", "description", "group", "policies", "flags", "args"}
    assert entry["file"] == entry["id"] + {"python": ".py", "bun": ".ts"}[entry["language"]]
    assert entry["group"] in ("basics", "files", "network", "programs", "ipc", "limits")
    for text in entry["title"], entry["description"]:
        assert text and "\n" not in text and len(text) <= 80 and not text.endswith(".")
    for part in entry["policies"]:
        assert set(part) in ({"preset"}, {"name", "policy"})
        if "policy" in part:
            assert part["policy"]["name"] == part["name"]
    options = list(options_of(entry, tmp_path))
    for option in options:
        if option.startswith("--policy="):
            valid = world.run(["policy", "validate", option.removeprefix("--policy=")])
            assert valid.status == 0, str(valid)
    assert world.run(["init-policy", *entry["flags"]]).status == 0


def test_a_policy_has_one_name():
    """Whichever template brings it."""
    policies = {}
    for part in [part for entry in INDEX for part in entry["policies"] if "name" in part]:
        assert policies.setdefault(part["name"], part["policy"]) == part["policy"]


@pytest.mark.parametrize("entry", INDEX, ids=lambda entry: entry["id"])
def test_a_program_is_short(entry):
    lines = (TEMPLATES / entry["file"]).read_text(encoding="utf-8").splitlines()
    assert 15 <= len(lines) <= 50 and max(map(len, lines)) <= 98
    assert lines[0].endswith("SPDX-License-Identifier: LGPL-2.1-or-later")


# ---- what comes of each ----

def check(result, told, outcome):
    assert result.status == 0 and "Traceback" not in result.stderr, str(result)
    attempts = attempts_of(result.stdout)
    wanted, events, _ = outcome
    assert list(attempts) == list(wanted), str(result)
    for what, (expected, came) in attempts.items():
        assert came.startswith(expected) and came.startswith(wanted[what]), str(result)
    assert told == sorted(events), str(result)


@pytest.mark.parametrize("name", OUTCOMES)
def test_with_what_it_recommends(template, name):
    check(*template(name).run_recommended(), OUTCOMES[name])


@pytest.mark.parametrize("name", OUTCOMES)
def test_as_its_first_lines_say(template, name):
    one = template(name)
    text = (TEMPLATES / one.entry["file"]).read_text(encoding="utf-8")
    line = re.search(r"^[ *]+buntime (.*)$", text, re.MULTILINE)[1]
    *options, command, file = shlex.split(line)
    assert (command, file) == ("run", one.entry["file"])
    check(*one.run(*options), OUTCOMES[name])


@pytest.mark.parametrize("name", OUTCOMES)
def test_without_its_policies(template, name):
    """Some attempts come to something else: it was the policies that decided."""
    result, _ = template(name).run()
    assert result.status == 0 and "Traceback" not in result.stderr, str(result)
    attempts = attempts_of(result.stdout)
    other = {what for what, (expected, came) in attempts.items() if not came.startswith(expected)}
    assert other == OUTCOMES[name][2], str(result)


@pytest.mark.parametrize("name", ["hello_world", "exec_deny_curl", "bun_hello", *NETWORK])
def test_without_any_network(template, name):
    """What a policy allows is not said to be refused; nothing waits for an answer."""
    result, _ = template(name).run_recommended(
        around=["unshare", "--user", "--map-current-user", "--net", "--"])
    assert result.status == 0 and "Traceback" not in result.stderr, str(result)
    for expected, came in attempts_of(result.stdout).values() if name != "hello_world" else ():
        assert came.startswith((expected, "no answer: ")), str(result)
        assert not came.endswith("connected") and "status" not in came, str(result)


# ---- those without attempts ----

def test_hello_world(template):
    result, told = template("hello_world").run_recommended()
    assert result.status == 0, str(result)
    hello, process, tmp, home, net = result.stdout.splitlines()
    assert hello.startswith("Hello from Python 3.") and hello.endswith(" in a sandbox!")
    assert re.match(r"I am process \d+ of this sandbox", process)
    assert tmp.startswith("I have written /tmp/note.txt;") and home.endswith(" I see: nothing.")
    assert net == "I cannot reach 192.0.2.7: Permission denied."
    assert told == [("deny", "net", "192.0.2.7:80 (tcp)")]


@pytest.mark.parametrize("options", [None, ["--pids=8", "--tmp-size=4M", "--open-files=32", "--timeout=3s"]],
                         ids=["recommended", "flags"])
def test_limits(template, options):
    one = template("limits")
    result, told = one.run(*options) if options else one.run_recommended()
    tmp, files, children, *running = result.stdout.splitlines()
    assert result.status == 124 and tmp == "MiB in /tmp: 4, then: No space left on device", str(result)
    assert re.fullmatch(r"Open files: 2\d, then: Too many open files", files), str(result)
    assert children == "Child processes: 7, then: Resource temporarily unavailable"
    assert running[:2] == ["It runs for 0 s ...", "It runs for 1 s ..."] and len(running) < 5
    assert ("deny", "limit", "wallTime") in told and ("deny", "limit", "pids") in told, str(told)


def test_limits_of_none(template):
    """It ends by itself, and soon."""
    result, told = template("limits").run("--timeout=3s")
    assert "MiB in /tmp: 16, then: no limit was reached\n" in result.stdout, str(result)
    assert "Child processes: 20, then: no limit was reached\n" in result.stdout
    assert "Open files: 100, then: no limit was reached\n" in result.stdout
    assert told == [("deny", "limit", "wallTime")]


def test_limits_memory(template):
    one = template("limits_memory")
    for options in (options_of(one.entry, one.folder), ["--memory=128M"]):
        result, told = one.run(*options)
        assert "It has 64 MiB.\n" in result.stdout and "128" not in result.stdout, str(result)
        if "held by the kernel's resource limits" in result.stderr:
            assert result.status == 0 and result.stdout.splitlines()[-1].startswith("MemoryError: "), str(result)
        else:
            assert result.status == 137 and ("deny", "limit", "memory") in told, str(result)
    result, told = one.run()
    assert result.stdout.endswith("It has 512 MiB.\nNo limit was reached.\n") and told == [], str(result)


def test_ipc_by_itself(template):
    result, told = template("ipc").run_recommended()
    assert result.status == 0 and told == [], str(result)
    assert result.stdout == "There is nobody to talk to: run this in the debug UI.\n"


HOST = """
import sys
import gi
gi.require_version("Buntime", "1.0")
from gi.repository import Buntime, GLib

messages = []
loop = GLib.MainLoop()
worker = Buntime.Sandbox.new(Buntime.Policy.new()).spawn(sys.argv[1])
worker.connect("message", lambda worker, data: messages.append(data.get_data()))
worker.connect("output", lambda worker, stream, data: sys.stdout.write(data.get_data().decode()))
worker.connect("request", lambda worker, number, data: worker.reply(
    number, GLib.Bytes.new(b"not " + data.get_data())))
worker.connect("exited", lambda worker, status: loop.quit())
loop.run()
assert all(data.startswith(b"message %d ." % n) and len(data) == 4096 for n, data in enumerate(messages))
print(len(messages), worker.get_exit_status())
"""


@pytest.mark.slow
def test_ipc(world, box):
    """With a host program, as the debug UI is one."""
    library = str(world.build / "src/lib")
    box.write("host.py", HOST)
    result = world.run_command(
        [*PLAIN, "/usr/bin/python3", "host.py", TEMPLATES / "ipc.py"], cwd=box.directory,
        env=world.environment({"GI_TYPELIB_PATH": library, "LD_LIBRARY_PATH": library}))
    assert result.status == 0 and result.stderr == "", str(result)
    *permissions, sent, answer, count = result.stdout.splitlines()
    assert permissions == ["May I read /etc/hosts? allow", "May I write /etc/hosts? deny",
                           "May I net github.com:443? deny"], str(result)
    number = int(sent.partition(" ")[0])
    assert sent == f"{number} messages of 4 KiB sent." and number >= 20 and count == f"{number} 0"
    assert answer == "You answered: not What is your name?"
