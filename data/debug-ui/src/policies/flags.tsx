// SPDX-License-Identifier: LGPL-2.1-or-later
/* The permissions that were given in the page: flags, which stand above every policy. */
import { useEffect, useRef, useState } from 'preact/hooks';

import { _, format } from '../i18n';
import { ask } from '../state/connection';
import { addFlag, flags, type FlagScope } from '../state/policies';
import { plain } from '../ui/plain';
import { wantedFlags } from './places';
import { split } from './shell';
import { problemsOfSet, problemText } from './validation';

const KNOWN = [
  '--allow-net=', '--deny-net=', '--allow-read=', '--deny-read=', '--allow-write=', '--deny-write=', '--allow-env=',
  '--allow-run=', '--deny-run=', '--allow-unix=', '--allow-ffi=', '--allow-sys=', '--memory=', '--cpu=', '--pids=',
  '--timeout=', '--cpu-time=', '--max-output=', '--tmp-size=', '--open-files=', '--net-rate=', '--net-bytes=', '--audit',
];

/* What is wrong with flags; null: nothing. */
async function fault(words: string[]): Promise<string | null> {
  try {
    const answer = await ask({ type: 'apply-policy', policies: [], flags: words }, 'policy-set-loaded');
    return answer.problems.length > 0 ? answer.problems.map(problemText).join('\n') : null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function Add() {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const own = useRef<HTMLInputElement>(null);
  const isWanted = wantedFlags.value;

  useEffect(() => {
    if (isWanted)
      own.current!.focus();
    wantedFlags.value = false;
  }, [isWanted]);
  const add = async () => {
    const words = split(text);
    const wrong = words === null ? _('A quote is not closed') : words.length === 0 ? null : await fault(words);
    setProblem(wrong);
    if (words === null || wrong !== null)
      return;
    words.forEach((word) => addFlag(word, 'page'));
    setText('');
  };
  return (
    <form class="add-flag" onSubmit={(event) => { event.preventDefault(); void add(); }}>
      <input ref={own} class="mono" list="policy-flag-names" aria-label={_('Add a flag')} placeholder="--allow-net=github.com:443" spellcheck={false} autocomplete="off"
        value={text} aria-invalid={problem !== null || undefined} aria-describedby={problem !== null ? 'policy-flag-problem' : undefined}
        onInput={(event) => { setText(event.currentTarget.value); setProblem(null); }} />
      <datalist id="policy-flag-names">{KNOWN.map((name) => <option key={name} value={name} />)}</datalist>
      <button type="submit" class="small">{_('Add')}</button>
      {problem !== null && <p id="policy-flag-problem" class="problem" role="alert">{problem}</p>}
    </form>
  );
}

export function Flags() {
  const problems = problemsOfSet();
  const setScope = (flag: string, scope: FlagScope) => {
    flags.value = flags.value.map((other) => (other.flag === flag ? { flag, scope } : other));
  };
  return (
    <section class="flags" aria-label={_('Permissions given here')}>
      <h2 class="group">{_('Flags')} <span class="quiet">{_('above all policies')}</span></h2>
      <ul>
        {flags.value.map(({ flag, scope }) => (
          <li key={flag}>
            <code>{plain(flag)}</code>
            <select aria-label={format(_('How long %1 holds'), flag)} value={scope} onChange={(event) => setScope(flag, event.currentTarget.value as FlagScope)}>
              <option value="once">{_('next run')}</option>
              <option value="page">{_('this page')}</option>
            </select>
            <button type="button" class="plain remove" aria-label={format(_('Remove %1'), flag)}
              onClick={() => { flags.value = flags.value.filter((other) => other.flag !== flag); }}>×</button>
          </li>
        ))}
      </ul>
      <Add />
      {problems.map((problem, index) => <p key={index} class="problem">{problemText(problem)}</p>)}
    </section>
  );
}
