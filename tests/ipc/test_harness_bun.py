# SPDX-License-Identifier: LGPL-2.1-or-later
"""Code in the harness of Bun: what it comes to, what it writes, and what it cannot do."""

import textwrap

import pytest

START = """
w = Host(None{more}, kind=Buntime.WorkerKind.BUN)
w.until(lambda: w.ready)
"""


@pytest.fixture
def harness(host, bun):
    def run(code, flags=(), args=(), env=None, **kwargs):
        more = "".join(f", {word!r}" for word in args) + f", flags={list(flags)!r}"
        return host(START.format(more=more) + textwrap.dedent(code), env={**bun, **(env or {})},
                    **kwargs)
    return run


def test_values(harness):
    found = harness("""
        out["found"] = [w.run(code) for code in (
            "1 + 1", "const x: number = 21; undefined", "x * 2", "'text'", "null", "undefined",
            "let y = 1; y", "let y = 2; y", "function f(a) { return a + x }", "f(1)", "_",
            "interface Z { a: number }", "", "[1, [2]]", "({a: 1})", "await Promise.resolve(5)",
            "import { existsSync as there } from 'node:fs'; there('/')", "there('/none')",
            "require('node:path').join('a', 'b')", "[] instanceof Array", "globalThis.z = 3; z",
            "(await import('buntime')).channel === (await import('buntime')).channel",
            "new Promise(() => {}) instanceof Promise", "JSON.stringify(process.argv.slice(1))")]
    """, args=["a", "b"])
    assert found["found"] == [
        "2", "", "42", "'text'", "null", "", "1", "2", "", "22", "22", "", "", "[ 1, [ 2 ] ]",
        "{ a: 1 }", "5", "true", "false", "'a/b'", "true", "3", "true", "true",
        """'["","a","b"]'"""]


def test_states(harness):
    found = harness("""
        for code in "1", "null.x", "process.exit(3)", "await 0; process.exit()", "throw 'word'", "2":
            w.run(code)
        out["states"] = [[state[0], *state[2:]] for state in w.states]
    """)
    start, well = ["exec_start", 0, ""], ["exec_end", 0, ""]
    states = found["states"]
    assert states[:2] == [start, well] and states[-2:] == [start, well]
    assert states[3][2].startswith("TypeError: null is not an object") and states[4] == ["exec_end", 1, ""]
    assert states[6:8] == [["exception", 0, "Exit: process.exit(3)"], ["exec_end", 3, ""]]
    assert states[9:11] == [["exception", 0, "Exit: process.exit(0)"], ["exec_end", 0, ""]]
    assert states[12:14] == [["exception", 0, "string: word"], ["exec_end", 1, ""]]


def test_exceptions(harness):
    found = harness("""
        w.run("function f() { throw new RangeError('bad') }")
        for name, code in {"call": "f()", "late": "await 0; f()", "syntax": "x +", "two": "let 1; let 2",
                           "value": "throw {a: 1}", "nasty": "throw {get message() { throw 1 }, get stack() { throw 2 }}",
                           "trap": "throw new Proxy(new Error, {get() { throw 3 }})",
                           "large": "'x'.repeat(20 << 20)", "end": "6 * 7"}.items():
            out[name] = w.run(code)
        w.run("setTimeout(() => { throw new Error('nobody waits') }, 1); Promise.reject(new Error('nor here'))")
        w.until(lambda: b"nobody waits" in w.stderr and b"nor here" in w.stderr)
        out["after"] = w.run("'after'")
    """)
    assert found["call"].startswith("RangeError: bad\n    at f (") and "[code " in found["call"]
    assert "harness.js" not in found["call"] + found["late"] and "RangeError: bad" in found["late"]
    assert found["syntax"].startswith("SyntaxError: ") and found["two"].startswith("SyntaxError: ")
    assert found["value"] == "Uncaught { a: 1 }" and "too long" in found["large"]
    assert found["end"] == "42" and found["after"] == "'after'"
    assert found["nasty"] and found["trap"]


def test_output(harness):
    found = harness("""
        w.run("console.log('out', {a: 1}); console.error('err %d', 5); process.stdout.write('no end')")
        w.run("console.group('g'); console.info('a\\\\nb'); console.groupEnd(); console.table([{q: 1}])")
        out["frames"] = [w.stdout.decode(), w.stderr.decode()]
        w.stdout = b""
        w.worker.run_code("console.log('begun'); await new Promise(() => {})", -1, None, None)
        w.until(lambda: b"begun" in w.stdout)
        w.worker.interrupt()
        out["waits"] = w.run("'on'")
        w.stdout, w.stderr = b"", b""
        w.run("await Bun.write(Bun.stdout, 'pipe'); Bun.spawnSync(['/usr/bin/echo', 'child'], "
              "{stdout: 'inherit'}).exitCode")
        w.until(lambda: b"pipe" in w.stdout and b"child" in w.stdout)
        w.stdout = b""
        w.run("console.log('x'.repeat(5_000_000))")
        out["large"] = w.stdout == b"x" * 5_000_000 + b"\\n"
    """, flags=[("RUN", "/usr/bin/echo")])
    assert found["frames"][0].startswith("out { a: 1 }\nno endg\n  a\n  b\n") and "q" in found["frames"][0]
    assert found["frames"][1] == "err 5\n" and found["waits"] == "'on'" and found["large"]


