# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names: granted ones are reached by their name, everything else is refused at once."""

import addresses
import pytest

FETCH = """
    import urllib.error, urllib.request
    def fetch(url):
        begun = time.monotonic()
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                return [reply.read().decode(), 0]
        except urllib.error.URLError as error:
            return [type(error.reason).__name__, (time.monotonic() - begun) * 1000]
    for url in sys.argv[1:]:
        out[url] = fetch(url)
"""


def test_github_by_urllib(net, world, limit):
    """The main job: the name that was granted, and nothing else of the same address."""
    mark = world.mark()
    urls = ["https://github.com/page", "https://api.github.com/", "https://evil.example/",
            "https://other.example/"]
    out, result = net.json("--allow-net=github.com", code=FETCH, args=urls)
    assert out[urls[0]][0] == "hello from github.com/page\n", str(result)
    for url in urls[1:]:
        what, milliseconds = out[url]
        assert what == "PermissionError", str(result)
        assert milliseconds < limit, (url, out[url])
        host = url.split("/")[2]
        events = result.denied("net", f"{host}:443 (tcp)")
        assert len(events) == 1, str(result)
        assert events[0].program.startswith("python3") and events[0].pid > 0
        assert events[0].rule == "defaults.net = deny (built-in)"
        assert events[0].allow == f"--allow-net={host}:443"
    assert len(result.events) == 3
    assert set(world.queries(mark)) == {"github.com"}
    assert {(record["addr"], record["port"]) for record in world.contacts(mark)} == \
        {(addresses.WEB, 443)}


def test_curl_without_proxy_variables(net, world):
    mark = world.mark()
    result = net.run("--allow-net=github.com", name="curl",
                     args=["-sS", "https://github.com/from-curl"])
    assert result.status == 0 and result.stdout == "hello from github.com/from-curl\n", str(result)
    result = net.run("--allow-net=github.com", name="curl", args=["-sS", "https://evil.example/"])
    assert result.status == 7 and result.stdout == "", str(result)
    assert len(result.denied("net", "evil.example:443")) == 1, str(result)
    assert "evil.example" not in world.queries(mark)


CONNECT = """
    for target in sys.argv[1:]:
        host, port = target.rsplit(":", 1)
        out[target] = connect(host, int(port))
"""


def outcomes(net, flags, targets):
    out, result = net.json(*flags, code=CONNECT, args=targets)
    return {target: out[target][0] for target in targets}, result


@pytest.mark.parametrize("flags,allowed,denied", [
    (["--allow-net=github.com:443"], ["github.com:443"], ["github.com:80", "github.com:22"]),
    (["--allow-net=github.com:22,80"], ["github.com:22", "github.com:80"], ["github.com:443"]),
    (["--allow-net=github.com:79-81"], ["github.com:80"], ["github.com:443"]),
    (["--allow-net=github.com"], ["github.com:22", "github.com:8080"], ["other.example:22"]),
    (["--allow-net=*.wild.example"], ["a.wild.example:80", "b.a.wild.example:80"],
     ["wild.example:80", "github.com:80"]),
    (["--allow-net=wild.example"], ["wild.example:80"], ["a.wild.example:80"]),
    (["--allow-net=GitHub.COM."], ["github.com:80", "GITHUB.com:80", "github.com.:80"],
     ["other.example:80"]),
    (["--allow-net=github.com,other.example:80"], ["github.com:443", "other.example:80"],
     ["other.example:443"]),
    (["--allow-net=github.com", "--deny-net=github.com:80"], ["github.com:443"],
     ["github.com:80"]),
    (["--allow-net=*.wild.example", "--deny-net=b.a.wild.example"], ["a.wild.example:80"],
     ["b.a.wild.example:80"]),
    (["--allow-net=github.com", "--deny-net=198.51.100.0/24"], [], ["github.com:80"]),
    (["--allow-net", "--deny-net=evil.example"], ["github.com:80", "198.51.100.20:80"],
     ["evil.example:80"]),
    (["--allow-net=198.51.100.0/24:80"], ["198.51.100.10:80", "198.51.100.20:80"],
     ["198.51.100.10:443", "192.0.2.7:80"]),
    (["--allow-net=198.51.100.10"], ["198.51.100.10:80", "198.51.100.10:22"],
     ["198.51.100.20:80"]),
    (["--allow-net=198.51.100.0/24", "--deny-net=198.51.100.20"], ["198.51.100.10:80"],
     ["198.51.100.20:80"]),
    (["--allow-net=10.99.0.0/16"], ["10.99.0.5:80"], ["10.0.0.1:80", "198.51.100.10:80"]),
    (["-N=github.com"], ["github.com:80"], ["other.example:80"]),
    (["-N"], ["github.com:80", "198.51.100.20:80"], []),
    (["--allow-net=static.example"], ["static.example:80"], ["github.com:80"]),
])
def test_items(net, flags, allowed, denied):
    found, result = outcomes(net, flags, allowed + denied)
    assert found == {**dict.fromkeys(allowed, "ok"), **dict.fromkeys(denied, "PermissionError")}, \
        str(result)
    for target in denied:
        host = target.rsplit(":", 1)[0]
        assert result.denied("net", target.lower()) or result.denied("net", host.lower()), str(result)


