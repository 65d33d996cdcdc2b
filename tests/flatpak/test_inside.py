# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is different inside Flatpak."""

import json
import shutil
import subprocess

import pytest
from manifest import APP
from world import processes, wait_for

TIER = "--tier=landlock"


def test_doctor(application):
    result = application.run("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert checks["flatpak"]["value"], str(result)
    assert checks["namespaces"]["found"] == "missing", str(result)
    assert (checks["landlock"]["found"], checks["seccomp"]["found"]) == ("ok", "ok"), str(result)
    assert result.status == 1
    table = application.run("doctor").stdout
    assert "\nyes  --tier=landlock\n" in table
    assert table.endswith("\nThe default policy cannot be enforced whole: runs are held by Landlock alone, "
                          "which is weaker.\n")


def test_the_weaker_tier_is_chosen_and_announced(box):
    line = "buntime: Flatpak, in which no namespace can be made: Landlock and seccomp alone hold the program"
    for flags in [], ["--quiet"]:
        result = box.run(*flags, code="print('ran')")
        assert (result.status, result.stdout) == (0, "ran\n"), str(result)
        assert result.stderr.startswith(line), str(result)
    assert box.run(TIER, "--quiet", code="print('ran')").stderr == ""
    result = box.run("--events=-", code="pass")
    started = json.loads(result.stdout.splitlines()[0])
    assert "landlock" in started["reason"], str(result)


def test_tour(box):
    """The denials that the tier is to have; and what it does not have, a /tmp of the program's own."""
    shutil.copy(box.world.source / "data/examples/tour.py", box.directory)
    result = box.run("--allow-net=github.com", name="tour.py")
    surprises = [line.split("(")[0].strip() for line in result.stdout.splitlines() if line.startswith(" ! ")]
    assert surprises == ["! refused  write /tmp/note", "! refused  connect to a socket it made"], str(result)
    assert "   allowed  connect to github.com:443 (connected)\n" in result.stdout, str(result)
    assert result.stdout.count("   refused ") == 12, str(result)
    assert {(event.kind, event.object) for event in result.events if event.kind == "net"} == {
        ("net", f"{target} (tcp)") for target in ("example.com:443", "192.0.2.1:80", "169.254.169.254:80")}
    assert len(result.denied("run", "/usr/bin/dash")) == 1, str(result)


def test_the_application_is_out_of_reach(box):
    """So are the session's bus, and the host by it."""
    out, result = box.json(TIER, code="""
        out["app"] = attempt(os.listdir, "/app")
        out["bus"] = attempt(lambda: socket.socket(socket.AF_UNIX).connect("/run/flatpak/bus"))
        out["spawn"] = attempt(lambda: subprocess.run(["flatpak-spawn", "--host", "true"]).returncode)
    """)
    assert out == {"app": "EACCES", "bus": "EACCES", "spawn": "EACCES"}, str(result)


def test_what_is_not_shared_cannot_be_granted(box, application):
    code = "print(open('/var/lib/dpkg/status').read(1))"
    result = box.run(TIER, "--allow-read=/var/lib/dpkg/status", code=code)
    assert result.status == 2 and "/var/lib/dpkg/status" in result.stderr, str(result)
    box.world.flatpak = ["--filesystem=/var/lib/dpkg:ro"]
    assert box.run(TIER, "--allow-read=/var/lib/dpkg/status", code=code).stdout == "P\n"
    assert box.run(TIER, code=code).status == 1


def test_bun(box, bun):
    """The user's own, which has to be shared."""
    folder = bun["PATH"].split(":")[0]
    box.world.flatpak = [f"--filesystem={folder}:ro", f"--env=PATH={folder}:/app/bin:/usr/bin"]
    box.write("w.ts", "console.log(6 * 7, await Bun.file('w.ts').exists());\n")
    result = box.run(TIER, "--allow-read=.", name="w.ts")
    assert result.stdout == "42 true\n", str(result)


def test_nothing_is_left(application, tmp_path):
    name = f"{tmp_path.name}.py"
    (tmp_path / name).write_text("import time\nprint('here', flush=True)\ntime.sleep(600)\n", encoding="utf-8")
    command = application.command([TIER, "run", name])
    with subprocess.Popen(command, cwd=tmp_path, env=application.environment(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "here\n"
        application.tool("flatpak", "kill", APP)
        process.wait(20)
        wait_for(lambda: not processes(name), 20)


@pytest.mark.parametrize(("flag", "text"), [
    ("--tier=namespaces", "closes user namespaces to it"), ("--net=tap", "namespaces"),
    ("--publish=8080", "namespaces")])
def test_what_flatpak_refuses_is_said(box, flag, text):
    result = box.run(flag, code="print('ran')")
    assert (result.status, result.stdout) == (125, ""), str(result)
    assert text in result.stderr, str(result)
