// SPDX-License-Identifier: LGPL-2.1-or-later
/* Cards, their tables and texts, and their mistakes. */
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';

import { assert, browserTest, source } from './harness.mjs';
import { card, level, mistakes, open, SIX, summary, text, toggle, turn, type } from './policies.mjs';

test('the presets keep their form when a table writes them', async () => {
  const require = createRequire(join(source, 'data/debug-ui/package.json'));
  const { outputFiles } = await require('esbuild').build({
    entryPoints: [join(source, 'data/debug-ui/src/state/policy-text.ts')], bundle: true, format: 'esm', write: false,
  });
  const { formatPolicy } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
  const names = (await readdir(join(source, 'policies'))).filter((name) => name.endsWith('.json'));
  assert.ok(names.length >= 16);
  for (const name of names) {
    const preset = readFileSync(join(source, 'policies', name), 'utf8');
    assert.equal(formatPolicy(JSON.parse(preset)), preset, name);
  }
});

browserTest('shows the six, and says what is granted', async ({ page }) => {
  for (const title of SIX)
    await toggle(page, title).waitFor();
  await level(page, 'Strict');
  await page.getByText('No policy is on: a program runs with nothing of yours.').waitFor();

  await turn(page, 'NetEgressPolicy');
  await level(page, 'Open');
  await page.getByRole('button', { name: /What the policies grant: Open Allowed: 2, denied: 10, with a warning: 2/ }).waitFor();
  await turn(page, 'NetEgressPolicy');
  await turn(page, 'ExecPolicy');
  await level(page, 'Scoped');
  await summary(page).getByText('What the rules name is allowed').waitFor();

  await page.getByText('More presets').click();
  await turn(page, 'no-network');
  await level(page, 'Unrestricted');

  await page.getByRole('button', { name: 'All off' }).click();
  await level(page, 'Strict');
  await page.getByRole('button', { name: 'All on' }).click();
  for (const title of SIX)
    assert.ok(await toggle(page, title).isChecked(), title);
  assert.ok(!await toggle(page, 'no-network').isChecked());
});

browserTest('a table and a text edit one policy', async ({ page }) => {
  await open(page, 'ExecPolicy');
  const exec = card(page, 'ExecPolicy');
  const rules = exec.getByRole('group', { name: 'Programs' }).getByRole('group', { name: /^Rule/ });
  assert.equal(await rules.count(), 10);
  await rules.nth(0).getByRole('textbox', { name: 'path' }).fill('git');
  await exec.getByText('edited', { exact: true }).waitFor();
  await rules.nth(9).getByRole('button', { name: 'Remove rule 10' }).click();
  await rules.nth(8).getByRole('combobox', { name: 'Action' }).selectOption('deny');
  await exec.getByRole('group', { name: 'Programs' }).getByRole('button', { name: 'Add a rule' }).click();
  await rules.nth(9).getByRole('combobox', { name: 'What it is about' }).selectOption('glob');
  await rules.nth(9).getByRole('textbox', { name: 'glob' }).fill('/usr/bin/git-*');
  await exec.getByRole('button', { name: '+ Limits' }).click();
  await exec.getByRole('textbox', { name: 'wallTime' }).fill('1.5');
  await exec.getByRole('textbox', { name: 'memory' }).fill('64M');

  await exec.getByRole('tab', { name: 'Text' }).click();
  const policy = JSON.parse(await text(page, 'ExecPolicy'));
  assert.deepEqual(policy.exec.rules[0], { action: 'allow', path: 'git' });
  assert.deepEqual(policy.exec.rules.slice(8), [{ action: 'deny', path: 'find' }, { action: 'allow', glob: '/usr/bin/git-*' }]);
  assert.deepEqual(policy.limits, { wallTime: 1.5, memory: '64M' });
  assert.equal(policy.exec.rules.length, 10);

  policy.net = { rules: [{ action: 'allow', host: 'github.com', ports: '443' }] };
  await type(page, 'ExecPolicy', JSON.stringify(policy));
  await exec.getByRole('tab', { name: 'Table' }).click();
  await exec.getByRole('group', { name: 'Network' }).getByRole('textbox', { name: 'host' }).waitFor();
  assert.equal(await exec.getByRole('textbox', { name: 'Ports' }).inputValue(), '443');
  assert.equal(await exec.getByRole('list', { name: 'Mistakes' }).count(), 0);

  await exec.getByRole('button', { name: 'Reset' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Reset' }).click();
  await exec.getByText('edited', { exact: true }).waitFor({ state: 'detached' });
  await exec.getByRole('tab', { name: 'Text' }).click();
  assert.equal(await text(page, 'ExecPolicy'), readFileSync(join(source, 'policies/exec-policy.json'), 'utf8'));
});

browserTest('tells mistakes with line, reason and cure, and what follows from them', async ({ page }) => {
  await turn(page, 'AuditPolicy');
  await open(page, 'AuditPolicy');
  await type(page, 'AuditPolicy', '{\n  "version": 1,\n  "net": { "rules": [\n    { "action": "alow", "host": "a.example" }\n  ] }\n}\n');
  const list = mistakes(page, 'AuditPolicy');
  await list.getByText('net.rules[0].action: "alow" is not allow, warn or deny; did you mean "allow"?').waitFor();
  await list.getByRole('button', { name: 'Line 4' }).waitFor();
  await summary(page).getByText('Nothing can be run with these policies').waitFor();
  await page.getByRole('button', { name: /What the policies grant: Mistakes: 1/ }).waitFor();

  /* The table shows it at its rule, and mends it. */
  await card(page, 'AuditPolicy').getByRole('tab', { name: 'Table' }).click();
  const rule = card(page, 'AuditPolicy').getByRole('group', { name: 'Rule 1' });
  await rule.getByText('did you mean "allow"?').waitFor();
  assert.equal(await rule.getByRole('combobox', { name: 'Action' }).getAttribute('aria-invalid'), 'true');
  await rule.getByRole('combobox', { name: 'Action' }).selectOption('allow');
  await list.waitFor({ state: 'detached' });
  await level(page, 'Scoped');

  /* What a table would lose stays with the text. */
  await type(page, 'AuditPolicy', '{ "version": 1, "net": {}, "net": {} }');
  await card(page, 'AuditPolicy').getByRole('tab', { name: 'Table' }).click();
  await card(page, 'AuditPolicy').getByText('A key is there twice.').waitFor();
  await type(page, 'AuditPolicy', '{ "version": 1,');
  await card(page, 'AuditPolicy').getByRole('tab', { name: 'Table' }).click();
  await card(page, 'AuditPolicy').getByText('This text is not JSON yet').waitFor();
});

browserTest('keeps what was edited over a reload, and works by keys', async ({ page }) => {
  await toggle(page, 'ExecPolicy').focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await card(page, 'ExecPolicy').getByRole('textbox', { name: 'Description' }).fill('Kept.');
  await page.reload();
  await card(page, 'ExecPolicy').getByText('Kept.').waitFor();
  assert.ok(await toggle(page, 'ExecPolicy').isChecked());
  const tab = page.getByRole('tab', { name: 'Policies', exact: true });
  await tab.focus();
  await page.keyboard.press('ArrowRight');
  await page.getByRole('region', { name: 'Rules in force' }).waitFor();
  await page.keyboard.press('End');
  await page.getByRole('textbox', { name: 'Request' }).waitFor();
});
