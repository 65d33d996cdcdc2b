# SPDX-License-Identifier: LGPL-2.1-or-later
"""A denial below a grant, and a grant below a denial: hidden, read-only, not run, or refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from native import Attack

READ, WRITE = ["read_file", "read_dir"], ["write_file", "write_dir"]
SAYS = {0: "ok", 1: "denied", 125: "stopped"}


def write_policy(box, *rules, **more):
    """rules: (action, path, perms)"""
    text = json.dumps({"version": 1, "fs": {"rules": [
        {"action": action, "path": path, "perms": perms} for action, path, perms in rules]}, **more})
    (box.directory / "p.json").write_text(text, encoding="utf-8")
    return "--policy=./p.json"


@pytest.fixture(name="tree")
def fixture_tree(box):
    for name in ("data/a", "data/sub/c", "data/sub/deep/d", "other/e"):
        box.write(name, f"{name}\n")
    return box


# The policy's file, then flags, then what reading and writing come to in data/a and in data/sub/c.
NESTED = [
    # A denial counts more than a grant of its layer, wherever it is written.
    ((), ["--deny-read=data", "--allow-read=data/sub"], "----"),
    ((), ["--allow-read=.,data/sub", "--deny-read=data"], "----"),
    ((), ["--allow-read=data", "--deny-read=data/sub", "--allow-write=data/sub/deep"], "stopped"),
    ((), ["--allow-read=data", "--deny-read=data/sub", "--allow-write=data/sub/c"], "stopped"),
    ((), ["--deny-write=data", "--allow-write=data/sub", "--allow-read=data"], "r-r-"),
    # What may not be read may be written, if nothing else lets it be read.
    ((), ["--deny-read=data", "--allow-write=data"], "-w-w"),
    ((), ["--deny-read=data", "--allow-write=data,data/sub"], "-w-w"),
    ((), ["--deny-read=data/sub", "--allow-write=data"], "-w-w"),
    ((), ["--deny-read=data/sub,data/sub/c", "--allow-write=data", "--allow-read=data"], "rw--"),
    ((), ["--deny-read=data,data/*", "--allow-write=.", "--allow-read=."], "----"),
    ((), ["--deny-read=data/sub", "--allow-write=data", "--allow-read=data"], "rw--"),
    ((), ["--deny-read=data", "--allow-write=data/sub"], "---w"),
    ((), ["--deny-read=data/sub", "--deny-write=data/sub", "--allow-write=data"], "-w--"),
    # A flag counts more than a file, where mounts can say so: not writing without the reading that
    # is granted above.
    ([("deny", "data", READ)], ["--allow-read=data/sub"], "--r-"),
    ([("allow", ".", READ), ("deny", "data", READ)], ["--allow-read=data/sub"], "--r-"),
    ([("allow", ".", READ), ("deny", "data", READ)], ["--allow-read=data/sub/c"], "--r-"),
    ([("allow", ".", READ), ("deny", "data", READ)], ["--allow-write=data/sub/c"], "stopped"),
    ([("allow", ".", READ + WRITE), ("deny", "data", READ)], ["--allow-read=data/sub"], "--rw"),
    ([("allow", ".", READ + WRITE), ("deny", "data", READ)], ["--allow-read=data/sub/c"], "--rw"),
    ([("allow", ".", READ + WRITE), ("deny", "data", READ + WRITE)], ["--allow-read=data/a"], "r---"),
    ([("allow", ".", READ), ("deny", "data", READ)], ["--allow-read=data"], "r-r-"),
    ([("allow", ".", READ + WRITE), ("deny", "data", WRITE)], ["--allow-write=data/sub"], "r-rw"),
    ([("allow", ".", READ), ("deny", "data", WRITE)], ["--allow-write=data/sub"], "r-rw"),
    ([("allow", "data", READ + WRITE)], ["--deny-write=data/sub"], "rwr-"),
    ([("allow", "data/sub", READ), ("deny", "data", READ)], [], "----"),
]


@pytest.mark.parametrize("rules,flags,expected", NESTED)
def test_check_says_what_happens(tree, rules, flags, expected):
    args = [write_policy(tree, *rules), *flags]
    checked = {}
    for path in ("data/a", "data/sub/c"):
        for kind in ("read", "write"):
            result = tree.world.run([*args, "check", kind, path], cwd=tree.directory)
            checked[path, kind] = SAYS[result.status]
    if expected == "stopped":
        result = tree.run(*args, code="print('ran')\n")
        assert result.status == 125 and result.stdout == "", str(result)
        assert "lies below something that is denied" in result.stderr, str(result)
        assert set(checked.values()) == {"stopped"}
        return
    out, result = tree.json(*args, code="""
        for path in ("data/a", "data/sub/c"):
            out[path + " read"] = attempt(open, path)
            out[path + " write"] = attempt(open, path, "a")
    """)
    happened = {tuple(key.split()): "ok" if value == "ok" else "denied"
                for key, value in out.items()}
    assert happened == checked, str(result)
    assert "".join(letter if value == "ok" else "-"
                   for letter, value in zip("rwrw", happened.values())) == expected, str(result)


def test_what_is_denied_above_a_grant_cannot_be_listed(tree):
    """A flag grants something below a directory that a file denies: the way there shows no more."""
    policy = write_policy(tree, ("allow", ".", READ + WRITE), ("deny", "data", READ))
    out, result = tree.json(policy, "--allow-read=data/sub/deep", code="""
        out["list"] = [attempt(os.listdir, path) for path in ("data", "data/sub", "data/sub/deep")]
        out["read"] = attempt(lambda: open("data/sub/deep/d").read())
        out["stat"] = [attempt(os.stat, path) for path in ("data/a", "data/sub/c", "data/sub")]
        out["change"] = [attempt(os.chmod, "data", 0o777), attempt(os.mkdir, "data/new"),
                         attempt(os.rename, "data", "moved"), attempt(os.rename, "data/sub", "data/moved"),
                         attempt(os.rename, "data/sub/deep", "moved"), attempt(open, "data/new", "w")]
        out["write"] = attempt(open, "data/sub/deep/d", "a")
    """)
    assert out == {"list": ["EACCES", ["deep"], ["d"]], "read": "data/sub/deep/d\n",
                   "stat": ["ENOENT", "ENOENT", "ok"], "write": "ok", "change": out["change"]}, str(result)
    assert set(out["change"]) <= {"EROFS", "EBUSY", "EXDEV", "EACCES"}, str(result)
    assert (tree.directory / "data/a").read_text() == "data/a\n"


# What a denial of some permissions makes of a directory, and of a file.
SUBSETS = [
    (READ, "hidden", "hidden"), (["read_file"], "hidden", "hidden"), (["read_dir"], "hidden", "hidden"),
    (READ + WRITE, "hidden", "hidden"), (["read_file", "make_dir"], "hidden", "hidden"),
    (WRITE, "read-only", "read-only"), (["write_file"], "refused", "read-only"),
    (["write_file", "truncate"], "refused", "read-only"), (["write_dir"], "refused", "refused"),
    (["make_dir"], "refused", "refused"), (["truncate"], "refused", "refused"),
    (["remove_file", "make_reg"], "refused", "refused"), (["execute"], "free", "free"),
    (["make_char", "make_block"], "free", "free"),
]


@pytest.mark.parametrize("perms,of_directory,of_file", SUBSETS, ids=lambda value: "+".join(value)
                         if isinstance(value, list) else value)
def test_what_mounts_can_take_back(tree, perms, of_directory, of_file):
    expected = {"hidden": ["EACCES", "EACCES"], "read-only": ["ok", "EACCES"], "free": ["ok", "ok"]}
    for path, made in (("data/sub", of_directory), ("data/sub/c", of_file)):
        policy = write_policy(tree, ("allow", "data", READ + WRITE), ("deny", path, perms))
        if made == "refused":
            result = tree.run(policy, code="print('ran')\n")
            assert result.status == 125 and result.stdout == "", str(result)
            assert f"{path}: some kinds of writing are denied" in result.stderr, str(result)
            continue
        out, result = tree.json(policy, code="""
            out["c"] = [attempt(open, "data/sub/c"), attempt(open, "data/sub/c", "a")]
            out["a"] = [attempt(open, "data/a"), attempt(open, "data/a", "a")]
            out["deep"] = [attempt(open, "data/sub/deep/d"), attempt(open, "data/sub/deep/d", "a")]
        """)
        assert out["a"] == ["ok", "ok"] and out["c"] == expected[made], str(result)
        assert out["deep"] == (expected[made] if path == "data/sub" else ["ok", "ok"]), str(result)
        # Where the same is not granted, there is nothing to take back.
        policy = write_policy(tree, ("allow", "data", ["read_file"]), ("deny", path, perms))
        assert tree.run(policy, code="print('ran')\n").status == 0


@pytest.mark.parametrize("rules,refused", [
    ([("allow", "data", ["write_dir"]), ("allow", "data/sub", READ), ("deny", "data/sub/c", READ)],
     [("read_file", "data/sub/c")]),
    ([("allow", "data", ["make_dir"]), ("allow", "data/sub", ["write_file"]),
      ("deny", "data/sub/c", ["write_file"])], [("write_file", "data/sub/c"), ("truncate", "data/sub/c")]),
    ([("allow", "data", ["make_dir"]), ("allow", "data/sub", ["make_dir", "make_reg"]),
      ("deny", "data/sub/deep", ["make_reg", "make_dir"])],
     [("make_reg", "data/sub/deep/new"), ("make_dir", "data/sub/deep/other")]),
])
def test_a_grant_in_a_grant_is_denied_below(tree, rules, refused):
    """The inner one has no mount of its own, since the outer one's would do."""
    found, result = Attack(tree, "perms").each(write_policy(tree, *rules), pairs=refused)
    assert set(found.values()) <= {"EACCES", "EROFS"}, str(result)
    allowed, result = Attack(tree, "perms").each(write_policy(tree, *rules[:-1]), pairs=refused)
    assert set(allowed.values()) == {"ok"}, str(result)


