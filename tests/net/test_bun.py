# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bun programs: the same permissions as Python's."""

import json

import addresses
import pytest

from native import compile_c


PROGRAM = """
    const out: Record<string, string> = {};
    async function attempt(name: string, work: () => Promise<unknown>): Promise<void> {
        try { out[name] = String(await work()); }
        catch (error: any) { out[name] = error.code ?? error.name; }
    }
    await attempt("fetch", async () => (await fetch("http://other.example/x")).text());
    await attempt("tls", async () => (await fetch("https://github.com/y")).text());
    await attempt("evil", async () => (await fetch("http://evil.example/")).text());
    await attempt("read", async () => await Bun.file("data/a.txt").text());
    await attempt("write", async () => await Bun.write("data/b.txt", "bun"));
    await attempt("env", async () => process.env.TOKEN);
    await attempt("run", async () => Bun.spawnSync(["/usr/bin/env", "--version"]).exitCode);
    console.log("OUT:" + JSON.stringify(out));
"""


def outcome(result):
    line = next((line for line in result.stdout.splitlines() if line.startswith("OUT:")), None)
    assert line is not None and result.status == 0, str(result)
    return json.loads(line[4:])


@pytest.fixture
def data(box):
    box.write("data/a.txt", "content")


def test_denied(box, bun, data, world):
    mark = world.mark()
    result = box.run(name="w.ts", code=PROGRAM, env={**bun, "TOKEN": "t"}, timeout=60)
    out = outcome(result)
    assert out["read"] == "ENOENT" and out["write"] in ("ENOENT", "EACCES"), out
    assert out["env"] == "undefined" and out["run"] in ("EACCES", "EPERM"), out
    for name in ("fetch", "tls", "evil"):
        assert "hello" not in out[name]
    assert result.denied("net", "other.example:80") and result.denied("net", "evil.example:80")
    assert world.contacts(mark) == [] and world.queries(mark) == []


def test_allowed(box, bun, data, world):
    mark = world.mark()
    result = box.run("--allow-net=other.example:80,github.com", "--allow-read=data",
                     "--allow-write=data", "--allow-env=TOKEN", "--allow-run=/usr/bin/env",
                     name="w.ts", code=PROGRAM, timeout=60,
                     env={**bun, "TOKEN": "t"})
    out = outcome(result)
    assert out["fetch"] == "hello from other.example/x\n", str(result)
    assert out["read"] == "content" and out["write"] == "3" and out["env"] == "t", out
    assert out["run"] == "0", out
    assert "hello" not in out["evil"] and len(result.denied("net", "evil.example:80")) == 1
    assert (box.directory / "data/b.txt").read_text() == "bun"
    assert {record["addr"] for record in world.contacts(mark)} <= {addresses.OTHER, addresses.WEB}


def test_ipv6(box, bun, world):
    """A name with IPv6 alone, one with both, and a literal that was not granted."""
    result = box.run("--allow-net=six.example,dual.example:80", name="w.ts", timeout=60, env=bun,
                     code="""
        const out: Record<string, string> = {};
        for (const url of ["https://six.example/x", "http://dual.example/y",
                           "http://[2001:db8:1::66]/"]) {
            try { out[url] = await (await fetch(url)).text(); }
            catch (error: any) { out[url] = error.code ?? error.name; }
        }
        console.log("OUT:" + JSON.stringify(out));
    """)
    out = outcome(result)
    assert out["https://six.example/x"] == "hello from six.example/x\n", str(result)
    assert out["http://dual.example/y"] == "hello from dual.example/y\n", str(result)
    assert "hello" not in out["http://[2001:db8:1::66]/"]
    assert result.denied("net", "[2001:db8:1::66]:80"), str(result)


@pytest.mark.parametrize("name", ["w.js", "w.mjs", "w.tsx", "w.ts"])
def test_suffixes(box, bun, name):
    result = box.run(name=name, code="console.log(process.argv.slice(2).join('|'))\n",
                     args=["a", "--b"], env=bun)
    assert result.stdout == "a|--b\n" and result.status == 0, str(result)


def test_status(box, bun):
    assert box.run(name="w.js", code="process.exit(9)\n", env=bun).status == 9


def test_memory(box, bun):
    """Its reservations are not its memory: what it touches is limited."""
    code = "console.log(new Uint8Array(Number(process.argv[2]) << 20).fill(1).length >> 20)\n"
    under = box.run("--memory=1G", name="w.js", code=code, args=["64"], env=bun)
    assert under.stdout == "64\n" and under.status == 0, str(under)
    over = box.run("--memory=1G", name="w.js", code=code, args=["2000"], env=bun)
    assert over.status != 0 and "2000\n" not in over.stdout, str(over)


def test_without_namespaces(box, bun, data, world):
    """Not without leave to read its directory, and without files of its own in /proc it would crash."""
    mark = world.mark()
    box.write("p.json", '{"version": 1, "plugins": {"namespaces": false}}')
    result = box.run("--policy=./p.json", name="w.ts", code=PROGRAM, env=bun)
    assert result.status == 125, str(result)
    assert f"--allow-read={box.directory}" in result.stderr
    result = box.run("--policy=./p.json", "--allow-read=.", "--allow-write=data",
                     "--allow-run=/usr/bin/env", name="w.ts", env=bun, timeout=60)
    out = outcome(result)
    assert out["read"] == "content" and out["write"] == "3" and out["run"] == "0", str(result)
    assert not any("hello" in out[name] for name in ("fetch", "tls", "evil")), out
    assert world.contacts(mark) == [] and world.queries(mark) == []


