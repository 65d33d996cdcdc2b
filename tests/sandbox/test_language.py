# SPDX-License-Identifier: LGPL-2.1-or-later
"""Texts for people are translated, in UTF-8, whatever character set the locale names."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from test_setup import run_in

CATALOGUE = '''
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "check the spelling"
msgstr "prüfe die Schreibweise"
'''


@pytest.fixture
def catalogue(world, box):
    """A German catalogue and a German locale, which a small system may lack."""
    (box.directory / "de.po").write_text(CATALOGUE, encoding="utf-8")
    subprocess.run(["msgfmt", "-o", "de.mo", "de.po"], cwd=box.directory, check=True)
    for name in ("de_DE.UTF-8", "de_DE"):
        shutil.copytree("/usr/lib/locale/C.utf8", box.directory / "locale" / name)
    with open(world.build / "meson-info/intro-buildoptions.json", encoding="utf-8") as file:
        options = {option["name"]: option["value"] for option in json.load(file)}
    folder = Path(options["prefix"], options["localedir"], "de/LC_MESSAGES")
    place = next(parent for parent in folder.parents if parent.exists())
    return (f"mount -t tmpfs catalogue {place}; mkdir -p {folder}; "
            f"cp {box.directory}/de.mo {folder}/buntime.mo; "
            f"export LOCPATH={box.directory}/locale")


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
