# SPDX-License-Identifier: LGPL-2.1-or-later
"""The name holds on the wire: at a granted name's address no other name is reached."""

import json
import textwrap

import addresses
import pytest

# The addresses of github.com and evil.example are one.
CURL_EVIL = ["-sS", "--resolve", f"evil.example:443:{addresses.WEB}", "https://evil.example/"]

# hello() makes what a TLS client would send first; talk() sends bytes and reads one answer.
TOOLS = textwrap.dedent("""
    import ssl
    def hello(name):
        context = ssl.create_default_context()
        context.check_hostname = name is not None
        sent = ssl.MemoryBIO()
        tls = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name)
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            return sent.read()

    def talk(port, *texts, host="github.com", size=100):
        with socket.create_connection((host, port), 10) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            got = b""
            try:
                for text in texts:
                    for piece in [text] if isinstance(text, bytes) else text:
                        sock.sendall(piece)
                    got = sock.recv(size)
                return "end" if not got else got.decode("latin-1")
            except OSError as error:
                return errno.errorcode.get(error.errno, type(error).__name__)

    def each(data):
        return [data[at:at + 1] for at in range(len(data))]

    def request(host, more=""):
        return f"GET / HTTP/1.1\\r\\nHost: {host}\\r\\n{more}\\r\\n".encode()
""")


def program(code):
    return TOOLS + textwrap.dedent(code)


def wire_event(result, target):
    """The one event there is, about target."""
    assert len(result.events) == 1, str(result)
    events = result.denied("net", f"{target} (tcp)")
    assert len(events) == 1, str(result)
    return events[0]


def requests(world, mark):
    return [record["host"] for record in world.since(mark) if record["kind"] == "http"]


def test_curl(net):
    for version in ("--http1.1", "--http2"):
        result = net.run("--allow-net=github.com", name="curl",
                         args=["-sS", version, "https://github.com/x"])
        assert result.stdout == "hello from github.com/x\n" and result.events == [], str(result)
    result = net.run("--allow-net=github.com", name="curl", args=[
        "-sS", "https://github.com/x", "--next", *CURL_EVIL])
    assert result.stdout == "hello from github.com/x\n" and result.status == 35, str(result)
    event = wire_event(result, "evil.example:443")
    assert "open for github.com" in event.line
    assert event.rule == "defaults.net = deny (built-in)"
    assert event.allow == "--allow-net=evil.example:443"
    result = net.run("--allow-net=github.com", event.allow, name="curl", args=[
        "-sS", "https://evil.example/", "--next", *CURL_EVIL])
    assert result.stdout == "hello from evil.example/\n" * 2 and result.events == [], str(result)
    # Until something has led to the address, the grant opens nothing there, and the flag is no cure.
    result = net.run("--allow-net=github.com", event.allow, name="curl", args=[
        "-sS", "https://github.com/x", "--next", *CURL_EVIL])
    event = wire_event(result, "evil.example:443")
    assert "granted, but not looked up: the address is open for github.com" in event.line
    assert event.allow == "" and result.status == 35, str(result)


def test_curl_http2(box):
    """At a port of its own: what counts is what the first bytes are."""
    result = box.run("--allow-net=github.com", name="curl", args=[
        "-sS", "--http2", "-w", "%{http_version}\n", "https://github.com:8444/"])
    assert result.stdout == "hello from github.com by HTTP/2\n2\n", str(result)
    result = box.run("--allow-net=github.com", name="curl", args=[
        "-sS", "--http2", "--connect-to", "::github.com:", "https://evil.example:8444/"])
    assert result.stdout == "" and result.status == 35, str(result)
    wire_event(result, "evil.example:8444")


def test_curl_ipv6(net, world):
    mark = world.mark()
    result = net.run("--allow-net=six.example", name="curl", args=[
        "-sS", "https://six.example/x", "--next", "-sS", "--connect-to", "::six.example:",
        "https://evil.example/"])
    assert result.stdout == "hello from six.example/x\n" and result.status == 35, str(result)
    assert "open for six.example" in wire_event(result, "evil.example:443").line
    assert {record["addr"] for record in world.contacts(mark)} == {addresses.SIX}


def test_python(net, world):
    mark = world.mark()
    out, result = net.json("--allow-net=github.com", code=program("""
        def fetch(name):
            context = ssl.create_default_context()
            with socket.create_connection(("github.com", 443), 10) as sock:
                with context.wrap_socket(sock, server_hostname=name) as secure:
                    secure.sendall(request(name))
                    return secure.recv(1000).decode().split("\\r\\n\\r\\n")[1]
        out["good"] = attempt(fetch, "github.com")
        out["evil"] = attempt(fetch, "evil.example")
    """))
    assert out == {"good": "hello from github.com/\n", "evil": "ECONNRESET"}, str(result)
    wire_event(result, "evil.example:443")
    assert set(world.queries(mark)) == {"github.com"}


