# SPDX-License-Identifier: LGPL-2.1-or-later
"""--allow-read, --deny-read, --allow-write, --deny-write: each allowed and denied."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tier import TIER, UNSEEN

READ = """
    for path in sys.argv[1:]:
        out[path] = attempt(lambda: open(path).read())
"""


@pytest.fixture
def tree(box):
    for name in ("data/a.txt", "data/b.txt", "data/sub/c.txt", "data/sub/deep/d.txt",
                 "other/e.txt", "database/f.txt", "odd,name/g.txt"):
        box.write(name, name + "\n")
    return box


def read(box, *flags, paths, expect=0, **kwargs):
    out, result = box.json(*flags, code=READ, args=paths, expect=expect, **kwargs)
    return out, result


def test_read_directory(tree):
    out, _ = read(tree, "--allow-read=data", paths=["data/a.txt", "data/sub/deep/d.txt",
                                                    "other/e.txt", "database/f.txt"])
    assert out == {"data/a.txt": "data/a.txt\n", "data/sub/deep/d.txt": "data/sub/deep/d.txt\n",
                   "other/e.txt": UNSEEN, "database/f.txt": UNSEEN}


def test_read_file(tree):
    out, _ = read(tree, "--allow-read=data/a.txt", paths=["data/a.txt", "data/b.txt"])
    assert out == {"data/a.txt": "data/a.txt\n", "data/b.txt": UNSEEN}


def test_read_list_and_escaped_comma(tree):
    out, _ = read(tree, "--allow-read=data/a.txt,other,odd,,name",
                  paths=["data/a.txt", "other/e.txt", "odd,name/g.txt", "data/b.txt"])
    assert out["data/a.txt"] == "data/a.txt\n" and out["other/e.txt"] == "other/e.txt\n"
    assert out["odd,name/g.txt"] == "odd,name/g.txt\n" and out["data/b.txt"] == UNSEEN


def test_read_home(box):
    out, _ = read(box, "--allow-read=~/diary.txt",
                  paths=["/home/user/diary.txt", "/home/user/.ssh/id_ed25519"])
    assert out == {"/home/user/diary.txt": "SECRET-DIARY\n",
                   "/home/user/.ssh/id_ed25519": UNSEEN}


def test_read_everything_is_not_the_kernels(box):
    out, _ = box.json("--allow-read", code="""
        out["diary"] = attempt(lambda: open("/home/user/diary.txt").read())
        out["passwd"] = attempt(open, "/etc/passwd")
        out["pids"] = attempt(lambda: len([n for n in os.listdir("/proc") if n.isdigit()]))
        out["dev"] = attempt(lambda: sorted(os.listdir("/dev")))
        out["kmsg"] = attempt(open, "/dev/kmsg")
        out["environ"] = attempt(open, "/proc/1/environ")
        out["sys"] = attempt(os.listdir, "/sys/class")
        out["run"] = attempt(os.listdir, "/run/systemd")
        out["write"] = attempt(open, "/home/user/diary.txt", "a")
    """)
    assert out["diary"] == "SECRET-DIARY\n" and out["passwd"] == "ok"
    if TIER is None:
        assert out["pids"] <= 3 and "kmsg" not in out["dev"]
    else:
        assert out["pids"] == out["dev"] == "EACCES"
    assert out["kmsg"] in ("ENOENT", "EACCES") and out["environ"] in ("ENOENT", "EACCES")
    assert out["sys"] in ("ENOENT", "EACCES") and out["run"] in ("ENOENT", "EACCES")
    assert out["write"] == "EACCES"


def test_deny_read_over_allow(tree):
    for flags in (["--allow-read=data", "--deny-read=data/sub"],
                  ["--deny-read=data/sub", "--allow-read=data"]):
        out, _ = read(tree, *flags, paths=["data/a.txt", "data/sub/c.txt", "data/sub/deep/d.txt"])
        assert out["data/a.txt"] == "data/a.txt\n"
        assert out["data/sub/c.txt"] in ("EACCES", "ENOENT", "EPERM")
        assert out["data/sub/deep/d.txt"] in ("EACCES", "ENOENT", "EPERM")


def test_deny_read_of_a_file(tree):
    out, _ = read(tree, "--allow-read=data", "--deny-read=data/a.txt",
                  paths=["data/a.txt", "data/b.txt"])
    assert out["data/a.txt"] in ("EACCES", "EPERM") and out["data/b.txt"] == "data/b.txt\n"


def test_a_more_specific_allow_does_not_open_a_deny(tree):
    out, _ = read(tree, "--allow-read=data,data/sub/c.txt", "--deny-read=data/sub",
                  paths=["data/sub/c.txt"])
    assert out["data/sub/c.txt"] in ("EACCES", "ENOENT", "EPERM")


def test_deny_read_everything(tree):
    out, _ = read(tree, "--allow-read=data", "--deny-read", paths=["data/a.txt"])
    assert out["data/a.txt"] in ("EACCES", "ENOENT", "EPERM")


def test_links_out_of_a_grant_lead_nowhere(tree):
    (tree.directory / "data/link").symlink_to("/home/user/diary.txt")
    (tree.directory / "data/up").symlink_to("../other/e.txt")
    out, _ = read(tree, "--allow-read=data", paths=["data/link", "data/up",
                                                    "data/../other/e.txt"])
    assert set(out.values()) == {UNSEEN}


def test_a_granted_link_grants_what_it_points_to(tree):
    (tree.directory / "link").symlink_to("data/sub")
    out, _ = read(tree, "--allow-read=link", paths=["link/c.txt", "data/a.txt"])
    assert out["data/a.txt"] == UNSEEN
    assert out["link/c.txt"] == "data/sub/c.txt\n" or out["link/c.txt"] == UNSEEN
    out, _ = read(tree, "--allow-read=link", paths=["data/sub/c.txt"])
    assert out["data/sub/c.txt"] == "data/sub/c.txt\n"


def test_a_granted_link_below_the_entry_s_folder_stays(world):
    """Below the private /tmp that folder is covered, after the grants were looked at."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        (folder / "data").mkdir()
        (folder / "data/link").symlink_to("a.txt")
        (folder / "data/a.txt").write_text("what is there\n", encoding="utf-8")
        (folder / "w.py").write_text("import sys; print(open(sys.argv[1]).read(), end='')\n", encoding="utf-8")
        link = folder / "data/link"
        for cwd in folder, "/home/user":
            result = world.run([f"--allow-read={link}", "run", folder / "w.py", link], cwd=cwd)
            assert result.stdout == "what is there\n", str(result)


