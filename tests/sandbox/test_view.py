# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a worker without any grant sees: an empty, read-only, capability-less world."""

import os
import pwd
import shlex
import socket
import tempfile
from pathlib import Path

import pytest

from tier import UNSEEN

OWN_VARIABLES = {
    "HOME", "PATH", "LANG", "TERM", "TZ", "USER", "LOGNAME", "TMPDIR", "PWD",
    "PYTHONDONTWRITEBYTECODE", "BUN_RUNTIME_TRANSPILER_CACHE_PATH", "DENO_DIR",
    "NODE_REPL_HISTORY",
}


def test_only_private_places_are_writable(box):
    box.write("w.py", "")
    result = box.run(name="find", args=["/", "-writable", "-not", "-type", "l"])
    assert result.stdout, str(result)
    strange = [line for line in result.stdout.splitlines()
               if line not in ("/tmp", "/dev/shm") and not line.startswith("/dev/")]
    assert strange == []


def test_what_is_writable_in_dev_are_devices(box):
    out, _ = box.json(code="""
        import stat
        bad = []
        for top, dirs, files in os.walk("/dev"):
            if top.startswith("/dev/shm"):
                continue
            for name in files:
                path = os.path.join(top, name)
                mode = os.lstat(path).st_mode
                if not (stat.S_ISCHR(mode) or stat.S_ISLNK(mode)):
                    bad.append(path)
            bad += [d for d in [os.path.join(top, d) for d in dirs]
                    if os.access(d, os.W_OK) and d != "/dev/shm"]
        out["bad"] = bad
        out["names"] = sorted(os.listdir("/dev"))
    """)
    assert out["bad"] == []
    assert {"null", "zero", "urandom", "tty"} <= set(out["names"])
    assert not {"mem", "kmsg", "sda", "vda", "net", "fuse", "kvm"} & set(out["names"])


def test_home_is_empty(box):
    out, _ = box.json(code="""
        home = os.path.expanduser("~")
        out["home"] = home
        out["names"] = os.listdir(home)
        out["key"] = attempt(open, home + "/.ssh/id_ed25519")
        out["diary"] = attempt(open, "/home/user/diary.txt")
    """)
    assert out["home"] == "/home/user"
    assert out["names"] in ([], ["t"])  # t leads to the entry file
    assert out["key"] == UNSEEN and out["diary"] == UNSEEN


def test_entry_alone_of_its_directory(box):
    box.write("sibling.py", "secret = 1\n")
    out, _ = box.json(code="""
        out["names"] = os.listdir(os.path.dirname(os.path.abspath(__file__)))
        out["file"] = os.path.abspath(__file__)
        out["cwd"] = os.getcwd()
        try:
            import sibling
            out["sibling"] = "seen"
        except ImportError:
            out["sibling"] = "unseen"
    """)
    assert out["names"] == ["w.py"]
    assert out["file"] == str(box.directory / "w.py")
    assert out["cwd"] == str(box.directory)
    assert out["sibling"] == "unseen"


def test_unseen_siblings_are_said(box):
    box.write("helper.py", "x = 1\n")
    result = box.run(code="import helper\n")
    assert result.status == 1
    assert "buntime:" in result.stderr and "--allow-read" in result.stderr, str(result)


@pytest.mark.parametrize("below_tmp", [False, True])
def test_what_is_beside_the_program(world, box, below_tmp):
    """A run that failed tells how the rest of its directory is seen; of /tmp, too, which is another inside."""
    directory = Path("/tmp") if below_tmp else box.directory / "a folder"
    directory.mkdir(exist_ok=True)
    entry, helper = directory / "beside.py", directory / "beside_helper.py"
    try:
        entry.write_text("import beside_helper\n")
        helper.write_text("print('seen')\n")
        result = world.run(["run", str(entry)])
        assert result.status == 1 and "saw nothing else of its directory; " in result.stderr, str(result)
        hint = result.stderr.split("saw nothing else of its directory; ", 1)[1]
        result = world.run([shlex.split(hint)[0], "run", str(entry)])
        assert result.status == 0 and result.stdout == "seen\n", str(result)
    finally:
        entry.unlink(missing_ok=True)
        helper.unlink(missing_ok=True)


@pytest.mark.parametrize("path", [
    "/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/root", "/var/lib/dpkg/status", "/boot",
    "/var/log", "/etc/ssh/sshd_config", "/home/user/.ssh", "/mnt/world", "/run/dbus",
    "/run/systemd", "/sys/kernel", "/proc/sys/kernel/core_pattern.x",
])
def test_unseen_paths(box, path):
    out, _ = box.json(code=f"""
        out["open"] = attempt(open, {path!r})
        out["list"] = attempt(os.listdir, {path!r})
    """)
    assert out["open"] in ("ENOENT", "EACCES"), out
    assert out["list"] in ("ENOENT", "EACCES", "ENOTDIR"), out


