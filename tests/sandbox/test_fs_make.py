# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file that is granted and not there yet: it is made and written by opening it, and nothing else."""

import contextlib
import json
import os
import stat
import threading
import time

import pytest

from native import Attack
from test_fs_denials import READ, WRITE, write_policy
from test_setup import run_in

WARN = {"version": 1, "fs": {"rules": [{"action": "warn", "path": "/usr/share/doc", "perms": READ}]}}


@pytest.fixture(name="tree")
def fixture_tree(box):
    for name in ("data/a", "data/sub/b", "unseen/x"):
        box.write(name, name)
    box.write("warn.json", json.dumps(WARN))
    return box


def denials(box):
    events = [json.loads(line) for line in (box.directory / "events").read_text().splitlines()]
    return [event for event in events if event["action"] == "deny"]


# What else could make or change it, or another file.
OTHERS = [("save", "data/other"), ("write_file", "data/a"), ("make_dir", "data/new"),
          ("make_reg", "data/new"), ("make_sym", "data/new"), ("make_fifo", "data/new"),
          ("bind", "data/new"), ("rename", "data/a:data/new"), ("link", "data/a:data/new"),
          ("remove_file", "data/a"), ("tmpfile", "data"), ("save", "data/new/x"), ("save", "data/sub/new")]
# With the file in its place.
AFTER = [("remove_file", "data/new"), ("rename", "data/new:data/old"), ("truncate", "data/new"),
         ("chmod", "data/new"), ("utimensat", "data/new"), ("setxattr", "data/new"),
         ("execute", "data/new"), ("link", "data/new:data/other"), ("exchange", "data/a:data/new")]


@pytest.mark.parametrize("more", [[], ["--policy=warn.json"], ["--audit=./audit"]], ids=str)
def test_it_and_nothing_else(tree, more):
    """Also where opens are carried out by the opener, and where audit looks at each."""
    attack = Attack(tree, "perms")
    found, result = attack.each("--allow-read=data", "--allow-write=data/new", *more, pairs=OTHERS)
    assert "ok" not in found.values(), str(result)
    assert sorted(os.listdir(tree.directory / "data")) == ["a", "sub"]
    found, result = attack.each("--allow-read=data", "--allow-write=data/new", *more,
                                pairs=[("save", "data/new"), ("read_file", "data/new"), ("append", "data/new"),
                                       ("create", "data/new"), *AFTER, ("write_file", "data/new")])
    ok = {op for (op, _), got in found.items() if got == "ok"}
    assert ok == {"save", "read_file", "append", "write_file"}, str(result)
    assert found["create", "data/new"] == "EEXIST"
    assert (tree.directory / "data/new").read_text() == "w"
    assert sorted(os.listdir(tree.directory / "data")) == ["a", "new", "sub"]
    assert "nothing is there yet" in result.stderr, str(result)


def test_as_the_event_says(tree):
    attack = Attack(tree, "perms")
    for op in ("save", "create"):
        found, result = attack.each("--allow-read=data", "--events=./events", pairs=[(op, "data/sub/new")])
        assert set(found.values()) == {"EACCES"}
        event, = denials(tree)
        assert event["suggestion"] == f"--allow-write={tree.directory}/data/sub/new", event
        found, result = attack.each("--allow-read=data", event["suggestion"], pairs=[(op, "data/sub/new")])
        assert set(found.values()) == {"ok"}, str(result)
        (tree.directory / "data/sub/new").unlink()
        (tree.directory / "events").unlink()


def test_beside_a_mount(tree):
    """What is mounted below its directory is no part of what is lent, and no hindrance."""
    data = tree.directory / "data"
    entry = tree.write("w.py", """
        open("data/new", "w").write("made")
        for path in ("data/other", "data/sub/new"):
            try:
                open(path, "w")
            except OSError as error:
                print(path, error.errno)
    """)
    result = run_in(tree.world, f"mount -t tmpfs tmpfs {data}/sub; cd {tree.directory}", entry, "--mount",
                    flags=[f"--allow-write={data}/new"])
    assert result.status == 0, str(result)
    assert result.stdout == "data/other 13\ndata/sub/new 2\n", str(result)
    assert (data / "new").read_text() == "made"