def test_reading_grants_no_writing(tree):
    out, result = tree.json("--allow-read=data", code="""
        for mode in ("w", "a", "r+", "x"):
            out[mode] = attempt(open, "data/a.txt" if mode != "x" else "data/new", mode)
        out["truncate"] = attempt(os.truncate, "data/a.txt", 0)
        out["rename"] = attempt(os.rename, "data/a.txt", "data/z.txt")
        out["utime"] = attempt(os.utime, "data/a.txt")
    """)
    assert [out[mode] for mode in ("w", "a", "r+", "x")] == ["EACCES"] * 4
    assert all(out[name] in ("EACCES", "EROFS", "EXDEV") for name in ("truncate", "rename", "utime"))
    assert Path(tree.directory, "data/a.txt").read_text() == "data/a.txt\n"
    assert result.denied("write", "data/a.txt") and result.denied("write", "data/new")


# ---- write ----

def test_write_directory(tree):
    out, result = tree.json("--allow-read=data", "--allow-write=data", code="""
        open("data/new.txt", "w").write("new")
        open("data/a.txt", "a").write("more")
        os.mkdir("data/made")
        os.rename("data/b.txt", "data/made/b.txt")
        os.symlink("a.txt", "data/link")
        os.unlink("data/sub/c.txt")
        os.truncate("data/a.txt", 4)
        os.chmod("data/a.txt", 0o600)
        out["other"] = attempt(open, "other/x", "w")
        out["here"] = attempt(open, "x", "w")
    """)
    data = tree.directory / "data"
    assert (data / "new.txt").read_text() == "new" and (data / "a.txt").read_text() == "data"
    assert (data / "made/b.txt").exists() and (data / "link").is_symlink()
    assert not (data / "sub/c.txt").exists() and not (tree.directory / "x").exists()
    assert out == {"other": "ENOENT", "here": "EACCES"} or out["here"] == "EACCES", str(result)
    assert (data / "new.txt").stat().st_uid == os.getuid()


