// SPDX-License-Identifier: LGPL-2.1-or-later
/* Above the table of events: the filter, what else can be done with them, and how many there are. */
import { _, format, number } from '../i18n';
import { announce } from '../ui/announce';
import { copyText } from './event-details';
import { actionClass } from './event-row';
import { toggled } from './filter';
import { FilterBox } from './filter-box';
import type { Grouping } from './groups';
import { ScopeSwitch } from './scope-switch';
import { filterText, follow, grouping, paused, view, watched } from './watch-state';

const MOST_COPIED = 20_000;
const ACTIONS = ['deny', 'warn', 'allow', 'opened', 'closed', 'started', 'exited', 'failed', 'dropped', 'notice'];

export function Counts() {
  void view.version.value;
  return (
    <div class="action-counts" role="group" aria-label={_('Operations by verdict')}>
      {ACTIONS.filter((action) => view.counts.has(action)).map((action) => {
        const term = `action:${action}`;
        const on = filterText.value.split(/\s+/).includes(term);
        return (
          <button key={action} type="button" class={`badge ${actionClass(action)}`} aria-pressed={on} onClick={() => { filterText.value = toggled(filterText.value, term); }}>
            {action} {number(view.counts.get(action) ?? 0)}
          </button>
        );
      })}
    </div>
  );
}

function copyLines(): void {
  const from = Math.max(0, view.length - MOST_COPIED);
  const lines = [];
  for (let i = from; i < view.length; i++)
    lines.push(JSON.stringify(view.at(i)));
  void copyText(lines.join('\n') + '\n');
  if (from > 0)
    announce(format(_('Copied the last %1 events'), number(MOST_COPIED)));
}

function GroupSelect() {
  const names: [Grouping, string][] = [
    ['none', _('No groups')], ['object', _('By object')], ['rule', _('By rule')], ['host', _('By host')], ['kind', _('By kind')], ['worker', _('By run')],
  ];
  return (
    <select aria-label={_('Group')} value={grouping.value} onChange={(event) => { grouping.value = event.currentTarget.value as Grouping; }}>
      {names.map(([id, name]) => <option key={id} value={id}>{name}</option>)}
    </select>
  );
}

export function Tools() {
  return (
    <div class="watch-tools">
      <FilterBox />
      <GroupSelect />
      <ScopeSwitch />
      <button type="button" aria-pressed={paused.value} onClick={() => { paused.value = !paused.value; }}>{paused.value ? _('Continue') : _('Pause')}</button>
      <button type="button" aria-pressed={follow.value && grouping.value === 'none'} disabled={grouping.value !== 'none'} onClick={() => { follow.value = !follow.value; }}>{_('Follow')}</button>
      <button type="button" onClick={copyLines}>{_('Copy')}</button>
      <button type="button" onClick={() => { view.clear(); }}>{_('Clear')}</button>
    </div>
  );
}

export function Status() {
  void view.version.value;
  const waiting = paused.value ? watched.value.reduce((sum, one) => { void one.events.version.value; return sum + view.waiting(one.events); }, 0) : 0;
  return (
    <p class="quiet status">
      {view.length === view.total ? format(_('%1 events'), number(view.total)) : format(_('%1 of %2 events'), number(view.length), number(view.total))}
      {waiting > 0 && ` · ${format(_('paused, %1 more'), number(waiting))}`}
      {view.skipped > 0 && ` · ${format(_('%1 came too fast and were skipped'), number(view.skipped))}`}
    </p>
  );
}