def test_interrupt(harness):
    found = harness("""
        def cancelled(code):
            cancellable, answers = Gio.Cancellable(), []
            w.states.clear()
            w.stdout = b""
            w.worker.run_code("console.log('begun');" + code, -1, cancellable,
                              lambda worker, result: answers.append(result))
            w.until(lambda: b"begun" in w.stdout)
            cancellable.cancel()
            w.until(lambda: answers and w.states[-1][0] == "exec_end")
            return [state[0] for state in w.states] + [w.states[-1][2]]
        w.run("var kept = 5")
        out["loops"] = cancelled("for (;;);")
        out["catches"] = cancelled("try { for (;;); } catch { kept = 6 } finally { kept = 7 }")
        out["waits"] = cancelled("await new Promise(() => {})")
        out["sleeps"] = cancelled("await Bun.sleep(100_000)")
        out["floods"] = cancelled("for (;;) console.log('x'.repeat(1000))")
        out["kept"] = w.run("kept")
        # What has not begun does not begin, and what is before and after it is not touched.
        first, last, cancellable = [], [], Gio.Cancellable()
        w.states.clear()
        w.worker.run_code("for (const end = Date.now() + 400; Date.now() < end;); 'first'", -1, None,
                          lambda w, r: first.append(w.run_code_finish(r)))
        w.worker.run_code("kept = 'wrong'", -1, cancellable, lambda w, r: None)
        w.worker.run_code("[kept]", -1, None, lambda w, r: last.append(w.run_code_finish(r)))
        w.until(lambda: w.states)
        cancellable.cancel()
        w.until(lambda: last)
        out["first"], out["last"] = first, last
        for _ in range(3):
            w.worker.interrupt()
        out["idle"] = w.run("'idle'")
    """)
    gone = ["exec_start", "interrupted", "exec_end", 130]
    for name in "loops", "catches", "waits", "sleeps", "floods":
        assert found[name] == gone, name
    assert found["kept"] == "5"
    assert found["first"] == ["'first'"] and found["last"] == ["[ 5 ]"] and found["idle"] == "'idle'"


def test_many(harness):
    found = harness("""
        answers = []
        for i in range(2000):
            w.worker.run_code(str(i), -1, None, lambda worker, result: answers.append(
                worker.run_code_finish(result)))
        w.until(lambda: len(answers) == 2000)
        out["all"] = answers == [str(i) for i in range(2000)]
    """)
    assert found == {"all": True}


def test_permissions(harness, box):
    box.write("shown.txt", "shown")
    found = harness(f"""
        out["shown"] = w.run("await Bun.file({str(box.directory / 'shown.txt')!r}).text()")
        out["hidden"] = w.run("await Bun.file({str(box.directory / 'w.txt')!r}).text()").splitlines()[0]
        out["write"] = w.run("await Bun.write({str(box.directory / 'new.txt')!r}, 'x')").splitlines()[0]
        out["net"] = w.run("await fetch('http://192.0.2.1/')").splitlines()[0]
        out["run"] = w.run("Bun.spawnSync(['/usr/bin/id'])").splitlines()[0]
        out["env"] = w.run("[process.env.SECRET, process.env.SHOWN]")
        out["tmp"] = w.run("await Bun.write('/tmp/x', 'x')")
        w.until(lambda: len([e for e in w.events if e["action"] == "deny"]) >= 2)
        out["events"] = sorted({{e["kind"] for e in w.events if e["action"] == "deny"}})
    """, flags=[("READ", str(box.directory / "shown.txt")), ("ENV", "SHOWN")],
        env={"SECRET": "s", "SHOWN": "yes"})
    assert found["shown"] == "'shown'" and "ENOENT" in found["hidden"]
    assert any(word in found["write"] for word in ("EACCES", "EROFS", "EPERM"))
    assert found["net"].startswith(("Error", "TypeError")) and "EACCES" in found["run"]
    assert found["env"] == "[ undefined, 'yes' ]" and found["tmp"] == "1"
    assert {"run", "write"} <= set(found["events"])


