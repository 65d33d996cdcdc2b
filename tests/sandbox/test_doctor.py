# SPDX-License-Identifier: LGPL-2.1-or-later
"""`buntime doctor` in machines that are arranged to lack something: it says what, and the cure."""

import json
import subprocess

import pytest

from world import PLAIN

# Its own mounts, and none of the capabilities that made them when buntime starts.
WITHOUT_CAPABILITIES = 'exec setpriv --ambient-caps=-all --inh-caps=-all "$@"'

# A root that files can be put into, in place of the one there is.
NEW_ROOT = """
mount -t tmpfs root /tmp
for each in /*; do
  if [ -h "$each" ]; then cp -P "$each" "/tmp$each"
  elif [ -d "$each" ] && [ "$each" != /tmp ] && [ "$each" != /run ]; then mkdir "/tmp$each"; mount --rbind "$each" "/tmp$each"
  fi
done
mkdir /tmp/tmp /tmp/run /tmp/old
cd /tmp
/usr/sbin/pivot_root . old
cd /
umount -l /old
"""

# A filter by the calls' numbers, as container engines install one; what follows is executed in it.
REFUSE = """
import ctypes, os, struct, sys
calls = [int(word) for word in sys.argv[1].split(",")]
code = struct.pack("HBBI", 0x20, 0, 0, 0)
for call in calls:
    code += struct.pack("HBBI", 0x15, 0, 1, call) + struct.pack("HBBI", 6, 0, 0, 0x50000 | int(sys.argv[2]))
code += struct.pack("HBBI", 6, 0, 0, 0x7fff0000)
code = ctypes.create_string_buffer(code)
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", (len(code) - 1) // 8, ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.c_void_p(ctypes.addressof(program)), 0, 0) == 0
os.execv(sys.argv[3], sys.argv[3:])
"""
EPERM, ENOSYS = 1, 38
SECCOMP, UNSHARE, MOUNT_CALLS, LANDLOCK = [317], [272], [428, 429, 430, 431, 432, 442], [444, 445, 446]


@pytest.fixture(scope="module")
def filter_program(tmp_path_factory):
    path = tmp_path_factory.mktemp("filter") / "refuse.py"
    path.write_text(REFUSE)
    return str(path)


class Report:
    def __init__(self, result):
        assert result.stderr == "", str(result)
        self.result = result
        self.json = json.loads(result.stdout)
        self.checks = {check["name"]: check for check in self.json["checks"]}
        assert result.status == (0 if self.json["enforced"] else 1), str(result)

    def found(self, name):
        return self.checks[name]["found"]

    def missing(self):
        return [name for name, check in self.checks.items()
                if check["found"] == "missing" and check["required"]]

    def says(self, name, *words):
        assert self.found(name) == "missing", str(self.result)
        text = self.checks[name]["reason"] + "\n" + self.checks[name].get("cure", "")
        for word in words:
            assert word in text, text


def prepared(world, args, preparation=None, *, refuse=None, env=None):
    """buntime where a shell, which has all capabilities in namespaces of its own, prepared something."""
    variables = [f"{name}={value}" for name, value in (env or {}).items()]
    command = [*PLAIN, "/usr/bin/env", *variables, world.buntime, *args]
    if refuse is not None:
        program, calls, error = refuse
        command = ["/usr/bin/python3", program, ",".join(map(str, calls)), str(error), "/usr/bin/env", *command]
    if preparation is not None:
        command = ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "sh", "-ec",
                   f"{preparation}\n{WITHOUT_CAPABILITIES}", "sh", *command]
    return world.run_command(command)


def doctor(world, preparation=None, **kwargs):
    return Report(prepared(world, ["doctor", "--json"], preparation, **kwargs))


@pytest.fixture(scope="module")
def healthy(world):
    return doctor(world)


def test_all_is_well(healthy, world):
    assert healthy.json["v"] == 1 and healthy.json["enforced"] is True and healthy.missing() == []
    assert healthy.found("run") == "ok" and healthy.found("veth") == "ok" and healthy.found("tap") == "ok"
    assert healthy.checks["landlock"]["value"].startswith("ABI ")
    assert healthy.checks["python"]["value"].startswith("/usr/bin/python3 3.")
    table = world.run(["doctor"])
    assert table.status == 0 and table.stderr == "", str(table)
    assert table.stdout.endswith("The default policy can be enforced whole.\n")
    assert "yes  user namespaces\n" in table.stdout and "/usr/bin/python3 3." in table.stdout


