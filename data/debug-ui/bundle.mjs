// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The page as it is served, made by esbuild.
 *
 *   bundle.mjs OUT [--depfile=FILE --target=NAME]   into the folder OUT; what it read, for ninja
 *   bundle.mjs OUT --watch                          again whenever a file changes
 *   bundle.mjs --dist                               into a release that meson is making
 *
 * Nothing in it names another host: what the page loads comes from the server that served it.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import * as esbuild from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, 'src');
/* Of the templates. */
const INDEX = join(here, '../examples/templates/index.json');
const PRESETS = readdirSync(join(here, '../../policies')).filter((name) => name.endsWith('.json')).map((name) => join(here, '../../policies', name));
const COPIED = ['index.html', 'icon.svg'];

function options(out, watch) {
  return {
    absWorkingDir: here,
    entryPoints: { app: join(source, 'main.tsx') },
    outdir: out,
    bundle: true,
    format: 'esm',
    /* What is imported when it is wanted has a file of its own, and what both need another. */
    splitting: true,
    chunkNames: '[name]',
    target: ['chrome123', 'firefox121', 'safari17.5'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: !watch,
    metafile: true,
    legalComments: 'linked',
    logLevel: 'warning',
  };
}

/*
 * The texts that are translated, one JSON string a line. esbuild takes away the types and writes each literal
 * in one way, so that a pattern finds them; what is translated must be a literal.
 */
function messages(inputs, out) {
  const found = new Set(JSON.parse(readFileSync(INDEX, 'utf8')).flatMap(({ title, description }) => [title, description]));
  /* Of a preset each sentence: cards show them all, and `buntime policy list` the first. */
  for (const preset of PRESETS)
    JSON.parse(readFileSync(preset, 'utf8')).description.split(/(?<=\.) /).forEach((sentence) => found.add(sentence));
  for (const name of inputs.filter((one) => one.startsWith('src/') && /\.tsx?$/.test(one))) {
    const plain = esbuild.transformSync(readFileSync(join(here, name), 'utf8'),
      { loader: name.endsWith('x') ? 'tsx' : 'ts', jsx: 'automatic', jsxImportSource: 'preact' }).code;
    for (const [call, literal] of plain.matchAll(/(?<![\w$.]|function )_\((?:("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\$]|\\.)*`)\))?/g)) {
      if (literal === undefined)
        throw new Error(`${name}: ${call} is not of one literal, so that nobody could translate it`);
      const text = literal.slice(1, -1);
      found.add(literal[0] === '"' ? JSON.parse(literal) : text.replace(/\\(['`\\])/g, '$1'));
    }
  }
  writeFileSync(join(out, 'messages.txt'), [...found].sort().map((text) => JSON.stringify(text) + '\n').join(''));
}

function legalFile(out) {
  /* esbuild writes none where no library wants one; what is in a resource must be there. */
  const file = join(out, 'app.js.LEGAL.txt');
  try {
    readFileSync(file);
  } catch {
    writeFileSync(file, '');
  }
}

async function bundle(out, depfile, target) {
  mkdirSync(out, { recursive: true });
  for (const name of COPIED)
    copyFileSync(join(source, name), join(out, name));
  const { metafile } = await esbuild.build(options(out, false));
  const inputs = Object.keys(metafile.inputs);
  legalFile(out);
  messages(inputs, out);
  if (depfile !== undefined) {
    const files = [...inputs.map((name) => join(here, name)), ...COPIED.map((name) => join(source, name)), INDEX, ...PRESETS, join(here, 'package-lock.json')];
    writeFileSync(depfile, `${target}: ${files.map((name) => relative(process.cwd(), name).replace(/[ #$]/g, '\\$&')).join(' ')}\n`);
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { depfile: { type: 'string' }, target: { type: 'string' }, watch: { type: 'boolean' }, dist: { type: 'boolean' } },
});
if (values.dist) {
  await bundle(join(process.env.MESON_DIST_ROOT, 'data/debug-ui/dist'));
} else if (values.watch) {
  const out = resolve(positionals[0]);
  await bundle(out);
  await (await esbuild.context(options(out, true))).watch();
} else {
  await bundle(resolve(positionals[0]), values.depfile, values.target);
}
