// SPDX-License-Identifier: LGPL-2.1-or-later
/* What came over the ring and what was sent, with a box to send more; requests can be answered. */
import { useId, useState } from 'preact/hooks';

import { _, clock, format } from '../i18n';
import { runs, type Worker } from '../state/workers';
import { announceError } from '../ui/announce';
import { plain } from '../ui/plain';
import { VirtualList } from '../ui/virtual-list';
import { copyText } from './event-details';
import { OfWorker, RunLine } from './run-line';
import { answer, entriesOf, isAnswered, sendMessage, type Entry } from './sent-messages';

const ROW = 28;
/* A row shows no more; the details show all of it. */
const PREVIEW = 300;

function contentOf(entry: Entry): string {
  return entry.text ?? entry.base64 ?? '';
}

/* JSON in lines; anything else as it is. */
function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function SendBox({ label, button, disabled, onSend, second }: {
  label: string; button: string; disabled: boolean; onSend(text: string, second: boolean): Promise<void>; second?: string;
}) {
  const [text, setText] = useState('');
  const send = async (other: boolean) => {
    try {
      await onSend(text, other);
      setText('');
    } catch (error) {
      announceError(error);
    }
  };
  return (
    <form class="send" onSubmit={(event) => { event.preventDefault(); void send(false); }}>
      <textarea class="mono" rows={2} aria-label={label} placeholder={label} value={text} disabled={disabled} spellcheck={false}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }
        }} />
      <button type="submit" class="primary" disabled={disabled}>{button}</button>
      {second !== undefined && <button type="button" disabled={disabled} onClick={() => void send(true)}>{second}</button>}
    </form>
  );
}

function Detail({ of, entry, onClose }: { of: Worker; entry: Entry; onClose(): void }) {
  const { request } = entry;
  const asks = entry.from === 'worker' && request !== null;
  return (
    <section class="message-detail" aria-label={_('Message')}>
      <div class="details-head">
        <h2>{asks ? format(_('Request %1'), request) : entry.from === 'worker' ? _('Message of the program') : _('Message of this page')}</h2>
        <button type="button" class="plain" onClick={() => void copyText(contentOf(entry))}>{_('Copy')}</button>
        <button type="button" class="plain" aria-label={_('Close the message')} onClick={onClose}>✕</button>
      </div>
      {entry.text === null && <p class="quiet">{_('Bytes that are no text, in base64:')}</p>}
      <pre>{entry.text === null ? entry.base64 : pretty(entry.text).split('\n').map(plain).join('\n')}</pre>
      {asks && (isAnswered(of, request)
        ? <p class="quiet">{_('Answered.')}</p>
        : (
          <SendBox label={_('Answer')} button={_('Answer')} second={_('Answer as a failure')} disabled={!runs(of)}
            onSend={(text, failed) => answer(of, request, text, failed)} />
        ))}
    </section>
  );
}

function stateOf(of: Worker, entry: Entry): string {
  if (entry.request === null)
    return '';
  if (entry.from === 'page')
    return entry.failed ? format(_('failure to %1'), entry.request) : format(_('answer to %1'), entry.request);
  return isAnswered(of, entry.request) ? format(_('request %1, answered'), entry.request) : format(_('request %1'), entry.request);
}

function Messages({ of }: { of: Worker }) {
  const id = useId();
  const [chosen, setChosen] = useState<Entry | null>(null);
  const [follow, setFollow] = useState(true);
  const entries = entriesOf(of);
  /* Entries are made anew each time: known again by what they say. */
  const at = chosen === null ? -1 : entries.findIndex((one) => one.time === chosen.time && one.request === chosen.request && one.from === chosen.from && contentOf(one) === contentOf(chosen));
  const choose = (index: number) => setChosen(entries[Math.min(entries.length - 1, Math.max(0, index))] ?? null);
  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? entries.length - 1 : at - 1, Home: 0, End: entries.length - 1 }[event.key];
    if (to === undefined)
      return;
    event.preventDefault();
    choose(to);
  };
  const row = (index: number) => {
    const entry = entries[index];
    const state = stateOf(of, entry);
    const waits = entry.from === 'worker' && entry.request !== null && !isAnswered(of, entry.request);
    return (
      <div key={index} id={`${id}-${index}`} role="option" aria-selected={index === at} class="message-row" onClick={() => choose(index)}>
        <span class="mono quiet">{clock(entry.time)}</span>
        <span class="from">{entry.from === 'worker' ? _('program') : _('page')}</span>
        <span>{state !== '' && <span class={`badge ${waits ? 'warn' : ''}`}>{state}</span>}</span>
        <span class="mono text">{entry.text === null ? _('(bytes)') : plain(entry.text.slice(0, PREVIEW))}</span>
      </div>
    );
  };
  return (
    <>
      <div class={`messages ${at >= 0 ? 'with-details' : ''}`}>
        {entries.length === 0
          ? <div class="empty"><p>{_('No messages yet.')}</p><p class="quiet">{_('A program sends them by buntime’s module; what is sent below reaches it there.')}</p></div>
          : (
            <VirtualList count={entries.length} rowHeight={ROW} row={row} follow={follow && at < 0} onFollow={setFollow} active={at < 0 ? null : at} label={_('Messages')} role="listbox"
              attributes={{ onKeyDown, 'aria-activedescendant': at < 0 ? undefined : `${id}-${at}` }} />
          )}
        {at >= 0 && <Detail key={`${entries[at].time} ${entries[at].request}`} of={of} entry={entries[at]} onClose={() => setChosen(null)} />}
      </div>
      <SendBox label={_('Message to the program')} button={_('Send')} disabled={!runs(of)} onSend={(text) => sendMessage(of, text)} />
    </>
  );
}

export function MessagesPane() {
  return (
    <OfWorker what={_('What a program says over the ring shows here, and can be answered.')}>
      {(of) => <div class="pane fixed"><RunLine of={of} /><Messages of={of} /></div>}
    </OfWorker>
  );
}
