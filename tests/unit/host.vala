// SPDX-License-Identifier: LGPL-2.1-or-later
/* host PEER: starts tests/unit/library-peer.c, and tells what came of it. For test-install.py. */

async void talk(Buntime.Worker worker) {
  try {
    var answer = yield worker.call(new Bytes("hello".data), 10000, null);
    print("answer: %.*s\n", answer.length, answer.get_data());
  } catch (Error error) {
    print("error: %s\n", error.message);
  }
  try {
    yield worker.call(new Bytes("fail".data), 10000, null);
  } catch (Buntime.Error.FAILED error) {
    print("failed: %s\n", error.message);
  } catch (Error error) {
    print("error: %s\n", error.message);
  }
  try {
    print("code: %s\n", yield worker.run_code("6 * 7", 10000, null));
    worker.send(new Bytes("end".data));
  } catch (Error error) {
    print("error: %s\n", error.message);
  }
}

int main(string[] args) {
  var loop = new MainLoop();
  var policy = new Buntime.Policy();
  try {
    policy.add_permission(Buntime.Permission.NET, true, "granted.example:443");
    var verdict = policy.check(Buntime.Permission.NET, "other.example:443");
    print("other.example: %s\n", verdict.get_action() == Buntime.Action.DENY ? "denied" : "allowed");
    var worker = new Buntime.Sandbox(policy).spawn(args[1], null);
    worker.ready.connect(() => talk.begin(worker));
    worker.output.connect((stream, bytes) => print("output on %d: %zu bytes\n", stream, bytes.length));
    worker.event.connect((event) => {
      if (event.get_state() == "exited")
        print("event: %s\n", event.get_kind());
    });
    worker.exited.connect((status) => loop.quit());
    Timeout.add_seconds(30, () => {
      loop.quit();
      return Source.REMOVE;
    });
    loop.run();
    print("exited: %d\n", worker.get_exit_status());
    if (worker.get_error() != null)
      printerr("%s", Buntime.Error.format(worker.get_error()));
    return 0;
  } catch (Error error) {
    printerr("%s", Buntime.Error.format(error));
    return 1;
  }
}