def test_the_preparation_alone_breaks_nothing(world, filter_program):
    report = doctor(world, NEW_ROOT, refuse=(filter_program, [499], EPERM))
    assert report.missing() == [] and report.found("run") == "ok"
    assert "value" not in report.checks["flatpak"]


def test_no_user_namespaces_left(world):
    report = doctor(world, "echo 0 > /proc/sys/user/max_user_namespaces")
    report.says("namespaces", "user namespace", "user.max_user_namespaces", "sysctl")
    assert report.found("landlock") == report.found("seccomp") == "ok"
    # What needs a run says nothing of its own.
    assert report.found("python") == "unknown" and report.found("run") == "unknown"


@pytest.mark.parametrize("kind, name", [("net", "network namespace"), ("mnt", "mount namespace"),
                                        ("cgroup", "cgroup namespace")])
def test_no_namespaces_of_a_kind_left(world, kind, name):
    doctor(world, f"echo 0 > /proc/sys/user/max_{kind}_namespaces").says(
        "namespaces", name, "user.max_*_namespaces")


@pytest.mark.parametrize("engine, mark, options", [
    (None, "true", "something is mounted over a part of /proc"),
    ("Docker", "touch /tmp/.dockerenv", "systempaths=unconfined"),
    ("Podman", "touch /tmp/run/.containerenv", "unmask=ALL"),
])
def test_masked_proc(world, engine, mark, options):
    made = NEW_ROOT.replace("cd /tmp\n", f"{mark}\ncd /tmp\n")
    report = doctor(world, f"{made}\nmount -t tmpfs mask /proc/sys/fs")
    assert report.checks["container"].get("value") == engine and report.missing() == ["procfs"]
    report.says("procfs", "proc: Operation not permitted", options)


def test_in_kubernetes(world):
    report = doctor(world, NEW_ROOT, env={"KUBERNETES_SERVICE_HOST": "10.0.0.1"})
    assert report.checks["container"]["value"] == "Kubernetes" and report.json["enforced"]


# As on Ubuntu and on Debian of old: a sysctl, and namespaces that are refused.
SYSCTL = NEW_ROOT + """
mount -t tmpfs sysctls /proc/sys/kernel
echo {value} > /proc/sys/kernel/{name}"""


@pytest.mark.parametrize("name, value, words", [
    ("apparmor_restrict_unprivileged_userns", 1,
     ["AppArmor", "buntime doctor --print-apparmor | sudo tee /etc/apparmor.d/buntime",
      "sudo apparmor_parser -r /etc/apparmor.d/buntime"]),
    ("unprivileged_userns_clone", 0, ["sudo sysctl kernel.unprivileged_userns_clone=1"]),
    ("nothing", 0, ["whatever started this closes user namespaces"]),
])
def test_user_namespaces_are_closed(world, filter_program, name, value, words):
    preparation = SYSCTL.format(name=name, value=value)
    report = doctor(world, preparation, refuse=(filter_program, UNSHARE, EPERM))
    report.says("namespaces", "user namespace: Operation not permitted", *words)
    # One cause, told once.
    assert report.missing() == ["namespaces"] and report.found("procfs") == "unknown"


def test_user_namespaces_are_closed_by_a_container(world, filter_program):
    made = NEW_ROOT.replace("cd /tmp\n", "touch /tmp/.dockerenv\ncd /tmp\n")
    report = doctor(world, made, refuse=(filter_program, UNSHARE, EPERM))
    report.says("namespaces", "--security-opt seccomp=unconfined")
    assert report.missing() == ["namespaces"]


@pytest.mark.parametrize("calls, error, name, words", [
    (MOUNT_CALLS, EPERM, "mounts", ["tmpfs: Operation not permitted", "seccomp"]),
    (LANDLOCK, EPERM, "landlock", ["landlock_create_ruleset", "allow the calls landlock_*"]),
    (LANDLOCK, ENOSYS, "landlock", ["Function not implemented", "CONFIG_SECURITY_LANDLOCK"]),
    (LANDLOCK, 95, "landlock", ["lsm="]),
    (SECCOMP, EPERM, "seccomp", ["seccomp: Operation not permitted", "allow the call seccomp"]),
    (SECCOMP, 22, "seccomp", ["Linux of 5.19"]),
    (SECCOMP, 16, "seccomp", ["another tool listens"]),
])
def test_a_layer_is_refused(world, box, filter_program, calls, error, name, words):
    refuse = (filter_program, calls, error)
    report = doctor(world, NEW_ROOT, refuse=refuse)
    report.says(name, *words)
    assert report.found("namespaces") == "ok" and report.found("run") == "unknown"
    # A run fails with the same line.
    result = prepared(world, ["run", "/usr/bin/true"], NEW_ROOT, refuse=refuse)
    assert result.status == 125, str(result)
    cures = [report.checks[missing]["cure"] for missing in report.missing()]
    assert result.stderr.split("\n  ", 1)[1].rstrip("\n") in cures, str(result)


