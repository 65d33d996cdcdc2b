# SPDX-License-Identifier: LGPL-2.1-or-later
"""--allow-env, --allow-run, --allow-unix and their denials, --allow-all, --quiet, --policy."""

import json
import os
import socket
import subprocess
import threading

import pytest

from tier import UNSEEN

# ---- env ----

CALLER = {"TOKEN": "t", "AWS_KEY": "k", "AWS_REGION": "r", "OTHER": "o"}
SHOW = "out['names'] = sorted(n for n in os.environ if n in " + repr(list(CALLER)) + ")\n"


@pytest.mark.parametrize("flags,names", [
    ([], []),
    (["--allow-env=TOKEN"], ["TOKEN"]),
    (["--allow-env=TOKEN,OTHER"], ["OTHER", "TOKEN"]),
    (["--allow-env=AWS_*"], ["AWS_KEY", "AWS_REGION"]),
    (["--allow-env=AWS_*", "--deny-env=AWS_KEY"], ["AWS_REGION"]),
    (["--deny-env=AWS_*", "--allow-env=AWS_KEY,TOKEN"], ["TOKEN"]),
    (["--allow-env"], sorted(CALLER)),
    (["-E"], sorted(CALLER)),
    (["-E=TOKEN"], ["TOKEN"]),
    (["--allow-env", "--deny-env=TOKEN"], ["AWS_KEY", "AWS_REGION", "OTHER"]),
    (["--allow-env=TOK"], []),
    (["--allow-env=NOT_SET"], []),
])
def test_env(box, flags, names):
    out, _ = box.json(*flags, code=SHOW, env=CALLER)
    assert out["names"] == names


def test_env_values_are_whole(box):
    value = "a=b \n\t\x01é"
    out, _ = box.json("--allow-env=TOKEN", code="out['v'] = os.environ['TOKEN']\n",
                      env={"TOKEN": value})
    assert out["v"] == value


# ---- run ----

RUN = """
    for path in sys.argv[1:]:
        out[path] = attempt(lambda: subprocess.run([path, "--version"], capture_output=True)
                            .returncode)
"""


def test_run_denied(box):
    out, result = box.json(code=RUN, args=["/usr/bin/env", "/usr/bin/curl"])
    assert out == {"/usr/bin/env": "EACCES", "/usr/bin/curl": "EACCES"}
    events = result.denied("run", "/usr/bin/env")
    assert len(events) == 1, str(result)
    assert events[0].rule.startswith("defaults.exec = deny")
    assert events[0].allow in ("--allow-run=/usr/bin/env", "--allow-run=env")


@pytest.mark.parametrize("item", ["/usr/bin/env", "env"])
def test_run_allowed(box, item):
    out, result = box.json(f"--allow-run={item}", code=RUN, args=["/usr/bin/env", "/usr/bin/curl"])
    assert out == {"/usr/bin/env": 0, "/usr/bin/curl": "EACCES"}, str(result)
    assert not result.denied("run", "env")


def test_run_everything_and_deny_over_allow(box):
    out, result = box.json("--allow-run", "--deny-run=/usr/bin/curl", code=RUN,
                           args=["/usr/bin/env", "/usr/bin/curl"])
    assert out == {"/usr/bin/env": 0, "/usr/bin/curl": "EACCES"}
    assert [event.rule for event in result.denied("run", "/usr/bin/curl")] == \
        ["--deny-run=/usr/bin/curl (command line)"], str(result)


@pytest.mark.parametrize("inside", ["--allow-read=bin/sub", "--allow-write=bin/sub"])
def test_denied_programs_do_not_run_by_another_grant(box, inside):
    box.write("bin/sub/tool", "#!/bin/sh\n", 0o755)
    out, result = box.json("--allow-run", "--allow-read=bin", "--deny-run=./bin", inside, code="""
        out["tool"] = attempt(subprocess.run, ["./bin/sub/tool"])
        out["sh"] = attempt(lambda: subprocess.run(["/bin/sh", "-c", "exit 3"]).returncode)
    """)
    assert out == {"tool": "EACCES", "sh": 3}
    assert len(result.denied("run", str(box.directory / "bin/sub/tool"))) == 1, str(result)


