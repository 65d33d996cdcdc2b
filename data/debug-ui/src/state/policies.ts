// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The policies that runs get: cards, each one policy that is on or off, and flags above them.
 * What is shown of them is src/policies/; what is run with them is policySet().
 */
import { computed, signal } from '@preact/signals';

import type { Of } from './connection';
import type { PolicyPart, PolicySet, Preset } from '../protocol';
import { formatPolicy } from './policy-text';
import { stored } from './stored';

export interface Card {
  name: string;
  on: boolean;
  /* The text as edited here; null: as the preset's file has it. */
  text: string | null;
  /* A template brought it, and nobody changed it: it goes when another is loaded. */
  template?: boolean;
}

/* Where a permission that was given in the page holds: for one run, or for all of this page. A saved
 * one is in a policy of the user's, and so in a card. */
export type FlagScope = 'once' | 'page';

export interface Flag {
  flag: string;
  scope: FlagScope;
  template?: boolean; /* as a card's */
}

function isCards(value: unknown): value is Card[] {
  return Array.isArray(value) && value.every((card: Card) =>
    typeof card?.name === 'string' && typeof card.on === 'boolean' &&
    (card.text === null || typeof card.text === 'string'));
}

function isFlags(value: unknown): value is Flag[] {
  return Array.isArray(value) && value.every((flag: Flag) =>
    typeof flag?.flag === 'string' && (flag.scope === 'once' || flag.scope === 'page'));
}

export const presets = signal<Preset[]>([]);
export const cards = stored<Card[]>('cards', [], isCards);
export const flags = stored<Flag[]>('flags', [], isFlags);

/* What the server says the set comes to; kept up by src/policies/. */
export const merged = signal<Of<'policy-set-loaded'> | null>(null);

/* What each card is when nothing was done to it yet. */
export function cardOf(name: string): Card {
  return cards.value.find((card) => card.name === name) ?? { name, on: false, text: null };
}

export function presetOf(name: string): Preset | null {
  return presets.value.find((preset) => preset.name === name) ?? null;
}

export function textOf(card: Card): string {
  return card.text ?? presetOf(card.name)?.text ?? '';
}

export function updateCard(name: string, change: Partial<Card>): void {
  const card: Card = { ...cardOf(name), ...change };
  if (change.text !== undefined) {
    delete card.template;
    if (card.text === presetOf(name)?.text)
      card.text = null;
  }
  cards.value = cards.value.some((other) => other.name === name)
    ? cards.value.map((other) => (other.name === name ? card : other))
    : [...cards.value, card];
}

export function removeCard(name: string): void {
  cards.value = cards.value.filter((card) => card.name !== name);
}

/* A name that no card and no preset has: "mine", "mine-2" ... */
export function freeName(wish: string): string {
  const taken = (name: string) => presetOf(name) !== null || cards.value.some((card) => card.name === name);
  let name = wish;
  for (let i = 2; taken(name); i++)
    name = `${wish}-${i}`;
  return name;
}

export function addFlag(flag: string, scope: FlagScope): void {
  flags.value = [...flags.value.filter((other) => other.flag !== flag), { flag, scope }];
}

/* A policy that a template recommends: a preset, or a text of its own. */
export type Recommended = string | { name: string; policy: unknown };

/* These are on, and nothing else; what the template before this one brought goes. */
export function recommend(policies: Recommended[], wanted: string[]): void {
  cards.value = cards.value.filter((card) => !card.template).map((card) => ({ ...card, on: false }));
  for (const policy of policies) {
    if (typeof policy === 'string')
      updateCard(policy, { on: true });
    else
      cards.value = [...cards.value, {
        name: freeName(policy.name), on: true, text: formatPolicy(policy.policy), template: true,
      }];
  }
  const own = flags.value.filter((flag) => !flag.template && !wanted.includes(flag.flag));
  flags.value = [...own, ...wanted.map((flag): Flag => ({ flag, scope: 'page', template: true }))];
}

/* These are on as they were once, and nothing else. What was edited since stays beside them. */
export function turnOn(set: PolicySet): void {
  cards.value = cards.value.map((card) => ({ ...card, on: false }));
  for (const part of set.policies) {
    const name = 'preset' in part ? part.preset : part.name;
    const text = 'preset' in part ? null : part.text;
    const card = cardOf(name);
    if (card.text === text)
      updateCard(name, { on: true });
    else
      cards.value = [...cards.value, { name: freeName(name), on: true, text: text ?? presetOf(name)?.text ?? '' }];
  }
  flags.value = set.flags.map((flag): Flag => ({ flag, scope: 'page' }));
}

export function partOf(card: Card): PolicyPart {
  return card.text === null ? { preset: card.name } : { name: card.name, text: card.text };
}

/* Everything that is on. */
export const policySet = computed<PolicySet>(() => ({
  policies: cards.value.filter((card) => card.on).map(partOf),
  flags: flags.value.map((flag) => flag.flag),
}));

/* After a run has begun. */
export function dropFlagsOfOneRun(): void {
  if (flags.value.some((flag) => flag.scope === 'once'))
    flags.value = flags.value.filter((flag) => flag.scope !== 'once');
}
