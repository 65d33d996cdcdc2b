// SPDX-License-Identifier: LGPL-2.1-or-later
/* Words of a command line, as a POSIX shell reads them. Events suggest flags that are ready for one. */

const PLAIN = /^[A-Za-z0-9_@%+=:,.\/-]+$/;

function quoteValue(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll('\'', '\'\\\'\'')}'`;
}

/* --name='value': what people read first stays plain. */
export function quote(word: string): string {
  const flag = /^(--[a-z-]+=)([^]*)$/.exec(word);
  return flag === null || flag[2] === '' ? quoteValue(word) : flag[1] + quoteValue(flag[2]);
}

/* null: a quote is not closed. */
export function split(text: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let left = text;
  while (left !== '') {
    const part = /^(?:(\s+)|'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])|([^\s'"\\]+))/.exec(left);
    if (part === null)
      return null;
    left = left.slice(part[0].length);
    if (part[1] !== undefined) {
      if (word !== null)
        words.push(word);
      word = null;
    } else {
      word = (word ?? '') + (part[2] ?? part[3]?.replace(/\\(["\\$`])/g, '$1') ?? part[4] ?? part[5]);
    }
  }
  return word === null ? words : [...words, word];
}
