// SPDX-License-Identifier: LGPL-2.1-or-later
/* The Watch area: what real workers do, as the page shows it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { assert, browserTest } from './harness.mjs';
import { waitForOutput } from './steps.mjs';
import { begin, fillFilter, pane, PANEL, rows, run, until } from './watching.mjs';

const TRIES = `
import socket
for path in "/etc/one", "/etc/two", "/etc/one":
    try: open(path, "w")
    except OSError: pass
for host in "evil.example", "other.example", "a.wild.example":
    try:
        socket.create_connection((host, 443), timeout=5).close()
        print("reached", host, flush=True)
    except OSError as error:
        print("refused", host, flush=True)
`;

browserTest('events: what is denied is there, with its rule, and can be filtered', async ({ page }) => {
  await begin(page, { tabs: [{ code: TRIES }] });
  await page.getByText('No events yet.').waitFor();
  await run(page);
  const denied = rows(page).filter({ hasText: 'evil.example:443 (tcp)' });
  await denied.waitFor();
  assert.match(await denied.innerText(), /deny\s+net\s+evil\.example:443 \(tcp\)\s+python3 \[\d+\].*defaults\.net = deny/s);
  await rows(page).filter({ hasText: 'exited' }).waitFor();

  const objects = () => rows(page).locator('.object').allInnerTexts();
  await fillFilter(page, 'action:deny host:*.example kind:net');
  await until(objects, (found) => found.length === 3 && found.every((text) => /\.example:443 \(tcp\)$/.test(text)), 'by host');
  await fillFilter(page, 'object:"/etc/*" -two');
  await until(objects, (found) => found.length > 0 && found.every((text) => text === '/etc/one'), 'by path');
  await fillFilter(page, 'nothing-has-this');
  await page.getByText('No event passes the filter.').waitFor();
  await fillFilter(page, 'ojbect:/etc');
  await page.getByText('ojbect: is taken for a word; meant object:?').waitFor();

  /* Completions, by keys. */
  const box = page.getByRole('combobox', { name: 'Filter' });
  await box.fill('');
  await box.pressSequentially('act');
  await page.getByRole('option', { name: 'action:' }).waitFor();
  await box.press('ArrowDown');
  await box.press('Enter');
  await box.pressSequentially('den');
  await box.press('ArrowDown');
  await box.press('Enter');
  assert.equal(await box.inputValue(), 'action:deny');
  assert.equal(await page.locator('.action-counts').getByRole('button', { name: /^deny/ }).getAttribute('aria-pressed'), 'true');
  await box.press('Escape');
  await box.press('Escape');
  assert.equal(await box.inputValue(), '');

  /* A count is a filter, too. */
  await page.locator('.action-counts').getByRole('button', { name: /^deny/ }).click();
  assert.equal(await box.inputValue(), 'action:deny');
  await until(() => rows(page).locator('.badge').allInnerTexts(), (found) => found.length > 0 && found.every((text) => text === 'deny'), 'by count');

  await page.getByRole('button', { name: 'How to filter' }).click();
  await page.getByRole('dialog', { name: 'Filtering events' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  /* What was filtered is kept; clearing is for good. */
  await page.reload();
  assert.equal(await box.inputValue(), 'action:deny');
  await rows(page).first().waitFor();
  await page.getByRole('button', { name: 'Clear', exact: true }).last().click();
  await page.getByText('No events yet.').waitFor();
});

/* A server that says so: when it does is for its own tests. */
browserTest('events: what was missed is told', async ({ page }) => {
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((text) => {
      const message = JSON.parse(text);
      for (const item of message.items ?? [])
        if (item.type === 'events' && item.events.some(({ action }) => action === 'started'))
          item.skipped = 1234;
      socket.send(JSON.stringify(message));
    });
  });
  await begin(page, { tabs: [{ code: 'print("hello")' }] });
  await run(page);
  await page.locator('.events-line').getByText('1,234 came too fast and were skipped').waitFor();
});

