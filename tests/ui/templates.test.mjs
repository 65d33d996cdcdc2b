// SPDX-License-Identifier: LGPL-2.1-or-later
/* Each template, opened and run in the page: what it prints and which events it makes. */
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { assert, browserTest, source } from './harness.mjs';
import { connected } from './steps.mjs';
import { fillFilter, rows, until } from './watching.mjs';

const INDEX = JSON.parse(readFileSync(join(source, 'data/examples/templates/index.json'), 'utf8'));
const OUTCOMES = JSON.parse(readFileSync(join(source, 'tests/sandbox/templates.json'), 'utf8')
  .replaceAll('SHELL', realpathSync('/bin/sh')));
/* Those that do not go by attempts: how they end, and a line that they print. */
const OTHERS = {
  hello_world: { end: /^Exit 0 /, line: /^Hello from Python 3\./, events: [['deny', 'net', '192.0.2.7:80 (tcp)']] },
  limits: { end: /timed out/i, line: /./, events: [['deny', 'limit', 'wallTime']] },
  limits_memory: { end: /^Exit 0 |137/, line: /./, events: [] },
};

/* A Bun as it installs itself, of which only the place counts; and what a home has. */
function furnish(home) {
  mkdirSync(join(home, '.bun/bin'), { recursive: true });
  writeFileSync(join(home, '.bun/bin/bun'), '#!/bin/sh\necho 1.0\n', { mode: 0o755 });
  writeFileSync(join(home, '.bashrc'), "alias ll='ls -l'\n");
}

async function openTemplate(page, id) {
  await page.getByRole('button', { name: 'Templates', exact: true }).click();
  const { title } = INDEX.find((one) => one.id === id);
  await page.getByRole('dialog', { name: 'Templates' }).getByRole('button', { name: title }).filter({ hasText: id }).first().click();
}

async function runTemplate(page, id) {
  await openTemplate(page, id);
  await page.getByRole('tab', { name: new RegExp(`^${id}\\.`) }).waitFor();
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  const end = page.locator('.exit-line');
  await end.waitFor({ timeout: 40_000 });
  return await end.innerText();
}

async function outputOf(page) {
  return (await page.locator('.console-row').allTextContents()).map((text) => text.trimEnd());
}

function hasEvent(texts, [action, kind, object], home) {
  const wanted = object.replace('HOME', home);
  return texts.some((text) => text.includes(action) && text.includes(kind) && text.includes(wanted));
}

async function check(page, server, id) {
  const end = await runTemplate(page, id);
  const lines = await outputOf(page);
  const { attempts = {}, events, end: wantedEnd = /^Exit 0 /, line = /./ } = OUTCOMES[id] ?? OTHERS[id];
  assert.match(end, wantedEnd, id);
  assert.ok(lines.some((one) => line.test(one)), `${id}: ${lines.join('\n')}`);
  for (const [what, came] of Object.entries(attempts)) {
    const at = lines.indexOf(what);
    assert.ok(at >= 0, `${id}: ${what} in ${lines.join('\n')}`);
    assert.ok(lines[at + 2].replace(/^ {2}came {5}/, '').startsWith(came.trimEnd()), `${id}: ${what}: ${lines[at + 2]}`);
  }
  /* The end is drawn at once; events are taken, and filtered, with the next frame. */
  await fillFilter(page, '-action:allow -kind:state');
  for (const event of events)
    await until(() => rows(page).allTextContents(), (texts) => hasEvent(texts, event, server.home), `${id}: ${event}`);
}

/* In two parts, of about the same length. */
const GROUPS = [['basics', 'files', 'limits'], ['network', 'programs']];

for (const groups of GROUPS) {
  browserTest(`templates: ${groups.join(', ')}`, { timeout: 150_000, page: { viewport: { width: 1900, height: 1300 } } }, async ({ page, server }) => {
    furnish(server.home);
    await connected(page);
    for (const { id, group } of INDEX)
      if (groups.includes(group))
        await check(page, server, id);
  });
}

browserTest('templates: messages, to a program that asks', { timeout: 60_000 }, async ({ page }) => {
  await connected(page);
  await openTemplate(page, 'ipc');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.locator('.area-watch').getByRole('tab', { name: /^Messages/ }).click();
  await page.getByRole('listbox', { name: 'Messages' }).getByText('What is your name?').click();
  const message = page.getByRole('region', { name: 'Message' });
  await message.getByRole('textbox', { name: 'Answer' }).fill('Ada');
  await message.getByRole('button', { name: 'Answer', exact: true }).click();
  await page.locator('.console-row', { hasText: 'You answered: Ada' }).waitFor();
});

browserTest('every template is in one of these', async () => {
  const seen = INDEX.filter(({ id, group }) => (id in OUTCOMES || id in OTHERS) && GROUPS.flat().includes(group)).map(({ id }) => id);
  assert.deepEqual([...seen, 'ipc'].sort(), INDEX.map(({ id }) => id).sort());
});
