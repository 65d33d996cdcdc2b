# SPDX-License-Identifier: LGPL-2.1-or-later
"""Permissions in the environment: POD_* and BUNTIME_*, below flags and above files."""

import base64
import json

import pytest

from tier import UNSEEN

SPELLINGS = ["POD_", "BUNTIME_"]
TOLD = "buntime: permissions from the environment: "


def encode(text):
    return base64.b64encode(text.encode()).decode()


def policy(**keys):
    return encode(json.dumps({"version": 1, **keys}))


@pytest.mark.parametrize("prefix", SPELLINGS)
def test_read_and_write(box, prefix):
    box.write("in/a.txt", "x\n")
    box.write("in/secret/b.txt", "x\n")
    code = """
        out["a"] = attempt(lambda: open("in/a.txt").read())
        out["b"] = attempt(lambda: open("in/secret/b.txt").read())
        out["write"] = attempt(lambda: open("in/new.txt", "w").close())
    """
    found, _ = box.json(code=code)
    assert found == {"a": UNSEEN, "b": UNSEEN, "write": UNSEEN}
    found, result = box.json(code=code, env={prefix + "ALLOW_READ": "in",
                                             prefix + "DENY_READ": "in/secret"})
    assert found["a"] == "x\n" and found["b"] != "x\n" and found["write"] == "EACCES"
    assert f"{TOLD}{prefix}ALLOW_READ=in\n" in result.stderr
    assert "DENY_READ" not in result.stderr
    found, _ = box.json(code=code, env={prefix + "ALLOW_READ": "in", prefix + "ALLOW_WRITE": "in"})
    assert found["write"] == "ok"


def test_net_run_env_sys(box, world):
    code = """
        out["granted"] = connect("github.com", 443)[0]
        out["denied"] = connect("evil.example", 443)[0]
        out["true"] = attempt(subprocess.run, ["/usr/bin/true"])
        out["env"] = os.environ.get("KEY")
        out["host"] = socket.gethostname()
    """
    env = {"KEY": "value"}
    without, _ = box.json(code=code, env=env)
    assert without["granted"] == without["denied"] == "PermissionError"
    assert without["true"] == "EACCES" and without["env"] is None
    env |= {"POD_ALLOW_NET": "github.com:443", "BUNTIME_ALLOW_RUN": "/usr/bin/true", "POD_ALLOW_ENV": "KEY",
            "POD_ALLOW_SYS": "hostname"}
    found, result = box.json(code=code, env=env)
    assert found["granted"] == "ok" and found["denied"] == "PermissionError"
    assert found["true"] == "ok" and found["env"] == "value"
    assert found["host"] != without["host"]
    assert result.stderr.count(TOLD) == 4
    assert result.denied("net", "evil.example:443")


def test_flags_stand_above_and_files_below(box, world):
    box.write("p.json", json.dumps({"version": 1, "net": {"rules": [
        {"action": "allow", "host": "github.com"}, {"action": "deny", "host": "evil.example"}]}}))
    code = """
        for host in ("github.com", "evil.example"):
            out[host] = connect(host, 443)[0]
    """
    env = {"POD_DENY_NET": "github.com", "POD_ALLOW_NET": "evil.example"}
    found, result = box.json("--policy=p.json", code=code, env=env)
    assert found == {"github.com": "PermissionError", "evil.example": "ok"}
    assert result.denied("net", "github.com")[0].rule == "POD_DENY_NET=github.com (environment)"
    assert result.denied("net", "github.com")[0].allow == "--allow-net=github.com:443"
    found, _ = box.json("--policy=p.json", "--allow-net=github.com", "--deny-net=evil.example",
                        code=code, env=env)
    assert found == {"github.com": "ok", "evil.example": "PermissionError"}


