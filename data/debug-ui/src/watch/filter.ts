// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The language of the events' filter. It knows nothing of the page.
 *
 *   filter = term...            all of them hold
 *   term   = ['-'] (KEY ':' value {',' value} | value)      - : it does not hold; one of the values suffices
 *   value  = '"' anything '"' | what has no blank, comma or quote
 *
 *   action:deny  kind:net,dns         begins with it
 *   host:*.x     object:"/etc/*"      with a *: the whole is so; without: it has this in it
 *   pid:3        count:>10            numbers: as they are, or above, below (> >= < <=)
 *   observed:yes
 *   anything else                     any text of the event has it
 *
 * Case never matters. There is no wrong filter: while one is being typed, what is half there is taken for
 * words, and `notes` says so. Matching is linear in the text, whatever the filter: both may be hostile.
 */
import type { BuntimeEvent } from '../protocol';

export type Test = (event: BuntimeEvent) => boolean;

export interface Filter {
  test: Test;
  empty: boolean;
  /* Keys that there are not, and the nearest that there is. */
  notes: { key: string; nearest: string }[];
}

export interface Term {
  negated: boolean;
  key: string | null;
  values: string[];
}

const MOST_TERMS = 50;
const MOST_TEXT = 2000;

type Numeric = 'pid' | 'count' | 'duration' | 'exit';
type Text = 'action' | 'kind' | 'object' | 'host' | 'program' | 'rule' | 'reason' | 'permit' | 'worker';

const NUMBERS: readonly Numeric[] = ['pid', 'count', 'duration', 'exit'];
const WORDS: readonly Text[] = ['action', 'kind', 'object', 'host', 'program', 'rule', 'reason', 'permit', 'worker'];
export const KEYS: readonly string[] = [...WORDS, ...NUMBERS, 'observed'];

/* What can be typed behind a key, where that is a short list. */
export const VALUES: Readonly<Record<string, readonly string[]>> = {
  action: ['deny', 'warn', 'allow', 'opened', 'closed', 'started', 'exited', 'failed', 'dropped', 'notice'],
  kind: ['net', 'dns', 'read', 'write', 'run', 'env', 'unix', 'ffi', 'sys', 'limit', 'state'],
  observed: ['yes', 'no'],
};

export function ruleText(event: BuntimeEvent): string {
  const rule = event.rule;
  if (rule === null)
    return '';
  return rule.line === null ? `${rule.source} ${rule.text}` : `${rule.source}:${rule.line} ${rule.text}`;
}

function textOf(event: BuntimeEvent, key: Text): string {
  switch (key) {
    case 'rule':
      return ruleText(event);
    case 'permit':
      return event.suggestion ?? '';
    default:
      return event[key] ?? '';
  }
}

/* ---- reading ---- */