def test_hosts_file_of_the_caller_is_asked_first(net, world):
    mark = world.mark()
    out, result = net.json("--allow-net=static.example", code=FETCH,
                           args=["https://static.example/"])
    assert out["https://static.example/"][0] == "hello from static.example/\n", str(result)
    assert world.queries(mark) == [] and world.contacts(mark, addresses.STATIC, 443)


def test_a_pinned_address_is_open_only_for_the_names_ports(net, world):
    """The address behind a granted name may be used by number, on the granted port alone."""
    out, _ = net.json("--allow-net=github.com:443", code="""
        out["before"] = connect("198.51.100.10", 443)[0]
        socket.gethostbyname("github.com")
        out["443"] = connect("198.51.100.10", 443)[0]
        out["80"] = connect("198.51.100.10", 80)[0]
        out["neighbour"] = connect("198.51.100.20", 443)[0]
    """)
    assert out == {"before": "PermissionError", "443": "ok", "80": "PermissionError",
                   "neighbour": "PermissionError"}


def test_the_events_suggestion_works(net):
    code = CONNECT
    _, result = net.json(code=code, args=["other.example:80"])
    flag = result.denied("net")[0].allow
    assert flag == "--allow-net=other.example:80"
    out, result = net.json(flag, code=code, args=["other.example:80"])
    assert out["other.example:80"][0] == "ok" and result.events == []


def test_large_transfer(net):
    out, result = net.json("--allow-net=other.example:80", code="""
        import hashlib, urllib.request
        begun = time.monotonic()
        data = urllib.request.urlopen("http://other.example/big", timeout=20).read()
        out["length"] = len(data)
        out["hash"] = hashlib.sha256(data).hexdigest()
        out["seconds"] = time.monotonic() - begun
    """)
    import hashlib
    assert out["length"] == 1 << 22 and out["hash"] == hashlib.sha256(b"x" * (1 << 22)).hexdigest()
    assert out["seconds"] < 10, str(result)


def test_many_connections(net):
    out, _ = net.json("--allow-net=github.com:22", code="""
        import threading
        codes = []
        def talk(n):
            with socket.create_connection(("github.com", 22), 10) as sock:
                data = bytes([n]) * 3000
                sock.sendall(data)
                got = b""
                while len(got) < len(data):
                    part = sock.recv(4096)
                    if not part:
                        break
                    got += part
                codes.append(got == data)
        threads = [threading.Thread(target=talk, args=(n,)) for n in range(60)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        out["good"] = codes.count(True)
    """)
    assert out["good"] == 60


def test_asyncio_and_nonblocking(net):
    out, _ = net.json("--allow-net=github.com:22", code="""
        import asyncio
        async def talk(host, port):
            try:
                reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 10)
            except PermissionError:
                return "PermissionError"
            writer.write(b"ping")
            data = await reader.readexactly(4)
            writer.close()
            return data.decode()
        async def main():
            return await asyncio.gather(*[talk("github.com", 22) for _ in range(5)],
                                        talk("evil.example", 22), talk("127.0.0.1", 22))
        try:
            out["all"] = asyncio.run(main())
        except ConnectionRefusedError:
            out["all"] = "refused"
    """)
    # The worker's own loopback is its own: nobody listens there.
    assert out["all"] == "refused" or out["all"][:6] == ["ping"] * 5 + ["PermissionError"], out


def test_half_closed_and_reset(net):
    out, _ = net.json("--allow-net=github.com:22", code="""
        with socket.create_connection(("github.com", 22), 10) as sock:
            sock.sendall(b"last words")
            sock.shutdown(socket.SHUT_WR)
            got = b""
            while part := sock.recv(100):
                got += part
            out["got"] = got.decode()
        out["closed"] = connect("github.com", 9999)[0] if False else "ok"
    """)
    assert out["got"] == "last words"


def test_closed_port_is_refused_by_the_peer_not_by_us(net):
    found, result = outcomes(net, ["--allow-net=github.com"], ["github.com:4444"])
    assert found == {"github.com:4444": "ECONNREFUSED"}, str(result)
    assert result.events == []
