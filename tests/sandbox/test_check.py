# SPDX-License-Identifier: LGPL-2.1-or-later
"""`buntime check` says what a run then does: many policies, many requests, no difference."""

import hashlib
import json
import os
import random
import shutil
import socket
from pathlib import Path

import addresses
import pytest

from native import compile_c

# Tries each request and says whether it went through.
WORKER = """
    def try_net(value):
        host, port = value.rsplit(":", 1)
        with socket.create_connection((host, int(port)), 5):
            pass

    def try_write(value):
        if os.path.isdir(value):
            name = os.path.join(value, "made-by-the-test")
            with open(name, "w"):
                pass
            os.unlink(name)
        else:
            with open(value, "r+" if os.path.exists(value) else "a"):
                pass

    def try_read(value):
        if os.path.isdir(value):
            # Where only something below is granted the directory has nothing else.
            missing = set(listings.get(value, ())) - set(os.listdir(value))
            if missing:
                raise KeyError(value)
        else:
            with open(value, "rb") as file:
                file.read(1)

    def try_run(value):
        subprocess.run([value], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def try_env(value):
        if os.environ.get(value) != "of the caller":
            raise KeyError(value)

    def try_unix(value):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(value)

    def try_ffi(value):
        import ctypes
        ctypes.CDLL(value)

    def try_sys(value):
        hidden = {"hostname": "buntime", "loadavg": "0.00 0.00 0.00 1/1 1\\n"}[value]
        if hidden == (socket.gethostname() if value == "hostname" else open("/proc/loadavg").read()):
            raise KeyError(value)

    requests, listings = json.loads(sys.argv[1])
    for request in requests:
        what = attempt(globals()["try_" + request[0]], request[1])
        out[" ".join(request)] = what == "ok"
"""
ENV = {name: "of the caller" for name in
       ("AWS_KEY", "AWS_TOKEN", "LD_LIBRARY_PATHS", "PYTHONSTARTUP", "EDITOR", "NO_COLOR")}
NET_ITEMS = ["github.com", "github.com:443", "*.github.com", "evil.example:80,443", "198.51.100.10",
             "198.51.100.0/24:80", "198.51.100.20:1-100", "0.0.0.0/0:443", "10.99.0.5"]
# Addresses first: one that a granted name has led to is open for that name's ports.
REQUESTS_NET = ["198.51.100.10:80", "198.51.100.10:443", "198.51.100.20:80", "10.99.0.5:80",
                "github.com:443", "github.com:80", "api.github.com:443", "evil.example:443"]
PROGRAMS = ["/usr/bin/true", "/usr/bin/ls", "/usr/bin/env", "/usr/bin/cat"]
RUN_ITEMS = ["true", "/usr/bin/ls", "/usr/bin/e*", "/usr/bin", "cat,env"]


@pytest.fixture
def tree(box):
    for name in ("in/a.txt", "in/b.txt", "in/sub/c.txt", "in/sub/deep/d.txt", "out/e.txt",
                 "out/f.txt", "inner/g.txt", "odd,name/h.txt", "in/sub/y.txt",
                 "in/sub/deep/z.txt"):
        box.write(f"tree/{name}", "x\n")
    return box


PATHS = ["tree", "tree/in", "tree/in/a.txt", "tree/in/b.txt", "tree/in/sub", "tree/in/sub/c.txt",
         "tree/in/sub/deep", "tree/in/sub/deep/d.txt", "tree/out", "tree/out/e.txt",
         "tree/inner/g.txt"]
SYSTEM = ["/etc/passwd", "/etc/shadow", "/usr/bin/true", "/usr/share", "/etc/ssl/certs", "/sys/kernel",
          "/home/user/diary.txt", "/dev/null"]


def requests_of(directory):
    found = [["net", value] for value in REQUESTS_NET]
    found += [["read", str(directory / path)] for path in PATHS]
    found += [["read", path] for path in SYSTEM]
    found += [["write", str(directory / path)] for path in PATHS if path != "tree"]
    found += [["write", "/tmp/new"], ["write", "/home/user/new"], ["write", "/usr/new"],
              ["write", "/dev/null"]]
    found += [["run", path] for path in PROGRAMS]
    return found + [["env", name] for name in ENV]


