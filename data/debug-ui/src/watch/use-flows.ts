// SPDX-License-Identifier: LGPL-2.1-or-later
/* The connections of the workers that are watched, while a pane shows them. */
import { effect, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';

import { runs } from '../state/workers';
import { Flows } from './flows';
import { oncePerFrame, watched } from './watch-state';

/* How often what is open grows. */
const LIVE = 500;

/* Reads the logs while this pane is shown, once a frame at most; while something is open, time goes on. */
export function useFlows(): { flows: Flows; now: number } {
  const flows = useMemo(() => new Flows(), []);
  const version = useMemo(() => signal(0), []);
  useEffect(() => {
    const takeSoon = oncePerFrame(() => {
      flows.setLogs(watched.peek().map((one) => one.events));
      flows.take();
      version.value++;
    });
    const end = effect(() => {
      for (const one of watched.value)
        void one.events.version.value;
      takeSoon();
    });
    const timer = setInterval(() => {
      if (watched.peek().some(runs) && flows.list.some((flow) => flow.state === 'open'))
        version.value++;
    }, LIVE);
    return () => {
      end();
      clearInterval(timer);
    };
  }, []);
  void version.value;
  /* A run that is over holds nothing open. */
  const ended = watched.value.some(runs) ? null : Math.max(0, ...watched.value.map((one) => one.state.value.ended ?? 0));
  return { flows, now: ended === null || ended === 0 ? Date.now() : ended };
}
