// SPDX-License-Identifier: LGPL-2.1-or-later
/* All that an event says, and what each of it means. */
import { _, clock } from '../i18n';
import type { BuntimeEvent } from '../protocol';
import { announce, announceError } from '../ui/announce';
import { plain } from '../ui/plain';
import { canPermit, permit } from './event-actions';
import { meaningOf, orderedKeys } from './event-keys';
import { actionClass } from './event-row';
import { RuleLink } from './rule-link';

function valueText(event: BuntimeEvent, key: string): string {
  const value = (event as unknown as Record<string, unknown>)[key];
  if (key === 'time')
    return `${clock(event.time)} (${event.time})`;
  if (key === 'reason' && event.told !== undefined)
    return plain(event.told);
  if (value === null)
    return '';
  return plain(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    announce(_('Copied'));
  } catch (error) {
    announceError(error);
  }
}

export function EventDetails({ event, onClose }: { event: BuntimeEvent; onClose(): void }) {
  const keys = orderedKeys(event);
  return (
    <section class="event-details" aria-label={_('Details of the event')}>
      <div class="details-head">
        <span class={`badge ${actionClass(event.action)}`}>{event.action}</span>
        <h2 class="mono">{plain(event.object ?? event.kind)}</h2>
        <button type="button" class="plain" aria-label={_('Close the details')} onClick={onClose}>✕</button>
      </div>
      {canPermit(event) && (
        <div class="details-permit">
          <code>{plain(event.suggestion ?? '')}</code>
          <button type="button" class="primary" onClick={() => permit(event)}>{_('Permit…')}</button>
          {event.wider === true && <p class="quiet">{meaningOf('wider')}</p>}
        </div>
      )}
      <dl>
        {keys.map((key) => (
          <div key={key}>
            <dt class="mono">{key}</dt>
            <dd>
              {key === 'rule' && event.rule !== null ? <RuleLink rule={event.rule} /> : <span class="mono value">{valueText(event, key) || '–'}</span>}
              <span class="quiet meaning">{meaningOf(key)}</span>
            </dd>
          </div>
        ))}
      </dl>
      <div class="details-foot">
        <button type="button" onClick={() => void copyText(JSON.stringify({ ...event, told: undefined }))}>{_('Copy as JSON')}</button>
      </div>
    </section>
  );
}
