// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Takes the README's pictures anew, into the folder that is its argument: run it in the tests' world as
 * tests/run runs the browser tests, then look at them.
 */
import { join } from 'node:path';

import { openPage, startServer, theBrowser } from './harness.mjs';
import { connected, runCode, waitForOutput, watchTab } from './steps.mjs';

const PROGRAM = `"""Fetches the release notes -- and looks around a little."""
import json, os, socket, subprocess, urllib.request

def attempt(what, work):
    try:
        came = work()
        print(f"\\x1b[32m  allowed\\x1b[0m  {what}: {came}")
    except Exception as error:
        print(f"\\x1b[31m  refused\\x1b[0m  {what}: {error}")

def fetch(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return f"status {answer.status}"

print("\\x1b[1mWhat it is for\\x1b[0m")
attempt("GET https://github.com/", lambda: fetch("https://github.com/"))
attempt("keep notes in /tmp", lambda: open("/tmp/notes", "w").write("1.4"))

print("\\x1b[1mWhat it is not for\\x1b[0m")
attempt("read the SSH key", lambda: open(os.path.expanduser("~/.ssh/id_ed25519")).read())
attempt("write to the shell's start", lambda: open(os.path.expanduser("~/.bashrc"), "a"))
attempt("ask the cloud for keys", lambda: fetch("http://169.254.169.254/latest/"))
attempt("reach the database", lambda: socket.create_connection(("10.0.0.7", 5432), 2))
attempt("send it elsewhere", lambda: fetch("https://example.com/"))
attempt("start a shell", lambda: subprocess.run(["/bin/sh", "-c", "id"], check=True))
`;

const PICTURES = [
  { name: 'debug-ui-light', size: { width: 1440, height: 900 }, scheme: 'light' },
  { name: 'debug-ui-dark', size: { width: 1440, height: 900 }, scheme: 'dark', pane: 'Flows' },
  { name: 'debug-ui-narrow', size: { width: 390, height: 844 }, scheme: 'light' },
];

async function picture(server, { name, size, scheme, pane }) {
  const { page, context } = await openPage(server.url, { viewport: size, colorScheme: scheme, deviceScaleFactor: size.width < 500 ? 2 : 1 });
  await connected(page);
  const narrow = size.width < 900;
  if (narrow)
    await page.getByRole('navigation', { name: 'Areas' }).getByRole('button', { name: 'Policies' }).click();
  await page.getByLabel('Add a flag').fill('--allow-net=github.com:443');
  await page.getByLabel('Add a flag').press('Enter');
  await page.getByRole('switch', { name: 'AuditPolicy' }).click();
  if (narrow)
    await page.getByRole('navigation', { name: 'Areas' }).getByRole('button', { name: 'Code' }).click();
  await page.getByRole('textbox', { name: 'Name of the program' }).fill('release_notes.py');
  await runCode(page, PROGRAM);
  await waitForOutput(page, 'start a shell');
  await page.locator('.exit-line').waitFor();
  if (narrow)
    await page.getByRole('navigation', { name: 'Areas' }).getByRole('button', { name: 'Watch' }).click();
  if (pane !== undefined)
    await watchTab(page, pane);
  else
    await page.getByRole('combobox', { name: 'Filter' }).fill('action:deny,warn');
  await page.locator('body').click({ position: { x: 2, y: 2 } });
  await page.screenshot({ path: join(process.argv[2], `${name}.png`) });
  await context.close();
}

const server = await startServer({ env: { HOME: '/home/user' } });
try {
  for (const one of PICTURES)
    await picture(server, one);
} finally {
  await (await theBrowser()).close();
  await server.stop();
}
