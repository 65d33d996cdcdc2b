// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From something that was denied to the flags that would permit it, the narrowest first.
 *
 * The first is what the event itself suggests. The others are made from its value: the directory and those
 * above it, the host without its port, all names beside it. They are candidates: possibleChoices() asks the
 * server for each whether it is a flag and whether the request would pass with it, and only those that pass
 * are offered.
 */
import { _, format } from '../i18n';
import type { BuntimeEvent, Permission, PolicySet } from '../protocol';
import { ask } from '../state/connection';
import { split } from './shell';

/* What of an event is looked at; a verdict has it, too. */
export type Denied = Pick<BuntimeEvent, 'permission' | 'object' | 'suggestion'> & { wider?: true };

export interface PermitChoice {
  flag: string;
  text: string;   /* what it opens, in a sentence */
  wider: boolean; /* more than what was denied */
}

const MOST_PARENTS = 4;
const CHECKED: string[] = ['net', 'read', 'write', 'run', 'env', 'ffi', 'sys', 'unix'] satisfies Permission[];

/* The flag as the server takes it: suggestions are quoted for a shell. */
function unquoted(suggestion: string): { name: string; items: string[] } | null {
  const words = split(suggestion);
  const match = words?.length === 1 ? /^(--[a-z-]+)=([^]+)$/.exec(words[0]) : null;
  if (match === null)
    return null;
  /* A comma in a path is two. */
  const items = match[2].replaceAll(',,', '\0').split(',').map((item) => item.replaceAll('\0', ','));
  return { name: match[1], items };
}

const flagOf = (name: string, item: string) => `${name}=${item.replaceAll(',', ',,')}`;

/* The directory, and those above it, up to what is somebody's whole home or a top of the system. */
function parentsOf(path: string): string[] {
  const parents = [];
  for (let at = path.replace(/\/[^\/]*$/, ''); parents.length < MOST_PARENTS; at = at.replace(/\/[^\/]*$/, '')) {
    if (at === '' || /^\/(home(\/[^\/]+)?|root|usr|var|run|tmp|mnt|media|opt|proc|sys|dev)$/.test(at))
      break;
    if (!/[*?[]/.test(at))
      parents.push(at);
  }
  return parents;
}

/* github.com:443/udp in its parts; addresses have no names beside them. */
function widerHosts(item: string): string[] {
  const match = /^(\[[^\]]+\]|[^:\/]+)(:\d+)?(\/\w+)?$/.exec(item);
  if (match === null)
    return [];
  const [, host, port = '', protocol = ''] = match;
  const found = port === '' ? [] : [host.replace(/^\[(.*)\]$/, '$1') + protocol];
  if (/[a-z]/i.test(host) && !host.startsWith('[')) {
    const above = host.split('.').slice(1);
    if (above.length >= 2)
      found.push(`*.${above.join('.')}${port}${protocol}`);
  }
  return found;
}

function widerItems(name: string, item: string): string[] {
  switch (name) {
  case '--allow-net':
    return widerHosts(item);
  case '--allow-read':
  case '--allow-write':
  case '--allow-unix':
  case '--allow-ffi':
  case '--allow-run':
    return parentsOf(item);
  case '--allow-env':
    return /^[A-Za-z0-9]+_/.test(item) ? [item.replace(/_.*$/, '_*')] : [];
  default:
    return [];
  }
}

