# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which programs run: granted by path, name and pattern, and what gets around it (nothing does)."""

import json
import os
import platform
import shutil
import subprocess

import pytest

from native import Attack, compile_c
from tier import UNSEEN

# What the kernel says of a program that may not run, by whichever way.
REFUSED = {"EACCES", "EPERM", "ENOSYS", "EXDEV", "EROFS", "ENOENT", "failed"}
# A granted program runs under all its names; a copy of it is another program.
NAMES = ["exec", "empty-path", "o-path", "proc-fd", "proc-root", "dirfd", "symlink"]
COPIES = ["copy", "memfd", "tmpfile", "copy-loader", "hardlink"]


@pytest.fixture
def attack(box):
    return Attack(box)


@pytest.fixture
def tool(box):
    """A program of the user's own, outside of every library directory."""
    source = box.write("tool.c", '#include <stdio.h>\nint main(void) { puts("tool"); return 7; }\n')
    return compile_c(source, box.directory / "bin/tool")


def test_every_way_works_without_a_sandbox(attack, tool):
    """Or the refusals below would prove nothing."""
    found = attack.without_sandbox(on=tool, ops=[*NAMES, *COPIES, "loader"])
    # /tmp is another filesystem in the world, too.
    assert found.pop(("hardlink", str(tool))) == "EXDEV"
    assert set(found.values()) == {"ran"}, found


def test_without_a_grant_no_way_runs_it(box, attack, tool):
    found, result = attack("--allow-read=bin", on=[tool, "/usr/bin/env"],
                           ops=[*NAMES, *COPIES, "loader"])
    assert set(found.values()) <= REFUSED, str(result)
    assert len(result.denied("run", str(tool))) >= 1, str(result)


def test_a_granted_program_runs_by_its_names_and_no_copy_does(box, attack, tool):
    found, result = attack("--allow-run=./bin/tool", on=tool, ops=[*NAMES, *COPIES])
    assert {found[op, str(tool)] for op in NAMES} == {"ran"}, str(result)
    assert {found[op, str(tool)] for op in COPIES} <= REFUSED, str(result)


PYTHON_WAYS = """
    import ctypes, shutil
    libc = ctypes.CDLL(None, use_errno=True)
    loader = os.path.realpath("/lib64/ld-linux-x86-64.so.2")

    def run(*command, **kwargs):
        done = subprocess.run(command, capture_output=True, text=True, **kwargs)
        return done.stdout + str(done.returncode) if done.returncode in (0, 7) else "failed"

    def by_descriptor(path, flags):
        fd = os.open(path, flags)
        child = os.fork()
        if child == 0:
            try:
                os.execve(fd, ["tool"], {})
            except OSError as error:
                os._exit(200 if error.errno in (1, 13, 38) else 201)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def copied(path, target):
        shutil.copy(path, target)
        os.chmod(target, 0o755)
        return target

    tool = sys.argv[1]
    out["path"] = attempt(run, tool)
    out["search"] = attempt(run, "tool", env={"PATH": os.path.dirname(tool)})
    out["relative"] = attempt(run, "./tool", cwd=os.path.dirname(tool))
    os.symlink(tool, "/tmp/alias")
    out["alias"] = attempt(run, "/tmp/alias")
    out["descriptor"] = attempt(by_descriptor, tool, os.O_RDONLY)
    out["copy"] = attempt(lambda: run(copied(tool, "/tmp/tool")))
    out["shm"] = attempt(lambda: run(copied(tool, "/dev/shm/tool")))
    out["loader-copy"] = attempt(lambda: run(loader, copied(tool, "/tmp/tool2")))
    out["memfd"] = attempt(os.memfd_create, "x")
    out["shadow"] = attempt(lambda: run("env", env={"PATH": os.path.dirname(
        copied(tool, "/tmp/env"))}))
    os.chmod(copied(tool, "/tmp/python3"), 0o755)
    out["python"] = attempt(lambda: run("python3", env={"PATH": "/tmp"}))
"""


