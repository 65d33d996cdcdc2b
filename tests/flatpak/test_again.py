# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of the tier without namespaces once more: by the application, in Flatpak's sandbox.

Left out are those that need the processes of the test in the same pid namespace, and those of what
has nothing to do with where buntime runs.
"""

# Fixtures, and tests. pylint: disable=unused-import
from test_fast import service  # noqa: F401
from test_flat import (  # noqa: F401
    flat, listeners, place, policy, test_a_denial_below_a_grant, test_children_are_held_too, test_families,
    test_files_from_c, test_files_from_python, test_host_sockets, test_links_do_not_lead_out,
    test_loader_is_announced, test_machine, test_run, test_single_permissions,
    test_suggestions, test_sys_kinds, test_warnings, test_what_landlock_does_not_govern, test_written_is_not_run)
from test_flat_processes import test_own_processes_are_its_own  # noqa: F401
from test_tier_network import (  # noqa: F401
    escape, fast, test_addresses, test_names, test_sockets_that_are_shared, test_what_programs_notice, tier)
