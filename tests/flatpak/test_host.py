# SPDX-License-Identifier: LGPL-2.1-or-later
"""--host: off unless asked for, refused unless permitted, announced, and then the host's own."""

import json
import os
import subprocess

import pytest
from manifest import APP
from world import processes, wait_for

PERMITTED = ["--talk-name=org.freedesktop.Flatpak"]
ANNOUNCED = "buntime: --host: the host's buntime does it, outside of Flatpak's sandbox\n"
WHERE = "import os; print(os.path.exists('/app'), os.path.exists('/.flatpak-info'))"


@pytest.fixture
def permitted(box):
    box.world.flatpak = PERMITTED
    return box


def test_it_is_the_hosts(permitted):
    result = permitted.run("--host", code=WHERE)
    assert (result.status, result.stdout) == (0, "False False\n"), str(result)
    assert result.stderr.startswith(ANNOUNCED)
    assert result.denied("", "") == []


def test_all_layers_are_there(application):
    result = application.run("--host", "doctor", "--json", flatpak=PERMITTED)
    assert result.stderr == ANNOUNCED
    assert json.loads(result.stdout)["enforced"], str(result)


def test_not_without_the_flag(permitted):
    result = permitted.run("--tier=landlock", code=WHERE)
    assert "--host" not in result.stderr
    assert result.stdout == "True True\n", str(result)


def test_not_without_permission(box):
    result = box.run("--host", code="print('ran')")
    assert (result.status, result.stdout) == (125, "")
    assert result.stderr.startswith("buntime: --host: Flatpak does not permit it: "), str(result)
    assert f"flatpak override --user {PERMITTED[0]} {APP}" in result.stderr
    assert ANNOUNCED not in result.stderr


def test_permitted_by_an_override(application, box):
    application.tool("flatpak", "override", "--user", *PERMITTED, APP)
    try:
        assert box.run("--host", code="print(6)").stdout == "6\n"
    finally:
        application.tool("flatpak", "override", "--user", "--reset", APP)
    assert box.run("--host", code="print(6)").status == 125


def test_without_a_buntime_there(application, permitted):
    target = application.host_buntime.readlink()
    application.host_buntime.unlink()
    try:
        result = permitted.run("--host", code="print(6)")
    finally:
        application.host_buntime.symlink_to(target)
    assert (result.status, result.stdout) == (125, "")
    assert result.stderr.startswith("buntime: --host: the host has no buntime on its PATH\n"), str(result)


def test_outside_of_flatpak(world):
    result = world.run(["--host", "run", "w.py"])
    assert result.status == 2
    assert result.stderr.startswith("buntime: --host: this is not inside Flatpak\n")


def test_words_streams_and_status(permitted):
    result = permitted.run("--host", "-E=HOME", args=["a b", "--host", "*"], stdin="typed", code="""
        import sys
        print(sys.argv[1:], sys.stdin.read())
        sys.exit(7)
    """)
    assert (result.status, result.stdout) == (7, "['a b', '--host', '*'] typed\n"), str(result)


def test_variables_for_buntime(permitted):
    """A denial that did not come along would be a grant."""
    permitted.write("data/note", "seen")
    code = "print(open('data/note').read())"
    variables = {"BUNTIME_ALLOW_READ": str(permitted.directory / "data")}
    assert permitted.run("--host", code=code, env=variables).status == 0
    result = permitted.run("--host", code=code, env=variables | {"POD_DENY_READ": "data/note"})
    assert result.status == 1 and "Error" in result.stderr, str(result)


def test_descriptors_of_flags(permitted):
    reader, writer = os.pipe()
    result = permitted.run("--host", f"--json-status-fd={writer}", code="print(6)", pass_fds=[writer])
    os.close(writer)
    with open(reader, encoding="utf-8") as file:
        assert '"exit' in file.read(), str(result)


# ---- paths ----

OTHER = ": outside of Flatpak's sandbox this is another file than inside\n"
CURE = ("  put it below your home directory, or share its folder by "
        f"'flatpak override --user --filesystem=FOLDER {APP}'\n")


def in_one_sandbox(box, commands):
    """What each says, and its status: `flatpak run` takes longer than all of them."""
    script = "\n".join(f"{command} >out 2>err; echo status $? >>err; cat out err; echo ----" for command in commands)
    command = box.world.application.command(["-c", script], [*PERMITTED, "--command=sh"])
    result = box.world.run_command(command, env=box.world.environment(), cwd=box.directory)
    return result.stdout.split("----\n")[:-1]