def test_from_python(box, tool):
    out, _ = box.json("--allow-read=bin", code=PYTHON_WAYS, args=[tool])
    descriptor = out.pop("descriptor")
    assert descriptor == 200 and set(out.values()) <= REFUSED, out
    out, _ = box.json("--allow-run=./bin/tool", code=PYTHON_WAYS, args=[tool])
    for way in ("path", "search", "relative", "alias"):
        assert out.pop(way) == "tool\n7", way
    assert out.pop("descriptor") == 7
    assert set(out.values()) <= REFUSED, out


OVERWRITE = """
    path = sys.argv[1]
    out["before"] = attempt(lambda: subprocess.run([path], capture_output=True).returncode)
    out["open"] = attempt(open, path, "r+b")
    out["truncate"] = attempt(os.truncate, path, 0)
    out["chmod"] = attempt(os.chmod, path, 0o777)
    out["unlink"] = attempt(os.unlink, path)
    import shutil
    open("/tmp/other", "w").write("#!/usr/bin/python3\\nraise SystemExit(9)\\n")
    os.chmod("/tmp/other", 0o755)
    attempt(shutil.copy, "/tmp/other", "other")
    attempt(shutil.copy, "/tmp/other", "bin/other")
    for other in ("other", "bin/other"):
        out["replace by " + other] = attempt(os.replace, other, path)
    out["parent"] = attempt(os.rename, "bin", "bin2")
    out["link"] = attempt(os.link, path, "bin/alias")
    attempt(shutil.copy, "/tmp/other", "bin/new")
    out["new"] = attempt(lambda: subprocess.run(["bin/new"]).returncode)
    out["after"] = attempt(lambda: subprocess.run([path], capture_output=True).returncode)
"""


@pytest.mark.parametrize("writable", [".", "bin", "bin/tool"])
def test_a_granted_program_is_not_overwritten(box, tool, writable):
    out, result = box.json(f"--allow-write={writable}", "--allow-read=.", "--allow-run=./bin/tool",
                           "--quiet", code=OVERWRITE, args=[tool])
    assert out["before"] == out["after"] == 7, str(result)
    for way in ("open", "truncate", "chmod", "unlink", "replace by other", "replace by bin/other"):
        assert out[way] in ("EACCES", "EROFS", "EBUSY", "EXDEV", "EPERM", "ENOENT"), (way, out)
    assert out["parent"] in ("EBUSY", "EROFS", "EACCES", "EXDEV"), out
    assert out["new"] in ("EACCES", "ENOENT"), out
    assert out["link"] != "ok"


def test_a_directory_is_not_written_and_run(box, tool):
    code = """
        import shutil
        for folder in ("bin", "bin/sub", "."):
            out["write " + folder] = attempt(shutil.copy, sys.argv[1], folder + "/new")
            out["run " + folder] = attempt(lambda: subprocess.run([folder + "/new"],
                                                                  capture_output=True).returncode)
        out["tool"] = attempt(lambda: subprocess.run(["bin/tool"], capture_output=True).returncode)
    """
    (box.directory / "bin/sub").mkdir()
    # The narrower grant counts, and of two for one place the one to run.
    for write, run in ((".", "./bin"), ("bin", "./bin")):
        out, result = box.json(f"--allow-write={write}", "--allow-read=.", f"--allow-run={run}",
                               code=code, args=[tool])
        assert out["write bin"] == out["write bin/sub"] == "EACCES", str(result)
        assert out["tool"] == 7 and "granted to run, so it is read-only" in result.stderr
        assert result.denied("write", f"{box.directory}/bin/new"), str(result)
        if write == ".":
            assert out["write ."] == "./new" and out["run ."] == "EACCES"
            (box.directory / "new").unlink()
    out, result = box.json("--allow-write=bin/sub", "--allow-read=.", "--allow-run=./bin",
                           code=code, args=[tool])
    assert out["write bin/sub"] == "bin/sub/new" and out["run bin/sub"] == "EACCES", str(result)
    assert out["write bin"] == "EACCES" and out["tool"] == 7
    assert "can be written, so no program in it runs" in result.stderr


def test_everything_granted_is_everything(box, tool):
    out, _ = box.json("--allow-run", "--allow-write=.", "--allow-read=.", code="""
        import shutil
        for path in ("new", "/tmp/new"):
            shutil.copy(sys.argv[1], path)
            out[path] = subprocess.run([os.path.abspath(path)], capture_output=True).returncode
    """, args=[tool])
    assert out == {"new": 7, "/tmp/new": 7}


