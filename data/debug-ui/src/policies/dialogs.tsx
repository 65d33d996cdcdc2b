// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is asked about a card: what a new one is called, where it is saved, whether it may go. */
import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';

import { _, format } from '../i18n';
import { ask } from '../state/connection';
import { cardOf, cards, freeName, presetOf, presets, removeCard, textOf, updateCard } from '../state/policies';
import { formatPolicy } from '../state/policy-text';
import { announce, announceError } from '../ui/announce';
import { Dialog } from '../ui/dialog';
import { showCard } from './places';
import { isObject, readPolicy } from './policy-object';
import { isOwn, titleOf } from './titles';

type Asked = { what: 'new'; from: string | null } | { what: 'save' | 'delete' | 'reset'; name: string } | null;

export const asked = signal<Asked>(null);

const close = () => { asked.value = null; };

/* As the server takes them. */
const NAME = '[A-Za-z0-9_][A-Za-z0-9._\\-]{0,63}';

function NameField({ value, onInput, label }: { value: string; onInput(value: string): void; label: string }) {
  return (
    <label class="field">
      <span>{label}</span>
      <input class="mono" value={value} pattern={NAME} required spellcheck={false} autocomplete="off" autofocus
        title={_('Letters, digits, dots, dashes and underscores')} onInput={(event) => onInput(event.currentTarget.value)} />
    </label>
  );
}

/* The text says its name, too. */
function renamed(text: string, name: string): string {
  const reading = readPolicy(text);
  return 'policy' in reading && isObject(reading.policy) && reading.policy.name !== undefined
    ? formatPolicy({ ...reading.policy, name }) : text;
}

function startText(from: string | null, name: string): string {
  return from !== null ? renamed(textOf(cardOf(from)), name)
    : formatPolicy({ version: 1, name, description: '', defaults: { fs: 'deny', net: 'deny', exec: 'deny' } });
}

function NewDialog({ from }: { from: string | null }) {
  const [source, setSource] = useState(from);
  const [name, setName] = useState(freeName(from === null ? 'my-policy' : `${from}-copy`));
  const taken = freeName(name) !== name;
  const all = [...new Set([...presets.value.map((preset) => preset.name), ...cards.value.map((card) => card.name)])];
  const submit = () => {
    if (taken)
      return;
    updateCard(name, { text: startText(source, name) });
    close();
    showCard(name, null);
  };
  return (
    <Dialog title={from === null ? _('New policy') : format(_('Duplicate %1'), from)} onClose={close} onSubmit={submit}
      actions={<><button type="button" onClick={close}>{_('Cancel')}</button><button type="submit" class="primary">{_('Create')}</button></>}>
      <NameField label={_('Name')} value={name} onInput={setName} />
      {taken && <p class="problem">{format(_('There is a policy called %1 already.'), name)}</p>}
      <label class="field">
        <span>{_('Starts as')}</span>
        <select value={source ?? ''} onChange={(event) => setSource(event.currentTarget.value === '' ? null : event.currentTarget.value)}>
          <option value="">{_('nothing: everything is denied')}</option>
          {all.map((one) => <option key={one} value={one}>{one}</option>)}
        </select>
      </label>
      <p class="quiet">{_('It is a part of this page until it is saved.')}</p>
    </Dialog>
  );
}

/* Rejected with a ProblemError. The card goes where its text went. */
export async function saveCard(from: string, name: string, overwrite: boolean): Promise<string> {
  const card = cardOf(from);
  const { path } = await ask({ type: 'save-policy', name, text: renamed(textOf(card), name), overwrite }, 'done');
  if (name !== from) {
    if (presetOf(from) === null)
      removeCard(from);
    else
      updateCard(from, { on: false, text: null });
  }
  const rest = cards.value.filter((other) => other.name !== name);
  cards.value = [...rest, { name, on: card.on, text: null }];
  return path ?? name;
}

function SaveDialog({ from }: { from: string }) {
  const [name, setName] = useState(isOwn(from) ? from : freeName(`my-${from}`));
  const [problem, setProblem] = useState<string | null>(null);
  const known = presetOf(name);
  const save = async () => {
    /* A preset that all have stays what it is. */
    if (known?.user === false)
      return;
    try {
      const path = await saveCard(from, name, known?.user ?? false);
      close();
      announce(format(_('Saved: %1'), path));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Dialog title={format(_('Save %1'), titleOf(from))} onClose={close} onSubmit={() => void save()}
      actions={<>
        <button type="button" onClick={close}>{_('Cancel')}</button>
        <button type="submit" class={known?.user ? 'danger' : 'primary'}>{known?.user ? _('Overwrite') : _('Save')}</button>
      </>}>
      <NameField label={_('Name')} value={name} onInput={(value) => { setName(value); setProblem(null); }} />
      <p class="quiet">{format(_('It becomes one of your policies: buntime --policy=%1 finds it from then on.'), name)}</p>
      {known?.user === true && <p class="problem">{format(_('You have a policy called %1 on disk already; this text replaces it.'), name)}</p>}
      {known?.user === false &&
        <p class="problem">{format(_('%1 is a preset that all have, and stays what it is: take another name.'), name)}</p>}
      {problem !== null && <p class="problem" role="alert">{problem}</p>}
    </Dialog>
  );
}

function DeleteDialog({ name }: { name: string }) {
  const onDisk = presetOf(name)?.user === true;
  const remove = async () => {
    try {
      if (onDisk)
        await ask({ type: 'delete-policy', name }, 'done');
      removeCard(name);
      announce(format(_('Deleted: %1'), name));
    } catch (error) {
      announceError(error);
    }
    close();
  };
  return (
    <Dialog title={format(_('Delete %1?'), name)} onClose={close} onSubmit={() => void remove()}
      actions={<><button type="button" onClick={close}>{_('Cancel')}</button><button type="submit" class="danger">{_('Delete')}</button></>}>
      <p>{onDisk ? _('Its file is deleted from your policies. This cannot be undone.') : _('It was never saved: what was written here is gone then.')}</p>
    </Dialog>
  );
}

function ResetDialog({ name }: { name: string }) {
  const reset = () => {
    updateCard(name, { text: null });
    close();
  };
  return (
    <Dialog title={format(_('Reset %1?'), titleOf(name))} onClose={close} onSubmit={reset}
      actions={<><button type="button" onClick={close}>{_('Cancel')}</button><button type="submit" class="danger">{_('Reset')}</button></>}>
      <p>{_('It says again what its file says; what was changed here is gone then.')}</p>
    </Dialog>
  );
}

export function CardDialogs() {
  const question = asked.value;
  switch (question?.what) {
  case 'new':
    return <NewDialog from={question.from} />;
  case 'save':
    return <SaveDialog from={question.name} />;
  case 'delete':
    return <DeleteDialog name={question.name} />;
  case 'reset':
    return <ResetDialog name={question.name} />;
  default:
    return null;
  }
}
