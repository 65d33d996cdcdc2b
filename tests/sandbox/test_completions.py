# SPDX-License-Identifier: LGPL-2.1-or-later
"""Completions in the real shells: what a person types, and what is in the command line then."""

import json
import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

PRESETS = {"agent", "anti-escape", "default", "strict"}
SHELLS = ["bash", "zsh", "fish"]
END = "(end of the words)"

# buntime is a function that says with what words it is called; ^T inserts all that is offered.
RECORD = f"""buntime() {{ printf '%s\\n' "$@" '{END}' >"$RECORD"; }}
PS1='READY> '
"""
START = {
    "bash": RECORD + """. /usr/share/bash-completion/bash_completion
bind '"\\C-t": insert-completions'
""",
    "zsh": RECORD + """fpath=($SITE $fpath)
autoload -Uz compinit
compinit -u -D
zle -C all complete-word _generic
bindkey '^T' all
zstyle ':completion:all:*' completer _all_matches _complete
zstyle ':completion:all:*' insert yes
""",
}


class Typed:
    """A shell at a terminal."""

    def __init__(self, shell, directory, environment):
        start = directory / {"bash": "bashrc", "zsh": ".zshrc"}[shell]
        start.write_text(START[shell], encoding="utf-8")
        command = {"bash": ["bash", "--noprofile", "--rcfile", str(start), "-i"],
                   "zsh": ["zsh", "-d", "-i"]}[shell]
        os.mkfifo(directory / "record")
        self.record = os.open(directory / "record", os.O_RDWR)
        environment = environment | {"RECORD": str(directory / "record"), "ZDOTDIR": str(directory),
                                     "TERM": "xterm"}
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(directory / "work")
                os.execvpe(command[0], command, environment)
            finally:
                os._exit(126)
        self.output = b""
        self.until(lambda _: b"READY> " in self.output)

    def until(self, ended):
        """Reads both ways until what was recorded is whole; what that is."""
        recorded, deadline = b"", time.monotonic() + 30
        while not ended(recorded):
            ready, _, _ = select.select([self.terminal, self.record], [], [],
                                        max(0, deadline - time.monotonic()))
            assert ready, (recorded, self.output[-2000:])
            if self.terminal in ready:
                self.output += os.read(self.terminal, 65536)
            if self.record in ready:
                recorded += os.read(self.record, 65536)
        return recorded.decode()

    def words(self, line, key):
        """What buntime is called with once the key was pressed at the line's end."""
        os.write(self.terminal, f"{line}{key}\r".encode())
        recorded = self.until(lambda recorded: f"{END}\n".encode() in recorded)
        return recorded.splitlines()[:-1]

    def offered(self, line):
        words = self.words(line, "\x14")
        place = len(line.split(" ")) - 2
        return words[place:]

    def completed(self, line):
        """The words, and whether the last one can be gone on with."""
        words = self.words(line, "\t@")
        if words[-1] == "@":
            return words[:-1], False
        return [*words[:-1], words[-1].rstrip("@").rstrip(",")], True

    def close(self):
        os.write(self.terminal, b"\x03\x04")
        os.close(self.terminal)
        os.close(self.record)
        os.waitpid(self.pid, 0)


class Fish:
    def __init__(self, directory, environment):
        self.directory, self.environment = directory, environment

    def offered(self, line):
        done = subprocess.run(["fish", "-c", 'complete -C "$argv[1]"', "--", line], timeout=60,
                              capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL,
                              cwd=self.directory / "work", env=self.environment)
        assert done.stderr == ""
        return [word.split("\t")[0] for word in done.stdout.splitlines()]

    def completed(self, line):
        words = self.offered(line)
        # fish offers "--policy=" beside "--policy".
        assert len(words) == 1 or words == [words[0], words[0] + "="], words
        return [*line.split(" ")[1:-1], words[-1]], True

    def close(self):
        pass


def install(world, prefix):
    """The files of the completions where `meson install` would put them."""
    with open(world.build / "meson-info/intro-installed.json", encoding="utf-8") as file:
        installed = json.load(file)
    for built, place in installed.items():
        parts = Path(place).parts
        if "share" in parts and built.endswith((".bash", ".fish", "/_buntime")):
            to = prefix.joinpath(*parts[parts.index("share"):])
            to.parent.mkdir(parents=True)
            shutil.copy(built, to)


@pytest.fixture(name="shell", scope="module", params=SHELLS)
def fixture_shell(request, world, tmp_path_factory):
    directory = tmp_path_factory.mktemp(request.param)
    install(world, directory)
    (directory / "bin").mkdir()
    (directory / "bin/buntime").symlink_to(world.buntime)
    policies = directory / "config/buntime/policies"
    policies.mkdir(parents=True)
    (policies / "my-own.json").write_text('{"version": 1}', encoding="utf-8")
    work = directory / "work"
    (work / "folder/inner").mkdir(parents=True)
    for name in ("first.py", "other.json", "two words.txt"):
        (work / name).write_text("", encoding="utf-8")
    environment = world.environment({
        "PATH": f"{directory}/bin:/usr/local/bin:/usr/bin:/bin", "HOME": str(directory),
        "XDG_CONFIG_HOME": str(directory / "config"), "SITE": f"{directory}/share/zsh/site-functions",
        "XDG_DATA_DIRS": f"{directory}/share:/usr/share", "GITHUB_TOKEN_OF_TEST": "x"})
    shell = Fish(directory, environment) if request.param == "fish" else \
        Typed(request.param, directory, environment)
    yield shell
    shell.close()


