# SPDX-License-Identifier: LGPL-2.1-or-later
"""Code in the harness of Python: what it comes to, what it writes, and what it cannot do."""

import textwrap

import pytest

from tier import UNSEEN_ERROR

START = """
w = Host(None{more})
w.until(lambda: w.ready)
"""


@pytest.fixture
def harness(host):
    """harness(code, flags=...) is a host program that has a harness, w."""
    def run(code, flags=(), args="", **kwargs):
        more = "".join(f", {word!r}" for word in args) + f", flags={list(flags)!r}"
        return host(START.format(more=more) + textwrap.dedent(code), **kwargs)
    return run


def test_values(harness):
    found = harness("""
        out["found"] = [w.run(code) for code in (
            "1+1", "x = 21", "x * 2", "'text'", "None", "import os\\nos.getcwd().count('/') > 0",
            "  2", "_", "def f(a):\\n    return a + 1", "f(x)", "[f(i) for i in range(3)]",
            "# nothing", "", "f.__module__", "__name__", "class A: pass\\n",
            "import pickle; pickle.loads(pickle.dumps(A())).__class__ is A",
            "import pickle\\nok = pickle.loads(pickle.dumps(A())).__class__ is A", "ok")]
    """)
    assert found["found"] == ["2", "", "42", "'text'", "", "", "2", "2", "", "22", "[1, 2, 3]", "", "",
                              "'__main__'", "'__main__'", "", "", "", "True"]


def test_states(harness):
    found = harness("""
        for code in "1", "1/0", "import sys; sys.exit(3)", "raise SystemExit('no')", "exit()", "2":
            w.run(code)
        out["states"] = [[state[0], *state[2:]] for state in w.states]
        out["ids"] = sorted({state[1] for state in w.states})
    """)
    assert found["ids"] == [1, 2, 3, 4, 5, 6]
    start, well = ["exec_start", 0, ""], ["exec_end", 0, ""]
    assert found["states"] == [
        start, well,
        start, ["exception", 0, "ZeroDivisionError: division by zero"], ["exec_end", 1, ""],
        start, ["exception", 0, "SystemExit: 3"], ["exec_end", 3, ""],
        start, ["exception", 0, "SystemExit: no"], ["exec_end", 1, ""],
        start, ["exception", 0, "SystemExit: None"], ["exec_end", 0, ""],
        start, well]


NASTY = '''
class E(Exception):
    def __str__(self):
        raise ValueError
    __repr__ = __str__
raise E
'''
META = '''
class M(type):
    __name__ = property(lambda self: 1 / 0)
class F(BaseException, metaclass=M):
    pass
raise F
'''


def test_exceptions(harness):
    found = harness(f"NASTY, META = {NASTY!r}, {META!r}\n" + textwrap.dedent("""
        w.run("def f():\\n    return 1 / 0\\n")
        out["call"] = w.run("f()")
        out["syntax"] = w.run("x = (1,\\ny y")
        out["after"] = w.run("'still here'")
        out["chain"] = w.run("try:\\n    f()\\nexcept ZeroDivisionError as error:\\n"
                             "    raise KeyError('k') from error\\n")
        out["nasty"] = w.run(NASTY)
        out["meta"] = w.run(META)
        out["deep"] = w.run("def g(): g()\\ng()")
        out["text"] = w.run("b'\\\\xff'.decode()")
        out["bytes"] = w.run("'\\\\ud800'")
        out["exit"] = w.run("exit('a reason')")
        out["repr"] = w.run("class R:\\n    def __repr__(self): raise OSError('r')\\n")
        out["repr"] = w.run("R()")
        out["large"] = w.run("'x' * (20 << 20)")
        out["end"] = w.run("6 * 7")
    """))
    assert found["call"] == ('Traceback (most recent call last):\n'
                             '  File "<code 2>", line 1, in <module>\n    f()\n'
                             '  File "<code 1>", line 2, in f\n    return 1 / 0\n'
                             '           ~~^~~\nZeroDivisionError: division by zero')
    assert 'File "<code 3>"' in found["syntax"] and "SyntaxError" in found["syntax"]
    assert "harness.py" not in found["syntax"] and "Traceback" not in found["syntax"]
    assert found["after"] == "'still here'" and found["end"] == "42"
    assert "direct cause" in found["chain"] and "KeyError: 'k'" in found["chain"]
    assert found["nasty"].endswith("E: <exception str() failed>")
    assert found["meta"] == "an exception that cannot be told"
    assert found["deep"].count("\n") < 30 and "RecursionError" in found["deep"]
    assert "UnicodeDecodeError" in found["text"] and found["exit"] == "SystemExit: a reason"
    assert found["repr"].endswith("OSError: r") and "too long" in found["large"]


