// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the cards are called, and in which order they come. */
import type { Card } from '../state/policies';
import { cardOf, cards, presets } from '../state/policies';

/* The names that buntime's first page gave them. */
const TITLES: Record<string, string> = {
  'fs-allowlist': 'FSAllowlistPolicy',
  'net-egress': 'NetEgressPolicy',
  'exec-policy': 'ExecPolicy',
  'anti-escape': 'AntiEscapePolicy',
  'audit': 'AuditPolicy',
  'lambda': 'LambdaBackendPolicy',
};

export function titleOf(name: string): string {
  return TITLES[name] ?? name;
}

export interface Groups {
  main: Card[];
  own: Card[];
  more: Card[];
}

export function groups(): Groups {
  const known = new Map(presets.value.map((preset) => [preset.name, preset]));
  const names = presets.value.filter((preset) => !preset.user && TITLES[preset.name] === undefined).map((preset) => preset.name);
  const users = presets.value.filter((preset) => preset.user && TITLES[preset.name] === undefined).map((preset) => preset.name);
  const unsaved = cards.value.filter((card) => !known.has(card.name)).map((card) => card.name);
  return {
    main: Object.keys(TITLES).filter((name) => known.has(name)).map(cardOf),
    own: [...unsaved, ...users].map(cardOf),
    more: names.map(cardOf),
  };
}

/* Is it a policy that this page alone has, or the user's on disk? */
export function isOwn(name: string): boolean {
  return presets.value.find((preset) => preset.name === name)?.user ?? true;
}
