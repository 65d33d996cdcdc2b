#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Code as a service: execute(code, policy) gives {output, error, exitCode}.

    echo '{"code": "6 * 7"}' | python3 data/examples/lambda.py

Each line of standard input is a request in JSON: code in Python, and perhaps a policy, as of
buntime-policy(5), and a timeout in milliseconds.  Without a policy the code may do nothing but
compute; {"version": 1, "extends": ["lambda"]} lets it speak HTTPS.  Each is answered by a line.

No two requests meet: each is run by a worker of its own, which ends with it.  It need not wait for
one, since a pool keeps workers that have started, under that policy, and wait for code.

The code is not trusted; whoever sends the request is, since it is he who names the policy.  What was
refused is told on stderr, and the code learns of it by its exceptions.
"""

import json
import sys

import gi

gi.require_version("Buntime", "1.0")
# pylint: disable=wrong-import-position
from gi.repository import Buntime, GLib  # noqa: E402

NOTHING = {"version": 1}
PATIENCE = 5000  # milliseconds for code
MOST = 64 << 10  # bytes of output
POOLS = 4        # policies for which workers are kept
WARM = 2         # workers of each


def await_(start, *arguments):
    """Runs the main loop until what was started has ended."""
    loop, results = GLib.MainLoop(), []
    start(*arguments, lambda _source, result: (results.append(result), loop.quit()))
    loop.run()
    return results[0]


class Lambda:
    def __init__(self):
        self.pools = {}  # by policy; the one that was used last is the last

    def pool(self, policy):
        text = json.dumps(policy, sort_keys=True)
        pool = self.pools.pop(text, None) or self.new_pool(text)
        self.pools[text] = pool
        if len(self.pools) > POOLS:
            self.pools.pop(next(iter(self.pools))).stop()
        return pool

    @staticmethod
    def new_pool(text):
        policy = Buntime.Policy.new()
        policy.add_json(text, "the request's policy")
        for limit, value in ((Buntime.Limit.PIDS, "32"), (Buntime.Limit.TMP_SIZE, "16M"),
                             (Buntime.Limit.OPEN_FILES, "64")):
            policy.set_limit(limit, value)
        pool = Buntime.Pool.new(Buntime.Sandbox.new(policy), WARM)
        pool.set_preload("import json, math, re")
        return pool

    def execute(self, code, policy=None, patience=PATIENCE):
        """Runs code under a policy.  Raises GLib.Error if the policy is none."""
        pool = self.pool(NOTHING if policy is None else policy)
        worker = pool.take_finish(await_(pool.take_async, None))
        output, status, error, grace = bytearray(), [], None, 0

        def on_output(worker, _stream, data):
            output.extend(data.get_data())
            if len(output) > MOST:
                worker.stop(0)

        def on_state(_worker, state, _number, exit_code, _text):
            if state == "exec_end":
                status[:] = [exit_code]

        worker.connect("output", on_output)
        worker.connect("state", on_state)
        worker.connect("event", on_event)
        try:
            value = worker.run_code_finish(await_(worker.run_code, code, patience, None))
            output.extend(value.encode() + b"\n" if value else b"")
        except GLib.Error as failure:
            error = failure.message
            if failure.matches(Buntime.error_quark(), Buntime.Error.TIMED_OUT):
                error, status = "the time is up", [124]
            elif failure.matches(Buntime.error_quark(), Buntime.Error.ENDED):
                # Its status comes a little later; a kill would be its end then.
                error, status, grace = "it ended", [], 1000
        self.end(worker, grace)
        if len(output) > MOST:
            error = "too much output"
        elif status == [0]:
            error = None  # it ended itself, and well
        return {"output": output[:MOST].decode(errors="replace"), "error": error,
                "exitCode": status[0] if status else worker.get_exit_status()}

    @staticmethod
    def end(worker, grace):
        """Whatever the code has left running ends, too."""
        loop = GLib.MainLoop()
        worker.connect("exited", lambda _worker, _status: loop.quit())
        worker.stop(grace)
        if not worker.get_exited():
            loop.run()


def on_event(_worker, event):
    if event.get_action() == Buntime.Action.DENY:
        sys.stderr.write(event.format())


def main():
    service = Lambda()
    for line in sys.stdin.buffer:  # bytes: what is no UTF-8 is a mistake in that line alone
        try:
            request = json.loads(line)
            patience = min(int(request.get("timeout", PATIENCE)), PATIENCE)
            answer = service.execute(request["code"], request.get("policy"), max(patience, 0))
        except GLib.Error as error:
            answer = {"output": "", "error": error.message, "exitCode": 125}
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            answer = {"output": "", "error": "no request", "exitCode": 2}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
