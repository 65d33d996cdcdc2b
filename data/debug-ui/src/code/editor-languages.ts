// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the editor knows of each language. */
import { completeFromList, ifNotIn, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { localCompletionSource, typescriptLanguage } from '@codemirror/lang-javascript';
import { json } from '@codemirror/lang-json';
import { globalCompletion, localCompletionSource as pythonNames, pythonLanguage } from '@codemirror/lang-python';
import type { Extension } from '@codemirror/state';

import type { Language } from '../protocol';

export type EditorLanguage = Language | 'json';

export const LANGUAGE_NAMES: Record<Language, string> = { python: 'Python', bun: 'Bun' };

/* Those that are tried in a sandbox most. */
const MODULES = ('argparse asyncio base64 collections concurrent.futures contextlib csv ctypes dataclasses datetime functools glob ' +
  'hashlib http.client http.server importlib io itertools json logging math multiprocessing os os.path pathlib platform random re ' +
  'resource secrets select shutil signal socket sqlite3 ssl stat string struct subprocess sys tempfile textwrap threading time ' +
  'traceback typing unittest urllib.error urllib.parse urllib.request uuid zlib buntime').split(' ');
const BUN = ('Bun Bun.env Bun.file Bun.serve Bun.sleep Bun.spawn Bun.spawnSync Bun.write Buffer URL URLSearchParams AbortController ' +
  'clearInterval clearTimeout console console.error console.log crypto fetch performance process process.argv process.cwd process.env ' +
  'process.exit process.memoryUsage process.pid queueMicrotask setInterval setTimeout structuredClone TextDecoder TextEncoder ' +
  'WebSocket').split(' ');
const NODE_MODULES = ('buntime node:child_process node:crypto node:dns node:events node:fs node:fs/promises node:http node:https node:net ' +
  'node:os node:path node:stream node:tls node:url node:util node:worker_threads node:zlib bun:ffi bun:sqlite').split(' ');

const KEYWORDS = ('async await break case catch class const continue default delete do else export extends false finally for from function ' +
  'if implements import in instanceof interface let new null of private public readonly return static super switch this throw true try ' +
  'type typeof undefined while yield').split(' ');

function options(names: string[], type: string): Completion[] {
  return names.map((label) => ({ label, type }));
}

const modules = options(MODULES, 'namespace');
const nodeModules = options(NODE_MODULES, 'namespace');
const bunGlobals = ifNotIn(['String', 'TemplateString', 'LineComment', 'BlockComment', 'PropertyName'],
  completeFromList([...options(BUN, 'variable'), ...options(KEYWORDS, 'keyword')]));

function afterImport(context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/^\s*(?:import|from)\s+[\w.]*/);
  if (word === null)
    return null;
  return { from: word.from + word.text.search(/[\w.]*$/), options: modules, validFor: /^[\w.]*$/ };
}

/* What an import names is no name of the program yet, though the grammar takes it for one. */
function pythonWords(context: CompletionContext): CompletionResult | null {
  return afterImport(context) ?? pythonNames(context) ?? null;
}

function inModuleName(context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/(?:from|require\(|import\(?)\s*["'][\w:.\/]*/);
  if (word === null)
    return null;
  return { from: word.from + word.text.search(/[\w:.\/]*$/), options: nodeModules, validFor: /^[\w:.\/]*$/ };
}

export function extensionsOf(language: EditorLanguage): Extension {
  switch (language) {
    case 'python':
      return [pythonLanguage, pythonLanguage.data.of({ autocomplete: pythonWords }), pythonLanguage.data.of({ autocomplete: globalCompletion })];
    case 'bun':
      return [
        typescriptLanguage,
        typescriptLanguage.data.of({ autocomplete: localCompletionSource }),
        typescriptLanguage.data.of({ autocomplete: inModuleName }),
        typescriptLanguage.data.of({ autocomplete: bunGlobals }),
      ];
    case 'json':
      return json();
  }
}
