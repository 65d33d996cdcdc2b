// SPDX-License-Identifier: LGPL-2.1-or-later
/* What workers do. */
import { _ } from '../i18n';
import { TabList, tabId } from '../ui/tab-list';
import { EventsPane } from './events-pane';
import './watch.css';
import { pane } from './watch-state';

const PANEL = 'watch-panel';

function Pane() {
  switch (pane.value) {
    default:
      return <EventsPane />;
  }
}

export function WatchArea() {
  const items = [{ id: 'events', label: _('Events') }];
  return (
    <div class="watch">
      <TabList label={_('Watch')} items={items} selected={pane.value} panel={PANEL} onSelect={(id) => { pane.value = id; }} />
      <div id={PANEL} class="watch-panel" role="tabpanel" aria-labelledby={tabId(PANEL, pane.value)}><Pane /></div>
    </div>
  );
}
