// SPDX-License-Identifier: LGPL-2.1-or-later
/* The events: a table that follows its end, filtered, grouped; and what the row under the cursor says. */
import { useId, useRef, useState } from 'preact/hooks';

import { _ } from '../i18n';
import { VirtualList } from '../ui/virtual-list';
import { permit } from './event-actions';
import { EventDetails } from './event-details';
import { EventRow, GroupRow, ROW } from './event-row';
import { useEventRows, type Rows } from './event-rows';
import { Counts, Status, Tools } from './events-tools';
import { follow, scope, view } from './watch-state';

const HEAD = 27;
const PAGE = 15;

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

/* Where a key moves the cursor to. */
function target(key: string, { at, length }: Rows): number | undefined {
  return {
    ArrowDown: at + 1, ArrowUp: at < 0 ? length - 1 : at - 1, Home: 0, End: length - 1, PageDown: at + PAGE, PageUp: at - PAGE,
  }[key];
}

/* false: the key is none of the table's. */
function onTableKey(key: string, rows: Rows, details: boolean, setDetails: (open: boolean) => void): boolean {
  const { cursor, groups } = rows;
  const to = target(key, rows);
  if (to !== undefined)
    rows.moveTo(to);
  else if (key === 'ArrowRight' || key === 'ArrowLeft')
    rows.setOpen(cursor, key === 'ArrowRight');
  else if (key === 'Enter' && cursor.group !== null)
    rows.setOpen(cursor, groups?.isOpen(cursor.group) !== true);
  else if (key === 'Enter' && cursor.event !== null)
    setDetails(true);
  else if (key === 'p' && cursor.event !== null)
    permit(cursor.event);
  else if (key === 'Escape' && details)
    setDetails(false);
  else
    return false;
  return true;
}

function Table({ rows, details, onDetails }: { rows: Rows; details: boolean; onDetails(open: boolean): void }) {
  const id = useId();
  const { groups, at } = rows;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== event.currentTarget)
      return;
    if (onTableKey(event.key, rows, details, onDetails))
      event.preventDefault();
  };
  const draw = (index: number, slot: number) => {
    const { group, event } = rows.row(index);
    const common = { id: `${id}-${index}`, index, selected: index === at };
    if (group !== null) {
      const open = groups?.isOpen(group) === true;
      return <GroupRow key={slot} {...common} group={group} open={open} onToggle={() => { rows.select({ group, event }); rows.setOpen({ group, event }, !open); }} />;
    }
    const onOpen = () => {
      follow.value = false;
      rows.select({ group, event });
      onDetails(true);
    };
    return event === null ? null : <EventRow key={slot} {...common} event={event} level={groups === null ? 1 : 2} withWorker={scope.value === 'all'} onOpen={onOpen} />;
  };
  return (
    <VirtualList count={rows.length} rowHeight={ROW} row={draw} follow={follow.value && groups === null} onFollow={(value) => { follow.value = value; }}
      dropped={groups === null ? view.gone : 0} active={at < 0 ? null : at} head={<Head />} headHeight={HEAD} label={_('Events')}
      role={groups === null ? 'grid' : 'treegrid'} class="events"
      attributes={{
        'onKeyDown': onKeyDown, 'aria-rowcount': rows.length + 1, 'aria-activedescendant': at < 0 ? undefined : `${id}-${at}`,
        'aria-keyshortcuts': 'Enter p',
      }} />
  );
}

export function EventsPane() {
  const own = useRef<HTMLDivElement>(null);
  const [details, setDetails] = useState(false);
  const rows = useEventRows();
  const { event } = rows.cursor;
  /* Also one that the filter has taken from the table, but not one of a run that is gone. */
  const shown = details && event !== null && view.has(event) ? event : null;
  const closeDetails = () => {
    setDetails(false);
    own.current?.querySelector<HTMLElement>('.virtual-list')?.focus();
  };
  return (
    <div class="events-pane" ref={own}>
      <Tools />
      <div class="events-line"><Counts /><Status /></div>
      <div class={`events-body ${shown === null ? '' : 'with-details'}`}>
        {rows.length === 0 ? <Empty /> : <Table rows={rows} details={details} onDetails={setDetails} />}
        {shown !== null && <EventDetails event={shown} onClose={closeDetails} />}
      </div>
    </div>
  );
}
