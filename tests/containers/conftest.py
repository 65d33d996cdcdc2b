# SPDX-License-Identifier: LGPL-2.1-or-later
"""These run on the machine itself, not in the world: an engine needs the user's other ids."""

import pytest
from engine import Engine


@pytest.fixture(scope="session")
def engine():
    engine = Engine()
    try:
        engine.make_base()
        engine.build()
        yield engine
    finally:
        engine.close()


@pytest.fixture
def app(tmp_path):
    """app(name, code): a folder with a program, whatever user the container has."""
    folder = tmp_path / "app"
    folder.mkdir()
    folder.chmod(0o755)

    def write(name, code):
        path = folder / name
        path.write_text(code, encoding="utf-8")
        path.chmod(0o755)
        return ["--volume", f"{folder}:/app:ro"]

    yield write