def test_python_http2(box):
    """By the h2 library; the server's answer is as small as HTTP/2 allows."""
    out, result = box.json("--allow-net=github.com:8444", code=program("""
        import h2.config, h2.connection, h2.events
        def fetch(name):
            context = ssl.create_default_context()
            context.set_alpn_protocols(["h2"])
            with socket.create_connection(("github.com", 8444), 10) as sock, \
                    context.wrap_socket(sock, server_hostname=name) as secure:
                connection = h2.connection.H2Connection(
                    h2.config.H2Configuration(client_side=True, header_encoding="ascii"))
                connection.initiate_connection()
                connection.send_headers(1, [(":method", "GET"), (":authority", name),
                                            (":scheme", "https"), (":path", "/")], end_stream=True)
                body, ended = b"", False
                while not ended:
                    secure.sendall(connection.data_to_send())
                    for event in connection.receive_data(secure.recv(10000)):
                        body += getattr(event, "data", b"") or b""
                        ended |= isinstance(event, h2.events.StreamEnded)
                return body.decode()
        out["good"] = attempt(fetch, "github.com")
        out["evil"] = attempt(fetch, "evil.example")
    """))
    assert out == {"good": "hello from github.com by HTTP/2\n", "evil": "ECONNRESET"}, str(result)
    wire_event(result, "evil.example:8444")


@pytest.mark.parametrize("alpn,port", [("http/1.1", 443), ("h2", 8444)])
def test_whole_handshake_byte_by_byte(box, alpn, port):
    """Who sends no two bytes together is served as anybody is, or reset as anybody is."""
    out, result = box.json("--allow-net=github.com", code=program(f"""
        ALPN, PORT = {alpn!r}, {port}
    """) + program("""
        def greet(name):
            context = ssl.create_default_context()
            context.set_alpn_protocols([ALPN])
            received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(received, sent, server_hostname=name)
            with socket.create_connection(("github.com", PORT), 10) as sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while True:
                    try:
                        tls.do_handshake()
                        for byte in each(sent.read()):
                            sock.sendall(byte)
                        return tls.version() + " " + str(tls.selected_alpn_protocol())
                    except ssl.SSLWantReadError:
                        for byte in each(sent.read()):
                            sock.sendall(byte)
                        received.write(sock.recv(20000))
        out["good"] = attempt(greet, "github.com")
        out["evil"] = attempt(greet, "evil.example")
    """))
    assert out["good"] == ("TLSv1.3 h2" if alpn == "h2" else "TLSv1.3 None"), str(result)
    assert out["evil"] == "ECONNRESET", str(result)
    wire_event(result, f"evil.example:{port}")


def test_split_hello(net):
    """Byte by byte; what the gate does with crafted segments is in tests/unit/test-inspect.c."""
    out, result = net.json("--allow-net=github.com", code=program("""
        out["good"] = talk(443, each(hello("github.com")))[:3]
        out["evil"] = talk(443, each(hello("evil.example")))
        out["records"] = talk(443, each(b"".join(
            b"\\x16\\x03\\x01\\0\\1" + byte for byte in each(hello("evil.example")[5:]))))
        out["none"] = talk(443, each(hello(None)))
    """))
    assert out["good"] == "\x16\x03\x03", str(result)
    assert (out["evil"], out["records"], out["none"]) == ("ECONNRESET",) * 3, str(result)
    assert len(result.denied("net", "evil.example:443 (tcp)")) >= 1, str(result)
    events = result.denied("net", "github.com:443 (tcp)")
    assert len(events) == 1 and "asks for no name" in events[0].line, str(result)
    assert events[0].rule == "--allow-net=github.com (command line)" and events[0].allow == ""


def test_record_version(box):
    """Many servers take a ClientHello in a record of any version (RFC 8446, 5.1)."""
    out, result = box.json("--allow-net=github.com", code=program("""
        def talk_as(version, name):
            return talk(22, b"\\x16" + version + hello(name)[3:], size=3)
        for version in (b"\\0\\0", b"\\2\\1", b"\\4\\0", b"\\xff\\xff"):
            out["good " + version.hex()] = talk_as(version, "github.com").encode("latin-1").hex()
            out["evil " + version.hex()] = talk_as(version, "evil.example")
    """))
    # Port 22's echoes what came to it.
    for version in ("0000", "0201", "0400", "ffff"):
        assert out["good " + version] == "16" + version, str(result)
        assert out["evil " + version] == "ECONNRESET", str(result)
    assert result.denied("net", "evil.example:22 (tcp)"), str(result)
    assert {event.object for event in result.events} == {"evil.example:22 (tcp)"}


