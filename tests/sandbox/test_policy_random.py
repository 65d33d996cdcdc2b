# SPDX-License-Identifier: LGPL-2.1-or-later
"""The schema and the reader in C on documents that nobody thought of.

Some are right but for a few changes: both must say the same of them. Others
hold any text in any place; there only the reader knows what a host or a path
is, but what it accepts the schema accepts, too, or an editor would mark a
policy that works.
"""

import copy
import json
import shutil

import jsonschema
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

PERMS = ["read_file", "write_file", "execute", "read_dir", "write_dir", "remove_dir",
         "remove_file", "make_char", "make_dir", "make_reg", "make_sock", "make_fifo",
         "make_block", "make_sym", "truncate", "refer"]
HIDDEN = ["hostname", "loadavg", "networkInterfaces", "systemMemoryInfo"]
FACTS = [*HIDDEN, "osRelease", "osUptime", "uid", "gid"]
PATHS = ["/usr", "./x", "~/a b", "${HOME}/x", "/a/*/b", "/tmp/**", "..", "/\u00e9"]
ACTIONS = st.sampled_from(["allow", "warn", "deny"])
NAMES = st.sampled_from(["A", "AWS_*", "*", "LD_PRELOAD", "A B", "\u00e9"])


def rules(required, optional=None, actions=ACTIONS):
    rule = st.fixed_dictionaries({"action": actions, **required}, optional=optional or {})
    return st.fixed_dictionaries({}, optional={"rules": st.lists(rule, max_size=3)})


def words(*choices):
    return st.sampled_from(choices)


PATH = {"path": st.sampled_from(PATHS)}
NET = {"proto": words("tcp", "udp", "any"), "ports": words("443", "80,8000-9000", "1-65535")}
SUM = {"sha256": words("0123456789abcdef" * 4, "ABCDEF0123456789" * 4)}
SIZE = st.one_of(st.integers(1 << 20, 1 << 40), words("512M", "1.5G", "2GiB", "5000000", "1T"))
TIME = st.one_of(st.integers(1, 86400), words(0.5, "90s", "1.5h", "500ms", "2m", "1d", "7"))
PARTS = {
    "$schema": words("https://x.example/s.json", ""),
    "name": words("n", "", "\u00e9"),
    "description": words("d. e", ""),
    "extends": st.lists(words("strict", "net-egress"), max_size=2),
    "plugins": st.fixed_dictionaries({}, optional=dict.fromkeys(
        ["namespaces", "landlock", "seccomp"], st.booleans())),
    "defaults": st.fixed_dictionaries({}, optional=dict.fromkeys(
        ["fs", "net", "exec"], words("allow", "deny"))),
    "fs": rules({**PATH, "perms": st.lists(st.sampled_from(PERMS), min_size=1, max_size=4)}),
    "net": st.one_of(rules({"host": words("a.example", "*.b.example", "localhost")},
                           {**NET, "inspect": st.booleans()}),
                     rules({"cidr": words("10.0.0.0/8", "2001:db8::/32", "192.0.2.1")}, NET)),
    "exec": st.one_of(rules({"path": words("/usr/bin/env", "git", "~/bin/x")}, SUM),
                      rules({"glob": words("/usr/bin/*", "./bin/**")}, SUM)),
    "ffi": rules(PATH, actions=words("allow", "deny")),
    "unix": rules(PATH),
    "env": st.fixed_dictionaries({}, optional={
        "allow": st.lists(NAMES, max_size=3), "deny": st.lists(NAMES, max_size=3),
        "set": st.dictionaries(words("A", "B", "C"), words("", "x", "a=b"), max_size=2)}),
    "sys": st.fixed_dictionaries({}, optional={
        "allow": st.lists(st.sampled_from(FACTS), max_size=3),
        "deny": st.lists(st.sampled_from(HIDDEN), max_size=3)}),
    "antiEscape": st.fixed_dictionaries({}, optional={
        "denySyscalls": st.lists(words("fsync", "personality"), max_size=2)}),
    "audit": st.fixed_dictionaries({}, optional={
        "enabled": st.booleans(),
        "events": st.lists(words("connect", "openat", "execve"), max_size=3)}),
    "limits": st.fixed_dictionaries({}, optional={
        **dict.fromkeys(["memory", "output", "tmpSize", "shmSize", "netBytes"], SIZE),
        **dict.fromkeys(["wallTime", "cpuTime"], TIME),
        "cpu": st.one_of(st.integers(1, 64), words(0.5, 2.125, "50%", "1.5")),
        **dict.fromkeys(["pids", "openFiles", "netConnectionsPerSecond"],
                        st.integers(1, 1000000))}),
}
VALID = st.fixed_dictionaries({"version": st.just(1)}, optional=PARTS)

pytestmark = pytest.mark.slow

# Texts that are judged by what they say are changed only into what is none at all.
JUDGED = {"path", "glob", "host", "cidr", "ports", "extends", "denySyscalls"}
JUNK = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.just(0.5), st.just([]),
                 st.just({}), st.just([[]]), st.just([None]), st.just({"x": 1}))
