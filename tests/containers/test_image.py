# SPDX-License-Identifier: LGPL-2.1-or-later
"""The image as it is used, with the options that give the whole of it."""

import json

import pytest
from engine import PROFILE, WHOLE

ALLOWED = {
    "read this program", "read Python's own library", "write /tmp/note", "connect to github.com:443",
    "run python3", "see HOME", "connect to a socket it made",
}
REFUSED = {
    "list your home directory", "read /etc/shadow", "write into this directory",
    "make a directory in your home", "connect to example.com:443", "connect to a bare address",
    "reach the cloud's metadata", "run /bin/sh", "see tokens and agents", "connect to the system bus",
    "make another namespace", "look into the sandbox's init",
}
GITHUB = ["--env", "POD_ALLOW_NET=github.com"]
TOLD = "buntime: permissions from the environment: POD_ALLOW_NET="


def check_tour(result):
    assert result.status == 0 and result.stdout.endswith("\nThe end. Surprises: none.\n"), str(result)
    assert result.tour("allowed") == ALLOWED and result.tour("refused") == REFUSED, str(result)


# ---- who, and with what of the engine's ----

@pytest.mark.parametrize("options", [
    [],
    ["--user", "4711:0"],  # any id of the platform's, as OpenShift gives
    ["--user", "0:0"],
    ["--read-only"],
    ["--read-only", "--read-only-tmpfs=false"],
    # All that Kubernetes' restricted pods have to have.
    ["--user", "4711:4711", "--cap-drop=ALL", "--security-opt", "no-new-privileges", "--read-only"],
], ids=" ".join)
def test_tour(engine, options):
    check_tour(engine.run(options=[*WHOLE, *options]))


def test_root_without_capabilities_is_told_to_be_another(engine):
    result = engine.run(options=[*WHOLE, "--user", "0:0", "--cap-drop=ALL"])
    assert result.status == 125 and "run buntime as an ordinary user" in result.stderr, str(result)


def test_who_is_not_known_has_a_home(engine, app):
    options = [*WHOLE, "--user", "4711:0", *app("home.py", "import os; print(os.environ['HOME'])")]
    result = engine.run("run", "home.py", options=options)
    assert result.stdout == "/home/worker\n", str(result)


def test_a_worker_is_who_the_container_is(engine, app):
    options = [*WHOLE, *app("who.py", "import os; print(os.getuid(), os.getgid())")]
    result = engine.run("run", "who.py", options=options)
    assert result.stdout == "1000 1000\n", str(result)
    result = engine.run("run", "who.py", options=[*options, "--user", "4711:0"])
    assert result.stdout == "4711 0\n", str(result)
    # Root's workers are its entry's owner, or nobody.
    result = engine.run("run", "who.py", options=[*options, "--user", "0:0"])
    assert result.stdout == "65534 65534\n" and "nobody" in result.stderr, str(result)


# ---- flags alone ----

SERVER = """
import socket, threading
def serve(server):
    while True:
        server.accept()[0].sendall(b"hello\\n")
servers = [socket.create_server((address, 80)) for address in ("192.0.2.10", "192.0.2.11")]
for one in servers:
    threading.Thread(target=serve, args=[one]).start()
print("serving", flush=True)
"""

WORKER = """
import json, socket, sys
def attempt(name):
    try:
        return socket.create_connection((name, 80), 5).makefile().readline().strip()
    except OSError as error:
        return type(error).__name__
def write(path):
    try:
        open(path, "w").write("result")
        return "written"
    except OSError as error:
        return type(error).__name__
print(json.dumps({"api": attempt("api.example"), "other": attempt("other.example"),
                  "output": write("/tmp/output/result.txt"), "app": write("/app/x"), "args": sys.argv[1:]}))
"""