def test_proc_shows_only_its_own(box):
    out, _ = box.json(code="""
        out["pids"] = sorted(int(n) for n in os.listdir("/proc") if n.isdigit())
        out["me"] = os.getpid()
        out["core"] = attempt(open, "/proc/sys/kernel/core_pattern", "w")
        out["sysrq"] = attempt(open, "/proc/sysrq-trigger", "w")
        out["comm"] = attempt(open, "/proc/self/oom_score_adj", "w")
    """)
    assert len(out["pids"]) <= 3 and out["me"] in out["pids"], out
    assert out["me"] < 100
    for name in ("core", "sysrq", "comm"):
        assert out[name] in ("EACCES", "EROFS", "EPERM", "ENOENT"), out


def test_identity(box):
    out, _ = box.json(code="""
        out["ids"] = [os.getuid(), os.geteuid(), os.getgid(), os.getegid()]
        out["status"] = dict(line.split(":\\t", 1) for line in
                             open("/proc/self/status").read().splitlines() if ":\\t" in line)
        import pwd
        out["name"] = pwd.getpwuid(os.getuid()).pw_name
        out["setuid"] = attempt(os.setuid, 0)
        out["host"] = socket.gethostname()
    """)
    assert out["ids"] == [os.getuid()] * 2 + [os.getgid()] * 2
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(out["status"][name], 16) == 0, name
    assert out["status"]["NoNewPrivs"] == "1"
    assert out["status"]["Seccomp"] == "2"
    assert out["setuid"] in ("EPERM", "EINVAL", "ENOSYS")
    assert out["host"] != socket.gethostname()


def test_environment_is_built_from_nothing(box):
    result = box.run(name="env", env={"AWS_SECRET_ACCESS_KEY": "hunter2", "LD_PRELOAD": "/x.so",
                                      "PYTHONSTARTUP": "/x", "SSH_AUTH_SOCK": "/x",
                                      "DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"})
    names = {line.split("=", 1)[0] for line in result.stdout.splitlines()}
    assert {"HOME", "PATH"} <= names, str(result)
    assert {name for name in names - OWN_VARIABLES if not name.startswith("LC_")} == set()
    assert "hunter2" not in result.stdout


def test_home_is_the_records_where_no_variable_says_it(world, box):
    entry = box.write("w.py", "import os\nprint(os.environ['HOME'])\n")
    for env in ({}, {"HOME": ""}, {"HOME": "relative"}):
        result = world.run_command(world.command(["run", str(entry)]),
                                   env={"PATH": "/usr/bin:/bin", **env})
        assert result.stdout == pwd.getpwuid(os.getuid()).pw_dir + "\n", str(result)


def test_mounts(box):
    out, _ = box.json(code="""
        out["mounts"] = open("/proc/self/mountinfo").read().splitlines()
    """)
    assert out["mounts"]
    for line in out["mounts"]:
        fields = line.split()
        target, options = fields[4], fields[5].split(",")
        assert "nosuid" in options, line
        if not target.startswith("/dev"):
            assert "nodev" in options, line
        if target in ("/tmp", "/dev/shm"):
            assert "noexec" in options, line
        elif not target.startswith("/dev/"):
            assert "ro" in options, line
        assert "SECRET" not in line


@pytest.mark.parametrize("program", [["unshare", "-U", "true"], ["unshare", "-Ur", "id"],
                                     ["mount", "-t", "tmpfs", "none", "/tmp"],
                                     ["umount", "/tmp"], ["chroot", "/tmp"]])
def test_nothing_to_gain_from_tools(box, program):
    path = next((d for d in ("/usr/bin", "/usr/sbin") if Path(d, program[0]).exists()), None)
    result = box.run(name=f"{path}/{program[0]}", args=program[1:])
    said = [line for line in result.stderr.splitlines() if line.startswith("buntime:")]
    assert result.status not in (0, 127), str(result)
    # mount keeps notes there.
    notes = ["buntime: denied write /run/mount by mount[3]"] if program[0] == "mount" else []
    assert said == [*notes, "buntime: run it again with --audit to see which reads were refused"], str(result)
    assert "uid=0" not in result.stdout


def test_mount_lists_no_host_mounts(box):
    result = box.run(name="mount")
    for text in ("/mnt/world", "/boot", " on /home type", "/var/lib"):
        assert text not in result.stdout, str(result)


