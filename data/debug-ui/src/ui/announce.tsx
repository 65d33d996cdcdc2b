// SPDX-License-Identifier: LGPL-2.1-or-later
/* What happened, for those who cannot see it, and for a moment in a corner for those who can. */
import { signal } from '@preact/signals';

const SHOWN = 6000;

interface Note {
  text: string;
  bad: boolean;
}

const note = signal<Note | null>(null);
let timer = 0;

export function announce(text: string, bad = false): void {
  clearTimeout(timer);
  note.value = { text, bad };
  timer = setTimeout(() => { note.value = null; }, SHOWN);
}

/* What an `ask` was rejected with, in words. */
export function announceError(error: unknown): void {
  announce(error instanceof Error ? error.message : String(error), true);
}

export function Announcer() {
  return (
    <div class="announcer" role="status" aria-live="polite">
      {note.value !== null && <p class={note.value.bad ? 'problem' : 'note'}>{note.value.text}</p>}
    </div>
  );
}