def test_output(harness, box):
    found = harness("""
        w.run("import os, subprocess, sys, threading")
        w.run("print('out'); print('err', file=sys.stderr); print('no end', end='')")
        out["frames"] = [w.stdout.decode(), w.stderr.decode()]
        # While it runs.
        w.worker.run_code("print('begun'); import time\\ntime.sleep(60)", -1, None, None)
        w.until(lambda: b"begun" in w.stdout)
        out["running"] = [state[0] for state in w.states][-1]
        w.worker.interrupt()
        w.stdout, w.stderr = b"", b""
        # What C code and other programs write comes by the pipes.
        w.run("os.write(1, b'one '); os.write(2, b'two ')")
        w.run("subprocess.run(['/usr/bin/echo', 'three'], stdout=sys.stdout)")
        w.run("if os.fork() == 0:\\n    print('four', flush=True)\\nelse:\\n    os.wait()\\n")
        w.run("t = threading.Thread(target=print, args=('five',)); t.start(); t.join()")
        w.run("sys.stdout.buffer.write(b'\\\\xff\\\\x00\\\\n'); print('\\\\ud800')")
        w.until(lambda: b"three" in w.stdout and b"four" in w.stdout and b"two" in w.stderr)
        out["rest"] = [w.stdout.decode(errors="backslashreplace"), w.stderr.decode()]
        w.stdout = b""
        w.run("print('x' * 5_000_000)")
        out["large"] = w.stdout == b"x" * 5_000_000 + b"\\n"
        w.run("sys.stdout.close()")
        out["closed"] = w.run("print(1)")
        out["end"] = w.run("1")
    """, flags=[("RUN", "/usr/bin/echo")])
    assert found["frames"] == ["out\nno end", "err\n"]
    assert found["running"] == "exec_start"
    for word in "one ", "three\n", "four\n", "five\n", "\\xff\x00\n", "\\ud800\n":
        assert word in found["rest"][0], found["rest"]
    assert "two " in found["rest"][1]
    assert found["large"] and "closed file" in found["closed"] and found["end"] == "1"


def test_interrupt(harness):
    found = harness("""
        def cancelled(code):
            cancellable = Gio.Cancellable()
            answers = []
            w.states.clear()
            w.stdout = b""
            code = code if "begun" in code else "print('begun')\\n" + code
            w.worker.run_code(code, -1, cancellable, lambda worker, result: answers.append(result))
            w.until(lambda: b"begun" in w.stdout)
            cancellable.cancel()
            w.until(lambda: answers)
            try:
                w.worker.run_code_finish(answers[0])
            except GLib.Error as error:
                assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED), error
            w.until(lambda: w.states[-1][0] == "exec_end")
            return [state[0] for state in w.states] + [w.states[-1][2]]
        w.run("kept = 5; import time, signal, os")
        out["loops"] = cancelled("while True: pass")
        out["sleeps"] = cancelled("time.sleep(100)")
        out["kept"] = w.run("kept")
        out["catches"] = cancelled("try:\\n    print('begun')\\n    time.sleep(100)\\nexcept KeyboardInterrupt:\\n    kept = 6")
        out["caught"] = w.run("kept")
        out["floods"] = cancelled("while True: print('x' * 1000)")
        out["repr"] = cancelled("class R:\\n    def __repr__(self):\\n        while True: pass\\nx = R()\\n"
                                "repr(x)")
        out["ignores"] = w.run("signal.signal(signal.SIGINT, signal.SIG_IGN)") and None
        out["again"] = cancelled("while True: pass")
        out["itself"] = w.run("os.kill(os.getpid(), signal.SIGINT); time.sleep(10)").splitlines()[-1]
        # Not what runs, but all of it.
        worker, answers = w.worker, []
        for _ in range(3):
            worker.interrupt()
        out["idle"] = w.run("'well'")
        # The one that is meant: neither what runs before it nor what comes after.
        last, cancellable = [], Gio.Cancellable()
        w.states.clear()
        first = []
        worker.run_code("time.sleep(0.4); 'first'", -1, None, lambda w, r: first.append(r))
        worker.run_code("kept = 'wrong'", -1, cancellable, lambda w, r: answers.append(r))
        worker.run_code("(time.sleep(0.4), kept)", -1, None, lambda w, r: last.append(r))
        w.until(lambda: w.states)
        cancellable.cancel()
        w.until(lambda: last)
        first_answer, = first
        out["first"] = worker.run_code_finish(first_answer)
        out["last"] = worker.run_code_finish(last[0])
    """)
    gone = ["exec_start", "interrupted", "exec_end", 130]
    assert found["loops"] == found["sleeps"] == found["floods"] == found["repr"] == gone
    assert found["again"] == gone
    assert found["kept"] == "5"
    assert found["catches"] == ["exec_start", "exec_end", 0] and found["caught"] == "6"
    assert found["itself"] == "KeyboardInterrupt" and found["idle"] == "'well'"
    assert found["first"] == "" and found["last"] == "(None, 6)"


