# SPDX-License-Identifier: LGPL-2.1-or-later
"""init-policy, check and policy, from the outside."""

import json
import os
import re

import pytest

PRESETS = {"default", "fs-allowlist", "net-egress", "exec-policy", "anti-escape", "audit", "lambda",
           "networked", "readonly", "no-network", "strict", "desktop", "agent", "pip-install",
           "npm-install", "mcp-server"}


@pytest.fixture
def buntime(world, box):
    return lambda *args, **kwargs: world.run(args, **{"cwd": box.directory, **kwargs})


# ---- check ----

def test_check_exit_status_and_words(buntime, box):
    box.write("p.json", json.dumps({"version": 1, "net": {"rules": [
        {"action": "warn", "host": "github.com", "ports": "22"}]}}, indent=1))
    allowed = buntime("check", "--allow-net=github.com:443", "net", "github.com:443")
    assert allowed.status == 0 and allowed.stdout == \
        "allowed net github.com:443\n  rule:  --allow-net=github.com:443 (command line)\n" \
        "  note:  TLS and HTTP must ask for this name; other protocols are held by its " \
        "addresses alone\n"
    denied = buntime("check", "--allow-net=github.com:443", "net", "github.com:80")
    assert denied.status == 1 and "allow: --allow-net=github.com:80\n" in denied.stdout
    warned = buntime("check", "--policy=p.json", "net", "github.com:22")
    assert warned.status == 3 and "p.json:5: net.rules[0]" in warned.stdout, str(warned)


def test_check_json(buntime, box):
    box.write("secret.txt", "x")
    result = buntime("check", "--json", "--allow-read=.", "--deny-read=secret.txt", "read",
                     "secret.txt")
    assert json.loads(result.stdout) == {
        "v": 1, "kind": "read", "action": "deny",
        "object": os.path.realpath(box.directory / "secret.txt"),
        "rule": {"source": "command line", "line": None, "text": "--deny-read=secret.txt"},
        "suggestion": None, "note": None}


@pytest.mark.parametrize("args,status", [
    (["net", "github.com"], 1), (["--allow-net=github.com:443", "net", "github.com"], 1),
    (["--allow-net=github.com", "net", "github.com"], 0),
    (["--allow-net=github.com", "net", "github.com/udp"], 1),
    (["--allow-net=github.com/udp", "net", "github.com:123/udp"], 0),
    (["--allow-net", "net", "127.0.0.1:80"], 1), (["--allow-net", "net", "10.0.2.2:80"], 1),
    (["--allow-net", "net", "198.51.100.10:53"], 1),
    (["--allow-run=true", "run", "true"], 0), (["--allow-run=true", "run", "ls"], 1),
    (["--allow-env=AWS_*", "env", "AWS_KEY"], 0), (["env", "LANG"], 0), (["env", "HOME"], 1),
    (["--allow-env", "env", "LD_PRELOAD"], 1), (["sys", "hostname"], 1), (["sys", "uid"], 0),
    (["unix", "/run/user/1/bus"], 1), (["--allow-unix=/run", "unix", "/run/user/1/bus"], 1),
    (["write", "/tmp/x"], 0), (["read", "/etc/shadow"], 1), (["read", "/usr/bin/env"], 0),
    (["--allow-read", "read", "/proc/1/mem"], 1),
])
def test_check_kinds(buntime, args, status):
    result = buntime("check", *args)
    assert result.status == status, str(result)
    assert "  rule:  " in result.stdout


def test_check_of_what_is_not_there(buntime, box):
    """What nobody can read is not denied by a rule, and no flag would grant it."""
    box.write("p.json", json.dumps({"version": 1, "fs": {"rules": [
        {"action": "allow", "path": ".", "perms": ["read_file", "read_dir"]},
        {"action": "allow", "path": "./absent", "perms": ["read_file", "read_dir"]}]}}))
    result = buntime("check", "--policy=p.json", "read", "absent/x")
    assert result.status == 0, str(result)
    box.write("p.json", json.dumps({"version": 1, "fs": {"rules": [
        {"action": "allow", "path": "./absent", "perms": ["read_file", "read_dir"]}]}}))
    result = buntime("check", "--policy=p.json", "read", "absent/x")
    assert result.status == 1 and "nothing is there to be read (buntime)" in result.stdout
    assert "allow:" not in result.stdout


