# SPDX-License-Identifier: LGPL-2.1-or-later
"""The debug UI's door: what strangers, sites in the user's browser and slow clients get."""

import json
import select
import socket
import time

import addresses
import pytest

from debug_ui import Closed, Socket, serving, wait_until

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@pytest.fixture(scope="module")
def server(world):
    with serving(world) as one:
        yield one


def check_headers(server, head):
    headers = {}
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(": ")
        assert name.lower() not in headers, head
        headers[name.lower()] = value
    assert {name: headers.get(name) for name in HEADERS} == HEADERS, head
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    assert f"connect-src 'self' ws://{server.host};" in policy
    for part in ("script-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"):
        assert part in policy.split("; "), policy
    assert not {"set-cookie", "server", "access-control-allow-origin"} & headers.keys(), head


def test_the_address(server):
    assert server.origin == f"http://127.0.0.1:{server.port}"
    assert len(server.token) == 43 and set(server.token) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    # The port is the loopback's alone.
    with open("/proc/net/tcp", encoding="ascii") as table:
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    assert [address.split(":")[0] for address in listening
            if int(address.split(":")[1], 16) == server.port] == ["0100007F"]


def test_what_is_served(server):
    status, head, body = server.get("/")
    assert status == 200 and b"<html" in body and "text/html; charset=utf-8" in head
    check_headers(server, head)
    assert server.token.encode() not in body
    status, head, body = server.get("/app.js")
    assert status == 200 and "text/javascript" in head
    check_headers(server, head)
    status, head, body = server.get("/examples")
    assert status == 200 and "application/json" in head
    check_headers(server, head)
    for one in json.loads(body):
        status, head, body = server.get("/examples/" + one["id"])
        whole = json.loads(body)
        assert status == 200 and whole.pop("code") and whole == one


@pytest.mark.parametrize("path", [
    "/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/..%2f..%2fetc/passwd", "/index.html",
    "/%00", "/app.js%00.html", "/app.js/", "/app.js;x", "/APP.JS", "/page/app.js",
    "/messages.txt", "/examples/", "/examples/hello_world.py", "/examples/index.json",
    "/examples/nothing", "/ws/", "/ws/x", "/favicon.ico", "/.git/config", "/%",
    "/\\..\\etc\\passwd", "/io/github/buntime/debug-ui/page/app.js", "/" + "a" * 5000])
def test_nothing_else_is(server, path):
    status, head, body = server.get(path)
    assert status in (404, 400, 414), (path, head)
    assert not body or b"root:" not in body
    check_headers(server, head)


def test_other_spellings_are_the_same_names(server):
    """A path is put into its plain form first; what that is not a name of is not there."""
    for path, plain in (("/app.js/..", "/"), ("/./app.js", "/app.js"), ("/examples/../app.js", "/app.js"),
                        ("/examples/%68ello_world", "/examples/hello_world"), ("/app.j%73", "/app.js")):
        status, _, body = server.get(path)
        assert status == 404 or body == server.get(plain)[2], path


def test_a_query_changes_nothing(server):
    assert server.get("/?x=/etc/passwd")[0] == 200
    assert server.get("/app.js?v=1")[0] == 200


@pytest.mark.parametrize("host", [
    "", "evil.example", "localhost", "localhost:PORT", "127.0.0.1", "127.0.0.1:1", "127.0.0.1:PORT:PORT", "127.0.0.1.:PORT",
    "127.0.0.2:PORT", "[::1]:PORT", "user@127.0.0.1:PORT", "127.0.0.1:PORT/", "evil.example:PORT", "127.1:PORT",
    "127.0.0.1:0PORT", "127.0.0.1:PORT, evil.example"])
def test_another_host_is_refused(server, host):
    """A name that a site has made to be our address."""
    for path in ("/", "/app.js", "/examples", "/ws"):
        status, head, body = server.get(path, host=host.replace("PORT", str(server.port)))
        assert status in (400, 421) and b"<html" not in body, (host, head)
        check_headers(server, head)


def test_hosts_are_not_merged(server):
    """The one that is looked at could be another than the one the browser meant."""
    for second in (server.host, "evil.example", ""):
        for name in ("Host", "HOST", "host"):
            status, head, _ = server.get("/", f"{name}: {second}")
            assert status in (400, 421), head
            status, head, _ = server.get("/", f"Host: {server.host}", host=second or " ")
            assert status in (400, 421), head


