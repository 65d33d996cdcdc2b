# SPDX-License-Identifier: LGPL-2.1-or-later
"""Denials below a grant for writing, attacked from inside and disturbed from outside."""

import ctypes
import errno
import os
from pathlib import Path

import pytest

from native import Attack

REFUSED = {"EACCES", "EROFS", "EPERM", "EXDEV", "EBUSY", "ENOENT", "EEXIST", "ENOTEMPTY", "ENOTDIR",
           "EISDIR"}
FLAGS = ["--allow-read=data,other", "--allow-write=data,other"]

# Each would bring what is denied to a name where nothing lies over it, or another thing to its name.
MOVES = [
    ("rename", "data/sub/deep:data/moved"), ("rename", "data/sub:data/gone"),
    ("rename", "data/sub/deep/d:data/taken"), ("rename", "data/sub:other/gone"),
    ("rename", "data/sub/deep:other/moved"), ("rename", "data/sub:data/bait/sub"),
    ("rename", "data/bait:data/sub"), ("rename", "other/bait:data/sub"),
    ("rename", "data/bait/d:data/sub/deep/d"), ("rename", "data:other/data"),
    ("exchange", "data/sub:data/bait"), ("exchange", "data/sub/deep:data/bait"),
    ("exchange", "data/bait/d:data/sub/deep/d"), ("exchange", "data/sub:other/bait"),
    ("exchange", "data/sub/deep:other/bait"), ("exchange", "data/sub:data/link"),
    ("link", "data/sub/deep/d:data/linked"), ("link", "data/sub/deep/d:other/linked"),
    ("link", "data/bait/d:data/sub/deep/d"), ("symlink", "data/sub:../other"),
    ("remove_file", "data/sub/deep/d"), ("remove_file", "data/sub"), ("remove_dir", "data/sub/deep"),
    ("remove_dir", "data/sub"),
]
NAMES = ["data/sub/deep/d", "data/moved/d", "data/gone/deep/d", "data/taken", "other/gone/deep/d",
         "other/moved/d", "data/bait/sub/deep/d", "other/data/sub/deep/d", "data/bait/deep/d",
         "data/bait/d", "other/bait/deep/d", "other/bait/d", "data/link/deep/d", "data/linked",
         "other/linked"]


@pytest.fixture(name="tree")
def fixture_tree(box):
    for name in ("data/sub/deep/d", "data/sub/free", "data/bait/bait", "other/bait/bait"):
        box.write(name, "SECRET" if name.endswith("/d") else "bait")
    (box.directory / "data/link").symlink_to("bait")
    return box


@pytest.mark.parametrize("denied", ["data/sub/deep", "data/sub/deep/d"])
@pytest.mark.parametrize("flag", ["--deny-read", "--deny-write"])
def test_no_move_uncovers_what_is_denied(tree, denied, flag):
    tries = [("read_file" if flag == "--deny-read" else "write_file", name) for name in NAMES]
    found, result = Attack(tree, "perms").each(
        *FLAGS, f"{flag}={denied}",
        pairs=[*MOVES, *tries, ("rename", "data/sub/free:data/sub/still-free"),
               ("rename", "data/bait:other/bait/moved")])
    assert found.pop(("rename", "data/sub/free:data/sub/still-free")) == "ok", str(result)
    # Two grants are two mounts.
    assert found.pop(("rename", "data/bait:other/bait/moved")) == "EXDEV"
    assert set(found.values()) <= REFUSED, str(result)
    assert (tree.directory / "data/sub/deep/d").read_text() == "SECRET"
    assert (tree.directory / "data/sub").is_dir() and (tree.directory / "data/bait/bait").exists()


def test_moves_work_without_a_denial(tree):
    """Or the refusals above would prove nothing."""
    found, result = Attack(tree, "perms").each(*FLAGS, pairs=[
        ("exchange", "data/sub:data/bait"), ("exchange", "data/bait:data/sub"),
        ("link", "data/sub/deep/d:data/linked"), ("rename", "data/sub/deep/d:data/taken"),
        ("rename", "data/sub/deep:data/moved"), ("rename", "data/sub:data/gone"),
        ("symlink", "data/sub:../other")])
    assert set(found.values()) == {"ok"}, str(result)


