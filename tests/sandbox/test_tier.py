# SPDX-License-Identifier: LGPL-2.1-or-later
"""--tier=landlock: who chooses it, what it says, what it refuses. (test_flat.py has what it holds.)"""

import json
import shutil
import subprocess

import pytest
from test_doctor import DOCKER, EPERM, FLATPAK, NEW_ROOT, PODMAN, SYSCTL, UNSHARE, doctor, prepared

pytestmark = pytest.mark.landlock(2)  # Linux 6.1; test_plugins.py has what is said before

TIER = "--tier=landlock"
LINES = [f"{TIER}: Landlock and seccomp alone", "not held without namespaces:"]
NO_NAMESPACES = "echo 0 > /proc/sys/user/max_user_namespaces"
PIDFD_GETFD = [438]


def test_it_is_announced(box):
    out, result = box.json(TIER, code="""
        out["tmp"] = attempt(lambda: open("/tmp/x", "w"))
        out["init"] = attempt(lambda: os.listdir("/proc"))
        out["seccomp"] = int(open("/proc/self/status").read().split("Seccomp:")[1].split()[0])
    """)
    assert out == {"tmp": "EACCES", "init": "EACCES", "seccomp": 2}, str(result)
    for line in LINES:
        assert result.stderr.count(line) == 1, str(result)


def test_it_is_in_the_events(box):
    result = box.run(TIER, f"--events={box.directory}/events", code="print('ran')\n")
    first = json.loads((box.directory / "events").read_text(encoding="utf-8").splitlines()[0])
    assert first["action"] == "started", str(result)
    assert first["reason"] == "the weaker tier, landlock: without namespaces"


@pytest.mark.parametrize("text", ['{"version": 1}',
                                  '{"version": 1, "plugins": {"namespaces": true}}'])
def test_it_is_no_part_of_a_policy(box, text):
    """The same file means the same; how it is held is said on the command line."""
    box.write("p.json", text)
    for flags in ([TIER, "--policy=./p.json"], ["--policy=./p.json", TIER]):
        result = box.run(*flags, code="import os; print(os.path.exists('/proc/self/ns/user'))\n")
        assert result.status == 0 and LINES[0] in result.stderr, str(result)
    result = box.world.run([TIER, "--policy=./p.json", "init-policy"], cwd=box.directory)
    assert result.status == 2 and "--tier" in result.stderr, str(result)


def test_the_other_tier(box):
    out, result = box.json(TIER, "--tier=namespaces", code="out['pid'] = os.getppid()")
    assert out["pid"] == 1 and "landlock" not in result.stderr, str(result)
    result = box.run("--tier=both", code="")
    assert result.status == 2 and "--tier=namespaces|landlock" in result.stderr, str(result)


def test_check_knows_it(box):
    for value, status in (("198.51.100.20:443", 0), ("198.51.100.20:443/udp", 1),
                          ("198.51.100.20:53", 1), ("127.0.0.1:80", 1)):
        for flags, expected in (([TIER], status), ([], 0 if value.endswith("/udp") else status)):
            result = box.world.run([*flags, "--allow-net=0.0.0.0/0,0.0.0.0/0/udp", "check", "net", value])
            assert result.status == expected, str(result)
    result = box.world.run([TIER, "--allow-net=localhost", "check", "net", "localhost:5432"])
    assert result.status == 0, str(result)
    result = box.world.run([TIER, "--allow-net=github.com", "check", "net", "github.com:443"])
    assert result.status == 0 and "no bytes are looked at" in result.stdout, str(result)


