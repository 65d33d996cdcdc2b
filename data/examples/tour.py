#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tour of the sandbox: what an untrusted program may do, and what it may not.

    buntime --allow-net=github.com run data/examples/tour.py

Each chapter tries one thing that is allowed and one that is not, and says what
it expected.  It needs no network: a name that is granted but cannot be reached
counts as allowed, since it was the network, not the sandbox, that failed.
"""
import ctypes
import errno
import os
import socket
import subprocess
import sys
import tempfile

# How the kernel says no; ENOENT and ENOSPC are how it hides a thing altogether.
REFUSALS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOSPC}
surprises = 0


def chapter(title):
    print(f"\n{title}")


def attempt(what, action, expect):
    """Runs action and tells how it went; expect is "allowed" or "refused"."""
    global surprises
    try:
        outcome, detail = "allowed", action()
    except OSError as error:
        # Of any other trouble, such as an unreachable network, the sandbox is innocent.
        refused = error.errno in REFUSALS
        outcome = "refused" if refused else "allowed"
        detail = error.strerror if refused else f"but: {error.strerror or error}"
    mark = " " if outcome == expect else "!"
    if outcome != expect:
        surprises += 1
    print(f" {mark} {outcome:8} {what}" + (f" ({detail})" if detail else ""))


def read(path):
    with open(path, "rb") as file:
        return f"{len(file.read())} bytes"


def write(path):
    with open(path, "w", encoding="utf-8") as file:
        file.write("hello\n")
    return "written"


def list_home():
    """What is in the home directory besides the way to this program."""
    home = os.path.expanduser("~")
    way = os.path.relpath(os.path.abspath(__file__), home).split(os.sep)[0]
    names = [name for name in os.listdir(home) if name != way]
    if not names:
        raise FileNotFoundError(2, "it looks empty")
    return f"{len(names)} entries"


def connect(host, port):
    with socket.create_connection((host, port), timeout=5):
        return "connected"


def own_unix_socket():
    path = os.path.join(tempfile.mkdtemp(), "socket")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen(1)
        client.connect(path)
    return "its own, in /tmp"


def host_unix_socket():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("/run/dbus/system_bus_socket")


def run(*command):
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    return done.stdout.strip()


def secret_variable():
    names = [name for name in os.environ if "TOKEN" in name or "SECRET" in name or "SSH" in name]
    if not names:
        raise FileNotFoundError(2, "no such variable")
    return ", ".join(names)


def new_namespace():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x10000000) != 0:  # CLONE_NEWUSER
        raise PermissionError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "a user namespace of its own"


def kill_init():
    os.kill(1, 9)
    with open("/proc/1/environ", "rb") as file:
        return file.read()


def main():
    # So that the story and buntime's explanations stay in order in a pipe, too.
    sys.stdout.reconfigure(line_buffering=True)
    print(f"This is {os.path.basename(sys.executable)}[{os.getpid()}], uid {os.getuid()}.")

    chapter("Reading: the system's runtime is there, your files are not (--allow-read)")
    attempt("read this program", lambda: read(__file__), "allowed")
    attempt("read Python's own library", lambda: read(os.__file__), "allowed")
    attempt("list your home directory", list_home, "refused")
    attempt("read /etc/shadow", lambda: read("/etc/shadow"), "refused")

    chapter("Writing: /tmp is private, the rest is read-only (--allow-write)")
    attempt("write /tmp/note", lambda: write("/tmp/note"), "allowed")
    attempt("write into this directory", lambda: write("buntime-tour-was-here"), "refused")
    attempt("make a directory in your home", lambda: os.mkdir(os.path.expanduser("~/x")),
            "refused")

    chapter("Network: the names that were granted (--allow-net)")
    attempt("connect to github.com:443", lambda: connect("github.com", 443), "allowed")
    attempt("connect to example.com:443", lambda: connect("example.com", 443), "refused")
    attempt("connect to a bare address", lambda: connect("192.0.2.1", 80), "refused")
    attempt("reach the cloud's metadata", lambda: connect("169.254.169.254", 80), "refused")

    chapter("Programs: its own interpreter (--allow-run)")
    attempt("run python3", lambda: run(sys.executable, "-c", "print('hello from a child')"),
            "allowed")
    attempt("run /bin/sh", lambda: run("/bin/sh", "-c", "echo hello"), "refused")

    chapter("Environment: what a program needs, nothing you did not name (--allow-env)")
    attempt("see HOME", lambda: os.environ["HOME"], "allowed")
    attempt("see tokens and agents", secret_variable, "refused")

    chapter("Unix sockets: its own (--allow-unix)")
    attempt("connect to a socket it made", own_unix_socket, "allowed")
    attempt("connect to the system bus", host_unix_socket, "refused")

    chapter("And no way around")
    attempt("make another namespace", new_namespace, "refused")
    attempt("look into the sandbox's init", kill_init, "refused")

    print(f"\nThe end. Surprises: {surprises or 'none'}.")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
