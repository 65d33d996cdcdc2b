# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every permission of a file rule alone: what it allows works, and nothing else does."""

import ctypes
import errno
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from native import Attack
from tier import TIER
from world import Box

# What each operation needs, and on which path of the tree below it is tried. Where it needs none
# (mode, times, attributes), it comes with write_file, and with that alone.
NEEDS = {
    ("read_file", "file"): {"read_file"},
    ("write_file", "file"): {"write_file"},
    ("append", "file"): {"write_file"},
    ("o_trunc", "cut-too"): {"read_file", "truncate"},
    ("execute", "prog"): {"execute"},
    ("read_dir", "dir"): {"read_dir"},
    ("remove_dir", "empty"): {"remove_dir"},
    ("remove_file", "victim"): {"remove_file"},
    ("make_char", "char"): {"never"},
    ("whiteout", "whiteout"): {"never"},
    ("make_block", "block"): {"never"},
    ("make_dir", "new-dir"): {"make_dir"},
    ("make_reg", "new-reg"): {"make_reg"},
    ("create", "new-file"): {"make_reg", "read_file"},
    ("save", "saved"): {"make_reg", "write_file"},
    ("tmpfile", "dir"): {"write_file"},
    ("make_sock", "new-sock"): {"make_sock"},
    ("bind", "bound"): {"make_sock"},
    ("make_fifo", "new-fifo"): {"make_fifo"},
    ("make_sym", "new-link"): {"make_sym"},
    ("truncate", "cut"): {"truncate"},
    ("rename", "old-name:new-name"): {"make_reg", "remove_file"},
    ("rename", "from/moved:to/moved"): {"make_reg", "remove_file", "refer"},
    ("link", "from/linked:to/linked"): {"make_reg", "refer"},
    ("exchange", "from/one:to/two"): {"make_reg", "remove_file", "refer"},
    ("chmod", "file"): {"write_file"},
    ("fchmod", "file"): {"write_file", "read_file"},
    ("chmod-proc", "file"): {"write_file"},
    ("fchmodat2", "file"): {"write_file"},
    ("chown", "file"): {"write_file"},
    ("utimensat", "file"): {"write_file"},
    ("utime", "file"): {"write_file"},
    ("setxattr", "file"): {"write_file"},
    ("removexattr", "file"): {"write_file"},
}
# write_file includes truncate, and write_dir all that makes and removes names.
MEANS = {"write_file": {"write_file", "truncate"},
         "write_dir": {"make_reg", "make_dir", "make_sym", "make_sock", "make_fifo", "remove_file",
                       "remove_dir", "refer"},
         "execute": {"execute", "read_file", "read_dir"}}
PERMS = ["read_file", "write_file", "execute", "read_dir", "write_dir", "remove_dir",
         "remove_file", "make_char", "make_dir", "make_reg", "make_sock", "make_fifo", "make_block",
         "make_sym", "truncate", "refer"]
REFUSED = {"EACCES", "EROFS", "EPERM", "EXDEV", "ENOENT"}
# Without namespaces nothing's mode is changed, and no socket is bound.
HELD_ELSEWHERE = {"bind", "chmod", "fchmod", "chmod-proc", "fchmodat2", "chown", "utime", "utimensat", "setxattr",
                  "removexattr"}


def make_tree(box):
    data = box.directory / "data"
    for folder in ("dir", "empty", "from", "to"):
        (data / folder).mkdir(parents=True)
    for name in ("file", "victim", "cut", "cut-too", "old-name", "from/moved", "from/linked", "from/one",
                 "to/two", "dir/inner"):
        (data / name).write_text("text", encoding="utf-8")
    shutil.copy("/usr/bin/true", data / "prog")
    return data


def snapshot(data):
    found = {}
    for path in sorted(data.rglob("*")):
        info = path.lstat()
        text = path.read_bytes() if path.is_file() and path.name != "prog" else b""
        found[str(path.relative_to(data))] = (info.st_mode, info.st_mtime, info.st_size, text)
    return found


