# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong around the worker: said in buntime's words, with buntime's status."""

import json
import os
import shutil

INTERRUPTED = """
    # The answer to a connect comes while a signal's handler runs.
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(4):  # until the queue is full and a SYN is dropped
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)

    import signal
    def refuse(*_):
        listener.close()
        for filler in fillers:
            filler.close()
        time.sleep(4)  # the next SYN is answered by a reset
    signal.signal(signal.SIGALRM, refuse)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    out["connect"] = attempt(socket.socket().connect, listener.getsockname())
"""


def test_result_of_an_interrupted_connect_is_the_workers(box):
    out, result = box.json(code=INTERRUPTED)
    assert "ConnectionRefusedError" in str(out["connect"]) or "ECONNREFUSED" in str(out["connect"]), \
        (out, str(result))


def test_init_that_dies_at_once_is_no_run(box, world, tmp_path):
    """Nothing was run: 125 with a reason, never the status of a killed program."""
    for name, source in (("cli/buntime", world.buntime), ("init/buntime-init", "/bin/true")):
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(source, target)
    tmp_path.chmod(0o755)
    entry = box.write("w.py", "print('ran')\n")
    command = [word if word != world.buntime else tmp_path / "cli/buntime"
               for word in world.command(["run", entry])]
    result = world.run_command(command, cwd=box.directory)
    assert result.status == 125 and "buntime-init" in result.stderr, str(result)


def test_status_that_nobody_reads(box, world):
    """A closed pipe behind --json-status-fd does not change how the run ended."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    result = box.run(f"--json-status-fd={write_end}", code="raise SystemExit(7)\n",
                     pass_fds=[write_end])
    os.close(write_end)
    assert result.status == 7, str(result)


def test_too_many_net_rules(box):
    """One line with one object, and the cure beside it."""
    rules = [{"action": "allow", "proto": "tcp", "cidr": f"203.0.{i >> 8}.{i & 255}/32", "ports": "1"}
             for i in range(7000)]
    policy = box.write("p.json", json.dumps({"version": 1, "net": {"rules": rules}},
                                            separators=(",", ":")))
    result = box.run(f"--policy={policy}", code="print('ran')\n")
    assert result.status == 125, str(result)
    assert "net.rules: too many rules\n  use wider" in result.stderr, str(result)
    assert "buntime-net" not in result.stderr, str(result)