def test_channel(harness):
    found = harness("""
        w.request = lambda data: data[::-1]
        w.run("import { channel, permissions } from 'buntime'; const c = channel(); "
              "const text = (bytes) => new TextDecoder().decode(bytes)")
        out["asked"] = w.run("text(await c.request('abc'))")
        w.run("c.send('a message')")
        out["message"] = w.message().decode()
        w.send(b"for you")
        out["received"] = w.run("text(await c.recv())")
        out["query"] = w.run("(await permissions.query('net', 'x.example:1')).state")
        w.run("c.handle('double', (x) => 2 * x); c.handle('leave', () => process.exit(4))")
        out["called"] = w.ask("double", 4)
        out["left"] = w.ask("leave")
        # While code waits requests are answered, and more code comes.
        answers = []
        w.run("c.handle('go', () => { globalThis.gone = true; globalThis.release?.(); return 1 })")
        for code in "await new Promise((resolve) => { if (globalThis.gone) resolve(); else globalThis.release = resolve }); 'waited'", "'next'":
            w.worker.run_code(code, -1, None, lambda _, result: answers.append(
                w.worker.run_code_finish(result)))
        out["meanwhile"] = [w.ask("double", 5), list(answers)]
        w.ask("go")
        w.until(lambda: len(answers) == 2)
        out["order"] = answers
    """)
    assert found == {"asked": "'cba'", "message": "a message", "received": "'for you'", "query": "'deny'",
                     "called": 8, "left": "Exit: process.exit(4)", "meanwhile": [10, []],
                     "order": ["'waited'", "'next'"]}


BREAKING = {
    "exits": ("process.reallyExit(9)", 9),
    "killed": ("process.kill(process.pid, 'SIGKILL')", 137),
    "closes the channel": ("(await import('buntime')).channel().close()", None),
    "no globals": ("for (const name of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[name] } catch {}", None),
    "nonsense": ("(await import('buntime')).channel()._sendControl('nonsense')", 137),
    "replaces the client": ("(await import('buntime')).Channel.prototype.sendFrame = null", None),
    "never ends": ("await 0; for (;;);", None),
}


@pytest.mark.parametrize("code, status", BREAKING.values(), ids=BREAKING)
def test_what_breaks_it(harness, code, status):
    found = harness(f"""
        other = Host(None, kind=Buntime.WorkerKind.BUN)
        answers = []
        def done(worker, result):
            try:
                answers.append(worker.run_code_finish(result))
            except GLib.Error as error:
                ended = error.matches(Buntime.error_quark(), Buntime.Error.ENDED)
                answers.append("ended" if ended else error.message)
        w.worker.run_code({code!r}, -1, None, done)
        w.worker.run_code("2", -1, None, done)
        if {status is None}:
            end = time.monotonic() + 1
            while len(answers) < 2 and w.status is None and time.monotonic() < end:
                GLib.MainContext.default().iteration(False)
            w.end(100)
        w.until(lambda: w.status is not None)
        out["status"], out["answers"] = w.status, answers
        out["other"] = other.run("1 + 1")
    """)
    assert found["other"] == "2" and len(found["answers"]) == 2
    if status is not None:
        assert found["status"] == status and found["answers"][-1] == "ended"


def test_a_storm_of_interrupts(harness):
    """Whenever one comes, each code has one end, and the harness goes on."""
    found = harness("""
        import random
        random.seed(5)
        answers = {}
        for i in range(200):
            cancellable = Gio.Cancellable()
            def done(worker, result, i=i):
                try:
                    answers[i] = worker.run_code_finish(result)
                except GLib.Error as error:
                    answers[i] = "cancelled" if error.matches(
                        Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED) else error.message
            if i % 3 == 0:
                # Else it is kept back, and given up unseen.
                w.until(lambda: len(answers) == i)
                w.run("0")
            w.worker.run_code(f"await {i}" if i % 2 else f"{i}", -1, cancellable, done)
            if i % 3 == 0:
                end = time.monotonic() + random.random() * 0.0006
                while time.monotonic() < end:
                    GLib.MainContext.default().iteration(False)
                cancellable.cancel()
        w.until(lambda: len(answers) == 200)
        out["wrong"] = {i: answer for i, answer in answers.items() if i % 3 and answer != str(i)}
        out["others"] = sorted({answers[i] for i in range(0, 200, 3)} - {*map(str, range(200))})
        w.run("0")
        out["end"] = w.run("'end'")
        ends = [state[1] for state in w.states if state[0] == "exec_end"]
        out["ends"] = ends == sorted(set(ends)) and len(ends)
    """)
    # Bun may look for a signal only when the code behind runs: one of a hundred, as chance has it. Were
    # that the rule, it would be 67.
    assert len(found["wrong"]) <= 12 and set(found["wrong"].values()) <= {"Interrupted"}, found
    assert found["others"] in ([], ["cancelled"]) and found["end"] == "'end'"
    assert found["ends"] == 269
