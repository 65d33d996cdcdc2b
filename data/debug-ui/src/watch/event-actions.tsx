// SPDX-License-Identifier: LGPL-2.1-or-later
/* From an event to the rule that would permit it: the policies' dialog. */
import { signal } from '@preact/signals';

import { _ } from '../i18n';
import { PermitDialog } from '../policies/permit-dialog';
import type { BuntimeEvent } from '../protocol';
import { announce } from '../ui/announce';

/* The event whose permission is being asked for. */
const permitting = signal<BuntimeEvent | null>(null);

export function canPermit(event: BuntimeEvent): boolean {
  return event.suggestion !== null && (event.action === 'deny' || event.action === 'warn');
}

export function permit(event: BuntimeEvent): void {
  if (canPermit(event))
    permitting.value = event;
  else
    announce(_('Nothing that can be granted would permit this'), true);
}

/* Once in the page: rows come and go while it is open. */
export function Permitting() {
  const event = permitting.value;
  return event === null ? null : <PermitDialog event={event} onClose={() => { permitting.value = null; }} />;
}
