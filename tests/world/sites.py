# SPDX-License-Identifier: LGPL-2.1-or-later
"""What real clients look for on the internet of the world, by HTTPS:

    github.com               any repository, by git's smart protocol
    pypi.org                 the index of one Python package, greet
    files.pythonhosted.org   the package itself
    registry.npmjs.org       one JavaScript package, greet, and itself
    any of them, at /socket  a WebSocket that says everything back

Everything else is answered with the name and path that were asked for.
"""

import base64
import functools
import hashlib
import io
import json
import os
import struct
import subprocess
import tarfile
import tempfile
import zipfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path

NAMES = ("github.com", "pypi.org", "files.pythonhosted.org", "registry.npmjs.org")
WHEEL = "greet-1.0-py3-none-any.whl"


# ---- what they hold ----

@functools.cache
def make_wheel():
    files = {
        "greet.py": "print('hello from greet')\n",
        "greet-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greet\nVersion: 1.0\n",
        "greet-1.0.dist-info/WHEEL":
            "Wheel-Version: 1.0\nGenerator: world\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "greet-1.0.dist-info/RECORD"
    files[record] = "".join(f"{name},,\n" for name in (*files, record))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


@functools.cache
def make_tarball():
    files = {"package/package.json": json.dumps({"name": "greet", "version": "1.0.0"}),
             "package/index.js": "module.exports = 'hello from greet';\n"}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def make_packument():
    tarball = make_tarball()
    digest = base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    dist = {"tarball": "https://registry.npmjs.org/greet/-/greet-1.0.0.tgz",
            "integrity": f"sha512-{digest}", "shasum": hashlib.sha1(tarball).hexdigest()}
    version = {"name": "greet", "version": "1.0.0", "dist": dist}
    return json.dumps({"name": "greet", "dist-tags": {"latest": "1.0.0"},
                       "versions": {"1.0.0": version}}).encode()


@functools.cache
def make_repositories():
    """A directory with one repository, owner/greet.git."""
    top = Path(tempfile.mkdtemp())
    work = top / "work"
    git = ["git", "-C", work, "-c", "user.name=World", "-c", "user.email=world@example.org"]
    for command in (["git", "init", "-q", "-b", "main", work], [*git, "add", "greeting"],
                    [*git, "commit", "-q", "-m", "First"],
                    ["git", "clone", "-q", "--bare", work, top / "owner/greet.git"]):
        if "add" in command:
            (work / "greeting").write_text("hello from greet\n", encoding="utf-8")
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return top


# ---- WebSocket (RFC 6455), as little as an echo needs ----

def accept_key(key):
    return base64.b64encode(hashlib.sha1(
        key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()


def echo_frames(reader, writer):
    """Short frames of a client, all of which are masked."""
    while len(head := reader.read(2)) == 2:
        size = head[1] & 127
        if size == 126:
            size = struct.unpack("!H", reader.read(2))[0]
        mask = reader.read(4)
        data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(reader.read(size)))
        length = bytes([size]) if size < 126 else b"\x7e" + struct.pack("!H", size)
        writer.write(head[:1] + length + data)
        writer.flush()
        if head[0] & 15 == 8:  # the client's close, now ours
            return


# ---- the server ----

class Site(BaseHTTPRequestHandler):
    """Site(socket, peer, None) answers one request."""
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def answer(self, body, kind="text/plain", status=200):
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        host = self.headers.get("Host", "")
        if self.path == "/socket" and self.headers.get("Upgrade", "").lower() == "websocket":
            self.serve_socket()
        elif ".git/" in self.path:
            self.serve_git()
        elif (host, self.path) == ("pypi.org", "/simple/greet/"):
            digest = hashlib.sha256(make_wheel()).hexdigest()
            self.answer(f'<a href="https://files.pythonhosted.org/{WHEEL}#sha256={digest}">'
                        f"{WHEEL}</a>".encode(), "text/html")
        elif (host, self.path) == ("files.pythonhosted.org", f"/{WHEEL}"):
            self.answer(make_wheel(), "application/zip")
        elif (host, self.path) == ("registry.npmjs.org", "/greet"):
            self.answer(make_packument(), "application/json")
        elif (host, self.path) == ("registry.npmjs.org", "/greet/-/greet-1.0.0.tgz"):
            self.answer(make_tarball(), "application/octet-stream")
        elif host == "github.com":
            self.answer(f"hello from {host}{self.path}\n".encode())
        else:
            self.answer(b"not here\n", status=404)

    def do_POST(self):
        if ".git/" in self.path:
            self.serve_git()
        else:
            self.answer(b"not here\n", status=404)

    def serve_socket(self):
        self.close_connection = True
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept_key(self.headers["Sec-WebSocket-Key"]))
        self.end_headers()
        self.wfile.flush()
        echo_frames(self.rfile, self.wfile)

    def serve_git(self):
        """By git's own CGI program."""
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        environment = {
            "PATH": os.environ["PATH"], "GIT_HTTP_EXPORT_ALL": "1", "REQUEST_METHOD": self.command,
            "GIT_PROJECT_ROOT": str(make_repositories()), "PATH_INFO": path, "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment,
                              stdout=subprocess.PIPE, check=True)
        head, _, reply = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.answer(reply, fields["Content-Type"], int(fields.get("Status", "200")[:3]))