HTTP = program("""
    out["one"] = talk(8081, request("github.com"))
    out["many"] = talk(8081, request("github.com"), request("github.com:8081"), size=1000)
    out["evil"] = talk(8081, request("github.com"), request("evil.example"))
    out["bytes"] = talk(8081, request("github.com"), each(request("evil.example")))
    out["pipelined"] = talk(8081, request("github.com") + request("evil.example"))
    out["body"] = talk(8081, b"POST / HTTP/1.1\\r\\nHost: github.com\\r\\nContent-Length: 4\\r\\n\\r\\n",
                       b"body" + request("evil.example"))
""")


def test_http(net, world):
    mark = world.mark()
    out, result = net.json("--allow-net=github.com", code=HTTP)
    assert "hello from github.com\n" in out["one"], str(result)
    assert "hello from github.com:8081\n" in out["many"], str(result)
    assert [out[way] for way in ("evil", "bytes", "pipelined", "body")] == ["ECONNRESET"] * 4, \
        str(result)
    assert result.denied("net", "evil.example:8081 (tcp)"), str(result)
    assert {event.object for event in result.events} == {"evil.example:8081 (tcp)"}
    assert set(requests(world, mark)) == {"github.com", "github.com:8081"}


@pytest.mark.parametrize("what,text", [
    ("turns into something else", "CONNECT github.com:443 HTTP/1.1\r\nHost: github.com\r\n\r\n"),
    ("turns into something else", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("turns into something else", "GET / HTTP/1.1\r\nHost: github.com\r\nUpgrade: h2c\r\n\r\n"),
    ("malformed", "GET / HTTP/1.1\r\nHost: github.com\r\nHost: evil.example\r\n\r\n"),
    ("malformed", "GET / HTTP/1.1\nHost: github.com\n\n"),
    ("malformed", "(GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
    ("malformed", "\xfeGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
    ("malformed", "OPTIONS x\n HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
    ("malformed", "POST / JUNK\r\nHost: evil.example\r\n\r\n"),
    ("malformed", "\x01GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
    ("malformed", "G@T / JUNK\r\nHost: evil.example\r\n\r\n"),
    ("asks for no name", "GET / HTTP/1.0\r\n\r\n"),
])
def test_refused(box, world, what, text):
    mark = world.mark()
    out, result = box.json("--allow-net=github.com", code=program("""
        out["got"] = talk(8081, sys.argv[1].encode())
    """), args=[text])
    assert out["got"] == "ECONNRESET", str(result)
    event = wire_event(result, "github.com:8081")
    assert what in event.line and event.rule == "--allow-net=github.com (command line)"
    assert requests(world, mark) == []


def test_websocket(net, world):
    mark = world.mark()
    out, result = net.json("--allow-net=github.com", code=program("""
        upgrade = request("github.com", "Connection: Upgrade\\r\\nUpgrade: websocket\\r\\n")
        out["echo"] = talk(8081, upgrade, b"GET / is no request here", request("evil.example"))
        out["late"] = talk(8081, request("github.com"), upgrade, request("evil.example"))
    """))
    assert out["echo"].startswith("GET / HTTP/1.1\r\nHost: evil.example"), str(result)
    # On a connection that was HTTP before, an answer cannot be told from another.
    assert out["late"] == "ECONNRESET", str(result)
    wire_event(result, "evil.example:8081")
    assert requests(world, mark) == ["github.com"] * 3


def test_other_protocols(net):
    """What is neither TLS nor HTTP is held by its address; the server may speak first, too."""
    out, result = net.json("--allow-net=github.com", code=program("""
        out["ssh"] = talk(22, b"SSH-2.0-test\\r\\n", request("evil.example"))[:14]
        out["binary"] = talk(9000, b"\\0\\0\\0\\x08\\x04\\xd2\\x16\\x2f")
        big = os.urandom(1 << 20)
        with socket.create_connection(("github.com", 9000), 10) as sock:
            import threading
            threading.Thread(target=sock.sendall, args=(b"\\0" + big,)).start()
            got = b""
            while len(got) <= len(big):
                got += sock.recv(1 << 16)
        out["big"] = got == b"\\0" + big
    """))
    assert out["ssh"] == "GET / HTTP/1.1" and len(out["binary"]) == 8 and out["big"], str(result)
    assert result.events == []


def test_upload(net):
    """A body of some megabytes passes, and another follows on the connection."""
    out, result = net.json("--allow-net=github.com", code=program("""
        head = b"POST / HTTP/1.1\\r\\nHost: github.com\\r\\nContent-Length: 4000000\\r\\n\\r\\n"
        chunks = b"POST / HTTP/1.1\\r\\nHost: github.com\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n" \\
            + (b"ffff\\r\\n" + b"x" * 65535 + b"\\r\\n") * 20 + b"0\\r\\n\\r\\n"
        out["got"] = talk(8080, [head, b"x" * 4000000])
        out["chunks"] = talk(8080, chunks)
    """))
    # The server answers as soon as it has the head; what it leaves unread makes a reset.
    assert all(got.startswith("HTTP/1.1 200") or got in ("ECONNRESET", "EPIPE")
               for got in out.values()), str(result)
    assert result.events == []


def test_address_rules_are_not_held(box):
    """Who opens an address opens every name there."""
    for flags in (["--allow-net=198.51.100.10,github.com"], ["--allow-net"]):
        result = box.run(*flags, name="curl", args=CURL_EVIL)
        assert result.stdout == "hello from evil.example/\n" and result.events == [], str(result)


def test_turned_off(box):
    """A rule of a file can open whatever answers at its name's addresses, by its ports."""
    box.write("p.json", """
        {"version": 1, "net": {"rules": [
          {"action": "allow", "host": "github.com", "ports": "443", "proto": "any",
           "inspect": false},
          {"action": "allow", "host": "github.com"}]}}
    """)
    code = program("""
        out["tls"] = talk(443, hello("evil.example"))[:3]
        out["none"] = talk(443, hello(None))[:3]
        out["http"] = talk(8081, request("evil.example"))
    """)
    out, result = box.json("--policy=./p.json", code=code)
    assert out == {"tls": "\x16\x03\x03", "none": "\x16\x03\x03", "http": "ECONNRESET"}, str(result)
    wire_event(result, "evil.example:8081")


@pytest.mark.parametrize("flags,value,note", [
    (["--allow-net=github.com"], "github.com:443", "TLS and HTTP must ask for this name"),
    (["--allow-net=github.com"], "github.com:22", "other protocols are held by its addresses"),
    (["--allow-net=github.com/udp"], "github.com:443/udp", "QUIC to port 443 is refused"),
    (["--policy=./p.json"], "github.com:443", '"inspect" is false'),
    (["--allow-net"], "github.com:443", None),
    (["--allow-net=198.51.100.10"], "198.51.100.10:443", None),
    (["--allow-net=github.com"], "evil.example:443", None),
])
def test_check_says_so(box, flags, value, note):
    box.write("p.json", """
        {"version": 1, "net": {"rules": [
          {"action": "allow", "host": "github.com", "inspect": false}]}}
    """)
    result = box.world.run(["check", *flags, "net", value], cwd=box.directory)
    assert result.stderr == "" and result.status == (1 if "evil" in value else 0), str(result)
    notes = [line for line in result.stdout.splitlines() if line.startswith("  note:  ")]
    assert len(notes) == (note is not None) and all(note in line for line in notes), str(result)
    result = box.world.run(["check", "--json", *flags, "net", value], cwd=box.directory)
    said = json.loads(result.stdout)["note"]
    assert said is None if note is None else note in said, str(result)


def test_denied_name_below_a_grant(box):
    result = box.run("--allow-net=*.wild.example", "--deny-net=b.a.wild.example", name="curl", args=[
        "-sS", "--connect-to", "::a.wild.example:", "http://b.a.wild.example/"])
    event = wire_event(result, "b.a.wild.example:80")
    assert event.rule == "--deny-net=b.a.wild.example (command line)" and event.allow == ""


def test_quic(net, world):
    mark = world.mark()
    out, result = net.json("--allow-net=github.com/udp,time.example/udp", code="""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(2)
            sock.connect((socket.gethostbyname("github.com"), 443))
            sock.send(b"\\xc0\\0\\0\\0\\1 initial")
            out["quic"] = attempt(sock.recv, 100)
            out["again"] = attempt(sock.send, b"x")
            attempt(sock.recv, 100)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(2)
            sock.connect((socket.gethostbyname("time.example"), 123))
            sock.send(b"time")
            out["time"] = sock.recv(100).decode()
    """)
    assert out["quic"] in ("EHOSTUNREACH", "EACCES") and out["time"] == "time", str(result)
    assert len(result.denied("net", "github.com:443 (udp)")) == 1, str(result)
    assert "QUIC" in result.events[0].line
    assert world.contacts(mark, addresses.WEB) == []
