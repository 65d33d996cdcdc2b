# SPDX-License-Identifier: LGPL-2.1-or-later
"""What makes, removes, renames and changes files by name: refused it is told, under audit if allowed, too."""

import json
import os

import pytest

from test_fs_denials import READ, WRITE, write_policy

# Each is tried in a place that has what it needs; the event is of `object` below it. The second of
# a pair goes by a descriptor of the place.
CALLS = """
    import stat
    def calls(place):
        fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        at, p = {"dir_fd": fd}, lambda name: os.path.join(place, name)
        both = {"src_dir_fd": fd, "dst_dir_fd": fd}
        yield "m1", lambda: os.mkdir(p("m1"))
        yield "m2", lambda: os.mkdir("m2", **at)
        yield "n1", lambda: os.mknod(p("n1"))
        yield "n2", lambda: os.mknod("n2", stat.S_IFREG | 0o600, **at)
        yield "p1", lambda: os.mkfifo(p("p1"))
        yield "p2", lambda: os.mkfifo("p2", **at)
        yield "s1", lambda: os.symlink("x", p("s1"))
        yield "s2", lambda: os.symlink("x", "s2", **at)
        yield "l1", lambda: os.link(p("file"), p("l1"))
        yield "l2", lambda: os.link("file", "l2", **both)
        yield "d1", lambda: os.rmdir(p("d1"))
        yield "d2", lambda: os.rmdir("d2", **at)
        yield "u1", lambda: os.unlink(p("u1"))
        yield "u2", lambda: os.unlink("u2", **at)
        yield "r1", lambda: os.rename(p("r1"), p("to1"))
        yield "r2", lambda: os.rename("r2", "to2", **both)
        yield "t", lambda: os.truncate(p("t"), 1)
        yield "c1", lambda: os.chmod(p("c1"), 0o600)
        yield "c2", lambda: os.chmod("c2", 0o600, **at)
        yield "o1", lambda: os.chown(p("o1"), os.getuid(), os.getgid())
        yield "o2", lambda: os.chown("o2", os.getuid(), os.getgid(), **at)
        yield "o3", lambda: os.lchown(p("o3"), os.getuid(), os.getgid())
        yield "a1", lambda: os.utime(p("a1"), (1, 1))
        yield "a2", lambda: os.utime("a2", (1, 1), **at)
    place = sys.argv[1]
    for name, call in calls(place):
        out[name] = attempt(call)
"""
NAMES = ["m1", "m2", "n1", "n2", "p1", "p2", "s1", "s2", "l1", "l2", "d1", "d2", "u1", "u2", "r1", "r2", "t",
         "c1", "c2", "o1", "o2", "o3", "a1", "a2"]
NEW = {"m", "n", "p", "s", "l"}


@pytest.fixture(name="tree")
def fixture_tree(box):
    data = box.directory / "data"
    (data / "d1").mkdir(parents=True)
    (data / "d2").mkdir()
    for name in ["file", *(name for name in NAMES if name[0] not in NEW | {"d"})]:
        (data / name).write_text("text", encoding="utf-8")
    return box


def told(box, place):
    """Of writing below a place: {object: event}; opens of directories are reads."""
    events = [json.loads(line) for line in (box.directory / "audit").read_text().splitlines()]
    (box.directory / "audit").unlink()
    found = {}
    for event in events:
        name = event["object"] or ""
        if event["kind"] == "write" and name.startswith(f"{place}/"):
            assert event["count"] == 1 and event["observed"] is True and event["program"] == "python3", event
            assert name not in found, event
            found[name[len(str(place)) + 1:]] = event
    return found


def of(name):
    """A rename that goes on is told of its new name."""
    return {"r1": "to1", "r2": "to2"}.get(name, name)


@pytest.mark.parametrize("flag", ["--audit", "--events"])
def test_refused(tree, flag):
    data = tree.directory / "data"
    out, result = tree.json(f"{flag}=./audit", "--allow-read=data", code=CALLS, args=["data"])
    assert list(out) == NAMES and set(out.values()) <= {"EROFS", "EACCES", "EXDEV"}, str(result)
    events = told(tree, data)
    assert set(events) == set(NAMES), str(result)
    for name, event in events.items():
        assert event["action"] == "deny" and event["rule"]["text"] == "defaults.fs = deny", event
        # Of a name its directory has to be granted, and that is more than was denied.
        changes = name[0] in "tcoa"
        assert event["suggestion"] == f"--allow-write={data}" + (f"/{name}" if changes else ""), event
        assert event.get("wider", False) is not changes, event
    # With the flag of each change alone that passes, and nothing else.
    for name in ("t", "c1", "a2"):
        out, result = tree.json("--allow-read=data", events[name]["suggestion"], code=CALLS, args=["data"])
        assert {key for key, got in out.items() if got == "ok"} == {name}, str(result)


