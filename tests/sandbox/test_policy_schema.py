# SPDX-License-Identifier: LGPL-2.1-or-later
"""data/schema/policy.schema.json and the reader in C accept and refuse the same documents."""

import itertools
import json
import re
from pathlib import Path

import jsonschema
import pytest

SOURCE = Path(__file__).resolve().parents[2]

PERMS = ["read_file", "write_file", "execute", "read_dir", "write_dir", "remove_dir",
         "remove_file", "make_char", "make_dir", "make_reg", "make_sock", "make_fifo",
         "make_block", "make_sym", "truncate", "refer"]
SUM = "0123456789abcdef" * 4
WRONG = [1, True, None, [], {}, "x", ["x"], [1], {"x": 1}]


def fs(**rule):
    return {"fs": {"rules": [rule]}}


def net(**rule):
    return {"net": {"rules": [rule]}}


def execs(**rule):
    return {"exec": {"rules": [rule]}}


def ffi(**rule):
    return {"ffi": {"rules": [rule]}}


def unix(**rule):
    return {"unix": {"rules": [rule]}}


def documents():
    yield {}
    yield {"$schema": "x", "name": "n", "description": "d"}
    yield {"name": 1}
    yield {"nme": "n"}
    # Every key with every type, but for the texts that only the reader can judge.
    keys = ["name", "description", "extends", "plugins", "defaults", "fs", "net", "exec", "ffi",
            "unix", "env", "sys", "antiEscape", "audit", "limits"]
    for key, value in itertools.product(keys, WRONG):
        if not (key == "extends" and value in (["x"],)):
            yield {key: value}
    for plugin in ("namespaces", "landlock", "seccomp", "seccmp"):
        for value in (True, False, 0, "off"):
            yield {"plugins": {plugin: value}}
    for kind in ("fs", "net", "exec", "env"):
        for value in ("allow", "deny", "warn", "Allow", 1):
            yield {"defaults": {kind: value}}
    for perm in PERMS + ["read", "READ_FILE", "", 1]:
        yield fs(action="allow", path="/usr", perms=[perm])
    for action in ("allow", "warn", "deny", "permit", None):
        yield fs(action=action, path="/usr", perms=["read_file"])
        yield net(action=action, cidr="10.0.0.0/8")
        yield execs(action=action, path="/usr/bin/env")
        yield ffi(action=action, path="/usr")
        yield unix(action=action, path="/run/x.sock")
    yield fs(action="allow", path="/usr", perms=[])
    yield fs(action="allow", path="/usr", perms="read_file")
    yield fs(action="allow", path="/usr")
    yield fs(action="allow", perms=["read_file"])
    yield fs(path="/usr", perms=["read_file"])
    yield fs(action="allow", path="", perms=["read_file"])
    yield fs(action="allow", path="/usr", perms=["read_file"], recursive=True)
    for proto in ("tcp", "udp", "any", "icmp", 6):
        yield net(action="allow", proto=proto, host="a.example", ports="443")
    for ports in ("443", "80,8000-9000", 443, ""):
        yield net(action="allow", host="a.example", ports=ports)
    yield net(action="allow")
    yield net(action="allow", host="a.example", cidr="10.0.0.0/8")
    yield net(action="allow", host="*.a.example")
    yield net(action="allow", host="")
    yield net(action="allow", port="443", host="a.example")
    yield execs(action="allow")
    yield execs(action="allow", path="/usr/bin/env", glob="/usr/bin/*")
    yield execs(action="allow", glob="/usr/bin/*")
    yield execs(action="allow", path="/usr/bin/env", sha256=SUM)
    yield execs(action="allow", path="/usr/bin/env", sha256=SUM.upper())
    yield execs(action="allow", path="/usr/bin/env", sha256=SUM[1:])
    yield execs(action="allow", path="/usr/bin/env", sha256="g" * 64)
    yield ffi(action="allow")
    yield unix(action="allow")
    yield unix(path="/run/x.sock")
    yield unix(action="allow", path="")
    yield unix(action="allow", path="/run/x.sock", perms=["read_file"])
    for name in ("A", "AWS_*", "*", "", "A=b", 1):
        yield {"env": {"allow": [name]}}
        yield {"env": {"deny": [name]}}
    for name, value in (("A", "b"), ("A", ""), ("A", 1), ("A*", "b"), ("A=", "b"), ("", "b")):
        yield {"env": {"set": {name: value}}}
    for fact in ("hostname", "loadavg", "networkInterfaces", "systemMemoryInfo", "osRelease",
                 "osUptime", "uid", "gid", "cpus", "", 1):
        yield {"sys": {"allow": [fact]}}
        yield {"sys": {"deny": [fact]}}
    for call in ("fsync", 1):
        yield {"antiEscape": {"denySyscalls": [call]}}
    for event in ("connect", "openat", "execve", "open", 1):
        yield {"audit": {"events": [event]}}
        yield {"audit": {"enabled": False, "events": [event]}}
    yield {"audit": {"enabled": "yes"}}
    yield {"limits": {}}
    for key in ("memory", "output", "tmpSize", "shmSize", "netBytes"):
        for value in (None, True, 0, -1, 1.5, 1 << 19, 1 << 20, 99999, 562949953421312,
                      562949953421313, 13958643712.999992, "512M", "1GiB", "1.5G", "1.2345G", "0", "1KB", "1m", "1 M",
                      "M", "", "-1M", "1e9", "5iB"):
            yield {"limits": {key: value}}
    for key in ("wallTime", "cpuTime"):
        for value in (None, [], 0, -1, 1, 0.5, 30 * 86400, 30 * 86400 + 1, "1", "1.5h", "500ms", "90s",
                      "2m", "1d", "0s", "1min", "1S", "s", "1h30m", "+1", "1.s"):
            yield {"limits": {key: value}}
    for value in (None, False, 0, -1, 1, 0.5, 2.125, 8192, 8193, "1", "0.5", "50%", "150%", "0%",
                  "%", "50 %", "1.2345", "half", "1,5"):
        yield {"limits": {"cpu": value}}
    for key, most in (("pids", 1 << 22), ("openFiles", 1 << 20), ("netConnectionsPerSecond", 10**6)):
        for value in (None, 0, -1, 1, 64, 1.5, 64.0, most, most + 1, "64", "1K"):
            yield {"limits": {key: value}}
    yield {"limits": {"Memory": "512M"}}
    yield {"limits": {"cpus": 2}}