function sentence(name: string, items: string[], isDirectory: boolean): string {
  const list = items.join(', ');
  switch (name) {
  case '--allow-net':
    if (items.some((item) => item.startsWith('*.')))
      return format(_('Lets a program reach every host whose name matches %1, and send there whatever it can read.'), list);
    return format(_('Lets a program reach %1, and send there whatever it can read.'), list);
  case '--allow-read':
    return isDirectory ? format(_('Lets a program list and read everything below %1.'), list)
      : format(_('Lets a program read %1 and, if it is a directory, everything below it.'), list);
  case '--allow-write':
    return isDirectory ? format(_('Lets a program change, make and delete everything below %1.'), list)
      : format(_('Lets a program change or delete %1 and, if it is a directory, everything below it.'), list);
  case '--allow-run':
    return isDirectory ? format(_('Lets a program run every program below %1, inside the same sandbox.'), list)
      : format(_('Lets a program run %1, inside the same sandbox.'), list);
  case '--allow-env':
    return format(_('Lets a program see your environment’s %1; secrets are often kept there.'), list);
  case '--allow-unix':
    return isDirectory ? format(_('Lets a program talk to every service below %1, which acts with your rights.'), list)
      : format(_('Lets a program talk to the service at %1, which acts with your rights.'), list);
  case '--allow-ffi':
    return format(_('Lets a program load code from %1.'), list);
  case '--allow-sys':
    return format(_('Lets a program learn this machine’s %1.'), list);
  default:
    return format(_('Raises a limit: %1.'), `${name.slice(2)} = ${list}`);
  }
}

/* Candidates, the narrowest first; empty: no flag permits it. */
export function permitChoices(event: Denied): PermitChoice[] {
  const suggested = event.suggestion === null ? null : unquoted(event.suggestion);
  if (suggested === null)
    return [];
  const { name, items } = suggested;
  const first = { flag: `${name}=${items.map((item) => item.replaceAll(',', ',,')).join(',')}`, text: sentence(name, items, false), wider: event.wider === true };
  const others = items.length > 1 ? [] : widerItems(name, items[0]);
  return [first, ...others.map((item) => ({ flag: flagOf(name, item), text: sentence(name, [item], true), wider: true }))];
}

/* What `check` is asked: the suggestion's own value names the request in buntime's words. */
function requestOf(event: Denied): { permission: Permission; value: string } | null {
  const suggested = event.suggestion === null ? null : unquoted(event.suggestion);
  if (suggested === null || !CHECKED.includes(event.permission))
    return null;
  return { permission: event.permission as Permission, value: suggested.items[0] };
}

/* Does the request pass with this set? Where there is nothing to ask for, is the set without mistakes? */
export async function passes(event: Denied, set: PolicySet): Promise<boolean> {
  const request = requestOf(event);
  try {
    if (request === null)
      return (await ask({ type: 'apply-policy', ...set }, 'policy-set-loaded')).problems.length === 0;
    return (await ask({ type: 'check', ...request, ...set }, 'verdict')).verdict.action !== 'deny';
  } catch {
    return false;
  }
}

/* Those that the server takes, and with which the request passes. */
export async function possibleChoices(event: Denied, set: PolicySet): Promise<PermitChoice[]> {
  const candidates = permitChoices(event);
  const good = await Promise.all(candidates.map(({ flag }) => passes(event, { ...set, flags: [...set.flags, flag] })));
  return candidates.filter((_choice, index) => good[index]);
}

/* A flag's rules as a policy file has them, written by the server. */
export async function rulesOfFlag(flag: string): Promise<Record<string, unknown>> {
  const answer = await ask({ type: 'apply-policy', policies: [], flags: [flag] }, 'policy-set-loaded');
  const { version: _version, defaults: _defaults, ...rules } = JSON.parse(answer.policy ?? '{}') as Record<string, unknown>;
  return rules;
}

/* A policy with these rules, too: lists grow, settings are replaced. */
export function withRules(policy: unknown, rules: unknown): unknown {
  if (Array.isArray(policy) && Array.isArray(rules)) {
    const known = new Set(policy.map((item) => JSON.stringify(item)));
    return [...policy, ...rules.filter((item) => !known.has(JSON.stringify(item)))];
  }
  const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject(policy) || !isObject(rules))
    return rules;
  const both = { ...policy };
  for (const [key, value] of Object.entries(rules))
    both[key] = key in both ? withRules(both[key], value) : value;
  return both;
}
