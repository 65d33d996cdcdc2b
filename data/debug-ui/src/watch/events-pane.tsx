// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The events: a table that follows its end, filtered, grouped; and what the row under the cursor says.
 *
 * The cursor is on an event or a group, not on a number of a row: rows come and go under it.
 */
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';

import { _, format, number } from '../i18n';
import type { BuntimeEvent } from '../protocol';
import { announce } from '../ui/announce';
import { VirtualList } from '../ui/virtual-list';
import { permit } from './event-actions';
import { copyText, EventDetails } from './event-details';
import { EventRow, GroupRow, ROW, actionClass } from './event-row';
import { toggled } from './filter';
import { FilterBox } from './filter-box';
import { Groups, type Grouping, type Row } from './groups';
import { ScopeSwitch } from './scope-switch';
import { filterText, follow, grouping, oncePerFrame, paused, scope, view, watched } from './watch-state';

const HEAD = 27;
const PAGE = 15;
const MOST_COPIED = 20_000;
const NOTHING: Row = { group: null, event: null };
const ACTIONS = ['deny', 'warn', 'allow', 'opened', 'closed', 'started', 'exited', 'failed', 'dropped', 'notice'];

function Counts() {
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

function Tools() {
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

function Status() {
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

function Empty() {
  if (view.total > 0)
    return <p class="empty">{_('No event passes the filter.')}</p>;
  return (
    <div class="empty">
      <p>{_('No events yet.')}</p>
      <p class="quiet">{_('Run a program: what it is denied shows here, with the rule that would permit it. With the audit policy also what it is allowed.')}</p>
    </div>
  );
}

function Head() {
  return (
    <div role="row" class="event-row head" aria-rowindex={1}>
      <span role="columnheader">{_('Time')}</span>
      <span role="columnheader">{_('Action')}</span>
      <span role="columnheader">{_('Kind')}</span>
      <span role="columnheader">{_('Object')}</span>
      <span role="columnheader" class="who">{scope.value === 'all' ? _('Run') : _('Program or host')}</span>
      <span role="columnheader" class="rule-text">{_('Rule')}</span>
      <span role="columnheader" class="count">{_('Count')}</span>
      <span role="columnheader" class="act"><span class="hidden-text">{_('Permit')}</span></span>
    </div>
  );
}

/* The rows, of events or of groups and events. */
function useRows(groups: Groups | null) {
  return {
    length: groups === null ? view.length : groups.length,
    at: (index: number): Row => (groups === null ? { group: null, event: view.at(index) ?? null } : groups.at(index)),
    indexOf: (row: Row): number =>
      groups !== null ? groups.indexOf(row) : row.event === null ? -1 : view.indexOf(row.event),
  };
}

export function EventsPane() {
  const id = useId();
  const own = useRef<HTMLDivElement>(null);
  const [cursor, setCursor] = useState<Row>(NOTHING);
  const [details, setDetails] = useState(false);
  const [, redraw] = useState(0);
  const groups = useMemo(() => (grouping.value === 'none' ? null : new Groups(view, grouping.value)), [grouping.value]);
  /* Groups that came faster than they are put in order: once more when it is quiet. */
  const redrawSoon = useMemo(() => oncePerFrame(() => redraw((count) => count + 1)), []);
  void view.version.value;
  groups?.update(performance.now());
  const rows = useRows(groups);
  const at = rows.indexOf(cursor);

  const moveTo = (index: number) => {
    if (rows.length === 0)
      return;
    index = Math.min(rows.length - 1, Math.max(0, index));
    if (index < rows.length - 1)
      follow.value = false;
    setCursor(rows.at(index));
  };
  const setOpen = (open: boolean) => {
    if (groups !== null && cursor.group !== null) {
      groups.setOpen(cursor.group, open);
      redrawSoon();
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = {
      ArrowDown: at + 1, ArrowUp: at < 0 ? rows.length - 1 : at - 1, Home: 0, End: rows.length - 1, PageDown: at + PAGE, PageUp: at - PAGE,
    }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== event.currentTarget)
      return;
    if (to !== undefined)
      moveTo(to);
    else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft')
      setOpen(event.key === 'ArrowRight');
    else if (event.key === 'Enter' && cursor.group !== null)
      setOpen(!groups?.isOpen(cursor.group));
    else if (event.key === 'Enter' && cursor.event !== null)
      setDetails(true);
    else if (event.key === 'p' && cursor.event !== null)
      permit(cursor.event);
    else if (event.key === 'Escape' && details)
      setDetails(false);
    else
      return;
    event.preventDefault();
  };
  const closeDetails = () => {
    setDetails(false);
    own.current?.querySelector<HTMLElement>('.virtual-list')?.focus();
  };
  const row = (index: number, slot: number) => {
    const { group, event } = rows.at(index);
    const common = { id: `${id}-${index}`, index, selected: index === at };
    if (group !== null)
      return (
        <GroupRow key={slot} {...common} group={group} open={groups?.isOpen(group) ?? false} onSelect={() => setCursor({ group, event: null })} onOpen={() => {}}
          onToggle={() => { groups?.setOpen(group, !groups.isOpen(group)); redrawSoon(); }} />
      );
    return event === null ? null : (
      <EventRow key={slot} {...common} event={event} level={groups === null ? 1 : 2} withWorker={scope.value === 'all'}
        onSelect={() => { setCursor({ group: null, event }); follow.value = false; setDetails(true); }} onOpen={() => setDetails(true)} />
    );
  };
  /* Also one that the filter has taken from the table, but not one of a run that is gone. */
  const shown: BuntimeEvent | null = details && cursor.event !== null && view.has(cursor.event) ? cursor.event : null;

  useEffect(() => {
    if (groups === null)
      return undefined;
    const timer = setTimeout(redrawSoon, 600);
    return () => clearTimeout(timer);
  }, [view.version.value, groups]);

  return (
    <div class="events-pane" ref={own}>
      <Tools />
      <div class="events-line"><Counts /><Status /></div>
      <div class={`events-body ${shown === null ? '' : 'with-details'}`}>
        {rows.length === 0 ? <Empty /> : (
          <VirtualList count={rows.length} rowHeight={ROW} row={row} follow={follow.value && groups === null} onFollow={(value) => { follow.value = value; }}
            dropped={groups === null ? view.gone : 0} active={at < 0 ? null : at} head={<Head />} headHeight={HEAD} label={_('Events')}
            role={groups === null ? 'grid' : 'treegrid'} class="events"
            attributes={{
              'onKeyDown': onKeyDown, 'aria-rowcount': rows.length + 1, 'aria-activedescendant': at < 0 ? undefined : `${id}-${at}`,
              'aria-keyshortcuts': 'Enter p',
            }} />
        )}
        {shown !== null && <EventDetails event={shown} onClose={closeDetails} />}
      </div>
    </div>
  );
}
