// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the server says of the policies, while they are written: of each text that was edited here, and of
 * everything that is on. Asked for a moment after the last change; only the newest answer counts.
 */
import { computed, effect, signal } from '@preact/signals';

import type { PolicyPart, PolicySet, Problem } from '../protocol';
import { ask, status } from '../state/connection';
import { cardOf, cards, merged, policySet, presets, textOf } from '../state/policies';

const DELAY = 250;

interface Checked {
  text: string;
  problems: Problem[];
}

/* Of each card with a text that is the user's, by name. */
const checked = signal<ReadonlyMap<string, Checked>>(new Map());
/* The set that `merged` speaks of. */
const mergedSet = signal<PolicySet | null>(null);

/* Has the last change been answered? */
export const isCurrent = computed(() => mergedSet.value === policySet.value);

const isSame = (a: Problem) => (b: Problem) =>
  a.line === b.line && a.column === b.column && a.object === b.object && a.reason === b.reason;

function nameOf(part: PolicyPart | undefined): string | undefined {
  return part === undefined ? undefined : 'preset' in part ? part.preset : part.name;
}

/* Of the text by itself, and of it among the others. */
export function problemsOf(name: string): Problem[] {
  const own = checked.value.get(name)?.problems ?? [];
  /* A file's mistakes come without their lines in the set, and with them alone. */
  const others = (merged.value?.problems ?? [])
    .filter((problem) => problem.part !== null && nameOf(mergedSet.value?.policies[problem.part]) === name)
    .filter((problem) => problem.line !== null || own.length === 0);
  return [...own, ...others.filter((problem) => !own.some(isSame(problem)))];
}

/* Of the flags, and of the set as a whole. */
export function problemsOfSet(): Problem[] {
  return (merged.value?.problems ?? []).filter((problem) => problem.part === null);
}

export function problemText(problem: Problem): string {
  const text = problem.object === '' ? problem.reason : `${problem.object}: ${problem.reason}`;
  return problem.cure === null ? text : `${text}; ${problem.cure}`;
}

async function checkSet(): Promise<void> {
  const set = policySet.peek();
  try {
    const answer = await ask({ type: 'apply-policy', ...set }, 'policy-set-loaded');
    if (policySet.peek() !== set)
      return;
    mergedSet.value = set;
    merged.value = answer;
  } catch {
    /* The connection is gone: all is asked again when it is back. */
  }
}

async function checkCards(): Promise<void> {
  const texts = new Map(presets.peek().filter((preset) => preset.user).map((preset) => [preset.name, preset.text]));
  for (const { name, text } of cards.peek())
    if (text !== null)
      texts.set(name, text);
  const left = [...checked.peek()].filter(([name]) => texts.has(name));
  if (left.length !== checked.peek().size)
    checked.value = new Map(left);
  for (const [name, text] of texts) {
    if (checked.peek().get(name)?.text === text)
      continue;
    try {
      const { problems } = await ask({ type: 'apply-policy', policy: { name, text } }, 'policy-loaded');
      if (textOf(cardOf(name)) === text)
        checked.value = new Map(checked.peek()).set(name, { text, problems });
    } catch {
      return;
    }
  }
}

let timer = 0;

/* Whatever a card, a flag, a preset or the connection changes is checked again. */
effect(() => {
  void [policySet.value, cards.value, presets.value];
  clearTimeout(timer);
  if (status.value === 'open')
    timer = setTimeout(() => { void checkSet(); void checkCards(); }, merged.peek() === null ? 0 : DELAY);
});

/* A preset that is gone has no card any more, and what a file says now is no change of it. */
effect(() => {
  const texts = new Map(presets.value.map((preset) => [preset.name, preset.text]));
  const old = cards.peek();
  const left = old.filter((card) => card.text !== null || texts.has(card.name))
    .map((card) => (card.text !== null && card.text === texts.get(card.name) ? { ...card, text: null } : card));
  if (texts.size > 0 && (left.length !== old.length || left.some((card, index) => card !== old[index])))
    cards.value = left;
});
