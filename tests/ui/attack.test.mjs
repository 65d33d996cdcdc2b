// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Pages of other sites attack the debug UI from the browser that has it open. What a socket can say to it
 * without a browser is attacked in tests/ipc/test_debug_ui.py.
 */
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { assert, openPage, startServer, theBrowser } from './harness.mjs';
import { runCode } from './steps.mjs';

let evil; /* another site, on another port of this machine: cookies and same-site rules know no ports */
let evilOrigin;
let server;

before(async () => {
  server = await startServer();
  evil = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>evil</title><p>evil');
  });
  await new Promise((resolve) => evil.listen(0, '127.0.0.1', resolve));
  evilOrigin = `http://127.0.0.1:${evil.address().port}`;
});

after(async () => {
  evil.close();
  await server.stop();
});

/* Runs a function in a page of the evil site. */
async function onEvilSite(body, ...args) {
  const context = await (await theBrowser()).newContext();
  const page = await context.newPage();
  await page.goto(evilOrigin);
  try {
    return await page.evaluate(body, ...args);
  } finally {
    await context.close();
  }
}

/* How a socket ends that this page opens: what it heard before. */
function trySocket({ address, hello }) {
  return new Promise((resolve) => {
    const heard = [];
    const socket = new WebSocket(address);
    socket.onopen = () => { heard.push('open'); socket.send(hello); };
    socket.onmessage = (event) => { heard.push(JSON.parse(event.data).type); socket.close(); };
    socket.onclose = (event) => resolve({ heard, code: event.code });
  });
}

function helloWith(token) {
  return JSON.stringify({ type: 'hello', version: 1, token });
}

test('another site reads nothing, and cannot post', async () => {
  const results = await onEvilSite(async (origin) => {
    const attempt = (path, options) => fetch(origin + path, options).then((answer) => `${answer.status}`, (error) => error.name);
    return {
      get: await attempt('/'),
      examples: await attempt('/examples'),
      post: await attempt('/', { method: 'POST', body: '{}' }),
      json: await attempt('/examples', { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }),
      put: await attempt('/examples/hello_world', { method: 'PUT', body: 'x' }),
      opaque: await attempt('/', { mode: 'no-cors' }),
    };
  }, server.origin);
  /* Nothing is readable; that a request without CORS is sent at all is seen in the socket tests. */
  for (const [name, result] of Object.entries(results))
    assert.equal(result, 'TypeError', name);
});

test('a form of another site gets nothing done', async () => {
  const context = await (await theBrowser()).newContext();
  const page = await context.newPage();
  await page.goto(evilOrigin);
  const answer = page.waitForResponse((response) => response.url().startsWith(server.origin));
  await page.evaluate((origin) => {
    const form = document.createElement('form');
    form.method = 'POST';
    form.action = `${origin}/ws`;
    document.body.append(form);
    form.submit();
  }, server.origin);
  assert.ok((await answer).status() >= 400);
  await context.close();
});

test('another site gets no socket, even with the token', async () => {
  const address = `ws://127.0.0.1:${server.port}/ws`;
  const { heard } = await onEvilSite(trySocket, { address, hello: helloWith(server.token) });
  assert.deepEqual(heard, []);
});

test('a frame that lies about itself gets no socket: an opaque origin is none of ours', async () => {
  const address = `ws://127.0.0.1:${server.port}/ws`;
  const heard = await onEvilSite(({ address, hello }) => new Promise((resolve) => {
    const frame = document.createElement('iframe');
    frame.sandbox = 'allow-scripts';
    frame.srcdoc = `<script>const s = new WebSocket(${JSON.stringify(address)});
      s.onopen = () => s.send(${JSON.stringify(hello)});
      s.onmessage = () => parent.postMessage('heard', '*');
      s.onclose = () => parent.postMessage('closed', '*');<` + '/script>';
    addEventListener('message', (event) => resolve(event.data));
    document.body.append(frame);
  }), { address, hello: helloWith(server.token) });
  assert.equal(heard, 'closed');
});

test('the page cannot be framed by another site', async () => {
  const context = await (await theBrowser()).newContext();
  const page = await context.newPage();
  await page.goto(evilOrigin);
  await page.evaluate((url) => {
    const frame = document.createElement('iframe');
    frame.src = url;
    document.body.append(frame);
    return new Promise((resolve) => { frame.onload = resolve; });
  }, server.url);
  const inner = page.frames().find((frame) => frame !== page.mainFrame());
  /* What is there is the browser's own error page. */
  assert.equal(await inner.evaluate(() => document.querySelector('#app')).catch(() => null), null);
  await context.close();
});

test('a window that another site opened is cut off from it', async () => {
  const context = await (await theBrowser()).newContext();
  const page = await context.newPage();
  await page.goto(evilOrigin);
  await page.evaluate((url) => { globalThis.opened = window.open(url); }, server.origin);
  await page.waitForFunction(() => globalThis.opened.closed);
  await context.close();
});

test('a name that leads here now is refused', async () => {
  const { chromium } = await import('playwright-core');
  const rebound = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--host-resolver-rules=MAP rebound.example 127.0.0.1,MAP localhost 127.0.0.1', '--disable-gpu'],
  });
  try {
    for (const name of ['rebound.example', 'localhost']) {
      const page = await rebound.newPage();
      const answer = page.waitForResponse((response) => new URL(response.url()).hostname === name);
      await page.goto(`http://${name}:${server.port}/`).catch(() => {}); /* an error without a text is no page */
      assert.ok((await answer).status() >= 400, name);
      const result = await page.evaluate(trySocket, { address: `ws://${name}:${server.port}/ws`, hello: helloWith(server.token) })
        .catch(() => ({ heard: [] }));
      assert.deepEqual(result.heard, [], name);
    }
  } finally {
    await rebound.close();
  }
});

test('a wrong token, none, and a late one are refused', async () => {
  const { page, context } = await openPage(server.origin);
  const address = `ws://127.0.0.1:${server.port}/ws`;
  for (const hello of [helloWith('x'.repeat(43)), helloWith(''), '{"type":"hello","version":1}', '{"type":"run"}', '[]', 'x']) {
    const { heard, code } = await page.evaluate(trySocket, { address, hello });
    assert.deepEqual(heard.filter((type) => type !== 'open' && type !== 'error'), [], hello);
    assert.equal(code, 1008, hello);
  }
  await context.close();
});

test('what a worker prints stays text', async () => {
  const { page, context, faults } = await openPage(server.url);
  await page.getByText('Connected', { exact: true }).waitFor();
  const evilText = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
  await page.evaluate(() => { globalThis.before = document.querySelectorAll('script, img').length; });
  await runCode(page, `import sys\nprint('''${evilText}''')\nprint('''${evilText}''', file=sys.stderr)\ntry: open('''/etc/${evilText.replaceAll('/', '!')}''', 'w')\nexcept OSError as e: print(e)\nprint("end of it")\n`);
  await page.getByText('end of it').first().waitFor();
  assert.equal(await page.title(), 'buntime');
  assert.equal(await page.evaluate(() => document.querySelectorAll('script, img').length - globalThis.before), 0);
  assert.deepEqual(faults, []);
  await context.close();
});
