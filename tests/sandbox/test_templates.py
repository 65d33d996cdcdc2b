# SPDX-License-Identifier: LGPL-2.1-or-later
"""The debug UI's templates, run with what index.json turns on for each, and as their first lines say."""

import json
import re
import shlex
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parents[2] / "data/examples/templates"
INDEX = json.loads((TEMPLATES / "index.json").read_text(encoding="utf-8"))
BY_ID = {entry["id"]: entry for entry in INDEX}
HOME = "/home/user"

# What any Python does on its way, and an audit tells of.
BESIDE = {("deny", "read", "/etc/ld.so.cache"), ("deny", "read", "/usr/share/locale/locale.alias"),
          ("deny", "sys", "systemMemoryInfo")}

# What each attempt comes to, the events that are not of something allowed, and which attempts
# come to something else where the policies are off.
OUTCOMES = {
    "fs_allow_tmp": (
        {"Write /tmp/scratch.txt": "allowed: 14 characters", "Read it back": "allowed: 'a line of text'",
         "Move it into a folder": "allowed: kept.txt",
         "Write /var/tmp/scratch.txt": "refused: No such file or directory",
         "Write into your home": "refused: Permission denied"},
        [("deny", "write", f"{HOME}/scratch.txt")],
        set()),  # each program has a /tmp of its own
    "fs_allow_etc": (
        {"List /etc": "allowed: ", "Read /etc/shells": "allowed: ",
         "Read /etc/hostname": r"allowed: 'buntime\n'", "Read /etc/shadow": "refused: Permission denied",
         "Write /etc/shells": "refused: Permission denied"},
        [("deny", "write", "/etc/shells")],
        {"Read /etc/shells"}),
    "fs_deny_etc": (
        {"List /etc": "refused: Permission denied", "Read /etc/passwd": "refused: Permission denied",
         "Read /etc/hosts": "refused: Permission denied",
         "Read /usr/../etc/passwd": "refused: Permission denied",
         "Read it through a link in /tmp": "refused: Permission denied",
         "Read Python's own os.py": "allowed: "},
        [("deny", "read", "/etc"), ("deny", "read", "/etc/hosts"), ("deny", "read", "/etc/passwd")],
        {"List /etc", "Read /etc/passwd", "Read /etc/hosts", "Read /usr/../etc/passwd",
         "Read it through a link in /tmp"}),
    "fs_deny_etc_hostname": (
        {"Read /etc/hosts": "allowed: ", "Read /etc/shells": "allowed: ",
         "Read /etc/hostname": "refused: Permission denied",
         "Read /etc/hostname in another Python": "refused: PermissionError: "},
        [("deny", "sys", "hostname")],
        {"Read /etc/shells", "Read /etc/hostname", "Read /etc/hostname in another Python"}),
}
# Those that do not go by attempts.
OTHERS = {"hello_world"}


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


def read_events(path):
    """Those that are not of something allowed, each once."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    told = {(event["action"], event["kind"], event["object"]) for event in lines
            if event["kind"] != "state" and event["action"] != "allow"}
    return sorted(told - BESIDE)


class Template:
    """One of them in a folder of its own."""

    def __init__(self, world, folder, name):
        self.world, self.folder = world, folder
        self.entry = BY_ID[name]

    def run(self, *options, **kwargs):
        events = self.folder / "events"
        events.unlink(missing_ok=True)
        kwargs.setdefault("cwd", self.folder)
        result = self.world.run([*options, f"--events={events}", "run", TEMPLATES / self.entry["file"],
                                 *self.entry["args"]], **kwargs)
        return result, read_events(events)

    def run_recommended(self, **kwargs):
        return self.run(*options_of(self.entry, self.folder), **kwargs)


@pytest.fixture
def template(world, tmp_path):
    return lambda name: Template(world, tmp_path, name)


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
    check(*template(name).run_recommended(cwd=HOME), OUTCOMES[name])


@pytest.mark.parametrize("name", OUTCOMES)
def test_as_its_first_lines_say(template, name):
    one = template(name)
    text = (TEMPLATES / one.entry["file"]).read_text(encoding="utf-8")
    line = re.search(r"^    buntime (.*)$", text, re.MULTILINE)[1]
    *options, command, file = shlex.split(line)
    assert (command, file) == ("run", one.entry["file"])
    check(*one.run(*options), OUTCOMES[name])


@pytest.mark.parametrize("name", OUTCOMES)
def test_without_its_policies(template, name):
    """Some attempts come to something else: it was the policies that decided."""
    result, _ = template(name).run()
    assert result.status == 0 and "Traceback" not in result.stderr, str(result)
    other = {what for what, (expected, came) in attempts_of(result.stdout).items()
             if not came.startswith(expected)}
    assert other == OUTCOMES[name][2], str(result)


def test_hello_world(template):
    result, told = template("hello_world").run_recommended(cwd="/usr")
    assert result.status == 0, str(result)
    hello, process, tmp, home, net = result.stdout.splitlines()
    assert hello.startswith("Hello from Python 3.") and hello.endswith(" in a sandbox!")
    assert re.match(r"I am process \d+ of this sandbox", process) and tmp.startswith("I have written /tmp/note.txt;")
    assert home == f"In {HOME} I see: nothing."
    assert net == "I cannot reach 192.0.2.7: Permission denied."
    assert told == [("deny", "net", "192.0.2.7:80 (tcp)")]
