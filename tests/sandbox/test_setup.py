# SPDX-License-Identifier: LGPL-2.1-or-later
"""A layer that cannot be set up ends the run with 125, its name and the cure."""

import resource
import shutil
import struct

import pytest

RUN_WITHOUT_CAPABILITIES = "exec setpriv --ambient-caps=-all --inh-caps=-all \"$@\""


def run_in(world, preparation, entry, *options, flags=()):
    """Runs buntime in namespaces of their own, after a preparation with all capabilities there."""
    return world.run_command(
        ["unshare", "--user", "--map-current-user", "--keep-caps", *options, "sh", "-ec",
         f"{preparation}; {RUN_WITHOUT_CAPABILITIES}", "sh", *world.command(["run", *flags, str(entry)])])


def check(result, *words):
    assert result.status == 125, str(result)
    assert "it ran" not in result.stdout, str(result)
    assert result.stderr.startswith("buntime: "), str(result)
    for word in words:
        assert word in result.stderr, str(result)


def test_the_preparation_alone_breaks_nothing(world, box):
    entry = box.write("w.py", "print('it ran')\n")
    result = run_in(world, "true", entry, "--mount")
    assert result.status == 0 and "it ran" in result.stdout, str(result)


def test_no_user_namespaces_left(world, box):
    entry = box.write("w.py", "print('it ran')\n")
    result = run_in(world, "echo 0 > /proc/sys/user/max_user_namespaces", entry)
    check(result, "user.max_user_namespaces", "sysctl")


@pytest.mark.parametrize("kind, name", [
    ("net", "network namespace"), ("mnt", "mount and uts namespaces"),
    ("uts", "mount and uts namespaces"), ("ipc", "ipc namespace"), ("cgroup", "cgroup namespace"),
])
def test_no_namespaces_of_a_kind_left(world, box, kind, name):
    entry = box.write("w.py", "print('it ran')\n")
    result = run_in(world, f"echo 0 > /proc/sys/user/max_{kind}_namespaces", entry)
    check(result, name, "user.max_*_namespaces", "sysctl")


def test_masked_proc(world, box):
    """As container engines do it: the kernel then gives nobody a procfs without the mask."""
    entry = box.write("w.py", "print('it ran')\n")
    result = run_in(world, "mount -t tmpfs mask /proc/sys/fs", entry, "--mount")
    check(result, "procfs", "container")


def test_a_helper_is_missing(world, box):
    alone = box.directory / "alone"
    alone.mkdir()
    shutil.copy2(world.buntime, alone / "buntime")
    entry = box.write("w.py", "print('it ran')\n")
    result = world.run_command([str(alone / "buntime"), "run", str(entry)])
    check(result, "buntime-init", "missing", "install buntime again")


@pytest.mark.parametrize("options", [[], ["--memory=64M"], ["--events=events"]])
def test_a_helper_is_no_program(world, box, options):
    """It is not executed, which the supervisor hears of while it does other things."""
    program = box.directory / "src/cli/buntime"
    program.parent.mkdir(parents=True)
    shutil.copy2(world.buntime, program)
    helper = box.directory / "src/init/buntime-init"
    helper.parent.mkdir()
    helper.write_text("no program")
    helper.chmod(0o755)
    entry = box.write("w.py", "print('it ran')\n")
    result = world.run_command([str(program), *options, "run", str(entry)])
    check(result, "buntime-init", "Exec format error", "install buntime again")


@pytest.mark.slow  # of sanitizers: those builds are dynamic
@pytest.mark.parametrize("program", ["src/cli/buntime", "src/init/buntime-init"])
def test_no_loader_is_needed(world, program):
    """Neither glibc's nor musl's, which need not be on the machine that runs it."""
    data = (world.build / program).read_bytes()
    offset, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    kinds = [struct.unpack_from("<I", data, offset + size * number)[0] for number in range(count)]
    pt_load, pt_interp = 1, 3
    assert data[:6] == b"\x7fELF\x02\x01" and pt_load in kinds and pt_interp not in kinds


def test_too_many_files_for_the_limit(box):
    for i in range(80):
        box.write(f"many/{i}.txt", "")
    limit = (80, 80)
    result = box.run("--allow-read=many/*.txt", code="print('it ran')\n",
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit))
    check(result, "Too many open files", "ulimit -n")
