# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual pages: every example is what happens, and nothing that can be written is left out."""

import http.server
import json
import os
import re
import shutil
import socket
import socketserver
import subprocess
import threading
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
COMMANDS = ["run", "init-policy", "check", "policy", "serve", "ui", "doctor"]
PAGES = ["buntime.1", "buntime-policy.5", "buntime-events.5", "buntime-architecture.7", "buntime-tiers.7"]
PAGES += [f"buntime-{command}.1" for command in COMMANDS]
# What their examples start uses the library.
HOST_PAGES = ["buntime-integration.7", "buntime-ipc.7", "libbuntime.3"]
PAGES += ["buntime-debug-ui.7"]
PROJECT, PRESETS = "/home/you/project", "/usr/share/buntime/policies"


def plain(line):
    """A line of an example as a reader sees it."""
    for escape, text in ((r"\&", ""), (r"\-", "-"), (r"\(aq", "'"), (r"\(ti", "~"), (r"\e", "\\"),
                         (r"\fB", ""), (r"\fI", ""), (r"\fR", "")):
        line = line.replace(escape, text)
    return line


def steps_of(block):
    """[(command, lines shown after it)]"""
    steps = []
    for line in map(plain, block.splitlines()):
        if steps and steps[-1][0].endswith("\\"):
            steps[-1] = (steps[-1][0][:-1] + line.strip(), [])
        elif line.startswith("$ "):
            steps.append((line[2:], []))
        else:
            steps[-1][1].append(line)
    return steps


def examples_of(page):
    """[(name, steps)] of all that looks like one."""
    text = (SOURCE / "man" / f"{page}.in").read_text(encoding="utf-8")
    found = re.findall(r'((?:^\.\\" example: ([^\n]*)\n)?)^\.EX\n(.*?)^\.EE\n', text, re.M | re.S)
    assert all(marker for marker, _, _ in found) and len(found) == text.count("\n.EX")
    return [(name, steps_of(block)) for _, name, block in found]


def cat(command, directory):
    """The file that a command shows for the first time, so that the example makes it."""
    match = re.fullmatch(r"cat ([\w.-]+)", command)
    return match and not (directory / match[1]).exists() and match[1]


# What a compiler and an interpreter of the host's find where buntime is installed.
def installed(world):
    library = str(world.build / "src/lib")
    return {"PKG_CONFIG_PATH": str(world.build / "meson-uninstalled"), "LD_LIBRARY_PATH": library,
            "GI_TYPELIB_PATH": library}


EXAMPLES = [pytest.param(page, name, id=name) for page in PAGES for name, _ in examples_of(page)] + [
    # What they start does not load a library that wants a sanitizer's runtime.
    pytest.param(page, name, id=name, marks=pytest.mark.slow) for page in HOST_PAGES
    for name, _ in examples_of(page)]


class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Hello from the service.\n")

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def address_string(self):
        return "unix"


@pytest.fixture(name="project")
def fixture_project(world, box):
    """Where the examples are run: buntime on PATH, and a service that listens."""
    (box.directory / "bin").mkdir()
    (box.directory / "bin/buntime").symlink_to(world.buntime)
    project = box.directory / "p"
    project.mkdir()
    server = socketserver.ThreadingUnixStreamServer(str(project / "service.sock"), Service)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield project
    server.shutdown()
    server.server_close()


def run_step(world, project, command, status, more):
    """(standard output, standard error, status), as they would be in the page's folder."""
    environment = world.environment({"PATH": f"{project.parent}/bin:/usr/local/bin:/usr/bin:/bin"} | more)
    command = command.replace(PROJECT, str(project))
    result = world.run_command(["setpriv", "--ambient-caps=-all", "--inh-caps=-all", "--", "sh", "-c",
                                f"(exit {status}); {command}"], cwd=project, env=environment)

    def told(text):
        text = text.replace(str(project.resolve()), PROJECT) \
            .replace(str((world.build / "policies").resolve()), PRESETS)
        return [re.sub(rf"^{re.escape(socket.gethostname())}$", "workstation", line)
                for line in text.splitlines()]

    return told(result.stdout), told(result.stderr), result.status


def is_merge(lines, *streams):
    """Are these the lines of all, each in its order? A program and buntime write at once."""
    ways = {(0,) * len(streams)}
    for line in lines:
        ways = {way[:which] + (way[which] + 1,) + way[which + 1:] for way in ways
                for which, stream in enumerate(streams)
                if way[which] < len(stream) and stream[way[which]] == line}
    return tuple(map(len, streams)) in ways


def by_writer(err):
    """What buntime and what the program wrote to standard error, maybe within a line of the other."""
    ours = re.compile(r"buntime: .*\n(?:  \S.*\n)*")
    text = "".join(f"{line}\n" for line in err)
    return "".join(ours.findall(text)).splitlines(), ours.sub("", text).splitlines()