def test_a_write_to_the_working_directory_is_refused_not_lost(box):
    out, result = box.json(code="""
        out["write"] = attempt(open, "result.txt", "w")
        out["append"] = attempt(open, __file__, "a")
        out["mkdir"] = attempt(os.mkdir, "directory")
        out["unlink"] = attempt(os.unlink, __file__)
        out["chmod"] = attempt(os.chmod, __file__, 0o777)
        out["home"] = attempt(open, os.path.expanduser("~/x"), "w")
    """)
    assert out["write"] == "EACCES" and out["append"] == "EACCES" and out["home"] == "EACCES"
    assert out["mkdir"] in ("EROFS", "EACCES") and out["chmod"] in ("EROFS", "EACCES", "EPERM")
    assert out["unlink"] in ("EROFS", "EACCES", "EBUSY")
    assert sorted(os.listdir(box.directory)) == ["w.py"]
    events = result.denied("write", "result.txt")
    assert len(events) == 1, str(result)
    assert str(box.directory / "result.txt") in events[0].object
    assert events[0].program.startswith("python3") and events[0].pid > 0
    assert events[0].rule.startswith("defaults.fs = deny")
    # Also a file that is not there can be granted by itself.
    assert events[0].allow == f"--allow-write={box.directory / 'result.txt'}"
    assert len(result.denied("write", "directory")) == 1, str(result)
    assert [event.object for event in result.denied("write", "w.py")] == [str(box.directory / "w.py")] * 3


def test_private_tmp_is_not_the_hosts(box):
    Path("/tmp/host-file").write_text("host", encoding="utf-8")
    out, _ = box.json(code="""
        out["names"] = os.listdir("/tmp")
        open("/tmp/mine", "w").write("x")
        open("/dev/shm/mine", "w").write("x")
        import multiprocessing, tempfile
        out["lock"] = attempt(multiprocessing.Lock)
        out["temp"] = tempfile.gettempdir()
    """)
    assert out["names"] == [] and out["temp"] == "/tmp" and out["lock"] == "ok"
    assert not Path("/tmp/mine").exists() and not Path("/dev/shm/mine").exists()


def test_private_tmp_is_limited(box):
    out, _ = box.json(code="""
        def fill():
            with open("/tmp/big", "wb") as file:
                for _ in range(300):
                    file.write(bytes(1 << 20))
        out["fill"] = attempt(fill)
        out["size"] = os.path.getsize("/tmp/big") >> 20
    """)
    assert out["fill"] == "ENOSPC" and out["size"] <= 256


def test_an_entry_below_tmp_is_the_hosts(world):
    directory = Path("/tmp/elsewhere")
    directory.mkdir(exist_ok=True)
    (directory / "w.py").write_text("import os\nprint(os.listdir('/tmp/elsewhere'), __file__)\n",
                                    encoding="utf-8")
    result = world.run(["run", directory / "w.py"], cwd="/")
    assert result.stdout == "['w.py'] /tmp/elsewhere/w.py\n", str(result)


@pytest.mark.parametrize("flags", [["-A"], ["--allow-read=/"], ["--allow-read=/tmp"]])
def test_an_entry_below_tmp_with_everything_granted(world, flags):
    """What is granted for / does not reach into the private /tmp, where the entry still is."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        entry = Path(directory, "w.py")
        entry.write_text("import os\nprint(os.listdir('.'))\n")
        result = world.run([*flags, "run", "w.py"], cwd=directory)
    assert result.stdout == "['w.py']\n", str(result)


def test_no_descriptor_is_inherited(box):
    extra = [os.open("/mnt/world/log", os.O_RDONLY | os.O_DIRECTORY),
             os.open("/home/user/diary.txt", os.O_RDONLY)]
    left, right = socket.socketpair()
    extra += [left.fileno(), right.fileno()]
    high = os.dup2(extra[0], 200)
    for fd in [*extra, high]:
        os.set_inheritable(fd, True)
    try:
        out, _ = box.json(code="""
            out["fds"] = {}
            for name in os.listdir("/proc/self/fd"):
                try:
                    out["fds"][name] = os.readlink("/proc/self/fd/" + name)
                except OSError:
                    pass
        """, close_fds=False)
    finally:
        for fd in {*extra[:2], high}:
            os.close(fd)
        left.close()
        right.close()
    fds = {int(name) for name, target in out["fds"].items() if not target.startswith("/proc/")}
    # The directory that lists them is the only one of its own, and the program's file.
    assert {fd for fd in fds if not out["fds"][str(fd)].endswith("w.py")} == {0, 1, 2}, out


def test_time_zone_and_names_work(box):
    out, _ = box.json(code="""
        import ssl, sqlite3, ctypes, hashlib, zoneinfo
        out["ca"] = len(ssl.create_default_context().get_ca_certs())
        out["service"] = socket.getservbyname("https")
        out["localhost"] = socket.gethostbyname("localhost")
        out["null"] = attempt(open, "/dev/null", "w")
        out["stdout"] = attempt(open, "/dev/stderr", "w")
    """)
    assert out["service"] == 443 and out["localhost"] == "127.0.0.1"
    assert out["null"] == "ok" and out["stdout"] == "ok"
