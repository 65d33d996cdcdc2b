// SPDX-License-Identifier: LGPL-2.1-or-later
/* What needs the audit policy says so, and turns it on. */
import { computed } from '@preact/signals';

import { _ } from '../i18n';
import { cards, flags, merged, updateCard } from '../state/policies';
import { announce } from '../ui/announce';

const CARD = 'audit';

/* For runs that begin now. */
export const audits = computed(() =>
  cards.value.some((card) => card.name === CARD && card.on) || flags.value.some((flag) => /^--audit(=|$)/.test(flag.flag)) ||
  (merged.value?.rules.some((rule) => rule.kind === 'audit') ?? false));

export function AuditOffer({ why }: { why: string }) {
  return (
    <div class="offer">
      <p>{why}</p>
      {audits.value
        ? <p class="quiet">{_('The audit policy is on for runs that begin now.')}</p>
        : (
          <button type="button" onClick={() => { updateCard(CARD, { on: true }); announce(_('The audit policy is on. Run again.')); }}>
            {_('Turn on the audit policy')}
          </button>
        )}
    </div>
  );
}
