// SPDX-License-Identifier: LGPL-2.1-or-later
/* How a run stands or ended, in words. */
import { _, duration, format } from '../i18n';
import type { BuntimeEvent, WorkerState } from '../protocol';
import type { RunRecord } from './history';

export interface Outcome {
  text: string;
  kind: 'none' | 'busy' | 'good' | 'bad';
}

const TIMED_OUT = 124;
const SIGNALS: Record<number, string> = {
  1: 'SIGHUP', 2: 'SIGINT', 3: 'SIGQUIT', 4: 'SIGILL', 5: 'SIGTRAP', 6: 'SIGABRT', 7: 'SIGBUS', 8: 'SIGFPE', 9: 'SIGKILL',
  10: 'SIGUSR1', 11: 'SIGSEGV', 12: 'SIGUSR2', 13: 'SIGPIPE', 14: 'SIGALRM', 15: 'SIGTERM', 24: 'SIGXCPU', 25: 'SIGXFSZ', 31: 'SIGSYS',
};

function signalOf(exit: number): string | null {
  return exit > 128 && exit < 128 + 65 ? (SIGNALS[exit - 128] ?? String(exit - 128)) : null;
}

/* In two or three words, for a tab. */
export function outcomeOf(state: WorkerState | null): Outcome {
  if (state === null)
    return { text: _('Not run yet'), kind: 'none' };
  switch (state.state) {
    case 'starting':
      return { text: _('Starting'), kind: 'busy' };
    case 'running':
      return { text: _('Running'), kind: 'busy' };
    case 'failed':
      return { text: _('Could not start'), kind: 'bad' };
    case 'exited':
      return { text: exitText(state.exit ?? 0), kind: state.exit === 0 ? 'good' : 'bad' };
  }
}

export function exitText(exit: number): string {
  const signal = signalOf(exit);
  if (signal !== null)
    return format(_('Ended by %1'), signal);
  return exit === TIMED_OUT ? _('Timed out') : format(_('Exit %1'), exit);
}

/* The last line of a console: what, how long, and why. limit: the event of the limit that ended it. */
export function exitLine(state: WorkerState, stopped: boolean, limit: BuntimeEvent | null): string {
  const what = outcomeOf(state).text;
  const line = state.ended === null ? what : format(_('%1 after %2'), what, duration(state.ended - state.started));
  if (stopped)
    return format(_('%1: stopped from this page'), line);
  const reached = state.exit === 0 ? null : (limit?.object ?? limit?.value ?? null);
  return reached === null ? line : format(_('%1: the limit %2 was reached'), line, reached);
}

/* Of a run that may be long over. */
export function resultOf(run: RunRecord): string {
  switch (run.state) {
    case 'running':
      return _('Running');
    case 'failed':
      return _('Could not start');
    case 'lost':
      return run.stopped ? _('Stopped') : _('Not known');
    case 'exited':
      return exitText(run.exit ?? 0);
  }
}
