// SPDX-License-Identifier: LGPL-2.1-or-later
/* A reporter for `node --test`: what happens on stdout, and a junit file (BUNTIME_JUNIT) for tests/run. */
import { writeFileSync } from 'node:fs';

const escape = (text) => String(text).replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/g, '?')
  .replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]);

export default async function* report(source) {
  const cases = [];
  for await (const { type, data } of source) {
    if (type === 'test:stderr' || type === 'test:stdout')
      yield data.message;
    if (type !== 'test:pass' && type !== 'test:fail')
      continue;
    /* A file is a test of its own around its tests; it counts only where it failed by itself. */
    const isFile = data.details?.type === 'suite' || data.name === data.file || data.name.endsWith('.test.mjs');
    if (isFile && (type === 'test:pass' || /subtest/.test(data.details?.error?.cause?.message ?? data.details?.error?.message ?? '')))
      continue;
    const skipped = data.skip !== undefined || data.todo !== undefined;
    const error = data.details?.error;
    const cause = error?.cause?.stack ?? error?.cause ?? error?.stack ?? '';
    const seconds = (data.details?.duration_ms ?? 0) / 1000;
    yield `${type === 'test:pass' ? (skipped ? 'skip' : 'ok  ') : 'FAIL'} ${seconds.toFixed(1)}s ${data.name}\n`;
    if (type === 'test:fail')
      yield `${cause}\n`;
    const body = type === 'test:fail' ? `<failure message="${escape(error?.message ?? '')}">${escape(cause)}</failure>` : skipped ? '<skipped/>' : '';
    const file = (data.file ?? '').replace(/^.*\//, '');
    cases.push(`<testcase classname="${escape(file)}" name="${escape(data.name)}" time="${seconds}">${body}</testcase>`);
  }
  if (process.env.BUNTIME_JUNIT !== undefined)
    writeFileSync(process.env.BUNTIME_JUNIT, `<testsuites><testsuite name="ui">${cases.join('\n')}</testsuite></testsuites>\n`);
}
