# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the documentation promises: the tour, the two commands, the flags."""

import re
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
README = (SOURCE / "README.md").read_text(encoding="utf-8")


def test_tour_without_surprises(world):
    tour = SOURCE / "data/examples/tour.py"
    result = world.run(["--allow-net=github.com", "run", str(tour)])
    assert result.status == 0 and "Surprises: none." in result.stdout, str(result)
    assert re.search(r"allowed +connect to github.com:443 \(connected\)", result.stdout)
    assert result.denied("net", "example.com:443")
    assert result.denied("write", "buntime-tour-was-here")


def test_tour_tells_what_was_granted_too_much(world):
    """The tour can fail: with everything allowed, refusals are missed."""
    tour = SOURCE / "data/examples/tour.py"
    result = world.run(["--allow-all", "run", str(tour)])
    assert result.status == 1 and "Surprises: none." not in result.stdout, str(result)


def test_readme_shows_the_two_commands():
    assert "    ./bootstrap run --allow-net=github.com data/examples/tour.py\n" in README
    assert "    ./bootstrap test\n" in README


def test_every_flag_of_the_readme_exists(world):
    known = world.run(["--help"]).stdout
    for flag in set(re.findall(r"--[a-z][a-z-]+", README)):
        assert re.search(re.escape(flag) + r"\b", known), f"{flag} is not in --help"
    for short in re.findall(r"`(-[A-Z])`", README):
        assert short in known
