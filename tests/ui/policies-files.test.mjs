// SPDX-License-Identifier: LGPL-2.1-or-later
/* Policies on disk, and those that come and go as files. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { assert, browserTest } from './harness.mjs';
import { askWhy, card, create, toggle, turn, view } from './policies.mjs';

const onDisk = (server, name) => join(server.home, '.config/buntime/policies', `${name}.json`);

browserTest('makes, saves, overwrites and deletes policies of the user', async ({ page, server }) => {
  await create(page, 'mine', 'audit');
  await card(page, 'mine').getByText('not saved').waitFor();
  await turn(page, 'mine');
  await card(page, 'mine').getByRole('button', { name: 'Save…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
  await card(page, 'mine').getByText('not saved').waitFor({ state: 'detached' });
  const saved = JSON.parse(readFileSync(onDisk(server, 'mine'), 'utf8'));
  assert.equal(saved.name, 'mine');
  assert.equal(saved.audit.enabled, true);
  assert.ok(await toggle(page, 'mine').isChecked());

  /* Its file is asked for before it is replaced. */
  await card(page, 'mine').getByRole('textbox', { name: 'Description' }).fill('Other words.');
  await card(page, 'mine').getByRole('button', { name: 'Save…' }).click();
  await page.getByRole('dialog').getByText('this text replaces it').waitFor();
  assert.notEqual(JSON.parse(readFileSync(onDisk(server, 'mine'), 'utf8')).description, 'Other words.');
  await page.getByRole('dialog').getByRole('button', { name: 'Overwrite' }).click();
  await card(page, 'mine').getByText('edited').waitFor({ state: 'detached' });
  assert.equal(JSON.parse(readFileSync(onDisk(server, 'mine'), 'utf8')).description, 'Other words.');

  await card(page, 'mine').getByRole('button', { name: 'Duplicate' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
  await card(page, 'mine-copy').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByText('never saved').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await card(page, 'mine-copy').waitFor({ state: 'detached' });

  await card(page, 'mine').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  assert.ok(existsSync(onDisk(server, 'mine')));
  await card(page, 'mine').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await card(page, 'mine').waitFor({ state: 'detached' });
  assert.ok(!existsSync(onDisk(server, 'mine')));
});

browserTest('permits for good, in a policy on disk', async ({ page, server }) => {
  await askWhy(page, 'net', 'api.example.com:443');
  const dialog = page.getByRole('dialog');
  const permit = async (policy) => {
    await page.getByRole('button', { name: 'Permit…' }).click();
    await dialog.getByRole('radio', { name: 'Saved' }).check();
    await dialog.getByRole('combobox', { name: 'Policy' }).selectOption(policy);
    if (policy === '')
      await dialog.getByRole('textbox', { name: 'Name' }).fill('project');
    await dialog.getByRole('button', { name: 'Continue…' }).click();
    await dialog.getByText('written into your policy project').waitFor();
    await dialog.getByRole('button', { name: 'Permit', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  await permit('');
  await page.locator('.verdict.allow').waitFor();
  assert.deepEqual(JSON.parse(readFileSync(onDisk(server, 'project'), 'utf8')).net.rules.map((rule) => [rule.action, rule.host, rule.ports]),
    [['allow', 'api.example.com', '443']]);

  await askWhy(page, 'net', 'other.example.com:80');
  await page.locator('.verdict.deny', { hasText: 'other.example.com' }).waitFor();
  await permit('project');
  await page.locator('.verdict.allow', { hasText: 'other.example.com' }).waitFor();
  await view(page, 'Policies');
  await toggle(page, 'project').waitFor();
  await card(page, 'project').getByText('edited').waitFor({ state: 'detached' });
  assert.deepEqual(JSON.parse(readFileSync(onDisk(server, 'project'), 'utf8')).net.rules.map((rule) => rule.host),
    ['api.example.com', 'other.example.com']);

  /* A denial of another policy would stand over it: said, and nothing is written. */
  await page.getByText('More presets').click();
  await turn(page, 'strict');
  await askWhy(page, 'net', '203.0.113.9:80');
  await page.locator('.verdict.deny', { hasText: '203.0.113.9' }).getByRole('button', { name: 'Permit…' }).click();
  await dialog.getByRole('radio', { name: 'Saved' }).check();
  await dialog.getByRole('combobox', { name: 'Policy' }).selectOption('project');
  await dialog.getByRole('button', { name: 'Continue…' }).click();
  await dialog.getByRole('button', { name: 'Permit', exact: true }).click();
  await dialog.getByRole('alert').getByText('Another policy stands over it').waitFor();
  assert.equal(JSON.parse(readFileSync(onDisk(server, 'project'), 'utf8')).net.rules.length, 2);
});

browserTest('exports and imports', async ({ page, server }) => {
  await turn(page, 'ExecPolicy');
  await view(page, 'Result');
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export merged' }).click();
  const file = await (await downloading).path();
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).exec.rules.length, 10);

  await view(page, 'Policies');
  const put = async (name, content) => {
    writeFileSync(join(server.home, name), content);
    await page.getByLabel('Policy files').setInputFiles(join(server.home, name));
  };
  await put('team.json', readFileSync(file));
  await card(page, 'team').getByRole('group', { name: 'Programs' }).waitFor();
  assert.ok(!await toggle(page, 'team').isChecked());

  await put('wrong.json', '{ "version": 1, "nett": {} }');
  await page.getByRole('dialog', { name: 'Not imported' }).getByText('did you mean "net"?').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await put('large.json', ' '.repeat((1 << 20) + 1));
  await page.getByText('large.json is too large').waitFor();
  await put('bytes.json', Buffer.from([0x7b, 0xff, 0x7d]));
  await page.getByText('bytes.json is no text in UTF-8').waitFor();
  for (const name of ['wrong', 'large', 'bytes'])
    assert.equal(await card(page, name).count(), 0);

  /* By dropping it. */
  const data = await page.evaluateHandle(() => {
    const made = new DataTransfer();
    made.items.add(new File(['{ "version": 1 }'], 'dropped.json'));
    return made;
  });
  await page.locator('.cards').dispatchEvent('drop', { dataTransfer: data });
  await card(page, 'dropped').waitFor();
});

browserTest('shows where a file of the user is wrong', async ({ page, server }) => {
  mkdirSync(dirname(onDisk(server, 'x')), { recursive: true });
  writeFileSync(onDisk(server, 'broken'), '{\n  "version": 1,\n  "nett": {}\n}\n');
  await page.reload();
  await card(page, 'broken').getByRole('button', { name: 'broken' }).click();
  await card(page, 'broken').getByText('did you mean "net"?').waitFor();
  await turn(page, 'broken');
  await page.getByText('Nothing can be run with these policies').waitFor();
  const list = card(page, 'broken').getByRole('list', { name: 'Mistakes' });
  await list.getByRole('button', { name: 'Line 3' }).click();
  await card(page, 'broken').locator('.cm-activeLine').getByText('nett').waitFor();
  assert.equal(await list.getByRole('listitem').count(), 1);
});
