// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which run a pane is about, and what became of it. */
import type { ComponentChildren } from 'preact';

import { _, clock, duration, format } from '../i18n';
import type { WorkerState } from '../protocol';
import type { Worker } from '../state/workers';
import { worker } from './watch-state';

function stateText(state: WorkerState): string {
  switch (state.state) {
    case 'starting': return _('starting');
    case 'running': return _('running');
    case 'failed': return _('could not be started');
    default: return format(_('exited with %1 after %2'), state.exit ?? 0, duration((state.ended ?? state.started) - state.started));
  }
}

export function RunLine({ of, children }: { of: Worker; children?: ComponentChildren }) {
  const state = of.state.value;
  return (
    <div class="run-line">
      <span class="mono">{state.name}</span>
      <span class={`badge ${state.state === 'running' ? 'allow' : state.state === 'failed' ? 'deny' : ''}`}>{stateText(state)}</span>
      {state.started > 0 && <span class="quiet">{format(_('since %1'), clock(state.started))}</span>}
      {children}
    </div>
  );
}

/* A pane about the tab's last run; without one it says what would be here. */
export function OfWorker({ what, children }: { what: string; children(worker: Worker): ComponentChildren }) {
  const of = worker.value;
  if (of === null)
    return <div class="empty"><p>{_('This tab has not run yet.')}</p><p class="quiet">{what}</p></div>;
  return <>{children(of)}</>;
}
