// SPDX-License-Identifier: LGPL-2.1-or-later
/* A reporter for `node --test`: a line a test, and what went wrong. */
import { outcomes } from './outcomes.mjs';

export default async function* report(source) {
  for await (const { said, passed, skipped, seconds, name, cause } of outcomes(source)) {
    if (said !== undefined) {
      yield said;
      continue;
    }
    yield `${passed ? (skipped ? 'skip' : 'ok  ') : 'FAIL'} ${seconds.toFixed(1)}s ${name}\n`;
    if (!passed)
      yield `${cause}\n`;
  }
}