@pytest.mark.parametrize("args,complaint", [
    (["net"], "one value"), (["nett", "x"], "no kind of permission"),
    (["net", "a", "b"], "one value"), (["net", "2852039166"], "number"),
    (["net", "*.github.com"], "more than one host"), (["net", "10.0.0.0/8"], "more than one host"),
    (["run", "nonesuch-program"], "no such program"), (["sys", "hostnam"], "did you mean hostname"),
    (["--worker=bun", "net", "x"], "not a flag of 'buntime check'"), (["env", "A=B"], "A=B"),
])
def test_check_usage(buntime, args, complaint):
    result = buntime("check", *args)
    assert result.status == 2 and complaint in result.stderr, str(result)
    assert result.stdout == ""


# ---- init-policy ----

def test_init_policy_is_a_policy(buntime, box):
    box.write("data/a.txt", "a\n")
    box.write("other/b.txt", "b\n")
    flags = ["--allow-net=198.51.100.10:80", "--allow-read=data", "--deny-read=data/no*",
             "--allow-run=true"]
    box.write("data/nothing.txt", "n\n")
    written = buntime("init-policy", *flags)
    assert written.status == 0 and written.stderr == "", str(written)
    box.write("made.json", written.stdout)
    code = """
        out["a"] = attempt(lambda: open("data/a.txt").read())
        out["no"] = attempt(lambda: open("data/nothing.txt").read())
        out["b"] = attempt(lambda: open("other/b.txt").read())
        out["true"] = attempt(lambda: subprocess.run(["/usr/bin/true"]).returncode)
        out["ls"] = attempt(lambda: subprocess.run(["/usr/bin/ls"]).returncode)
        out["net"] = connect("198.51.100.10", 80)[0]
        out["other"] = connect("198.51.100.20", 80)[0]
    """
    by_flags, _ = box.json(*flags, code=code)
    by_file, _ = box.json("--policy=made.json", code=code)
    assert by_flags == by_file
    assert by_file["a"] == "a\n" and by_file["no"] != "n\n" and by_file["b"] == "ENOENT"
    assert by_file["true"] == 0 and by_file["ls"] == "EACCES"
    assert by_file["net"] == "ok" and by_file["other"] == "PermissionError"


def test_init_policy_of_nothing_denies_everything(buntime):
    text = buntime("init-policy").stdout
    assert json.loads(text) == {"version": 1,
                                "defaults": {"fs": "deny", "net": "deny", "exec": "deny"}}


@pytest.mark.parametrize("args,complaint", [
    (["--allow-read=/a${HOME}"], "variable"),
    (["--policy=agent"], "not a flag of 'buntime init-policy'"), (["w.py"], "no flag"),
    (["--allow-net=127.1"], "127.1"),
])
def test_init_policy_refusals(buntime, args, complaint):
    result = buntime("init-policy", *args)
    assert result.status == 2 and complaint in result.stderr and result.stdout == "", str(result)


@pytest.mark.parametrize("flags", [
    ["-A"], ["-N", "--deny-net=10.0.0.0/8"], ["-R", "-W=/tmp", "--deny-read=/etc"],
    ["--allow-env=AWS_*"], ["--allow-sys"], ["--deny-sys=hostname"], ["--allow-ffi=/usr/lib"],
    ["--allow-run", "--deny-run=/bin/sh"], ["--allow-unix"], ["--allow-unix=/run/x,/run/y"],
    ["--allow-unix", "--deny-unix=/run/dbus"],
])
def test_init_policy_writes_nothing_that_is_not_read(buntime, flags):
    written = buntime("init-policy", *flags)
    assert written.status == 0, str(written)
    read = buntime("policy", "validate", "-", stdin=written.stdout)
    assert read.status == 0, f"{written}\n{read}"
    # Each kind that a flag speaks of is in it.
    keys = {"A": {"fs", "net", "exec", "env", "ffi", "unix", "sys"}, "N": {"net"}, "R": {"fs"},
            "W": {"fs"}, "run": {"exec"}}
    kinds = [re.match(r"-+(?:allow-|deny-)?(\w+)", flag)[1] for flag in flags]
    wanted = set().union(*(keys.get(kind, {{"read": "fs"}.get(kind, kind)}) for kind in kinds))
    assert set(json.loads(written.stdout)) == {"version", "defaults"} | wanted


# ---- policy ----

def test_list(buntime, world):
    result = buntime("policy", "list", "--json")
    found = {preset["name"]: preset for preset in map(json.loads, result.stdout.splitlines())}
    assert set(found) == PRESETS, str(result)
    for preset in found.values():
        assert os.path.isfile(preset["path"]) and "Stops" in preset["description"], preset
        assert "oes not" in preset["description"], preset
    assert buntime("policy", "list").stdout.count("\n") == 2 * len(PRESETS)