def test_at_the_top(tree):
    """The root directory has others' mounts below it, and is not the user's."""
    out, result = tree.json("--allow-write=/buntime-test-new", code="""
        out["new"] = attempt(lambda: open("/buntime-test-new", "w"))
    """)
    assert result.status == 0 and out["new"] == "EACCES", (out, str(result))
    assert not os.path.exists("/buntime-test-new")


def test_what_it_is(tree):
    """Mode, flags and offsets are as they would be; what is open is on a mount that runs nothing."""
    out, result = tree.json("--allow-read=data", "--allow-write=data/new", code="""
        import ctypes, fcntl, mmap
        os.umask(0o027)
        fd = os.open("data/new", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o777)
        out["mode"] = oct(os.fstat(fd).st_mode & 0o7777)
        flags = fcntl.fcntl(fd, fcntl.F_GETFL)
        out["flags"] = [bool(flags & os.O_APPEND), bool(flags & os.O_NONBLOCK), os.get_inheritable(fd)]
        os.write(fd, open("/usr/bin/true", "rb").read())
        os.lseek(fd, 0, 0)
        out["head"] = os.read(fd, 4).decode("latin1")
        out["mmap"] = attempt(mmap.mmap, fd, 0, prot=mmap.PROT_READ | mmap.PROT_EXEC, flags=mmap.MAP_PRIVATE)
        out["exec"] = attempt(os.execve, fd, ["true"], {})
        out["proc"] = attempt(os.execve, f"/proc/self/fd/{fd}", ["true"], {})
        out["loader"] = subprocess.run(["/lib64/ld-linux-x86-64.so.2", f"/proc/self/fd/{fd}"],
                                       pass_fds=[fd], capture_output=True).returncode \\
            if os.path.exists("/lib64/ld-linux-x86-64.so.2") else 127
        out["above"] = attempt(os.open, f"/proc/self/fd/{fd}/..", os.O_RDONLY)
        out["link"] = attempt(os.link, f"/proc/self/fd/{fd}", "/tmp/x", follow_symlinks=True)
        out["again"] = attempt(os.open, "data/new", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        out["folder"] = attempt(os.open, "data/new", os.O_WRONLY | os.O_DIRECTORY)
        with open("data/new", "w") as file:
            file.write("text")
        out["text"] = open("data/new").read()
    """)
    assert out.pop("loader") != 0, str(result)
    assert out == {"mode": "0o750", "flags": [True, False, False], "head": "\x7fELF", "mmap": "EACCES",
                   "exec": "EACCES", "proc": "EACCES", "above": "ENOTDIR", "link": "EXDEV",
                   "again": "EEXIST", "folder": "ENOTDIR", "text": "text"}, str(result)
    info = (tree.directory / "data/new").stat()
    assert stat.S_IMODE(info.st_mode) == 0o750 and info.st_uid == os.getuid()


def test_where_nothing_is_seen(tree):
    """The directory is not there inside, but for the file's way; what is written cannot be read."""
    out, result = tree.json("--allow-write=unseen/new", "--events=./events", code="""
        out["list"] = attempt(os.listdir, "unseen")
        out["save"] = attempt(lambda: open("unseen/new", "w").write("text"))
        out["more"] = attempt(lambda: open("unseen/new", "a").write("+"))
        out["both"] = attempt(os.open, "unseen/new", os.O_RDWR | os.O_CREAT)
        out["read"] = attempt(open, "unseen/new")
        out["other"] = attempt(open, "unseen/other", "w")
        out["x"] = attempt(open, "unseen/x", "w")
    """)
    assert out == {"list": [], "save": 4, "more": 1, "both": "EACCES", "read": "ENOENT", "other": "EACCES",
                   "x": "EACCES"}, str(result)
    assert (tree.directory / "unseen/new").read_text() == "text+"
    assert sorted(os.listdir(tree.directory / "unseen")) == ["new", "x"]
    told = {(event["kind"], os.path.basename(event["object"])): event for event in denials(tree)}
    assert set(told) == {("read", "new"), ("write", "other"), ("write", "x")}
    assert told["read", "new"]["suggestion"] == f"--allow-read={tree.directory}/unseen/new"


