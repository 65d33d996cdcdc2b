# SPDX-License-Identifier: LGPL-2.1-or-later
"""Texts for people are translated, in UTF-8, whatever character set the locale names."""

import gettext
import json
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest
from test_setup import RUN_WITHOUT_CAPABILITIES, run_in

CATALOGUE = '''
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "check the spelling"
msgstr "prüfe die Schreibweise"

msgid "%u more allowed operation; --audit=FILE has it"
msgid_plural "%u more allowed operations; --audit=FILE has them"
msgstr[0] "Einzahl %u"
msgstr[1] "Mehrzahl %u"
'''


LANGUAGES = {"de": "de_DE", "es": "es_ES", "fr": "fr_FR", "ja": "ja_JP", "pt_BR": "pt_BR", "zh_CN": "zh_CN"}
# English has 95; longer words have some more, and no line is a paragraph.
HELP_WIDTH = 108


def install_catalogues(world, box, catalogues, *locales):
    """The preparation for catalogues, a folder, and for locales, which a small system may lack."""
    for name in locales:
        shutil.copytree("/usr/lib/locale/C.utf8", box.directory / "locale" / name)
    with open(world.build / "meson-info/intro-buildoptions.json", encoding="utf-8") as file:
        options = {option["name"]: option["value"] for option in json.load(file)}
    folder = Path(options["prefix"], options["localedir"])
    place = folder if folder.exists() else next(path for path in folder.parents if path.exists())
    return (f"mount -t tmpfs catalogue {place}; mkdir -p {folder}; cp -r {catalogues}/. {folder}; "
            f"export LOCPATH={box.directory}/locale")


@pytest.fixture
def catalogue(world, box):
    """A German catalogue of two texts."""
    (box.directory / "de.po").write_text(CATALOGUE, encoding="utf-8")
    folder = box.directory / "catalogues/de/LC_MESSAGES"
    folder.mkdir(parents=True)
    subprocess.run(["msgfmt", "-o", folder / "buntime.mo", "de.po"], cwd=box.directory, check=True)
    return install_catalogues(world, box, box.directory / "catalogues", "de_DE.UTF-8", "de_DE")


class Speaker:
    """buntime in one of its languages, and what its catalogue has for a text."""

    def __init__(self, world, box, name):
        self.world = world
        self.preparation = install_catalogues(world, box, world.build / "po", f"{LANGUAGES[name]}.UTF-8")
        self.locale = f"{LANGUAGES[name]}.UTF-8"
        self.translation = gettext.translation("buntime", world.build / "po", [name])

    def text(self, text):
        translated = self.translation.gettext(text)
        assert translated != text, f"not translated: {text!r}"
        return translated

    def run(self, *args, locale=None):
        return self.world.run_command(
            ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "sh", "-ec",
             f"{self.preparation}; export LC_ALL={locale or self.locale}; {RUN_WITHOUT_CAPABILITIES}", "sh",
             *self.world.command(args)])


@pytest.fixture(params=LANGUAGES)
def speaker(request, world, box):
    return Speaker(world, box, request.param)


def columns(text):
    """That a terminal shows it in."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def test_every_language_is_tried():
    lines = Path(__file__).parents[2].joinpath("po/LINGUAS").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == sorted(LANGUAGES)


def test_help(speaker):
    result = speaker.run("--help")
    assert result.status == 0 and speaker.text("Flags:") in result.stdout, str(result)
    assert max(map(columns, result.stdout.splitlines())) <= HELP_WIDTH, str(result)
    rows = re.findall(r"^(  (?:-\w,|   ) --\S+ +)(\S.*)$", result.stdout, re.MULTILINE)
    assert len(rows) > 30 and len({columns(flag) for flag, _ in rows}) == 1, str(result)
    assert ("  -N, --allow-net[", speaker.text("reach these hosts or ranges; bare: any")) in \
        [(flag[:18], help) for flag, help in rows], str(result)


def test_an_error(speaker, box):
    result = speaker.run("run", "--allow-read=/nonesuch", box.write("w.py", "pass\n"))
    assert result.status == 2, str(result)
    first, cure = result.stderr.splitlines()
    assert first.startswith("buntime: --allow-read=/nonesuch: "), str(result)
    assert cure == "  " + speaker.text("check the spelling, or create it first"), str(result)


DENIED = """
try:
    open("/home/user/refused", "w")