def test_a_denial_to_run_is_a_mount_that_runs_nothing(tree):
    for name in ("data/sub/tool", "data/tool"):
        tree.write(name, "").write_bytes(Path("/usr/bin/true").read_bytes())
        (tree.directory / name).chmod(0o755)
    policy = write_policy(tree, ("allow", "data", READ + ["execute"]), ("deny", "data/sub", ["execute"]))
    found, result = Attack(tree, "perms")(policy, on=["data/tool", "data/sub/tool"], ops=["execute"])
    assert list(found.values()) == ["ok", "EACCES"], str(result)
    assert len(result.denied("run", "data/sub/tool")) == 1, str(result)


@pytest.mark.parametrize("denied,flags", [("venv", []), ("venv/lib", []), (".", []),
                                          ("venv", ["--allow-write=."]),
                                          ("venv/lib", ["--allow-read=.", "--allow-write=."])])
def test_an_environment_that_is_denied_is_not_shown(box, denied, flags):
    """What every interpreter is given without a grant can be denied by name."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "venv"], cwd=box.directory,
                   check=True)
    secret = box.directory / "venv/lib/secret"
    secret.write_text("SECRET", encoding="utf-8")
    venv = {"VIRTUAL_ENV": str(box.directory / "venv"),
            "PATH": f"{box.directory}/venv/bin:/usr/bin:/bin"}
    code = f"print(open({str(secret)!r}).read())\n"
    assert "SECRET" in box.run(code=code, env=venv).stdout
    result = box.run(*flags, f"--deny-read={denied}", code=code, env=venv)
    assert result.status != 0 and "SECRET" not in result.stdout, str(result)
    checked = box.world.run([*flags, f"--deny-read={denied}", "check", "read", secret], env=venv,
                            cwd=box.directory)
    assert checked.status == 1, str(checked)


def test_a_denial_of_everything_leaves_the_system(tree):
    for path in ("/usr/bin/true", "/etc/hostname"):
        checked = tree.world.run(["--deny-read", "check", "read", path], cwd=tree.directory)
        out, _ = tree.json("--deny-read", code="out['read'] = attempt(open, sys.argv[1])\n", args=[path])
        assert (checked.status, out["read"]) == (0, "ok"), str(checked)


@pytest.mark.parametrize("flag", ["--deny-write=/tmp", "--deny-write=/dev/shm", "--deny-read=/proc"])
def test_what_is_the_programs_own_cannot_be_denied_and_that_is_said(tree, flag):
    result = tree.run(flag, code="open('/tmp/x', 'w'), open('/dev/shm/x', 'w'), open('/proc/self/stat')\n")
    assert result.status == 0 and f"{flag.split('=')[1]} is not denied" in result.stderr, str(result)
