#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A test of the buntime that is installed, as GNOME's runner of installed tests has them.

installed-test BUNTIME EXAMPLES NAME    a status other than 0 is a failure, and is explained

An ordinary user runs it; it needs no network, and leaves nothing.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

BUNTIME, EXAMPLES, NAME = sys.argv[1:]


def buntime(*args, program=None, cwd=None):
    return subprocess.run([BUNTIME, *map(str, args)], input=program, text=True, capture_output=True, timeout=60,
                          cwd=cwd, check=False)


def expect(condition, result):
    if not condition:
        sys.exit(f"$ {' '.join(result.args)}\n-> {result.returncode}\n{result.stdout}{result.stderr}FAILED: {NAME}")


def tour(_):
    result = buntime("--allow-net=github.com", "run", f"{EXAMPLES}/tour.py")
    expect(result.returncode == 0 and "Surprises: none." in result.stdout, result)


def check(_):
    denied = buntime("check", "--policy=agent", "net", "example.com:443")
    expect(denied.returncode == 1 and denied.stdout.startswith("denied net example.com:443\n"), denied)
    allowed = buntime("check", "--allow-net=example.com", "net", "example.com:443")
    expect(allowed.returncode == 0 and allowed.stdout.startswith("allowed net example.com:443\n"), allowed)


def doctor(_):
    result = buntime("doctor", "--json")
    expect(result.returncode == 0 and json.loads(result.stdout)["enforced"] is True, result)


def attempt(code, refused, allowed, *flags):
    """Python code, without the flags and with them; what the first refusal says on either stream."""
    result = buntime("run", "--worker=python", "-", program=code)
    expect(result.returncode != 0 and re.search(refused, result.stdout + result.stderr), result)
    result = buntime(*flags, "run", "--worker=python", "-", program=code)
    expect(result.returncode == 0 and result.stdout.strip() == allowed, result)


def read(folder):
    (folder / "secret").write_text("a secret", encoding="utf-8")
    attempt(f"print(open({str(folder / 'secret')!r}).read())", "FileNotFoundError", "a secret",
            f"--allow-read={folder}/secret")


def write(folder):
    (folder / "place").mkdir()
    attempt(f"open({str(folder / 'place/new')!r}, 'w').write('made')\nprint('written')", "Error", "written",
            f"--allow-write={folder}/place")
    if (folder / "place/new").read_text(encoding="utf-8") != "made":
        sys.exit("nothing was written")


def run(_):
    attempt("import subprocess\nprint(subprocess.run(['uname'], capture_output=True, text=True).stdout)",
            "denied run /usr/bin/uname", "Linux", "--allow-run=uname")


def env(_):
    os.environ["BT_SECRET"] = "a secret"
    attempt("import os\nprint(os.environ['BT_SECRET'])", "KeyError", "a secret", "--allow-env=BT_SECRET")


def sys_facts(_):
    attempt("import os, sys\nsys.exit(0 if os.uname().nodename == "
            f"{os.uname().nodename!r} else 'another name')", "another name", "", "--allow-sys=hostname")


def ffi(folder):
    library = re.search(r" (/\S+/lib[mz]\.so\S*)$", Path("/proc/self/maps").read_text(encoding="utf-8"), re.M)[1]
    shutil.copy(library, folder / "library.so")
    attempt(f"import ctypes\nctypes.CDLL({str(folder / 'library.so')!r})\nprint('loaded')", "OSError", "loaded",
            f"--allow-ffi={folder}/library.so", f"--allow-read={folder}/library.so")


def serve(listener):
    def answer():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"hello")
    threading.Thread(target=answer, daemon=True).start()


def net(_):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serve(listener)
        port = listener.getsockname()[1]
        attempt(f"import socket\nprint(socket.create_connection(('127.0.0.1', {port}), 10).recv(9).decode())",
                "Error", "hello", f"--allow-net=localhost:{port}")


def unix(folder):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen()
        serve(listener)
        attempt("import socket\ns = socket.socket(socket.AF_UNIX)\n"
                f"s.connect({str(folder / 'socket')!r})\nprint(s.recv(9).decode())", "Error", "hello",
                f"--allow-unix={folder}/socket")


TESTS = {"tour": tour, "check": check, "doctor": doctor, "net": net, "read": read, "write": write, "run": run,
         "env": env, "ffi": ffi, "sys": sys_facts, "unix": unix}


def main():
    # Below the home directory: /tmp is the sandbox's own.
    with tempfile.TemporaryDirectory(dir=Path.home(), prefix="buntime-test-") as folder:
        TESTS[NAME](Path(folder))
    print(f"{NAME}: good")


main()