@pytest.mark.parametrize("flag", ["--audit", "--events"])
def test_allowed(tree, flag):
    data = tree.directory / "data"
    out, result = tree.json(f"{flag}=./audit", "--allow-read=data", "--allow-write=data", code=CALLS, args=["data"])
    assert set(out.values()) == {"ok"}, str(result)
    events = told(tree, data)
    if flag == "--events":
        assert events == {}, str(result)
        return
    assert set(events) == {of(name) for name in NAMES}, str(result)
    for event in events.values():
        assert event["action"] == "allow" and event["rule"]["text"] == "--allow-write=data", event


@pytest.mark.parametrize("audit", [[], ["--audit=./audit"]], ids=str)
def test_in_tmp(tree, audit):
    """The program's own is allowed by no rule; without audit nothing is told, and all works."""
    code = """
    os.makedirs("/tmp/own/d1")
    os.mkdir("/tmp/own/d2")
    for name in "file u1 u2 r1 r2 t c1 c2 o1 o2 o3 a1 a2".split():
        open(f"/tmp/own/{name}", "w").close()
    """ + CALLS
    out, result = tree.json(*audit, code=code, args=["/tmp/own"])
    assert set(out.values()) == {"ok"}, str(result)
    if audit:
        events = [json.loads(line) for line in (tree.directory / "audit").read_text().splitlines()]
        seen = {event["object"]: event for event in events if event["kind"] == "write"}
        assert {f"/tmp/own/{of(name)}" for name in NAMES} <= set(seen), str(result)
        assert {(event["action"], event["rule"]) for event in map(freeze, seen.values())} == {("allow", None)}


def freeze(event):
    return {"action": event["action"], "rule": event["rule"]}


def test_a_warning_is_told_without_audit(tree):
    data = tree.directory / "data"
    policy = write_policy(tree, ("allow", "data", READ), ("warn", "data", WRITE))
    out, result = tree.json(policy, "--events=./audit", code="""
        out["mkdir"] = attempt(os.mkdir, "data/x")
    """)
    assert out == {"mkdir": "ok"}, str(result)
    assert told(tree, data)["x"]["action"] == "warn", str(result)


def test_what_fails_anyway_is_not_told(tree):
    out, result = tree.json("--audit=./audit", "--allow-read=data", code="""
        out["mkdir"] = attempt(os.mkdir, "data/file")
        out["rmdir"] = attempt(os.rmdir, "data/file")
        out["unlink"] = attempt(os.unlink, "data/none")
        out["rename"] = attempt(os.rename, "data/none", "data/x")
        out["deep"] = attempt(os.mkdir, "data/none/x")
        out["empty"] = attempt(os.mkdir, "")
        out["null"] = attempt(os.truncate, "/dev/null", 0)
        import ctypes
        out["fault"] = ctypes.CDLL(None).mkdir(ctypes.c_void_p(8), 0o700)
    """)
    assert out["mkdir"] == "EEXIST" and out["null"] == "EINVAL" and out["fault"] == -1, str(result)
    assert "ok" not in out.values() and "denied write" not in result.stderr, str(result)
    assert told(tree, tree.directory / "data") == {}, str(result)


def test_some_kinds(tree):
    """Landlock's refusals are told like the mounts'."""
    data = tree.directory / "data"
    policy = write_policy(tree, ("allow", "data", [*READ, "write_file", "make_dir", "remove_file"]))
    out, result = tree.json(policy, "--audit=./audit", code=CALLS, args=["data"])
    ok = {name for name, got in out.items() if got == "ok"}
    assert ok == {"m1", "m2", "u1", "u2", "t", "c1", "c2", "o1", "o2", "o3", "a1", "a2"}, str(result)
    events = told(tree, data)
    assert {name for name, event in events.items() if event["action"] == "allow"} == ok, str(result)
    assert {name for name, event in events.items() if event["action"] == "deny"} == \
        {of(name) for name in NAMES} - ok, str(result)