def test_the_users_own(buntime, box):
    own = '{"version": 1, "description": "Mine. All of it."}\n'
    box.write("config/buntime/policies/mine.json", own)
    box.write("config/buntime/policies/broken.json", "{")
    env = {"XDG_CONFIG_HOME": str(box.directory / "config")}
    assert buntime("policy", "show", "mine", env=env).stdout == own
    assert buntime("policy", "show", "mine", env={"XDG_CONFIG_HOME": "config"}).status != 0
    listed = buntime("policy", "list", env=env).stdout
    assert f"mine ({box.directory}/config/buntime/policies/mine.json, your own)\n  Mine.\n" in listed
    found = {preset["name"]: preset for preset in
             map(json.loads, buntime("policy", "list", "--json", env=env).stdout.splitlines())}
    assert set(found) == PRESETS | {"mine", "broken"}
    assert {name for name in found if found[name]["user"]} == {"mine", "broken"}
    assert {name for name in found if "error" in found[name]} == {"broken"}
    assert "broken.json:1:" in found["broken"]["error"], found


def test_a_file_of_the_users_is_no_preset_of_all(buntime, box):
    """It would decide what "strict" means, and nobody would see it."""
    box.write("config/buntime/policies/strict.json", '{"version": 1, "defaults": {"net": "allow"}}')
    env = {"XDG_CONFIG_HOME": str(box.directory / "config")}
    result = box.run("--policy=strict", env=env, code="print('ran')\n")
    assert result.status == 125 and result.stdout == "", str(result)
    assert "strict: a preset that all have, and a file of your own: " in result.stderr
    assert buntime("policy", "show", "strict", env=env).status == 125
    path = str(box.directory / "config/buntime/policies/strict.json")
    assert buntime("check", f"--policy={path}", "net", "a.example:443", env=env).status == 0
    shipped = {preset["name"]: preset for preset in
               map(json.loads, buntime("policy", "list", "--json", env=env).stdout.splitlines())}
    assert not shipped["strict"]["user"] and shipped["strict"]["path"] != path


def test_show_and_merged(buntime, box):
    box.write("base.json", json.dumps({"version": 1, "net": {"rules": [
        {"action": "deny", "host": "x.example"}]}}))
    box.write("p.json", json.dumps({"version": 1, "extends": ["./base.json"]}))
    assert json.loads(buntime("policy", "show", "p.json").stdout)["extends"] == ["./base.json"]
    merged = json.loads(buntime("policy", "show", "--merged", "p.json").stdout)
    assert merged["net"]["rules"] == [{"action": "deny", "proto": "any", "host": "x.example"}]


def test_diff(buntime, box):
    box.write("p.json", json.dumps({"version": 1, "exec": {"rules": [
        {"action": "allow", "path": "true"}]}}))
    same = buntime("policy", "diff", "default", "default")
    assert same.status == 0 and same.stdout == ""
    other = buntime("policy", "diff", "default", "p.json")
    assert other.status == 1 and other.stdout == "+ exec: allow true\n", str(other)
    assert buntime("policy", "diff", "p.json", "default").stdout == "- exec: allow true\n"


def test_validate_tells_everything(buntime, box):
    box.write("good.json", '{"version": 1}')
    box.write("a.json", '{"version": 1,\n "extends": ["./b.json"],\n "nett": {}}')
    box.write("b.json", '{"version": 1, "defaults": {"net": "alow"}}')
    result = buntime("policy", "validate", "good.json", "a.json")
    assert result.status == 1 and result.stdout == "good.json: valid\n"
    assert "a.json:3:2: nett: " in result.stderr and 'did you mean "net"' in result.stderr
    assert "b.json:1:36: defaults.net: " in result.stderr, str(result)


def test_validate_presets_and_stdin(buntime):
    result = buntime("policy", "validate", *sorted(PRESETS))
    assert result.status == 0 and result.stderr == "", str(result)
    assert buntime("policy", "validate", "-", stdin='{"version": 1}').status == 0
    assert buntime("policy", "validate", "-", stdin='{"version": 2}').status == 1


def test_cycles_are_refused_with_their_chain(buntime, box):
    box.write("a.json", '{"version": 1, "extends": ["./b.json"]}')
    box.write("b.json", '{"version": 1, "extends": ["./a.json"]}')
    result = box.run("--policy=a.json", code="print('ran')\n")
    assert result.status == 125 and result.stdout == "", str(result)
    assert f"{box.directory}/b.json:1:28: extends[0]" in result.stderr
    assert "a.json → " in result.stderr and "b.json → " in result.stderr