browserTest('events: the keyboard walks the rows, opens and permits; then it is allowed', async ({ page }) => {
  await begin(page, { tabs: [{ code: TRIES }] });
  await run(page);
  await waitForOutput(page, 'refused other.example');
  await fillFilter(page, 'kind:net action:deny other.example');
  await until(() => rows(page).count(), (count) => count === 1, 'one row');
  const grid = page.getByRole('grid', { name: 'Events' });
  await grid.focus();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  const details = page.getByRole('region', { name: 'Details of the event' });
  const text = await details.innerText();
  for (const key of ['action', 'kind', 'object', 'host', 'program', 'pid', 'rule', 'reason', 'suggestion', 'count', 'observed', 'worker', 'permission'])
    assert.match(text, new RegExp(`^${key}$`, 'm'));
  assert.match(text, /The narrowest flag that permits it/);
  await page.keyboard.press('Escape');
  await details.waitFor({ state: 'detached' });

  await page.keyboard.press('p');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('--allow-net=other.example:443', { exact: true }).first().waitFor();
  await dialog.getByRole('button', { name: 'Continue…' }).click();
  await dialog.getByRole('button', { name: 'Permit', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await run(page);
  await waitForOutput(page, 'reached other.example');
});

browserTest('events: from a row to the policy that decided', async ({ page }) => {
  const text = JSON.stringify({ version: 1, name: 'mine', net: { rules: [{ action: 'deny', host: 'evil.example' }] } }, null, 2);
  await begin(page, { tabs: [{ code: TRIES }], cards: [{ name: 'mine', on: true, text }] });
  await run(page);
  await fillFilter(page, 'rule:mine kind:net');
  await rows(page).first().click();
  await page.getByRole('region', { name: 'Details of the event' }).getByRole('button', { name: /mine:\d+: net\.rules\[0\]/ }).click();
  await page.locator('.area-policies .cm-content').getByText('evil.example').waitFor();
});

browserTest('events: grouped, opened and closed by keys', async ({ page }) => {
  await begin(page, { tabs: [{ code: TRIES }] });
  await run(page);
  await waitForOutput(page, 'refused a.wild.example');
  await page.getByRole('combobox', { name: 'Group' }).selectOption('host');
  const group = page.locator('.event-row.grouped').filter({ hasText: 'evil.example' });
  await group.waitFor();
  assert.match(await group.innerText(), /\d+ denied/);
  await group.click();
  assert.equal(await group.getAttribute('aria-expanded'), 'true');
  await until(() => rows(page).count(), (count) => count >= 1, 'rows of the group');
  await page.getByRole('treegrid', { name: 'Events' }).focus();
  await page.keyboard.press('ArrowLeft');
  await until(() => rows(page).count(), (count) => count === 0, 'closed');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: 'Details of the event' }).getByText('evil.example').first().waitFor();
});

browserTest('events: paused, copied, of all workers in the order of time', { page: { permissions: ['clipboard-read', 'clipboard-write'] } }, async ({ page }) => {
  const slow = (path) => `
import time
for i in range(12):
    try: open("${path}%d" % i, "w")
    except OSError: pass
    time.sleep(0.05)
`;
  await begin(page, { tabs: [{ name: 'one', code: slow('/etc/one-') }, { name: 'two', code: slow('/etc/two-') }], all: true });
  await run(page);
  await page.getByRole('tab', { name: /two/ }).first().click();
  await run(page);
  await rows(page).filter({ hasText: '/etc/two-11' }).waitFor();
  await rows(page).filter({ hasText: '/etc/one-11' }).waitFor();
  await fillFilter(page, 'kind:write');
  await until(() => page.locator('.events-line .status').innerText(), (text) => /^24 of/.test(text), 'all 24');
  await page.getByRole('button', { name: 'Copy', exact: true }).last().click();
  const lines = await until(async () => (await page.evaluate(() => navigator.clipboard.readText())).trim().split('\n'), (found) => found.length === 24, 'copied');
  const events = lines.map((line) => JSON.parse(line));
  assert.deepEqual(events.map((event) => event.time), events.map((event) => event.time).toSorted((one, two) => one - two));
  assert.equal(new Set(events.map((event) => event.worker)).size, 2);

  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await run(page);
  await until(() => page.locator('.events-line .status').innerText(), (text) => /paused, [1-9]\d* more/.test(text), 'paused');
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
  await until(() => page.locator('.events-line .status').innerText(), (text) => /^24 of \d+ events$/.test(text), 'continued');
});

const TALKS = `
import buntime, os, time
channel = buntime.channel()
for i in range(50):
    channel.send(b'{"step": %d}' % i + b" " * 2000)
channel.send(b"\\xff\\x00\\x01")
print("answered:", channel.request(b"which branch?").decode(), flush=True)
try:
    channel.request(b"and which tag?")
except buntime.RemoteError as error:
    print("failed:", error, flush=True)
print("told:", channel.recv().decode(), flush=True)
# So that there is something to see, whenever the rings are looked at.
for i in range(300):
    channel.send(b"more" + b" " * 1000)
    time.sleep(0.2)
`;