# ---- scripts ----

@pytest.mark.parametrize("line,needs", [
    ("#!/bin/sh", ["/usr/bin/dash"]),
    ("#! /bin/sh -e", ["/usr/bin/dash"]),
    ("#!/usr/bin/env sh", ["/usr/bin/env", "/usr/bin/dash"]),
    ("#!/usr/bin/env -S sh -e", ["/usr/bin/env", "/usr/bin/dash"]),
])
def test_scripts_need_their_interpreter(box, line, needs):
    """The event says so, and its flag is enough."""
    script = box.write("s/script", f"{line}\nexit 5\n", 0o755)
    code = 'out["status"] = attempt(lambda: subprocess.run([sys.argv[1]]).returncode)'
    out, result = box.json("--allow-read=s", code=code, args=[script])
    events = result.denied("run")
    assert out == {"status": "EACCES"} and [event.object for event in events] == [str(script)]
    assert events[0].allow == "--allow-run=" + ",".join([str(script), *needs]), str(result)
    suggested = events[0].allow

    out, result = box.json("--allow-run=./s/script", code=code, args=[script])
    events = result.denied("run")
    assert out == {"status": "EACCES"} and [event.object for event in events] == needs[:1]
    assert f"it is the interpreter of {script}" in events[0].line, str(result)
    assert events[0].allow == "--allow-run=" + ",".join(needs)

    for flags in ([suggested], ["--allow-run=./s/script", events[0].allow]):
        out, result = box.json(*flags, code=code, args=[script])
        assert out == {"status": 5} and result.denied("run") == [], str(result)


def test_env_is_granted_but_not_what_it_starts(box):
    script = box.write("s/script", "#!/usr/bin/env sh\nexit 5\n", 0o755)
    result = box.run("--allow-run=./s/script,env", code="""
        import subprocess, sys
        sys.exit(subprocess.run([sys.argv[1]], stderr=subprocess.DEVNULL).returncode)
    """, args=[script])
    assert result.status == 126, str(result)
    assert [(event.object, event.allow) for event in result.denied("run")] == \
        [("/usr/bin/dash", "--allow-run=/usr/bin/dash")], str(result)


def test_scripts_of_scripts(box):
    box.write("s/inner", "#!/bin/sh\nexit 6\n", 0o755)
    outer = box.write("s/outer", f"#!{box.directory}/s/inner\n", 0o755)
    code = 'out["status"] = attempt(lambda: subprocess.run([sys.argv[1]]).returncode)'
    out, result = box.json("--allow-run=./s/outer", code=code, args=[outer])
    [event] = result.denied("run")
    assert out == {"status": "EACCES"} and event.allow == f"--allow-run={box.directory}/s/inner"
    out, result = box.json("--allow-run=./s/outer", "--allow-read=s", code=code, args=[outer])
    assert out == {"status": "EACCES"}
    [event] = result.denied("run")
    assert event.allow == f"--allow-run={box.directory}/s/inner,/usr/bin/dash", str(result)
    out, result = box.json("--allow-run=./s/outer", event.allow, code=code, args=[outer])
    assert out == {"status": 6}, str(result)


def test_a_program_made_during_the_run_has_no_flag(box):
    out, result = box.json(code="""
        open("/tmp/tool", "w").write("#!/usr/bin/python3\\n")
        os.chmod("/tmp/tool", 0o755)
        out["tool"] = attempt(subprocess.run, ["/tmp/tool"])
    """)
    [event] = result.denied("run", "/tmp/tool")
    assert out == {"tool": "EACCES"} and event.allow == "" and "made during the run" in event.line


def test_no_event_for_what_is_no_program(box):
    box.write("d/data", "x")
    out, result = box.json("--allow-read=d", code="""
        for path in ("d/data", "./d", "d/missing"):
            out[path] = attempt(subprocess.run, [path])
    """)
    assert out == {"d/data": "EACCES", "./d": "EACCES", "d/missing": "ENOENT"}
    assert result.denied("run") == [], str(result)


# ---- what a granted program's children may ----

