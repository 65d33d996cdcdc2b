# SPDX-License-Identifier: LGPL-2.1-or-later
"""Layers that a policy file turns off, and system calls that it adds to the refused."""

import json
import os

import pytest


@pytest.fixture
def policy(tmp_path):
    def write(name="p.json", **keys):
        path = tmp_path / name
        path.write_text(json.dumps({"version": 1, **keys}), encoding="utf-8")
        return f"--policy={path}"
    return write


VIEW = """
    import socket, ctypes
    out["home"] = attempt(lambda: open("/etc/shadow").read(1) and "read")
    out["host"] = attempt(lambda: os.listdir("/home/user"))
    out["write"] = attempt(lambda: open("/usr/x", "w") and "written")
    out["net"] = attempt(lambda: socket.create_connection(("203.0.113.10", 443), 3) and "reached")
    out["run"] = attempt(lambda: subprocess.run(["/usr/bin/env"], capture_output=True).returncode)
    out["landlock"] = ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1) > 0
    status = open("/proc/self/status").read()
    out["seccomp"] = int(status.split("Seccomp:")[1].split()[0])
    out["caps"] = int(status.split("CapEff:")[1].split()[0], 16)
    out["no_new_privs"] = int(status.split("NoNewPrivs:")[1].split()[0])
    out["nested"] = attempt(lambda: subprocess.run(["/usr/bin/unshare", "-U"]).returncode)
    try:
        os.memfd_create("x")
        out["memfd"] = "made"
    except OSError as error:
        out["memfd"] = "refused"
"""


def test_all_on(box, policy):
    out, result = box.json(policy(plugins={"seccomp": True, "landlock": True}), code=VIEW)
    assert out["seccomp"] == 2 and out["memfd"] == "refused", str(result)
    assert "is off" not in result.stderr


def test_seccomp_off(box, policy):
    out, result = box.json(policy(plugins={"seccomp": False}), code=VIEW)
    assert result.stderr.count("plugins.seccomp is off") == 1, str(result)
    assert out["seccomp"] == 0 and out["memfd"] == "made"
    # The other layers hold as before.
    # Of the host only the way to the entry.
    assert out["home"] in ("ENOENT", "EACCES") and out["host"] == ["t"]
    assert out["write"] == "EROFS"
    assert out["net"] != "reached"
    assert out["run"] == "EACCES"
    assert out["caps"] == 0 and out["no_new_privs"] == 1
    assert out["nested"] != 0