def test_everything_is_said_by_one_word(box):
    code = """out["passwd"] = attempt(lambda: "x" if open("/home/user/diary.txt").read() else "")"""
    found, _ = box.json(code=code, env={"POD_ALLOW_READ": "all"})
    assert found == {"passwd": "x"}
    for value in ("", "1", "true", "*"):
        result = box.run(code="print('ran')", env={"POD_ALLOW_READ": value})
        assert result.status == 2 and result.stdout == "", value
        assert result.stderr.startswith(f"buntime: POD_ALLOW_READ={value}: "), str(result)


@pytest.mark.parametrize("name, value, told", [
    ("POD_DENY_NTE", "x", "POD_DENY_NTE: no such permission\n  did you mean POD_DENY_NET?"),
    ("BUNTIME_ALLOW_RED", "x", "BUNTIME_ALLOW_RED: no such permission"),
    ("POD_DENY_NET", "", "POD_DENY_NET=: an empty value"),
    ("BUNTIME_DENY_NET", "http://x/", "BUNTIME_DENY_NET=http://x/: "),
    ("POD_ALLOW_READ", "not-there", "POD_ALLOW_READ=not-there: No such file or directory"),
    ("POD_POLICY_JSON", "{}", "POD_POLICY_JSON: not a policy in base64"),
])
def test_mistakes_stop_the_run_and_the_check(box, world, name, value, told):
    result = box.run(code="print('ran')", env={name: value})
    checked = world.run(["check", "net", "github.com"], cwd=box.directory, env={name: value})
    assert result.status == checked.status == 2 and result.stdout == checked.stdout == ""
    assert told in result.stderr and checked.stderr in result.stderr, str(result)


def test_both_spellings_say_the_same_or_nothing_runs(box):
    env = {"POD_ALLOW_NET": "a.example", "BUNTIME_ALLOW_NET": "b.example"}
    result = box.run(code="print('ran')", env=env)
    assert result.status == 2 and "has another value" in result.stderr and result.stdout == ""
    result = box.run(code="print('ran')", env=dict.fromkeys(env, "a.example"))
    assert result.status == 0 and result.stderr.count(TOLD) == 1, str(result)


def test_a_policy(box, world):
    box.write("in/a.txt", "x\n")
    box.write("base.json", json.dumps({"version": 1, "env": {"allow": ["KEY"]}}))
    document = policy(extends=["./base.json"], fs={"rules": [
        {"action": "allow", "path": "./in", "perms": ["read_file"]},
        {"action": "allow", "path": "./not-there", "perms": ["read_file"]}]},
        net={"rules": [{"action": "allow", "host": "github.com"}]})
    code = """
        out["a"] = attempt(lambda: open("in/a.txt").read())
        out["key"] = os.environ.get("KEY")
        out["net"] = connect("github.com", 443)[0]
    """
    env = {"POD_POLICY_JSON": document, "KEY": "value", "POD_DENY_NET": "github.com"}
    found, result = box.json(code=code, env=env)
    assert found == {"a": "x\n", "key": "value", "net": "PermissionError"}
    assert TOLD + "POD_POLICY_JSON\n" in result.stderr
    # As of a file: what is not there is skipped, and said.
    assert "POD_POLICY_JSON:1: fs.rules[1]: skipped ./not-there" in result.stderr
    checked = world.run(["check", "--json", "read", "in/a.txt"], cwd=box.directory, env=env)
    assert json.loads(checked.stdout)["rule"]["source"] == "POD_POLICY_JSON"
    preset = world.run(["check", "net", "10.1.2.3:80"], env={"BUNTIME_POLICY_JSON":
                                                            policy(extends=["net-egress"])})
    assert preset.status == 1 and "net-egress.json" in preset.stdout


def test_what_a_policy_extends_cannot_be_changed(box):
    box.write("base.json", json.dumps({"version": 1}))
    box.write("other.json", "{}")
    found, _ = box.json("--allow-read=.", "--allow-write=.", code="""
        for name in ("base.json", "other.json"):
            out[name] = attempt(lambda: open(name, "w").close())
    """, env={"POD_POLICY_JSON": policy(extends=["./base.json"])})
    assert found["base.json"] in ("EACCES", "EROFS") and found["other.json"] == "ok"