def write_policy(box, perms):
    (box.directory / "p.json").write_text(json.dumps({"version": 1, "fs": {"rules": [
        {"action": "allow", "path": "data", "perms": perms}]}}), encoding="utf-8")
    return "--policy=./p.json"


def at(path):
    return ":".join(f"data/{part}" for part in path.split(":"))


# The same as perms.c does, as far as Python has it.
PYTHON = """
    import stat

    def opened(*args):
        os.close(os.open(*args))

    def bind(path):
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path)

    def pair(function):
        return lambda pair: function(*pair.split(":"))

    WAYS = {
        "read_file": lambda path: open(path).read(1) and None,
        "write_file": lambda path: opened(path, os.O_WRONLY),
        "append": lambda path: open(path, "ab").close(),
        "execute": lambda path: subprocess.run([path], check=True) and None,
        "read_dir": lambda path: os.listdir(path) and None,
        "remove_dir": os.rmdir, "remove_file": os.unlink,
        "make_char": lambda path: os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3)),
        "whiteout": lambda path: os.mknod(path, stat.S_IFCHR | 0o600, 0),
        "make_block": lambda path: os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(7, 0)),
        "make_dir": os.mkdir, "make_reg": os.mknod,
        "create": lambda path: opened(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL),
        "save": lambda path: open(path, "w").write("s") and None,
        "tmpfile": lambda path: opened(path, os.O_WRONLY | os.O_TMPFILE, 0o600),
        "bind": bind, "make_fifo": os.mkfifo,
        "make_sock": lambda path: os.mknod(path, stat.S_IFSOCK | 0o600),
        "make_sym": lambda path: os.symlink("nowhere", path),
        "truncate": lambda path: os.truncate(path, 1),
        "o_trunc": lambda path: opened(path, os.O_RDONLY | os.O_TRUNC),
        "rename": pair(os.rename), "link": pair(os.link),
        "chmod": lambda path: os.chmod(path, 0o755),
        "chown": lambda path: os.chown(path, os.getuid(), os.getgid()),
        "utimensat": lambda path: os.utime(path, (1, 1)),
        "setxattr": lambda path: os.setxattr(path, "user.perms", b"x"),
        "removexattr": lambda path: os.removexattr(path, "user.perms"),
    }
    pairs = iter(sys.argv[1:])
    for op, path in zip(pairs, pairs):
        if op in WAYS:
            out[f"{op} {path}"] = attempt(WAYS[op], path)
"""


def unknown_here(directory):
    """What this kernel has not, sandbox or none: fchmodat2 before 6.6, and user.* on a tmpfs."""
    probe, unknown = directory / "probe", set()
    probe.write_text("", encoding="utf-8")
    # On x86-64 and aarch64 alike.
    ctypes.CDLL(None, use_errno=True).syscall(452, -100, os.fsencode(probe), 0o755, 0)
    if ctypes.get_errno() == errno.ENOSYS:
        unknown.add("fchmodat2")
    try:
        os.setxattr(probe, "user.perms", b"x")
    except OSError as error:
        assert error.errno == errno.EOPNOTSUPP
        unknown |= {"setxattr", "removexattr"}
    probe.unlink()
    return unknown


def from_c(box, flags):
    return Attack(box, "perms").each(*flags, pairs=[(op, at(path)) for op, path in NEEDS])


def from_c_with_an_opener(box, flags):
    """Where a rule warns of files, opens are carried out by another process, to the same effect."""
    path = box.directory / "p.json"
    policy = json.loads(path.read_text(encoding="utf-8"))
    policy["fs"]["rules"].append({"action": "warn", "path": "/usr/share/doc",
                                  "perms": ["read_file", "write_file"]})
    path.write_text(json.dumps(policy), encoding="utf-8")
    return from_c(box, flags)


