// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a shell is told for the same run. What only this page has must get a file first. */
import { _, format } from '../i18n';
import { cards, flags, presetOf, type Card } from '../state/policies';
import { active, nameFor } from '../state/workspace';
import { announce } from '../ui/announce';
import { plain } from '../ui/plain';
import { asked } from './dialogs';
import { exportCard, exported } from './files';
import { quote } from './shell';
import { titleOf } from './titles';

const isUnsaved = (card: Card) => card.text !== null && exported.value.get(card.name) !== card.text;

function words(): string[] {
  const tab = active.value;
  return [
    'buntime',
    ...cards.value.filter((card) => card.on).map((card) => `--policy=${card.text !== null ? `./${card.name}.json` : card.name}`),
    ...flags.value.map((flag) => flag.flag),
    'run',
    nameFor(tab.language, tab.name),
    ...tab.args,
  ];
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    announce(_('Copied'));
  } catch {
    announce(_('The browser does not let this page copy; select the text instead.'), true);
  }
}

export function CommandLine() {
  const unsaved = cards.value.filter((card) => card.on && isUnsaved(card));
  const text = words().map(quote).join(' ');
  return (
    <section class="command-line" aria-label={_('As a command line')}>
      <h2 class="group">{_('As a command line')}</h2>
      {unsaved.length === 0 && (
        <>
          <pre tabIndex={0}>{plain(text)}</pre>
          <button type="button" class="small" onClick={() => void copy(text)}>{_('Copy')}</button>
        </>
      )}
      {unsaved.map((card) => (
        <div class="unsaved" key={card.name}>
          <p>{presetOf(card.name) === null
            ? format(_('%1 is not saved: a command line cannot name it yet.'), titleOf(card.name))
            : format(_('%1 was changed here: the command line would have the preset as it was.'), titleOf(card.name))}</p>
          <div class="row">
            <button type="button" class="small" onClick={() => { asked.value = { what: 'save', name: card.name }; }}>{_('Save…')}</button>
            <button type="button" class="small" onClick={() => exportCard(card.name)}>{_('Export')}</button>
          </div>
        </div>
      ))}
    </section>
  );
}