DOCUMENTS = [{"version": 1, **document} for document in documents()] + [
    {}, {"version": 2}, {"version": "1"}, {"version": 1.5}, [], "x", None, 1]


@pytest.fixture(scope="module", name="schema")
def fixture_schema(world):
    result = world.run(["policy", "schema"])
    assert result.status == 0, str(result)
    schema = json.loads(result.stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def test_there_are_many():
    assert len(DOCUMENTS) > 200


def test_reader_and_schema_agree(world, schema, tmp_path):
    paths = []
    for number, document in enumerate(DOCUMENTS):
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(json.dumps(document), encoding="utf-8")
    reads = world.run(["policy", "validate", *paths], timeout=120)
    assert reads.status == 1, str(reads)
    accepted = set(reads.stdout.splitlines())
    # Each is spoken of.
    refused = {path for path in paths if f"{path}:" in reads.stderr}
    assert len(accepted) + len(refused) == len(paths), str(reads)
    differ = [f"{path.read_text()}: {'read' if f'{path}: valid' in accepted else 'refused'}"
              for path, document in zip(paths, DOCUMENTS)
              if (f"{path}: valid" in accepted) != schema.is_valid(document)]
    assert not differ, "\n".join(differ)


@pytest.mark.parametrize("document", [
    net(action="allow", cidr="10.0.0.0/33"), net(action="allow", host="2852039166"),
    net(action="allow", host="a.example", ports="0-99999"), {"extends": ["no-such-preset"]},
    fs(action="allow", path="${NONE}/x", perms=["read_file"]),
    {"limits": {"memory": "1K"}}, {"limits": {"tmpSize": "999999T"}}, {"limits": {"output": "0.1K"}},
    {"limits": {"wallTime": "31d"}}, {"limits": {"cpu": 0.0001}}, {"limits": {"cpu": "9999999"}},
    {"limits": {"wallTime": "0.5ms"}},
])
def test_what_only_the_reader_can_judge(world, schema, document):
    document = {"version": 1, **document}
    assert schema.is_valid(document)
    assert world.run(["policy", "validate", "-"], stdin=json.dumps(document)).status == 1


def undescribed(schema, path):
    """The places of which an editor could tell nothing."""
    for key, value in schema.get("properties", {}).items():
        yield from [f"{path}.{key}"] if "description" not in value else []
        yield from undescribed(value, f"{path}.{key}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from [f"{path}.{key}"] if "description" not in schema[key] else []
            yield from undescribed(schema[key], f"{path}.{key}")


@pytest.mark.parametrize("name", ["policy", "event"])
def test_everything_has_a_description(name):
    text = (SOURCE / f"data/schema/{name}.schema.json").read_text(encoding="utf-8")
    assert list(undescribed(json.loads(text), name)) == []


def test_examples_of_the_manual(schema):
    """Those that are shown as files, but for the one that shows mistakes."""
    page = (SOURCE / "man/buntime-policy.5.in").read_text(encoding="utf-8")
    shown = re.findall(r"^\$ \\fBcat (\w+)\.json\\fR\n(.*?^\}\n)", page, re.M | re.S)
    assert len(shown) > 4 and "wrong" in dict(shown)
    for name, text in shown:
        document = json.loads(text.replace("\\-", "-"))
        assert schema.is_valid(document) == (name != "wrong"), name


@pytest.mark.parametrize("flags", [
    [], ["-A"], ["-N", "--deny-net=10.0.0.0/8,x.example:1-3/udp"], ["--allow-net=[2001:db8::1]:443"],
    ["-R=.", "-W=/tmp/x,~", "--deny-read=/etc/*"], ["--allow-run=git,/usr/bin", "--deny-run=/bin/s?"],
    ["-E", "--deny-env=AWS_*"], ["--allow-sys", "--deny-sys=hostname"], ["--allow-ffi=/opt"],
    ["--allow-unix", "--deny-unix=/run/dbus"],
    ["--memory=1.5G", "--cpu=0.5", "--pids=9", "--timeout=1.5s", "--cpu-time=90", "--max-output=1",
     "--tmp-size=1M", "--shm-size=4096", "--open-files=64", "--net-rate=2", "--net-bytes=5K"],
])
def test_generated(world, schema, flags):
    result = world.run(["init-policy", *flags])
    assert result.status == 0, str(result)
    schema.validate(json.loads(result.stdout))


def test_presets(world, schema):
    for preset in world.run(["policy", "list", "--json"]).stdout.splitlines():
        with open(json.loads(preset)["path"], encoding="utf-8") as file:
            schema.validate(json.load(file))
