// SPDX-License-Identifier: LGPL-2.1-or-later
/* Cards, their tables and texts, and their mistakes. */
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';

import { assert, browserTest, source } from './harness.mjs';
import { addFlag, askWhy, card, create, level, mistakes, open, SIX, summary, text, toggle, turn, type, view } from './policies.mjs';

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

browserTest('edits every section', async ({ page }) => {
  await create(page, 'all');
  const all = card(page, 'all');
  const add = (name) => all.getByRole('button', { name: `+ ${name}` }).click();
  await add('Files');
  const rule = all.getByRole('group', { name: 'Files' }).getByRole('group', { name: 'Rule 1' });
  await rule.getByRole('textbox', { name: 'Path' }).fill('/tmp');
  await rule.locator('summary').click();
  await rule.getByRole('button', { name: 'Writing' }).click();
  await rule.getByRole('checkbox', { name: 'read_dir' }).uncheck();
  await add('Network');
  const net = all.getByRole('group', { name: 'Network' }).getByRole('group', { name: 'Rule 1' });
  await net.getByRole('textbox', { name: 'host' }).fill('*.example.com');
  await net.getByRole('combobox', { name: 'Protocol' }).selectOption('any');
  await net.getByRole('textbox', { name: 'Ports' }).fill('80,8000-9000');
  await net.getByRole('checkbox', { name: 'inspect' }).uncheck();
  await add('Libraries');
  await all.getByRole('group', { name: 'Libraries' }).getByRole('textbox', { name: 'Path' }).fill('/usr/lib');
  await add('Unix sockets');
  await all.getByRole('group', { name: 'Unix sockets' }).getByRole('textbox', { name: 'Path' }).fill('/tmp/s');
  await add('Environment');
  await all.getByRole('textbox', { name: 'Variables it sees' }).fill('EDITOR, AWS_*');
  await all.getByRole('button', { name: 'Set a variable' }).click();
  await all.getByRole('textbox', { name: 'Variable', exact: true }).fill('LANG');
  await all.getByRole('textbox', { name: 'Value of' }).fill('C');
  await add('Machine facts');
  await all.getByRole('group', { name: 'What it may learn' }).getByRole('checkbox', { name: 'hostname' }).check();
  await add('Layers');
  await all.getByRole('checkbox', { name: 'landlock' }).uncheck();
  await add('Audit');
  await all.getByRole('checkbox', { name: 'openat' }).uncheck();
  await add('System calls');
  await all.getByRole('textbox', { name: 'Refused besides' }).fill('splice tee');
  await add('Extends');
  await all.getByRole('textbox', { name: 'Presets that this policy adds to' }).fill('audit');
  await all.getByRole('combobox', { name: 'defaults.net' }).selectOption('allow');

  await all.getByRole('tab', { name: 'Text' }).click();
  assert.deepEqual(JSON.parse(await text(page, 'all')), {
    version: 1,
    name: 'all',
    description: '',
    defaults: { fs: 'deny', net: 'allow', exec: 'deny' },
    fs: { rules: [{ action: 'allow', path: '/tmp', perms: ['read_file', 'write_file', 'write_dir'] }] },
    net: { rules: [{ action: 'allow', proto: 'any', host: '*.example.com', ports: '80,8000-9000', inspect: false }] },
    ffi: { rules: [{ action: 'allow', path: '/usr/lib' }] },
    unix: { rules: [{ action: 'allow', path: '/tmp/s' }] },
    env: { allow: ['EDITOR', 'AWS_*'], set: { LANG: 'C' } },
    sys: { allow: ['hostname'] },
    plugins: { namespaces: true, landlock: false, seccomp: true },
    audit: { enabled: true, events: ['connect', 'execve'] },
    antiEscape: { denySyscalls: ['splice', 'tee'] },
    extends: ['audit'],
  });
  assert.equal(await mistakes(page, 'all').count(), 0);
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

browserTest('is accessible, as far as axe-core can tell, in light and dark', async ({ page }) => {
  const axe = createRequire(import.meta.url)('axe-core');
  await page.evaluate(axe.source);
  const check = async (what) => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const faults = await page.evaluate(async () => {
        const { violations } = await globalThis.axe.run('.area-policies, dialog', { resultTypes: ['violations'] });
        return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
      });
      assert.deepEqual(faults, [], `${what}, ${colorScheme}`);
    }
  };
  await turn(page, 'NetEgressPolicy');
  await addFlag(page, '--allow-read=/etc');
  await open(page, 'FSAllowlistPolicy');
  const fs = card(page, 'FSAllowlistPolicy');
  await fs.getByRole('button', { name: 'Add a rule' }).click();
  for (const name of ['Network', 'Programs', 'Unix sockets', 'Environment', 'Machine facts', 'Limits', 'Layers', 'Audit', 'System calls', 'Extends'])
    await fs.getByRole('button', { name: `+ ${name}` }).click();
  await fs.getByRole('button', { name: 'Set a variable' }).click();
  await fs.locator('summary').first().click();
  await mistakes(page, 'FSAllowlistPolicy').waitFor();
  await check('tables');
  await fs.getByRole('tab', { name: 'Text' }).click();
  await fs.locator('.cm-line').first().waitFor();
  await check('texts');
  await view(page, 'Result');
  await check('the result');
  await askWhy(page, 'run', 'git');
  await page.getByRole('button', { name: 'Permit…' }).click();
  await page.getByRole('dialog').getByRole('radio', { name: 'Saved' }).check();
  await check('the permission');
  await page.getByRole('button', { name: 'Continue…' }).click();
  await check('the confirmation');
});
