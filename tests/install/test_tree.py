# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is installed is what should be; it runs from wherever it lies, and from nowhere else."""

import fnmatch
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tree import Tree
from world import PLAIN

# One pattern a kind; "*" does not stand for "/".
REQUIRED = """
bin/buntime
include/buntime-1.0/buntime*.h
include/buntime-worker-1.0/buntime-worker.h
lib/buntime/bun/buntime/*
lib/buntime/python/buntime/*.py
lib/buntime/python/buntime/_native.abi3.so
lib/girepository-1.0/Buntime-1.0.typelib
lib/libbuntime.so
lib/libbuntime.so.1
lib/libbuntime.so.1.*
lib/libbuntime-worker.so
lib/libbuntime-worker.so.1
lib/libbuntime-worker.so.1.*
lib/pkgconfig/buntime-1.0.pc
lib/pkgconfig/buntime-worker-1.0.pc
libexec/buntime/buntime-debug-ui
libexec/buntime/buntime-init
libexec/buntime/buntime-json
libexec/buntime/buntime-net
libexec/buntime/buntime-repl
libexec/buntime/buntime-resolver
libexec/buntime/buntime-scope
libexec/buntime/buntime-serve
share/bash-completion/completions/buntime.bash
share/buntime/containers/seccomp.json
share/buntime/policies/*.json
share/buntime/schema/*.schema.json
share/doc/buntime-1.0/*
share/doc/buntime/examples/*
share/doc/buntime/examples/plugins/*
share/doc/buntime/examples/slurm/*
share/doc/buntime/examples/templates/*
share/fish/vendor_completions.d/buntime.fish
share/gir-1.0/Buntime-1.0.gir
share/man/man1/buntime*.1
share/man/man3/libbuntime.3
share/man/man3/Buntime*.3
share/man/man3/BUNTIME_ERROR.3
share/man/man3/buntime_*.3
share/man/man5/buntime-*.5
share/man/man7/buntime-*.7
share/vala/vapi/buntime-1.0.*
share/zsh/site-functions/_buntime
""".split()
OPTIONAL = """
share/applications/io.github.buntime.buntime*
share/icons/hicolor/*/apps/io.github.buntime.buntime*
share/locale/*/LC_MESSAGES/buntime.mo
share/metainfo/io.github.buntime.buntime*
""".split()
CATALOGUE = '''
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "check the spelling"
msgstr "wie man %s schreibt"

msgid "neither a preset's name nor a path"
msgstr "weder das eine für uns noch das andere"
'''
# A program of another prefix, in whose words the library fails.
SPEAKING = """
import ctypes, locale
locale.setlocale({category}, "")
{before}
import gi
gi.require_version("Buntime", "1.0")
from gi.repository import Buntime, GLib
try:
    Buntime.Policy.load("")
except GLib.Error as error:
    print(error.message.partition("\\n")[0])
"""


def matches(name, pattern):
    parts, wanted = name.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))


@pytest.fixture(name="installed", scope="module")
def fixture_installed(world, tmp_path_factory):
    return Tree.install(world, world.build, tmp_path_factory.mktemp("installed") / "root")


@pytest.fixture(name="moved", scope="module")
def fixture_moved(world, tmp_path_factory):
    """The prefix alone, elsewhere and under another name; it is nowhere else."""
    tree = Tree.install(world, world.build, tmp_path_factory.mktemp("first") / "root")
    assert not Path(str(tree.prefix.relative_to(tree.root)), "libexec/buntime").exists()
    return tree.move(tmp_path_factory.mktemp("second") / "a place")


