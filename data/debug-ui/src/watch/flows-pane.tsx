// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Connections on one axis of time, a row each: its name, the connection, TLS, the first byte, the rest.
 * The same in figures is a table, which is also what there is for those who see no bars.
 */
import { useId, useRef, useState } from 'preact/hooks';

import { _, format, number } from '../i18n';
import { VirtualList } from '../ui/virtual-list';
import { useWidth } from '../ui/width';
import { AuditOffer } from './audit-offer';
import { canPermit, permit } from './event-actions';
import { EventDetails } from './event-details';
import { Cells, FlowHead, Legend, Waterfall } from './flow-row';
import { fit, moved, zoomed, type Flow, type Range } from './flows';
import { ScopeSwitch } from './scope-switch';
import { useFlows } from './use-flows';

const ROW = 28;
/* Of the table where its figures are in two lines below the name. */
const STACKED_ROW = 66;
const NARROW = 560;
const CLOSER = 0.5;
const ALONG = 0.2;

function Empty({ audited }: { audited: boolean }) {
  return (
    <div class="empty">
      <p>{_('No connections yet.')}</p>
      {!audited && <AuditOffer why={_('Connections are reported under the audit policy; without it only those that are denied show here.')} />}
    </div>
  );
}

/* What is seen of the axis; null: all of it. */
interface Axis {
  chosen: Range | null;
  range: Range;
  flow: Flow | undefined; /* that is looked at */
  onChange(range: Range | null): void;
}

function AxisTools({ chosen, range, flow, onChange }: Axis) {
  return (
    <div class="button-group" role="group" aria-label={_('Time that is shown')}>
      <button type="button" disabled={chosen === null} onClick={() => onChange(null)}>{_('Fit')}</button>
      <button type="button" aria-label={_('Closer')} onClick={() => onChange(zoomed(range, CLOSER, flow))}>+</button>
      <button type="button" aria-label={_('Wider')} onClick={() => onChange(zoomed(range, 1 / CLOSER))}>−</button>
      <button type="button" aria-label={_('Earlier')} onClick={() => onChange(moved(range, -ALONG))}>←</button>
      <button type="button" aria-label={_('Later')} onClick={() => onChange(moved(range, ALONG))}>→</button>
    </div>
  );
}

/* false: the key is none of the axis's. */
function onAxisKey(key: string, { range, flow, onChange }: Axis): boolean {
  switch (key) {
    case '+': onChange(zoomed(range, CLOSER, flow)); return true;
    case '-': onChange(zoomed(range, 1 / CLOSER)); return true;
    case '0': onChange(null); return true;
    case 'ArrowLeft': onChange(moved(range, -ALONG)); return true;
    case 'ArrowRight': onChange(moved(range, ALONG)); return true;
    default: return false;
  }
}

interface ListProps {
  list: Flow[];
  at: number; /* -1: none is chosen */
  now: number;
  asTable: boolean;
  rowHeight: number;
  axis: Axis;
  onChoose(index: number | null): void;
}

function List({ list, at, now, asTable, rowHeight, axis, onChoose }: ListProps) {
  const id = useId();
  const [follow, setFollow] = useState(true);
  const choose = (index: number) => {
    setFollow(false);
    onChoose(Math.min(list.length - 1, Math.max(0, index)));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? list.length - 1 : at - 1, Home: 0, End: list.length - 1 }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey)
      return;
    if (to !== undefined)
      choose(to);
    else if (event.key === 'p' && at >= 0 && canPermit(list[at].event))
      permit(list[at].event);
    else if (event.key === 'Escape')
      onChoose(null);
    else if (!onAxisKey(event.key, axis))
      return;
    event.preventDefault();
  };
  const row = (index: number) => (
    <div key={list[index].key} id={`${id}-${index}`} role="row" aria-rowindex={index + 2} aria-selected={index === at}
      class={`flow-row ${list[index].state}`} onClick={() => choose(index)}>
      {asTable ? <Cells flow={list[index]} now={now} /> : <Waterfall flow={list[index]} now={now} range={axis.range} />}
    </div>
  );
  return (
    <VirtualList count={list.length} rowHeight={rowHeight} row={row} follow={follow} onFollow={setFollow} active={at < 0 ? null : at}
      label={_('Connections')} role="grid" head={<FlowHead asTable={asTable} range={axis.range} origin={list[0].from} />} headHeight={rowHeight}
      attributes={{ 'onKeyDown': onKeyDown, 'aria-rowcount': list.length + 1, 'aria-activedescendant': at < 0 ? undefined : `${id}-${at}` }} />
  );
}

export function FlowsPane() {
  const own = useRef<HTMLDivElement>(null);
  const { flows, now } = useFlows();
  const [chosenKey, setChosenKey] = useState<string | null>(null);
  const [asTable, setAsTable] = useState(false);
  const [seen, setSeen] = useState<Range | null>(null);
  const { list } = flows;
  const stacked = useWidth(own, NARROW + 1) <= NARROW && asTable;
  const at = chosenKey === null ? -1 : list.findIndex((flow) => flow.key === chosenKey);
  const axis: Axis = { chosen: seen, range: seen ?? fit(list, now), flow: list[at], onChange: setSeen };
  const choose = (index: number | null) => setChosenKey(index === null ? null : list[index]?.key ?? null);
  const closeDetails = () => {
    choose(null);
    own.current?.querySelector<HTMLElement>('.virtual-list')?.focus();
  };
  return (
    <div class="flows-pane" ref={own}>
      <div class="watch-tools">
        <ScopeSwitch />
        <AxisTools {...axis} />
        <button type="button" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>{_('As a table')}</button>
        <Legend />
        <span class="quiet status">{format(_('%1 connections and attempts'), number(list.length))}</span>
      </div>
      <div class={`events-body ${at >= 0 ? 'with-details' : ''} ${asTable ? 'as-table' : ''} ${stacked ? 'stacked' : ''}`}>
        {list.length === 0 ? <Empty audited={flows.audited} /> : (
          <div class="flow-list">
            {!flows.audited && <AuditOffer why={_('Only what was denied: connections are reported under the audit policy.')} />}
            <List list={list} at={at} now={now} asTable={asTable} rowHeight={stacked ? STACKED_ROW : ROW} axis={axis} onChoose={choose} />
          </div>
        )}
        {at >= 0 && <EventDetails event={list[at].event} onClose={closeDetails} />}
      </div>
    </div>
  );
}
