// SPDX-License-Identifier: LGPL-2.1-or-later
/* What each key of an event means, as data/schema/event.schema.json says it. */
import { _ } from '../i18n';

export function meaningOf(key: string): string | null {
  switch (key) {
    case 'time': return _('When, in milliseconds since 1970.');
    case 'datetime': return _('When, in UTC.');
    case 'worker': return _('Which run: the program’s name and the supervisor’s process id.');
    case 'pid': return _('The process inside the sandbox.');
    case 'program': return _('What that process calls itself; it may say anything.');
    case 'kind': return _('What it was about.');
    case 'action': return _('The verdict; for a connection or the run itself what happened to it.');
    case 'object': return _('What was asked for: a path, host:port, a limit’s key.');
    case 'value': return _('The same, as a permission’s value.');
    case 'permission': return _('The permission that it needs.');
    case 'host': return _('Of a connection the name, or the address.');
    case 'reason': return _('What decided besides the rule.');
    case 'rule': return _('What decided: where the rule is written, and its text.');
    case 'suggestion': return _('The narrowest flag that permits it.');
    case 'wider': return _('That flag permits more than this: nothing narrower can be granted.');
    case 'count': return _('How many operations this stands for.');
    case 'observed': return _('Seen while the kernel decided: it may have been evaded, and nothing opened by it.');
    case 'flow': return _('Which connection of this run it is.');
    case 'duration': return _('Milliseconds from its first packet to its last, or from question to answer.');
    case 'connect': return _('Milliseconds from the first packet to the answer that made the connection.');
    case 'sent': return _('Milliseconds from the first packet to the first bytes that the program sent.');
    case 'tls': return _('Milliseconds that the TLS handshake took.');
    case 'firstByte': return _('Milliseconds from what the program sent to the first bytes that came back.');
    case 'addresses': return _('The addresses that the program was told.');
    case 'bytesOut': return _('Bytes that the program sent.');
    case 'bytesIn': return _('Bytes that it received.');
    case 'exit': return _('The exit status, as a shell reports it.');
    case 'network': return _('What passed buntime’s gate in the whole run.');
    default: return null;
  }
}

/* In this order; others behind. */
const ORDER = ['action', 'kind', 'object', 'host', 'program', 'pid', 'rule', 'reason', 'suggestion', 'wider', 'count', 'time', 'observed'];
/* Said by another key already. */
const HIDDEN = new Set(['v', 'datetime', 'told']);

export function orderedKeys(event: object): string[] {
  const place = (key: string) => (ORDER.indexOf(key) + 1 || ORDER.length + 1);
  return Object.keys(event).filter((key) => !HIDDEN.has(key)).sort((one, two) => place(one) - place(two));
}
