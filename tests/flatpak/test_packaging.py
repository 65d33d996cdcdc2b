# SPDX-License-Identifier: LGPL-2.1-or-later
"""What software centres, menus and flatpak-builder read."""

import re
import subprocess
import xml.etree.ElementTree as ElementTree

import manifest
import pytest
from manifest import APP

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def share(world):
    """What is installed is asked, with its translations."""
    return world.build / "install/app/share"


def check(*command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_metainfo(share):
    path = share / "metainfo" / f"{APP}.metainfo.xml"
    assert "success" in check("appstreamcli", "validate", "--pedantic", "--no-net", path)
    component = ElementTree.parse(path).getroot()
    assert component.get("type") == "console-application"
    assert component.findtext("id") == APP


def test_metainfo_has_the_version(world, share):
    newest = ElementTree.parse(share / "metainfo" / f"{APP}.metainfo.xml").find("releases/release")
    assert world.run(["--version"]).stdout == f"buntime {newest.get('version')}\n"


def test_desktop_file(share):
    path = share / "applications" / f"{APP}.desktop"
    assert check("desktop-file-validate", path) == ""
    assert f"\nIcon={APP}\n" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "folder", "size"), [
    (APP, "scalable", 128), (f"{APP}-symbolic", "symbolic", 16)])
def test_icon(share, name, folder, size):
    path = share / "icons/hicolor" / folder / "apps" / f"{name}.svg"
    root = ElementTree.parse(path).getroot()
    assert (root.tag, root.get("viewBox")) == (f"{SVG}svg", f"0 0 {size} {size}")
    # What a symbolic icon is drawn in is replaced by the text's colour.
    colours = set(re.findall(r'#[0-9a-f]{3,6}', path.read_text(encoding="utf-8")))
    assert (colours == {"#2e3436"}) == (folder == "symbolic")
    assert f"format=svg\nwidth={size}\n" in check("/usr/libexec/flatpak-validate-icon", "512", "512", path)


def test_manifest_permits_little(world):
    assert manifest.read(world.source)["finish-args"] == ["--share=network", "--filesystem=home"]


def test_manifest_pins_its_sources(world):
    """A release's own sum is not known before there is a release."""
    modules = manifest.read(world.source)["modules"]
    assert [module["name"] for module in modules][-1] == "buntime"
    for source in (source for module in modules[:-1] for source in module["sources"]):
        assert source["url"].startswith("https://"), source
        assert re.fullmatch(r"(?!0+$)[0-9a-f]{64}", source["sha256"]), source
