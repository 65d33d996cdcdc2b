#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds the world around a command and runs the command in it.

Started by tests/run as pid 1 of new user, mount, net and pid namespaces, with
every capability in them and the caller's own uid. Two networks are made:

    "host"       this process's namespace: what a desktop looks like
                   eth0  203.0.113.10/24, default route by 203.0.113.1
                         2001:db8:10::10/64, default route by 2001:db8:10::1
                   lan0  192.168.77.1/24, fd77:77:77::1/64
                   lo    127.0.0.1, ::1
    "internet"   behind eth0: 203.0.113.1, the documentation addresses that
                 servers.py serves, a private range, and the special ranges
                 as traps, so that what leaves the host towards them is seen

The mount namespace has its own resolv.conf, hosts, nsswitch.conf and CA, an
empty /tmp, and a /home with one user whose files are nobody else's business.
Where the machine is a container, nothing says so: buntime has cures of its own
for those, and a test that means them makes the mark that it needs.
Everything ends with this process: it is the pid namespace's init.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import addresses  # noqa: E402

PYTHON = "/usr/bin/python3"


def run(*command, **kwargs):
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL, **kwargs)


def ip_batch(lines):
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)


def cover(directory, mode, keep):
    """An empty tmpfs over directory, in which the paths of keep stay what they are."""
    kept = []
    for number, path in enumerate(keep):
        if path == directory or directory in path.parents:
            aside = Path("/mnt") / str(number)
            aside.mkdir()
            run("mount", "-n", "--rbind", path, aside)
            kept.append((aside, path))
    run("mount", "-n", "-t", "tmpfs", "-o", f"mode={mode},nosuid,nodev", "tmpfs", directory)
    for aside, path in kept:
        path.mkdir(parents=True, exist_ok=True)
        run("mount", "-n", "--move", aside, path)


def bind_all_but(folder, without, made):
    """A tmpfs at made in which all that is in folder is again, without one name."""
    # Owned by us, which the folder is not: whoever holds no capability must not write there.
    run("mount", "-n", "-t", "tmpfs", "-o", "mode=555", "tmpfs", made)
    for entry in os.scandir(folder):
        place = made / entry.name
        if entry.name == without:
            continue
        if entry.is_symlink():
            place.symlink_to(os.readlink(entry.path))
        elif entry.is_dir():
            place.mkdir()
            if Path(entry.path) != made:
                run("mount", "-n", "--rbind", entry.path, place)
        else:
            place.touch()
            run("mount", "-n", "--bind", entry.path, place)


def hide_container():
    """The marks by which buntime knows a container (src/lib/buntime-cure.c)."""
    made = Path("/mnt")
    if Path("/run/.containerenv").exists():
        bind_all_but("/run", ".containerenv", made)
        run("mount", "-n", "--move", made, "/run")
    if Path("/.dockerenv").exists():
        bind_all_but("/", ".dockerenv", made)
        os.chdir(made)
        run("/usr/sbin/pivot_root", ".", "mnt")
        os.chdir("/")
        run("umount", "-n", "-l", "/mnt")


def make_certificates(directory):
    """A CA, one certificate for every TLS name of the world, and the CA's bundle."""
    config = directory / "openssl.cnf"
    names = ",".join(f"DNS:{name}" for name in addresses.TLS_NAMES)
    config.write_text(
        "[req]\ndistinguished_name=dn\n[dn]\n"
        "[ca]\nbasicConstraints=critical,CA:true\nkeyUsage=keyCertSign,cRLSign\n"
        "subjectKeyIdentifier=hash\n"
        f"[server]\nsubjectAltName={names}\nbasicConstraints=CA:false\n"
        "extendedKeyUsage=serverAuth\n", encoding="utf-8")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": directory}
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run("openssl", "req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
        "-subj", "/CN=world CA", "-config", config, "-extensions", "ca", **quiet)
    run("openssl", "req", *new_key, "-keyout", "server.key", "-out", "server.csr",
        "-subj", "/CN=world", "-config", config, **quiet)
    run("openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-CAcreateserial", "-out", "server.pem", "-days", "2", "-extfile", config,
        "-extensions", "server", **quiet)
    certs = directory / "certs"
    certs.mkdir()
    bundle = (directory / "ca.pem").read_text(encoding="utf-8")
    (certs / "ca-certificates.crt").write_text(bundle, encoding="utf-8")
    # OpenSSL's own lookup (Python's default) goes by the name's hash.
    hashed = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", directory / "ca.pem"],
                            check=True, capture_output=True, text=True).stdout.strip()
    (certs / f"{hashed}.0").write_text(bundle, encoding="utf-8")
    return certs


