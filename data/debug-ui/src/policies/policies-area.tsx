// SPDX-License-Identifier: LGPL-2.1-or-later
/* Cards, flags, what they come to, and why. */
import { useLayoutEffect, useRef } from 'preact/hooks';

import './policies.css';

import { _, format, number } from '../i18n';
import { merged } from '../state/policies';
import { TabList, tabId } from '../ui/tab-list';
import { Cards } from './cards';
import { levelColour, levelSentence, levelWord, NOTHING } from './levels';
import { view, type View } from './places';
import { Result } from './result';
import { Why } from './why';

const PANEL = 'policies-panel';

function Summary() {
  const { level, allow, deny, warn } = merged.value?.summary ?? NOTHING;
  const mistakes = merged.value?.problems.length ?? 0;
  return (
    <section class="summary" aria-label={_('What the policies grant')}>
      <p>
        <span class={`badge ${levelColour(level)}`}>{levelWord(level)}</span>
        <span class="counts">
          <span class="allow">{number(allow)}</span> {_('allow')} · <span class="deny">{number(deny)}</span> {_('deny')} · <span class="warn">{number(warn)}</span> {_('warn')}
        </span>
      </p>
      <p class="quiet">{levelSentence(level)}</p>
      {mistakes > 0 && <p class="problem" role="alert">{format(_('Mistakes: %1. Nothing can be run with these policies until they are corrected.'), number(mistakes))}</p>}
    </section>
  );
}

export function PoliciesArea() {
  const items = [{ id: 'cards', label: _('Policies') }, { id: 'result', label: _('Result') }, { id: 'why', label: _('Why?') }];
  const own = useRef<HTMLDivElement>(null);

  /* Another view begins at its top; the summary stays above it. */
  useLayoutEffect(() => { own.current?.parentElement?.scrollTo(0, 0); }, [view.value]);
  return (
    <div class="policies" ref={own}>
      <Summary />
      <TabList label={_('Policies')} panel={PANEL} items={items} selected={view.value} onSelect={(id) => { view.value = id as View; }} />
      <div id={PANEL} role="tabpanel" aria-labelledby={tabId(PANEL, view.value)}>
        {view.value === 'cards' && <Cards />}
        {view.value === 'result' && <Result />}
        {view.value === 'why' && <Why />}
      </div>
    </div>
  );
}
