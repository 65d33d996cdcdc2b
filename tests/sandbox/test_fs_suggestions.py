# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an event suggests, added to the same command, makes that operation pass and no other."""

import json
import os
import shlex
import tempfile
from pathlib import Path

import pytest

from native import Attack
from test_fs_denials import READ, WRITE, write_policy


@pytest.fixture(name="tree")
def fixture_tree(box):
    for name in ("data/a", "data/b", "data/sub/c", "data/sub/d", "unseen/x", "unseen/y", "unseen/sub/z"):
        box.write(name, name)
    (box.directory / "data/link").symlink_to("sub/c")
    return box


def events_of(box):
    events = [json.loads(line) for line in (box.directory / "events").read_text().splitlines()]
    (box.directory / "events").unlink()
    return [event for event in events if event["action"] == "deny"]


# The flags, the policy's rules, the operation that is refused, what is suggested for it below the
# test's directory, and what else is tried: none of that passes with the suggestion either.
WRITES = [
    ([], [], ("write_file", "data/a"), "write", "data/a",
     [("write_file", "data/b"), ("remove_file", "data/a"), ("rename", "data/b:data/a"),
      ("make_dir", "data/new"), ("save", "data/new"), ("write_file", "data/sub/c")]),
    ([], [], ("o_trunc", "data/a"), "write", "data/a",
     [("o_trunc", "data/b"), ("truncate", "data/sub/c"), ("chmod", "data/b")]),
    ([], [], ("write_file", "data/link"), "write", "data/sub/c",
     [("write_file", "data/sub/d"), ("remove_file", "data/link"), ("make_sym", "data/sub/link")]),
    # What is not there is made by the supervisor (test_fs_make.py has more).
    ([], [], ("save", "data/sub/new"), "write", "data/sub/new",
     [("save", "data/new"), ("save", "data/sub/other"), ("write_file", "data/sub/c"),
      ("write_file", "data/a"), ("remove_dir", "data/sub"), ("make_dir", "data/sub/new"),
      ("rename", "data/sub/d:data/sub/new"), ("rename", "data/sub/d:data/d")]),
    ([], [], ("create", "data/sub/new"), "write", "data/sub/new",
     [("create", "data/new"), ("create", "data/sub/other")]),
    ([], [], ("tmpfile", "data/sub"), "write", "data/sub", [("tmpfile", "data")]),
    # Where a file denies, and where it grants something else.
    ([], [("allow", "data", WRITE), ("deny", "data/a", WRITE), ("deny", "data/b", WRITE)],
     ("write_file", "data/a"), "write", "data/a", [("write_file", "data/b"), ("remove_file", "data/b")]),
    ([], [("allow", "data", WRITE), ("deny", "data/sub", WRITE)],
     ("write_file", "data/sub/c"), "write", "data/sub/c",
     [("write_file", "data/sub/d"), ("make_dir", "data/sub/new")]),
    # Who may make files there could bring another under a name that is granted: its directory is.
    ([], [("allow", "data", ["make_reg"])], ("save", "data/sub/new"), "write", "data/sub",
     [("save", "data/new"), ("write_file", "data/a"), ("remove_file", "data/a")]),
    (["--allow-write=data/sub"], [], ("write_file", "data/a"), "write", "data/a",
     [("write_file", "data/b"), ("make_dir", "data/new")]),
    # Reads are told under audit.
    (["--audit"], [], ("read_file", "unseen/x"), "read", "unseen/x",
     [("read_file", "unseen/y"), ("read_dir", "unseen/sub"), ("write_file", "unseen/x")]),
    (["--audit"], [], ("read_dir", "unseen/sub"), "read", "unseen/sub",
     [("read_file", "unseen/x"), ("write_file", "unseen/sub/z")]),
    (["--audit"], [("deny", "data/a", READ), ("deny", "data/b", READ)],
     ("read_file", "data/a"), "read", "data/a", [("read_file", "data/b"), ("write_file", "data/a")]),
    (["--audit"], [("allow", "data", READ), ("deny", "data/sub", READ)],
     ("read_file", "data/sub/c"), "read", "data/sub/c",
     [("read_file", "data/sub/d"), ("read_dir", "data/sub"), ("write_file", "data/sub/c")]),
]