def test_paths_of_what_is_shared(permitted):
    permitted.write("data/note", "seen")
    permitted.write("a,b/note", "seen")
    permitted.write("policy.json", '{"version": 1}')
    (permitted.directory / "link").symlink_to("data")
    result = permitted.run(
        "--host", "--allow-read=link,a,,b", "--deny-write=~/not-there,/nothing/is/here", "--allow-run=true",
        "--policy=policy.json", "--events=events", args=["/etc/issue", "/tmp/x"],
        code="print(open('data/note').read())")
    assert (result.status, result.stdout) == (0, "seen\n"), str(result)
    assert "started" in (permitted.directory / "events").read_text(encoding="utf-8")
    assert permitted.world.run(["--host", "run", "true"], cwd=permitted.directory).status == 0


def test_paths_that_are_others_outside(permitted):
    """As /etc and /usr are, and links that lead there, and all that would be made below."""
    permitted.write("data/note", "seen")
    (permitted.directory / "link").symlink_to("/tmp")
    (permitted.directory / "nowhere").symlink_to("/tmp/not-there")
    permitted.write("w.py", "print('ran')")
    buntime = "buntime --host"
    told = in_one_sandbox(permitted, commands := {
        f"{buntime} --allow-read=data,/etc/passwd w.py": "--allow-read=/etc/passwd",
        f"{buntime} --deny-read=/usr/bin w.py": "--deny-read=/usr/bin",
        f"{buntime} -W=/tmp/not/there w.py": "--allow-write=/tmp/not/there",
        f"{buntime} --allow-write=/ w.py": "--allow-write=/",
        f"{buntime} --allow-read=link/x w.py": "--allow-read=link/x",
        f"{buntime} --allow-read=nowhere w.py": "--allow-read=nowhere",
        f"{buntime} '--allow-read=/var/*.log' w.py": "--allow-read=/var/*.log",
        f"{buntime} --policy=/app/policy.json w.py": "--policy=/app/policy.json",
        f"{buntime} --events=../../../../../tmp/events w.py": "--events=../../../../../tmp/events",
        f"{buntime} /usr/bin/true": "/usr/bin/true",
        f"{buntime} link/w.py": "link/w.py",
        f"BUNTIME_ALLOW_READ=/etc/passwd {buntime} w.py": "BUNTIME_ALLOW_READ=/etc/passwd",
        f"POD_DENY_WRITE=data,/etc/passwd {buntime} w.py": "POD_DENY_WRITE=/etc/passwd",
        f"BUNTIME_ENTRY=/app/bin/buntime {buntime}": "BUNTIME_ENTRY=/app/bin/buntime",
        f"env -C /tmp {buntime} doctor": "/tmp",
    })
    assert [text.replace(CURE, "") for text in told] == [f"buntime: {object}{OTHER}status 2\n"
                                                         for object in commands.values()]


def test_what_is_shared_besides_can_be_named(permitted):
    words = ["--host", "--allow-read=/var/lib/dpkg/status"]
    code = "print(open('/var/lib/dpkg/status').read(1))"
    assert permitted.run(*words, code=code).status == 2
    permitted.world.flatpak = [*PERMITTED, "--filesystem=/var/lib/dpkg:ro"]
    assert permitted.run(*words, code=code).stdout == "P\n"


def test_control_c(application, permitted, terminal):
    """Flatpak interrupts the program once or twice, and has given the terminal back by then."""
    permitted.write("w.py", """
        import os, signal
        # Python can be about to sleep when it comes, and would sleep then.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        print("READY", flush=True)
        signal.sigwait([signal.SIGINT])
        heard = 1
        while not os.path.exists("go"):
            heard += signal.sigtimedwait([signal.SIGINT], 0.01) is not None
        print(f"INTERRUPTED {heard}.", flush=True)
    """)
    words = " ".join(application.command(["--host", "--allow-read=.", "run", "w.py"], PERMITTED))
    shell = ["env", *(f"{name}={value}" for name, value in application.environment().items()),
             "bash", "--norc", "--noprofile", "-i"]
    one = terminal(shell, shell=True, cwd=permitted.directory)
    one.type(f"PS1='prompt'; {words}\n")
    one.expect("READY", 60)
    one.type("\x03")
    one.expect("prompt", 60)
    one.type("echo status $?.\n")
    one.expect("status 130.", 60)
    permitted.write("go", "")
    one.expect("INTERRUPTED ", 60)
    assert one.expect(".", 60) in ("1.", "2.")
    wait_for(lambda: not any(line.startswith("buntime") for line in processes("w.py").values()), 60)


def test_it_ends_with_the_application(application, tmp_path):
    name = f"{tmp_path.name}.py"
    (tmp_path / name).write_text("import time\nprint('here', flush=True)\ntime.sleep(600)\n", encoding="utf-8")

    def of_the_host():
        return [line for line in processes(name).values() if line.startswith("buntime")]

    command = application.command(["--host", "run", name], PERMITTED)
    with subprocess.Popen(command, cwd=tmp_path, env=application.environment(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "here\n"
        assert of_the_host()
        application.tool("flatpak", "kill", APP)
        process.wait(20)
        wait_for(lambda: not of_the_host(), 20)
