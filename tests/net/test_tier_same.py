# SPDX-License-Identifier: LGPL-2.1-or-later
"""
The tests of names, closure and IPv6 by packets, once more in the tier landlock: the same policies,
programs and expectations. Left out is what that tier does not hold, by why.
"""

import pytest
from test_closed import *  # noqa: F403
from test_ipv6 import *  # noqa: F403
from test_names import *  # noqa: F403
from test_special_ranges import *  # noqa: F403

pytestmark = pytest.mark.landlock(2)  # Linux 6.1; test_plugins.py has what is said before

LEFT_OUT = {
    "they use UDP": [
        "test_udp", "test_udp_of_every_size", "test_udp_to_closed_addresses", "test_raw_dns",
        "test_raw_dns_past_the_resolver", "test_literals_with_a_name_granted",
        "test_a_name_of_both_kinds",  # sorts by one
        "test_curl",  # that tries whether there is IPv6 by a socket for UDP
    ],
    "they look at packets, or at what libslirp closes": [
        "test_by_frames", "test_the_gate_alone_refuses_at_once", "test_options_that_add_headers",
        "test_what_the_gate_closes_is_refused_at_once", "test_what_there_is_inside",
        "test_bare_allow_net_leaves_the_hosts_loopback_closed", "test_without_ipv6",
    ],
    "the loopback and the interfaces are the host's": [
        "test_own_loopback_is_its_own", "test_the_loopback_is_its_own",
        "test_the_machine_itself_by_a_rule", "test_answers_of_both_sorts_open_the_public_part",
        "test_interfaces_cannot_be_changed",
    ],
    "the name on the wire does not hold": [
        "test_the_name_holds_on_the_wire",
    ],
}
for name in [name for names in LEFT_OUT.values() for name in names]:
    del globals()[name]  # one that is not there any more is a mistake


@pytest.fixture
def net(box):
    """Of tests/net/conftest.py, whose back ends are ways for packets."""
    box.flags = ["--tier=landlock"]
    return box
