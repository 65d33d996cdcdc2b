// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the tests of the Watch area share. */
import { assert } from './harness.mjs';

export const PANEL = '#watch-panel';

/* Begins anew with these programs and policies, as if they had been typed in. */
export async function begin(page, { tabs, cards = [], flags = [], pane = 'events', all = false }) {
  const kept = {
    tabs: tabs.map((tab, index) => ({ id: `tab-${index}`, name: `prog${index}`, language: 'python', args: [], template: null, worker: null, ...tab })),
    active: 'tab-0',
    cards,
    flags: flags.map((flag) => ({ flag, scope: 'page' })),
    'watch-pane': pane,
    'watch-scope': all ? 'all' : 'tab',
  };
  await page.getByText('Connected', { exact: true }).waitFor();
  await page.addInitScript((values) => {
    if (sessionStorage.getItem('test-begun') !== null)
      return;
    sessionStorage.setItem('test-begun', '1');
    for (const [name, value] of Object.entries(values))
      sessionStorage.setItem(`buntime-${name}`, JSON.stringify(value));
  }, kept);
  await page.reload();
  await page.getByText('Connected', { exact: true }).waitFor();
}

export async function run(page) {
  await page.getByRole('button', { name: 'Run', exact: true }).click();
}

export function pane(page, name) {
  return page.locator('.watch').getByRole('tab', { name: new RegExp(`^${name}`) }).click();
}

export function rows(page) {
  return page.locator(`${PANEL} .event-row:not(.head):not(.grouped)`);
}

/* Until `look` gives what is wanted. */
export async function until(look, wanted, what) {
  const end = Date.now() + 12_000;
  let last;
  do {
    last = await look();
    if (wanted(last))
      return last;
    await new Promise((resolve) => { setTimeout(resolve, 40); });
  } while (Date.now() < end);
  assert.fail(`${what}: ${JSON.stringify(last)}`);
}

export async function fillFilter(page, text) {
  await page.getByRole('combobox', { name: 'Filter' }).fill(text);
}