def test_requests_as_to_a_proxy(server):
    assert server.get(f"{server.origin}/")[0] == 200
    for target in ("http://evil.example/", f"http://evil.example:{server.port}/", f"https://{server.host}/",
                   f"http://x@{server.host}/", "http://127.0.0.1/", f"ftp://{server.host}/",
                   "mailto:x", "file:///etc/passwd", "*", "http:///", "http:", "://", "data:,x", "http://[::1/", "", "?x", "#x"):
        status, head, body = server.get(target)
        assert status in (0, 400, 404, 421) and b"buntime" not in body, (target, head)
    status, head, _ = server.get(f"{server.origin}/", host="evil.example")
    assert status in (400, 421), head


def test_old_and_odd_requests(server):
    assert server.get("/", version="1.0")[0] == 200
    assert server.get("/", host="", version="1.0")[0] in (400, 421)
    for data in (b"GET /\r\n\r\n", b"\r\n\r\n", b"GET / HTTP/2.0\r\n\r\n", b"\x16\x03\x01\x00\xff" * 20, b"GET  / HTTP/1.1\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: %s\r\n folded\r\n\r\n" % server.host.encode(),
                 b"GET / HTTP/1.1\r\n" + b"A: " + b"b" * 200000 + b"\r\n\r\n",
                 b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
        answer = server.exchange(data, 0.5)
        assert b"<html" not in answer and b" 200 " not in answer, (data[:40], answer[:200])
    assert server.get("/")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "CONNECT", "get", "FOO"])
def test_other_methods(server, method):
    """A site can have a form posted here without asking."""
    for path in ("/", "/ws", "/examples", "/run"):
        status, head, body = server.get(path, "Content-Type: text/plain", "Content-Length: 9",
                                        "Origin: http://evil.example", method=method, body=b'{"x":"y"}')
        assert status in (400, 405, 421, 501) and b"<html" not in body, (method, path, head)
        check_headers(server, head)


def test_a_body_is_not_waited_for(server):
    for method in ("POST", "GET"):
        for header in ("Content-Length: 1000000000", "Content-Length: 65537", "Transfer-Encoding: chunked",
                       "Content-Length: 99999999999999999999", "Content-Length: -1", "Content-Length: 1, 2"):
            for more in ((), ("Expect: 100-continue",)):
                begun = time.monotonic()
                status, head, _ = server.get("/", header, *more, method=method)
                assert status in (0, 400, 405, 421) and time.monotonic() - begun < 2, (header, head)


def test_a_body_is_not_kept(world):
    """However much of it comes before the socket is closed."""
    with serving(world) as server:
        before = server.memory()
        with socket.create_connection(server.address, 5) as connection:
            connection.sendall(f"POST / HTTP/1.1\r\nHost: {server.host}\r\nContent-Length: 4000000000\r\n\r\n".encode())
            with pytest.raises(ConnectionError):
                for _ in range(2000):
                    connection.sendall(b"x" * 1000000)
        assert server.memory() - before < 20 << 20


@pytest.mark.parametrize("origin", [
    "", "null", "http://evil.example", "http://localhost:PORT", "http://127.0.0.1", "https://127.0.0.1:PORT", "http://127.0.0.1:1",
    "HTTP://127.0.0.1:PORT", "http://127.0.0.1:PORT/", "http://127.0.0.1:PORT.evil.example", "file://"])
def test_a_socket_of_another_origin(server, origin):
    """WebSockets know no same-origin policy: it is the server that has to look."""
    one = Socket(server, origin=origin.replace("PORT", str(server.port)), expect=403)
    check_headers(server, one.head.decode())
    one.close()


def test_the_socket_by_other_paths(server):
    """What is taken for /ws by one is by all."""
    for path in ("/wsx", "/ws/", "/ws/x", "/%77s", "//ws", "/./ws", "/ws;x", "/ws?x", "/ws?", "/ws#x", "/x/../ws", "/WS", "/ws%2f",
                 "/ws%00", "/", "/examples", f"{server.origin}/ws", "/ws/.", "/ws/..", "/ws\\", "/ws%20", "/ws."):
        for origin in ("http://evil.example", ""):
            with socket.create_connection(server.address, 5) as connection:
                head = f"GET {path} HTTP/1.1\r\nHost: {server.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
                       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                connection.sendall((head + (f"Origin: {origin}\r\n" if origin else "") + "\r\n").encode())
                answer = connection.recv(4096)
            assert b" 101 " not in answer, (path, origin, answer)
    # A query makes it no other.
    Socket(server, path="/ws?x").close()


def test_origins_are_not_merged(server):
    Socket(server, headers=["Origin: http://evil.example"], expect=403).close()
    Socket(server, headers=[f"Origin: {server.origin}"], expect=403).close()