@pytest.mark.parametrize("flags,rules,refused,kind,suggested,others", WRITES)
def test_it_permits_that_and_no_more(tree, flags, rules, refused, kind, suggested, others):
    attack = Attack(tree, "perms")
    base = ["--events=./events", write_policy(tree, *rules), *flags]
    # A flag's grant would count more than the file's denial.
    if not any(action == "deny" and perms == READ for action, _, perms in rules):
        base.append("--allow-read=data")
    else:
        base[1] = write_policy(tree, ("allow", "data", READ), *rules)
    found, result = attack.each(*base, pairs=[refused])
    assert set(found.values()) <= {"EACCES", "ENOENT"}, str(result)
    told = [event for event in events_of(tree) if event["kind"] == kind
            and event["object"].startswith(f"{tree.directory}/")
            and not event["object"].endswith(("/perms", ".so"))]
    assert len(told) == 1, str(result)
    assert told[0]["suggestion"] == f"--allow-{kind}={tree.directory}/{suggested}", str(result)
    # More than the operation passes only where it is said.
    wider = not told[0]["object"].endswith(suggested)
    assert told[0].get("wider", False) == wider == ("permits more than" in result.stderr), str(result)
    if kind == "write" and "--audit" not in flags:
        assert told[0]["count"] == 1 and len(result.denied("write")) == 1
    # The operations of the others must be refused before, too, or they prove nothing.
    before, result = attack.each(*base, pairs=others)
    assert "ok" not in before.values(), str(result)
    again, result = attack.each(*base, *shlex.split(told[0]["suggestion"]), pairs=[*others, refused])
    assert again.pop(refused) == "ok", str(result)
    assert "ok" not in again.values(), str(result)


def test_below_tmp(world, tree):
    """There too, where what is above is the program's own."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder, "a").write_text("a")
        Path(folder, "b").write_text("b")
        attack = Attack(tree, "perms")
        base = [f"--allow-read={folder}", "--events=./events"]
        pairs = [("write_file", f"{folder}/a"), ("write_file", f"{folder}/b"), ("make_dir", f"{folder}/new")]
        found, result = attack.each(*base, pairs=pairs)
        assert "ok" not in found.values(), str(result)
        flags = shlex.split(events_of(tree)[0]["suggestion"])
        assert flags == [f"--allow-write={folder}/a"]
        found, result = attack.each(*base, *flags, pairs=pairs)
        assert list(found.values()) == ["ok", "EACCES", "EROFS"], str(result)


# A name that cannot be pasted into a shell as it looks has no suggestion.
ODD = {"a,b": True, "it's": True, 'q"q': True, "back\\slash": True, " lead ": True, "-dash": True,
       "$HOME": True, "`id`": True, "~": True, "#c": True, "ü": True, "%41": True, "x" * 255: True,
       "a\nb": False, "t\tb": False, "\x1b[31m": False, "\udcff": False, "\u202egpj": False}


def test_odd_names(tree):
    for name in ODD:
        Path(os.fsencode(tree.directory / "data").decode(), name).write_text("text")
    code = """
        for name in sys.argv[1:]:
            out[ascii(name)] = [attempt(lambda: open("data/" + name).read()),
                                attempt(lambda: open("data/" + name, "a").close() or "written")]
    """
    base = ["--allow-read=data", "--events=./events"]
    out, result = tree.json(*base, code=code, args=list(ODD))
    assert set(map(tuple, out.values())) == {("text", "EACCES")}, str(result)
    suggestions = [event["suggestion"] for event in events_of(tree)]
    assert [bool(one) for one in suggestions] == list(ODD.values()), suggestions
    for number, (name, one) in enumerate(zip(ODD, suggestions)):
        if not one or number % 3:
            continue
        out, result = tree.json(*base, *shlex.split(one), code=code, args=list(ODD))
        assert {key for key, value in out.items() if value[1] == "written"} == {ascii(name)}, str(result)
    flags = [flag for one in suggestions if one for flag in shlex.split(one)]
    out, result = tree.json(*base, *flags, code=code, args=list(ODD))
    assert [value[1] == "written" for value in out.values()] == list(ODD.values()), str(result)


def test_no_flag_is_suggested_where_none_helps(tree):
    """A flag's own denial, and what stays read-only inside a grant."""
    policy = write_policy(tree, ("allow", ".", READ + WRITE))
    (tree.directory / "data/b").chmod(0o755)
    found, result = Attack(tree, "perms").each(
        policy, "--deny-write=data/a", "--allow-run=./data/b",
        pairs=[("write_file", "data/a"), ("write_file", "data/b"), ("write_file", "p.json")])
    assert set(found.values()) == {"EACCES"}, str(result)
    assert [event.allow for event in result.denied("write")] == ["", "", ""], str(result)
    assert "kept read-only" in result.denied("write", "data/b")[0].line, str(result)