def test_where_the_user_may_make_none(tree):
    """No grant changes that, and it is said so."""
    (tree.directory / "closed").mkdir(mode=0o555)
    out, result = tree.json("--allow-write=closed/new", code="""
        out["new"] = attempt(lambda: open("closed/new", "w"))
    """)
    assert out["new"] == "EACCES" and "can be made" not in result.stderr, str(result)
    assert "you cannot make it either: Permission denied" in result.stderr, str(result)


def test_reading_what_is_not_there_yet(tree):
    """sqlite opens a new file for both. What is not there cannot be granted by itself: its directory is."""
    code = """
        out["both"] = attempt(os.open, "unseen/new", os.O_RDWR | os.O_CREAT)
    """
    out, result = tree.json("--allow-write=unseen/new", "--events=./events", code=code)
    event, = denials(tree)
    assert out["both"] == "EACCES" and not (tree.directory / "unseen/new").exists(), str(result)
    assert event["suggestion"] == f"--allow-read={tree.directory}/unseen" and event["wider"], str(result)
    out, result = tree.json("--allow-write=unseen/new", event["suggestion"], code=code)
    assert isinstance(out["both"], int) and (tree.directory / "unseen/new").exists(), str(result)


def test_changing_it_by_name(tree):
    """As shutil.copy() does. What is opened is the file's, what is not goes by the directory."""
    code = """
        import shutil
        out["copy"] = attempt(lambda: shutil.copy("data/a", "data/new") and "ok")
    """
    out, result = tree.json("--allow-read=data", "--allow-write=data/new", "--events=./events", code=code)
    event, = denials(tree)
    assert out["copy"] == "EROFS" and event["object"] == f"{tree.directory}/data/new", str(result)
    assert "not changed otherwise" in event["reason"], str(result)
    assert event["suggestion"] == f"--allow-write={tree.directory}/data" and event["wider"], str(result)
    (tree.directory / "data/new").unlink()
    out, result = tree.json("--allow-read=data", "--allow-write=data/new", event["suggestion"], code=code)
    assert out["copy"] == "ok", str(result)


@pytest.mark.parametrize("there", [False, True])
def test_a_grant_of_the_file_alone_removes_and_renames_nothing(tree, there):
    """It is told as what it is, of its directory, with the flag that permits it."""
    if there:
        tree.write("data/new", "old")
    code = """
        with open("data/new", "w") as file:
            file.write("text")
        out["rename"] = attempt(os.rename, "data/new", "data/newer")
        out["unlink"] = attempt(os.unlink, "data/new")
    """
    out, result = tree.json("--allow-read=data", "--allow-write=data/new", "--events=./events", code=code)
    assert out == {"rename": "EROFS", "unlink": "EROFS"}, str(result)
    told = denials(tree)
    assert [event["object"] for event in told] == [f"{tree.directory}/data/new"] * 2, str(result)
    for event in told:
        assert event["rule"]["text"] == "defaults.fs = deny" and event["reason"] is None, str(result)
        assert event["suggestion"] == f"--allow-write={tree.directory}/data" and event["wider"], str(result)
    out, result = tree.json("--allow-read=data", "--allow-write=data/new", event["suggestion"], code=code)
    assert out == {"rename": "ok", "unlink": "ENOENT"}, str(result)


def test_links_of_the_program_lead_to_it_alone(tree):
    """A path is what it leads to; who changes it meanwhile gets the one file, or none."""
    out, result = tree.json("--allow-read=data", "--allow-write=data/new", code="""
        import random, threading
        here = os.getcwd()
        names = [f"{here}/data/new", f"{here}/data/other", f"{here}/data/a", "/tmp/own"]
        def flip():
            for number in range(1600):
                os.symlink(random.choice(names), "/tmp/next")
                os.rename("/tmp/next", "/tmp/link")
                if number % 2:
                    time.sleep(0.0002)
        os.symlink(names[0], "/tmp/link")
        thread = threading.Thread(target=flip)
        thread.start()
        got = set()
        while thread.is_alive():
            got.add(attempt(lambda: open("/tmp/link", "a").close() or "ok"))
        out["got"] = sorted(got)
        out["own"] = os.path.exists("/tmp/own")
    """)
    assert set(out["got"]) <= {"ok", "EACCES", "EROFS"} and "ok" in out["got"], str(result)
    assert sorted(os.listdir(tree.directory / "data")) == ["a", "new", "sub"], str(result)
    assert (tree.directory / "data/a").read_text() == "data/a" and out["own"]