def random_flags(rng):
    flags = []
    for _ in range(rng.randrange(5)):
        word = rng.choice(["allow", "allow", "deny"])
        kind = rng.choice(["net", "read", "read", "write", "run", "env"])
        items = {"net": NET_ITEMS, "read": PATHS + ["/home/user"], "write": PATHS,
                 "run": RUN_ITEMS, "env": ["AWS_*", "AWS_KEY", "EDITOR", "NO_COLOR", "PYTHON*",
                                           "PYTHONSTARTUP"]}[kind]
        flag = f"--{word}-{kind}"
        if rng.random() < 0.9:
            flag += "=" + ",".join(rng.sample(items, rng.randint(1, 2)))
        flags.append(flag)
        # Below /tmp, where the tests run, writing goes with reading (DESIGN 4).
        if word == "allow" and kind == "write":
            flags.append(flag.replace("write", "read"))
    return flags


def random_file(rng):
    fs = [{"action": rng.choice(["allow", "warn", "deny"]), "path": "./" + rng.choice(PATHS),
           "perms": rng.choice([["read_file", "read_dir"],
                                ["read_file", "read_dir", "write_file", "write_dir"]])}
          for _ in range(rng.randrange(3))]
    net = [{"action": rng.choice(["allow", "warn", "deny"]), "proto": "tcp",
            rng.choice(["host"]): rng.choice(["github.com", "evil.example", "*.github.com"]),
            "ports": rng.choice(["443", "80,443"])} for _ in range(rng.randrange(3))]
    return json.dumps({"version": 1, "fs": {"rules": fs}, "net": {"rules": net},
                       "defaults": {"net": rng.choice(["deny", "deny", "allow"])}}, indent=1)


def starts(tree, flags, env):
    """Does it? A policy that cannot be enforced is told by both, in the same words."""
    result = tree.run(*flags, code="print('started')\n", name="start.py", env=env)
    if result.status == 0:
        return True
    for question in (["read", "."], ["env", "HOME"], ["sys", "uid"], ["unix", "tree/bus"]):
        checked = tree.world.run(["check", *flags, *question], cwd=tree.directory, env=env)
        assert result.status == checked.status, str(checked)
        assert checked.stderr and set(checked.stderr.splitlines()) <= set(result.stderr.splitlines())
    return False


@pytest.mark.parametrize("seed", range(12))
def test_check_says_what_a_run_does(tree, seed):
    rng = random.Random(seed)
    flags = random_flags(rng)
    if seed % 2:
        tree.write("p.json", random_file(rng))
        flags.append("--policy=p.json")
    requests = requests_of(tree.directory)
    env = ENV
    if not starts(tree, flags, env):
        return
    asked = json.dumps([requests, {str(tree.directory / path): os.listdir(tree.directory / path)
                                   for path in PATHS if (tree.directory / path).is_dir()}])
    happened, run = tree.json(*flags, code=WORKER, args=[asked], env=env)
    assert_no_difference(tree, flags, env, requests, happened, run)


def assert_no_difference(tree, flags, env, requests, happened, run):
    differences = []
    for kind, value in requests:
        answer = tree.world.run(["check", "--json", *flags, kind, value], cwd=tree.directory, env=env)
        verdict = json.loads(answer.stdout)
        assert answer.status == {"allow": 0, "deny": 1, "warn": 3}[verdict["action"]], str(answer)
        if (verdict["action"] != "deny") != happened[f"{kind} {value}"]:
            differences.append((kind, value, happened[f"{kind} {value}"], answer.stdout))
    assert differences == [], f"{flags}\n{run}\n" + "\n".join(map(str, differences))


MORE = {"unix": ["tree/bus", "tree/in", "tree", "tree/in/bus"],
        "ffi": ["tree/in/one.so", "tree/in", "tree/two.so"], "sys": ["hostname", "loadavg"],
        "read": ["tree", "tree/in"], "env": ["AWS_*", "AWS_KEY", "EDITOR", "POD_ALLOW_SYS"]}


@pytest.fixture
def sockets(tree):
    listening = []
    for name in ("tree/bus", "tree/in/bus"):
        listening.append(socket.socket(socket.AF_UNIX))
        listening[-1].bind(str(tree.directory / name))
        listening[-1].listen()
    yield [["unix", str(tree.directory / name)] for name in ("tree/bus", "tree/in/bus")]
    for one in listening:
        one.close()


