// SPDX-License-Identifier: LGPL-2.1-or-later
/* The page speaks the user's language, from the same catalogue as buntime itself. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { existsSync } from 'node:fs';

import { assert, browserTest } from './harness.mjs';

/* A German catalogue and a German locale, which a small system may lack, where only the server sees them. */
function german() {
  const folder = mkdtempSync(join(tmpdir(), 'buntime-language-'));
  writeFileSync(join(folder, 'de.po'), 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Connected"\nmsgstr "Verbunden"\n\nmsgid "Hello, world"\nmsgstr "Hallo, Welt"\n');
  execFileSync('msgfmt', ['-o', 'de.mo', 'de.po'], { cwd: folder });
  for (const name of ['de_DE.UTF-8', 'de_DE'])
    cpSync('/usr/lib/locale/C.utf8', join(folder, 'locale', name), { recursive: true });
  const options = Object.fromEntries(JSON.parse(readFileSync(join(process.env.BUNTIME_TEST_BUILD, 'meson-info/intro-buildoptions.json'), 'utf8'))
    .map(({ name, value }) => [name, value]));
  const catalogues = join(options.prefix, options.localedir, 'de/LC_MESSAGES');
  let place = catalogues;
  while (!existsSync(place))
    place = dirname(place);
  const script = `mount -t tmpfs catalogue ${place} && mkdir -p ${catalogues} && cp ${folder}/de.mo ${catalogues}/buntime.mo && exec "$@"`;
  return {
    wrap: ['unshare', '--user', '--map-current-user', '--keep-caps', '--mount', 'sh', '-c', script, 'sh'],
    args: ['ui', '--port=0'],
    env: { LC_ALL: 'de_DE.UTF-8', LANG: 'de_DE.UTF-8', LOCPATH: join(folder, 'locale') },
  };
}

browserTest('a German page for a German user', { server: german() }, async ({ page }) => {
  await page.getByText('Verbunden', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Templates', exact: true }).click();
  await page.getByText('Hallo, Welt', { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'de-DE');
});
