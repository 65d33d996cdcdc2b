// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the browser tests stand on: a real `buntime ui`, and Debian's chromium driven by playwright-core.
 *
 *   import { assert, browserTest } from './harness.mjs';
 *   browserTest('runs code', async ({ page, server }) => { ... });
 *
 * Each test gets a server and a page of its own; the browser is one for a file. Whatever the page must
 * never do fails the test that saw it: an uncaught error, a violated CSP, a request to another host.
 *
 * They run as an ordinary user in the tests' world (tests/world), never from root: tests/run --pass=ui.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

export { assert };

export const source = process.env.BUNTIME_TEST_SOURCE ?? join(dirname(fileURLToPath(import.meta.url)), '../..');
const build = process.env.BUNTIME_TEST_BUILD ?? join(source, 'build');
export const buntime = join(build, 'src/cli/buntime');
const PATIENCE = 15_000;
const UNDER_SANITIZER = process.env.ASAN_OPTIONS !== undefined;

/* Where npm put Bun, for programs in JavaScript. */
function bunFolder() {
  const oven = join(source, '.cache/bun/node_modules/@oven');
  const names = existsSync(oven) ? readdirSync(oven).filter((name) => name.startsWith('bun-linux-')) : [];
  return names.length > 0 ? join(oven, names.sort()[0], 'bin') : null;
}

/* `buntime ui`, or what `args` say, started by the words of `wrap`; ends with stop(). */
export async function startServer({ args = ['ui', '--port=0'], env = {}, wrap = [] } = {}) {
  const home = mkdtempSync(join(tmpdir(), 'buntime-ui-'));
  const bun = bunFolder();
  const [program, ...words] = [...wrap, buntime, ...args];
  const child = spawn(program, words, {
    env: {
      ...process.env, HOME: home, XDG_RUNTIME_DIR: home, XDG_CONFIG_HOME: join(home, '.config'),
      PATH: `${bun === null ? '' : `${bun}:`}/usr/bin:/bin`, LANG: 'C.UTF-8', ...env,
    },
    cwd: home,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const server = { child, home, output: '', url: '', origin: '', port: 0, token: '' };
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no address within ${PATIENCE} ms: ${server.output}`)), PATIENCE);
    const hear = (data) => {
      server.output += data;
      const match = /(http:\/\/127\.0\.0\.1:(\d+))\/#token=([\w-]+)/.exec(server.output);
      if (match === null)
        return;
      clearTimeout(timer);
      [server.url, server.origin] = match;
      server.port = Number(match[2]);
      server.token = match[3];
      resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    ended.then(({ code, signal }) => { clearTimeout(timer); reject(new Error(`ended with ${code ?? signal}: ${server.output}`)); });
  });
  server.ended = ended;
  server.stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
    const status = await ended;
    clearTimeout(late);
    rmSync(home, { recursive: true, force: true });
    return status;
  };
  return server;
}

let browser = null;

export async function theBrowser() {
  browser ??= await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking'],
  });
  return browser;
}

after(async () => { await browser?.close(); });

/* A page in a context of its own, which watches for what must not happen. */
export async function openPage(url, options = {}) {
  const { origin } = new URL(url);
  const context = await (await theBrowser()).newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-US', ...options });
  const faults = [];
  context.on('request', (request) => {
    if (!request.url().startsWith(origin) && !/^(data|blob):/.test(request.url()))
      faults.push(`asked another host: ${request.url()}`);
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on('pageerror', (error) => faults.push(`uncaught: ${error.stack ?? error}`));
  page.on('console', (message) => {
    if (message.type() === 'error')
      faults.push(`console: ${message.text()}`);
  });
  await page.goto(url);
  return { page, context, faults };
}

/*
 * options: server (what startServer takes), page (what a browser context takes), timeout, expectFaults: a
 * regular expression of faults that the test itself causes.
 */
export function browserTest(name, options, body) {
  if (typeof options === 'function')
    [options, body] = [{}, options];
  test(name, { timeout: options.timeout ?? (UNDER_SANITIZER ? 240_000 : 90_000) }, async () => {
    const server = await startServer(options.server);
    try {
      const { page, context, faults } = await openPage(server.url, options.page);
      try {
        await body({ page, context, server });
      } finally {
        await context.close();
      }
      assert.deepEqual(faults.filter((fault) => !options.expectFaults?.test(fault)), []);
    } finally {
      await server.stop();
    }
  });
}
