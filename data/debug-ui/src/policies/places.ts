// SPDX-License-Identifier: LGPL-2.1-or-later
/* What of the policies is shown, and the way from a rule to where it is written. */
import { signal } from '@preact/signals';

import { area } from '../app';
import type { RuleSource } from '../protocol';
import { cards, presetOf } from '../state/policies';

export type View = 'cards' | 'result' | 'why';

export interface Place {
  card: string;
  line: number | null;
}

export const view = signal<View>('cards');
export const opened = signal<ReadonlySet<string>>(new Set());
/* Asks the card to show itself, or a line of its text; it takes this back when it has. */
export const wanted = signal<Place | null>(null);
/* The same for the flags. */
export const wantedFlags = signal(false);

/* A part's source is its name; that of a preset is the file it was read from. */
function cardNameOf(source: string): string | null {
  if (cards.value.some((card) => card.name === source))
    return source;
  const name = /([^\/]+)\.json$/.exec(source)?.[1];
  return name !== undefined && presetOf(name) !== null ? name : null;
}

export function setOpened(name: string, open: boolean): void {
  const names = new Set(opened.value);
  if (open)
    names.add(name);
  else
    names.delete(name);
  opened.value = names;
}

/* Can showRule() go there? */
export function isShown(rule: RuleSource | null): rule is RuleSource {
  return rule !== null && (rule.source === 'command line' || cardNameOf(rule.source) !== null);
}

export function showCard(card: string, line: number | null): void {
  setOpened(card, true);
  view.value = 'cards';
  area.value = 'policies';
  wanted.value = { card, line };
}

/* To the card and line, or to the flags; false: it is written where this page cannot go. */
export function showRule(rule: RuleSource): boolean {
  const name = cardNameOf(rule.source);
  if (name !== null) {
    showCard(name, rule.line);
    return true;
  }
  if (rule.source !== 'command line')
    return false;
  view.value = 'cards';
  area.value = 'policies';
  wantedFlags.value = true;
  return true;
}

/* "strict, line 13, net.rules[0]" */
export function sourceText(rule: RuleSource): string {
  const name = cardNameOf(rule.source) ?? rule.source;
  return `${name}${rule.line === null ? '' : `:${rule.line}`}: ${rule.text}`;
}
