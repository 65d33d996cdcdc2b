# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nobody learns which routers this machine goes by: errors of theirs say who they are."""

import errno
import subprocess

import addresses
import pytest

ROUTER, ROUTER6 = "192.168.88.1", "fd88::1"
# To these it knows no way, and says so at once.
NOWHERE, NOWHERE6 = "192.0.2.100", "2001:db8:89::1"


@pytest.fixture(scope="module")
def router():
    """One more router of this machine's, which tells what it cannot forward."""
    inside = f"""
        echo 1 >/proc/sys/net/ipv4/ip_forward
        echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
        echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
        echo 0 >/proc/sys/net/ipv6/icmp/ratelimit
        echo here && read _
        ip link set lo up && ip link set r1 up
        ip addr add {ROUTER}/24 dev r1 && ip addr add {ROUTER6}/64 dev r1 nodad
        echo ready && read _
    """
    process = subprocess.Popen(["unshare", "--net", "sh", "-ec", inside], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "here\n"
    subprocess.run(["ip", "-batch", "-"], check=True, text=True, input=f"""
        link add r0 type veth peer name r1 netns {process.pid}
        addr add 192.168.88.2/24 dev r0
        addr add fd88::2/64 dev r0 nodad
        link set r0 up
        route add {NOWHERE}/32 via {ROUTER}
        route add {NOWHERE6}/128 via {ROUTER6}
    """)
    process.stdin.write("go\n")
    process.stdin.flush()
    assert process.stdout.readline() == "ready\n"
    yield
    process.communicate("end\n")


# Who told an error, as an attacker finds out; else the errno of the attempt.
TOLD = """
    import select
    def told(one):
        level, option = (socket.IPPROTO_IPV6, 25) if one.family == socket.AF_INET6 else (socket.IPPROTO_IP, 11)
        poll = select.poll()
        poll.register(one, 0)
        out["error in time"] = bool(poll.poll(20000))
        try:
            parts = one.recvmsg(512, 512, socket.MSG_ERRQUEUE)[1]
        except OSError as error:
            return errno.errorcode[error.errno]
        family, at = (one.family, 8) if one.family == socket.AF_INET6 else (one.family, 4)
        (data,) = [data for where, what, data in parts if (where, what) == (level, option)]
        return socket.inet_ntop(family, data[16 + at:][:16 if at == 8 else 4])
    host, kind, asks = sys.argv[1:]
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET,
                        socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    one.setblocking(False)
    def ask():
        return attempt(one.setsockopt, *((socket.IPPROTO_IPV6, 25) if ":" in host else (0, 11)), 1)
    if kind == "udp":
        ask()
    out["connect"] = attempt(one.connect, (host, 9))
    if kind == "udp":
        one.send(b"x")
    elif asks == "asked":
        ask()
    out["told"] = told(one)
    out["error"] = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    out["data"] = attempt(one.recv, 512, socket.MSG_ERRQUEUE)
"""


@pytest.mark.parametrize("host,asks", [(NOWHERE, "unasked"), (NOWHERE, "asked"), (NOWHERE6, "asked")])
@pytest.mark.parametrize("tier", ["namespaces", pytest.param("landlock", marks=pytest.mark.landlock(6))])
def test_of_a_connect_outside(box, router, tier, host, asks):
    """It fails, and that is all that is told. Over IPv4 the kernel keeps errors that nobody asked for."""
    out, result = box.json(f"--tier={tier}", f"--allow-net=[{host}]" if ":" in host else f"--allow-net={host}",
                           code=TOLD, args=[host, "tcp", asks])
    assert (out["connect"], out["told"], out["data"]) == ("EINPROGRESS", "EAGAIN", "EAGAIN"), str(result)
    assert errno.errorcode[out["error"]] == "ENETUNREACH", str(result)


@pytest.mark.parametrize("host,gateway", [(NOWHERE, "10.0.2.2"), (NOWHERE6, "fd62:756e:7469:6d65::2")])
def test_of_datagrams(box, router, host, gateway):
    """libslirp would pass it on; where errors can be read, they are the gateway's."""
    item = f"[{host}]" if ":" in host else host
    out, result = box.json("--net=slirp", f"--allow-net={item}/udp", code=TOLD, args=[host, "udp", "asked"])
    assert (out["connect"], out["told"]) == ("ok", gateway), str(result)


def test_who_is_asked_may_say_so(box):
    """A port that nobody serves: that is told by where it is."""
    out, result = box.json("--net=slirp", f"--allow-net={addresses.UDP}/udp", code=TOLD,
                           args=[addresses.UDP, "udp", "asked"])
    assert out["told"] == addresses.UDP, str(result)