except PermissionError:
    pass
"""


def test_a_denial_and_its_event(speaker, box):
    """JSON is English in every language."""
    result = speaker.run("run", "--events=events.jsonl", f"--allow-read={box.directory}",
                         box.write("w.py", DENIED))
    assert result.status == 0, str(result)
    lines = result.stderr.splitlines()
    by = re.escape(speaker.text(" by %s")).replace("%s", r"python3\S*\[\d+\]")
    rule = f"defaults.fs = deny ({speaker.text('built-in')})"
    flag = "--allow-write=/home/user/refused"
    assert re.fullmatch(f"buntime: {speaker.text('denied')} write /home/user/refused{by}", lines[0]), str(result)
    assert lines[1:3] == [(speaker.text("  rule:  %s\n") % rule)[:-1],
                          (speaker.text("  allow: %s\n") % flag)[:-1]], str(result)


def test_reasons_are_english_in_json(speaker, box):
    events = box.directory / "events.jsonl"
    result = speaker.run("run", f"--events={events}", "--timeout=1s",
                         box.write("w.py", "import time; time.sleep(9)\n"))
    assert result.status == 124, str(result)
    assert speaker.text("the time is up: the program is ended") in result.stderr, str(result)
    reasons = [json.loads(line)["reason"] for line in events.read_text(encoding="utf-8").splitlines()]
    assert "the time is up: the program is ended" in reasons


def test_other_json_is_english(speaker):
    for args in (["check", "--json", "--allow-net=github.com", "net", "github.com:443"],
                 ["policy", "list", "--json"], ["doctor", "--json"]):
        own, english = speaker.run(*args), speaker.run(*args, locale="C")
        assert own.status == english.status and own.stdout == english.stdout, str(own)


def test_the_table_of_doctor(speaker):
    lines = speaker.run("doctor").stdout.splitlines()
    titles = [speaker.text(title) for title in ("user namespaces", "mounts", "the default policy", "network by veth",
                                                "control groups")] + ["Landlock", "Python"]
    starts, values = set(), set()
    for title in titles:
        line = next(line for line in lines if f" {title} " in f"{line} ")
        before, after = line.split(title, 1)
        starts.add(columns(before))
        if after.strip():
            values.add(columns(before + title) + columns(after) - columns(after.lstrip()))
    assert len(starts) == 1 and len(values) == 1, "\n".join(lines)
    assert lines[-1] in (speaker.text("The default policy can be enforced whole.\n").rstrip(),
                         speaker.text("The default policy cannot be enforced: no run will start.\n").rstrip())


@pytest.mark.parametrize("variables,text", [
    ("LC_ALL=C", "check the spelling"),
    ("LC_ALL=en_GB.UTF-8 LANGUAGE=de", "check the spelling"),
    ("LC_ALL=de_DE.UTF-8", "prüfe die Schreibweise"),
    ("LC_ALL=de_DE.UTF-8 LANGUAGE=fr:de", "prüfe die Schreibweise"),
    ("LC_ALL=de_DE", "prüfe die Schreibweise"),
    ("LC_ALL=de_DE.UTF-8 CHARSET=ISO-8859-1", "prüfe die Schreibweise"),
    ("LC_ALL=xx_XX.UTF-8 LANGUAGE=de", "check the spelling"),
])
def test_texts(world, box, catalogue, variables, text):
    result = run_in(world, f"{catalogue}; export {variables}", box.directory / "nonesuch.py",
                    "--mount")
    assert result.status == 127, str(result)
    assert result.stderr.splitlines()[1:] == [f"  {text}"], str(result)


def test_numbers_have_the_plural_of_the_language(world, box, catalogue):
    entry = box.write("w.py", "open('/etc/passwd')\n")
    result = world.run_command(
        ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "sh", "-ec",
         f"{catalogue}; export LC_ALL=de_DE.UTF-8; {RUN_WITHOUT_CAPABILITIES}", "sh",
         *world.command(["run", "--audit", str(entry)])])
    assert result.status == 0, str(result)
    assert "buntime: Mehrzahl " in result.stderr, str(result)
