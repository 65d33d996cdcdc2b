# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Flatpak manifest, as flatpak-builder reads it."""

import json
import subprocess
import tempfile

APP = "io.github.buntime.buntime"


def read(source):
    path = source / "flatpak" / f"{APP}.yml"
    # It wants a folder of its own, wherever it is started.
    with tempfile.TemporaryDirectory() as state:
        shown = subprocess.run(["flatpak-builder", "--show-manifest", path], cwd=state, check=True,
                               stdout=subprocess.PIPE, text=True, timeout=60)
    return json.loads(shown.stdout)


def config_options(source):
    """What buntime is configured with."""
    module = next(module for module in read(source)["modules"] if module["name"] == "buntime")
    return module["config-opts"]
