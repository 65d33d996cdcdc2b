// SPDX-License-Identifier: LGPL-2.1-or-later
/* Where a rule is written, and the way there if it is in a card or a flag of this page. */
import { _ } from '../i18n';
import { isShown, showRule, sourceText } from '../policies/places';
import type { RuleSource } from '../protocol';
import { plain } from '../ui/plain';

export function RuleLink({ rule }: { rule: RuleSource }) {
  const text = <span class="mono value">{plain(sourceText(rule))}</span>;
  return isShown(rule) ? <button type="button" class="link" title={_('Show the rule')} onClick={() => showRule(rule)}>{text}</button> : text;
}