IMPORTS = "import ctypes, mmap, sys; print(sys.prefix)"


def test_python_by_its_own_name(box):
    """Its compiled modules may be mapped, and a virtual environment's is one."""
    result = box.world.run(["run", "/usr/bin/python3", "-c", IMPORTS], cwd=box.directory)
    assert result.status == 0, str(result)
    subprocess.run(["python3", "-m", "venv", "--without-pip", box.directory / "venv"], check=True)
    result = box.world.run(["run", "venv/bin/python3", "-c", IMPORTS], cwd=box.directory)
    assert result.stdout == f"{box.directory}/venv\n", str(result)


def test_python_that_was_granted(box):
    box.write("w.sh", "#!/bin/sh\nexec python3 -c \"$1\"\n", 0o755)
    result = box.run("--allow-run=python3", name="./w.sh", args=[IMPORTS])
    assert result.status == 0, str(result)


def test_directory_of_programs_that_is_hidden(box):
    box.write("bin/tool", "#!/bin/sh\n", 0o755)
    out, _ = box.json("--allow-run=./bin", "--deny-read=bin", code="""
        out["tool"] = attempt(subprocess.run, ["./bin/tool"])
    """)
    assert out == {"tool": UNSEEN}


def test_own_interpreter_runs_again(box):
    out, _ = box.json(code="""
        done = subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True)
        out["text"] = done.stdout
    """)
    assert out["text"] == "42\n"


def test_run_of_a_file_made_by_the_worker(box):
    out, _ = box.json("--allow-write=.", "--allow-read=.", code="""
        import shutil
        for path in ("/tmp/tool", "/dev/shm/tool", os.path.abspath("tool")):
            shutil.copy("/usr/bin/env", path)
            os.chmod(path, 0o755)
            out[path] = attempt(lambda: subprocess.run([path, "--version"]).returncode)
            script = path + ".sh"
            open(script, "w").write("#!/usr/bin/python3\\n")
            os.chmod(script, 0o755)
            out[script] = attempt(lambda: subprocess.run([script]).returncode)
    """)
    assert set(out.values()) == {"EACCES"}, out


# ---- unix sockets ----

@pytest.fixture
def listener(box):
    """A host service in a directory that the worker may read."""
    path = box.directory / "service" / "bus"
    path.parent.mkdir()
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen(16)
    accepted = []

    def accept():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            accepted.append(connection)
            connection.sendall(b"served")
            connection.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield path, accepted
    server.shutdown(socket.SHUT_RDWR)
    server.close()


UNIX = """
    def talk(path):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.connect(path)
            return sock.recv(100).decode()
    out["talk"] = attempt(talk, sys.argv[1])
    out["relative"] = attempt(talk, os.path.relpath(sys.argv[1]))
"""


def test_unix_denied(box, listener):
    path, accepted = listener
    out, result = box.json("--allow-read=service", code=UNIX, args=[path])
    assert out == {"talk": "EACCES", "relative": "EACCES"}
    assert accepted == []
    events = result.denied("unix", "bus")
    assert len(events) >= 1, str(result)
    assert events[0].allow == f"--allow-unix={path}"


def test_unix_allowed(box, listener):
    path, accepted = listener
    out, result = box.json("--allow-read=service", f"--allow-unix={path}", code=UNIX, args=[path])
    assert out["talk"] == "served", str(result)
    assert accepted


def test_unix_allowed_without_read(box, listener):
    path, accepted = listener
    out, result = box.json(f"--allow-unix={path}", code=UNIX, args=[path])
    assert out["talk"] == "served" and accepted, str(result)


@pytest.mark.parametrize("action, talk", [("allow", "served"), ("warn", "served"),
                                          ("deny", "EACCES")])
