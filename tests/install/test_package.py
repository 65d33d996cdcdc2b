# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's packages: made of a release, without git, node and a network; its unit tests pass."""

import os
import re
import shutil

import pytest
from tree import Tree, bare, run
from world import PLAIN


@pytest.fixture(name="packages", scope="module")
def fixture_packages(world, release):
    """{name: file}. Nothing is optimised: what is tested is that it builds."""
    folder = release.parent / "debian"
    folder.mkdir()
    archive, = release.parent.glob("b/meson-dist/*.tar.gz")
    version = archive.name.removeprefix("buntime-").removesuffix(".tar.gz")
    shutil.copy(archive, folder / f"buntime_{version}.orig.tar.gz")
    source = folder / release.name
    shutil.copytree(release, source, symlinks=True)
    shutil.copytree(world.source / "data/debian", source / "debian")
    bare(folder, "dpkg-buildpackage", "--no-sign", cwd=source, timeout=900, env={
        "DEB_BUILD_OPTIONS": "noopt noautodbgsym nocheck parallel=2", "LC_ALL": "C.UTF-8"})
    build, = source.glob("obj-*")
    return {file.name.split("_")[0]: file for file in folder.glob("*.deb")}, next(folder.glob("*.changes")), build


def test_unit_tests(packages):
    """Of what was built of the release."""
    told = run(*PLAIN, "meson", "test", "-C", packages[2], "--no-rebuild", "--suite=unit", timeout=400,
               env={**os.environ, "MESON_TESTTHREADS": "2"})
    assert int(re.search(r"^Ok: +(\d+)", told, re.M)[1]) > 80 and re.search(r"^Fail: +0 *$", told, re.M), told


def test_their_names(packages):
    assert sorted(packages[0]) == ["buntime", "buntime-debug-ui", "buntime-helpers", "buntime-tests", "gir1.2-buntime-1.0",
                                   "libbuntime-dev", "libbuntime-worker1", "libbuntime1"]


def test_what_they_need(packages):
    """Who has the library has the helpers, and who has neither the page nor libsoup."""
    def depends(name):
        return run("dpkg-deb", "--field", packages[0][name], "Depends")
    assert "buntime-helpers (= " in depends("libbuntime1") and "libslirp0" in depends("buntime-helpers")
    assert "libsoup" in depends("buntime-debug-ui") and "libsoup" not in depends("buntime")
    assert re.search(r"libbuntime1 \(>?= ", depends("buntime")) and "libglib" not in depends("libbuntime-worker1")
    assert "glib2.0 (= " in run("dpkg-deb", "--field", packages[0]["buntime"], "Static-Built-Using")


def test_lintian(packages):
    run("lintian", "--fail-on=error", packages[1])


@pytest.fixture(name="tree", scope="module")
def fixture_tree(world, packages, tmp_path_factory):
    """Unpacked by an ordinary user, somewhere."""
    root = tmp_path_factory.mktemp("unpacked")
    for file in packages[0].values():
        run("dpkg-deb", "--extract", file, root)
    return Tree(world, root, "/usr", f"lib/{run('dpkg-architecture', '-qDEB_HOST_MULTIARCH').strip()}")


def test_they_run(tree):
    tree.check_page()
    result = tree.host(["/usr/bin/python3", tree.examples / "plugin-host.py"], cwd=tree.examples)
    assert result.status == 0 and "shout: 'A ROSE IS A ROSE!'" in result.stdout, str(result)


INSTALLED = ["check", "doctor", "env", "ffi", "net", "read", "run", "sys", "tour", "unix", "write"]


@pytest.mark.host_contact  # a listener of its own
@pytest.mark.parametrize("name", INSTALLED)
def test_installed_test(tree, name):
    """Those that are installed with it, as their runner starts them."""
    files = {file.name.removesuffix(".test"): file for file in
             (tree.datadir / "installed-tests/buntime").iterdir()}
    assert sorted(files) == INSTALLED
    _, group, kind, command = files[name].read_text(encoding="utf-8").splitlines()
    assert (group, kind) == ("[Test]", "Type=session")
    words = command.removeprefix("Exec=").replace("/usr/", f"{tree.prefix}/").split()
    result = tree.world.run_command([*PLAIN, *words])
    assert result.status == 0 and result.stdout == f"{name}: good\n", str(result)


def test_an_installed_test_can_fail(tree, box):
    """With a program that permits everything."""
    box.write("buntime", "#!/bin/sh\nexec /usr/bin/python3 -c 'print(1)'\n", 0o755)
    for name in INSTALLED:
        result = tree.world.run_command([tree.prefix / "libexec/installed-tests/buntime/installed-test",
                                         box.directory / "buntime", tree.examples, name])
        assert result.status != 0, str(result)
