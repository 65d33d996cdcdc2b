// SPDX-License-Identifier: LGPL-2.1-or-later
/* What all that is on comes to: every rule in force, and where it came from. */
import { useState } from 'preact/hooks';

import { _, format, number } from '../i18n';
import type { MergedRule } from '../protocol';
import { merged } from '../state/policies';
import { CommandLine } from './command-line';
import { CardDialogs } from './dialogs';
import { download } from './files';
import { isShown, showRule, sourceText } from './places';
import { isCurrent } from './validation';

/* A person reads no more; filters reach the rest. */
const MOST_ROWS = 500;

function matches(rule: MergedRule, words: string[]): boolean {
  const text = `${rule.action ?? ''} ${rule.text} ${rule.rule === null ? '' : sourceText(rule.rule)}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

export function ActionBadge({ action }: { action: MergedRule['action'] }) {
  return <span class={`badge ${action ?? ''}`}>{action ?? _('set')}</span>;
}

/* The badge says the action. */
const withoutAction = ({ kind, action, text }: MergedRule) => text.replace(`${kind}: ${action} `, `${kind}: `);

function Row({ rule }: { rule: MergedRule }) {
  const source = rule.rule;
  return (
    <li>
      <ActionBadge action={rule.action} />
      <span class="mono what">{withoutAction(rule)}</span>
      {source !== null && (isShown(source)
        ? <button type="button" class="plain small mono where" onClick={() => showRule(source)}>{sourceText(source)}</button>
        : <span class="mono quiet where">{sourceText(source)}</span>)}
    </li>
  );
}

export function Result() {
  const [filter, setFilter] = useState('');
  const all = merged.value?.rules ?? [];
  const words = filter.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const rules = all.filter((rule) => matches(rule, words));
  const policy = merged.value?.policy ?? null;

  return (
    <div class="result">
      <CommandLine />
      <section aria-label={_('Rules in force')}>
        <div class="row group-row">
          <h2 class="group">{_('Rules in force')}</h2>
          <span class="quiet" role="status">{format(_('%1 of %2'), number(rules.length), number(all.length))}</span>
          <span class="space" />
          <button type="button" class="small" disabled={policy === null || !isCurrent.value} onClick={() => download('merged', policy!)}>{_('Export merged')}</button>
        </div>
        <input type="search" aria-label={_('Filter the rules')} placeholder={_('Filter: deny net 443')} value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
        <ul class="rules">{rules.slice(0, MOST_ROWS).map((rule, index) => <Row key={index} rule={rule} />)}</ul>
        {rules.length > MOST_ROWS && <p class="quiet">{format(_('The first %1; filter for the others.'), number(MOST_ROWS))}</p>}
        {rules.length === 0 && <p class="quiet">{all.length > 0 ? _('No rule has these words.') : _('There is no result while there are mistakes.')}</p>}
      </section>
      <CardDialogs />
    </div>
  );
}