browserTest('messages and rings: requests are answered, messages sent, and the rings say how much', async ({ page }) => {
  await begin(page, { tabs: [{ code: TALKS }], pane: 'messages' });
  await page.getByText('This tab has not run yet.').waitFor();
  await run(page);
  const list = page.getByRole('listbox', { name: 'Messages' });
  await list.getByText('which branch?').waitFor();
  await list.getByText('(bytes)').waitFor();
  await page.locator('.watch').getByRole('tab', { name: /Messages.*1 to answer/ }).waitFor();
  await list.getByText('which branch?').click();
  const message = page.getByRole('region', { name: 'Message' });
  await message.getByRole('heading', { name: 'Request' }).waitFor();
  await message.getByRole('textbox', { name: 'Answer' }).fill('main');
  await page.keyboard.press('Control+Enter');
  await waitForOutput(page, 'answered: main');

  await list.getByText('and which tag?').click();
  await message.getByRole('textbox', { name: 'Answer' }).fill('no such thing');
  await message.getByRole('button', { name: 'Answer as a failure' }).click();
  await waitForOutput(page, 'failed: no such thing');
  await message.getByRole('button', { name: 'Close the message' }).click();

  await page.getByRole('textbox', { name: 'Message to the program' }).fill('go on');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await waitForOutput(page, 'told: go on');
  await list.focus();
  await page.keyboard.press('Home');
  await message.getByText('"step": 0').waitFor();

  await pane(page, 'Rings');
  const from = page.getByRole('region', { name: 'From the worker' });
  const total = await until(() => from.locator('dd').last().innerText(), (text) => /kB$/.test(text), 'bytes in all');
  assert.ok(parseFloat(total) > 100, total);
  const gauge = from.getByRole('meter');
  assert.ok(Number(await gauge.getAttribute('aria-valuemax')) >= 65_536);
  await until(() => from.getByRole('img').first().getAttribute('aria-label'), (text) => /^Bytes a second: From the worker now .*, at most [1-9]/.test(text), 'bytes a second');
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
});

browserTest('a lost connection: all that is kept comes again, once, and what was answered stays so', async ({ page }) => {
  let drop = () => {};
  await page.routeWebSocket(/\/ws$/, (socket) => {
    socket.connectToServer();
    drop = () => socket.close({ code: 3000 });
  });
  await page.reload();
  await begin(page, { tabs: [{ code: `try: open("/etc/one", "w")\nexcept OSError: pass\n${TALKS}` }], pane: 'messages' });
  await run(page);
  const list = page.getByRole('listbox', { name: 'Messages' });
  await list.getByText('which branch?').click();
  await page.getByRole('textbox', { name: 'Answer' }).fill('main');
  await page.keyboard.press('Control+Enter');
  await waitForOutput(page, 'answered: main');
  await list.getByText('and which tag?').waitFor();
  await pane(page, 'Events');
  const status = page.locator('.events-line .status');
  await rows(page).filter({ hasText: '/etc/one' }).waitFor();
  const before = await status.innerText();
  drop();
  await page.getByText('Connection lost, trying again').waitFor();
  await page.getByText('Connected', { exact: true }).waitFor();
  await rows(page).filter({ hasText: '/etc/one' }).waitFor();
  assert.equal(await status.innerText(), before);
  await page.locator('.watch').getByRole('tab', { name: /Messages.*1 to answer/ }).waitFor();
});

const FORKS = `
import os, time
open("/etc/passwd").close()
if os.fork() == 0:
    held = bytearray(30_000_000)
    end = time.time() + 60
    while time.time() < end: pass
    os._exit(0)
time.sleep(60)
`;

browserTest('processes and layers: a tree with what each uses, and what holds it', async ({ page }) => {
  const text = JSON.stringify({ version: 1, name: 'mine', plugins: { landlock: false } });
  await begin(page, { tabs: [{ code: FORKS }], pane: 'processes', cards: [{ name: 'mine', on: true, text }] });
  await run(page);
  const tree = page.getByRole('treegrid', { name: 'Processes' });
  const busy = tree.getByRole('row').filter({ hasText: /python/ }).filter({ hasText: /[1-9]\d* %/ });
  await busy.waitFor();
  const child = tree.locator('[aria-level="3"], [aria-level="2"]').filter({ hasText: /3\d(\.\d)? MB|4\d(\.\d)? MB/ });
  await child.waitFor();
  assert.match(await page.locator('.process-total').innerText(), /Processes\s+[2-9].*Memory\s+\d/s);
  await tree.focus();
  await page.keyboard.press('ArrowDown');
  assert.match(await tree.getAttribute('aria-activedescendant'), /-0$/);

  await pane(page, 'Layers');
  const layers = page.locator('.layers li');
  await layers.filter({ hasText: 'namespaces' }).getByText('in force').waitFor();
  assert.equal(await layers.filter({ hasText: 'landlock' }).locator('.badge').innerText(), 'off');
  assert.match(await page.getByRole('alert').filter({ hasText: 'landlock' }).innerText(), /^Off: landlock\./);
  await page.locator('.watch').getByRole('tab', { name: /Layers.*1 off/ }).waitFor();
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.locator('.run-line').getByText(/exited with/).waitFor();
});

