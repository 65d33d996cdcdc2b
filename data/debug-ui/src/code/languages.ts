// SPDX-License-Identifier: LGPL-2.1-or-later
import type { Language } from '../protocol';

export type EditorLanguage = Language | 'json';

export const LANGUAGE_NAMES: Record<Language, string> = { python: 'Python', bun: 'Bun' };
export const SUFFIXES: Record<Language, string> = { python: '.py', bun: '.ts' };
