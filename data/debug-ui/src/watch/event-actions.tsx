// SPDX-License-Identifier: LGPL-2.1-or-later
/* From an event to the rule that decided, and to the one that would permit it. */
import { signal } from '@preact/signals';

import { _ } from '../i18n';
import type { BuntimeEvent } from '../protocol';
import { flags } from '../state/policies';
import { announce } from '../ui/announce';

/* The event whose permission is being asked for. */
export const permitting = signal<BuntimeEvent | null>(null);

export function canPermit(event: BuntimeEvent | null): event is BuntimeEvent & { suggestion: string } {
  return event !== null && event.suggestion !== null && (event.action === 'deny' || event.action === 'warn');
}

export function permit(event: BuntimeEvent | null): void {
  if (canPermit(event))
    permitting.value = event;
  else
    announce(_('Nothing that can be granted would permit this'), true);
}

/* Two clicks on the same event may not name the flag twice. */
export function addFlag(flag: string): void {
  if (!flags.value.some((one) => one.flag === flag))
    flags.value = [...flags.value, { flag, scope: 'page' }];
}