# Answers each line of its input, a path, with what is read there.
READER = """
import sys
for line in sys.stdin:
    try:
        print(open(line.strip()).read(), flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""


class Reader:
    def __init__(self, process):
        self.process = process

    def __call__(self, path):
        self.process.stdin.write(f"{path}\n".encode())
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().strip()


def replace(path):
    """As an editor saves."""
    new = path.with_name("saved.tmp")
    new.write_text("SECRET, saved")
    os.replace(new, path)


@pytest.mark.parametrize("write", [[], ["--allow-write=data"]])
def test_a_directory_stays_denied_whatever_the_host_does_in_it(tree, write):
    secret = tree.directory / "data/sub/deep/d"
    with tree.spawn("--allow-read=data", *write, "--deny-read=data/sub/deep", code=READER) as process:
        read = Reader(process)
        assert read("data/sub/free") == "bait" and read("data/sub/deep/d") == "Permission denied"
        replace(secret)
        (secret.parent / "new").write_text("SECRET")
        assert read("data/sub/deep/d") == read("data/sub/deep/new") == "Permission denied"


def put_away(path):
    os.rename(path, path.with_name("backup"))


@pytest.mark.parametrize("flags,path,change", [
    (["--deny-read=data/sub/deep/d"], "data/sub/deep/d", replace),
    (["--deny-read=data/sub/deep/d"], "data/sub/deep/d", put_away),
    (["--deny-read=data/sub/deep/d"], "data/sub/deep/d", Path.unlink),
    (["--deny-read=data/sub/deep"], "data/sub/deep", put_away),
    (["--allow-write=data", "--deny-read=data/sub/deep/d"], "data/sub/deep/d", replace),
    (["--allow-write=data", "--deny-read=data/sub/deep"], "data/sub/deep", put_away),
    (["--allow-write=data", "--deny-write=data/sub/deep/d"], "data/sub/deep/d", replace),
    (["--allow-write=data", "--deny-write=data/sub/deep"], "data/sub/deep", put_away),
])
def test_a_denial_that_goes_with_what_the_host_replaces_ends_the_run(tree, flags, path, change):
    """A mount lies over an object. No mount can hold a name, so the program is ended."""
    denied = tree.directory / path
    with tree.spawn("--allow-read=data", *flags, code=READER) as process:
        read = Reader(process)
        assert read("data/sub/free") == "bait"
        # What leaves it in its place is no matter.
        denied.touch()
        denied.chmod(0o700)
        if denied.is_file():
            denied.write_text("SECRET, written")
        else:
            replace(denied / "d")
        assert read("data/sub/free") == "bait"
        change(denied)
        assert process.wait(5) == 125
        said = process.stderr.read().decode()
        assert f"{denied}: it was replaced or moved" in said and "deny its directory" in said
        assert "SECRET" not in process.stdout.read().decode()


def test_a_directory_above_that_the_host_moves_takes_its_denials_along(tree):
    """Stated in SECURITY.md: what is denied stays so, but not what is made at its old path."""
    sub = tree.directory / "data/sub"
    with tree.spawn("--allow-read=data", "--deny-read=data/sub/deep/d", code=READER) as process:
        read = Reader(process)
        assert read("data/sub/deep/d") == "Permission denied"
        os.rename(sub, tree.directory / "data/moved")
        (sub / "deep").mkdir(parents=True)
        (sub / "deep/d").write_text("another")
        assert read("data/moved/deep/d") == "Permission denied"
        assert read("data/sub/deep/d") == "another"


def test_a_second_name_is_not_denied_and_that_is_said(tree):
    """A denial is of a path; the same file by another name, made before, is another path."""
    os.link(tree.directory / "data/sub/deep/d", tree.directory / "data/hard")
    found, result = Attack(tree, "perms")("--allow-read=data", "--deny-read=data/sub/deep/d",
                                          on=["data/hard", "data/sub/deep/d"], ops=["read_file"])
    assert found == {("read_file", "data/hard"): "ok",
                     ("read_file", "data/sub/deep/d"): "EACCES"}, str(result)
    assert "data/sub/deep/d: it has other names" in result.stderr, str(result)


def test_what_cannot_be_watched_is_said(tree):
    """Each user has a number of watchers, and other programs may have taken them all."""
    libc = ctypes.CDLL(None, use_errno=True)
    taken = []
    try:
        while len(taken) < 4096:
            one = libc.inotify_init1(os.O_CLOEXEC)
            if one < 0:
                break
            taken.append(one)
        assert ctypes.get_errno() == errno.EMFILE
        result = tree.run("--allow-read=data", "--deny-read=data/sub", name="true")
        assert result.status == 0 and "data/sub cannot be watched" in result.stderr, str(result)
        result = tree.run("--allow-read=data", name="true")
        assert result.status == 0 and result.stderr == "", str(result)
    finally:
        for one in taken:
            os.close(one)