def test_a_storm_of_interrupts(harness):
    """Whenever one comes, each code has one answer, and the harness goes on."""
    found = harness("""
        import random
        random.seed(5)
        answers, ends = {}, 0
        for i in range(300):
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
            w.worker.run_code(f"y = {i}" if i % 2 else f"{i}", -1, cancellable, done)
            if i % 3 == 0:
                wait = random.random() * 0.0006
                end = time.monotonic() + wait
                while time.monotonic() < end:
                    GLib.MainContext.default().iteration(False)
                cancellable.cancel()
        w.until(lambda: len(answers) == 300)
        out["wrong"] = {i: answer for i, answer in answers.items() if i % 3 and
                        answer != ("" if i % 2 else str(i))}
        out["others"] = sorted({answers[i] for i in range(0, 300, 3)} - {"", *map(str, range(300))})
        out["end"] = w.run("'end'")
        w.until(lambda: sum(state[0] == "exec_end" for state in w.states) == 401)
        out["starts"] = sum(state[0] == "exec_start" for state in w.states)
    """)
    assert found["wrong"] == {} and found["others"] in ([], ["cancelled"]), found
    assert found["end"] == "'end'" and found["starts"] == 401


def test_given_up_unseen(harness):
    """What is given up behind code that is being interrupted never runs; what is not does."""
    found = harness("""
        given_up = []
        first, second = Gio.Cancellable(), Gio.Cancellable()
        slow = "import buntime\\ntry:\\n  print('in')\\n  while True: pass\\nexcept KeyboardInterrupt:\\n  buntime.channel().recv()"
        w.worker.run_code(slow, -1, first, lambda w, r: given_up.append(1))
        w.until(lambda: b"in" in w.stdout)
        first.cancel()
        w.until(lambda: given_up)
        w.worker.run_code("one = 1", -1, second, lambda w, r: given_up.append(2))
        w.worker.run_code("two = 2", -1, None, lambda w, r: None)
        w.worker.run_code("three = 3", 50, None, lambda w, r: given_up.append(3))
        second.cancel()
        w.until(lambda: 2 in given_up and 3 in given_up)
        w.send(b"go on")
        out["seen"] = w.run("[name for name in ('one', 'two', 'three') if name in globals()]")
        out["ends"] = sum(state[0] == "exec_end" for state in w.states)
    """)
    assert found == {"seen": "['two']", "ends": 3}


def test_many(harness):
    """What is told of code is no flood."""
    found = harness("""
        answers = []
        for i in range(3000):
            w.worker.run_code(str(i), -1, None, lambda worker, result: answers.append(
                worker.run_code_finish(result)))
        w.until(lambda: len(answers) == 3000)
        out["all"] = answers == [str(i) for i in range(3000)]
        out["states"] = len(w.states)
    """)
    assert found == {"all": True, "states": 6000}


