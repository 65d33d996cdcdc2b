# SPDX-License-Identifier: LGPL-2.1-or-later
"""How paths are written: odd names, dots and slashes, links, patterns, and what is not there."""

import json
import os

import pytest

from test_fs_denials import READ, WRITE, write_policy
from tier import UNSEEN

# In a flag a comma separates, and is written twice to be meant.
NAMES = ["plain", "a,b", "new\nline", "t\tb", "it's", 'q"q', "back\\slash", " spaces ", "-dash", "--allow-read",
         "$HOME", "${HOME}", "~", "#c", "%s", "%41", "ü", "[x]", "{a}", "...", "x" * 255, "a=b", "\x01\x7f",
         "\udcff\udcfe", "\udcc3"]

READ_EACH = """
    for name in sys.argv[1:]:
        out[ascii(name)] = attempt(lambda: open("data/" + name + "/f").read())
"""


@pytest.fixture(name="named")
def fixture_named(box):
    data = os.fsencode(box.directory / "data")
    for name in [*NAMES, "other"]:
        os.makedirs(os.path.join(data, os.fsencode(name)))
        with open(os.path.join(data, os.fsencode(name), b"f"), "w") as file:
            file.write("text")
    return box


def flag(option, name):
    return f"--{option}=data/{name.replace(',', ',,')}"


def test_names_in_grants(named):
    """All at once, and the neighbour is not there."""
    out, result = named.json(*(flag("allow-read", name) for name in NAMES), code=READ_EACH,
                             args=[*NAMES, "other"])
    assert out.pop("'other'") == UNSEEN
    assert set(out.values()) == {"text"} and len(out) == len(NAMES), str(result)


def test_names_in_denials(named):
    out, result = named.json("--allow-read=data", "--allow-write=data",
                             *(flag("deny-read", name) for name in NAMES), code=READ_EACH,
                             args=[*NAMES, "other"])
    assert out.pop("'other'") == "text"
    assert set(out.values()) == {"EACCES"} and len(out) == len(NAMES), str(result)


@pytest.mark.parametrize("denied", [False, True])
def test_names_in_a_policy_file(named, denied):
    # A file is UTF-8, and replaces ${HOME}; a path in it is no list.
    names = [name for name in NAMES if name.isascii() and name != "${HOME}" or name == "ü"]
    rules = [("deny" if denied else "allow", f"data/{name}", READ) for name in names]
    if denied:
        rules.append(("allow", "data", READ))
    out, result = named.json(write_policy(named, *rules), code=READ_EACH, args=names)
    assert set(out.values()) == {"EACCES" if denied else "text"}, str(result)


def test_every_name_comes_back_by_check(named):
    for name in NAMES:
        result = named.world.run([flag("allow-read", name), "check", "--json", "read", f"data/{name}/f"],
                                 cwd=named.directory)
        assert result.status == 0, str(result)
        assert json.loads(result.stdout)["action"] == "allow"


@pytest.fixture(name="tree")
def fixture_tree(box):
    for name in ("data/a", "data/sub/c", "data/st*r/f", "data/star/f", "data/.hidden/f", "data/x.key",
                 "other/x.key", "secret/s"):
        box.write(name, "text")
    (box.directory / "link").symlink_to("data/sub")
    (box.directory / "data/out").symlink_to("../secret")
    (box.directory / "data/loop").symlink_to("loop")
    return box


LOOK = """
    for path in sys.argv[1:]:
        out[path] = attempt(lambda: open(path).read())
"""


@pytest.mark.parametrize("written", ["data", "data/", "data//", "./data", "data/.", "data/sub/..", "data/../data",
                                     "{cwd}/data", "//{cwd}/data", "{cwd}//data/"])
def test_ways_to_write_one_directory(tree, written):
    written = written.format(cwd=tree.directory)
    for option, expected in ((["--allow-read=" + written], "text"),
                             (["--allow-read=.", "--deny-read=" + written], "EACCES")):
        out, result = tree.json(*option, code=LOOK, args=["data/a", "secret/s"])
        assert out["data/a"] == expected, str(result)
        assert out["secret/s"] == (UNSEEN if expected == "text" else "text"), str(result)


@pytest.mark.parametrize("written,seen", [
    ("link", {"data/sub/c", "link/c"}), ("data/out", {"secret/s", "data/out/s"}),
    ("data/sub/../a", {"data/a"}), ("link/../a", set()),
    # What a pattern finds is granted only where the pattern says; what is named is the user's word.
    ("data/*", {"data/a", "data/sub/c", "data/st*r/f", "data/star/f", "data/x.key", "link/c"}),
    ("data/st*r", {"data/st*r/f", "data/star/f"}), ("data/st?r", {"data/st*r/f", "data/star/f"}),
    ("data/.h*", {"data/.hidden/f"}), ("**/*.key", {"data/x.key", "other/x.key"}), ("*/a", {"data/a"}),
    ("data/s*/c", {"data/sub/c", "link/c"}),
])
def test_links_and_patterns(tree, written, seen):
    paths = ["data/a", "data/sub/c", "link/c", "data/st*r/f", "data/star/f", "data/.hidden/f", "data/x.key",
             "other/x.key", "secret/s", "data/out/s"]
    result = tree.run(f"--allow-read={written}", name="true")
    if not seen:
        assert result.status == 2 and written in result.stderr, str(result)
        return
    out, result = tree.json(f"--allow-read={written}", code=LOOK, args=paths)
    found = {path for path, value in out.items() if value == "text"}
    assert found - {"link/c"} == seen - {"link/c"}, str(result)
    # A link outside of what is granted is shown if it is what was named.
    if "link" in written:
        assert "link/c" in found, str(result)
    # As a denial the same hides all of it, and what is hidden besides.
    out, result = tree.json("--allow-read=.", f"--deny-read={written}", code=LOOK, args=paths)
    hidden = {path for path, value in out.items() if value == "EACCES"}
    assert hidden >= seen, str(result)
    if written == "data/*":
        assert hidden >= {"data/.hidden/f", "secret/s", "data/out/s"} and "other/x.key" not in hidden