def test_unix_by_a_policy_file(box, listener, action, talk):
    path, accepted = listener
    box.write("p.json", json.dumps({"version": 1, "unix": {"rules": [
        {"action": "allow", "path": "./service/b*"}, {"action": action, "path": "./service/bus"},
        {"action": "allow", "path": "${XDG_RUNTIME_DIR}/not-there"}]}}))
    runtime = {"XDG_RUNTIME_DIR": str(box.directory / "run")}
    out, result = box.json("--allow-read=service", "--policy=p.json", code=UNIX, args=[path],
                           env=runtime)
    assert out == {"talk": talk, "relative": talk}, str(result)
    assert bool(accepted) == (talk == "served")
    told = {"allow": [], "warn": ["warned"], "deny": ["denied"]}[action]
    assert sorted({event.action for event in result.events}) == told, str(result)
    assert all(event.rule.endswith("p.json:1: unix.rules[1]") for event in result.events[:1])
    assert "unix.rules[2]: skipped ${XDG_RUNTIME_DIR}/not-there: No such file" in result.stderr
    checked = box.world.run(["check", "--policy=p.json", "unix", path], cwd=box.directory)
    assert checked.status == {"allow": 0, "warn": 3, "deny": 1}[action]


def test_unix_of_init_policy_is_that_of_the_flags(box, listener):
    path, _ = listener
    for flags in ([f"--allow-unix={path}"], ["--allow-unix"],
                  ["--allow-unix", f"--deny-unix={path}"]):
        made = box.world.run(["init-policy", "--allow-read=service", *flags], cwd=box.directory)
        box.write("made.json", made.stdout)
        by_flags, _ = box.json("--allow-read=service", *flags, code=UNIX, args=[path])
        by_file, _ = box.json("--policy=made.json", code=UNIX, args=[path])
        assert by_flags == by_file
        assert by_file["talk"] == ("EACCES" if len(flags) > 1 else "served")


@pytest.mark.parametrize("flags, open_", [
    (["--allow-unix=service"], False), (["--allow-unix"], False), (["--allow-unix=service/bus"], True),
    (["--allow-unix=service", "--allow-read=service"], True), (["--allow-unix=service/*"], True),
    (["--allow-unix=service", "--allow-read=.", "--deny-read=service"], False), (["-A"], True),
    (["-A", "--deny-unix=service"], False), (["--allow-read"], False)])
def test_unix_of_a_directory_shows_nothing_of_it(box, listener, flags, open_):
    """And check says so, with a flag that does."""
    path, accepted = listener
    out, result = box.json(*flags, code=UNIX, args=[path])
    assert (out["talk"] == "served") == open_ == bool(accepted), str(result)
    checked = box.world.run(["check", "--json", *flags, "unix", path], cwd=box.directory)
    assert checked.status == (0 if open_ else 1), str(checked)
    suggestion = json.loads(checked.stdout)["suggestion"]
    assert bool(suggestion) == (not open_ and not any("--deny" in flag for flag in flags))
    if suggestion:
        assert box.world.run(["check", *flags, suggestion, "unix", path], cwd=box.directory).status == 0
        out, result = box.json(*flags, suggestion, code=UNIX, args=[path])
        assert out["talk"] == "served", str(result)


def test_unix_another_path_is_not_opened(box, listener):
    path, accepted = listener
    box.write("other/x", "")
    other = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    other.bind(str(box.directory / "other/bus"))
    other.listen(1)
    out, _ = box.json("--allow-read=service,other", f"--allow-unix={box.directory}/other/bus",
                      code=UNIX, args=[path])
    other.close()
    assert out == {"talk": "EACCES", "relative": "EACCES"} and accepted == []


