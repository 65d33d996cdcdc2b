// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What survives a reload: kept in sessionStorage, which is this tab's alone. (What localStorage holds would
 * be read by whatever listens on this port tomorrow.)
 */
import { effect, signal, type Signal } from '@preact/signals';

/* The browser took no more, once at least. */
export const full = signal(false);

const PREFIX = 'buntime-';
const DELAY = 300;

/* A signal whose value is kept. `check` says whether what was kept is still of this form. */
export function stored<T>(name: string, initial: T, check: (value: unknown) => value is T): Signal<T> {
  const own = signal<T>(read(PREFIX + name, initial, check));
  let timer = 0;
  const write = () => {
    timer = 0;
    try {
      sessionStorage.setItem(PREFIX + name, JSON.stringify(own.value));
    } catch {
      /* What was kept last stays. */
      full.value = true;
    }
  };
  effect(() => {
    void own.value;
    if (timer === 0)
      timer = setTimeout(write, DELAY);
  });
  addEventListener('pagehide', write);
  return own;
}

function read<T>(name: string, initial: T, check: (value: unknown) => value is T): T {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(name) ?? 'null');
    return check(value) ? value : initial;
  } catch {
    return initial;
  }
}
