// SPDX-License-Identifier: LGPL-2.1-or-later
/* Where the filter is typed: completions of the word at its end, and what the language is. */
import { useId, useRef, useState } from 'preact/hooks';

import { _, format } from '../i18n';
import { Dialog } from '../ui/dialog';
import { completed, completions, KEYS } from './filter';
import { filter, filterText } from './watch-state';

const MOST_SHOWN = 12;

function meaning(key: string): string {
  switch (key) {
    case 'action': return _('The verdict: deny, warn, allow, opened, closed, exited …');
    case 'kind': return _('What it was about: net, dns, read, write, run, env …');
    case 'object': return _('A path, host:port, a limit.');
    case 'host': return _('The name or address of a connection.');
    case 'program': return _('What the process calls itself.');
    case 'rule': return _('Where the rule is written, and its text.');
    case 'reason': return _('What decided besides the rule.');
    case 'permit': return _('The flag that would permit it.');
    case 'worker': return _('Which run.');
    case 'observed': return _('yes: the kernel decided, this only saw it.');
    default: return _('A number; >, >=, < and <= compare.');
  }
}

function FilterHelp({ onClose }: { onClose(): void }) {
  const examples: [string, string][] = [
    ['action:deny host:*.example.com', _('Both hold.')],
    ['object:"/etc/*"', _('With a star the whole text is so; in quotes blanks belong to it.')],
    ['kind:net,dns -program:curl', _('One of several; minus: not so.')],
    ['count:>10 certificate', _('A word by itself is looked for in every text of an event.')],
  ];
  return (
    <Dialog title={_('Filtering events')} onClose={onClose} onSubmit={onClose} actions={<button type="submit" class="primary">{_('Close')}</button>}>
      <table class="help examples">
        <tbody>{examples.map(([text, what]) => <tr key={text}><th scope="row"><code>{text}</code></th><td>{what}</td></tr>)}</tbody>
      </table>
      <p>{_('In the table arrows move the row, Enter shows all of it, p permits it, and the right and left arrow open and close a group.')}</p>
      <table class="help">
        <caption>{_('Keys')}</caption>
        <tbody>{KEYS.map((key) => <tr key={key}><th scope="row"><code>{key}:</code></th><td>{meaning(key)}</td></tr>)}</tbody>
      </table>
    </Dialog>
  );
}

export function FilterBox() {
  const own = useRef<HTMLInputElement>(null);
  const id = useId();
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const [help, setHelp] = useState(false);
  const offers = open ? completions(filterText.value).slice(0, MOST_SHOWN) : [];
  const take = (term: string) => {
    filterText.value = completed(filterText.value, term);
    setAt(-1);
    own.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && offers.length > 0) {
      event.preventDefault();
      setAt(((at < 0 && step < 0 ? 0 : at) + step + offers.length) % offers.length);
    } else if (event.key === 'Enter' && at >= 0 && at < offers.length) {
      event.preventDefault();
      take(offers[at]);
    } else if (event.key === 'Escape' && (offers.length > 0 || filterText.value !== '')) {
      event.preventDefault();
      if (offers.length > 0)
        setOpen(false);
      else
        filterText.value = '';
    }
  };

  return (
    <div class="filter">
      <input ref={own} type="text" role="combobox" aria-label={_('Filter')} placeholder={_('Filter: action:deny host:*.example.com')}
        aria-expanded={offers.length > 0} aria-controls={id} aria-autocomplete="list" aria-activedescendant={at >= 0 && at < offers.length ? `${id}-${at}` : undefined}
        autocomplete="off" spellcheck={false} maxLength={2000} value={filterText.value}
        onInput={(event) => { filterText.value = event.currentTarget.value; setOpen(true); setAt(-1); }}
        onKeyDown={onKeyDown} onBlur={() => setOpen(false)} />
      <ul id={id} role="listbox" aria-label={_('Completions')} hidden={offers.length === 0}>
        {offers.map((offer, index) => (
          <li key={offer} id={`${id}-${index}`} role="option" aria-selected={index === at} class="mono"
            onPointerDown={(event) => { event.preventDefault(); take(offer); }}>{offer}</li>
        ))}
      </ul>
      <button type="button" class="plain" aria-label={_('How to filter')} onClick={() => setHelp(true)}>?</button>
      {filter.value.notes.length > 0 && (
        <p class="note quiet" role="status">{filter.value.notes.map((note) => format(_('%1: is taken for a word; meant %2:?'), note.key, note.nearest)).join(' ')}</p>
      )}
      {help && <FilterHelp onClose={() => setHelp(false)} />}
    </div>
  );
}