def from_python(box, flags):
    out, result = box.json(*flags, code=PYTHON,
                           args=[word for op, path in NEEDS for word in (op, at(path))])
    return {tuple(words.split(" ", 1)): value for words, value in out.items()}, result


# What the supervisor is asked for, and so tells of: opens that would write or make.
ASKED = {("write_file", "file"): {"write_file"}, ("append", "file"): {"write_file"},
         ("o_trunc", "cut-too"): {"truncate"}, ("create", "new-file"): {"make_reg"},
         ("save", "saved"): {"make_reg", "write_file"}, ("tmpfile", "dir"): {"write_file"}}
# What is done by a descriptor or an address, or by a link of /proc, is not told of.
# Changes of modes and the like are refused everywhere (EPERM) where some kinds of writing alone are granted.
UNTOLD = {"read_file", "execute", "read_dir", "bind", "fchmod", "chmod-proc"}


def objects_of(given):
    """Of what is refused for want of a permission, the first path that wants it."""
    for op, path in NEEDS:
        first, _, second = path.partition(":")
        if (op, path) in ASKED:
            wants = [(first, ASKED[op, path])]
        elif op in ("rename", "exchange"):
            apart = {"refer"} if "/" in first else set()
            wants = [(first, {"remove_file"}), (second, {"make_reg"} | apart)]
        elif op == "link":
            wants = [(second, NEEDS[op, path])]
        else:
            wants = [(first, NEEDS[op, path])] if op not in UNTOLD else []
        yield from [(op, path, where) for where, wanted in wants if not wanted <= given][:1]


def told(events):
    found = {}
    for line in events.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["action"] == "deny" and event["kind"] == "write":
            found[event["object"]] = found.get(event["object"], 0) + event["count"]
    return found


SOME = [*([perm] for perm in PERMS), ["make_reg", "write_file"], ["make_reg", "remove_file"],
        ["make_reg", "remove_file", "refer"], ["make_reg", "read_file"], ["read_file", "truncate"],
        ["write_file", "write_dir", "read_file", "read_dir"]]


@pytest.fixture(name="low")
def fixture_low(world):
    """A place of the host's below /tmp, which is the program's own."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        yield Box(world, Path(directory))


@pytest.mark.parametrize("perms", SOME, ids="+".join)
def test_a_permission_alone_below_tmp(low, perms):
    allows_that_alone(low, from_c, perms)


@pytest.mark.parametrize("perms", SOME, ids="+".join)
@pytest.mark.parametrize("language", [from_c, from_python, from_c_with_an_opener])
def test_a_permission_alone(box, language, perms):
    allows_that_alone(box, language, perms)


def allows_that_alone(box, language, perms):
    data = make_tree(box)
    before = snapshot(data)
    given = set().union(*(MEANS.get(perm, {perm}) for perm in perms))
    found, result = language(box, [write_policy(box, perms), "--events=./events"])
    assert len(found) >= 25
    unknown = unknown_here(box.directory)
    for (op, path), got in found.items():
        if op in unknown:
            assert got in {"ENOSYS", "EOPNOTSUPP", "ENOTSUP", *REFUSED}, (op, path, str(result))
            continue
        path = path.replace("data/", "")
        if TIER and op in HELD_ELSEWHERE:
            assert got in REFUSED, (op, path, str(result))
        elif NEEDS[op, path] <= given:
            assert got == "ok" or (op == "removexattr" and got == "ENODATA"), (op, path, str(result))
        else:
            assert got in REFUSED, (op, path, str(result))
    expected = {}
    # As are, before Linux 6.2, calls that cut files where truncate is left out.
    writes = {"write_file", "truncate", *MEANS["write_dir"]}
    cuts = box.world.landlock() < 3 and given & writes and "truncate" not in given
    for op, path, where in objects_of(given):
        refused_everywhere = (path == "file" and found.get((op, at(path))) == "EPERM" or
                              cuts and op in ("truncate", "o_trunc"))
        # A rule for devices grants nothing, which is said at the start.
        said_before = {"whiteout": "make_char"}.get(op, op) in given & {"make_char", "make_block"}
        if (op, at(path)) in found and not refused_everywhere and not said_before:
            expected[str(data / where)] = expected.get(str(data / where), 0) + 1
    shown = given & {"read_file", "read_dir", "execute", "write_file", "truncate",
                     *MEANS["write_dir"]}
    # What nothing shows is not there, and a missing directory is nobody's refusal.
    assert told(box.directory / "events") == (expected if shown or TIER else {}), str(result)
    if not given & {"write_file", "truncate", *MEANS["write_dir"]}:
        assert snapshot(data) == before
    for name in ("char", "whiteout", "block"):
        assert not (data / name).exists()


IN_TMP = """
    import stat, tempfile
    def bind(path):
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path)
    for place in dict.fromkeys(("/tmp", os.environ["TMPDIR"])):
        for op, way in {
                "make_reg": lambda path: os.mknod(path), "make_dir": os.mkdir, "make_fifo": os.mkfifo,
                "make_sym": lambda path: os.symlink("x", path), "bind": bind,
                "save": lambda path: open(path, "w").close(),
                "truncate": lambda path: os.truncate(os.path.join(place, "save"), 0),
                "read_file": lambda path: open(os.path.join(place, "save")).close(),
                "remove_file": lambda path: os.unlink(os.path.join(place, "save")),
                "read_dir": lambda path: os.listdir(place) and None}.items():
            out[f"{op} {place}"] = attempt(way, os.path.join(place, op))
    out["tmpdir"] = os.environ["TMPDIR"]
    out["mkdtemp"] = attempt(lambda: os.path.dirname(tempfile.mkdtemp()))
    out["shm"] = attempt(os.mkdir, "/dev/shm/x")
