// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a program says, for a line of this page's own: characters that have no form, or that change how others
 * are read (U+202E writes the rest from the right), are shown by their numbers. A path cannot look like another.
 */
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]/u;
const ALL_HIDDEN = new RegExp(HIDDEN.source, 'gu');

export function plain(text: string): string {
  return HIDDEN.test(text) ? text.replace(ALL_HIDDEN, (sign) => `\\u{${sign.codePointAt(0)!.toString(16)}}`) : text;
}