def test_unix_within_the_sandbox(box):
    out, result = box.json(code="""
        import threading
        for path in ("/tmp/own", "\\0own"):
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            out["bind" + path[-3:] + str(len(path))] = attempt(server.bind, path)
            server.listen(1)
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            out["connect" + path[-3:] + str(len(path))] = attempt(client.connect, path)
        a, b = socket.socketpair()
        a.send(b"x")
        out["pair"] = b.recv(1).decode()
    """)
    assert out["bindown8"] == "ok" and out["connectown8"] == "ok", out
    assert out["pair"] == "x"
    assert not result.events, str(result)


# ---- all, quiet, policy ----

@pytest.mark.parametrize("flag", ["--allow-all", "-A"])
def test_allow_all(box, flag):
    out, result = box.json(flag, code="""
        out["read"] = attempt(lambda: open("/home/user/diary.txt").read())
        out["write"] = attempt(lambda: open("x", "w").write("x"))
        out["run"] = attempt(lambda: subprocess.run(["/usr/bin/env", "true"]).returncode)
        out["env"] = os.environ.get("TOKEN")
        out["net"] = connect("198.51.100.10", 80)[0]
        out["uid"] = os.getuid()
        out["caps"] = [l for l in open("/proc/self/status") if l.startswith("CapEff")][0]
    """, env={"TOKEN": "t"})
    assert out["read"] == "SECRET-DIARY\n" and out["write"] == 1 and out["run"] == 0, str(result)
    assert out["env"] == "t" and out["net"] == "ok" and out["uid"] == os.getuid()
    assert int(out["caps"].split()[1], 16) == 0


def test_deny_over_allow_all(box):
    out, _ = box.json("--allow-all", "--deny-read=/home/user/diary.txt", "--deny-env=TOKEN",
                      "--deny-net=198.51.100.0/24", code="""
        out["read"] = attempt(open, "/home/user/diary.txt")
        out["env"] = os.environ.get("TOKEN")
        out["net"] = connect("198.51.100.10", 80)[0]
    """, env={"TOKEN": "t"})
    assert out["read"] in ("EACCES", "EPERM", "ENOENT")
    assert out["env"] is None and out["net"] == "PermissionError"


@pytest.mark.parametrize("flag", ["--quiet", "-q"])
def test_quiet(box, flag):
    code = "try:\n    open('x', 'w')\nexcept OSError:\n    print('refused')\n"
    assert "buntime:" in box.run(code=code).stderr
    result = box.run(flag, code=code)
    assert result.stdout == "refused\n" and result.stderr == "", str(result)


def test_quiet_still_says_why_nothing_ran(box):
    assert "buntime:" in box.run("--quiet", name="missing.py").stderr


@pytest.fixture
def policy(box):
    def write(name="p.json", **keys):
        return f"--policy={box.write(name, json.dumps({'version': 1, **keys}, indent=2))}"
    return write


PROBE = """
    out["read"] = attempt(lambda: open("data/a.txt").read())
    out["write"] = attempt(lambda: open("data/w.txt", "w").write("x"))
    out["run"] = attempt(lambda: subprocess.run(["/usr/bin/env", "true"]).returncode)
    out["net"] = connect("198.51.100.10", 80)[0]
"""
NOTHING = {"read": UNSEEN, "write": UNSEEN, "run": "EACCES", "net": "PermissionError"}


@pytest.fixture
def data(box):
    box.write("data/a.txt", "a")
    return box.directory / "data"


def test_empty_policy_denies(box, policy, data):
    out, _ = box.json(policy(), code=PROBE)
    assert out["read"] == UNSEEN and out["run"] == "EACCES" and out["net"] == "PermissionError"
    assert out["write"] in ("ENOENT", "EACCES")


def test_policy_rules(box, policy, data):
    flag = policy(
        fs={"rules": [{"action": "allow", "path": str(data),
                       "perms": ["read_file", "read_dir", "write_file", "make_reg"]}]},
        net={"rules": [{"action": "allow", "proto": "tcp", "cidr": "198.51.100.0/24",
                        "ports": "80"}]},
        exec={"rules": [{"action": "allow", "path": "/usr/bin/env"},
                        {"action": "allow", "path": "/usr/bin/true"}]})
    out, result = box.json(flag, code=PROBE)
    assert out == {"read": "a", "write": 1, "run": 0, "net": "ok"}, str(result)