def make_files(keep):
    """The host's files as a worker must not, or may, see them. Returns the world's directory."""
    run("mount", "-n", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/mnt")
    cover(Path("/tmp"), "1777", keep)
    cover(Path("/home"), "755", keep)
    os.mkdir("/mnt/world")
    world = Path("/mnt/world")
    etc = world / "etc"
    etc.mkdir()
    (etc / "resolv.conf").write_text(
        f"search corp.example\nnameserver {addresses.DNS}\n", encoding="utf-8")
    (etc / "hosts").write_text(
        f"127.0.0.1 localhost\n{addresses.HOST} desktop\n"
        f"{addresses.STATIC} static.example\n192.168.77.1 static-lan.example\n", encoding="utf-8")
    (etc / "nsswitch.conf").write_text(
        "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n", encoding="utf-8")
    for name in ("resolv.conf", "hosts", "nsswitch.conf"):
        target = Path("/etc") / name
        if not target.exists():
            sys.exit(f"world: no {target} to mount over")
        run("mount", "-n", "--bind", etc / name, target.resolve())
    run("mount", "-n", "--bind", make_certificates(world), "/etc/ssl/certs")

    home = Path("/home") / "user"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_ed25519").write_text("SECRET-KEY\n", encoding="utf-8")
    (home / "diary.txt").write_text("SECRET-DIARY\n", encoding="utf-8")
    (world / "log").mkdir()
    return world


def start_internet(world):
    """The internet's namespace with its servers; answers when all of them listen."""
    process = subprocess.Popen(
        ["unshare", "--net", PYTHON, Path(__file__).with_name("servers.py"), "internet", world],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    expect(process, "here")
    ip_batch([
        "link set lo up",
        f"link add eth0 type veth peer name inet0 netns {process.pid}",
        f"addr add {addresses.HOST}/24 dev eth0",
        f"addr add {addresses.HOST6}/64 dev eth0 nodad",
        "link set eth0 up",
        "link add lan0 type veth peer name lan1",  # not every kernel has dummy
        f"addr add {addresses.HOST_LAN}/24 dev lan0",
        f"addr add {addresses.HOST_LAN6}/64 dev lan0 nodad",
        "link set lan0 up",
        "link set lan1 up",
        f"route add default via {addresses.ROUTER}",
        f"route add ::/0 via {addresses.ROUTER6}",
    ])
    process.stdin.write("go\n")
    process.stdin.flush()
    expect(process, "ready")
    return process


def start_host(world):
    """Listeners of the desktop itself, which no worker may reach."""
    process = subprocess.Popen(
        [PYTHON, Path(__file__).with_name("servers.py"), "host", world],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    expect(process, "ready")
    return process


def expect(process, word):
    line = process.stdout.readline().strip()
    if line != word:
        sys.exit(f"world: {process.args!r} said {line!r} instead of {word!r}")


def reap_until(child):
    """pid 1's duty: reap whatever ends; the child's status is ours."""
    while True:
        try:
            pid, status = os.wait()
        except KeyboardInterrupt:
            continue
        if pid == child.pid:
            return os.waitstatus_to_exitcode(status)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True, action="append")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    if os.getpid() != 1 or os.getuid() == 0:
        sys.exit("world: started by tests/run, as an ordinary user")

    keep = []
    for path in sorted({options.source, options.build, *options.keep}):
        if not any(other == path or other in path.parents for other in keep):
            keep.append(path)
    os.chdir("/")
    Path("/mnt").is_dir() or sys.exit("world: no /mnt to build on")
    hide_container()
    world = make_files(keep)
    start_internet(world)
    start_host(world)
    environment = {
        name: value for name, value in os.environ.items()
        if name in ("CI", "TERM", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                    "BUNTIME_TEST_LANDLOCK", "BUNTIME_TEST_TIER")
    }
    environment |= {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/home/user",
        "LANG": environment.get("LANG", "C.UTF-8"),
        "TZ": "UTC",
        "BUNTIME_TEST_WORLD": str(world),
        "BUNTIME_TEST_BUILD": str(options.build),
        "BUNTIME_TEST_SOURCE": str(options.source),
    }
    child = subprocess.Popen(options.command, env=environment, cwd=options.source)
    status = reap_until(child)
    sys.stdout.flush()
    # Ending pid 1 ends everything else; nobody has to be told.
    os._exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
