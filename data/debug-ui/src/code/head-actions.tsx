// SPDX-License-Identifier: LGPL-2.1-or-later
/* Run, stop and restart, for the tab that is shown. */
import { _ } from '../i18n';
import { status } from '../state/connection';
import { runs, workerOf } from '../state/workers';
import { active, busy, languages, restart, run, stop, stopAsked } from '../state/workspace';
import { announce, announceError } from '../ui/announce';

/* Why a program cannot be run now; null: it can. */
export function whyNotRun(): string | null {
  if (status.value !== 'open')
    return _('There is no connection to buntime');
  if (!languages.value.includes(active.value.language))
    return active.value.language === 'bun' ? _('Bun is not installed: see https://bun.sh') : _('Python is not installed');
  return null;
}

/* Ctrl+Enter: runs it, again if it runs. */
export function runActive(): void {
  const why = whyNotRun();
  if (why !== null) {
    announce(why, true);
    return;
  }
  const tab = active.value;
  void (runs(workerOf(tab.worker)) ? restart(tab.id) : run(tab)).catch(announceError);
}

export function HeadActions() {
  const tab = active.value;
  const running = runs(workerOf(tab.worker));
  const stopping = running && tab.worker !== null && stopAsked.value.has(tab.worker);
  const starting = busy.value.has(tab.id);
  const why = whyNotRun();
  return (
    <div class="head-actions" role="group" aria-label={_('Program')}>
      <button type="button" class="primary" disabled={why !== null || running || starting} title={why ?? _('Ctrl+Enter')} onClick={runActive}>
        <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 2.5v11l9-5.5z" /></svg>{_('Run')}
      </button>
      <button type="button" class={stopping ? 'danger' : ''} disabled={!running || status.value !== 'open'}
        title={stopping ? _('It was asked to end and has not: end it at once') : _('Ask it to end')}
        onClick={() => { stop(tab, stopping).catch(announceError); }}>
        <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 3h10v10H3z" /></svg>{stopping ? _('Kill') : _('Stop')}
      </button>
      <button type="button" disabled={why !== null || !running || starting} title={_('Stop it and run it again')}
        onClick={() => { restart(tab.id).catch(announceError); }}>
        <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M13 8a5 5 0 1 1-1.5-3.5M13 1.5v3.5H9.5" class="stroke" /></svg>{_('Restart')}
      </button>
    </div>
  );
}
