// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Texts for people are written _('in English') where they are used. buntime's own catalogues in po/ hold
 * their translations; the server sends those of the user's language with its hello, so that this page has
 * no catalogues of its own. xgettext finds the calls: only literals can be translated.
 */
import { signal } from '@preact/signals';

const messages = signal<Record<string, string>>({});

export const locale = signal('en');

export function translate(language: string, texts: Record<string, string>): void {
  messages.value = texts;
  locale.value = language;
  document.documentElement.lang = language;
}

export function _(text: string): string {
  return messages.value[text] ?? text;
}

/* Of a text that is no literal here: of the templates' index, which bundle.mjs reads. */
export function translated(text: string): string {
  return messages.value[text] ?? text;
}

/* Replaces %1, %2 ... in an order that each language chooses. */
export function format(text: string, ...values: (string | number)[]): string {
  return text.replace(/%(\d)/g, (whole, number) => String(values[Number(number) - 1] ?? whole));
}

/* What formats is made once a language: making one takes longer than all else in a row of a table. */
const formats = new Map<string, Intl.NumberFormat>();
let clocks: { locale: string; time: Intl.DateTimeFormat } | null = null;

function formatOf(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${locale.value} ${options.unit} ${options.maximumFractionDigits}`;
  let found = formats.get(key);
  if (found === undefined) {
    found = new Intl.NumberFormat(locale.value, options);
    formats.set(key, found);
  }
  return found;
}

function withUnit(value: number, unit: string, digits: number): string {
  return formatOf({ style: 'unit', unit, unitDisplay: unit === 'byte' ? 'long' : 'short' /* "byte" has no plural there */, maximumFractionDigits: digits }).format(value);
}

export function number(value: number): string {
  return formatOf({}).format(value);
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

export function bytes(value: number): string {
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return withUnit(value, UNITS[unit], unit > 0 && value < 100 ? 1 : 0);
}

export function duration(ms: number): string {
  return ms < 1000 ? withUnit(ms, 'millisecond', 0) : withUnit(ms / 1000, 'second', 1);
}

/* Of the day, to the millisecond. */
export function clock(ms: number): string {
  if (clocks?.locale !== locale.value) {
    const time = new Intl.DateTimeFormat(locale.value, { hour12: false, hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 });
    clocks = { locale: locale.value, time };
  }
  return Math.abs(ms) <= 8.64e15 ? clocks.time.format(ms) : '';
}
