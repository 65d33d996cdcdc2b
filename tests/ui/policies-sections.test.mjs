// SPDX-License-Identifier: LGPL-2.1-or-later
/* Every section that a policy's table has, used and looked at by axe-core. */
import { createRequire } from 'node:module';

import { assert, browserTest } from './harness.mjs';
import { addFlag, askWhy, card, create, mistakes, open, text, turn, view } from './policies.mjs';

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
  await mistakes(page, 'all').waitFor({ state: 'detached' });
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
