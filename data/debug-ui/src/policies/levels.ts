// SPDX-License-Identifier: LGPL-2.1-or-later
/* How much a set of policies grants: a word, a colour and a sentence. */
import { _ } from '../i18n';
import type { Level, PolicySummary } from '../protocol';

export const NOTHING: PolicySummary = { level: 'strict', allow: 0, deny: 0, warn: 0 };

export function levelWord(level: Level): string {
  return { unrestricted: _('Unrestricted'), open: _('Open'), scoped: _('Scoped'), strict: _('Strict') }[level];
}

export function levelColour(level: Level): string {
  return { unrestricted: 'deny', open: 'warn', scoped: 'accent', strict: 'allow' }[level];
}

export function levelSentence(level: Level): string {
  return {
    unrestricted: _('Something is granted as a whole, such as all files or all programs: there, a program can do what you can.'),
    open: _('What no rule denies is allowed, of one kind at least, or every address on the network can be reached.'),
    scoped: _('What the rules name is allowed, and everything else is denied.'),
    strict: _('Nothing of yours is granted: a program has the system’s own files, an interpreter and a /tmp that is gone after it.'),
  }[level];
}
