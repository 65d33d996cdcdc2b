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

/* Replaces %1, %2 ... in an order that each language chooses. */
export function format(text: string, ...values: (string | number)[]): string {
  return text.replace(/%(\d)/g, (whole, number) => String(values[Number(number) - 1] ?? whole));
}

export function number(value: number): string {
  return value.toLocaleString(locale.value);
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

export function bytes(value: number): string {
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return new Intl.NumberFormat(locale.value, {
    style: 'unit', unit: UNITS[unit], unitDisplay: 'short', maximumFractionDigits: unit > 0 && value < 100 ? 1 : 0,
  }).format(value);
}

export function duration(ms: number): string {
  if (ms < 1000)
    return new Intl.NumberFormat(locale.value, { style: 'unit', unit: 'millisecond', unitDisplay: 'short', maximumFractionDigits: 0 }).format(ms);
  return new Intl.NumberFormat(locale.value, { style: 'unit', unit: 'second', unitDisplay: 'short', maximumFractionDigits: 1 }).format(ms / 1000);
}

/* Of the day, to the millisecond. */
export function clock(ms: number): string {
  return new Date(ms).toLocaleTimeString(locale.value, { hour12: false, hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 });
}