@pytest.mark.parametrize("page,name", EXAMPLES)
def test_example(world, project, page, name):
    examples = examples_of(page)
    place = [example for example, _ in examples].index(name)
    # What earlier ones made is there.
    for _, steps in examples[:place]:
        for command, shown in steps:
            if cat(command, project):
                (project / cat(command, project)).write_text("\n".join(shown) + "\n")
    status = 0
    for command, shown in examples[place][1]:
        if cat(command, project):
            (project / cat(command, project)).write_text("\n".join(shown) + "\n")
            continue
        out, err, status = run_step(world, project, command, status,
                                    installed(world) if page in HOST_PAGES else {})
        assert is_merge(shown, out, *by_writer(err)), "\n".join(
            [f"$ {command}", "--- the page", *shown, "--- happened", *err, *out])


def test_each_permission_has_an_example():
    """Allowed and denied: flags of each kind are in the commands, and denials in what they show."""
    commands = [command for page in PAGES for _, steps in examples_of(page) for command, _ in steps]
    shown = [line for page in PAGES for _, steps in examples_of(page) for _, lines in steps
             for line in lines]
    for kind in ("net", "read", "write", "run", "env", "ffi", "sys", "unix"):
        assert any(f"--allow-{kind}" in command for command in commands), kind
    for kind in ("net", "write", "run", "ffi", "unix"):
        assert any(line.startswith(f"buntime: denied {kind} ") for line in shown), kind


def rendered(world, page):
    """As man(1) shows it, with dashes that can be copied."""
    text = subprocess.run(["mandoc", "-T", "ascii", world.build / "man" / page], check=True,
                          capture_output=True, text=True).stdout
    return re.sub(r".\x08", "", text)


def test_every_flag_is_described(world):
    text = rendered(world, "buntime.1")
    synopsis, options = text.split("\nOPTIONS\n", 1)
    options, rest = options.split("\nENTRY\n", 1)
    known = set()
    for command in COMMANDS:
        assert f"buntime {command}" in synopsis or command == "run"
        known |= set(re.findall(r"--[a-z][a-z-]+", world.run([command, "--help"]).stdout))
    assert len(known) > 30
    for flag in known:
        assert re.search(rf"^ +(-\w, )?{flag}\b", options, re.M), flag
    # And those that are spoken of are there.
    for flag in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", rest)) - {"--unix-socket"}:
        assert flag in known, flag


def test_no_flag_is_spoken_of_that_is_not_there(world):
    """On the pages that speak of no other program's."""
    known = set()
    for command in COMMANDS:
        known |= set(re.findall(r"--[a-z][a-z-]+", world.run([command, "--help"]).stdout))
    for page in [*PAGES, "buntime-ipc.7", "buntime-serve.7"]:
        if page not in ("buntime.1", "buntime-tiers.7"):
            assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", rendered(world, page))) <= known, page


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_its_flags(world, command):
    """A page of its own, with those flags and no others."""
    help_text = world.run([command, "--help"]).stdout
    options = rendered(world, f"buntime-{command}.1").split("\nOPTIONS\n", 1)[1]
    assert re.findall(r"^ +(?:-\w, )?(--[a-z][a-z-]+)", options, re.M) == \
        re.findall(r"^ +(?:-\w, )?(--[a-z][a-z-]+)", help_text.split("\nFlags:\n", 1)[1], re.M)


def test_each_command_has_a_page(world):
    commands = re.findall(r"^  ([a-z-]+) ", world.run(["--help"]).stdout.split("\nCommands ", 1)[1]
                          .split("\n\n", 1)[0], re.M)
    assert sorted(commands) == sorted(COMMANDS)


def keys_of(schema, found):
    """Every key, and every word that a value can be."""
    if isinstance(schema, dict):
        found |= {str(word) for word in schema.get("enum", [])}
        for key, value in schema.get("properties", {}).items():
            found.add(key)
            keys_of(value, found)
        for key in ("items", "additionalProperties"):
            keys_of(schema.get(key), found)
    return found


@pytest.mark.parametrize("page,schema,least", [("buntime-policy.5", "policy", 60),
                                               ("buntime-events.5", "event", 50)])
def test_every_key_is_described(world, page, schema, least):
    text = rendered(world, page)
    schema = json.loads((SOURCE / f"data/schema/{schema}.schema.json").read_text(encoding="utf-8"))
    found = keys_of(schema, set())
    assert len(found) > least
    for word in found:
        assert re.search(rf"(?<![\w$]){re.escape(word)}(?!\w)", text), word


