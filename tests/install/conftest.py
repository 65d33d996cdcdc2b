# SPDX-License-Identifier: LGPL-2.1-or-later
import re
import shutil
import tarfile
from pathlib import Path

import pytest
from tree import run


@pytest.fixture(name="release", scope="session")
def fixture_release(world, tmp_path_factory):
    """The folder that a release's archive has, made from a clone of this tree."""
    folder = tmp_path_factory.mktemp("release")
    clone = folder / "clone"

    def left_out(directory, names):
        top = Path(directory) == world.source
        return [name for name in names if name in ("__pycache__", "node_modules", "dist") or
                (top and (name in (".git", ".cache") or name.startswith("build")))]

    shutil.copytree(world.source, clone, symlinks=True, ignore=left_out)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main",
           "-C", clone]
    run(*git, "init", "-q")
    run(*git, "add", "-A")
    run(*git, "commit", "-q", "-m", "all")
    # What npm has fetched.
    (clone / "data/debug-ui/node_modules").symlink_to(world.source / "data/debug-ui/node_modules")
    run("meson", "setup", folder / "b", clone, "-Dtests=disabled")
    run("meson", "dist", "-C", folder / "b", "--no-tests", "--formats=gztar")
    archive, = (folder / "b/meson-dist").glob("buntime-*.tar.gz")
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        tar.extractall(folder)
    assert not any(re.search(r"node_modules|/\.git/|__pycache__", name) for name in names)
    return folder / archive.name.removesuffix(".tar.gz")
