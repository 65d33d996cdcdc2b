// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A policy's text as the presets are written: two spaces, a rule a line, long lists of words filled.
 * formatPolicy(JSON.parse(text)) === text for each of them (tests/ui/policies.test.mjs).
 */

const WIDTH = 98;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/* Lists of objects are of rules. */
function hasRules(value: unknown): boolean {
  if (Array.isArray(value))
    return value.some(isObject);
  return isObject(value) && Object.values(value).some(hasRules);
}

function onOneLine(value: unknown): string {
  if (Array.isArray(value))
    return `[${value.map(onOneLine).join(', ')}]`;
  if (!isObject(value))
    return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${onOneLine(member)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

function fill(words: string[], indent: string): string {
  const lines = [''];
  words.forEach((word, index) => {
    const item = index < words.length - 1 ? `${word},` : word;
    const line = lines[lines.length - 1];
    if (line === '')
      lines[lines.length - 1] = indent + item;
    else if (line.length + 1 + item.length <= WIDTH)
      lines[lines.length - 1] = `${line} ${item}`;
    else
      lines.push(indent + item);
  });
  return lines.join('\n');
}

/* before: how long the line is already. A rule is one line, however long. */
function write(value: unknown, indent: string, before: number, rule = false): string {
  const line = onOneLine(value);
  const inner = `${indent}  `;
  if (typeof value !== 'object' || value === null || (!hasRules(value) && (rule || before + line.length <= WIDTH)))
    return line;
  if (!Array.isArray(value)) {
    const members = Object.entries(value).map(([key, member]) => {
      const start = `${inner}${JSON.stringify(key)}: `;
      return start + write(member, inner, start.length + 1);
    });
    return `{\n${members.join(',\n')}\n${indent}}`;
  }
  if (!hasRules(value))
    return `[\n${fill(value.map(onOneLine), inner)}\n${indent}]`;
  return `[\n${value.map((item) => inner + write(item, inner, inner.length, true)).join(',\n')}\n${indent}]`;
}

export function formatPolicy(value: unknown): string {
  if (!isObject(value))
    return `${onOneLine(value)}\n`;
  const members = Object.entries(value).map(([key, member]) => {
    const start = `  ${JSON.stringify(key)}: `;
    return start + write(member, '  ', start.length + 1);
  });
  return members.length === 0 ? '{}\n' : `{\n${members.join(',\n')}\n}\n`;
}
