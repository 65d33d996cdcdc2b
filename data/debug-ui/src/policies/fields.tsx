// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fields of a policy's table. Each knows its place in the policy, shows the mistakes that the server found
 * there, and writes its value back; an empty one takes its key out.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';

import { _ } from '../i18n';
import type { Problem } from '../protocol';
import { getAt, listAt, pathText, type Path, type Policy } from './policy-object';

export interface Form {
  policy: Policy;
  problems: Problem[];
  /* undefined takes it out. */
  set(path: Path, to: unknown): void;
}

interface Common {
  form: Form;
  path: Path;
  label: string;
}

/* Mistakes of this very place, or with `below` of what is in it, too. */
export function problemsAt(form: Form, path: Path, below = false): Problem[] {
  const place = pathText(path);
  return form.problems.filter(({ object }) => object === place ||
    (below && object.startsWith(place) && /^[.[]/.test(object.slice(place.length))));
}

export function Mistakes({ problems, id }: { problems: Problem[]; id?: string }) {
  if (problems.length === 0)
    return null;
  return (
    <ul class="mistakes" id={id}>
      {problems.map((problem, index) => (
        <li key={index}>{problem.cure === null ? problem.reason : `${problem.reason}; ${problem.cure}`}</li>
      ))}
    </ul>
  );
}

export function Choice({ form, path, label, choices, absent }: Common & { choices: string[]; absent?: string }) {
  const value = getAt(form.policy, path);
  const known = typeof value === 'string' && choices.includes(value);
  return (
    <select aria-label={label} aria-invalid={problemsAt(form, path).length > 0 || undefined}
      class={known && ['allow', 'warn', 'deny'].includes(value) ? `action ${value}` : ''} value={value === undefined ? '' : String(value)}
      onChange={(event) => form.set(path, event.currentTarget.value === '' ? undefined : event.currentTarget.value)}>
      {(absent !== undefined || value === undefined) && <option value="">{absent ?? '—'}</option>}
      {value !== undefined && !known && <option value={String(value)}>{String(value)}</option>}
      {choices.map((choice) => <option key={choice} value={choice}>{choice}</option>)}
    </select>
  );
}

/* Text that is typed becomes a value by `parse`, and stays as it was typed as long as it means the same. */
function useDraft<T>(value: T, parse: (text: string) => T, format: (value: T) => string) {
  const [draft, setDraft] = useState(format(value));
  const isSame = JSON.stringify(parse(draft)) === JSON.stringify(value);
  useEffect(() => {
    if (!isSame)
      setDraft(format(value));
  }, [value, isSame]);
  return [isSame ? draft : format(value), setDraft] as const;
}

const asText = (value: unknown) => (value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value));

/* keep: an empty text stays in the policy. number: digits are written as a number. */
export function TextField({ form, path, label, placeholder, keep, number }: Common & {
  placeholder?: string; keep?: boolean; number?: boolean;
}) {
  const parse = (text: string): unknown =>
    text === '' && !keep ? undefined : number && /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  const [draft, setDraft] = useDraft(getAt(form.policy, path), parse, asText);
  const id = useId();
  const problems = problemsAt(form, path);
  return (
    <input class="mono" aria-label={label} value={draft} placeholder={placeholder} spellcheck={false} autocomplete="off"
      aria-invalid={problems.length > 0 || undefined} aria-describedby={problems.length > 0 ? id : undefined}
      onInput={(event) => { setDraft(event.currentTarget.value); form.set(path, parse(event.currentTarget.value)); }} />
  );
}

const words = (text: string) => text.split(/[\s,]+/).filter((word) => word !== '');

/* A list of words, separated by spaces, commas or lines. */
export function WordsField({ form, path, label, placeholder }: Common & { placeholder?: string }) {
  const value = listAt(form.policy, path);
  const [draft, setDraft] = useDraft<unknown[]>(value, words, (list) => list.map(asText).join(' '));
  const problems = problemsAt(form, path, true);
  return (
    <label class="words">
      <span>{label}</span>
      <textarea class="mono" rows={Math.min(8, 1 + Math.floor(draft.length / 40))} value={draft} placeholder={placeholder} spellcheck={false}
        aria-invalid={problems.length > 0 || undefined}
        onInput={(event) => { setDraft(event.currentTarget.value); form.set(path, words(event.currentTarget.value)); }} />
      <Mistakes problems={problems} />
    </label>
  );
}

/* Which of these are in a list. */
export function Checks({ form, path, label, choices }: Common & { choices: string[] }) {
  const value = listAt(form.policy, path);
  const all = [...choices, ...value.filter((item): item is string => typeof item === 'string' && !choices.includes(item))];
  const toggle = (choice: string, on: boolean) =>
    form.set(path, on ? [...value, choice] : value.filter((item) => item !== choice));
  return (
    <div class="checks" role="group" aria-label={label}>
      {all.map((choice) => (
        <label key={choice}>
          <input type="checkbox" checked={value.includes(choice)} onChange={(event) => toggle(choice, event.currentTarget.checked)} />
          <span class="mono">{choice}</span>
        </label>
      ))}
    </div>
  );
}

export function Flip({ form, path, label, absent }: Common & { absent: boolean }) {
  const value = getAt(form.policy, path) ?? absent;
  return (
    <label class="flip">
      <input type="checkbox" checked={value === true} onChange={(event) => form.set(path, event.currentTarget.checked)} />
      <span class="mono">{label}</span>
    </label>
  );
}

export function SectionBox({ title, name, children, onRemove }: {
  title: string; name: string; children: ComponentChildren; onRemove(): void;
}) {
  return (
    <div class="policy-section" role="group" aria-label={title}>
      <header>
        <h4>{title}</h4> <span class="mono quiet">{name}</span>
        <button type="button" class="plain small" aria-label={`${_('Remove the section')}: ${title}`} onClick={onRemove}>{_('Remove')}</button>
      </header>
      {children}
    </div>
  );
}