def test_children_stay_in_the_sandbox(box):
    box.write("secret", "s")
    out, result = box.json("--allow-run=sh", "--quiet", code=f"""
        script = '''
            echo x 2>/dev/null >{box.directory}/made && echo wrote
            cat {box.directory}/secret 2>/dev/null && echo read
            /usr/bin/env true 2>/dev/null && echo ran
            read line </proc/1/environ 2>/dev/null && echo init
            sh -c "exit 4"; echo sh $?
            echo done
        '''
        out["text"] = subprocess.run(["sh", "-c", script], capture_output=True, text=True).stdout
    """)
    assert out["text"] == "sh 4\ndone\n", str(result)


BUNDLES = {
    "gcc": """
        open("/tmp/x.c", "w").write("int main(void) { return 3; }\\n")
        done = subprocess.run(["gcc", "-o", "/tmp/x", "/tmp/x.c"], capture_output=True, text=True)
        out["status"] = done.returncode
        out["made"] = os.path.exists("/tmp/x")
        out["run"] = attempt(subprocess.run, ["/tmp/x"])
    """,
    "git": """
        def git(*words):
            done = subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e@x", *words],
                                  capture_output=True, text=True, cwd="/tmp")
            return done.returncode
        out["status"] = git("init", "-q", "repo") or git("-C", "repo", "commit", "-q",
                                                         "--allow-empty", "-m", "x")
        out["made"] = git("-C", "repo", "rebase", "HEAD") == 0
        out["run"] = attempt(subprocess.run, ["/bin/sh", "-c", "true"])
    """,
}


@pytest.mark.parametrize("name", sorted(BUNDLES))
def test_known_tools_bring_their_helpers(box, name):
    out, result = box.json(f"--allow-run={name}", code=BUNDLES[name])
    assert out == {"status": 0, "made": True, "run": "EACCES"}, str(result)


def test_the_entry_brings_its_helpers(box):
    """As a rule for it would; a file that is only called so does not."""
    asked = ["ls-remote", "https://github.com/owner/greet.git"]
    result = box.run("--allow-net=github.com:443", name="git", args=asked)
    assert result.status == 0 and "refs/heads/main" in result.stdout, str(result)
    copy = box.directory / "git"
    shutil.copy("/usr/bin/git", copy)
    result = box.run("--allow-net=github.com:443", name="./git", args=asked)
    assert result.status != 0 and result.denied("run", "/usr/lib/git-core/git"), str(result)


def test_the_shell_is_in_no_bundle(box):
    """A local clone starts git-upload-pack by a shell: the event names that."""
    subprocess.run(["git", "init", "-q", box.directory / "repo"], check=True)
    result = box.run("--allow-run=git", "--allow-read=repo", code="""
        import subprocess
        subprocess.run(["git", "clone", "-q", "file:///" + __import__("os").getcwd() + "/repo",
                        "/tmp/clone"], stderr=subprocess.DEVNULL)
    """)
    assert [event.allow for event in result.denied("run")] == ["--allow-run=/usr/bin/dash"], \
        str(result)


def test_a_denial_takes_a_helper_out_of_its_bundle(box):
    out, result = box.json("--allow-run=gcc", "--deny-run=as", code="""
        open("/tmp/x.c", "w").write("int main(void) { return 3; }\\n")
        done = subprocess.run(["gcc", "-c", "-o", "/tmp/x", "/tmp/x.c"], capture_output=True)
        out["status"] = done.returncode
    """)
    assert out["status"] != 0 and result.denied("run", "as"), str(result)


# ---- policies ----

def policy(box, *rules, **more):
    return box.write("p.json", json.dumps({"version": 1, "exec": {"rules": list(rules)}} | more))


TRY = """
    for name in sys.argv[1:]:
        out[name] = attempt(lambda: subprocess.run([name, "--version"], capture_output=True)
                            .returncode)
"""


@pytest.mark.parametrize("rule", [{"path": "/usr/bin/env"}, {"path": "env"},
                                  {"glob": "/usr/bin/en?"}, {"glob": "/usr/bin/e*v"}])
