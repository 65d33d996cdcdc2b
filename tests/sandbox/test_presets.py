# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each preset: what it stops and what it does not, as its description says."""

import json

import pytest

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
    heard = {contact["port"] for contact in world.host_contacts(mark)}
    assert heard == ({7003} if preset == "networked" else set())


def test_every_preset_is_proven(world):
    names = {path.stem for path in (world.source / "policies").glob("*.json")}
    assert names == set(GRANTS)


def test_net_egress_warns_of_ssh(project):
    _, result = granted(project, "--policy=net-egress")
    warned = [event for event in result.events if event.action.startswith("warn")]
    assert [event.object for event in warned] == ["198.51.100.10:22 (tcp)"], str(result)


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
