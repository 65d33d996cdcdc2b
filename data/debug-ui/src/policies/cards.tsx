// SPDX-License-Identifier: LGPL-2.1-or-later
/* All policies, and the flags above them. */
import { useEffect, useRef, useState } from 'preact/hooks';

import { _, number } from '../i18n';
import { cards, cardOf, presets, type Card as CardState } from '../state/policies';
import { Dialog } from '../ui/dialog';
import { Card } from './card';
import { asked, CardDialogs } from './dialogs';
import { importFiles, refused } from './files';
import { Flags } from './flags';
import { wanted } from './places';
import { groups } from './titles';
import { problemText } from './validation';

function turn(names: string[], on: boolean): void {
  const others = cards.value.filter((card) => !names.includes(card.name));
  cards.value = [...others, ...names.map((name) => ({ ...cardOf(name), on }))]
    .filter((card) => card.on || card.text !== null);
}

function Tools({ main, own, more }: { main: CardState[]; own: CardState[]; more: CardState[] }) {
  const file = useRef<HTMLInputElement>(null);
  const names = (list: CardState[]) => list.map((card) => card.name);
  return (
    <div class="row group-row">
      <h2 class="group">{_('Policies')}</h2>
      <button type="button" class="small" onClick={() => turn(names([...main, ...own]), true)} title={_('These and your own; not the presets below')}>{_('All on')}</button>
      <button type="button" class="small" onClick={() => turn(names([...main, ...own, ...more]), false)}>{_('All off')}</button>
      <span class="space" />
      <button type="button" class="small" onClick={() => { asked.value = { what: 'new', from: null }; }}>{_('New…')}</button>
      <button type="button" class="small" onClick={() => file.current?.click()}>{_('Import…')}</button>
      <input ref={file} type="file" class="hidden-text" accept=".json,application/json" multiple tabIndex={-1} aria-label={_('Policy files')}
        onChange={(event) => {
          void importFiles(event.currentTarget.files ?? []);
          event.currentTarget.value = '';
        }} />
    </div>
  );
}

function Refused() {
  if (refused.value === null)
    return null;
  const close = () => { refused.value = null; };
  return (
    <Dialog title={_('Not imported')} onClose={close} onSubmit={close} actions={<button type="submit" class="primary">{_('Close')}</button>}>
      <p><span class="mono">{refused.value.file}</span> {_('is no policy that buntime reads:')}</p>
      <ul class="problems">
        {refused.value.problems.map((problem, index) => (
          <li key={index}>{problem.line !== null && <span class="mono">{problem.line}:{problem.column ?? 1}</span>}<span>{problemText(problem)}</span></li>
        ))}
      </ul>
    </Dialog>
  );
}

function More({ more }: { more: CardState[] }) {
  const place = wanted.value;
  const isWanted = place !== null && more.some((card) => card.name === place.card);
  const [open, setOpen] = useState(false);
  const on = more.filter((card) => card.on).length;

  useEffect(() => {
    if (isWanted)
      setOpen(true);
  }, [isWanted]);
  return (
    <details class="more-presets" open={open || isWanted} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{_('More presets')} <span class="badge">{number(more.length)}</span>{on > 0 && <span class="badge accent">{_('on')}: {number(on)}</span>}</summary>
      {more.map((card) => <Card key={card.name} card={card} />)}
    </details>
  );
}

export function Cards() {
  const { main, own, more } = groups();
  const [over, setOver] = useState(false);
  const isNone = !cards.value.some((card) => card.on);
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void importFiles(event.dataTransfer?.files ?? []);
  };

  return (
    <div class={`cards ${over ? 'over' : ''}`} onDragOver={(event) => { event.preventDefault(); setOver(true); }}
      onDragLeave={(event) => { if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false); }} onDrop={onDrop}>
      {isNone && presets.value.length > 0 &&
        <p class="hint">{_('No policy is on: a program runs with nothing of yours. Run it and permit what its events show as denied, or turn a policy on.')}</p>}
      <Flags />
      <Tools main={main} own={own} more={more} />
      {main.map((card) => <Card key={card.name} card={card} />)}
      <h2 class="group">{_('Yours')}</h2>
      {own.map((card) => <Card key={card.name} card={card} />)}
      {own.length === 0 && <p class="quiet brief">{_('New, import and duplicate make policies of your own; drop a file here to import it.')}</p>}
      <More more={more} />
      <CardDialogs />
      <Refused />
    </div>
  );
}