function readValue(text: string, at: number): { value: string; next: number } {
  if (text[at] === '"') {
    const end = text.indexOf('"', at + 1);
    return end < 0
      ? { value: text.slice(at + 1), next: text.length }
      : { value: text.slice(at + 1, end), next: end + 1 };
  }
  let end = at;
  while (end < text.length && !/[\s,"]/.test(text[end]))
    end++;
  return { value: text.slice(at, end), next: end };
}

function readValues(text: string, at: number): { values: string[]; next: number } {
  const values: string[] = [];
  for (;;) {
    const { value, next } = readValue(text, at);
    if (value !== '')
      values.push(value);
    at = next;
    if (text[at] !== ',')
      return { values, next: at };
    at++;
  }
}

export function parse(text: string): Term[] {
  const terms: Term[] = [];
  text = text.slice(0, MOST_TEXT);
  let at = 0;
  while (at < text.length && terms.length < MOST_TERMS) {
    if (/\s/.test(text[at])) {
      at++;
      continue;
    }
    /* --allow-net is a word. */
    const negated = text[at] === '-' && text[at + 1] !== '-';
    if (negated)
      at++;
    const key = /^[a-z]+(?=:)/i.exec(text.slice(at, at + 12))?.[0].toLowerCase() ?? null;
    const known = key !== null && KEYS.includes(key);
    if (known)
      at += key.length + 1;
    const { values, next } = readValues(text, at);
    if (values.length > 0)
      terms.push({ negated, key: known ? key : null, values });
    at = next;
  }
  return terms;
}

/* ---- matching ---- */

type TextTest = (text: string) => boolean;

/* With stars: the whole text is the pieces in their order, anything between them. */
function globTest(pattern: string): TextTest {
  const pieces = pattern.split('*');
  const head = pieces[0];
  const tail = pieces[pieces.length - 1];
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '');
  return (text) => {
    const end = text.length - tail.length;
    if (end < head.length || !text.startsWith(head) || !text.endsWith(tail))
      return false;
    let at = head.length;
    for (const piece of middle) {
      const found = text.indexOf(piece, at);
      if (found < 0 || found + piece.length > end)
        return false;
      at = found + piece.length;
    }
    return true;
  };
}

function textTest(key: Text, value: string): TextTest {
  const wanted = value.toLowerCase();
  if (wanted.includes('*'))
    return globTest(wanted);
  if (key === 'action' || key === 'kind')
    return (text) => text.startsWith(wanted);
  return (text) => text.includes(wanted);
}

/* Most events share them with the one before: the answer is kept for the last text. */
function remembering(test: TextTest): (text: string | null) => boolean {
  let last: string | null = null;
  let answer = false;
  return (text) => {
    if (text !== last) {
      last = text;
      answer = text !== null && test(text.toLowerCase());
    }
    return answer;
  };
}

function wordTest(value: string): Test {
  const wanted = value.toLowerCase();
  const has: TextTest = wanted.includes('*') ? globTest(`*${wanted}*`) : (text) => text.includes(wanted);
  const hasAny = (text: string | null) => text !== null && has(text.toLowerCase());
  const [program, host, action, kind, reason, rule, source] = Array.from({ length: 7 }, () => remembering(has));
  return (event) =>
    hasAny(event.object) || hasAny(event.suggestion) || host(event.host) || program(event.program) || action(event.action) ||
    kind(event.kind) || reason(event.told ?? event.reason) || (event.rule !== null && (rule(event.rule.text) || source(event.rule.source)));
}

function numberTest(key: Numeric, value: string): Test | null {
  const parts = /^(>=|<=|>|<|=)?(\d{1,15})$/.exec(value);
  if (parts === null)
    return null;
  const wanted = Number(parts[2]);
  const compare: (number: number) => boolean = {
    '>': (number: number) => number > wanted,
    '>=': (number: number) => number >= wanted,
    '<': (number: number) => number < wanted,
    '<=': (number: number) => number <= wanted,
  }[parts[1] ?? ''] ?? ((number) => number === wanted);
  return (event) => {
    const number = event[key];
    return typeof number === 'number' && compare(number);
  };
}

function observedTest(value: string): Test | null {
  const word = value.toLowerCase();
  if (word === '')
    return null;
  if ('yes'.startsWith(word) || word === 'true')
    return (event) => event.observed;
  if ('no'.startsWith(word) || word === 'false')
    return (event) => !event.observed;
  return null;
}

/* null: the value is none for this key. */
function valueTest(key: string, value: string): Test | null {
  if (key === 'observed')
    return observedTest(value);
  if ((NUMBERS as readonly string[]).includes(key))
    return numberTest(key as Numeric, value);
  const has = textTest(key as Text, value);
  return (event) => has(textOf(event, key as Text).toLowerCase());
}

function termTest(term: Term): Test | null {
  const { key, negated } = term;
  const tests = term.values.map((value) => (key === null ? wordTest(value) : valueTest(key, value))).filter((test) => test !== null);
  if (tests.length === 0)
    /* Half typed, as pid:> is. */
    return null;
  const one = tests.length === 1 ? tests[0] : (event: BuntimeEvent) => tests.some((test) => test(event));
  return negated ? (event) => !one(event) : one;
}

/* ---- what was meant ---- */

function distance(one: string, two: string): number {
  let row = Array.from({ length: two.length + 1 }, (_value, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= two.length; j++)
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (one[i - 1] === two[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[two.length];
}

/* Only what is near a key: most words with a colon are addresses. */
function nearestKey(word: string): string | null {
  let best: string | null = null;
  let least = 3;
  for (const key of KEYS) {
    const far = Math.min(distance(word, key), word.length > 2 && key.startsWith(word) ? 1 : least);
    if (far < least && far < key.length - 1)
      [best, least] = [key, far];
  }
  return best;
}

export function compile(text: string): Filter {
  const terms = parse(text);
  const tests = terms.map(termTest).filter((test) => test !== null);
  const notes = [];
  for (const term of terms) {
    const key = term.key === null ? /^([a-z]{2,10}):./i.exec(term.values[0])?.[1].toLowerCase() : undefined;
    const nearest = key === undefined ? null : nearestKey(key);
    if (key !== undefined && nearest !== null)
      notes.push({ key, nearest });
  }
  const test: Test = tests.length === 1 ? tests[0] : (event) => {
    for (const one of tests)
      if (!one(event))
        return false;
    return true;
  };
  return { test, empty: tests.length === 0, notes };
}

/* ---- changing ---- */

export function quoted(value: string): string {
  /* There is no quote inside quotes: what stands around it has to do. */
  return /[\s,"]/.test(value) || value.startsWith('-') ? `"${value.replaceAll('"', '*')}"` : value;
}

/* With the term if it was not there, without it if it was. */
export function toggled(text: string, term: string): string {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const left = words.filter((word) => word !== term);
  return (left.length < words.length ? left : [...words, term]).join(' ');
}

/* How the word at the end of what is typed may go on: whole terms. */
export function completions(text: string): string[] {
  const word = /(?:^|\s)-?([^\s"]*)$/.exec(text)?.[1].toLowerCase() ?? '';
  const [key, typed] = word.includes(':') ? [word.slice(0, word.indexOf(':')), word.slice(word.indexOf(':') + 1)] : [word, null];
  if (typed === null)
    return key === '' ? [] : KEYS.filter((one) => one.startsWith(key)).map((one) => `${one}:`);
  const before = typed.includes(',') ? typed.slice(0, typed.lastIndexOf(',') + 1) : '';
  const last = typed.slice(before.length);
  return (VALUES[key] ?? []).filter((value) => value.startsWith(last) && value !== last).map((value) => `${key}:${before}${value}`);
}

/* The text with the word at its end replaced. */
export function completed(text: string, term: string): string {
  return text.replace(/(^|\s)(-?)[^\s"]*$/, (_all, blank: string, minus: string) => `${blank}${minus}${term}`);
}
