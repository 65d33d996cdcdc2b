// SPDX-License-Identifier: LGPL-2.1-or-later
/* How much the policies grant, in one word. */
import { area } from '../app';
import { _, format, number } from '../i18n';
import { merged } from '../state/policies';
import { levelColour, levelSentence, levelWord, NOTHING } from './levels';
import { view } from './places';

export function PolicyBadge() {
  const { level, allow, deny, warn } = merged.value?.summary ?? NOTHING;
  const mistakes = merged.value?.problems.length ?? 0;
  const onClick = () => {
    view.value = mistakes > 0 ? 'cards' : 'result';
    area.value = 'policies';
  };

  return (
    <button type="button" class="plain policy-badge" title={levelSentence(level)} onClick={onClick}>
      <span class="hidden-text">{_('What the policies grant:')} </span>
      {mistakes > 0
        ? <span class="badge deny">{format(_('Mistakes: %1'), number(mistakes))}</span>
        : <span class={`badge ${levelColour(level)}`}>{levelWord(level)}</span>}
      <span class="hidden-text">
        {format(_('Allowed: %1, denied: %2, with a warning: %3'), number(allow), number(deny), number(warn))}
      </span>
    </button>
  );
}