def test_what_no_layer_shows_a_run_does(world, filter_program):
    """pidfd_getfd() is none of the layers: without it a run has no listener."""
    report = doctor(world, refuse=(filter_program, [438], EPERM))
    assert report.missing() == ["run"] and report.found("python") == "unknown"


@pytest.mark.parametrize("preparation, words", [
    ("mount -t tmpfs net /dev/net", ["No such file", "modules tun or veth"]),
    ("mount --bind /dev/null /dev/net/tun", ["modules tun or veth"]),
    ("mount -t tmpfs tmp /tmp; touch /tmp/tun; chmod 0 /tmp/tun; mount --bind /tmp/tun /dev/net/tun",
     ["Permission denied", "chmod 0666"]),
])
def test_no_tun(world, preparation, words):
    report = doctor(world, preparation)
    report.says("tap", "/dev/net/tun", *words)
    assert report.found("veth") == "ok" and report.json["enforced"]


def test_no_python(world, box):
    (box.directory / "empty").mkdir()
    report = doctor(world, env={"PATH": str(box.directory / "empty")})
    report.says("python", "Python")
    report.says("bun", "Bun")
    assert report.json["enforced"]


def test_bun(world, bun):
    report = doctor(world, env=bun)
    assert report.found("bun") == "ok" and "/bin/bun 1." in report.checks["bun"]["value"]


def test_no_session_no_control_groups(healthy):
    healthy.says("cgroup", "systemd --user")


@pytest.mark.parametrize("release, found", [
    ("5.15.153.1-microsoft-standard-WSL2", "WSL2"), ("4.4.0-19041-Microsoft", "WSL1"),
    ("6.1.0-25-amd64", None),
])
def test_windows(world, box, release, found):
    box.write("release", release + "\n")
    report = doctor(world, f"mount --bind {box.directory}/release /proc/sys/kernel/osrelease")
    if found == "WSL1":
        report.says("wsl", "WSL1", "wsl --set-version")
    else:
        assert report.found("wsl") == "fact" and report.checks["wsl"].get("value") == found


def test_in_flatpak(world):
    assert "value" in doctor(world, NEW_ROOT.replace("cd /tmp\n", "touch /tmp/.flatpak-info\ncd /tmp\n")) \
        .checks["flatpak"]


def test_the_callers_grants_are_not_tried(world):
    """They are for the caller's runs, and this one would be an error."""
    assert doctor(world, env={"POD_ALLOW_NET": "no such thing/", "BUNTIME_ALLOW_NOTHING": "1"}).json["enforced"]


def test_apparmor_profile(world):
    result = world.run(["doctor", "--print-apparmor"])
    assert result.status == 0 and result.stderr == "", str(result)
    assert f'profile buntime "{world.buntime}" flags=(unconfined) {{\n  userns,\n' in result.stdout


def test_apparmor_profile_of_an_odd_place(world, box):
    odd = box.directory / "a {b} *"
    odd.mkdir()
    subprocess.run(["cp", world.buntime, odd / "buntime"], check=True)
    result = world.run_command([odd / "buntime", "doctor", "--print-apparmor"])
    assert '/a \\{b\\} \\*/buntime" flags=(unconfined)' in result.stdout, str(result)
    quoted = box.directory / 'a "b"'
    odd.rename(quoted)
    result = world.run_command([quoted / "buntime", "doctor", "--print-apparmor"])
    assert result.status == 125 and "AppArmor" in result.stderr and result.stdout == "", str(result)


def test_a_run_says_what_doctor_says(world):
    """Set-up fails with the line that explains it."""
    preparation = "echo 0 > /proc/sys/user/max_user_namespaces"
    report = doctor(world, preparation)
    result = prepared(world, ["run", "/usr/bin/true"], preparation)
    assert result.status == 125, str(result)
    assert result.stderr.endswith(f"\n  {report.checks['namespaces']['cure']}\n"), str(result)


def test_words_are_refused(world):
    result = world.run(["doctor", "landlock"])
    assert result.status == 2 and "landlock" in result.stderr and result.stdout == "", str(result)