def test_what_is_installed(installed):
    files = installed.files()
    unknown = [name for name in files
               if not any(matches(name, pattern) for pattern in REQUIRED + OPTIONAL)]
    assert unknown == []
    assert [pattern for pattern in REQUIRED if not any(matches(name, pattern) for name in files)] == []
    # Nothing lies outside of the prefix, and nothing is a link to where it was made.
    assert [path for path in installed.root.rglob("*") if path.is_symlink() and
            (path.readlink().is_absolute() or not path.exists())] == []
    assert sorted(path.name for path in (installed.datadir / "buntime/policies").iterdir()) == \
        sorted(path.name for path in (installed.world.source / "policies").glob("*.json"))


def test_no_path_of_the_build(installed):
    """Not in debugging data, either."""
    world = installed.world
    for path in installed.root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for made in (world.source, world.build, installed.root):
                assert f"{made}/".encode() not in data, path


def test_modes(installed):
    """As the file system's root would have them: anybody reads, nobody else writes."""
    for path in installed.prefix.rglob("*"):
        mode = path.lstat().st_mode
        if not path.is_symlink():
            assert mode & 0o022 == 0 and mode & 0o444 == 0o444 and mode & 0o6000 == 0, path
            assert path.is_file() or mode & 0o111 == 0o111, path


@pytest.mark.parametrize("kind", ["installed", "moved"])
def test_tour(request, kind):
    tree = request.getfixturevalue(kind)
    tree.check_tour()


@pytest.mark.parametrize("kind", ["installed", "moved"])
def test_presets_and_schema(request, kind):
    tree = request.getfixturevalue(kind)
    shown = tree.call("policy", "list").stdout
    assert re.search(r"^agent\b", shown, re.M), shown
    result = tree.call("check", "--policy=agent", "net", "example.com:443")
    assert f"{tree.datadir}/buntime/policies/agent.json:" in result.stdout, str(result)
    schema = tree.call("policy", "schema")
    assert json.loads(schema.stdout)["title"], str(schema)


@pytest.mark.parametrize("kind", ["installed", "moved"])
def test_each_helper(request, kind, box):
    """Each is found: the resolver by the tour, the scope by nothing here that has a manager."""
    tree = request.getfixturevalue(kind)
    served = tree.call("serve", stdin='{"id":1,"method":"spawn","params":{"entry":"' +
                       str(tree.examples / "worker.py") + '"}}\n{"id":2,"method":"stop","params":'
                       '{"worker":1}}\n')
    assert '{"id":1,"result":{"worker":1}}' in served.stdout, str(served)
    prompt = tree.call("run", "--interactive", stdin="print(6 * 7)\n")
    assert prompt.status == 0 and "42\n" in prompt.stdout, str(prompt)
    tree.check_page()


@pytest.mark.parametrize("kind", ["installed", "moved"])
def test_library(request, kind):
    """From another language, and the client that is in the sandbox."""
    tree = request.getfixturevalue(kind)
    result = tree.host(["/usr/bin/python3", tree.examples / "plugin-host.py"], cwd=tree.examples)
    assert result.status == 0 and "shout: 'A ROSE IS A ROSE!'" in result.stdout, str(result)


@pytest.fixture(name="german")
def fixture_german(moved, box):
    """The environment of who reads German, and a catalogue in the tree."""
    (box.directory / "de.po").write_text(CATALOGUE, encoding="utf-8")
    folder = moved.datadir / "locale/de/LC_MESSAGES"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["msgfmt", "-o", folder / "buntime.mo", box.directory / "de.po"], check=True)
    for name in ("de_DE.UTF-8", "de_DE"):
        shutil.copytree("/usr/lib/locale/C.utf8", box.directory / "locale" / name)
    return {"LOCPATH": str(box.directory / "locale"), "LC_ALL": "de_DE.UTF-8"}


def test_translations(moved, german):
    """Those of the tree, not those of where it was to be."""
    result = moved.call("run", "nonesuch.py", env=german)
    assert "\n  wie man %s schreibt\n" in result.stderr, str(result)
    (moved.datadir / "locale").chmod(0o777)
    result = moved.call("run", "nonesuch.py", env=german)
    (moved.datadir / "locale").chmod(0o755)
    assert "\n  check the spelling\n" in result.stderr, str(result)


