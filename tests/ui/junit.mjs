// SPDX-License-Identifier: LGPL-2.1-or-later
/* A reporter for `node --test`: a junit file, which tests/run counts. (Debian's node has none yet.) */
import { outcomes } from './outcomes.mjs';

const escape = (text) => String(text).replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/g, '?')
  .replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]);

export default async function* report(source) {
  yield '<testsuites><testsuite name="ui">\n';
  for await (const { said, passed, skipped, seconds, file, name, message, cause } of outcomes(source)) {
    if (said !== undefined)
      continue;
    const body = passed ? (skipped ? '<skipped/>' : '') : `<failure message="${escape(message)}">${escape(cause)}</failure>`;
    yield `<testcase classname="${escape(file)}" name="${escape(name)}" time="${seconds}">${body}</testcase>\n`;
  }
  yield '</testsuite></testsuites>\n';
}