def test_a_socket_of_another_host(server):
    status, head, _ = server.get("/ws", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                                 "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", f"Origin: {server.origin}", host="evil.example")
    assert status == 421, head


def test_a_plain_request_for_the_socket(server):
    status, head, body = server.get("/ws", f"Origin: {server.origin}")
    assert status in (400, 404, 426) and server.token.encode() not in body, head
    check_headers(server, head)


def hello(server, **changes):
    return json.dumps({"type": "hello", "version": 1, "token": server.token} | changes)


def test_without_the_token(server):
    """Closed, and a while later, so that guesses take their time; and it learns nothing."""
    token = server.token
    messages = [
        "no JSON", "{}", "[]", "", '{"type":"run"}', '{"type":"ack","seq":1}', '{"type":"hello","version":1}',
        hello(server, token=("B" if token[0] == "A" else "A") + token[1:]), hello(server, token=token[:-1]),
        hello(server, token=token + "A"), hello(server, token=""), hello(server, token=7), hello(server, more=1),
        hello(server, version=2), hello(server, token=token.swapcase()), b"\xff\xfe",
    ]
    sockets = []
    begun = time.monotonic()
    for message in messages:
        sockets.append(Socket(server))
        sockets[-1].send_text(message)
        # What comes later is not looked at.
        if message != b"\xff\xfe":
            sockets[-1].send_text(hello(server))
    for one, message in zip(sockets, messages):
        with pytest.raises(Closed) as closed:
            one.read_text(5)
        assert closed.value.code == 1008 and 0.5 < time.monotonic() - begun < 4 or message == b"\xff\xfe", message
        one.close()


def test_before_the_token_only_little_is_read(server):
    one = Socket(server)
    one.frame(1, b"x" * 5000)
    assert one.close_code(5) in (None, 1009)
    one = Socket(server)
    one.frame(1, b"", length=1 << 40)
    assert one.close_code(5) in (None, 1009)
    # In parts it is no more.
    one = Socket(server)
    one.frame(1, b"x" * 3000, final=False)
    one.frame(0, b"x" * 3000, final=True)
    assert one.close_code(5) in (None, 1008, 1009)


def test_afterwards_more_but_not_all(server):
    page = server.page()
    code = "#" * (1 << 20)
    assert page.ask("run", tab="t", name="a.py", language="python", code=code, args=[], policies=[], flags=[])["type"] == "done"
    problem = page.problem("run", tab="t", name="a.py", language="python", code=code + "#", args=[], policies=[], flags=[])
    assert problem["object"] == "code" and "1048576" in problem["reason"]
    page.socket.frame(1, b"", length=9 << 20)
    assert page.socket.close_code(5) in (None, 1009)


def wait_until_read(server):
    """Until nothing that was sent to the server is on its way to it, or waits for it to read."""
    def unread():
        with open("/proc/net/tcp", encoding="ascii") as table:
            lines = [line.split() for line in list(table)[1:]]
        port = f":{server.port:04X}"
        # Of one that listens it is how many connections wait.
        received = [line[4].split(":")[1] for line in lines if line[1].endswith(port) and line[3] != "0A"]
        sent = [line[4].split(":")[0] for line in lines if line[2].endswith(port)]
        return any(int(size, 16) for size in received + sent)
    wait_until(lambda: not unread())


def test_a_message_of_many_frames(world):
    """libsoup bounds a frame, and not what many of them come to."""
    with serving(world) as server:
        before = server.memory()
        for size, one in ((4000, Socket(server)), (4_000_000, server.page().socket)):
            with pytest.raises(ConnectionError):
                one.frame(1, b"x" * size, final=False)
                for _ in range(100):
                    one.frame(0, b"x" * size, final=False)
                    # What it has not seen it cannot hang up on.
                    wait_until_read(server)
        # Neither what holds no message at all.
        one = Socket(server)
        with pytest.raises(ConnectionError):
            for _ in range(10):
                for _ in range(100):
                    one.frame(9, b"x" * 100)
                wait_until_read(server)
        wait_until(lambda: server.memory() - before < 24 << 20)
        # Many messages one behind the other are no such thing.
        page = server.page()
        text = json.dumps({"type": "stop", "id": 99, "worker": 1, "force": True, "x": "y" * 1_000_000}).encode()
        for _ in range(30):
            page.socket.send_text(text)
        assert page.ask("apply-policy", policies=[], flags=[])["type"] == "policy-set-loaded"


def test_a_head_without_end(world):
    with serving(world) as server:
        before = server.memory()
        with socket.create_connection(server.address, 5) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {server.host}\r\n".encode())
            with pytest.raises(ConnectionError):
                for n in range(100000):
                    connection.sendall(f"X-{n}: {'y' * 1000}\r\n".encode())
        assert server.memory() - before < 8 << 20