@pytest.mark.parametrize("name, before, category, text", [
    ("library's", "", "locale.LC_ALL", "weder das eine für uns noch das andere"),
    # Errors are UTF-8, whatever character set the program has chosen.
    ("ASCII", "locale.setlocale(locale.LC_CTYPE, 'C')", "locale.LC_MESSAGES",
     "weder das eine für uns noch das andere"),
    ("others'", "", "locale.LC_ALL", "neither a preset's name nor a path"),
    ("program's", "ctypes.CDLL(None).bindtextdomain(b'buntime', b'/nonexistent')", "locale.LC_ALL",
     "neither a preset's name nor a path"),
], ids=["beside", "ascii", "others", "bound"])
def test_translations_of_a_host_program(moved, german, name, before, category, text):
    """Those beside the library, unless the program says where they are; others' are not trusted."""
    (moved.datadir / "locale").chmod(0o777 if name == "others'" else 0o755)
    result = moved.host(["/usr/bin/python3", "-X", "utf8", "-c",
                         SPEAKING.format(before=before, category=category)], env=german)
    (moved.datadir / "locale").chmod(0o755)
    assert result.stdout == f": {text}\n", str(result)


# ---- a place that others can write to ----

@pytest.fixture(name="bait")
def fixture_bait(installed, box):
    """The program alone in a folder, and beside it one that says that it was run."""
    folder = box.directory / "shared/me"
    folder.mkdir(parents=True)
    shutil.copy2(installed.program, folder)
    helpers = box.directory / "shared/libexec/buntime"
    helpers.mkdir(parents=True)
    box.write("shared/libexec/buntime/buntime-init", "#!/bin/sh\n>/home/user/was-run\n", 0o755)
    yield folder / "buntime", helpers
    Path("/home/user/was-run").unlink(missing_ok=True)


def try_bait(world, program):
    Path("/home/user/was-run").unlink(missing_ok=True)
    result = world.run_command([*PLAIN, program, "run", "/usr/bin/true"])
    return Path("/home/user/was-run").exists(), result


def test_own_helpers_are_run(world, bait):
    """The bait can be taken: nobody else can write here."""
    assert try_bait(world, bait[0])[0]


@pytest.mark.parametrize("what", ["buntime-init", ".", "..", "../.."])
def test_a_place_of_all_is_not_trusted(world, bait, what):
    program, helpers = bait
    place = (helpers / what).resolve()
    place.chmod(0o777)
    taken, result = try_bait(world, program)
    place.chmod(0o755)
    assert not taken and result.status == 125, str(result)
    assert "buntime-init: others could have put it beside this buntime" in result.stderr, str(result)


def test_a_sticky_folder_holds_only_ones_own(world, bait):
    """As /tmp: a name of ours in it cannot be replaced, one of others' is not taken."""
    program, helpers = bait
    shared = helpers.parent.parent
    shared.chmod(0o1777)
    assert try_bait(world, program)[0]
    # Root of outside is nobody in here: it stands for another user.
    subprocess.run(["mount", "-n", "--bind", "/usr/bin/true", helpers / "buntime-init"], check=True)
    taken, result = try_bait(world, program)
    subprocess.run(["umount", "-n", helpers / "buntime-init"], check=True)
    shared.chmod(0o755)
    assert not taken and result.status == 125 and "others could have put it" in result.stderr, str(result)


def test_a_link_of_others_is_not_followed(world, bait):
    """What it leads to may be good, and yet not what was meant."""
    program, helpers = bait
    helpers.parent.rename(helpers.parent.with_name("real"))
    helpers.parent.symlink_to("real")
    assert try_bait(world, program)[0]
    helpers.parent.with_name("real").chmod(0o777)
    taken, result = try_bait(world, program)
    assert not taken and result.status == 125, str(result)
