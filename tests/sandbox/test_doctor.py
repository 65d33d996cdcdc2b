# SPDX-License-Identifier: LGPL-2.1-or-later
"""`buntime doctor` in machines that are arranged to lack something: it says what, and the cure."""

import copy
import json
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest

from refuse import refusing
from world import PLAIN

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "data/schema/doctor.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)

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

# Calls by their numbers.
EPERM, ENOSYS = 1, 38
SECCOMP, UNSHARE, MOUNT_CALLS, LANDLOCK = [317], [272], [428, 429, 430, 431, 432, 442], [444, 445, 446]
SETHOSTNAME = [170]


class Report:
    def __init__(self, result):
        assert result.stderr == "", str(result)
        self.result = result
        self.json = json.loads(result.stdout)
        VALIDATOR.validate(self.json)
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


def marked(mark):
    """A root with a file of a container's engine, or Flatpak's, in it."""
    return NEW_ROOT.replace("cd /tmp\n", f"touch /tmp{mark}\ncd /tmp\n")


DOCKER, PODMAN, FLATPAK = map(marked, ("/.dockerenv", "/run/.containerenv", "/.flatpak-info"))


def prepared(world, args, preparation=None, *, refuse=None, rules=None, env=None):
    """
    buntime where a shell, which has all capabilities in namespaces of its own, prepared something;
    below a filter: refuse=(calls, errno), or rules of refuse.py.
    """
    variables = [f"{name}={value}" for name, value in (env or {}).items()]
    command = [*PLAIN, "/usr/bin/env", *variables, world.buntime, *args]
    if refuse is not None:
        calls, error = refuse
        rules = [{"call": call, "error": error} for call in calls]
    if rules is not None:
        command = [*refusing(rules), "/usr/bin/env", *command]
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


def test_the_schema_names_what_there_is(healthy):
    """Whatever these tests arrange, what is reported fits it (Report)."""
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert list(healthy.checks) == SCHEMA["properties"]["checks"]["items"]["properties"]["name"]["enum"]


@pytest.mark.parametrize("name, changes", [
    ("landlock", {"found": "missing", "value": None}),  # and no reason
    ("landlock", {"found": "unknown"}),  # and yet a value
    ("landlock", {"cure": "pray"}),
    ("landlock", {"found": "missing", "value": None, "reason": "landlock: no"}),  # and yet enforced
    ("landlock", {"found": "perhaps"}),
    ("landlock", {"required": None}),
    ("landlock", {"name": "landlocked"}),
    ("landlock", {"colour": "green"}),
    ("kernel", {"value": 6}),
    ("kernel", {"required": True}),
    (None, {"v": 2}),
    (None, {"enforced": False}),  # and yet all is there
    (None, {"checks": None}),
])
def test_the_schema_refuses_what_doctor_never_says(healthy, name, changes):
    report = copy.deepcopy(healthy.json)
    changed = report if name is None else next(one for one in report["checks"] if one["name"] == name)
    for key, value in changes.items():
        if value is None:
            del changed[key]
        else:
            changed[key] = value
    assert not VALIDATOR.is_valid(report), report


def test_the_preparation_alone_breaks_nothing(world):
    report = doctor(world, NEW_ROOT, refuse=([499], EPERM))
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


@pytest.mark.parametrize("engine, made, options", [
    (None, NEW_ROOT, "something is mounted over a part of /proc"),
    ("Docker", DOCKER, "systempaths=unconfined, where FILE is"),
    ("Podman", PODMAN, "unmask=ALL"),
])
def test_masked_proc(world, engine, made, options):
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
def test_user_namespaces_are_closed(world, name, value, words):
    preparation = SYSCTL.format(name=name, value=value)
    report = doctor(world, preparation, refuse=(UNSHARE, EPERM))
    report.says("namespaces", "user namespace: Operation not permitted", *words)
    # One cause, told once.
    assert report.missing() == ["namespaces"] and report.found("procfs") == "unknown"


def test_user_namespaces_are_closed_by_a_container(world):
    report = doctor(world, DOCKER, refuse=(UNSHARE, EPERM))
    report.says("namespaces", "--security-opt seccomp=FILE", "--tier=landlock")
    assert report.missing() == ["namespaces"]