@pytest.fixture(scope="module")
def internet(engine, tmp_path_factory):
    """Options for a network with two servers, at addresses that are not the container's own."""
    folder = tmp_path_factory.mktemp("internet")
    program, hosts = folder / "server.py", folder / "hosts"
    program.write_text(SERVER, encoding="utf-8")
    hosts.write_text("127.0.0.1 localhost\n192.0.2.10 api.example\n192.0.2.11 other.example\n", encoding="utf-8")
    options = ["--entrypoint=python3", "--user=0", "--volume", f"{program}:/server.py:ro",
               "--sysctl=net.ipv4.ip_nonlocal_bind=1"]
    with engine.started("/server.py", options=options) as name:
        process = engine.state(name, "Pid")
        engine.good("unshare", "nsenter", f"--target={process}", "--net",
                    "ip", "route", "add", "local", "192.0.2.0/24", "dev", "lo")
        engine.wait_for(name, "serving")
        yield [f"--network=container:{name}", "--volume", f"{hosts}:/etc/hosts:ro"]


def test_flags_without_an_entry(engine, internet, app, tmp_path):
    """IMAGE --allow-write=/tmp/output, POD_ALLOW_NET set, and the image's own program."""
    output = tmp_path / "output"
    output.mkdir()
    output.chmod(0o777)
    options = [*WHOLE, *internet, *app("worker.py", WORKER), "--env", "POD_ALLOW_NET=api.example",
               "--env", "BUNTIME_ENTRY=/app/worker.py", "--volume", f"{output}:/tmp/output"]
    result = engine.run("--allow-write=/tmp/output", options=options)
    assert result.status == 0, str(result)
    assert json.loads(result.stdout) == {"api": "hello", "other": "PermissionError", "output": "written",
                                         "app": "PermissionError", "args": []}, str(result)
    assert (output / "result.txt").read_text(encoding="utf-8") == "result"
    assert f"{TOLD}api.example\n" in result.stderr
    assert "buntime: program from the environment: BUNTIME_ENTRY=/app/worker.py\n" in result.stderr
    assert "buntime: denied net other.example:80" in result.stderr


def test_flags_alone_are_for_the_tour(engine):
    result = engine.run("--allow-write=/tmp/output", options=[*WHOLE, *GITHUB])
    check_tour(result)
    assert f"{TOLD}github.com\n" in result.stderr


def test_run_custom_worker(engine, internet, app):
    """IMAGE run custom_worker.py"""
    options = [*WHOLE, *internet, *app("custom_worker.py", WORKER)]
    result = engine.run("run", "custom_worker.py", "one", "--two", options=options)
    assert result.status == 0, str(result)
    assert json.loads(result.stdout) == {"api": "PermissionError", "other": "PermissionError",
                                         "output": "FileNotFoundError", "app": "PermissionError",
                                         "args": ["one", "--two"]}, str(result)
    result = engine.run("--allow-net=other.example", "run", "custom_worker.py", options=options)
    assert json.loads(result.stdout)["other"] == "hello", str(result)


# ---- what is left behind ----

def test_nothing_is_written(engine):
    """The container's own files are as they were, whatever ran."""
    name = engine.good("create", *WHOLE, *GITHUB, "buntime", "--allow-write=/tmp/output")
    try:
        before = engine.good("diff", name)
        check_tour(engine("start", "--attach", name))
        changed = set(engine.good("diff", name).splitlines()) - set(before.splitlines())
        # The engine's own: where it mounts, and what it makes there.
        assert {line for line in changed if not line.split(None, 1)[1].startswith(("/etc", "/run", "/app"))} \
            == set(), changed
        assert not [line for line in changed if "buntime" in line or "tour" in line], changed
    finally:
        engine.good("rm", "--force", name)


def test_the_image_has_the_filter(engine):
    """It can be asked for it: the engine reads the file on the host."""
    result = engine.good("run", "--rm", "--entrypoint=cat", "buntime",
                         "/usr/share/buntime/containers/seccomp.json")
    assert json.loads(result) == json.loads(PROFILE.read_text(encoding="utf-8"))