@pytest.mark.parametrize("flags,status,said", [
    (["--allow-read=nowhere"], 2, "check the spelling"),
    (["--allow-write=nowhere"], 0, "nothing is there yet"),
    (["--allow-write=nowhere/"], 2, "grant the directory it will be made in"),
    (["--allow-write=no/where"], 2, "grant the directory it will be made in"),
    (["--allow-read=data/a/b"], 2, "Not a directory"), (["--allow-read=data/loop"], 2, "symbolic links"),
    (["--allow-read=no*"], 2, "matches nothing"), (["--allow-read="], 2, ""),
    (["--allow-read=" + "x" * 256], 2, "too long"), (["--allow-read=" + "x/" * 3000 + "x"], 2, "No such file"),
    (["--allow-read=~nobody/x"], 2, "another user's home"),
    (["--deny-read=nowhere"], 0, ""), (["--deny-write=nowhere"], 0, ""),
    (["--allow-read=data", "--deny-read=data/nowhere"], 0, "unguarded if it is made"),
    (["--allow-read=data", "--deny-read=data/no*"], 0, "matches nothing"),
    (["--allow-write=data", "--deny-read=data/nowhere"], 125, "create it before the run"),
    (["--allow-write=data", "--deny-write=data/sub/no/where"], 125, "create it before the run"),
    (["--allow-write=data/a", "--deny-write=data/nowhere"], 0, ""),
])
def test_what_is_not_there(tree, flags, status, said):
    result = tree.run(*flags, code="print('ran')\n")
    assert result.status == status and said in result.stderr, str(result)
    assert (result.stdout == "ran\n") == (status == 0)


@pytest.mark.parametrize("rule,status,said", [
    (("allow", "nowhere", READ), 0, "skipped nowhere"), (("allow", "no*", READ), 0, "skipped no*"),
    (("deny", "nowhere", READ), 0, ""), (("deny", "data/nowhere", READ), 0, "unguarded"),
])
def test_what_is_not_there_in_a_file(tree, rule, status, said):
    result = tree.run(write_policy(tree, ("allow", "data", READ), rule), code="print('ran')\n")
    assert result.status == status and said in result.stderr, str(result)
    result = tree.run(write_policy(tree, ("allow", "data", WRITE), rule), code="print('ran')\n")
    assert result.status == (125 if rule[1] == "data/nowhere" else 0), str(result)


@pytest.mark.parametrize("kind,path", [
    ("read", "data/sub"), ("write", "data/sub"), ("read", "data/sub/deeper"), ("read", "data/second"),
    ("run", "data/sub/tool"), ("ffi", "data/sub"), ("unix", "data/sub/socket"), ("read", "data/sub/*"),
])
def test_no_grant_by_a_link_that_the_program_made(tree, kind, path):
    """What it may write it wrote in a run before, so that this one is granted what the link leads to."""
    tree.write("secret/deeper/s", "text")
    tree.write("secret/tool", "#!/bin/sh\n", 0o755)
    os.mkfifo(tree.directory / "secret/socket")
    result = tree.run("--allow-read=data", "--allow-write=data", code="""
        import os, shutil
        shutil.rmtree("data/sub")
        os.symlink("../secret", "data/sub")
        os.symlink("sub", "data/second")
    """)
    assert result.status == 0, str(result)
    result = tree.run("--allow-write=data", f"--allow-{kind}={path}", code="print('ran')")
    assert result.status == 125 and result.stdout == "", str(result)
    assert "is a link to" in result.stderr and "where data lets the program" in result.stderr, str(result)
    # Elsewhere, or named itself, it is the user's own word.
    for flags in ([f"--allow-{kind}={path}"],
                  ["--allow-write=data", f"--allow-{kind}={path.replace('data/sub', 'secret')}"]):
        if path != "data/second":
            assert tree.run(*flags, code="print('ran')").stdout == "ran\n"


def test_links_within_what_may_be_written(tree):
    (tree.directory / "data/current").symlink_to("sub")
    out, result = tree.json("--allow-write=data", "--allow-read=data/current,link", code=LOOK,
                            args=["data/current/c", "link/c"])
    assert set(out.values()) == {"text"}, str(result)