def test_policy_denies_name_file_and_line(box, policy, data):
    flag = policy(defaults={"net": "allow"},
                  net={"rules": [{"action": "deny", "proto": "tcp", "cidr": "198.51.100.10/32",
                                  "ports": "1-100"}]})
    out, result = box.json(flag, code=PROBE)
    assert out["net"] == "PermissionError"
    events = result.denied("net", "198.51.100.10:80")
    assert len(events) == 1 and "p.json" in events[0].rule and "net.rules[0]" in events[0].rule, \
        str(result)


def test_flags_go_before_policy(box, policy, data):
    flag = policy(net={"rules": [{"action": "deny", "proto": "any", "cidr": "0.0.0.0/0"}]})
    out, _ = box.json(flag, "--allow-net=198.51.100.10:80", code=PROBE)
    assert out["net"] == "ok"


def test_two_policies_are_merged_strictly(box, policy, data):
    allow = policy("allow.json", defaults={"net": "allow"})
    deny = policy("deny.json", defaults={"net": "deny"})
    out, _ = box.json(allow, deny, code=PROBE)
    assert out["net"] == "PermissionError"


@pytest.mark.parametrize("text,complaint", [
    ('{"version": 2}', "version"), ('{}', "version"), ('{"version": 1, "nett": {}}', "net"),
    ('{"version": 1, "version": 1}', "version"), ('{"version": 1', ""),
    ('{"version": 1, "net": {"rules": [{"action": "allow", "cidr": "1.2.3.4/99"}]}}', "cidr"),
    ('{"version": 1, "net": {"rules": [{"action": "alow", "cidr": "1.2.3.4/9"}]}}', "allow"),
    ('{"version": 1, "fs": {"rules": [{"action": "allow", "path": 7}]}}', "path"),
    ("[" * 100000, ""),
    ('{"workspace": "x"}', ""),
])
def test_broken_policy_stops_the_run(box, text, complaint):
    box.write("p.json", text)
    result = box.run("--policy=p.json", code="print('ran')\n")
    assert result.status == 125, str(result)[:3000]
    assert "p.json" in result.stderr and complaint in result.stderr and result.stdout == ""


def test_policy_is_never_picked_up_from_here(box):
    box.write("nonesuch.json", '{"version": 1, "defaults": {"net": "allow"}}')
    result = box.run("--policy=nonesuch", code="print('ran')\n")
    assert result.status == 125 and result.stdout == "", str(result)
    assert "no preset of that name" in result.stderr


def test_policy_below_a_write_grant_is_read_only(box, policy):
    flag = policy()
    out, _ = box.json(flag, "--allow-read=.", "--allow-write=.", code="""
        out["policy"] = attempt(open, "p.json", "a")
        out["unlink"] = attempt(os.unlink, "p.json")
        out["other"] = attempt(lambda: open("x", "w").write("x"))
    """)
    assert out["policy"] == "EACCES" and out["other"] == 1
    assert out["unlink"] in ("EBUSY", "EACCES", "EROFS")


def test_denials_are_grouped_and_limited(box):
    result = box.run(code="""
        for n in range(3000):
            try:
                open("same", "w")
            except OSError:
                pass
        for n in range(3000):
            try:
                open(f"file{n}", "w")
            except OSError:
                pass
    """)
    assert len(result.stderr.splitlines()) < 600, len(result.stderr.splitlines())
    assert result.denied("write", "same") and "more" in result.stderr, str(result)[:3000]


def test_terminal_escapes_are_neutralised(box):
    result = box.run(code="""
        try:
            open("evil\\x1b]0;title\\x07\\nbuntime: fake\\x9b31m\\u202e", "w")
        except OSError:
            pass
    """)
    assert result.denied("write", "evil"), str(result)
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(result.stderr)
    assert "\nbuntime: fake" not in result.stderr
