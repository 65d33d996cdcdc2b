// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The policies that runs get: cards, each one policy that is on or off, and flags above them.
 * What is shown of them is src/policies/; what is run with them is policySet().
 */
import { computed, signal } from '@preact/signals';

import type { Of } from './connection';
import type { PolicyPart, PolicySet, Preset } from '../protocol';
import { stored } from './stored';

export interface Card {
  name: string;
  on: boolean;
  /* The text as edited here; null: as the preset's file has it. */
  text: string | null;
}

/* Where a permission that was given in the page holds: for one run, or for all of this page. A saved
 * one is in a policy of the user's, and so in a card. */
export type FlagScope = 'once' | 'page';

export interface Flag {
  flag: string;
  scope: FlagScope;
}

function isCards(value: unknown): value is Card[] {
  return Array.isArray(value) && value.every((card: Card) =>
    typeof card?.name === 'string' && typeof card.on === 'boolean' && (card.text === null || typeof card.text === 'string'));
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