def test_policy_rules(box, rule):
    policy(box, {"action": "allow", **rule})
    out, result = box.json("--policy=./p.json", code=TRY, args=["/usr/bin/env", "/usr/bin/curl"])
    assert out == {"/usr/bin/env": 0, "/usr/bin/curl": "EACCES"}, str(result)


@pytest.mark.parametrize("deny", [{"path": "/usr/bin/env"}, {"path": "env"},
                                  {"glob": "/usr/bin/en?"}, {"path": "/usr/bin"}])
@pytest.mark.parametrize("allow", [{"path": "/usr/bin"}, {"glob": "/usr/bin/*"}, {"path": "/"}])
def test_deny_stands_over_allow(box, allow, deny):
    policy(box, {"action": "allow", **allow}, {"action": "deny", **deny})
    out, result = box.json("--policy=./p.json", code=TRY, args=["/usr/bin/env", "/usr/bin/id"])
    other = "EACCES" if deny == {"path": "/usr/bin"} else 0
    assert out == {"/usr/bin/env": "EACCES", "/usr/bin/id": other}, str(result)
    assert "exec.rules[1]" in result.denied("run", "/usr/bin/env")[0].rule


@pytest.mark.parametrize("deny", ["env", "/usr/bin/env", "/usr/bin/en*"])
@pytest.mark.parametrize("allow", ["--allow-run", "--allow-run=env,id", "--allow-run=/usr/bin"])
def test_denied_by_flag(box, allow, deny):
    out, result = box.json(allow, f"--deny-run={deny}", code=TRY,
                           args=["/usr/bin/env", "/usr/bin/id"])
    assert out == {"/usr/bin/env": "EACCES", "/usr/bin/id": 0}, str(result)
    assert result.denied("run", "/usr/bin/env")[0].allow == ""


def test_warned_programs_run_and_are_told(box):
    policy(box, {"action": "warn", "path": "env"}, {"action": "warn", "path": "/usr/bin/dash"})
    script = box.write("script", "#!/bin/sh\nexit 5\n", 0o755)
    out, result = box.json("--policy=./p.json", "--allow-run=./script", code=TRY,
                           args=["/usr/bin/env", "/usr/bin/curl", script])
    assert out == {"/usr/bin/env": 0, "/usr/bin/curl": "EACCES", str(script): 5}
    warned = [(event.object, event.rule) for event in result.events if event.action == "warned"]
    assert [path for path, _ in warned] == ["/usr/bin/env", "/usr/bin/dash"], str(result)
    assert all("p.json:" in rule for _, rule in warned)


# ---- interpreters ----

def make_venv(box):
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", box.directory / "venv"],
                   check=True)
    shutil.copy("/usr/bin/env", box.directory / "venv/bin/tool")
    return {"VIRTUAL_ENV": str(box.directory / "venv")}


@pytest.mark.parametrize("deny", [".", "./venv"])
@pytest.mark.parametrize("allow", ["--allow-run", "--allow-run=/usr/bin,."])
@pytest.mark.parametrize("read", [[], ["--allow-read=."], ["--allow-write=.", "--allow-read=."]])
def test_programs_of_a_denied_environment(box, allow, deny, read):
    """Its libraries are mapped, so its mount is not noexec; its programs do not run."""
    environment = make_venv(box)
    box.write("bin/tool", "#!/bin/sh\nexit 3\n", 0o755)
    out, result = box.json(allow, f"--deny-run={deny}", *read, code="""
        out["prefix"] = sys.prefix != sys.base_prefix
        out["tool"] = attempt(lambda: subprocess.run(["venv/bin/tool", "--version"]).returncode)
        out["env"] = attempt(lambda: subprocess.run(["/usr/bin/env", "--version"],
                                                            stdout=subprocess.DEVNULL).returncode)
        out["self"] = subprocess.run([sys.executable, "-c", "import ctypes"]).returncode
        out["beside"] = attempt(lambda: subprocess.run(["bin/tool"]).returncode)
    """, env=environment)
    assert out["prefix"] is True and out["self"] == 0, str(result)
    assert out["tool"] == "EACCES" and out["env"] == 0, str(result)
    unseen = not read and (deny == "." or allow == "--allow-run")
    assert out["beside"] == (UNSEEN if unseen else "EACCES" if deny == "." else 3), str(result)


