# SPDX-License-Identifier: LGPL-2.1-or-later
"""data/containers/seccomp.json: what it permits, and that nothing of it could be left out."""

import json
import re

import pytest
from engine import PROFILE, SOURCE
from test_tiers import UNMASKED

# Beyond what a program in a sandbox may call.
MAKING = ["unshare", "setns", "mount", "sethostname", "pivot_root", "umount2", "fsopen", "fsconfig", "fsmount",
          "move_mount", "open_tree", "mount_setattr", "openat2", "pidfd_getfd", "process_vm_readv", "memfd_create"]


@pytest.fixture(scope="module")
def profile():
    return json.loads(PROFILE.read_text(encoding="utf-8"))


def ours(name):
    """A list of the filters that the sandbox is made with."""
    text = (SOURCE / "src/plan/seccomp-lists.h").read_text(encoding="utf-8")
    return re.findall(r'"(\w+)"', re.search(rf"\b{name}\[\] = {{(.*?)}};", text, re.DOTALL)[1])


def names(profile, action):
    return [name for rule in profile["syscalls"] if rule["action"] == action for name in rule["names"]]


def test_what_it_permits(profile):
    """What the sandbox's own filters do, and what makes sandboxes; whatever is new is not there."""
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO" and profile["defaultErrnoRet"] == 38
    assert set(profile["architectures"]) == {"SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"}
    assert names(profile, "SCMP_ACT_ALLOW") == ours("worker_allowed") + MAKING
    refused = [name for name in ours("worker_refused") if name not in MAKING]
    assert names(profile, "SCMP_ACT_ERRNO") == refused
    for needed in ours("init_allowed") + ours("opener_allowed"):
        assert needed in names(profile, "SCMP_ACT_ALLOW"), needed
    for rule in profile["syscalls"]:
        assert set(rule) <= {"comment", "names", "action", "errnoRet"}
        assert rule["action"] == "SCMP_ACT_ALLOW" or rule["errnoRet"] == 1


@pytest.mark.parametrize("name", MAKING)
def test_nothing_could_be_left_out(engine, profile, tmp_path, name):
    less = {**profile, "syscalls": [{**rule, "names": [each for each in rule["names"] if each != name]}
                                    for rule in profile["syscalls"]]}
    path = tmp_path / "seccomp.json"
    path.write_text(json.dumps(less), encoding="utf-8")
    options = [*UNMASKED, "--security-opt", f"seccomp={path}"]
    if name == "mount":  # by which doctor looks for the overlay, which nothing needs yet
        checks = json.loads(engine.run("doctor", "--json", options=options).stdout)["checks"]
        assert {check["name"]: check["found"] for check in checks}["overlay"] == "missing", checks
        return
    result = engine.run(options=options)
    assert result.status != 0, str(result)