OPEN_LONG = """
    import collections
    open("data/new", "w").close()
    got = collections.Counter()
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        got[attempt(lambda: open("data/new", "w").write("text"))] += 1
    out["got"] = {str(key): value for key, value in got.items()}
"""


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "moved"])
def test_what_the_host_puts_there(tree, kind):
    """A link is not followed, a pipe not waited for, and another directory is not this one."""
    data, stop = tree.directory / "data", threading.Event()
    (data.parent / "victim").write_text("kept")
    (data.parent / "data2").mkdir()

    def put(path):
        if kind == "link":
            path.symlink_to("../victim")
        elif kind == "fifo":
            os.mkfifo(path)
        else:
            path.mkdir()

    def play():
        while not (data / "new").exists() and not stop.is_set():
            time.sleep(0.001)
        while not stop.is_set():
            with contextlib.suppress(OSError):
                if kind == "moved":
                    os.rename(data, data.parent / "gone")
                    os.rename(data.parent / "data2", data)
                    time.sleep(0.001)
                    os.rename(data, data.parent / "data2")
                    os.rename(data.parent / "gone", data)
                else:
                    put(data / "next")
                    os.rename(data / "next", data / "new")
                    (data / "new").rmdir() if kind == "folder" else (data / "new").unlink()
            time.sleep(0.0005)

    thread = threading.Thread(target=play)
    # What is above is shown: what the host moves there is seen moved inside.
    flags = ["--allow-read=."] if kind == "moved" else ["--allow-read=data"]
    thread.start()
    try:
        out, result = tree.json(*flags, "--allow-write=data/new", code=OPEN_LONG)
    finally:
        stop.set()
        thread.join()
    assert set(out["got"]) <= {"4", "EACCES", "EROFS", "ELOOP", "EISDIR", "ENXIO", "EEXIST", "ENOENT"}, str(result)
    assert out["got"].get("4", 0) > 0, str(result)
    assert (data.parent / "victim").read_text() == "kept"
    assert os.listdir(data.parent / "data2") == [], str(result)


@pytest.mark.parametrize("given,flags,status", [
    # Who may bring other files there could bring one under this name.
    ([("allow", "data", [*READ, "make_reg"])], ["--allow-write=data/new"], 125),
    ([("allow", "data", [*READ, "write_file"])], ["--allow-write=data/new"], 125),
    ([("allow", "data", ["make_reg", "remove_file"])], ["--allow-write=data/sub/new"], 125),
    # Nothing is needed, or nothing meant.
    ([("allow", "data", WRITE + READ)], ["--allow-write=data/new"], 0),
    ([], ["--allow-read=data", "--allow-write=data/new", "--deny-write=data/new"], 125),
    ([], ["--allow-write=/tmp/new"], 125),
    ([], ["--allow-write=none/new"], 2),
    ([], ["--allow-write=data/new/"], 2),
    ([], ["--allow-write=data/dangling"], 2),
    ([("deny", "data", READ + WRITE)], ["--allow-read=.", "--allow-write=data/new"], 0),
], ids=str)
def test_where_it_can_be_granted(tree, given, flags, status):
    (tree.directory / "data/dangling").symlink_to("nowhere")
    result = tree.run(write_policy(tree, *given), *flags, name="/usr/bin/true")
    assert result.status == status, str(result)
    assert status == 0 or "create it first" in result.stderr or "create it before" in result.stderr, str(result)
    assert not (tree.directory / "data/new").exists()


def test_below_a_denial(tree):
    """Where a file's rule denies to write, and where nothing beside it is shown."""
    attack = Attack(tree, "perms")
    policy = write_policy(tree, ("allow", "data", READ + WRITE), ("deny", "data/sub", WRITE))
    pairs = [("save", "data/sub/new"), ("save", "data/sub/b"), ("rename", "data/a:data/sub/new"),
             ("rename", "data/sub:data/moved")]
    found, result = attack.each(policy, "--events=./events", pairs=pairs)
    assert "ok" not in found.values(), str(result)
    event = denials(tree)[0]
    assert event["suggestion"] == f"--allow-write={tree.directory}/data/sub/new"
    found, result = attack.each(policy, event["suggestion"], pairs=pairs)
    assert [op for (op, path), got in found.items() if got == "ok"] == ["save"], str(result)
    assert (tree.directory / "data/sub/new").read_text() == "s"
    assert (tree.directory / "data/sub/b").read_text() == "data/sub/b"