def test_write_file(tree):
    out, _ = tree.json("--allow-write=data/a.txt", code="""
        out["write"] = attempt(lambda: open("data/a.txt", "w").write("w"))
        out["beside"] = attempt(open, "data/b.txt", "w")
        out["new"] = attempt(open, "data/new", "w")
    """)
    assert out["write"] == 1 and out["beside"] in ("EACCES", "ENOENT") and out["new"] == "EACCES"
    assert (tree.directory / "data/a.txt").read_text() == "w"
    assert sorted(os.listdir(tree.directory / "data")) == ["a.txt", "b.txt", "sub"]


def test_writing_grants_no_reading(tree):
    out, _ = tree.json("--allow-write=data", code="""
        out["read"] = attempt(lambda: open("data/a.txt").read())
        out["list"] = attempt(os.listdir, "data")
        out["write"] = attempt(lambda: open("data/new", "w").write("x"))
    """)
    assert out == {"read": "EACCES", "list": "EACCES", "write": 1}


@pytest.mark.parametrize("flag", ["--allow-write=/etc", "--allow-write", "--allow-write=/"])
def test_writing_grants_no_reading_of_etc(box, flag):
    """Some of it every program reads; the rest is not there."""
    out, result = box.json(flag, code="""
        out["unseen"] = attempt(open, "/etc/debian_version")
        out["made"] = attempt(open, "/etc/passwd")
        out["write"] = attempt(open, "/etc/new", "w")
    """)
    assert out == {"unseen": "ENOENT", "made": "ok", "write": "EACCES"}, str(result)
    assert "/etc is not granted" in result.stderr, str(result)
    assert box.json(flag, "--allow-read=/etc", code="""
        out["unseen"] = attempt(open, "/etc/debian_version")
    """)[0] == {"unseen": "ok"}


def test_entry_in_a_directory_that_may_be_written_only(tree):
    """The entry is granted by naming it: it is read, its neighbours are not."""
    out, _ = tree.json("--allow-write=.", code="""
        out["entry"] = attempt(lambda: len(open("w.py").read()) > 0)
        out["beside"] = attempt(open, "data/a.txt")
        out["write"] = attempt(lambda: open("new", "w").write("x"))
    """)
    assert out == {"entry": True, "beside": "EACCES", "write": 1}


def test_writing_alone_below_tmp(tree):
    """Landlock's rights for the private /tmp would give reading back: it has none itself then."""
    folder = tempfile.mkdtemp(dir="/tmp")
    Path(folder, "f").write_text("x")
    code = f"""
        out["read"] = attempt(lambda: open("{folder}/f").read())
        out["write"] = attempt(lambda: open("{folder}/f", "w").close())
        out["tmp"] = os.environ["TMPDIR"]
    """
    for flag in (f"--allow-write={folder}", f"--allow-write={folder}/f"):
        out, result = tree.json(flag, code=code)
        assert out == {"read": "EACCES", "write": "ok", "tmp": "/tmp/private"}, str(result)
        out, result = tree.json(flag, f"--allow-read={folder}", code=code)
        assert out == {"read": "", "write": "ok", "tmp": "/tmp"}, str(result)


