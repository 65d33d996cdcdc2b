// SPDX-License-Identifier: LGPL-2.1-or-later
/* The history of runs, and their comparison. */
import { assert, browserTest } from './harness.mjs';

const button = (page, name) => page.getByRole('button', { name, exact: true });

async function runToEnd(page, code) {
  await page.getByText('Connected', { exact: true }).waitFor();
  await page.getByRole('textbox', { name: /^Code of / }).click();
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(code);
  await page.keyboard.press('Control+Enter');
  await page.locator('.exit-line').waitFor();
}

/* Until a run's record is finished, it says that it is running. */
async function openHistory(page, runs) {
  await button(page, 'History').click();
  const dialog = page.getByRole('dialog', { name: 'History' });
  const rows = dialog.locator('tbody tr');
  await rows.nth(runs - 1).waitFor();
  await dialog.getByText('Running', { exact: true }).first().waitFor({ state: 'detached' });
  assert.equal(await rows.count(), runs);
  return { dialog, rows };
}

const READ = 'import sys\nprint("first line")\ntry:\n    print(open("/etc/hostname").read())\n    print("read")\nexcept OSError as error:\n    print(type(error).__name__)\n    sys.exit(4)\n';

browserTest('keeps each run, with what it was granted, how it ended and what was denied', async ({ page }) => {
  await runToEnd(page, 'import socket\ntry: socket.create_connection(("192.0.2.1", 80), 5)\nexcept OSError: print("refused")\n');
  const { dialog, rows } = await openHistory(page, 1);
  const cells = await rows.first().locator('th, td').allTextContents();
  assert.match(cells[1], /^\d\d:\d\d:\d\d/);
  assert.deepEqual([cells[2], cells[3], cells[4], cells[6]], ['hello.py', 'none', 'Exit 0', '1']);
  assert.match(cells[5], /(ms|sec)$/);
  await dialog.getByText(/The last 100 runs of this browser tab/).waitFor();
  /* On a narrow screen, too, all of it is in view. */
  await page.setViewportSize({ width: 360, height: 740 });
  const list = dialog.getByRole('region', { name: 'Runs' });
  const { right } = await list.evaluate((element) => element.getBoundingClientRect());
  for (const cell of await rows.first().getByRole('cell').all())
    assert.ok(await cell.evaluate((element) => element.getBoundingClientRect().right) <= right, await cell.innerText());
  assert.equal(await list.evaluate((element) => element.scrollWidth - element.clientWidth), 0);
});

browserTest('compares two runs: result, policies, code, output and events', async ({ page }) => {
  await runToEnd(page, READ.replace('/etc/hostname', '/etc/shadow'));
  await page.getByRole('combobox', { name: 'Add a flag' }).fill('--allow-read=/etc/hostname');
  await page.keyboard.press('Enter');
  await page.getByText('--allow-read=/etc/hostname').first().waitFor();
  await runToEnd(page, READ);
  const { dialog, rows } = await openHistory(page, 2);
  assert.equal(await button(dialog, 'Compare').isDisabled(), true);
  await rows.nth(0).getByRole('checkbox').check();
  await rows.nth(1).getByRole('checkbox').check();
  await button(dialog, 'Compare').click();

  const both = page.getByRole('dialog', { name: /^hello.py of .* and hello.py of / });
  const section = (name) => both.locator(`section[aria-label="${name}"]`);
  assert.deepEqual(await section('Result').locator('tbody tr').first().locator('td').allTextContents(), ['Exit 4', 'Exit 0']);
  assert.deepEqual(await section('Policies').locator('ins, del').allTextContents(), ['--allow-read=/etc/hostname']);
  assert.deepEqual(await section('Code').locator('del').allTextContents(), ['    print(open("/etc/shadow").read())']);
  assert.deepEqual(await section('Code').locator('ins').allTextContents(), ['    print(open("/etc/hostname").read())']);
  assert.equal((await section('Output').locator('ins').allTextContents()).at(-1), 'read');
  assert.equal(await section('Output').locator('del').count(), 1);
  assert.match(await section('Output').textContent(), /first line/);
  await button(both, 'All runs').click();
  await page.getByRole('dialog', { name: 'History' }).waitFor();
});

browserTest('opens a run again as it was, after a reload too', async ({ page }) => {
  await button(page, 'Templates').click();
  await page.getByRole('dialog', { name: 'Templates' }).getByRole('button', { name: /fs_allow_etc\b/ }).click();
  await page.getByRole('tab', { name: /^fs_allow_etc.py/ }).waitFor();
  await button(page, 'Run').click();
  await page.locator('.exit-line').waitFor();
  (await openHistory(page, 1)).dialog.getByRole('button', { name: 'Close', exact: true }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('tab', { name: /^fs_allow_etc.py/ }).focus();
  await page.keyboard.press('Delete');
  await page.getByRole('tab', { name: /^fs_allow_etc.py/ }).waitFor({ state: 'detached' });
  await button(page, 'Templates').click();
  await page.getByRole('dialog', { name: 'Templates' }).getByRole('button', { name: /hello_world/ }).click();
  await page.getByRole('tab', { name: /^hello_world.py/ }).waitFor();
  await page.reload();
  await page.getByText('Connected', { exact: true }).waitFor();

  const { rows } = await openHistory(page, 1);
  assert.match(await rows.first().textContent(), /fs_allow_etc.py fs_allow_etc.*allow-etc/);
  await rows.first().getByRole('button', { name: /^Open fs_allow_etc.py of .* again$/ }).click();
  await page.getByRole('tab', { name: /^fs_allow_etc.py/ }).waitFor();
  await button(page, 'Run').click();
  await page.locator('.exit-line').waitFor();
  const second = await openHistory(page, 2);
  const grants = await second.rows.evaluateAll((all) => all.map((row) => row.querySelector('.granted').textContent));
  assert.deepEqual(grants, ['allow-etc', 'allow-etc']);
  await second.rows.nth(0).getByRole('checkbox').check();
  await second.rows.nth(1).getByRole('checkbox').check();
  await button(second.dialog, 'Compare').click();
  await page.locator('.comparison').first().waitFor();
  assert.deepEqual(await page.locator('.comparison .badge.warn').count(), 0, await page.locator('dialog').textContent());
});
