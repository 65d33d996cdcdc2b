# SPDX-License-Identifier: LGPL-2.1-or-later
import sys
from pathlib import Path

import pytest
from world import Box

TESTS = Path(__file__).resolve().parent.parent
# What is run inside once more.
sys.path += [str(TESTS / "sandbox"), str(TESTS / "net")]
pytest.register_assert_rewrite("test_fast", "test_flat", "test_flat_processes", "test_tier_network")


@pytest.fixture(scope="session")
def application(world, tmp_path_factory):
    from application import Application
    application = Application(world, tmp_path_factory.mktemp("flatpak"))
    try:
        application.install()
        yield application
    finally:
        application.close()


@pytest.fixture
def box(application, tmp_path):
    """As elsewhere, but that its buntime is the application's."""
    return Box(application.inside(), tmp_path)