const OPENS = `
import time, socket, ssl
for i in range(30):
    open("/etc/passwd").close()
context = ssl.create_default_context()
with socket.create_connection(("other.example", 443), timeout=5) as plain:
    with context.wrap_socket(plain, server_hostname="other.example") as wrapped:
        wrapped.sendall(b"GET / HTTP/1.0\\r\\nHost: other.example\\r\\n\\r\\n")
        while wrapped.recv(4096): pass
try: socket.create_connection(("evil.example", 443), timeout=5)
except OSError: pass
print("done", flush=True)
`;

const CALLS = `
import socket
for i in range(30):
    open("/etc/passwd").close()
for i in range(3):
    socket.create_connection(("198.51.100.10", 443), timeout=5).close()
try: socket.create_connection(("198.51.100.20", 443), timeout=5)
except OSError: pass
print("done", flush=True)
`;

browserTest('system calls: what is counted without audit, and with it', async ({ page }) => {
  await begin(page, { tabs: [{ code: CALLS }], flags: ['--allow-net=198.51.100.10:443'], pane: 'syscalls' });
  await run(page);
  await waitForOutput(page, 'done');
  const figure = async (name) => Number((await page.getByRole('region', { name }).locator('.figure').innerText()).replaceAll(',', ''));
  await until(() => figure('connect'), (count) => count === 1, 'what was denied');
  const before = await figure('openat');
  await page.getByRole('button', { name: 'Turn on the audit policy' }).click();
  await page.getByText('The audit policy is on for runs that begin now.').waitFor();
  await run(page);
  /* That a connection was opened and closed is told as well, and is no call. */
  await until(() => figure('connect'), (count) => count === 4, 'connect');
  await until(() => figure('openat'), (count) => count >= before + 20, 'openat');
  await until(() => figure('execve'), (count) => count >= 1, 'execve');
  await page.locator('.run-line').getByText(/exited with/).waitFor();
  assert.equal(await figure('connect'), 4);
});