def test_what_is_kept_and_what_a_flag_denies(tree, tmp_path_factory):
    policy = write_policy(tree, ("allow", ".", READ + WRITE))
    log = tmp_path_factory.mktemp("log") / "audit"
    out, result = tree.json(policy, "--deny-write=data/d1", f"--audit={log}", code="""
        out["kept"] = attempt(os.unlink, "p.json")
        out["flag"] = attempt(os.mkdir, "data/d1/x")
    """)
    assert "ok" not in out.values(), str(result)
    os.rename(log, tree.directory / "audit")
    events = told(tree, tree.directory)
    assert events["data/d1/x"]["suggestion"] is None and events["data/d1/x"]["action"] == "deny"
    assert events["p.json"]["rule"]["text"] == "policies cannot be changed by what they govern", str(result)
    assert events["p.json"]["suggestion"] is None


def test_a_path_that_is_flipped_makes_nothing(tree, room):
    """They are continued: whoever the event names, the kernel decides."""
    out, result = tree.json("--audit=./audit", "--allow-read=data", *room.flags, code=room.code("""
        import threading
        os.symlink("/tmp", "/tmp/link")
        here = os.path.realpath("data")
        stop = threading.Event()
        def flip():
            while not stop.is_set():
                for target in ("/tmp", here):
                    os.symlink(target, "/tmp/next")
                    os.rename("/tmp/next", "/tmp/link")
        thread = threading.Thread(target=flip)
        thread.start()
        made = 0
        for number in range(1500):
            made += attempt(os.mkdir, f"/tmp/link/x{number}") == "ok"
        stop.set()
        thread.join()
        out["made"] = made
        out["there"] = sum(name.startswith("x") for name in os.listdir("/tmp"))
    """))
    assert out["made"] == out["there"] and not any(
        name.startswith("x") for name in os.listdir(tree.directory / "data")), str(result)


def test_what_a_policy_refuses_stays_refused(tree, room):
    """A call that is continued no filter sees again: so these are not asked about."""
    (tree.directory / "p.json").write_text(json.dumps({
        "version": 1, "antiEscape": {"denySyscalls": ["mkdir", "rename", "chmod"]}}))
    out, result = tree.json("--policy=p.json", "--audit=./audit", *room.flags, code=room.code("""
        out["mkdir"] = attempt(os.mkdir, "/tmp/x")
        out["at"] = attempt(os.mkdir, "y", dir_fd=os.open("/tmp", os.O_RDONLY))
        open("/tmp/f", "w").close()
        out["rename"] = attempt(os.rename, "/tmp/f", "/tmp/g")
        out["chmod"] = attempt(os.chmod, "/tmp/f", 0o600)
    """))
    assert out == {"mkdir": "EPERM", "at": "ok", "rename": "EPERM", "chmod": "EPERM"}, str(result)
    # Where only some kinds of writing are granted, modes are changed nowhere.
    policy = write_policy(tree, ("allow", "data", [*READ, "make_dir"]))
    out, result = tree.json(policy, "--audit=./audit", *room.flags, code=room.code("""
        open("/tmp/f", "w").close()
        out["chmod"] = attempt(os.chmod, "/tmp/f", 0o600)
    """))
    assert out == {"chmod": "EPERM"}, str(result)


def test_no_file_is_made_to_run_as_its_owner(tree, room):
    """Nor here, where such calls are asked about: the allow-list still has the last word."""
    out, result = tree.json("--audit=./audit", *room.flags, code=room.code("""
        import ctypes, stat
        open("/tmp/f", "w").close()
        at = {"dir_fd": os.open("/tmp", os.O_RDONLY)}
        out["chmod"] = attempt(os.chmod, "/tmp/f", 0o4755)
        out["fchmodat"] = attempt(os.chmod, "f", 0o4755, **at)
        out["mknod"] = attempt(os.mknod, "/tmp/g", stat.S_IFREG | 0o4755)
        out["mknodat"] = attempt(os.mknod, "g", stat.S_IFREG | 0o4755, **at)
        ctypes.CDLL(None, use_errno=True).syscall(452, -100, b"/tmp/f", 0o4755, 0)
        out["fchmodat2"] = errno.errorcode[ctypes.get_errno()]
        out["plain"] = attempt(os.chmod, "/tmp/f", 0o755)
        out["group"] = attempt(os.chmod, "/tmp/f", 0o2755)
        out["mode"] = oct(os.stat("/tmp/f").st_mode & 0o7777)
    """))
    assert {out.pop(name) for name in ("chmod", "fchmodat", "mknod", "mknodat", "fchmodat2")} <= \
        {"EPERM", "ENOSYS"}, str(result)
    assert out == {"plain": "ok", "group": "ok", "mode": "0o2755"}, str(result)
