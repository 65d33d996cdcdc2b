# SPDX-License-Identifier: LGPL-2.1-or-later
"""What buntime-integration(7) promises to a host program, apart from its examples."""

import inspect
import re
import signal
import subprocess
import textwrap
import time
from pathlib import Path

from world import PLAIN


def processes(word):
    """Those that have that argument, whoever they belong to."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            pass
    return found


PROCESSES = "from pathlib import Path\n" + inspect.getsource(processes)


def gone(word, seconds=10):
    end = time.monotonic() + seconds
    while processes(word) and time.monotonic() < end:
        time.sleep(0.02)
    return not processes(word)


def test_a_launcher_is_taken_as_it_is(host):
    """What is changed later is for later workers."""
    out = host("""
        policy = Buntime.Policy.new()
        sandbox = Buntime.Sandbox.new(policy)
        os.environ["LATER"] = "there"

        def spawn():
            worker, text = sandbox.spawn("/bin/sh", ["-c", "echo $LATER; pwd"]), bytearray()
            worker.connect("output", lambda _w, _s, data: text.extend(data.get_data()))
            return worker, text

        out["here"] = os.getcwd()
        first = spawn()
        policy.add_permission(Buntime.Permission.ENV, True, "LATER")
        os.chdir("/usr")
        second = spawn()
        while not (first[0].get_exited() and second[0].get_exited()):
            GLib.MainContext.default().iteration(True)
        out["first"], out["second"] = first[1].decode(), second[1].decode()
    """)
    # The working directory is the policy's, to which its paths are relative.
    assert out["first"] == f"\n{out['here']}\n" and out["second"] == f"there\n{out['here']}\n"


def test_nothing_is_inherited(host):
    """No descriptor, no variable, and nothing on standard input."""
    out = host("""
        os.environ["SECRET"] = "s"
        read, write = os.pipe()
        os.set_inheritable(read, True)
        os.set_inheritable(write, True)
        with open(os.devnull) as kept:
            os.dup2(kept.fileno(), 77)
            w = Host("/usr/bin/python3", "-c", '''if True:
                import os, sys
                there = []
                for name in os.listdir("/proc/self/fd"):
                    try:
                        there.append(os.readlink("/proc/self/fd/" + name))
                    except OSError:
                        pass
                print(sorted(there), sys.stdin.read(), "SECRET" in os.environ)
            ''')
            w.until(lambda: w.status is not None)
        out["text"], out["status"] = w.stdout.decode(), w.status
    """)
    assert out["status"] == 0
    # Its own three, and those of the channel: two sockets and a memory.
    there = re.sub(r":\[\d+\]", "", out["text"])
    assert there.count("'pipe'") == 2 and there.count("'socket'") == 2 and there.count("memfd:") == 1, there
    assert there.count("'/dev/null'") == 1 and there.count("', '") in (5, 6) and "  False" in there, there


def test_a_busy_host_holds_nobody_up(host, box):
    """What the kernel asks is decided while the host program does not run its main context."""
    box.write("w.py", """
        import time
        begun = time.monotonic()
        refused = 0
        for number in range(200):
            try:
                open(f"/etc/no{number}", "w")
            except PermissionError:
                refused += 1
        print(refused, time.monotonic() - begun < 2)
    """)
    out = host("""
        w = Host("./w.py")
        time.sleep(3)  # in the middle of a callback, as it were
        begun = time.monotonic()
        w.until(lambda: w.status is not None)
        out["text"], out["late"] = w.stdout.decode(), time.monotonic() - begun
        out["denied"] = len([event for event in w.events if event["action"] == "deny"])
    """)
    assert out["text"] == "200 True\n" and out["late"] < 1.5 and out["denied"] >= 1, out


def test_why_a_call_fails(host):
    """A call that fails since the worker never started says why, and before it is told to be gone."""
    out = host("""
        for name, entry in ("missing", "/nothing/of/that.py"), ("ended", "/bin/true"):
            w = Host(entry)
            order = []
            w.worker.connect("exited", lambda *_: order.append("exited"))
            def told(worker, result):
                try:
                    worker.call_finish(result)
                except GLib.Error as error:
                    order.append(error.message)
            w.worker.call(GLib.Bytes.new(b"x"), -1, None, told)
            w.until(lambda: "exited" in order)
            out[name] = order
        w = Host("/usr/bin/python3", "-c", "import buntime, time; buntime.channel().close(); time.sleep(60)")
        begun = time.monotonic()
        out["closed"], out["time"] = w.call(b"x").message, time.monotonic() - begun
        w.end(0)
        w = Host("/usr/bin/python3", "-c",
                 "import buntime, os, time; os.write(buntime.channel().control_fileno(), b'{'); time.sleep(60)")
        out["broken"] = w.call(b"x").message
    """)
    assert out["missing"][1:] == ["exited"] and "/nothing/of/that.py: " in out["missing"][0], out
    assert out["ended"][0].endswith(": the worker has ended") and out["ended"][1:] == ["exited"], out
    assert out["closed"].endswith("the worker has closed its channel") and out["time"] < 8, out
    assert out["broken"].endswith("the worker broke the channel's protocol"), out


def test_threads_have_workers_of_their_own(host):
    """Each thread's signals and answers come in its own main context."""
    out = host("""
        import threading
        wrong, answers = [], {}

        def work(name):
            context = GLib.MainContext.new()
            context.push_thread_default()
            loop = GLib.MainLoop.new(context, False)
            me = threading.get_ident()

            def seen(what):
                if threading.get_ident() != me:
                    wrong.append(what)

            def on_result(worker, result):
                seen("result")
                answers[name] = worker.run_code_finish(result)
                worker.stop(0)

            def on_exited(*_):
                seen("exited")
                loop.quit()

            worker = Buntime.Sandbox.new(Buntime.Policy.new()).spawn(None)
            worker.connect("ready", lambda *_: seen("ready"))
            worker.connect("output", lambda *_: seen("output"))
            worker.connect("event", lambda *_: seen("event"))
            worker.connect("exited", on_exited)
            worker.run_code(f"print({name}) or {name} * {name}", 20000, None, on_result)
            loop.run()
            context.pop_thread_default()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(40)
        out["wrong"], out["answers"] = wrong, answers
    """)
    assert out["wrong"] == [] and out["answers"] == {str(n): str(n * n) for n in range(4)}


