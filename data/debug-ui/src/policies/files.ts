// SPDX-License-Identifier: LGPL-2.1-or-later
/* Policies that leave the page as files, and come into it. */
import { signal } from '@preact/signals';

import { _, bytes, format } from '../i18n';
import type { Problem } from '../protocol';
import { ask } from '../state/connection';
import { cardOf, freeName, textOf, updateCard } from '../state/policies';
import { announce, announceError } from '../ui/announce';
import { showCard } from './places';

/* What buntime reads of a file. */
const MOST = 1 << 20;

/* The texts that were exported, by the card's name: a command line can name their files. */
export const exported = signal<ReadonlyMap<string, string>>(new Map());

/* What is wrong with a file that was to be imported. */
export const refused = signal<{ file: string; problems: Problem[] } | null>(null);

export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name}.json`;
  link.click();
  /* The browser reads it after this turn. */
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function exportCard(name: string): void {
  const text = textOf(cardOf(name));
  download(name, text);
  exported.value = new Map(exported.value).set(name, text);
}

function readText(file: File): Promise<string> {
  return file.arrayBuffer().then((buffer) => new TextDecoder('utf-8', { fatal: true }).decode(buffer));
}

async function importFile(file: File): Promise<void> {
  const name = file.name.replace(/\.json$/i, '').replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[.-]+/, '').slice(0, 60);
  if (file.size > MOST) {
    announce(format(_('%1 is too large: a policy has at most %2'), file.name, bytes(MOST)), true);
    return;
  }
  let text: string;
  try {
    text = await readText(file);
  } catch {
    announce(format(_('%1 is no text in UTF-8'), file.name), true);
    return;
  }
  const free = freeName(name === '' ? 'imported' : name);
  const { problems } = await ask({ type: 'apply-policy', policy: { name: free, text } }, 'policy-loaded');
  if (problems.length > 0) {
    refused.value = { file: file.name, problems };
    return;
  }
  updateCard(free, { text });
  showCard(free, null);
  announce(format(_('Imported as %1; it is off'), free));
}

/* A file that misses its place would be opened instead of this page. */
for (const name of ['dragover', 'drop'] as const) {
  addEventListener(name, (event) => {
    if (event.dataTransfer?.types.includes('Files'))
      event.preventDefault();
  });
}

export async function importFiles(files: Iterable<File>): Promise<void> {
  try {
    for (const file of [...files].slice(0, 20))
      await importFile(file);
  } catch (error) {
    announceError(error);
  }
}