"""


def test_tmp_has_no_more_than_what_is_granted_below_it(low):
    """What Landlock gives at /tmp it gives to all below; the program has another place."""
    make_tree(low)
    perms = ["read_file", "read_dir", "write_file", "make_reg", "remove_file"]
    out, result = low.json(write_policy(low, perms), code=IN_TMP)
    assert "TMPDIR says so" in result.stderr, str(result)
    assert out.pop("tmpdir") == out.pop("mkdtemp") == "/tmp/private", str(result)
    assert out.pop("shm") == "ok"
    refused = {op for op, got in out.items() if got == "EACCES"}
    assert refused == {"make_dir /tmp", "make_fifo /tmp", "make_sym /tmp", "bind /tmp"}, str(result)
    assert {got for op, got in out.items() if op not in refused} == {"ok"}, str(result)
    # Where nothing is left out, or nothing is written, it is whole.
    for perms in (["read_file", "read_dir", "write_file", "write_dir"], ["read_file", "read_dir"]):
        out, result = low.json(write_policy(low, perms), code=IN_TMP)
        assert out["tmpdir"] == "/tmp" and out["make_dir /tmp"] == "ok", str(result)
        assert result.stderr == "", str(result)


def test_the_place_in_tmp_is_no_grant(low):
    """It is the program's own, even where the host has something of that name."""
    make_tree(low)
    with tempfile.TemporaryDirectory(dir="/tmp") as theirs:
        place = Path("/tmp/private")
        place.mkdir()
        try:
            (place / "kept").write_text("kept")
            Path(theirs, "a").write_text("a")
            out, result = low.json(write_policy(low, ["read_file", "make_reg"]), "--allow-read=/tmp/private",
                                   code="""
                out["tmpdir"] = os.environ["TMPDIR"]
                out["mkdir"] = attempt(os.mkdir, os.path.join(os.environ["TMPDIR"], "x"))
                out["host"] = attempt(os.mkdir, "/tmp/private/x")
            """)
            assert out == {"tmpdir": "/tmp/private1", "mkdir": "ok", "host": "EROFS"}, str(result)
            assert os.listdir(place) == ["kept"]
        finally:
            shutil.rmtree(place)


