// SPDX-License-Identifier: LGPL-2.1-or-later
/* An event, and a group of them, as a row of the table. */
import { _, clock, format, number } from '../i18n';
import type { BuntimeEvent } from '../protocol';
import { plain } from '../ui/plain';
import { canPermit, permit } from './event-actions';
import { ruleText } from './filter';
import type { Group } from './groups';

export const ROW = 27;

interface Props {
  id: string;
  index: number;
  selected: boolean;
}

export function actionClass(action: string): string {
  switch (action) {
    case 'deny':
    case 'failed':
    case 'dropped':
      return 'deny';
    case 'warn':
    case 'notice':
      return 'warn';
    case 'allow':
      return 'allow';
    default:
      return '';
  }
}

function who(event: BuntimeEvent): string {
  if (event.program !== null)
    return event.pid === null ? plain(event.program) : `${plain(event.program)} [${event.pid}]`;
  return plain(event.host ?? '');
}

/* "/usr/share/buntime/policies/audit.json ..." says enough by its end. */
function withoutFolder(rule: string): string {
  return rule.replace(/^\/\S*\/(?=[^\/\s]+\.json\b)/, '');
}

function Object({ text }: { text: string }) {
  const end = text.startsWith('/') ? text.lastIndexOf('/', text.length - 2) + 1 : 0;
  if (end <= 1)
    return <>{text}</>;
  return <><span class="folder" style={{ maxWidth: `max(2ch, calc(100% - ${text.length - end}ch))` }}>{text.slice(0, end)}</span>{text.slice(end)}</>;
}

export function EventRow({ event, level, withWorker, onOpen, ...row }: Props & { event: BuntimeEvent; level: number; withWorker: boolean; onOpen(): void }) {
  return (
    <div id={row.id} role="row" class={`event-row ${level > 1 ? 'inner' : ''}`} aria-rowindex={row.index + 2} aria-level={level > 1 ? level : undefined}
      aria-selected={row.selected} onClick={onOpen}>
      <span role="gridcell" class="mono quiet">{clock(event.time)}</span>
      <span role="gridcell"><span class={`badge ${actionClass(event.action)}`}>{event.action}</span></span>
      <span role="gridcell">{event.kind}</span>
      <span role="gridcell" class="mono object"><Object text={plain(event.object ?? event.told ?? event.reason ?? '')} /></span>
      <span role="gridcell" class="who">{withWorker ? plain(event.worker) : who(event)}</span>
      <span role="gridcell" class="quiet rule-text" title={plain(ruleText(event))}>{plain(withoutFolder(ruleText(event)))}</span>
      <span role="gridcell" class="mono count">{event.count > 1 ? format('×%1', number(event.count)) : ''}</span>
      <span role="gridcell" class="act">
        {canPermit(event) && <button type="button" class="plain" tabIndex={-1} onClick={(click) => { click.stopPropagation(); permit(event); }}>{_('Permit…')}</button>}
      </span>
    </div>
  );
}

export function GroupRow({ group, open, onToggle, ...row }: Props & { group: Group; open: boolean; onToggle(): void }) {
  const worst = group.denied > 0 ? format(_('%1 denied'), number(group.denied)) : '';
  return (
    <div id={row.id} role="row" class="event-row grouped" aria-rowindex={row.index + 2} aria-level={1} aria-expanded={open}
      aria-selected={row.selected} onClick={onToggle}>
      <span role="gridcell" class="mono quiet">{clock(group.last)}</span>
      <span role="gridcell" class="mono name"><span class="twist" aria-hidden="true">{open ? '▾' : '▸'}</span>{group.key === '' ? _('(none)') : plain(group.key)}</span>
      <span role="gridcell" class="worst">{worst !== '' && <span class="badge deny">{worst}</span>}</span>
      <span role="gridcell" class="mono count">{format('×%1', number(group.count))}</span>
    </div>
  );
}