# What stands before the cursor, what must be offered for its last word, what must not.
OFFERED = [
    ("", {"run", "check", "policy", "init-policy", "serve", "ui", "first.py", "folder/"}, set()),
    ("--", {"--allow-net", "--policy=", "--debug-ui", "--help"}, {"--json", "--port="}),
    ("run --", {"--allow-net", "--policy="}, {"--json", "--merged"}),
    ("check --", {"--json", "--policy="}, {"--memory=", "--merged"}),
    ("--allow-net=a:1 policy --", {"--json", "--merged"}, {"--policy=", "--allow-net"}),
    ("ui --", {"--port=", "--open"}, {"--policy="}),
    ("init-policy ", set(), {"first.py", "check"}),
    ("--policy=", PRESETS | {"my-own", "other.json", "folder/"}, {"python"}),
    ("--quiet check --policy=", PRESETS | {"my-own", "other.json"}, set()),
    ("--worker=", {"python", "bun", "exec"}, {"first.py"}),
    ("run --net=", {"auto", "slirp", "tap", "veth"}, {"first.py"}),
    ("--allow-read=", {"first.py", "folder/"}, {"agent"}),
    ("--events=", {"other.json", "folder/"}, {"agent"}),
    ("--allow-env=GITHUB_TOKEN", {"GITHUB_TOKEN_OF_TEST"}, {"first.py"}),
    ("--memory=", set(), {"first.py"}),
    ("check ", {"net", "read", "env"}, {"first.py", "run.py"}),
    ("policy ", {"list", "show", "diff", "validate", "schema"}, {"first.py", "agent"}),
    ("policy show ", PRESETS | {"my-own", "other.json"}, {"list"}),
    ("policy diff strict ", PRESETS | {"my-own", "other.json"}, {"list"}),
    ("check read ", {"first.py", "folder/"}, {"net"}),
    ("run ", {"first.py", "folder/"}, {"check", "agent"}),
    # Behind the program stands what is its own.
    ("first.py --", set(), {"--allow-net", "--policy="}),
    ("run first.py ", {"folder/", "other.json"}, {"check"}),
    ("--allow-net=host:443 run first.py --", set(), {"--quiet"}),
]


def plain(words):
    """Some shells write a list's flag before each value, and some '=' and '/' as the line goes on."""
    words = {word.rstrip("=/") for word in words}
    return {word.rsplit("=", 1)[-1] for word in words}


@pytest.mark.parametrize("line,wanted,unwanted", OFFERED, ids=[line for line, _, _ in OFFERED])
def test_offered(shell, line, wanted, unwanted):
    found = plain(shell.offered(f"buntime {line}"))
    assert plain(wanted) <= found and not plain(unwanted) & found, found


@pytest.mark.parametrize("line,words", [
    ("che", ["check"]),
    ("--deb", ["--debug-ui"]),
    ("--qui", ["--quiet"]),
    ("--allow-a", ["--allow-all"]),
    ("--pol", ["--policy="]),
    ("--policy=my", ["--policy=my-own"]),
    ("--policy=oth", ["--policy=other.json"]),
    ("--worker=py", ["--worker=python"]),
    ("--allow-read=fi", ["--allow-read=first.py"]),
    ("--allow-read=first.py,oth", ["--allow-read=first.py,other.json"]),
    ("--allow-read=first.py,fold", ["--allow-read=first.py,folder/"]),
    ("--allow-read=first.py,folder/i", ["--allow-read=first.py,folder/inner/"]),
    ("--allow-write=fold", ["--allow-write=folder/"]),
    ("--allow-env=HOME,GITHUB_TOK", ["--allow-env=HOME,GITHUB_TOKEN_OF_TEST"]),
    ("--quiet policy va", ["--quiet", "policy", "validate"]),
    ("policy show my", ["policy", "show", "my-own"]),
    ("run fir", ["run", "first.py"]),
    ("run --allow-net=a:1,b:2 fir", ["run", "--allow-net=a:1,b:2", "first.py"]),
])
def test_completed(shell, line, words):
    found, is_open = shell.completed(f"buntime {line}")
    # A value can follow, and need not.
    assert found == words or found == [words[0] + "="] == ["--debug-ui="]
    assert is_open or not words[-1].endswith(("=", "/"))


def test_blanks(shell):
    """A name with a blank stays one word."""
    for line in ("run two", "--allow-read=two", "--allow-read=first.py,two"):
        assert shell.completed(f"buntime {line}")[0][-1] == line.rsplit(" ", 1)[-1] + " words.txt"


def test_without_buntime(shell):
    """Where it cannot be found files are offered, and nothing is said."""
    if isinstance(shell, Fish):
        poor = Fish(shell.directory, shell.environment | {"PATH": "/usr/bin:/bin"})
        assert poor.completed("buntime --policy=oth")[0] == ["--policy=other.json"]
        return
    os.write(shell.terminal, b"found=$PATH PATH=/usr/bin:/bin\r")
    assert shell.completed("buntime --policy=oth") == (["--policy=other.json"], False)
    os.write(shell.terminal, b"PATH=$found\r")
    assert shell.completed("buntime --policy=my") == (["--policy=my-own"], False)
    assert b"not found" not in shell.output
