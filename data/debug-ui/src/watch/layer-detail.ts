// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the server says of a layer, in the user's language. It says it in English, for programs too, and in
 * parts (src/lib/bt-supervisor-layers.c): those that are sentences are known here, names stay as they are.
 */
import { _, format } from '../i18n';

type Known = [pattern: RegExp, text: () => string];

/* A pattern's groups are the text's %1, %2 ... */
const KNOWN: Known[] = [
  [/^none: nothing but a loopback of its own$/, () => _('none: nothing but a loopback of its own')],
  [/^ports of the host's loopback: (\d+)$/, () => _('ports of the host’s loopback: %1')],
  [/^published ports: (\d+)$/, () => _('published ports: %1')],
  [/^the host's: TCP alone, which the supervisor connects$/, () => _('the host’s: TCP alone, which the supervisor connects')],
  [/^no packet leaves the sandbox$/, () => _('no packet leaves the sandbox')],
  [/^but for connections that an address rule allows: these the supervisor makes$/, () => _('but for connections that an address rule allows: these the supervisor makes')],
  [/^every packet$/, () => _('every packet')],
  [/^no packet is looked at$/, () => _('no packet is looked at')],
  [/^no control group$/, () => _('no control group')],
  [/^control group: (.+)$/, () => _('control group: %1')],
  [/^file systems: (.+)$/, () => _('file systems: %1')],
  [/^supervisor: (.+)$/, () => _('supervisor: %1')],
  [/^resource limits: (.+)$/, () => _('resource limits: %1')],
  [/^mounts alone$/, () => _('mounts alone')],
  [/^ABI (\d+), (\d+) rules$/, () => _('ABI %1, %2 rules')],
  [/^ABI (\d+), (\d+) rules, signals and abstract sockets scoped$/, () => _('ABI %1, %2 rules, signals and abstract sockets scoped')],
  [/^every system call$/, () => _('every system call')],
  [/^no system call is asked about$/, () => _('no system call is asked about')],
  [/^a filter of (\d+) instructions$/, () => _('a filter of %1 instructions')],
  [/^a filter of (\d+) instructions, antiEscape names (\d+) calls$/, () => _('a filter of %1 instructions, antiEscape names %2 calls')],
  [/^the supervisor is asked$/, () => _('the supervisor is asked')],
  [/^the supervisor is asked, and a helper opens files$/, () => _('the supervisor is asked, and a helper opens files')],
  [/^a root of its own with (\d+) mounts$/, () => _('a root of its own with %1 mounts')],
  [/^among the user's other processes$/, () => _('among the user’s other processes')],
  [/^the host's tree, held by Landlock$/, () => _('the host’s tree, held by Landlock')],
  [/^no_new_privs, no capabilities$/, () => _('no_new_privs, no capabilities')],
  [/^rings and a control socket$/, () => _('rings and a control socket')],
  [/^nobody speaks to it$/, () => _('nobody speaks to it')],
];

function translatedPart(part: string): string {
  for (const [pattern, text] of KNOWN) {
    const match = pattern.exec(part);
    if (match !== null)
      return format(text(), ...match.slice(1));
  }
  return part;
}

/* What is off says in brackets what turned it off. */
export function detailText(detail: string): string {
  const [, what, why] = /^(.*?)( \([^]*\))?$/.exec(detail) ?? [detail, detail, undefined];
  return what.split('; ').map(translatedPart).join('; ') + (why ?? '');
}