def test_an_environment_may_be_granted_to_run(box):
    environment = make_venv(box)
    code = 'out["tool"] = attempt(lambda: subprocess.run(["venv/bin/tool", "--version"]).returncode)'
    out, result = box.json("--allow-run=env", code=code, env=environment)
    assert out == {"tool": "EACCES"}
    [event] = result.denied("run", "venv/bin/tool")
    out, _ = box.json("--allow-run=env", event.allow, code=code, env=environment)
    assert out == {"tool": 0}


def make_uv(box):
    """As uv lays it out: a Python of the user's own, and an environment that links to it."""
    python = shutil.which("python3.11", path="/usr/bin") or "/usr/bin/python3"
    base = box.directory / "uv/python"
    (base / "bin").mkdir(parents=True)
    shutil.copy(python, base / "bin/python3")
    version = subprocess.run([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                             capture_output=True, text=True, check=True).stdout.strip()
    (base / f"lib/python{version}").mkdir(parents=True)
    for name in ("encodings", "os.py", "codecs.py", "io.py", "abc.py", "stat.py", "posixpath.py",
                 "genericpath.py", "_collections_abc.py", "site.py", "_sitebuiltins.py"):
        source, target = f"/usr/lib/python{version}/{name}", base / f"lib/python{version}" / name
        (shutil.copytree if name == "encodings" else shutil.copy)(source, target)
    (base / f"lib/python{version}/lib-dynload").mkdir()
    (box.directory / "venv/bin").mkdir(parents=True)
    (box.directory / "venv/bin/python3").symlink_to(base / "bin/python3")
    (box.directory / "venv/pyvenv.cfg").write_text(f"home = {base}/bin\n")
    return {"VIRTUAL_ENV": str(box.directory / "venv")}


@pytest.mark.parametrize("flags", [[], ["--deny-run"], ["--allow-run", "--deny-run=."],
                                   ["--allow-write=.", "--allow-read=."]])
def test_the_own_interpreter_stays_executable(box, flags):
    environment = make_uv(box)
    result = box.run(*flags, code="""
        import os, sys
        pid = os.fork()
        if pid == 0:
            os.execv(sys.executable, [sys.executable, "-c", "raise SystemExit(7)"])
        print(sys.base_prefix, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """, env=environment)
    assert result.stdout == f"{box.directory}/uv/python 7\n", str(result)


@pytest.mark.parametrize("name", ["python3", "/usr/bin/python3*"])
def test_denying_the_own_interpreter_is_refused(box, name):
    """Its children would be it again, and the kernel cannot tell them apart."""
    result = box.run("--allow-run", f"--deny-run={name}", code="", env={"PATH": "/usr/bin:/bin"})
    assert result.status == 125, str(result)
    assert "denies the program that runs the entry" in result.stderr


REGISTER = """
    mount -t binfmt_misc none /mnt && echo ':buntime-test:M::BTRUN::/usr/bin/wc:' >/mnt/register &&
    exec unshare --user --map-user="$1" --map-group="$2" sh -c 'shift 2; exec "$@"' sh "$@"
"""


def test_programs_by_their_magic(box):
    """binfmt_misc: an interpreter that the host registered needs a grant of its own."""
    release = tuple(map(int, platform.release().split(".")[:2]))
    if release < (6, 7):
        return  # only the host's root registers any
    program = box.write("program", "BTRUN and what it does\n", 0o755)
    box.write("w.py", """
        import subprocess, sys
        try:
            sys.exit(subprocess.run([sys.argv[1], "-c"], stdin=subprocess.DEVNULL).returncode)
        except PermissionError:
            sys.exit(13)
    """)
    outside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", REGISTER, "sh",
               os.getuid(), os.getgid()]

    def run(*command):
        return box.world.run_command([*outside, *command], cwd=box.directory)

    assert run(program).stdout.split() == ["1", "5", "23", str(program)]
    for flags, status in (([], 13), (["--allow-run=./program"], 13), (["--allow-run=wc"], 13),
                          (["--allow-run=./program,wc"], 0)):
        result = run(box.world.buntime, "--allow-read=program", *flags, "run", "w.py", program)
        assert result.status == status, str(result)