@pytest.mark.parametrize("args", [["policy"], ["check"], ["policy", "show"], ["policy", "lost"],
                                  ["policy", "diff", "default"], ["policy", "list", "x"]])
def test_usage(buntime, args):
    result = buntime(*args)
    assert result.status == 2 and result.stderr != "" and result.stdout == "", str(result)


@pytest.mark.parametrize("command", ["run", "init-policy", "check", "policy"])
def test_help_of_each(buntime, command):
    result = buntime(command, "--help")
    assert result.status == 0 and result.stdout.startswith("usage: buntime "), str(result)
    assert command in result.stdout.splitlines()[0]
    assert ("--worker" in result.stdout) == (command == "run")


# ---- running with them ----

def test_policy_on_standard_input(box):
    text = json.dumps({"version": 1, "exec": {"rules": [{"action": "allow", "path": "true"}]}})
    result = box.run("--policy=-", code="""
        import subprocess
        print(subprocess.run(["/usr/bin/true"]).returncode)
    """, stdin=text)
    assert result.status == 0 and result.stdout == "0\n", str(result)
    result = box.run("--policy=-", name="-", stdin=text)
    assert result.status == 2 and "standard input" in result.stderr, str(result)


def test_all_that_was_read_is_read_only(box):
    box.write("base.json", '{"version": 1}')
    box.write("p.json", '{"version": 1, "extends": ["./base.json"]}')
    box.write("config/buntime/policies/own.json", '{"version": 1}')
    env = {"XDG_CONFIG_HOME": str(box.directory / "config")}
    out, result = box.json("--policy=p.json", "--policy=own", "-R=.", "-W=.", env=env, code="""
        for name in ("p.json", "base.json", "config/buntime/policies/own.json"):
            out[name] = attempt(open, name, "a")
        out["new"] = attempt(open, "config/buntime/policies/new.json", "w")
        out["moved"] = attempt(os.rename, "config/buntime", "config/elsewhere")
        out["moved above"] = attempt(os.rename, "config", "elsewhere")
        out["other"] = attempt(open, "other.json", "w")
    """)
    assert out.pop("other") == "ok"
    assert set(out.values()) <= {"EACCES", "EROFS", "EBUSY"}, out
    assert "no flag" not in result.stderr
    assert all(event.allow == "" for event in result.denied("write")), str(result)


def test_a_config_that_is_made_is_told(box):
    env = {"XDG_CONFIG_HOME": str(box.directory / "config")}
    result = box.run("-R=.", "-W=.", env=env, code="""
        import os
        os.makedirs("config/buntime/policies")
    """)
    assert "where buntime looks for policies" in result.stderr, str(result)
    (box.directory / "config/buntime/policies").rmdir()
    result = box.run("-R=.", "-W=.", env=env, code="pass\n")
    assert result.stderr == "", str(result)


def test_a_link_to_a_policy_cannot_be_replaced(box):
    box.write("hidden/p.json", '{"version": 1}')
    box.write("work/x", "")
    (box.directory / "work/p.json").symlink_to("../hidden/p.json")
    flags = ["--policy=work/p.json", "-R=work"]
    assert box.run(*flags, code="pass\n").status == 0
    result = box.run(*flags, "-W=work", code="print('ran')\n")
    assert result.status == 125 and result.stdout == "", str(result)
    assert "work/p.json: a symbolic link to a policy" in result.stderr
    result = box.run("--policy=hidden/p.json", "-R=work", "-W=work", code="pass\n")
    assert result.status == 0, str(result)


def test_a_linked_config_is_told(box):
    box.write("dots/buntime/policies/own.json", '{"version": 1}')
    (box.directory / "config").mkdir()
    (box.directory / "config/buntime").symlink_to("../dots/buntime")
    env = {"XDG_CONFIG_HOME": str(box.directory / "config")}
    out, result = box.json("--policy=default", "-R=.", "-W=.", env=env, code="""
        out["own"] = attempt(open, "dots/buntime/policies/own.json", "a")
    """)
    assert out["own"] == "EACCES" and "config/buntime is a symbolic link" in result.stderr


def test_mistakes_of_all_policies_are_told(box):
    box.write("a.json", '{"version": 1, "x": 1}')
    box.write("b.json", '{"version": 1, "y": 2}')
    result = box.run("--policy=a.json", "--policy=nonesuch", "--policy=b.json", code="pass\n")
    assert result.status == 125 and result.stdout == ""
    for text in ("a.json:1:16: x:", "nonesuch: no preset", "b.json:1:16: y:"):
        assert text in result.stderr, str(result)