WORDS = st.one_of(words("", "allow", "warn", "deny", "Allow", "allow ", "tcp", "read_file", "all",
                        "uid", "hostname", "connect", "x", "=", "A=b", "A*"),
                  st.text("aA=*? \u00e9", max_size=3))


def places(node, key=None):
    """Every value in a document: (container, its key or index, the key that it stands under)."""
    children = node.items() if isinstance(node, dict) else enumerate(node) \
        if isinstance(node, list) else ()
    for place, child in children:
        under = place if isinstance(node, dict) else key
        yield node, place, under
        yield from places(child, under)


@st.composite
def changed(draw, texts=WORDS, judged=True):
    """A valid document with up to three changes."""
    document = copy.deepcopy(draw(VALID))
    for _ in range(draw(st.integers(0, 3))):
        found = list(places(document))
        if not found:
            break
        node, place, under = draw(st.sampled_from(found))
        change = draw(words("junk", "text", "drop", "key", "swap"))
        if change == "junk":
            node[place] = copy.deepcopy(draw(JUNK))
        elif change == "text" and not (judged and (under in JUDGED or "limits" in (under, key_of(
                document, node)))):
            node[place] = draw(texts)
        elif change == "drop":
            del node[place]
        elif change == "key" and isinstance(node, dict):
            node[draw(words("x", "rule", "Version", "action", "path", "perms", "name"))] = \
                node[place]
        elif change == "swap":
            other, there, _ = draw(st.sampled_from(found))
            if not judged or (isinstance(node[place], dict) and isinstance(
                    other.get(there) if isinstance(other, dict) else None, dict)):
                node[place] = copy.deepcopy(other[there])
    return document


def key_of(document, wanted):
    """The key that a container stands under."""
    for node, place, under in places(document):
        if node[place] is wanted:
            return under
    return None


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False,
                                                                 allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3),
                            st.dictionaries(st.one_of(st.text(max_size=6), words(*PARTS)), inner,
                                            max_size=3)), max_leaves=8)
LIMIT_TEXTS = st.text("0123456789.KMGTiBmshd%+- e", max_size=7)
WILD = st.one_of(
    changed(st.one_of(st.text(max_size=8), LIMIT_TEXTS, st.integers(), st.floats(-10, 1e12)), False),
    st.fixed_dictionaries({"version": st.just(1)}, optional=dict.fromkeys(PARTS, ANYTHING)),
    st.builds(lambda key, value: {"version": 1, "limits": {key: value}},
              words("memory", "cpu", "pids", "wallTime", "cpuTime", "output", "tmpSize"),
              st.one_of(LIMIT_TEXTS, st.integers(), st.floats(-10, 1e12))),
    ANYTHING)


@pytest.fixture(scope="module", name="judge")
def fixture_judge(world, tmp_path_factory):
    """judge(documents): [(text, does the reader accept it, does the schema), ...]"""
    schema = jsonschema.Draft7Validator(json.loads(world.run(["policy", "schema"]).stdout))
    folder = tmp_path_factory.mktemp("random")
    count = 0

    def judge(documents):
        nonlocal count
        count += 1
        place = folder / str(count)
        place.mkdir()
        paths = [place / f"{i}.json" for i in range(len(documents))]
        for path, document in zip(paths, documents):
            path.write_text(json.dumps(document), encoding="utf-8")
        result = world.run(["policy", "validate", *paths])
        accepted = set(result.stdout.splitlines())
        assert result.status == (0 if len(accepted) == len(paths) else 1), str(result)
        world.runs.clear()
        shutil.rmtree(place)
        return [(json.dumps(document), f"{path}: valid" in accepted, schema.is_valid(document))
                for path, document in zip(paths, documents)]

    return judge


def some(documents):
    return st.lists(documents, min_size=6, max_size=6)


BOUNDED = settings(derandomize=True, database=None, deadline=None, max_examples=60,
                   phases=[Phase.generate, Phase.shrink],
                   suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large,
                                          HealthCheck.function_scoped_fixture])


def test_what_is_right_is_accepted(judge):
    @BOUNDED
    @given(some(VALID))
    def accepted(documents):
        for text, reads, valid in judge(documents):
            assert valid, text
            assert reads, text

    accepted()


def test_reader_and_schema_agree(judge):
    seen = {True: 0, False: 0}

    @BOUNDED
    @given(some(changed()))
    def agree(documents):
        for text, reads, valid in judge(documents):
            seen[reads] += 1
            assert reads == valid, f"{'read' if reads else 'refused'} {text}"

    agree()
    # Neither side of the question was left out.
    assert min(seen.values()) > 60, seen


def test_what_is_read_is_in_the_schema(judge):
    @BOUNDED
    @given(some(WILD))
    def contained(documents):
        for text, reads, valid in judge(documents):
            assert valid or not reads, text

    contained()
