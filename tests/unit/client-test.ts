// SPDX-License-Identifier: LGPL-2.1-or-later
// A worker of channel-host that tries the Bun client; what is wrong throws.

import { strictEqual as is, deepStrictEqual as same, rejects, throws } from "node:assert";
import { channel, permissions, RemoteError } from "buntime";

const link = channel();
const text = (data: Uint8Array | null) => data && new TextDecoder().decode(data);

// Plain code.
for (const size of [0, 1, 16, 4096, 4097, 65536, 300000, 5 << 20]) {
  const data = new Uint8Array(size).map((_, i) => i * 7 + (i >> 8));
  link.send(data);
  is(Buffer.compare(link.recvSync()!, data), 0, `${size} bytes`);
}
link.send("grüße");
is(text(link.recvSync()), "grüße");
is(link.recvSync(20), null);
is(link.recvSync(0), null);
throws(() => link.send(5 as any), TypeError);
throws(() => link.sendFrame(0x20, 0, ""));
for (let i = 0; i < 5000; i++) link.queue(`sink:${i}`);
link.flush();
link.send("count");
is(text(link.recvSync()), "5000");

// An event loop.
link.send("flood:300:4");
let next = 0;
for await (const data of link) {
  is(new DataView(data.buffer).getUint32(0, true), next++);
  if (next === 300) break;
}
const large = new Uint8Array(3 << 20).fill(9);
await Promise.all([
  (async () => { for (let i = 0; i < 4; i++) await link.sendAsync(large); })(),
  (async () => { for (let i = 0; i < 4; i++) is((await link.recv()).length, large.length); })(),
]);

// Requests.
is(text(await link.request("what")), "what");
await rejects(link.request("fail"), (error) => error instanceof RemoteError && error.message === "failed");
const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => link.request(`${i}`)));
same(answers.map(text), Array.from({ length: 100 }, (_, i) => `${i}`));
link.handle((data) => text(data)!.toUpperCase());
link.handle("add", async (a: number, b: number) => ({ sum: a + b }));
link.handle("bad", () => { throw new RangeError("no"); });
for (const [question, answer] of [
  ["call:abc", "reply:ABC"],
  ['call:{"method":"add","params":[1,2]}', 'reply:{"sum":3}'],
  ['call:{"method":"bad"}', "error:RangeError: no"],
]) {
  link.send(question);
  is(text(await link.recv()), answer);
}

// Permissions.
same(await permissions.query("net", "allowed.example:443"),
     { state: "allow", rule: "policy.json: 3: net.rules[0]", flag: "" });
same(await permissions.query("read", "/etc/shadow"),
     { state: "deny", rule: "defaults.net = deny", flag: "--allow-it" });
is((await permissions.query("env", "warned")).state, "warn");
await rejects(permissions.query("x" as any, "y"), TypeError);

// An idle loop sleeps, once the threads that compile and collect are done with what was before.
const waiting = link.recv();
let used = Infinity;
for (let look = 0; look < 20 && used >= 100_000; look++) {
  const before = process.cpuUsage();
  await Bun.sleep(300);
  const { user, system } = process.cpuUsage(before);
  used = user + system;
}
is(used < 100_000, true, `${used} us while idle, again and again`);
link.send("x");
is(text(await waiting), "x");

// Who never waits is told of the end, too.
link.send("leave");
throws(() => { for (;;) link.recvSync(0); }, { code: "EPIPE" });

link.close();
link.close();
throws(() => link.send(""), /closed/);
console.log("all right");