def test_kernel_mounts_below_a_grant_are_masked(tree):
    """A chroot's /proc and /sys come along with a directory, and are the host's."""
    for name in ("chroot/proc", "chroot/my sys"):
        (tree.directory / name).mkdir(parents=True)
    proc, sys = tree.directory / "chroot/proc", tree.directory / "chroot/my sys"
    try:
        subprocess.run(["mount", "-t", "proc", "proc", proc], check=True)
        subprocess.run(["mount", "--rbind", "/sys", sys], check=True)
        for flags in (["--allow-read=."], ["--allow-read=.", "--allow-write=."],
                      ["--allow-read=chroot/proc,chroot/my sys"], ["--allow-read"]):
            out, _ = tree.json(*flags, code="""
                out["proc"] = attempt(os.listdir, "chroot/proc")
                out["sys"] = attempt(os.listdir, "chroot/my sys")
                out["stat"] = attempt(open, "chroot/proc/1/stat")
                out["rename"] = attempt(os.rename, "chroot", "other-name")
            """)
            assert out["rename"] in ("EROFS", "EBUSY"), (flags, out)
            assert set(out.values()) <= {"EACCES", "EROFS", "EBUSY"}, (flags, out)
    finally:
        subprocess.run(["umount", "-l", proc], check=False)
        subprocess.run(["umount", "-l", sys], check=False)


def test_shared_memory_by_another_name_is_masked(tree):
    """All of it or a part; but not all of a tmpfs of which a file is mounted there, as bwrap does."""
    shared, mine = Path("/dev/shm") / tree.directory.name, tree.directory / "mine"
    for folder in (shared / "part", mine, tree.directory / "all", tree.directory / "part"):
        folder.mkdir(parents=True)
    mounts = []

    def mount(*words):
        subprocess.run(["mount", *map(str, words)], check=True)
        mounts.append(words[-1])

    try:
        for file in (shared / "secret", shared / "part/secret", shared / "file"):
            file.write_text("secret\n", encoding="utf-8")
        mount("-t", "tmpfs", "tmpfs", mine)
        for name in ("file", "other"):
            (mine / name).write_text("mine\n", encoding="utf-8")
        mount("--bind", mine / "file", shared / "file")
        mount("--bind", "/dev/shm", tree.directory / "all")
        mount("--bind", shared / "part", tree.directory / "part")
        out, result = tree.json("--allow-read=.", code=f"""
            for path in "all/{shared.name}/secret", "part/secret", "mine/file", "mine/other":
                out[path] = attempt(lambda: open(path).read())
        """)
    finally:
        for point in reversed(mounts):
            subprocess.run(["umount", "-l", point], check=False)
        shutil.rmtree(shared)
    assert out.pop("mine/other") == "mine\n", str(result)
    assert set(out.values()) <= {"EACCES", "ENOENT"}, str(result)


def test_write_everything(box):
    out, _ = box.json("--allow-write", "--allow-read", code="""
        out["here"] = attempt(lambda: open("x", "w").write("x"))
        out["home"] = attempt(lambda: open("/home/user/made", "w").write("x"))
        out["proc"] = attempt(open, "/proc/sys/kernel/core_pattern", "w")
        out["sys"] = attempt(open, "/sys/kernel/uevent_helper", "w")
        out["dev"] = attempt(open, "/dev/x", "w")
    """)
    assert out["here"] == 1 and out["home"] == 1
    assert (box.directory / "x").exists()
    os.unlink("/home/user/made")
    for name in ("proc", "sys", "dev"):
        assert out[name] in ("EACCES", "EROFS", "ENOENT", "EPERM"), out