def test_permissions(harness, box, world):
    """Allowed and denied from within code, and told while it goes on."""
    box.write("shown.txt", "shown")
    box.write("hidden.txt", "hidden")
    found = harness(f"""
        out["shown"] = w.run("open({str(box.directory / 'shown.txt')!r}).read()")
        out["hidden"] = w.run("open({str(box.directory / 'hidden.txt')!r}).read()").splitlines()[-1]
        out["write"] = w.run("open({str(box.directory / 'new.txt')!r}, 'w')").splitlines()[-1]
        w.run("import socket, subprocess, os")
        out["net"] = w.run("socket.create_connection(('192.0.2.1', 80), 5)").splitlines()[-1]
        out["run"] = w.run("subprocess.run(['/usr/bin/id'])").splitlines()[-1]
        out["echo"] = w.run("subprocess.run(['/usr/bin/echo']).returncode")
        out["env"] = w.run("os.environ.get('SECRET'), os.environ.get('SHOWN')")
        out["tmp"] = w.run("open('/tmp/x', 'w').write('x')")
        out["args"] = w.run("__import__('sys').argv")
        out["path"] = w.run("__import__('sys').path[0]")
        out["input"] = w.run("input()").splitlines()[-1]
        w.until(lambda: len([e for e in w.events if e["action"] == "deny"]) >= 3)
        out["events"] = sorted(e["kind"] for e in w.events if e["action"] == "deny")
        out["names"] = [e["object"] for e in w.events if e["action"] == "started"]
    """, flags=[("READ", str(box.directory / "shown.txt")), ("RUN", "/usr/bin/echo"),
                ("ENV", "SHOWN")], args=["a", "b"], env={"SECRET": "s", "SHOWN": "yes"})
    assert found["shown"] == "'shown'" and found["hidden"].startswith(UNSEEN_ERROR)
    assert found["write"].startswith(("PermissionError", "OSError"))
    assert found["net"].startswith(("PermissionError", "OSError"))
    assert found["run"].startswith("PermissionError") and found["echo"] == "0"
    assert found["env"] == "(None, 'yes')" and found["tmp"] == "1"
    assert found["args"] == "['', 'a', 'b']" and found["path"] == "''"
    assert found["input"].startswith("EOFError")
    assert {"write", "run"} <= set(found["events"]) and found["names"] == ["python"]


def test_channel(harness):
    """Code uses the channel that the harness has."""
    found = harness("""
        w.request = lambda data: data[::-1]
        w.run("import buntime; c = buntime.channel()")
        out["asked"] = w.run("c.request(b'abc')")
        w.run("c.send(b'a message')")
        out["message"] = w.message().decode()
        w.send(b"for you")
        out["received"] = w.run("c.recv()")
        out["query"] = w.run("buntime.permissions.query('net', 'x.example:1').state")
        w.run("@c.handler('double')\\ndef double(x):\\n    return 2 * x\\n"
              "@c.handler('leave')\\ndef leave():\\n    raise SystemExit(4)\\n")
        out["called"] = w.ask("double", 4)
        out["left"] = w.ask("leave")
        # Code that waits for an answer while more code comes.
        answers = []
        for code in "c.request(b'x')", "'next'":
            w.worker.run_code(code, -1, None, lambda _, result: answers.append(
                w.worker.run_code_finish(result)))
        w.until(lambda: len(answers) == 2)
        out["order"] = answers
    """)
    assert found == {"asked": "b'cba'", "message": "a message", "received": "b'for you'",
                     "query": "'deny'", "called": 8, "left": "SystemExit", "order": ["b'x'", "'next'"]}


