// SPDX-License-Identifier: LGPL-2.1-or-later
/* Policies that programs run with: what is denied is permitted step by step, until it passes. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { assert, browserTest } from './harness.mjs';
import { addFlag, askWhy, card, create, level, mistakes, replace, turn } from './policies.mjs';
import { waitForOutput } from './steps.mjs';

const output = (page) => page.locator('.console');
const run = (page) => page.getByRole('button', { name: 'Run', exact: true }).click();
const write = (page, code) => replace(page, page.getByRole('textbox', { name: 'Code of hello.py' }), code);

browserTest('a policy is edited until a denied file opens', async ({ page, server }) => {
  const folder = join(server.home, 'data');
  mkdirSync(folder);
  writeFileSync(join(folder, 'note.txt'), 'buy milk\n');
  await write(page, `print("the note:", open("${folder}/note.txt").read())`);
  await run(page);
  await output(page).getByText('FileNotFoundError').first().waitFor();

  await create(page, 'notes');
  await turn(page, 'notes');
  const notes = card(page, 'notes');
  await notes.getByRole('button', { name: '+ Files' }).click();
  await mistakes(page, 'notes').waitFor();

  /* A mistake stops the run, and says so. */
  await run(page);
  await output(page).getByRole('alert').getByText('fs.rules[0].path').waitFor();
  await notes.getByRole('textbox', { name: 'Path' }).fill(folder);
  await mistakes(page, 'notes').waitFor({ state: 'detached' });
  await run(page);
  await waitForOutput(page, 'the note: buy milk');

  /* Off again, it is denied again. */
  await turn(page, 'notes');
  await level(page, 'Strict');
  await run(page);
  await output(page).getByText('FileNotFoundError').first().waitFor();
});

browserTest('a flag for one run is gone after it', async ({ page }) => {
  await write(page, 'import subprocess\nprint("it says", subprocess.run(["/usr/bin/uname"], capture_output=True, text=True).stdout)');
  await run(page);
  await output(page).getByText('PermissionError').first().waitFor();
  await askWhy(page, 'run', '/usr/bin/uname');
  await page.getByRole('button', { name: 'Permit…' }).click();
  const dialog = page.getByRole('dialog');
  assert.ok(await dialog.getByRole('radio', { name: 'Once' }).isChecked());
  await dialog.getByRole('button', { name: 'Continue…' }).click();
  await dialog.getByText('It holds for the next run').waitFor();
  await dialog.getByRole('button', { name: 'Permit', exact: true }).click();
  await page.locator('.verdict.allow').waitFor();
  await run(page);
  await waitForOutput(page, 'it says Linux');
  await page.locator('.verdict.deny').waitFor();
  await run(page);
  await output(page).getByText('PermissionError').first().waitFor();
});

browserTest('a limit that a run met is raised, and stays so in a policy', async ({ page, server }) => {
  /* The raised limit leaves room for how long a run may take to begin. */
  await addFlag(page, '--timeout=3s');
  await write(page, 'import time\ntime.sleep(4)\nprint("slept well")');
  await page.locator('.flags li').waitFor();
  await run(page);
  await page.locator('.area-watch').getByRole('button', { name: /^Permit/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('radio', { name: /--timeout=6s/ }).waitFor();
  /* The page's own flag would stand above what is saved. */
  await dialog.getByRole('radio', { name: 'Saved' }).check();
  await dialog.getByRole('textbox', { name: 'Name' }).fill('slow');
  await dialog.getByRole('button', { name: 'Continue…' }).click();
  await dialog.getByText('Raises a limit: timeout = 6s.').waitFor();
  await dialog.getByRole('button', { name: 'Permit', exact: true }).click();
  await dialog.getByRole('alert').getByText('Another policy stands over it').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Remove --timeout=3s' }).click();
  await page.locator('.area-watch').getByRole('button', { name: /^Permit/ }).click();
  await dialog.getByRole('radio', { name: 'Saved' }).check();
  await dialog.getByRole('textbox', { name: 'Name' }).fill('slow');
  await dialog.getByRole('button', { name: 'Continue…' }).click();
  await dialog.getByRole('button', { name: 'Permit', exact: true }).click();
  await card(page, 'slow').waitFor();
  assert.equal(JSON.parse(readFileSync(join(server.home, '.config/buntime/policies/slow.json'), 'utf8')).limits.wallTime, '6s');
  await run(page);
  await waitForOutput(page, 'slept well');
});
