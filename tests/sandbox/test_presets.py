# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each preset: what it stops and what it does not, as its description says."""

import json
import subprocess

import pytest

from world import wait_for

# One of everything a preset may speak of.
PROBE = """
    def read(path):
        with open(path) as file:
            return len(file.read()) >= 0

    def write(path):
        with open(path, "a") as file:
            return file.write("x") == 1

    def run(*command):
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode >= 0

    tries = {
        "read here": (read, "here.txt"), "write here": (write, "here.txt"),
        "write output": (write, "output/out.txt"),
        "read home": (read, "/home/user/diary.txt"),
        "read key": (read, "/home/user/.ssh/id_ed25519"),
        "write home": (write, "/home/user/diary.txt"), "write tmp": (write, "/tmp/new"),
        "read passwd": (read, "/etc/passwd"),
        "true": (run, "/usr/bin/true"), "ls": (run, "/usr/bin/ls"), "env": (run, "/usr/bin/env"),
        "sh": (run, "/bin/sh", "-c", ":"), "git": (run, "/usr/bin/git", "--version"),
        "read hook": (read, ".git/hooks/pre-commit"), "write hook": (write, ".git/hooks/pre-commit"),
        "write config": (write, ".git/config"), "write index": (write, ".git/index"),
    }
    for name, (function, *args) in tries.items():
        out[name] = attempt(function, *args) is True
    for host, port in (("198.51.100.10", 443), ("198.51.100.10", 80), ("198.51.100.10", 22),
                       ("10.99.0.5", 443), ("169.254.169.254", 80), ("192.168.77.1", 7003),
                       ("127.0.0.1", 7001), ("github.com", 443), ("evil.example", 443)):
        out[f"{host}:{port}"] = connect(host, port, timeout=3)[0] == "ok"
"""
PUBLIC = {"198.51.100.10:443", "198.51.100.10:80", "198.51.100.10:22", "github.com:443",
          "evil.example:443"}
PRIVATE = {"10.99.0.5:443", "192.168.77.1:7003"}
# Whatever is granted: nobody listens there, or it must not be reached.
ALWAYS = {"read passwd", "write tmp"}
HERE = {"read here", "write here", "write output", "read hook", "write hook", "write config",
        "write index"}
READ_HERE = {"read here", "read hook"}
ALL_READ = READ_HERE | {"read home", "read key"}
PROGRAMS = {"true", "ls", "env", "sh", "git"}

GRANTS = {
    "default": set(),
    "fs-allowlist": READ_HERE | {"write output"},
    "net-egress": PUBLIC,
    "exec-policy": {"ls"},
    "anti-escape": set(),
    "audit": set(),
    "lambda": {"198.51.100.10:443", "github.com:443", "evil.example:443"},
    "networked": PUBLIC | PRIVATE,
    "readonly": ALL_READ,
    "no-network": ALL_READ | HERE | PROGRAMS | {"write home"},
    "strict": set(),
    "desktop": PUBLIC | READ_HERE | {"read home"},  # the project is in the home, and not hidden
    "agent": HERE - {"write hook", "write config"} | PROGRAMS | {"github.com:443"},
    "pip-install": HERE,
    "npm-install": HERE | {"env"},
    "mcp-server": READ_HERE,
}


@pytest.fixture
def project(box):
    """A project of the user's, with a repository."""
    for name in ("here.txt", "output/old.txt", ".git/hooks/pre-commit", ".git/config", ".git/index"):
        box.write(name, "x\n")
    return box


def granted(project, *flags):
    out, result = project.json(*flags, code=PROBE, timeout=60)
    return {name for name, ok in out.items() if ok}, result


@pytest.mark.host_contact
@pytest.mark.parametrize("preset", sorted(GRANTS))
def test_grants_that_and_nothing_else(project, world, preset):
    mark = world.mark()
    found, result = granted(project, f"--policy={preset}")
    assert found == GRANTS[preset] | ALWAYS, f"{found ^ (GRANTS[preset] | ALWAYS)}\n{result}"
    # Of the host's own listeners one can be reached, and only where its description says so.
    expected = {7003} if preset == "networked" else set()
    def heard():
        return {contact["port"] for contact in world.host_contacts(mark)}
    wait_for(lambda: heard() >= expected, what="the listener's word")
    assert heard() == expected


def test_every_preset_is_proven(world):
    names = {path.stem for path in (world.source / "policies").glob("*.json")}
    assert names == set(GRANTS)


def test_net_egress_warns_of_ssh(project):
    _, result = granted(project, "--policy=net-egress")
    warned = [event for event in result.events if event.action.startswith("warn")]
    assert [event.object for event in warned] == ["198.51.100.10:22 (tcp)"], str(result)