def test_rules_of_files(tree):
    """As flags do, if they grant both making and writing; else what is not there is skipped."""
    attack = Attack(tree, "perms")
    for perms, got in ((["make_reg", "write_file"], "ok"), (WRITE, "ok"), (["write_file"], "EACCES"),
                       (["make_reg"], "EACCES")):
        policy = write_policy(tree, ("allow", "data", READ), ("allow", "data/new", perms))
        found, result = attack.each(policy, pairs=[("save", "data/new")])
        assert found["save", "data/new"] == got, str(result)
        assert ("skipped data/new" in result.stderr) == (got != "ok"), str(result)
        (tree.directory / "data/new").unlink(missing_ok=True)
    # One that warns is told of.
    policy = json.loads((tree.directory / "p.json").read_text())
    policy["fs"]["rules"][1] |= {"action": "warn", "perms": WRITE}
    (tree.directory / "p.json").write_text(json.dumps(policy))
    found, result = attack.each("--policy=./p.json", pairs=[("save", "data/new")])
    assert found["save", "data/new"] == "ok"
    assert [(event.action, event.kind) for event in result.events] == [("warned", "write")], str(result)


def test_the_commands_know_it(tree):
    run = lambda *words: tree.world.run(list(map(str, words)), cwd=tree.directory)  # noqa: E731
    new = tree.directory / "data/new"
    result = run("check", "--allow-read=data", "write", "data/new")
    assert result.status == 1 and f"allow: --allow-write={new}\n" in result.stdout, str(result)
    result = run("check", "--allow-read=data", "--allow-write=data/new", "write", "data/new")
    assert result.status == 0 and "--allow-write=data/new" in result.stdout, str(result)
    assert run("check", "--allow-read=data", "--allow-write=data/new", "write", "data/x").status == 1
    made = run("init-policy", "--allow-read=data", "--allow-write=data/new")
    assert made.status == 0, str(made)
    (tree.directory / "made.json").write_text(made.stdout)
    found, result = Attack(tree, "perms").each("--policy=./made.json", pairs=[("save", "data/new"),
                                                                              ("save", "data/x")])
    assert list(found.values()) == ["ok", "EACCES"], str(result)


def test_events_do_not_go_there(tree):
    result = tree.run("--allow-write=data/new", "--events=data/new", code="print('ran')")
    assert result.status == 2 and "ran" not in result.stdout, str(result)


def test_under_signals(tree):
    """What was made for a call is not made again: a signal waits for the answer."""
    out, result = tree.json("--allow-read=data", "--allow-write=data/new", code="""
        import signal
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
        got = set()
        for _ in range(300):
            try:
                os.close(os.open("data/new", os.O_WRONLY | os.O_CREAT))
            except OSError as error:
                got.add(errno.errorcode[error.errno])
        signal.setitimer(signal.ITIMER_REAL, 0)
        out["got"] = sorted(got)
    """)
    assert out["got"] == [], str(result)


def test_buntimes_own_is_not_made(tree):
    """What is guarded inside every grant is guarded from this one, too."""
    (tree.directory / "config/buntime/policies").mkdir(parents=True)
    env = {"XDG_CONFIG_HOME": str(tree.directory / "config")}
    path = "config/buntime/policies/new.json"
    out, result = tree.json("--allow-read=config", f"--allow-write={path}", env=env, code=f"""
        out["save"] = attempt(open, "{path}", "w")
    """)
    assert out == {"save": "EACCES"} and not (tree.directory / path).exists(), str(result)
    assert result.denied("write", "new.json")[0].allow == "", str(result)
    out, result = tree.json("--allow-read=config", f"--allow-write={path}", code=f"""
        out["save"] = attempt(lambda: open("{path}", "w").close())
    """)
    assert out == {"save": "ok"}, str(result)