def test_check_knows_what_tmp_has(low):
    make_tree(low)
    for perms, status in ((["read_file", "make_dir"], 1), (["read_file", "write_file", "make_reg"], 0)):
        result = low.world.run(["check", write_policy(low, perms), "write", "/tmp/new"], cwd=low.directory)
        assert result.status == status, str(result)
        assert ("no more than what is granted below it" in result.stdout) == bool(status), str(result)


def test_what_cannot_be_given_is_said(box):
    make_tree(box)
    result = box.run(write_policy(box, ["read_file", "read_dir", "make_char"]), name="/usr/bin/true")
    assert result.status == 0 and "make_char and make_block grant nothing" in result.stderr, str(result)
    result = box.run(write_policy(box, ["read_file", "make_dir"]), name="/usr/bin/true")
    assert result.status == 0 and "chmod" in result.stderr, str(result)
    for perms in (["read_file"], ["write_file"], ["write_file", "write_dir"]):
        result = box.run(write_policy(box, perms), name="/usr/bin/true")
        assert result.status == 0 and result.stderr == "", str(result)


def test_a_part_of_writing_needs_the_layer_that_holds_it(box):
    make_tree(box)
    policy = json.loads((box.directory / write_policy(box, ["make_dir"])[9:]).read_text())
    policy["plugins"] = {"seccomp": False}
    (box.directory / "p.json").write_text(json.dumps(policy))
    result = box.run("--policy=./p.json", name="/usr/bin/true")
    said = "both other layers are needed" if TIER else "without write_file"
    assert result.status == 125 and said in result.stderr, str(result)


def test_what_has_no_path_is_changed_neither(box):
    """Where only some writing is granted, nothing's mode can be changed; terminals work as ever."""
    make_tree(box)
    flags = [write_policy(box, ["read_file", "read_dir", "make_dir"])]
    out, result = box.json(*flags, code="""
        import array, fcntl, termios
        file = os.open("data/file", os.O_RDONLY)
        flags = array.array("l", [0])
        out["chattr"] = attempt(fcntl.ioctl, file, 0x40086602, flags)
        out["subvolume"] = attempt(fcntl.ioctl, os.open("data", os.O_RDONLY), 0x5000940e, b"x" * 1024)
        out["tmp"] = attempt(os.chmod, "/tmp", 0o700)
        out["waiting"] = attempt(fcntl.ioctl, os.pipe()[0], termios.FIONREAD, array.array("i", [0]))
    """)
    assert out == {"chattr": "EPERM", "subvolume": "EPERM", "tmp": "EPERM", "waiting": 0}, str(result)


@pytest.mark.parametrize("perms,works", [
    (["read_file"], {"read_file"}), (["write_file"], {"write_file", "truncate", "chmod"}),
    (["truncate"], {"truncate"}), (["execute"], {"read_file", "execute"}),
    (["write_dir", "read_dir"], set()), (["remove_file", "make_reg"], set()),
], ids=lambda value: "+".join(value))
def test_of_one_file(box, perms, works):
    """A file's own grant: what is about names in a directory gives nothing there."""
    data = make_tree(box)
    (box.directory / "p.json").write_text(json.dumps({"version": 1, "fs": {"rules": [
        {"action": "allow", "path": "data/prog", "perms": perms}]}}), encoding="utf-8")
    ops = ["read_file", "truncate", "chmod", "execute", "write_file", "remove_file"]
    if "write_file" in works:
        ops.remove("execute")
    found, result = Attack(box, "perms")("--policy=./p.json", on="data/prog", ops=ops)
    assert {op for (op, _), got in found.items() if got == "ok"} == works, str(result)
    assert set(found.values()) <= {"ok", "EBUSY", *REFUSED}, str(result)
    assert (data / "prog").exists()