@pytest.mark.parametrize("address,statuses", [
    ("198.51.100.10", {22: 3, 25: 3, 2222: 3, 3306: 3, 5432: 3, 6379: 3, 443: 0, 80: 0, 23: 0}),
    ("10.1.2.3", {22: 1, 443: 1}), ("172.16.0.1", {443: 1}), ("172.32.0.1", {443: 0}),
    ("192.168.1.1", {443: 1}), ("100.64.0.1", {443: 1}), ("169.254.169.254", {80: 1}),
    ("127.0.0.1", {80: 1}), ("0.0.0.0", {80: 1}), ("[::1]", {80: 1}), ("[fe80::1]", {80: 1}),
    ("[fd00::1]", {80: 1}),
])
def test_net_egress_range_by_range(world, address, statuses):
    for port, status in statuses.items():
        for proto in ("", "/udp") if status == 1 else ("",):
            checked = world.run(["check", "--policy=net-egress", "net", f"{address}:{port}{proto}"])
            assert checked.status == status, str(checked)


def test_audit_reports_what_was_allowed_and_what_was_not(project, tmp_path_factory):
    path = tmp_path_factory.mktemp("events") / "e.jsonl"
    flags = ["--allow-read=here.txt", "--allow-run=ls", "--allow-net=198.51.100.10:443"]
    granted(project, "--policy=audit", f"--events={path}", *flags)
    told = {(event["action"], event["kind"], (event["object"] or "").rsplit("/", 1)[-1])
            for event in map(json.loads, path.read_text(encoding="utf-8").splitlines())}
    assert told >= {("allow", "read", "here.txt"), ("allow", "run", "ls"),
                    ("allow", "net", "198.51.100.10:443 (tcp)"), ("deny", "run", "env"),
                    ("deny", "read", "diary.txt"), ("deny", "net", "198.51.100.10:80 (tcp)")}


def test_anti_escape_takes_calls_away(project, world):
    """Each of its calls is refused, whatever its arguments, and by it alone."""
    with open(world.source / "policies/anti-escape.json", encoding="utf-8") as file:
        names = json.load(file)["antiEscape"]["denySyscalls"]
    code = """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        for word in sys.argv[1:]:
            name, number = word.split("=")
            # No descriptor, address, command or flag is right.
            out[name] = libc.syscall(int(number), -1, -1, -1, -1, -1, -1)
            out[name] = errno.errorcode.get(ctypes.get_errno()) if out[name] < 0 else "ok"
    """
    calls = [f"{name}={number}" for name, number in numbers_of(names).items()]
    without, _ = project.json(code=code, args=calls)
    found, _ = project.json("--policy=anti-escape", code=code, args=calls)
    assert len(found) == len(names) and set(found.values()) == {"EPERM"}, found
    always = {name for name, what in without.items() if what == "EPERM"}
    assert not always, f"refused anyway: {always}"


def numbers_of(names):
    """As the C library's headers have them."""
    text = "#include <sys/syscall.h>\n" + "".join(f"@{name}=SYS_{name}\n" for name in names)
    done = subprocess.run(["cc", "-E", "-P", "-x", "c", "-"], input=text, capture_output=True,
                          text=True, check=True)
    return dict(line[1:].split("=") for line in done.stdout.splitlines() if line.startswith("@"))


@pytest.mark.host_contact
def test_strict_stands_over_other_files_and_not_over_flags(project):
    loosened = ["--policy=no-network", "--policy=networked"]
    found, _ = granted(project, *loosened)
    assert found >= PROGRAMS | {"write here", "198.51.100.10:443"}
    found, result = granted(project, *loosened, "--policy=strict")
    assert found == ALL_READ | ALWAYS, str(result)
    found, _ = granted(project, "--policy=strict", "--allow-net=198.51.100.10:80")
    assert found == {"198.51.100.10:80"} | ALWAYS


def test_a_project_extends_a_preset(project):
    project.write("p.json", json.dumps({
        "version": 1, "extends": ["mcp-server"],
        "net": {"rules": [{"action": "allow", "proto": "tcp", "host": "github.com",
                           "ports": "443"}]}}))
    found, _ = granted(project, "--policy=./p.json")
    assert found == READ_HERE | {"github.com:443"} | ALWAYS


def test_registries_are_reached_by_name(project, world):
    """They are none of the world's names: what counts is that they are asked for at all."""
    for preset, name in (("pip-install", "pypi.org"), ("npm-install", "registry.npmjs.org"),
                         ("agent", "api.anthropic.com")):
        checked = world.run(["check", f"--policy={preset}", "net", f"{name}:443"],
                            cwd=project.directory)
        assert checked.status == 0, str(checked)
        for other in (f"{name}:80", "example.org:443"):
            checked = world.run(["check", f"--policy={preset}", "net", other],
                                cwd=project.directory)
            assert checked.status == 1, str(checked)