def test_mistakes_in_a_policy_have_their_places(box):
    result = box.run(code="print('ran')", env={"POD_POLICY_JSON":
                                               encode('{\n "version": 1,\n "nett": {}\n}')})
    assert result.status == 125 and result.stdout == ""
    assert 'POD_POLICY_JSON:3:2: nett: an unknown key; did you mean "net"?' in result.stderr


def test_never_visible_to_the_worker(box, world):
    own = {"POD_ALLOW_ENV": "all", "BUNTIME_DENY_NET": "x.example",
           "POD_POLICY_JSON": policy(env={"allow": ["POD_ALLOW_ENV"]})}
    env = own | {"POD_NAME": "web-1", "BUNTIME_TEST": "1"}
    code = """out.update({name: value for name, value in os.environ.items()
                          if name.startswith(("POD_", "BUNTIME_"))})"""
    for flags in ([], ["-E"], ["-E", "--allow-env=POD_ALLOW_ENV,POD_POLICY_JSON"], ["-A"]):
        found, _ = box.json(*flags, code=code, env=env)
        assert found == {"POD_NAME": "web-1", "BUNTIME_TEST": "1"}, flags
        for name in own:
            checked = world.run(["check", *flags, "env", name], env=env)
            assert checked.status == 1 and "allow:" not in checked.stdout, str(checked)
        assert world.run(["check", *flags, "env", "POD_NAME"], env=env).status == 0
    # Who asks for one by its name is told.
    told = "buntime: POD_ALLOW_ENV is not granted: buntime's own permissions are never shown\n"
    for flag, is_told in ("--allow-env=POD_ALLOW_ENV", True), ("--allow-env=POD_*", False):
        result = box.run(flag, code="pass\n", env={"POD_ALLOW_ENV": "POD_NAME"})
        assert (told in result.stderr) == is_told, str(result)
    del env["POD_POLICY_JSON"]
    found, _ = box.json("--no-sandbox", code=code, env=env)
    assert found == {"POD_NAME": "web-1", "BUNTIME_TEST": "1"}


def test_grants_are_announced_even_if_quiet(box):
    result = box.run("-q", code="print('ran')", env={"POD_ALLOW_ENV": "A\033[31m,B"})
    assert result.stderr == TOLD + "POD_ALLOW_ENV=A\\x1b[31m,B\n" and result.stdout == "ran\n"
    result = box.run("-q", code="print('ran')", env={"POD_ALLOW_ENV": "A" * 1000})
    assert len(result.stderr) < 300 and result.stderr.endswith("A...\n")


def test_check_agrees(box, world):
    env = {"POD_ALLOW_NET": "github.com:443", "POD_DENY_READ": "/etc"}
    said = world.run(["check", "net", "github.com:443"], env=env)
    assert said.status == 0 and "POD_ALLOW_NET=github.com:443 (environment)" in said.stdout
    assert world.run(["check", "net", "github.com:80"], env=env).status == 1
    assert world.run(["check", "--deny-net", "net", "github.com:443"], env=env).status == 1
    assert world.run(["check", "read", "/etc/passwd"], env=env).status == 1
    assert world.run(["check", "read", "/etc/passwd"]).status == 0


def test_no_sandbox_is_refused_by_a_policy(box):
    result = box.run("--no-sandbox", code="print('ran')", env={"POD_POLICY_JSON": policy()})
    assert result.status == 125 and result.stdout == ""


def test_init_policy_writes_flags_alone(world):
    env = {"POD_ALLOW_NET": "github.com", "BUNTIME_DENY_READ": "/x"}
    plain = world.run(["init-policy", "--allow-env=A"])
    result = world.run(["init-policy", "--allow-env=A"], env=env)
    assert result.status == 0 and result.stdout == plain.stdout
    assert plain.stderr == ""
    for name in env:
        assert f"buntime: {name} is not written: " in result.stderr