def test_a_grant_of_interfaces_shows_none(box):
    """Whether by a flag or by a policy file; what is granted with it is."""
    code = "import socket\nprint(open('/proc/loadavg').read())\nsocket.if_nameindex()\n"
    box.write("p.json", '{"version": 1, "sys": {"allow": ["networkInterfaces", "loadavg"]}}')
    for grant, name in (("--allow-sys=networkInterfaces,loadavg", "--allow-sys=networkInterfaces"),
                        ("--policy=./p.json", "sys.allow[0]")):
        result = box.run(TIER, grant, code=code)
        said = [line for line in result.stderr.splitlines() if "sees no interfaces" in line]
        assert len(said) == 1 and f"{name}: without namespaces" in said[0], str(result)
        assert result.status == 1 and result.stdout and "if_nameindex" in result.stderr, str(result)
    assert "no interfaces" not in box.run(TIER, "--allow-sys=loadavg", code="pass\n").stderr


def test_not_without_a_sandbox(box):
    result = box.run(TIER, "--no-sandbox", code="print('ran')\n")
    assert result.status == 2 and result.stdout == "" and "--tier" in result.stderr, str(result)


@pytest.mark.parametrize("deny", ["./venv", ".", "./venv/bin"])
def test_a_denied_environment_runs_nothing(box, deny):
    """An interpreter brings its libraries, which are loaded but not run; or what brings more is refused."""
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", box.directory / "venv"], check=True)
    shutil.copy("/usr/bin/true", box.directory / "venv/bin/tool")
    result = box.run(TIER, "--allow-run", f"--deny-run={deny}", code="""
        import subprocess, sys
        assert sys.prefix != sys.base_prefix
        subprocess.run(["/usr/bin/true"], check=True)
        try:
            print(subprocess.run(["venv/bin/tool"]).returncode)
        except PermissionError as error:
            print(error.filename)
    """, env={"VIRTUAL_ENV": str(box.directory / "venv")})
    if deny == "./venv/bin":
        assert result.status == 125 and "--deny-run=./venv/bin" in result.stderr, str(result)
    else:
        assert result.status == 0 and result.stdout == "venv/bin/tool\n", str(result)


# ---- where namespaces are refused ----

def test_a_run_that_fails_names_it(world):
    result = prepared(world, ["run", "/usr/bin/true"], NO_NAMESPACES)
    assert result.status == 125 and "sysctl" in result.stderr, str(result)
    assert TIER in result.stderr.splitlines()[-1], str(result)
    result = prepared(world, [TIER, "run", "/usr/bin/true"], NO_NAMESPACES)
    assert result.status == 0 and LINES[0] in result.stderr, str(result)


@pytest.mark.parametrize("what", ["proc", "mounts"])
def test_where_only_mounts_are_refused(world, what):
    """A container's masks, and its filter."""
    preparation = f"{DOCKER}\nmount -t tmpfs mask /proc/sys/fs" if what == "proc" else DOCKER
    refuse = ([429], EPERM) if what == "mounts" else None
    result = prepared(world, ["run", "/usr/bin/true"], preparation, refuse=refuse)
    assert result.status == 125, str(result)
    last = result.stderr.splitlines()[-1]
    assert "--security-opt" in last and TIER in last, str(result)
    result = prepared(world, [TIER, "run", "/usr/bin/true"], preparation, refuse=refuse)
    assert result.status == 0, str(result)


def test_where_landlock_is_too_old_it_is_not_named(world):
    """No cure that would not help."""
    refuse = ([444], EPERM)
    result = prepared(world, ["run", "/usr/bin/true"], NO_NAMESPACES, refuse=refuse)
    assert result.status == 125 and TIER not in result.stderr, str(result)
    result = prepared(world, [TIER, "run", "/usr/bin/true"], NO_NAMESPACES, refuse=refuse)
    assert result.status == 125 and "Landlock" in result.stderr, str(result)


def test_doctor_has_a_row(world):
    report = doctor(world, NO_NAMESPACES)
    assert report.found("tier") == "ok" and not report.json["enforced"]
    assert TIER in report.checks["namespaces"]["cure"]
    table = prepared(world, ["doctor"], NO_NAMESPACES)
    assert table.status == 1 and f"yes  {TIER}" in table.stdout, str(table)
    assert f"no run will start, but for those with {TIER}" in table.stdout.splitlines()[-1]


