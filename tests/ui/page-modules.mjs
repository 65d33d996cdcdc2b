// SPDX-License-Identifier: LGPL-2.1-or-later
/* Modules of the page for node, bundled as the page is: tests of what needs no browser. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = process.env.BUNTIME_TEST_SOURCE ?? join(dirname(fileURLToPath(import.meta.url)), '../..');
const page = join(source, 'data/debug-ui');

/* names: below src/. All that they export, as one. */
export async function load(names) {
  const esbuild = createRequire(join(page, 'package.json'))('esbuild');
  const { outputFiles } = await esbuild.build({
    stdin: { contents: names.map((name) => `export * from './${name}';`).join('\n'), resolveDir: join(page, 'src'), loader: 'ts' },
    bundle: true, write: false, format: 'esm', jsx: 'automatic', jsxImportSource: 'preact',
  });
  const scratch = mkdtempSync(join(tmpdir(), 'buntime-page-'));
  try {
    const file = join(scratch, 'page.mjs');
    writeFileSync(file, outputFiles[0].text);
    return await import(file);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