def test_another_name_on_the_wire(box, bun):
    """fetch() with a Host of its own, and TLS with a name of its own, at a granted address."""
    result = box.run("--allow-net=github.com", name="w.ts", env=bun, timeout=60, code="""
        const out: Record<string, string> = {};
        async function attempt(name: string, work: () => Promise<string>): Promise<void> {
            try { out[name] = await work(); }
            catch (error: any) { out[name] = error.code ?? error.name; }
        }
        const get = (url: string, options: any = {}) =>
            async () => (await fetch(url, { keepalive: false, ...options })).text();
        await attempt("good", get("https://github.com/x"));
        await attempt("plain", get("http://github.com/x"));
        await attempt("host", get("http://github.com/x", { headers: { Host: "evil.example" } }));
        await attempt("tls", get("https://github.com/x", { tls: { serverName: "evil.example" } }));
        console.log("OUT:" + JSON.stringify(out));
    """)
    out = outcome(result)
    assert out["good"] == out["plain"] == "hello from github.com/x\n", str(result)
    assert "hello" not in out["host"] and "hello" not in out["tls"], str(result)
    for port in (80, 443):
        assert result.denied("net", f"evil.example:{port} (tcp)"), str(result)


def test_http2(box, bun):
    """The granted name is served; another at its address is reset, whole or byte by byte."""
    result = box.run("--allow-net=github.com:8444", name="w.ts", env=bun, timeout=60, code="""
        import { connect } from "node:http2";
        import { connect as dial } from "node:net";
        const out: Record<string, string> = {};
        const fetchBy = (servername: string) => new Promise<string>((resolve) => {
            const session = connect("https://github.com:8444", { servername });
            session.on("error", (error: any) => resolve(error.code ?? error.name));
            const request = session.request({ ":path": "/" });
            let body = "";
            request.on("error", (error: any) => resolve(error.code ?? error.name));
            request.on("data", (data: any) => { body += data; });
            request.on("end", () => { session.close(); resolve(body); });
            request.end();
        });
        // The ClientHello that the worker's own listener is sent.
        const helloFor = (servername: string) => new Promise<Buffer>((resolve) => {
            const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: {
                data(socket, data) { resolve(Buffer.from(data)); socket.end(); server.stop(); } } });
            connect(`https://127.0.0.1:${server.port}`, { servername }).on("error", () => {});
        });
        const byBytes = (hello: Buffer) => new Promise<string>((resolve) => {
            const socket = dial(8444, "github.com", async () => {
                socket.setNoDelay(true);
                for (let at = 0; at < hello.length && !socket.destroyed; at++) {
                    socket.write(hello.subarray(at, at + 1));
                    if (at % 32 == 0) await Bun.sleep(1);
                }
            });
            socket.on("data", (data: any) => { resolve("type " + data[0]); socket.destroy(); });
            socket.on("error", (error: any) => resolve(error.code ?? error.name));
        });
        out.good = await fetchBy("github.com");
        out.evil = await fetchBy("evil.example");
        out.bytes = await byBytes(await helloFor("github.com"));
        out.evilBytes = await byBytes(await helloFor("evil.example"));
        console.log("OUT:" + JSON.stringify(out));
        process.exit(0);
    """)
    out = outcome(result)
    assert out["good"] == "hello from github.com by HTTP/2\n", str(result)
    assert "hello" not in out["evil"] and out["evil"] != "", str(result)
    assert out["bytes"] == "type 22" and out["evilBytes"] == "ECONNRESET", str(result)
    assert result.denied("net", "evil.example:8444 (tcp)"), str(result)


LOAD = """
    import { dlopen } from "bun:ffi";
    import { copyFileSync } from "node:fs";
    const out: Record<string, string> = {};
    const [granted, copies] = [process.argv[2], process.argv.slice(3)];
    for (const copy of copies)
        copyFileSync(granted, copy);
    for (const path of [granted, "./other.so", ...copies]) {
        try {
            const library = dlopen(path, { answer: { args: [], returns: "i32" } });
            out[path] = String(library.symbols.answer());
        } catch (error: any) { out[path] = "refused"; }
    }
    console.log("OUT:" + JSON.stringify(out));
"""


@pytest.mark.parametrize("flags, granted", [([], []), (["--allow-ffi=lib/a.so"], ["lib/a.so"]),
                                            (["--allow-ffi=lib"], ["lib/a.so"]),
                                            (["--allow-ffi"], ["lib/a.so", "./other.so"])])
def test_ffi(box, bun, flags, granted):
    """Beside the entry, in /tmp and in a write grant; what the program wrote is never loaded."""
    source = box.write("answer.c", "int answer(void) { return 42; }\n")
    compile_c(source, box.directory / "lib/a.so", "-shared", "-fPIC")
    compile_c(source, box.directory / "other.so", "-shared", "-fPIC")
    (box.directory / "out").mkdir()
    paths = ["lib/a.so", "/tmp/b.so", "out/c.so"]
    result = box.run("--allow-read=.", "--allow-write=out", *flags, name="w.ts", code=LOAD,
                     args=paths, env=bun, timeout=60)
    expected = dict.fromkeys([*paths, "./other.so"], "refused") | dict.fromkeys(granted, "42")
    assert outcome(result) == expected, str(result)
