// SPDX-License-Identifier: LGPL-2.1-or-later
/* One policy: on or off, and opened to be read and changed, as a table or as text. */
import { useEffect, useId, useRef, useState } from 'preact/hooks';

import { _, format, number, translated } from '../i18n';
import type { Problem } from '../protocol';
import { presetOf, textOf, updateCard, type Card as CardState } from '../state/policies';
import { TabList, tabId } from '../ui/tab-list';
import { asked } from './dialogs';
import { exportCard } from './files';
import { opened, setOpened, wanted } from './places';
import { readPolicy } from './policy-object';
import { Table } from './table';
import { TextView } from './text-view';
import { isOwn, titleOf } from './titles';
import { problemsOf, problemText } from './validation';

function descriptionOf(card: CardState): string {
  const preset = presetOf(card.name);
  if (card.text === null && preset !== null)
    return preset.description;
  const reading = readPolicy(textOf(card));
  return 'policy' in reading && typeof reading.policy.description === 'string' ? reading.policy.description : '';
}

/* The sentences of a description: those of presets are in the catalogues, each by itself. */
function sentencesOf(description: string): string[] {
  return description.split(/(?<=\.) /);
}

/* What it says first, of which the first part is enough here. */
function briefly(description: string): string {
  const sentence = translated(sentencesOf(description)[0]);
  return /^[^]*?(?:[.:;](?=\s|$)|[。：；])/.exec(sentence)?.[0].replace(/\s?[:;]$/, '.').replace(/[：；]$/, '。') ?? sentence;
}

/* The file's own words, which the table has to be changed, are English: the same in the user's language. */
function Translated({ card }: { card: CardState }) {
  const english = descriptionOf(card);
  const text = sentencesOf(english).map(translated).join(' ').replace(/。 /g, '。');
  return text === english ? null : <p class="quiet small-text">{text}</p>;
}

function Problems({ problems, onLine }: { problems: Problem[]; onLine(line: number): void }) {
  return (
    <ul class="problems" aria-label={_('Mistakes')}>
      {problems.map((problem, index) => (
        <li key={index}>
          {problem.line !== null &&
            <button type="button" class="plain small mono" onClick={() => onLine(problem.line!)}><span class="hidden-text">{_('Line')} </span>{problem.line}:{problem.column ?? 1}</button>}
          <span>{problemText(problem)}</span>
        </li>
      ))}
    </ul>
  );
}

function Actions({ card }: { card: CardState }) {
  const preset = presetOf(card.name);
  const open = (what: 'save' | 'delete' | 'reset') => { asked.value = { what, name: card.name }; };
  return (
    <div class="row">
      {card.text !== null && <button type="button" class="small" onClick={() => open('save')}>{_('Save…')}</button>}
      {card.text !== null && preset !== null && <button type="button" class="small" onClick={() => open('reset')}>{_('Reset')}</button>}
      <button type="button" class="small" onClick={() => { asked.value = { what: 'new', from: card.name }; }}>{_('Duplicate')}</button>
      <button type="button" class="small" onClick={() => exportCard(card.name)}>{_('Export')}</button>
      {isOwn(card.name) && <button type="button" class="small danger" onClick={() => open('delete')}>{_('Delete')}</button>}
    </div>
  );
}

function Body({ card, problems }: { card: CardState; problems: Problem[] }) {
  const [mode, setMode] = useState('table');
  const [line, setLine] = useState<number | null>(null);
  const panel = useId();
  const text = textOf(card);
  const place = wanted.value;
  const goTo = (to: number) => {
    setMode('text');
    setLine(to);
  };
  const onChange = (to: string) => updateCard(card.name, { text: to });

  useEffect(() => {
    if (place?.card === card.name && place.line !== null)
      goTo(place.line);
  }, [place]);
  return (
    <div class="card-body">
      {presetOf(card.name) !== null && titleOf(card.name) !== card.name && <code class="quiet">--policy={card.name}</code>}
      <Translated card={card} />
      {problems.length > 0 && <Problems problems={problems} onLine={goTo} />}
      <TabList label={format(_('How %1 is shown'), titleOf(card.name))} panel={panel} selected={mode} onSelect={setMode}
        items={[{ id: 'table', label: _('Table') }, { id: 'text', label: _('Text') }]} />
      <div id={panel} role="tabpanel" aria-labelledby={tabId(panel, mode)}>
        {mode === 'table'
          ? <Table text={text} problems={problems} onChange={onChange} />
          : <TextView label={format(_('Text of %1'), titleOf(card.name))} text={text} problems={problems} line={line} onLineShown={() => setLine(null)} onChange={onChange} />}
      </div>
      <Actions card={card} />
    </div>
  );
}

export function Card({ card }: { card: CardState }) {
  const own = useRef<HTMLElement>(null);
  const id = useId();
  const open = opened.value.has(card.name);
  const problems = problemsOf(card.name);
  const title = titleOf(card.name);
  const place = wanted.value;

  useEffect(() => {
    if (place?.card !== card.name)
      return;
    own.current?.scrollIntoView({ block: 'start' });
    if (place.line === null)
      own.current?.querySelector<HTMLElement>('.card-title')?.focus();
    wanted.value = null;
  }, [place]);
  return (
    <article ref={own} class={`card ${card.on ? 'on' : ''}`} aria-labelledby={id}>
      <header>
        <input type="checkbox" role="switch" class="switch" aria-label={title} checked={card.on}
          onChange={(event) => updateCard(card.name, { on: event.currentTarget.checked })} />
        <h3>
          <button type="button" class="plain card-title" aria-expanded={open} onClick={() => setOpened(card.name, !open)}>
            <span class="words" id={id}>{title}</span>
            {card.text !== null && <span class="badge accent">{presetOf(card.name) === null ? _('not saved') : _('edited')}</span>}
            {problems.length > 0 && <span class="badge deny" title={_('Mistakes')}><span class="hidden-text">{_('Mistakes')}: </span>{number(problems.length)}</span>}
          </button>
        </h3>
      </header>
      {!open && <p class="quiet brief">{briefly(descriptionOf(card))}</p>}
      {open && <Body card={card} problems={problems} />}
    </article>
  );
}