def test_who_is_forgotten_ends(host):
    """A worker that nobody refers to, and whose signals nobody wants."""
    out = host(PROCESSES + textwrap.dedent("""
        policy = Buntime.Policy.new()
        worker = Buntime.Sandbox.new(policy).spawn("/usr/bin/sleep", ["54321"])
        context, end = GLib.MainContext.default(), time.monotonic() + 20
        while not processes("54321") and time.monotonic() < end:
            context.iteration(False)
        out["there"] = len(processes("54321"))
        del worker
        while processes("54321") and time.monotonic() < end:
            context.iteration(False)
            time.sleep(0.01)
        out["left"] = len(processes("54321"))
    """))
    assert out["there"] >= 1 and out["left"] == 0


def test_nothing_outlives_the_host(world, box):
    """Killed in the middle: it cannot clean up, and need not."""
    box.write("host.py", """
        import gi
        gi.require_version("Buntime", "1.0")
        from gi.repository import Buntime, GLib
        workers = [Buntime.Sandbox.new(Buntime.Policy.new()).spawn("/usr/bin/sleep", [f"9876{n}"])
                   for n in range(3)]
        GLib.MainLoop().run()
    """)
    library = str(world.build / "src/lib")
    environment = world.environment({"GI_TYPELIB_PATH": library, "LD_LIBRARY_PATH": library})
    with subprocess.Popen([*PLAIN, "/usr/bin/python3", "host.py"], cwd=box.directory, env=environment) as program:
        end = time.monotonic() + 20
        while not all(processes(f"9876{n}") for n in range(3)):
            assert time.monotonic() < end and program.poll() is None
            time.sleep(0.02)
        program.send_signal(signal.SIGKILL)
        program.wait(10)
    assert all(gone(f"9876{n}") for n in range(3))


def test_a_worker_that_will_not_end(host, box):
    """It is killed after the grace, with all that it started."""
    box.write("w.py", """
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork() == 0:
            os.setsid()
        print("here", flush=True)
        while True:
            time.sleep(1)
    """)
    out = host("""
        w = Host("./w.py")
        w.until(lambda: w.stdout == b"here\\nhere\\n")
        begun = time.monotonic()
        out["status"] = w.end(300)
        out["seconds"] = time.monotonic() - begun
    """)
    assert out["status"] == 137 and 0.3 <= out["seconds"] < 5


def test_output_has_a_limit_whichever_way_it_comes(host):
    """By the pipes, by the channel, as code's is, and by both."""
    out = host("""
        def run(code, expect):
            policy = Buntime.Policy.new()
            policy.set_limit(Buntime.Limit.OUTPUT, "1000")
            worker, seen = Buntime.Sandbox.new(policy).spawn(None), {"size": 0, "limits": []}
            worker.connect("output", lambda _w, _s, data: seen.update(size=seen["size"] + data.get_size()))
            worker.connect("event", lambda _w, event: seen["limits"].append(event.get_object())
                           if event.get_kind() == "limit" else None)
            worker.connect("exited", lambda _w, status: seen.update(status=status))
            worker.run_code(code, 20000, None, lambda worker, _: worker.stop(0) if expect else None)
            while "status" not in seen:
                GLib.MainContext.default().iteration(True)
            return seen

        out["pipe"] = run("import os\\nwhile True: os.write(1, b'x' * 70)", False)
        out["channel"] = run("import sys\\nwhile True: print('x' * 70, file=sys.stderr)", False)
        out["both"] = run("import os\\nos.write(1, b'x' * 600)\\nwhile True: print('x' * 39)", False)
        out["exact"] = run("import sys; sys.stdout.write('x' * 1000)", True)
    """)
    for way in "pipe", "channel", "both":
        assert out[way] == {"size": 1000, "limits": ["output"], "status": 137}, (way, out[way])
    assert out["exact"]["size"] == 1000 and out["exact"]["limits"] == [], out["exact"]


def test_output_that_is_read_late_has_the_limit_too(host):
    """Also if the program, and all of the run, was over before the host program looked."""
    out = host("""
        policy = Buntime.Policy.new()
        policy.set_limit(Buntime.Limit.OUTPUT, "1000")
        worker, seen = Buntime.Sandbox.new(policy).spawn(None), {"size": 0, "limits": []}
        worker.connect("ready", lambda _w: seen.update(ready=True))
        worker.connect("output", lambda _w, _s, data: seen.update(size=seen["size"] + data.get_size()))
        worker.connect("event", lambda _w, event: seen["limits"].append(event.get_object())
                       if event.get_kind() == "limit" else None)
        worker.connect("exited", lambda _w, status: seen.update(status=status))
        while "ready" not in seen:
            GLib.MainContext.default().iteration(True)
        worker.run_code("import os\\nprint('x' * 3000, flush=True)\\nos._exit(0)", -1, None, None)
        end = time.monotonic() + 20
        while worker.processes_to_json() != "[]" and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.3)  # and the library's thread is done with it
        while "status" not in seen:
            GLib.MainContext.default().iteration(True)
        out["seen"] = seen
    """)
    assert out["seen"] == {"ready": True, "size": 1000, "limits": ["output"], "status": 137}
