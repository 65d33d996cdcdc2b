# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is enforced with which of the engine's options, and what doctor says of it."""

import json

import pytest
from engine import PROFILE, WHOLE
from test_image import ALLOWED, REFUSED

TOUR = "/usr/share/doc/buntime/examples/tour.py"
FILTER = ["--security-opt", f"seccomp={PROFILE}"]
UNMASKED = ["--security-opt", "unmask=ALL"]
CURE = ["--security-opt seccomp=FILE --security-opt unmask=ALL", "--tier=landlock"]
PTRACE = "--cap-add=SYS_PTRACE"


class Report:
    def __init__(self, engine, options):
        self.result = engine.run("doctor", "--json", options=options)
        self.json = json.loads(self.result.stdout)
        self.checks = {check["name"]: check for check in self.json["checks"]}
        assert self.checks["container"]["value"] == "Podman"
        assert self.result.status == (0 if self.json["enforced"] else 1), str(self.result)

    def missing(self):
        return [name for name, check in self.checks.items() if check["found"] == "missing" and check["required"]]


def test_whole(engine):
    report = Report(engine, WHOLE)
    assert report.json["enforced"] and report.missing() == [], str(report.result)
    assert report.checks["veth"]["found"] == "ok", str(report.result)


@pytest.mark.parametrize("options, missing, reason", [
    ([], "namespaces", "host name: Operation not permitted"),
    (UNMASKED, "namespaces", "host name: Operation not permitted"),
    (FILTER, "procfs", "proc: Operation not permitted"),
    (["--security-opt", "seccomp=unconfined"], "procfs", "proc: Operation not permitted"),
], ids=["default", "unmasked", "filter", "unconfined"])
def test_too_little(engine, options, missing, reason):
    """Nothing runs, and doctor and the run name the same cures."""
    report = Report(engine, options)
    assert report.missing() == [missing], str(report.result)
    check = report.checks[missing]
    assert check["reason"] == reason and all(word in check["cure"] for word in CURE), str(report.result)
    assert PTRACE not in check["cure"], str(report.result)
    result = engine.run(options=options)
    assert result.status == 125 and result.stdout == "", str(result)
    assert result.stderr.endswith(f"\n  {check['cure']}\n"), str(result)


def check_weaker_tier(engine, options):
    """It is asked for by name, and refuses what it cannot give rather than to weaken it."""
    result = engine.run("--tier=landlock", "--allow-net=github.com", "run", TOUR, options=options)
    assert result.stdout.startswith("This is python3["), str(result)
    assert result.tour("refused") >= REFUSED, str(result)
    # It has no /tmp of its own.
    assert ALLOWED - result.tour("allowed") <= {"write /tmp/note", "connect to a socket it made"}, str(result)
    assert "buntime: --tier=landlock: Landlock and seccomp alone hold the program" in result.stderr
    assert "buntime: denied net example.com:443 (tcp) by python3[" in result.stderr


@pytest.mark.parametrize("options", [
    [],
    ["--user", "4711:0", "--cap-drop=ALL", "--security-opt", "no-new-privileges", "--read-only"],
], ids=["default", "restricted"])
def test_weaker_tier(engine, options):
    check_weaker_tier(engine, options)


# Docker's own filter, for who has no capability: no namespace, no mount, and nothing of another process.
UNSHARING = ["unshare", "setns", "mount", "umount2", "pivot_root", "fsopen", "fsconfig", "fsmount", "move_mount",
             "open_tree", "mount_setattr", "sethostname"]
TAKING = "pidfd_getfd"


def docker_filter(folder, refused):
    """The effects of Docker's, made of ours, by which container engines of any kind can be had."""
    profile = json.loads(PROFILE.read_text(encoding="utf-8"))
    for rule in profile["syscalls"]:
        rule["names"] = [name for name in rule["names"] if name not in [*refused, "clone"]]
    profile["syscalls"] += [
        {"names": refused, "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
        # All bits of CLONE_NEW* but that of time namespaces, which is another's, too.
        {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
         "args": [{"index": 0, "value": 0x7e020000, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]},
        {"names": ["clone"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
         "args": [{"index": 0, "value": 0x10000000, "valueTwo": 0x10000000, "op": "SCMP_CMP_MASKED_EQ"}]},
    ]
    path = folder / "seccomp.json"
    path.write_text(json.dumps(profile), encoding="utf-8")
    return ["--security-opt", f"seccomp={path}"]


def test_docker_by_default(engine, tmp_path):
    """Nothing runs, not even the weaker tier, and that is told, with what this one would need."""
    options = docker_filter(tmp_path, [*UNSHARING, TAKING])
    report = Report(engine, options)
    assert report.missing()[0] == "namespaces", str(report.result)
    assert all(word in report.checks["namespaces"]["cure"] for word in [*CURE, PTRACE]), str(report.result)
    result = engine.run(options=options)
    assert result.status == 125 and result.stdout == "", str(result)
    result = engine.run("--tier=landlock", "run", TOUR, options=options)
    assert result.status == 125 and result.stdout == "" and TAKING in result.stderr, str(result)


def test_docker_with_ptrace(engine, tmp_path):
    """--cap-add=SYS_PTRACE is what opens that call in Docker's filter: the weaker tier needs no more."""
    check_weaker_tier(engine, docker_filter(tmp_path, UNSHARING))
