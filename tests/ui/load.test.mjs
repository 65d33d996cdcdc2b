// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A worker that says more than a page can show: nothing grows without bound, the page still answers, and what
 * came last is there.
 */
import { readFileSync } from 'node:fs';

import { assert, browserTest } from './harness.mjs';
import { connected, runCode, waitForOutput } from './steps.mjs';

const MEGABYTE = 1 << 20;
const SECONDS = 5;

function residentBytes(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

/* How long the page's thread was away, at most and as a rule, between two looks. */
async function watchPauses(page) {
  await page.evaluate(() => {
    globalThis.pauses = [];
    let last = performance.now();
    setInterval(() => {
      const now = performance.now();
      globalThis.pauses.push(now - last - 20);
      last = now;
    }, 20);
  });
  return async () => {
    const sorted = (await page.evaluate(() => globalThis.pauses)).sort((a, b) => a - b);
    return { most: sorted.at(-1), median: sorted[sorted.length >> 1], p95: sorted[Math.floor(sorted.length * 0.95)] };
  };
}

async function heapOf(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  return (await session.send('Runtime.getHeapUsage')).usedSize;
}

/* The server is what `buntime ui` became by exec. */
async function duringRun(page, server, code, end) {
  const pauses = await watchPauses(page);
  let most = 0;
  const timer = setInterval(() => { most = Math.max(most, residentBytes(server.child.pid)); }, 100);
  await runCode(page, code);
  /* It can be used meanwhile: a click on another area is answered. */
  await page.getByRole('tab', { name: 'Layers' }).click({ timeout: 5000 });
  await page.getByRole('tab', { name: /^Events/ }).click({ timeout: 5000 });
  await waitForOutput(page, end, { timeout: 60_000 });
  clearInterval(timer);
  return { server: most, heap: await heapOf(page), pauses: await pauses() };
}

browserTest('50 MB/s of output', { timeout: 120_000 }, async ({ page, server }) => {
  await connected(page);
  const load = await duringRun(page, server, `
import os, time
line = b"x" * 99 + b"\\n"
block = line * 5243            # half a mebibyte and a little
begin, sent = time.monotonic(), 0
while time.monotonic() < begin + ${SECONDS}:
    sent += os.write(1, block)
    ahead = sent / 50e6 - (time.monotonic() - begin)
    if ahead > 0:
        time.sleep(ahead)
print(f"rate {sent / 1e6 / (time.monotonic() - begin):.0f} MB/s")
print("the last line")
`, 'the last line');
  const rate = Number(/rate (\d+) MB/.exec(await page.locator('.console-list').innerText())[1]);
  console.log('output:', rate, 'MB/s', load);
  assert.ok(load.server < 160 * MEGABYTE, `server ${load.server}`);
  assert.ok(load.heap < 120 * MEGABYTE, `page ${load.heap}`);
  assert.ok(load.pauses.p95 < 250, `pauses ${JSON.stringify(load.pauses)}`);
  assert.ok(load.pauses.most < 1500, `pauses ${JSON.stringify(load.pauses)}`);
});

browserTest('10,000 events a second', { timeout: 120_000 }, async ({ page, server }) => {
  await connected(page);
  /* Writes that are refused: each is an event of its own, with an object of its own. */
  const load = await duringRun(page, server, `
import os, time
begin, made = time.monotonic(), 0
while time.monotonic() < begin + ${SECONDS}:
    try:
        os.open(f"/usr/made-{made}", os.O_WRONLY | os.O_CREAT)
    except OSError:
        pass
    made += 1
print(f"rate {made / (time.monotonic() - begin):.0f} a second")
print("the last line")
`, 'the last line');
  const rate = Number(/rate (\d+) a second/.exec(await page.locator('.console-list').innerText())[1]);
  console.log('events:', rate, 'a second', load);
  assert.ok(load.server < 220 * MEGABYTE, `server ${load.server}`);
  assert.ok(load.heap < 250 * MEGABYTE, `page ${load.heap}`);
  assert.ok(load.pauses.p95 < 250, `pauses ${JSON.stringify(load.pauses)}`);
});

browserTest('the first paint, and how large it is', async ({ page, server }) => {
  await connected(page);
  await page.locator('.cm-content').waitFor();
  const { entries, paint } = await page.evaluate(async () => {
    const paints = performance.getEntriesByType('paint');
    const list = performance.getEntriesByType('resource').map(({ name, decodedBodySize }) => ({ name, size: decodedBodySize }));
    return { paint: paints.find(({ name }) => name === 'first-contentful-paint').startTime, entries: list };
  });
  const size = entries.filter(({ name }) => name.endsWith('.js')).reduce((sum, { size: one }) => sum + one, 0);
  console.log('bundle:', size, 'bytes; first paint after', paint, 'ms');
  assert.ok(entries.every(({ name }) => name.startsWith(server.origin)));
  assert.ok(size > 0 && size < 700_000, `${size} bytes`);
  assert.ok(paint > 0);
});