browserTest('flows: a waterfall of connections, attempts among them, and the same as a table', async ({ page }) => {
  await begin(page, { tabs: [{ code: OPENS }], flags: ['--allow-net=other.example:443'], pane: 'flows' });
  await page.getByText('No connections yet.').waitFor();
  await run(page);
  const grid = page.getByRole('grid', { name: 'Connections' });
  await grid.getByRole('row', { name: /denied.*evil\.example:443/ }).waitFor();
  await page.getByRole('button', { name: 'Turn on the audit policy' }).click();
  await run(page);
  const flow = grid.locator('.flow-row.closed').filter({ hasText: 'other.example:443 (tcp)' });
  await flow.waitFor();
  const words = await flow.locator('.bars-cell').getAttribute('aria-label');
  assert.match(words, /^(DNS \S+ ms, )?(Connect \S+ ms, )?TLS .*closed$/, words);
  assert.ok(await flow.locator('.flow-bar.tls').count() > 0);
  assert.match(await flow.innerText(), /(k?B|byte)/);

  await page.getByRole('button', { name: 'As a table' }).click();
  assert.deepEqual(await grid.getByRole('columnheader').allInnerTexts(), ['Destination', 'DNS', 'Connect', 'TLS', 'First byte', 'Transfer', 'Whole', 'Out', 'In']);
  assert.match(await flow.getByRole('gridcell').nth(3).innerText(), /^\d+ ms$/);
  await page.getByRole('button', { name: 'As a table' }).click();

  /* Closer, and to fit again: when nothing comes any more. */
  await page.locator('.exit-line').waitFor();
  await grid.getByRole('row', { name: /denied.*evil\.example:443/ }).waitFor();
  const axis = () => grid.locator('.ticks').innerText();
  const fitted = await axis();
  await grid.focus();
  await page.keyboard.press('+');
  await until(axis, (ticks) => ticks !== fitted, 'closer');
  await page.keyboard.press('0');
  await until(axis, (ticks) => ticks === fitted, 'to fit');
  await page.keyboard.press('Home');
  await page.getByRole('region', { name: 'Details of the event' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('region', { name: 'Details of the event' }).waitFor({ state: 'detached' });
});

const HOSTILE = `
import os
for name in "<img src=x onerror=alert(1)>", "a\\u202eb\\u0007", "javascript:alert(1)", "x" * 200, "\\U0001f642":
    try: os.open("/etc/" + name, os.O_WRONLY | os.O_CREAT)
    except OSError: pass
import ctypes
ctypes.CDLL(None).prctl(15, b"<b>me</b>", 0, 0, 0)
try: open("/etc/named", "w")
except OSError: pass
import buntime
buntime.channel().send(b"<script>alert(1)</script> \\xe2\\x80\\xae turned")
print("done", flush=True)
`;

browserTest('what a program names is text, whatever it looks like', async ({ page }) => {
  await begin(page, { tabs: [{ code: HOSTILE }] });
  await run(page);
  await rows(page).filter({ hasText: 'exited' }).waitFor();
  await fillFilter(page, 'kind:write');
  await until(() => rows(page).count(), (count) => count === 6, 'six rows');
  const shown = await rows(page).locator('.object').allInnerTexts();
  assert.ok(shown.includes('/etc/<img src=x onerror=alert(1)>'), JSON.stringify(shown));
  assert.ok(shown.includes('/etc/a\\u{202e}b\\u{7}'), JSON.stringify(shown));
  assert.equal(await page.locator(`${PANEL} img, ${PANEL} script, ${PANEL} b`).count(), 0);
  await rows(page).filter({ hasText: '/etc/named' }).click();
  assert.match(await page.getByRole('region', { name: 'Details of the event' }).innerText(), /<b>me<\/b>/);
  await pane(page, 'Messages');
  await page.getByText('<script>alert(1)</script> \\u{202e} turned').waitFor();
  assert.equal(await page.locator(`${PANEL} script`).count(), 0);
});

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/* What axe has to say of the area, and whether it is wider than the screen. */
async function faults(page, what) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run('.watch', { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'], resultTypes: ['violations'] }));
  const found = violations.map((violation) => `${what}: ${violation.id}: ${violation.nodes.map((node) => node.html.slice(0, 200)).join(' ')}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  return wide > 0 ? [...found, `${what}: ${wide} px too wide`] : found;
}

for (const [name, options] of [['dark, wide', { colorScheme: 'dark' }], ['light, 360 px', { viewport: { width: 360, height: 740 } }]])
  browserTest(`each pane is accessible: ${name}`, { page: { reducedMotion: 'reduce', ...options } }, async ({ page }) => {
    await begin(page, { tabs: [{ code: `${OPENS}\nimport buntime\nbuntime.channel().request(b"well?")\n` }], flags: ['--allow-net=other.example:443', '--audit'] });
    await run(page);
    const narrow = page.getByRole('navigation', { name: 'Areas' }).getByRole('button', { name: 'Watch' });
    if (await narrow.isVisible())
      await narrow.click();
    await rows(page).first().waitFor();
    const found = await faults(page, 'events');
    await fillFilter(page, 'action:deny kind:net');
    await rows(page).filter({ hasText: 'evil.example:443' }).click();
    await page.getByRole('region', { name: 'Details of the event' }).waitFor();
    found.push(...await faults(page, 'details'));
    await page.getByRole('combobox', { name: 'Group' }).selectOption('host');
    await page.locator('.event-row.grouped').first().click();
    found.push(...await faults(page, 'groups'));
    /* Flows last: the end of a connection is told some seconds later, or at the end of the run. */
    for (const [id, ready] of [['Processes', '.process-row:not(.head)'], ['Rings', '.ring'], ['System calls', '.calls section'],
      ['Messages', '.message-row'], ['Layers', '.layers li'], ['Flows', '.flow-row.closed']]) {
      await pane(page, id);
      await page.locator(ready).first().waitFor();
      if (id === 'Messages')
        await page.locator(ready).first().click();
      if (id === 'Flows') {
        await page.getByRole('button', { name: 'As a table' }).click();
        await page.locator('.as-table').waitFor();
        if (options.viewport !== undefined)
          await until(() => page.locator('.flow-list .virtual-list').evaluate((list) => list.scrollWidth - list.clientWidth), (over) => over <= 0, 'the table is too wide');
      }
      found.push(...await faults(page, id));
      if (id === 'Messages')
        await page.getByRole('region', { name: 'Message' }).getByRole('button', { name: 'Answer', exact: true }).click();
    }
    assert.deepEqual(found, []);
  });