def test_deny_write_over_allow(tree):
    out, result = tree.json("--allow-read=data", "--allow-write=data", "--deny-write=data/sub",
                            code="""
        out["a"] = attempt(lambda: open("data/a.txt", "w").write("w"))
        out["c"] = attempt(open, "data/sub/c.txt", "w")
        out["new"] = attempt(open, "data/sub/new", "w")
        out["deep"] = attempt(open, "data/sub/deep/d.txt", "w")
        out["mkdir"] = attempt(os.mkdir, "data/sub/dir")
        out["unlink"] = attempt(os.unlink, "data/sub/c.txt")
        out["read"] = attempt(lambda: open("data/sub/c.txt").read())
    """)
    assert out["a"] == 1 and out["read"] == "data/sub/c.txt\n"
    assert out["c"] == out["new"] == out["deep"] == "EACCES"
    assert out["mkdir"] in ("EROFS", "EACCES") and out["unlink"] in ("EROFS", "EACCES", "EBUSY")
    events = result.denied("write", "sub/c.txt")
    assert len(events) == 2 and all("--deny-write" in event.rule for event in events), str(result)
    assert len(result.denied("write", "sub/dir")) == 1, str(result)


@pytest.mark.parametrize("denied", ["data/sub/deep", "data/sub/deep/d.txt"])
@pytest.mark.parametrize("flag", ["--deny-write", "--deny-read"])
def test_a_deny_survives_renaming_its_parents(tree, denied, flag):
    """A mask is a mount: moving a directory above it away must not uncover what is below."""
    out, _ = tree.json("--allow-read=data", "--allow-write=data", f"{flag}={denied}", code="""
        out["moves"] = [attempt(os.rename, "data/sub/deep", "data/moved"),
                        attempt(os.rename, "data/sub", "data/gone"),
                        attempt(os.rename, "data/sub", "data/sub2/x")]
        for place in ("data/moved/d.txt", "data/gone/deep/d.txt", "data/sub/deep/d.txt"):
            out[place] = [attempt(lambda: open(place).read()),
                          attempt(open, place, "w"), attempt(os.unlink, place)]
    """)
    assert all(move != "ok" for move in out["moves"]), out
    path = tree.directory / "data/sub/deep/d.txt"
    assert path.read_text() == "data/sub/deep/d.txt\n"
    if flag == "--deny-read":
        assert out["data/sub/deep/d.txt"][0] in ("EACCES", "ENOENT", "EPERM")


def test_a_denied_path_that_is_not_there_stops_below_a_write_grant(tree):
    result = tree.run("--allow-write=data", "--deny-write=data/later", code="print('ran')\n")
    assert result.status in (2, 125) and "later" in result.stderr, str(result)
    assert result.stdout == ""


def test_nothing_is_made_on_the_host_to_mount_on(tree):
    before = sorted(str(path) for path in tree.directory.rglob("*"))
    tree.run("--allow-read=data/sub/c.txt,other", "--deny-read=data/sub/deep",
             "--allow-write=other", name="true")
    assert sorted(str(path) for path in tree.directory.rglob("*")) == before


def test_short_forms(tree):
    out, _ = tree.json("-R=data", "-W=other", code="""
        out["read"] = attempt(lambda: open("data/a.txt").read())
        out["write"] = attempt(lambda: open("other/w", "w").write("x"))
    """)
    assert out == {"read": "data/a.txt\n", "write": 1}
    out, _ = tree.json("-R", code="out['diary'] = open('/home/user/diary.txt').read()\n")
    assert out["diary"] == "SECRET-DIARY\n"


def test_the_events_suggestion_works(tree):
    """Doing what the event says makes the same program pass."""
    code = "open('data/new.txt', 'w').write('x')\n"
    result = tree.run("--allow-read=data", code=code)
    events = result.denied("write", "data/new.txt")
    assert result.status == 1 and len(events) == 1, str(result)
    again = tree.run("--allow-read=data", events[0].allow, code=code)
    assert again.status == 0 and again.events == [], str(again)


def test_the_events_suggestion_for_an_existing_file_works(tree):
    code = "open('data/a.txt', 'a').write('x')\n"
    result = tree.run("--allow-read=data", code=code)
    events = result.denied("write", "data/a.txt")
    assert len(events) == 1, str(result)
    again = tree.run("--allow-read=data", events[0].allow, code=code)
    assert again.status == 0 and again.events == [], str(again)