# ---- inside Flatpak ----

def test_flatpak_chooses_it(world):
    preparation = f"{FLATPAK}\n{NO_NAMESPACES}"
    result = prepared(world, ["run", "/usr/bin/true"], preparation)
    assert result.status == 0, str(result)
    assert result.stderr.count("Flatpak, in which no namespace can be made: Landlock and seccomp alone") == 1
    result = prepared(world, ["--events=-", "run", "/usr/bin/true"], preparation)
    assert result.status == 0 and '"the weaker tier, landlock' in result.stdout, str(result)
    table = prepared(world, ["doctor"], preparation)
    assert table.status == 1 and "runs are held by Landlock alone" in table.stdout, str(table)


def test_flatpak_that_allows_namespaces(world):
    result = prepared(world, ["run", "/usr/bin/true"], FLATPAK)
    assert result.status == 0 and "Landlock" not in result.stderr, str(result)


def test_nobody_else_chooses_it(world):
    """Not even there, if somebody chose."""
    result = prepared(world, ["--tier=namespaces", "run", "/usr/bin/true"], f"{FLATPAK}\n{NO_NAMESPACES}")
    assert result.status == 125 and "Landlock and seccomp alone" not in result.stderr, str(result)
    result = prepared(world, ["run", "/usr/bin/true"], NO_NAMESPACES,
                      env={"FLATPAK_ID": "io.github.buntime.buntime", "container": "flatpak"})
    assert result.status == 125, str(result)


# ---- descriptors cannot be taken ----

@pytest.mark.parametrize("preparation, words", [
    (NEW_ROOT, "whatever started this refuses it by a filter: allow the call pidfd_getfd"), (DOCKER, "--cap-add=SYS_PTRACE"),
])
@pytest.mark.parametrize("flags", [[], [TIER]])
def test_a_container_that_refuses_pidfd_getfd(world, preparation, words, flags):
    result = prepared(world, [*flags, "run", "/usr/bin/true"], preparation,
                      refuse=(PIDFD_GETFD, EPERM))
    assert result.status == 125 and "seccomp listener" in result.stderr, str(result)
    assert words in result.stderr.splitlines()[-1], str(result)


PTRACE = "--cap-add=SYS_PTRACE"


@pytest.mark.parametrize("preparation, env, named", [
    (DOCKER, {}, True), (PODMAN, {}, True), (NEW_ROOT, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, True),
    (NEW_ROOT, {}, False),
], ids=["docker", "podman", "kubernetes", "none"])
def test_where_it_needs_an_option_that_is_told_at_once(world, preparation, env, named):
    """Docker's own filter: no namespaces, and nothing of another process. Elsewhere nobody knows how."""
    refuse = ([*UNSHARE, *PIDFD_GETFD], EPERM)
    report = doctor(world, preparation, refuse=refuse, env=env)
    cure = report.checks["namespaces"]["cure"]
    assert (TIER in cure, PTRACE in cure) == (named, named), cure
    assert report.found("tier") == "missing" and "pidfd_getfd" in report.checks["tier"]["cure"]
    # With that option alone nothing more is to be said.
    report = doctor(world, preparation, refuse=(UNSHARE, EPERM), env=env)
    cure = report.checks["namespaces"]["cure"]
    assert report.found("tier") == "ok" and TIER in cure and PTRACE not in cure


@pytest.mark.parametrize("scope, named", [(1, True), (2, False)])
def test_where_yama_forbids_it_it_is_not_named(world, scope, named):
    preparation = SYSCTL.format(name="nothing", value=0) + (
        f"\nmkdir /proc/sys/kernel/yama; echo {scope} > /proc/sys/kernel/yama/ptrace_scope")
    cure = doctor(world, preparation, refuse=(UNSHARE, EPERM)).checks["namespaces"]["cure"]
    assert (TIER in cure) == named, cure