def test_frames_that_are_none(server):
    for data in (b"\x81\x05hello", b"\x83\x80\0\0\0\0", b"\xff\xff" * 50, b"\xf1\x80\0\0\0\0"):
        one = server.page().socket
        one.socket.sendall(data)
        code = one.close_code(7)
        assert code in (None, 1002, 1003, 1007, 1008, 1009), code
    assert server.get("/")[0] == 200


def test_slow_clients_are_few_and_short(world):
    """Sockets that send nothing, a byte now and then, or no hello."""
    with serving(world) as server:
        begun = time.monotonic()
        silent = [socket.create_connection(server.address) for _ in range(60)]
        hello_less = Socket(server)
        slow = socket.create_connection(server.address)
        # Somebody else is served meanwhile.
        assert server.get("/")[0] == 200 and time.monotonic() - begun < 5
        closed_at = None
        while closed_at is None and time.monotonic() - begun < 15:
            try:
                slow.sendall(b"G")
                if select.select([slow], [], [], 0.25)[0] and not slow.recv(4096):
                    closed_at = time.monotonic()
            except ConnectionError:
                closed_at = time.monotonic()
        assert closed_at is not None and closed_at - begun < 10
        assert hello_less.close_code(10) == 1008
        for one in silent:
            one.close()
        assert server.get("/")[0] == 200


def test_guesses_are_few(world):
    """Sockets that had a wrong hello keep their places a while."""
    with serving(world) as server:
        waiting = [Socket(server) for _ in range(32)]
        told = time.monotonic()
        for one in waiting:
            one.send_text(json.dumps({"type": "hello", "version": 1, "token": "0" * 43}))
        # Before one's is read it is a silent one, and gives its place to who knocks.
        wait_until_read(server)
        late = socket.create_connection(server.address)
        late.sendall(f"GET / HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode())
        assert select.select([late], [], [], 20)[0] and time.monotonic() - told > 0.8
        for one in (late, *waiting):
            one.close()


def test_silence_has_no_place(world):
    """Sockets that do not say their hello give way, the oldest first, and a page that said it stays."""
    with serving(world) as server:
        page = server.page()
        begun = time.monotonic()
        silent = [Socket(server) for _ in range(40)]
        another = server.page()
        assert server.get("/")[0] == 200
        took = time.monotonic() - begun
        assert not select.select([silent[-1].socket], [], [], 0)[0]
        assert took < 5, "they went by themselves"
        assert another.run_to_end("print(7)")[:2] == (0, "7\n") and page.run_to_end("print(8)")[:2] == (0, "8\n")


@pytest.mark.parametrize("written, host, warns", [
    ("::1", "[::1]", False), ("0:0:0:0:0:0:0:1", "[::1]", False), ("127.0.0.2", "127.0.0.2", False),
    (addresses.HOST, addresses.HOST, True), ("2001:db8:10::10", "[2001:db8:10::10]", True)])
def test_other_addresses(world, written, host, warns):
    """Only where they are asked for; Host and Origin are these then."""
    with serving(world, "ui", "--port=0", f"--listen={written}") as server:
        assert server.host == f"{host}:{server.port}"
        assert server.get("/")[0] == 200 and server.get("/", host=f"127.0.0.1:{server.port}")[0] == 421
        assert server.page().run_to_end("print(7)")[:2] == (0, "7\n")
        Socket(server, origin=f"http://127.0.0.1:{server.port}", expect=403).close()
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", server.port), 1).close()
    assert ("not only this machine" in server.errors) == warns


def test_ports(world):
    with serving(world) as server:
        result = world.run(["ui", f"--port={server.port}"])
        assert result.status == 125 and "another program has this port" in result.stderr and "--port=0" in result.stderr
    for words in (["--port=65536"], ["--port=x"], ["--port=-1"], ["--listen=0.0.0.0"], ["--listen=::"], ["--listen=localhost"],
                  ["--listen=nowhere"], ["x"], ["--allow-net"]):
        assert world.run(["ui", *words]).status == 2, words
    for words, told in (("--listen=192.0.2.9", ["192.0.2.9:3000: Cannot assign requested address", "--listen=192.168.0.7"]),
                        ("--port=1", ["127.0.0.1:1: Permission denied", "--port=0"])):
        result = world.run(["ui", words])
        assert result.status == 125, str(result)
        assert all(text in line for text, line in zip(told, result.stderr.splitlines(), strict=True)), str(result)
