// SPDX-License-Identifier: LGPL-2.1-or-later
// The Bun client's side of tests/bench/ipc: what `bench-ipc worker` does.

const { channel } = await import(`${process.env.BUNTIME_PACKAGE}/index.js`);
const TURNS = 5, SECONDS = 0.2;

const link = channel();
const size = Number(process.argv[2]);
const data = new Uint8Array(size);

/** The median of the seconds that one of what run(count) does takes. */
async function measure(run: (count: number) => unknown): Promise<number> {
  let count = 16, used = 0;
  for (;;) {
    const start = performance.now();
    await run(count);
    used = (performance.now() - start) / 1000;
    if (used > SECONDS / 10) break;
    count *= 4;
  }
  count = Math.floor(count * SECONDS / used) + 1;
  const times: number[] = [];
  for (let i = 0; i < TURNS; i++) {
    const start = performance.now();
    await run(count);
    times.push((performance.now() - start) / 1000 / count);
  }
  return times.sort((a, b) => a - b)[TURNS >> 1];
}

function received(count: number) {
  link.sendFrame(0, 0, `${count} ${size}`);
  for (let i = 0; i < count; i++) link.recvSync();
}

const trip = await measure((count) => {
  for (let i = 0; i < count; i++) {
    link.sendFrame(0x31, 1, data);
    const reply = link.recvFrameSync()!;
    if (reply.type !== 0x32 || reply.data.length !== size) throw new Error("that is not the reply");
  }
});
const one = await measure((count) => {
  for (let i = 0; i < count; i++) link.send(data);
  link.send("");
  link.recvSync();
});
const batched = await measure((count) => {
  for (let i = 0; i < count; i++) {
    link.queue(data);
    if (i % 64 === 63) link.flush();
  }
  link.send("");
  link.recvSync();
});
const got = await measure(received);
console.log((trip * 1e6).toFixed(3), ...[one, batched, got].map((each) => (1 / each).toFixed(0)));
link.close();
