// SPDX-License-Identifier: LGPL-2.1-or-later
/* Whoever sees little, or uses no pointer, can use it: axe-core's rules, and the keyboard. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { assert, browserTest, source } from './harness.mjs';
import { connected, runCode, waitForOutput } from './steps.mjs';

const AXE = readFileSync(join(source, 'tests/ui/node_modules/axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/* What axe finds wrong: the rule, and where. */
async function faultsOf(page) {
  /* The page's own policy lets no such script in; the debugger is not bound by it. */
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: AXE });
  const results = await page.evaluate((tags) => globalThis.axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }), RULES);
  return results.violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.flat().join(' ')}: ${failureSummary.split('\n').slice(1).join(';')}`));
}

const PROGRAM = `
import sys
print("\\x1b[31mred\\x1b[0m \\x1b[1;92mbright\\x1b[0m \\x1b[7minverse\\x1b[0m")
print("to stderr", file=sys.stderr)
try:
    open("/etc/shadow-of-it", "w")
except OSError as error:
    print(error)
raise ValueError("the end")
`;

for (const scheme of ['light', 'dark']) {
  for (const [size, viewport] of [['wide', { width: 1440, height: 900 }], ['narrow', { width: 360, height: 740 }]]) {
    browserTest(`axe finds nothing: ${scheme}, ${size}`, { page: { colorScheme: scheme, viewport, reducedMotion: 'reduce' } }, async ({ page }) => {
      await connected(page);
      assert.deepEqual(await faultsOf(page), []);
      await runCode(page, PROGRAM);
      await waitForOutput(page, 'ValueError');
      assert.deepEqual(await faultsOf(page), []);
      const areas = size === 'narrow' ? ['Policies', 'Watch'] : [null];
      for (const area of areas) {
        if (area !== null)
          await page.getByRole('navigation', { name: 'Areas' }).getByRole('button', { name: area }).click();
        if (area !== null)
          for (const [name, part] of [['Policies', '.area-policies'], ['Watch', '.area-watch'], ['Code', '.area-code']])
            assert.equal(await page.locator(part).isVisible(), name === area, `${part} while ${area} is chosen`);
        if (area !== 'Policies')
          for (const tab of await page.locator('.area-watch').getByRole('tab').all()) {
            await tab.click();
            assert.deepEqual(await faultsOf(page), [], await tab.innerText());
          }
        else
          assert.deepEqual(await faultsOf(page), []);
      }
      /* Nothing is wider than the screen. */
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    });
  }
}

browserTest('everything is reached by Tab, and the editor lets go', async ({ page }) => {
  await connected(page);
  const seen = new Set();
  /* What has the focus, also inside the editor's own tree. */
  const focused = () => page.evaluate(() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement)
      element = element.shadowRoot.activeElement;
    return element === document.body || element === null ? null
      : element.getAttribute('aria-label') ?? element.textContent.trim().slice(0, 40) ?? element.tagName;
  });
  for (let i = 0; i < 200; i++) {
    await page.keyboard.press('Tab');
    const name = await focused();
    if (name === null && seen.size > 0)
      break; /* the browser's own bars: once round */
    if (name !== null)
      seen.add(name);
  }
  assert.ok(seen.has('Run') || [...seen].some((name) => name.startsWith('Run')), [...seen].join(' | '));
  assert.ok([...seen].some((name) => name.startsWith('Code of')), [...seen].join(' | '));
  assert.ok(seen.has('Colours'), [...seen].join(' | '));
  assert.ok([...seen].some((name) => name.startsWith('Events')), [...seen].join(' | '));
});
