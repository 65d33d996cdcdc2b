// SPDX-License-Identifier: LGPL-2.1-or-later
/* Would it be permitted, and why? Nothing is run for it: the matcher is asked. */
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';

import { _ } from '../i18n';
import type { Permission, Problem, Verdict } from '../protocol';
import { ask, ProblemError, status } from '../state/connection';
import { policySet } from '../state/policies';
import { ActionBadge } from './result';
import { PermitDialog } from './permit-dialog';
import { isShown, showRule, sourceText } from './places';
import { problemText } from './validation';

const DELAY = 250;

const PERMISSIONS: [Permission, string][] = [
  ['net', 'github.com:443'], ['read', '/etc/hostname'], ['write', '/tmp/x'], ['run', 'git'], ['env', 'HOME'],
  ['ffi', '/usr/lib/libz.so'], ['sys', 'hostname'], ['unix', '/run/user/1000/bus'],
];

/* They stay while other views are looked at. */
const permission = signal<Permission>('net');
const value = signal('');

type Answer = { verdict: Verdict } | { problem: Problem };

/* Of the last request that was typed, with the policies of now. */
function useAnswer(): Answer | null {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const question = { permission: permission.value, value: value.value.trim(), ...policySet.value };
  const isOpen = status.value === 'open';

  useEffect(() => {
    if (question.value === '' || !isOpen) {
      setAnswer(null);
      return;
    }
    let isOld = false;
    const timer = setTimeout(() => {
      ask({ type: 'check', ...question }, 'verdict').then(
        ({ verdict }) => { if (!isOld) setAnswer({ verdict }); },
        (error: unknown) => { if (!isOld) setAnswer(error instanceof ProblemError ? { problem: error.problem } : null); });
    }, DELAY);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [question.permission, question.value, policySet.value, isOpen]);
  return answer;
}

function VerdictBox({ verdict }: { verdict: Verdict }) {
  const [permitting, setPermitting] = useState(false);
  const { rule, suggestion } = verdict;
  return (
    <div class={`verdict ${verdict.action}`}>
      <p><ActionBadge action={verdict.action} /> <span class="mono">{verdict.kind} {verdict.object}</span></p>
      <dl>
        <dt>{_('Rule')}</dt>
        <dd>{rule === null ? _('none') : isShown(rule)
          ? <button type="button" class="plain small mono where" onClick={() => showRule(rule)}>{sourceText(rule)}</button>
          : <span class="mono">{sourceText(rule)}</span>}</dd>
        {verdict.action === 'deny' && (
          <>
            <dt>{_('Flag')}</dt>
            <dd>{suggestion === null ? _('no flag permits it') : <code>{suggestion}</code>}</dd>
          </>
        )}
      </dl>
      {suggestion !== null && verdict.action === 'deny' &&
        <button type="button" class="small" onClick={() => setPermitting(true)}>{_('Permit…')}</button>}
      {permitting &&
        <PermitDialog event={{ permission: permission.value, object: verdict.object, suggestion }} onClose={() => setPermitting(false)} />}
    </div>
  );
}

export function Why() {
  const answer = useAnswer();
  const hint = PERMISSIONS.find(([name]) => name === permission.value)![1];
  return (
    <div class="why">
      <p class="quiet">{_('Asks the policies that are on what they say to a request, without running anything.')}</p>
      <div class="request">
        <select aria-label={_('Permission')} value={permission.value} onChange={(event) => { permission.value = event.currentTarget.value as Permission; }}>
          {PERMISSIONS.map(([name]) => <option key={name} value={name}>{name}</option>)}
        </select>
        <input class="mono" aria-label={_('Request')} placeholder={hint} value={value.value} spellcheck={false} autocomplete="off"
          onInput={(event) => { value.value = event.currentTarget.value; }} />
      </div>
      <div aria-live="polite">
        {answer !== null && ('verdict' in answer ? <VerdictBox verdict={answer.verdict} /> : <p class="problem">{problemText(answer.problem)}</p>)}
      </div>
    </div>
  );
}
