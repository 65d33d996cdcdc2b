// SPDX-License-Identifier: LGPL-2.1-or-later
/* What `node --test` tells its reporters, of those tests that are no files. */

/* A file is a test around its tests: it counts only where it failed by itself. */
function isFile({ name, details }) {
  const text = details?.error?.cause?.message ?? details?.error?.message ?? '';
  return name.endsWith('.test.mjs') && (details?.error === undefined || /subtest/.test(text));
}

export async function* outcomes(source) {
  for await (const { type, data } of source) {
    if (type === 'test:stderr' || type === 'test:stdout')
      yield { said: data.message };
    if ((type !== 'test:pass' && type !== 'test:fail') || data.details?.type === 'suite' || isFile(data))
      continue;
    const error = data.details?.error;
    yield {
      passed: type === 'test:pass',
      skipped: data.skip !== undefined || data.todo !== undefined,
      seconds: (data.details?.duration_ms ?? 0) / 1000,
      file: (data.file ?? '').replace(/^.*\//, ''),
      name: data.name,
      message: error?.message ?? '',
      cause: error?.cause?.stack ?? error?.cause ?? error?.stack ?? '',
    };
  }
}