def test_every_variable_and_limit_is_described(world):
    """Beyond the lists that are made of the tables."""
    text = rendered(world, "buntime.1")
    limits = text.split("\nLIMITS\n", 1)[1].split("\nEVENTS", 1)[0]
    for page, where in (("buntime.1", limits), ("buntime-policy.5", rendered(world, PAGES[1]))):
        for flag in ("memory", "cpu", "pids", "timeout", "cpu-time", "max-output", "tmp-size",
                     "shm-size", "open-files", "net-rate", "net-bytes"):
            assert f"--{flag}" in where, (page, flag)
    section = text.split("\nENVIRONMENT\n", 1)[1].split("\nFILES\n", 1)[0]
    for kind in world.run(["check", "--help"]).stdout.split("KIND is ", 1)[1].split(";", 1)[0] \
            .replace(" or ", ", ").split(", "):
        assert re.search(rf"\b{kind.strip().upper()}\b", section), kind


def test_messages_are_those_of_the_header():
    page = (SOURCE / "man/buntime-ipc.7.in").read_text(encoding="utf-8")
    header = (SOURCE / "src/worker/buntime-worker.h").read_text(encoding="utf-8")
    told = dict(re.findall(r"^0x([0-9a-f]{2})\|(\w+)\|", page, re.M))
    assert len(told) > 15
    # BUNTIME_ERROR is a host program's error domain, and it may include both headers.
    assert told == {number: name.replace("REPLY_ERROR", "ERROR") for name, number in
                    re.findall(r"^  BUNTIME_(\w+) = 0x([0-9a-f]{2}),", header, re.M)}


def test_stages_and_programs_are_those_of_the_sources():
    page = (SOURCE / "man/buntime-architecture.7.in").read_text(encoding="utf-8")
    status = (SOURCE / "src/wire/bt-status.c").read_text(encoding="utf-8")
    stages = re.findall(r'\[BT_STAGE_\w+\] = "(\w+)"', status)
    told = re.findall(r"^\.TP\n\.I (\w+)$", page.split("\n.SH SET\\-UP\n")[1].split("\n.SH ")[0], re.M)
    assert len(stages) > 15 and sorted(told) == sorted(stages)
    helpers = re.findall(r'^  \{ "(buntime-[\w-]+)", "', (SOURCE / "src/lib/bt-helper-path.c").read_text(
        encoding="utf-8"), re.M)
    assert len(helpers) > 5
    assert set(re.findall(r"^\.B (buntime\\-[\w\\-]+)$", page, re.M)) == \
        {helper.replace("-", r"\-") for helper in helpers}


TYPES = ["BuntimeChannel", "BuntimeError", "BuntimeEvent", "BuntimePolicy", "BuntimePool", "BuntimeSandbox",
         "BuntimeWorker"]


@pytest.mark.parametrize("page", [*PAGES, *HOST_PAGES, *(f"{name}.3" for name in TYPES)])
def test_pages_are_sound(world, page):
    """Two formatters have nothing to say about them."""
    path = world.build / "man" / ("man3" if page.endswith(".3") else "") / page
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path], capture_output=True,
                          text=True, check=False)
    assert lint.returncode == 0 and lint.stdout == "", lint.stdout
    groff = subprocess.run(["groff", "-man", "-ww", "-z", "-T", "utf8", path], capture_output=True,
                           text=True, check=False)
    assert groff.returncode == 0 and groff.stderr == "", groff.stderr
    assert path.read_text(encoding="utf-8").isascii()


def test_every_symbol_has_a_page(world):
    """What the libraries export, each on the page that its own leads to."""
    found = 0
    for library in ("lib/libbuntime.so", "worker/libbuntime-worker.so"):
        table = subprocess.run(["nm", "--dynamic", "--defined-only", world.build / "src" / library],
                               check=True, capture_output=True, text=True).stdout
        for name in re.findall(r" T (buntime_\w+)", table):
            if name.endswith("_get_type"):
                continue
            alias = (world.build / f"man/man3/{name}.3").read_text(encoding="ascii")
            page = re.fullmatch(r"\.so (man3/Buntime\w+\.3)\n", alias)[1]
            assert f".SS {name}()\n" in (world.build / "man" / page).read_text(encoding="ascii"), name
            found += 1
    assert found > 80
    # And each page of a type is named by the overview.
    overview = rendered(world, "man3/libbuntime.3")
    assert [name for name in TYPES if f"{name}(3)" not in overview] == []
    pages = {path.name for path in (world.build / "man/man3").iterdir() if path.stat().st_size > 100}
    assert pages == {"libbuntime.3", *(f"{name}.3" for name in TYPES)}


def test_tools_are_there():
    assert shutil.which("mandoc") and shutil.which("groff") and os.path.exists("/usr/bin/curl")
