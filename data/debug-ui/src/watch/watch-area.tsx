// SPDX-License-Identifier: LGPL-2.1-or-later
/* What workers do. */
import type { ComponentChildren } from 'preact';

import { _, format, number } from '../i18n';
import { TabList, tabId } from '../ui/tab-list';
import { Permitting } from './event-actions';
import { EventsPane } from './events-pane';
import { FlowsPane } from './flows-pane';
import { LayersPane } from './layers-pane';
import { MessagesPane } from './messages-pane';
import { ProcessesPane } from './processes-pane';
import { RingsPane } from './rings-pane';
import { waitingRequests } from './sent-messages';
import { SyscallsPane } from './syscalls-pane';
import './watch.css';
import { pane, view, worker } from './watch-state';

const PANEL = 'watch-panel';

function Pane() {
  switch (pane.value) {
    case 'flows': return <FlowsPane />;
    case 'processes': return <ProcessesPane />;
    case 'rings': return <RingsPane />;
    case 'syscalls': return <SyscallsPane />;
    case 'messages': return <MessagesPane />;
    case 'layers': return <LayersPane />;
    default: return <EventsPane />;
  }
}

/* Draws alone: the whole area need not come again for a number. */
function Denied() {
  void view.version.value;
  const denied = view.counts.get('deny') ?? 0;
  return denied > 0 ? <span class="badge deny">{format(_('%1 denied'), number(denied))}</span> : null;
}

function Waiting() {
  const waiting = worker.value === null ? 0 : waitingRequests(worker.value);
  return waiting > 0 ? <span class="badge warn">{format(_('%1 to answer'), number(waiting))}</span> : null;
}

function LayersOff() {
  const off = worker.value?.state.value.layers.filter((layer) => layer.state === 'off').length ?? 0;
  return off > 0 ? <span class="badge deny">{format(_('%1 off'), number(off))}</span> : null;
}

function label(name: string, badge: ComponentChildren): ComponentChildren {
  return <>{name}{badge}</>;
}

export function WatchArea() {
  const items = [
    { id: 'events', label: label(_('Events'), <Denied />) },
    { id: 'flows', label: _('Flows') },
    { id: 'processes', label: _('Processes') },
    { id: 'rings', label: _('Rings') },
    { id: 'syscalls', label: _('System calls') },
    { id: 'messages', label: label(_('Messages'), <Waiting />) },
    { id: 'layers', label: label(_('Layers'), <LayersOff />) },
  ];
  const selected = items.some((item) => item.id === pane.value) ? pane.value : 'events';
  return (
    <div class="watch">
      <TabList label={_('Watch')} items={items} selected={selected} panel={PANEL} onSelect={(id) => { pane.value = id; }} />
      <div id={PANEL} class="watch-panel" role="tabpanel" tabIndex={0} aria-labelledby={tabId(PANEL, selected)}><Pane /></div>
      <Permitting />
    </div>
  );
}
