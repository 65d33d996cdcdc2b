// SPDX-License-Identifier: LGPL-2.1-or-later
/* Where a rule is written. */
import type { RuleSource } from '../protocol';

export function RuleLink({ rule }: { rule: RuleSource }) {
  return <span class="mono value">{rule.line === null ? rule.source : `${rule.source}:${rule.line}`} {rule.text}</span>;
}
