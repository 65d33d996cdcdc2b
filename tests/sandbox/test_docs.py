# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the documentation promises: the tour, the two commands, the flags."""

import re
from pathlib import Path

import pytest

from world import PLAIN

SOURCE = Path(__file__).resolve().parents[2]
README = (SOURCE / "README.md").read_text(encoding="utf-8")


def test_tour_without_surprises(world):
    tour = SOURCE / "data/examples/tour.py"
    result = world.run(["--allow-net=github.com", "run", str(tour)])
    assert result.status == 0 and "Surprises: none." in result.stdout, str(result)
    assert re.search(r"allowed +connect to github.com:443 \(connected\)", result.stdout)
    assert result.denied("net", "example.com:443")
    assert result.denied("write", "buntime-tour-was-here")


def test_tour_tells_what_was_granted_too_much(world):
    """The tour can fail: with everything allowed, refusals are missed."""
    tour = SOURCE / "data/examples/tour.py"
    # Nobody answers there, which would have to be waited for.
    result = world.run(["--allow-all", "--deny-net=192.0.2.1", "run", str(tour)])
    assert result.status == 1 and "Surprises: none." not in result.stdout, str(result)


def test_readme_shows_the_two_commands():
    assert "    ./bootstrap run --allow-net=github.com data/examples/tour.py\n" in README
    assert "    ./bootstrap test\n" in README


# Of the section on containers, whose commands tests/containers has.
OF_ENGINES = {"--cap-add", "--privileged", "--rm", "--security-opt"}


def test_every_flag_of_the_readme_exists(world):
    known = world.run(["--help"]).stdout
    for flag in set(re.findall(r"--[a-z][a-z-]+", README)) - OF_ENGINES:
        assert re.search(re.escape(flag) + r"\b", known), f"{flag} is not in --help"
    for short in re.findall(r"`(-[A-Z])`", README):
        assert short in known


def test_the_policy_section_is_what_happens(world, box):
    """Its commands, run; their output, but for where things are."""
    section = README.split("## Policies", 1)[1].split("\n## ", 1)[0]
    made = world.run(["init-policy", "--allow-net=github.com", "--allow-read=."], cwd=box.directory)
    box.write("policy.json", made.stdout)
    shown = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    checks = [line.split()[3:] for line in shown if line.startswith("$ buntime check")]
    happened = "".join(world.run(["check", *args], cwd=box.directory).stdout for args in checks)
    happened = happened.replace(str(box.directory.resolve()), "/home/you/project") \
        .replace(str((world.build / "policies").resolve()), "/usr/share/buntime/policies")
    told = "".join(line + "\n" for line in shown if not line.startswith("$"))
    assert happened == told


def test_the_templates_section_is_what_happens(world):
    section = README.split("## Trying policies", 1)[1].split("\n## ", 1)[0]
    command, *shown = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    result = world.run(command.split()[2:], cwd=SOURCE / "data/examples/templates", env={"LANG": "C.UTF-8"})
    assert command.startswith("$ buntime ") and result.stdout.splitlines() == shown, str(result)


@pytest.mark.slow  # no sanitizer's runtime in the host's interpreter
def test_the_program_section_is_what_happens(world):
    """Its command, run; and what it says of a plugin is one."""
    section = README.split("## Using it from your program", 1)[1].split("\n## ", 1)[0]
    shown = section.split("    $ python3 data/examples/plugin-host.py\n", 1)[1].split("\n\n", 1)[0]
    library = str(world.build / "src/lib")
    result = world.run_command([*PLAIN, "/usr/bin/python3", "data/examples/plugin-host.py"], cwd=SOURCE,
                               env=world.environment({"GI_TYPELIB_PATH": library, "LD_LIBRARY_PATH": library}))
    happened = re.sub(r"stuck\.py-\d+\.\d", "stuck.py-4242.3", result.stdout)
    assert happened == "".join(line[4:] + "\n" for line in shown.splitlines())
    # The plugin that it shows is one of them.
    plugin = (SOURCE / "data/examples/plugins/shout.py").read_text(encoding="utf-8").splitlines()
    block = section.split("    channel = buntime.channel()\n", 1)[1].split("\n`data/examples`", 1)[0]
    assert "upper()" in block and all(line[4:] in plugin for line in block.splitlines())


BESIDE = """
import os, socket
def attempt(what, action):
    try:
        action()
    except OSError as error:
        print(what, "refused:", os.strerror(error.errno))
    else:
        print(what, "allowed")
attempt("home", lambda: os.listdir("/home/user"))
for name, address in ("granted", "198.51.100.10"), ("other", "198.51.100.20"):
    attempt(name, lambda: socket.create_connection((address, 443), 5).close())
"""


def test_what_is_said_of_bubblewrap(world, box):
    """Beside others: it does not start by itself, has all of the network or none, and explains nothing."""
    row = next(line for line in README.splitlines() if line.startswith("| [bubblewrap]"))
    assert "does not start: each mount is named | all or none | is an error code |" in row
    entry = box.write("w.py", BESIDE)
    bare = world.run_command([*PLAIN, "bwrap", "python3", entry])
    assert bare.status != 0 and "execvp python3: No such file" in bare.stderr, str(bare)
    mounts = ["--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
              "--proc", "/proc", "--dev", "/dev", "--ro-bind", entry, "/w.py"]
    none = world.run_command([*PLAIN, "bwrap", *mounts, "--unshare-all", "/usr/bin/python3", "/w.py"])
    assert none.stdout == ("home refused: No such file or directory\ngranted refused: Network is unreachable\n"
                           "other refused: Network is unreachable\n") and none.stderr == "", str(none)
    every = world.run_command([*PLAIN, "bwrap", *mounts, "--unshare-all", "--share-net", "/usr/bin/python3", "/w.py"])
    assert every.stdout.endswith("granted allowed\nother allowed\n") and every.stderr == "", str(every)
    ours = world.run(["--allow-net=198.51.100.10", "run", str(entry)])
    assert "granted allowed\nother refused: Permission denied\n" in ours.stdout, str(ours)
    assert ours.denied("net", "198.51.100.20:443")[0].allow == "--allow-net=198.51.100.20:443"
