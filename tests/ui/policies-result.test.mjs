// SPDX-License-Identifier: LGPL-2.1-or-later
/* What policies and flags come to: rules in force, reasons, a command line. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { assert, browserTest } from './harness.mjs';
import { addFlag, askWhy, card, open, turn, view } from './policies.mjs';

browserTest('shows what the policies come to, and where each rule is from', async ({ page }) => {
  await turn(page, 'NetEgressPolicy');
  await addFlag(page, '--allow-read=/etc');
  await page.locator('.flags code', { hasText: '--allow-read=/etc' }).waitFor();
  await view(page, 'Result');
  const rules = page.getByRole('region', { name: 'Rules in force' });
  await rules.getByText('fs: /etc').first().waitFor();
  const filter = rules.getByRole('searchbox', { name: 'Filter the rules' });
  await filter.fill('warn net');
  await rules.locator('li').nth(1).waitFor();
  await rules.getByRole('status').getByText('2 of').waitFor();
  assert.equal(await rules.locator('li').count(), 2);
  await filter.fill('169.254');
  await rules.getByRole('button', { name: 'net-egress:14: net.rules[6]' }).click();
  const area = page.getByRole('textbox', { name: 'Text of NetEgressPolicy' });
  await area.waitFor();
  await area.locator('.cm-activeLine').getByText('169.254.0.0/16').waitFor();

  await view(page, 'Result');
  await filter.fill('/etc');
  await rules.getByRole('button', { name: 'command line: --allow-read=/etc' }).click();
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Add a flag');
});

browserTest('flags are checked, hold for a run or for the page, and can be taken back', async ({ page }) => {
  await addFlag(page, '--allow-nett=github.com');
  await page.getByRole('alert').getByText('--allow-net').waitFor();
  await addFlag(page, '--allow-net=1.2.3.400');
  await page.getByRole('alert').waitFor();
  assert.equal(await page.locator('.flags li').count(), 0);

  await addFlag(page, '--allow-net=github.com:443 --allow-read=\'/a b\'');
  await page.getByRole('alert').getByText('--allow-read=/a b: No such file or directory').waitFor();
  await addFlag(page, '--allow-net=github.com:443 --timeout=5s');
  await page.locator('.flags li').nth(1).waitFor();
  await page.getByRole('combobox', { name: 'How long --timeout=5s holds' }).selectOption('once');
  await page.getByRole('button', { name: 'Remove --allow-net=github.com:443' }).click();
  assert.deepEqual(await page.locator('.flags li code').allTextContents(), ['--timeout=5s']);
});

browserTest('says why, and permits the narrowest first', async ({ page, server }) => {
  const folder = join(server.home, 'data');
  const file = join(folder, 'deep', 'x, y.txt');
  mkdirSync(join(folder, 'deep'), { recursive: true });
  writeFileSync(file, '');
  const flag = `--allow-read=${file.replace(',', ',,')}`;
  await askWhy(page, 'read', file);
  const verdict = page.locator('.verdict');
  await verdict.getByText('deny', { exact: true }).waitFor();
  await verdict.getByText('defaults.fs').waitFor();
  await verdict.getByText(`--allow-read='${file.replace(',', ',,')}'`).waitFor();

  await verdict.getByRole('button', { name: 'Permit…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('code').first().waitFor();
  assert.deepEqual(await dialog.getByRole('group', { name: 'What is permitted' }).locator('code').allTextContents(),
    [flag, `--allow-read=${folder}/deep`, `--allow-read=${folder}`, `--allow-read=${server.home}`]);
  assert.ok(await dialog.getByRole('radio', { name: `${flag} narrowest` }).isChecked());
  await dialog.getByRole('radio', { name: `--allow-read=${folder} wider` }).check();
  await dialog.getByRole('radio', { name: 'This page' }).check();
  await dialog.getByRole('button', { name: 'Continue…' }).press('Enter');
  await page.keyboard.press('Enter'); /* permits nothing */
  await dialog.getByText(`Lets a program list and read everything below ${folder}.`).waitFor();
  await dialog.getByText('until you remove it').waitFor();
  await dialog.getByRole('button', { name: 'Permit', exact: true }).click();
  await verdict.getByText('allow', { exact: true }).waitFor();
  await verdict.getByRole('button', { name: `command line: --allow-read=${folder}` }).click();
  assert.deepEqual(await page.locator('.flags li code').allTextContents(), [`--allow-read=${folder}`]);
});

browserTest('offers only what helps', async ({ page }) => {
  const offered = async (permission, value) => {
    await askWhy(page, permission, value);
    await page.locator('.verdict', { has: page.getByText(`${permission} ${value}`, { exact: true }) }).getByRole('button', { name: 'Permit…' }).click();
    await page.getByRole('dialog').locator('code').first().waitFor();
    const found = await page.getByRole('group', { name: 'What is permitted' }).locator('code').allTextContents();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    return found;
  };
  assert.deepEqual(await offered('net', 'a.b.example.com:443'),
    ['--allow-net=a.b.example.com:443', '--allow-net=a.b.example.com', '--allow-net=*.b.example.com:443']);
  /* *.example.com has not example.com in it, and nobody grants *.com. */
  assert.deepEqual(await offered('net', 'example.com:443'), ['--allow-net=example.com:443', '--allow-net=example.com']);
  assert.deepEqual(await offered('net', '203.0.113.7:123/udp'), ['--allow-net=203.0.113.7:123/udp', '--allow-net=203.0.113.7/udp']);
  assert.deepEqual(await offered('env', 'AWS_SECRET'), ['--allow-env=AWS_SECRET', '--allow-env=AWS_*']);
  assert.deepEqual(await offered('sys', 'hostname'), ['--allow-sys=hostname']);
});

const CLIPBOARD = { page: { permissions: ['clipboard-read', 'clipboard-write'] } };

browserTest('comes to a command line that a shell reads', CLIPBOARD, async ({ page }) => {
  await turn(page, 'NetEgressPolicy');
  await addFlag(page, '--allow-net=*.example.com:443');
  await page.locator('.flags li').waitFor();
  await addFlag(page, '--deny-env="it\'s"');
  await page.locator('.flags li').nth(1).waitFor();
  await view(page, 'Result');
  const line = page.getByRole('region', { name: 'As a command line' });
  await line.getByRole('button', { name: 'Copy' }).click();
  await page.getByText('Copied', { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()),
    'buntime --policy=net-egress --allow-net=\'*.example.com:443\' --deny-env=\'it\'\\\'\'s\' run hello.py');

  /* What only the page has gets a file first. */
  await view(page, 'Policies');
  await open(page, 'NetEgressPolicy');
  await card(page, 'NetEgressPolicy').getByRole('textbox', { name: 'Description' }).fill('Mine.');
  await view(page, 'Result');
  await line.getByText('NetEgressPolicy was changed here').waitFor();
  assert.equal(await line.locator('pre').count(), 0);
  const downloading = page.waitForEvent('download');
  await line.getByRole('button', { name: 'Export' }).click();
  const download = await downloading;
  assert.equal(download.suggestedFilename(), 'net-egress.json');
  assert.equal(JSON.parse(readFileSync(await download.path(), 'utf8')).description, 'Mine.');
  await line.locator('pre').getByText('--policy=./net-egress.json').waitFor();
});
