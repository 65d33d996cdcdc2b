// SPDX-License-Identifier: LGPL-2.1-or-later
/* A line of arguments, as a shell would read it: blanks part words, quotes and backslashes keep them. Nothing is expanded. */
const WORD = /(?:"(?:[^"\\]|\\.)*"?|'[^']*'?|\\.|[^\s"'\\])+/gs;

export function splitWords(line: string): string[] {
  return (line.match(WORD) ?? []).map((word) =>
    word.replace(/"((?:[^"\\]|\\.)*)"?|'([^']*)'?|\\(.)/gs, (_whole, double?: string, single?: string, one?: string) =>
      double?.replace(/\\(["\\$`])/g, '$1') ?? single ?? one ?? ''));
}

export function joinWords(words: string[]): string {
  return words.map((word) => (/^[\w@%+=:,.\/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}
