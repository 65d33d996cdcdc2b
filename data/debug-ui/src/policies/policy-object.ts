// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A policy's text as an object that a table can show and change. Keys that this page does not know stay
 * where they are; what is no policy at all, or would lose something, is left to the text.
 */
import { _ } from '../i18n';
import { formatPolicy } from '../state/policy-text';

export type Policy = Record<string, unknown>;
export type Path = (string | number)[];

export const FS_PERMS = [
  'read_file', 'read_dir', 'write_file', 'write_dir', 'execute', 'make_reg', 'make_dir', 'make_sym', 'make_sock',
  'make_fifo', 'make_char', 'make_block', 'remove_file', 'remove_dir', 'truncate', 'refer',
];
export const SYS_FACTS = [
  'hostname', 'loadavg', 'networkInterfaces', 'systemMemoryInfo', 'osRelease', 'osUptime', 'uid', 'gid',
];
export const LIMITS = [
  'memory', 'cpu', 'pids', 'wallTime', 'cpuTime', 'output', 'tmpSize', 'shmSize', 'openFiles',
  'netConnectionsPerSecond', 'netBytes',
];
export const AUDIT_EVENTS = ['connect', 'openat', 'execve'];
export const PLUGINS = ['namespaces', 'landlock', 'seccomp'];
export const DEFAULTS = ['fs', 'net', 'exec'];

export const RULE_SECTIONS = ['fs', 'net', 'exec', 'ffi', 'unix'] as const;
export type RuleSection = (typeof RULE_SECTIONS)[number];
export const SECTIONS = [...RULE_SECTIONS, 'env', 'sys', 'limits', 'defaults', 'plugins', 'audit', 'antiEscape', 'extends'] as const;
export type Section = (typeof SECTIONS)[number];

export function isObject(value: unknown): value is Policy {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/* JSON.parse() keeps the last of keys that are there twice, without a word. */
function countKeys(value: unknown): number {
  if (Array.isArray(value))
    return value.reduce((sum: number, item) => sum + countKeys(item), 0);
  if (!isObject(value))
    return 0;
  return Object.values(value).reduce((sum: number, item) => sum + 1 + countKeys(item), 0);
}

function countWrittenKeys(text: string): number {
  let count = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g))
    if (match[1] !== undefined)
      count++;
  return count;
}

export type Reading = { policy: Policy } | { fault: string };

export function readPolicy(text: string): Reading {
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch {
    return { fault: _('This text is not JSON yet: the mistakes are told above, and the text can be corrected.') };
  }
  if (!isObject(policy))
    return { fault: _('A policy is an object: { "version": 1 }.') };
  if (countKeys(policy) !== countWrittenKeys(text))
    return { fault: _('A key is there twice. A table would lose one of them: correct the text.') };
  return { policy };
}

export function getAt(policy: unknown, path: Path): unknown {
  let value = policy;
  for (const key of path) {
    if (Array.isArray(value) ? typeof key !== 'number' : !isObject(value))
      return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

export function listAt(policy: Policy, path: Path): unknown[] {
  const value = getAt(policy, path);
  return Array.isArray(value) ? value : [];
}

/* As the server names places: fs.rules[0].path. */
export function pathText(path: Path): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index > 0 ? `.${key}` : key)).join('');
}

/* A copy with this value there; undefined: without it. */
export function setAt(value: unknown, path: Path, to: unknown): unknown {
  if (path.length === 0)
    return to;
  const [key, ...rest] = path;
  if (typeof key === 'number') {
    const list = Array.isArray(value) ? [...value] : [];
    const item = setAt(list[key], rest, to);
    if (item === undefined)
      list.splice(key, 1);
    else
      list[key] = item;
    return list;
  }
  const object: Policy = isObject(value) ? { ...value } : {};
  const item = setAt(object[key], rest, to);
  if (item === undefined)
    delete object[key];
  else
    object[key] = item;
  return object;
}

export function changedText(policy: Policy, path: Path, to: unknown): string {
  return formatPolicy(setAt(policy, path, to));
}

export function newRule(section: RuleSection): Policy {
  switch (section) {
  case 'fs':
    return { action: 'allow', path: '', perms: ['read_file', 'read_dir'] };
  case 'net':
    return { action: 'allow', proto: 'tcp', host: '' };
  default:
    return { action: 'allow', path: '' };
  }
}

/* What a section is when it is added. */
export function newSection(section: Section): unknown {
  switch (section) {
  case 'env':
    return { allow: [] };
  case 'sys':
    return { allow: [] };
  case 'limits':
    return {};
  case 'defaults':
    return { fs: 'deny', net: 'deny', exec: 'deny' };
  case 'plugins':
    return { namespaces: true, landlock: true, seccomp: true };
  case 'audit':
    return { enabled: true, events: ['connect', 'openat', 'execve'] };
  case 'antiEscape':
    return { denySyscalls: [] };
  case 'extends':
    return [];
  default:
    return { rules: [newRule(section)] };
  }
}

export function sectionTitle(section: Section): string {
  return {
    fs: _('Files'), net: _('Network'), exec: _('Programs'), ffi: _('Libraries'), unix: _('Unix sockets'),
    env: _('Environment'), sys: _('Machine facts'), limits: _('Limits'), defaults: _('Defaults'),
    plugins: _('Layers'), audit: _('Audit'), antiEscape: _('System calls'), extends: _('Extends'),
  }[section];
}