def test_a_name_of_its_own_is_refused_by_a_container(world):
    """Podman's filter: all namespaces can be made, and are of no use. A run says the same."""
    refuse = (SETHOSTNAME, EPERM)
    report = doctor(world, PODMAN, refuse=refuse)
    report.says("namespaces", "host name: Operation not permitted", "--security-opt seccomp=")
    assert report.missing() == ["namespaces"]
    result = prepared(world, ["run", "/usr/bin/true"], PODMAN, refuse=refuse)
    assert result.status == 125, str(result)
    assert result.stderr.endswith(f"\n  {report.checks['namespaces']['cure']}\n"), str(result)


@pytest.mark.parametrize("calls, error, name, words", [
    (MOUNT_CALLS, EPERM, "mounts", ["tmpfs: Operation not permitted", "must not refuse mounts, by seccomp"]),
    (MOUNT_CALLS, ENOSYS, "mounts", ["tmpfs: Function not implemented", "use a Linux of 5.19 or later"]),
    (MOUNT_CALLS, 19, "mounts", ["tmpfs: No such device", "a Linux that has the file systems tmpfs"]),
    (LANDLOCK, EPERM, "landlock", ["landlock_create_ruleset", "allow the calls landlock_*"]),
    (LANDLOCK, ENOSYS, "landlock", ["Function not implemented", "CONFIG_SECURITY_LANDLOCK"]),
    (LANDLOCK, 95, "landlock", ["lsm="]),
    (SECCOMP, EPERM, "seccomp", ["seccomp: Operation not permitted", "allow the call seccomp"]),
    (SECCOMP, 22, "seccomp", ["Linux of 5.19"]),
    (SECCOMP, 16, "seccomp", ["another tool listens"]),
])
def test_a_layer_is_refused(world, box, calls, error, name, words):
    refuse = (calls, error)
    report = doctor(world, NEW_ROOT, refuse=refuse)
    report.says(name, *words)
    assert report.found("namespaces") == "ok" and report.found("run") == "unknown"
    # A run fails with the same line.
    result = prepared(world, ["run", "/usr/bin/true"], NEW_ROOT, refuse=refuse)
    assert result.status == 125, str(result)
    cures = [report.checks[missing]["cure"] for missing in report.missing()]
    assert result.stderr.split("\n  ", 1)[1].rstrip("\n") in cures, str(result)


def test_what_no_layer_shows_a_run_does(world):
    """pidfd_getfd() is none of the layers: without it a run has no listener."""
    report = doctor(world, refuse=([438], EPERM))
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
    assert "value" in doctor(world, FLATPAK).checks["flatpak"]


def test_the_callers_grants_are_not_tried(world):
    """They are for the caller's runs, and this one would be an error."""
    assert doctor(world, env={"POD_ALLOW_NET": "no such thing/", "BUNTIME_ALLOW_NOTHING": "1"}).json["enforced"]


def test_apparmor_profile(world):
    result = world.run(["doctor", "--print-apparmor"])
    assert result.status == 0 and result.stderr == "", str(result)
    assert f'profile buntime "{world.buntime}" flags=(unconfined) {{\n  userns,\n' in result.stdout


# AppArmor 4's alone: the parser of Debian 12 is 3, and has neither.
NEW = {"abi <abi/4.0>,": "abi <abi/3.0>,", "  userns,": ""}


def test_apparmor_parses_it(world, box):
    """The real parser, with a kernel's features from a file; and that of data/ is the same."""
    profile = world.run(["doctor", "--print-apparmor"]).stdout
    built = (world.build / "data/apparmor/buntime").read_text(encoding="utf-8")
    assert re.sub(r'"/.*/buntime"', '"X"', built) == re.sub(r'"/.*/buntime"', '"X"', profile)
    version = subprocess.run(["/usr/sbin/apparmor_parser", "--version"], capture_output=True, text=True, check=True).stdout
    major = int(re.search(r"version (\d+)", version)[1])
    if major < 4:
        for new, old in NEW.items():
            assert profile.count(new + "\n") == 1
            profile = profile.replace(new, old)
    box.write("profile", profile)
    command = ["/usr/sbin/apparmor_parser", "--skip-kernel-load", "--skip-cache", "--features-file",
               f"/etc/apparmor.d/abi/{'3.0' if major < 4 else '4.0'}", "--names", box.directory / "profile"]
    result = world.run_command(command)
    assert result.status == 0 and result.stdout == "buntime\n", str(result)
    box.write("profile", profile.replace("flags=", "flog="))
    assert world.run_command(command).status != 0


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
