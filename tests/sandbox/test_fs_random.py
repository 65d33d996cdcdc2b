# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random file rules in three layers: whatever works is allowed, by a matcher of a few lines.

Each seed is a policy file, variables and flags about a small tree, and a program in C that tries every
operation everywhere in it, last of all moving things to where other rules hold.
"""

import json
import os
import random
import shutil

import pytest

from native import Attack
from test_fs_denials import READ, WRITE
from test_fs_perms import MEANS

ONE_BY_ONE = ["read_file", "write_file", "read_dir", "remove_dir", "remove_file", "make_dir", "make_reg",
              "make_sock", "make_fifo", "make_sym", "truncate"]
DIRS = ["data", "data/sub", "data/sub/deep", "other"]
FILES = ["data/a", "data/b", "data/sub/a", "data/sub/b", "data/sub/deep/a", "data/sub/deep/b", "other/a"]
# What a rule for each of these is about.
NAMES = {"link": ["data/sub"], "*/a": ["data/a", "other/a", "data/sub/a"],
         "data/*": ["data/a", "data/b", "data/sub", "data/old-remove_file", "data/old-remove_dir"]}
# From where to where; and what is then tried by the new name, as which it was the other's before.
MOVES = [("link", "data/a:data/sub/l"), ("link", "data/sub/a:data/l"), ("rename", "data/sub/b:data/r"),
         ("rename", "data/b:data/sub/r"), ("rename", "data/sub:data/moved")]
MOVED = {"data/l": "data/sub/a", "data/r": "data/sub/b", "data/moved/a": "data/sub/a",
         "data/moved/deep/a": "data/sub/deep/a"}
NEW = ["make_dir", "make_reg", "make_sock", "make_fifo", "make_sym", "save"]
TRIES = [*(("read_file", name) for name in FILES), *(("read_dir", name) for name in DIRS),
         *((op, name) for name in FILES for op in ("write_file", "truncate", "chmod", "o_trunc")),
         *((op, f"{name}/new-{op}") for name in DIRS for op in NEW),
         *((op, f"{name}/old-{op}") for name in DIRS for op in ("remove_file", "remove_dir")),
         *MOVES, *((op, name) for name in MOVED for op in ("read_file", "write_file"))]


def is_below(path, place):
    return path == place or path.startswith(place + "/")


def is_allowed(rules, default, perm, path):
    """rules: (layer, action, path, permissions); the first layer that speaks of it counts."""
    for layer in ("flags", "variables", "file"):
        actions = {action for where, action, place, perms in rules
                   if where == layer and perm in perms and is_below(path, place)}
        if actions:
            return "deny" not in actions
    return default


def needs(op, path):
    """(permission, path) of all that the operation is made of."""
    above = os.path.dirname(path)
    if ":" in path:
        old, new = map(os.path.dirname, path.split(":"))
        made, removed = ("make_dir", "remove_dir") if path.startswith("data/sub:") else \
            ("make_reg", "remove_file")
        moved = [(made, new), *([(removed, old)] if op == "rename" else [])]
        return [*moved, *([("refer", old), ("refer", new)] if old != new else [])]
    return {"chmod": [("write_file", path)], "save": [("make_reg", above), ("write_file", path)],
            "o_trunc": [("truncate", path), ("read_file", path)]}.get(
                op, [(op, path if op in ("read_file", "read_dir", "write_file", "truncate") else above)])


def make_tree(directory):
    for name in ("data", "other"):
        shutil.rmtree(directory / name, ignore_errors=True)
    for name in DIRS:
        (directory / name / "old-remove_dir").mkdir(parents=True)
        (directory / name / "old-remove_file").write_text("old")
    for name in FILES:
        (directory / name).write_text("text")
    if not (directory / "link").is_symlink():
        (directory / "link").symlink_to("data/sub")


def random_rules(rng):
    def perms():
        return rng.choice([READ, READ, READ + WRITE, READ + WRITE, WRITE, WRITE, ["write_file"], ["read_file"],
                           ["read_dir"], ["write_dir"], rng.sample(ONE_BY_ONE, rng.randint(1, 4)),
                           rng.sample(ONE_BY_ONE, rng.randint(3, 9)), READ + rng.sample(ONE_BY_ONE, 2)])

    def rule(layer, some):
        action = rng.choice(["allow", "allow", "allow", "warn" if layer == "file" else "allow", "deny", "deny"])
        return layer, action, rng.choice(DIRS + FILES + DIRS[:2] + list(NAMES)), some

    return [*(rule("file", perms()) for _ in range(rng.randint(1, 5))),
            *(rule("variables", rng.choice([READ, WRITE])) for _ in range(rng.choice([0, 0, 0, 1, 2]))),
            *(rule("flags", rng.choice([READ, WRITE])) for _ in range(rng.choice([0, 0, 1, 2, 3])))]


def try_all(box, attack, rules, default):
    (box.directory / "p.json").write_text(json.dumps({
        "version": 1, "defaults": {"fs": "allow" if default else "deny"}, "fs": {"rules": [
            {"action": action, "path": path, "perms": perms}
            for layer, action, path, perms in rules if layer == "file"]}}), encoding="utf-8")
    flags, variables = [], {}
    for layer, action, path, perms in rules:
        kind = "read" if perms == READ else "write"
        if layer == "flags":
            flags.append(f"--{action}-{kind}={path}")
        elif layer == "variables":
            name = f"BUNTIME_{action}_{kind}".upper()
            variables[name] = f"{variables[name]},{path}" if name in variables else path
    result = box.run("--policy=./p.json", *flags, name="./perms", env=variables,
                     args=[word for pair in TRIES for word in pair])
    return attack.parse(result.stdout), result


def meaning(written):
    """The rules by what they are about, permissions and paths."""
    return [(layer, action, place, set().union(*(MEANS.get(perm, {perm}) for perm in perms)))
            for layer, action, path, perms in written for place in NAMES.get(path, [path])]


@pytest.mark.parametrize("part", range(4))
def test_whatever_works_is_allowed(box, part):
    attack = Attack(box, "perms")
    ran = 0
    for seed in range(part * 40, part * 40 + 40):
        written = random_rules(random.Random(seed))
        make_tree(box.directory)
        default = seed % 4 == 0
        found, result = try_all(box, attack, written, default)
        if result.status == 125:
            assert "denied below a place" in result.stderr or "lies below something" in result.stderr
            continue
        assert len(found) == len(TRIES), str(result)
        ran += 1
        rules = meaning(written)
        hidden = [path for _, action, path, perms in rules if action == "deny" and perms & set(READ)]
        shown = [path for _, action, path, _ in rules if action != "deny"]
        for (op, path), got in found.items():
            allowed = all(is_allowed(rules, default, *need) for need in needs(op, path))
            if path in MOVED and got == "ok":
                allowed = allowed or is_allowed(rules, default, op, MOVED[path])
            # The way to what is shown can be listed, and holds nothing else.
            way = op == "read_dir" and any(is_below(place, path) for place in shown)
            assert got != "ok" or allowed or way, (seed, op, path, written, str(result))
            # What is allowed works: but for what a mask takes along, modes (test_fs_perms.py), and
            # what has a mount of its own, which cannot be removed.
            mounted = op.startswith("remove_") and any(place == path for _, _, place, _ in rules)
            if allowed and not mounted and op != "chmod" and ":" not in path and path not in MOVED \
                    and not any(is_below(path, place) for place in hidden):
                assert got == "ok" or (op == "read_dir" and got == "ENOENT"), (seed, op, path, written,
                                                                               str(result))
    assert ran > 20