@pytest.mark.parametrize("seed", range(12))
def test_check_says_it_of_every_kind(tree, sockets, seed):
    """Sockets, libraries, facts; by flags and by variables; with namespaces and without."""
    rng = random.Random(seed)
    compile_c(tree.write("x.c", "int x;\n"), tree.directory / "tree/two.so", "-shared", "-fPIC")
    shutil.copy(tree.directory / "tree/two.so", tree.directory / "tree/in/one.so")
    flags, env, prefix = [], dict(ENV), rng.choice(["POD", "BUNTIME"])
    if flat := seed % 4 == 3:
        tree.write("flat.json", '{"version": 1, "plugins": {"namespaces": false}}')
        flags.append("--policy=flat.json")
    for kind in rng.sample([kind for kind in MORE if not (flat and kind == "ffi")], 3 - flat):
        for word in ["allow"] if flat else ["allow", rng.choice(["allow", "deny"])]:
            value = ",".join(rng.sample(MORE[kind], rng.randint(1, 2)))
            if rng.random() < 0.5:
                flags.append(f"--{word}-{kind}={value}")
            else:
                env[f"{prefix}_{word}_{kind}".upper()] = value
    requests = [*sockets, *(["ffi", str(tree.directory / name)] for name in
                            ("tree/in/one.so", "tree/two.so")),
                ["sys", "hostname"], ["sys", "loadavg"], ["env", "POD_ALLOW_SYS"],
                ["env", "AWS_KEY"], ["env", "AWS_TOKEN"], ["env", "EDITOR"],
                ["read", str(tree.directory / "tree/in/a.txt")]]
    if starts(tree, flags, env):
        happened, run = tree.json(*flags, code=WORKER, args=[json.dumps([requests, {}])], env=env)
        assert_no_difference(tree, flags, env, requests, happened, f"{env}\n{run}")


def verdicts(box, world, flags, programs):
    """What check says and what a run does, of programs: two lists of the same order."""
    said = [world.run(["check", *flags, "run", program], cwd=box.directory).status
            for program in programs]
    happened, _ = box.json(*flags, args=programs, code="""
        for program in sys.argv[1:]:
            out[program] = attempt(subprocess.run, [program], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == "ok"
    """)
    return [status in (0, 3) for status in said], [happened[program] for program in programs]


def test_programs_that_are_more_than_a_path(box, world):
    """Sums, scripts with their interpreters, and what a tool brings with it."""
    summed = box.directory / "bin/summed"
    summed.parent.mkdir()
    summed.write_bytes(Path("/usr/bin/true").read_bytes())
    summed.chmod(0o755)
    other = box.directory / "bin/other"
    other.write_bytes(Path("/usr/bin/false").read_bytes())
    other.chmod(0o755)
    script = box.write("bin/script", "#!/usr/bin/env true\n", 0o755)
    good = hashlib.sha256(summed.read_bytes()).hexdigest()
    box.write("p.json", json.dumps({"version": 1, "exec": {"rules": [
        {"action": "allow", "path": "./bin/summed", "sha256": good},
        {"action": "allow", "path": "./bin/other", "sha256": good},
        {"action": "warn", "path": "/usr/bin/ls"},
        {"action": "allow", "path": "./bin/script"}]}}))
    programs = [str(summed), str(other), str(script), "/usr/bin/ls", "/usr/bin/env"]
    for flags, expected in (
            (["--policy=p.json", "-R=bin"], [True, False, False, True, False]),
            (["--policy=p.json", "-R=bin", "--allow-run=env"], [True, False, True, True, True]),
            (["-R=bin", "--allow-run=./bin", "--deny-run=bin/other"],
             [True, False, False, False, False])):
        said, happened = verdicts(box, world, flags, programs)
        assert said == happened == expected, flags
    said, happened = verdicts(box, world, ["--allow-run=git"],
                              ["/usr/bin/git", "/usr/lib/git-core/git", "/bin/sh"])
    assert said == happened == [True, True, False]


def test_worlds_addresses_are_those_of_the_requests():
    assert addresses.WEB == "198.51.100.10" and addresses.OTHER == "198.51.100.20"
    assert addresses.PRIVATE == "10.99.0.5"