BREAKING = {
    "exits": ("import os; os._exit(9)", 9),
    "killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
    "crashes": ("import ctypes; ctypes.string_at(0)", 139),
    "closes all": ("import os; os.closerange(0, 4096)", 1),
    "no builtins": ("import builtins; builtins.__dict__.clear()", 1),
    "no modules": ("import sys; sys.modules.clear()", None),
    "closes the channel": ("import buntime; buntime.channel().close()", 1),
    "replaces the client": ("import buntime; buntime.Channel.send_frame = None", 1),
    "threads": ("import threading, time, os; threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "os.closerange(3, 4096)", 1),
    "another program": ("import os; os.execv('/usr/bin/echo', ['echo'])", 0),
    "floods": ("import buntime\nwhile True: buntime.channel().control_fileno() and "
        "__import__('os').write(buntime.channel().control_fileno(), b'{\"type\":\"ready\"}')", 137),
    "floods later": ("import buntime, os, threading, time\nfd = buntime.channel().control_fileno()\n"
        "def flood():\n    time.sleep(0.3)\n    while True: os.write(fd, b'{\"type\":\"ready\"}')\n"
        "threading.Thread(target=flood).start()", 137),
    "nonsense": ("import os; os.write(__import__('buntime').channel().control_fileno(), b'nonsense')", 137),
}


@pytest.mark.parametrize("code, status", BREAKING.values(), ids=BREAKING)
def test_what_breaks_it(harness, code, status):
    """It ends, what waits for an answer is told, and the host and its other workers are well."""
    found = harness(f"""
        other = Host(None)
        started = time.monotonic()
        answers = []
        def done(worker, result):
            try:
                answers.append(worker.run_code_finish(result))
            except GLib.Error as error:
                ended = error.matches(Buntime.error_quark(), Buntime.Error.ENDED)
                answers.append("ended" if ended else error.message)
        for _ in range(500):
            w.worker.run_code("1", -1, None, None)
        w.worker.run_code({code!r}, -1, None, done)
        w.worker.run_code("2" if {status is None} else "import time; time.sleep(60)", -1, None, done)
        if {status is None}:
            w.until(lambda: len(answers) == 2)
            w.end(0)
        w.until(lambda: w.status is not None)
        out["status"], out["answers"] = w.status, answers
        out["seconds"] = time.monotonic() - started
        out["other"] = other.run("1 + 1")
        other.end(0)
        w = Host(None)
        out["again"] = w.run("3")
    """, flags=[("RUN", "/usr/bin/echo")])
    assert found["other"] == "2" and found["again"] == "3"
    assert len(found["answers"]) == 2 and found["seconds"] < 15
    if status is not None:
        assert found["status"] == status and found["answers"][-1] == "ended"


ENDLESS = '''
import signal, time
for number in range(1, 32):
    if number not in (9, 19):
        signal.signal(number, signal.SIG_IGN)
while True:
    try:
        print("x" * 100_000)
    except BaseException:
        pass
'''


def test_what_does_not_end(harness):
    """Code that takes no notice of anything is ended by stop()."""
    found = harness(f"""
        w.worker.run_code({ENDLESS!r}, -1, None, None)
        w.until(lambda: len(w.stdout) > 5_000_000)
        w.worker.interrupt()
        before = len(w.stdout)
        w.until(lambda: len(w.stdout) > before + 1_000_000)
        out["status"] = w.end(300)
    """)
    assert found["status"] == 137


def test_nobody_reads(harness):
    """A host that does not look costs the worker its progress, and the host no memory."""
    found = harness("""
        import resource
        w.worker.run_code("while True: print('x' * 1000)", -1, None, None)
        w.until(lambda: len(w.stdout) > 100_000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        time.sleep(1)
        out["grown"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        out["status"] = w.end(0)
    """)
    assert found["grown"] < 8192 and found["status"] == 137


def test_exec_is_refused(host):
    found = host("""
        w = Host(None, kind=Buntime.WorkerKind.EXEC)
        w.until(lambda: w.status is not None)
        out["status"], out["error"] = w.status, w.worker.get_error().message
    """)
    assert found["status"] == 2 and "only Python and Bun take code" in found["error"]


def test_no_terminal(host, terminal, box, world):
    """The host program's terminal is not the worker's, to write to or to read from."""
    program = host.write("""
        w = Host(None)
        print("SEEN", w.run("open('/dev/tty', 'w')").splitlines()[-1])
        print("SEEN", w.run("__import__('os').getsid(0) == __import__('os').getpid()"), "whole")
        w.end(0)
    """)
    one = terminal(["env", *(f"{name}={value}" for name, value in host.variables.items()),
                    "/usr/bin/python3", program], shell=True)
    assert "SEEN OSError: [Errno 6] No such device or address" in one.expect("SEEN")  \
        + one.expect("whole")
    assert one.wait() == 0


def test_output_and_interrupts(harness):
    """What was written is written once, whenever an interrupt comes."""
    found = harness("""
        numbers = []
        for i in range(60):
            w.stdout = b""
            cancellable, answers = Gio.Cancellable(), []
            w.worker.run_code("n = 0\\nwhile True:\\n    print(n)\\n    n += 1", -1, cancellable,
                              lambda worker, result: answers.append(result))
            w.until(lambda: w.stdout)
            cancellable.cancel()
            w.until(lambda: answers)
            last = int(w.run("n"))
            printed = [int(line) for line in w.stdout.split()]
            numbers.append(printed == list(range(len(printed))) and last - len(printed) in (-1, 0))
        out["wrong"] = numbers.count(False)
    """)
    assert found == {"wrong": 0}


def test_too_much_output(host):
    """The limit is on what comes by the channel and by descriptors together."""
    found = host("""
        def limited(code):
            policy = Buntime.Policy.new()
            policy.set_limit(Buntime.Limit.OUTPUT, "10000")
            Buntime.Policy.new = lambda: policy
            w = Host(None)
            w.worker.run_code("import os", -1, None, None)
            w.worker.run_code(code, -1, None, None)
            w.until(lambda: w.status is not None)
            return [len(w.stdout) + len(w.stderr), w.status,
                    [event["object"] for event in w.events if event["kind"] == "limit"]]
        new = Buntime.Policy.new
        out["frames"] = limited("while True: print('x' * 998)")
        Buntime.Policy.new = new
        out["both"] = limited("print('x' * 5999, flush=True)\\nwhile True: os.write(1, b'y' * 1000)")
        Buntime.Policy.new = new
        out["pipes"] = limited("while True: os.write(2, b'y' * 1000)")
    """)
    assert found == {name: [10000, 137, ["output"]] for name in ("frames", "both", "pipes")}