def test_seccomp_off_exit_status_and_signals(box, policy):
    result = box.run(policy(plugins={"seccomp": False}), code="raise SystemExit(7)\n")
    assert result.status == 7, str(result)
    result = box.run(policy(plugins={"seccomp": False}),
                     code="import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    assert result.status == 137, str(result)
    result = box.run(policy(plugins={"seccomp": False}), name="w.sh", code="#!/nothing/here\n")
    assert result.status in (126, 127), str(result)


def test_landlock_off(box, policy):
    out, result = box.json(policy(plugins={"landlock": False}), code=VIEW)
    assert result.stderr.count("plugins.landlock is off") == 1, str(result)
    assert out["seccomp"] == 2 and out["memfd"] == "refused"
    # Of the host only the way to the entry.
    assert out["home"] in ("ENOENT", "EACCES") and out["host"] == ["t"]
    assert out["write"] == "EACCES"
    assert out["net"] == "EACCES"
    assert out["run"] == "EACCES"


@pytest.mark.parametrize("keys,flags", [
    ({"fs": {"rules": [{"action": "warn", "path": "/srv", "perms": ["read_file"]}]}}, []),
    ({"exec": {"rules": [{"action": "warn", "path": "/usr/bin/env"}]}}, []),
    ({"antiEscape": {"denySyscalls": ["fsync"]}}, []),
    ({"audit": {"enabled": True, "events": ["connect"]}}, []),
    ({}, ["--deny-unix=/run"]),
    ({"unix": {"rules": [{"action": "warn", "path": "/run"}]}}, []),
    ({"unix": {"rules": [{"action": "deny", "path": "/run"}]}}, []),
    ({}, ["--deny-sys=hostname"]),
])
def test_what_needs_seccomp_is_refused(box, policy, keys, flags):
    result = box.run(policy(plugins={"seccomp": False}, **keys), *flags, code="print('ran')\n")
    assert result.status == 125 and "ran" not in result.stdout, str(result)
    assert "seccomp" in result.stderr and "turned off" in result.stderr


def test_what_needs_landlock_is_refused(box, policy, tmp_path):
    place = tmp_path.parent / "place"
    place.mkdir(exist_ok=True)
    result = box.run(policy(plugins={"landlock": False}), f"--allow-write={place}",
                     code="print('ran')\n")
    assert result.status == 125 and "ran" not in result.stdout, str(result)
    assert "turned off" in result.stderr


def test_off_only_where_every_file_says_so(box, policy):
    off = policy(plugins={"seccomp": False})
    silent = policy(name="q.json")
    for first, second in ((off, silent), (silent, off)):
        out, result = box.json(first, second, code=VIEW)
        assert out["seccomp"] == 2, str(result)
        assert "is off" not in result.stderr


@pytest.mark.parametrize("way", ["policy", "tier"])
def test_namespaces_stay_on_where_landlock_would_not_do(box, policy, way, request):
    """What test_flat.py and test_tier.py have on newer kernels is refused, and nothing of it runs."""
    older = box.world.older
    request.addfinalizer(lambda: setattr(box.world, "older", older))
    box.world.make_older(1)
    flag = "--tier=landlock" if way == "tier" else policy(plugins={"namespaces": False})
    result = box.run(flag, code="print('ran')\n")
    assert result.status == 125 and result.stdout == "", str(result)
    assert "Landlock: its version here, 1, " in result.stderr, str(result)
    assert "use Linux 6.1 or newer, or leave the layer namespaces on" in result.stderr, str(result)


def test_namespaces_wanted_by_no_file_allow_no_sandbox(box, policy):
    result = box.run("--no-sandbox", policy(plugins={"namespaces": False}), code="print('ran')\n")
    assert result.status == 0 and result.stdout == "ran\n", str(result)


# ---- antiEscape ----

CALLS = """
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)

    def call(number, *args):
        ctypes.set_errno(0)
        result = libc.syscall(number, *args)
        return ctypes.get_errno() if result < 0 else 0

    out["fsync"] = call(74, 1)
    out["getppid"] = call(110)
    out["clone3"] = call(435, 0, 0)
    out["ptrace"] = call(101, 0, 0, 0, 0)
    out["uname"] = attempt(lambda: os.uname() and "told")
    import threading
    thread = threading.Thread(target=lambda: out.update(thread=True))
    thread.start()
    thread.join()
"""


def test_deny_syscalls(box, policy):
    before, _ = box.json(code=CALLS)
    assert before["fsync"] != 1 and before["getppid"] == 0 and before["clone3"] == 38
    out, result = box.json(policy(antiEscape={"denySyscalls": ["fsync", "clone3", "ptrace", "fsync"]}),
                           code=CALLS)
    assert out["fsync"] == 1, str(result)
    assert out["getppid"] == 0
    # Already refused: the errno that libraries rely on stays.
    assert out["clone3"] == 38 and out["ptrace"] == 1
    assert out["thread"] is True


@pytest.mark.parametrize("name", ["fsnyc", "", "fsync "])
def test_no_such_call(box, policy, name):
    """A denial of nothing would be one that does not hold."""
    result = box.run(policy(antiEscape={"denySyscalls": [name]}), code="print('ran')\n")
    assert result.status == 125 and "no system call has this name" in result.stderr, str(result)


@pytest.mark.parametrize("name, reason", [
    ("execve", "started by execve"), ("read", "no program starts"), ("write", "no program starts"),
])
def test_the_program_itself_must_start(box, policy, name, reason):
    result = box.run(policy(antiEscape={"denySyscalls": [name]}), code="print('ran')\n")
    assert result.status == 125 and reason in result.stderr, str(result)


# ---- env, sys, ffi, audit by file ----

def test_env(box, policy):
    code = "out['env'] = {n: os.environ.get(n) for n in ('TOKEN', 'AWS_A', 'AWS_B', 'MADE', 'LANG')}\n"
    caller = {"TOKEN": "t", "AWS_A": "a", "AWS_B": "b", "MADE": "callers"}
    out, result = box.json(policy(env={"allow": ["AWS_*"], "deny": ["AWS_B"],
                                       "set": {"MADE": "policys", "LANG": "C.UTF-8"}}),
                           code=code, env=caller)
    assert out["env"] == {"TOKEN": None, "AWS_A": "a", "AWS_B": None, "MADE": "policys",
                          "LANG": "C.UTF-8"}, str(result)


def test_two_values_for_one_variable(box, policy):
    one = policy(env={"set": {"MADE": "1"}})
    two = policy(name="q.json", env={"set": {"MADE": "2"}})
    result = box.run(one, two, code="print('ran')\n")
    assert result.status == 125 and "sets another value" in result.stderr, str(result)
    assert box.run(one, one, code="print('ran')\n").stdout == "ran\n"


def test_sys(box, policy):
    code = "out['name'] = os.uname().nodename\n"
    out, _ = box.json(policy(sys={"allow": ["hostname"]}), code=code)
    assert out["name"] == os.uname().nodename
    out, _ = box.json(policy(sys={"allow": ["hostname"], "deny": ["hostname"]}), code=code)
    assert out["name"] == "buntime"
    result = box.run(policy(sys={"deny": ["uid"]}), code="print('ran')\n")
    assert result.status == 125 and "cannot be hidden" in result.stderr, str(result)


def test_audit(box, policy):
    result = box.run(policy(audit={"enabled": True, "events": ["connect"]}), code="""
        import socket
        try:
            socket.create_connection(("203.0.113.10", 443), 3)
        except OSError:
            pass
    """)
    assert result.status == 0 and "denied net 203.0.113.10:443" in result.stderr, str(result)
    result = box.run(policy(audit={"events": ["conect"]}), code="print('ran')\n")
    assert result.status == 125 and 'did you mean "connect"?' in result.stderr, str(result)
