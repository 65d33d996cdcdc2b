// SPDX-License-Identifier: LGPL-2.1-or-later
/* Permits what was denied: which rule, for how long, and a second look at what that opens. */
import { useEffect, useRef, useState } from 'preact/hooks';

import { _, format } from '../i18n';
import { ask } from '../state/connection';
import { addFlag, cardOf, freeName, policySet, presetOf, presets, textOf, updateCard } from '../state/policies';
import { formatPolicy } from '../state/policy-text';
import { announce } from '../ui/announce';
import { Dialog } from '../ui/dialog';
import { plain } from '../ui/plain';
import { passes, possibleChoices, rulesOfFlag, withRules, type Denied, type PermitChoice } from './permit';
import { isObject, readPolicy } from './policy-object';
import { problemText } from './validation';

type Scope = 'once' | 'page' | 'saved';

interface Props {
  event: Denied;
  onClose(): void;
}

const NEW = '';

function scopeSentence(scope: Scope, target: string): string {
  return {
    once: _('It holds for the next run, and is gone then.'),
    page: _('It holds for every run of this page until you remove it from the flags.'),
    saved: format(_('It is written into your policy %1, and holds wherever that is used, on the command line, too.'), target),
  }[scope];
}

/* Would it hold, with everything else that is on? */
async function holds(event: Denied, rules: Record<string, unknown>, target: string, text: string): Promise<boolean> {
  const others = policySet.value.policies.filter((part) => ('preset' in part ? part.preset : part.name) !== target);
  const set = { policies: [...others, { name: target, text }], flags: policySet.value.flags };
  if (!isObject(rules.limits))
    return await passes(event, set);
  /* Of two limits the smaller counts. */
  const merged = await ask({ type: 'apply-policy', ...set }, 'policy-set-loaded');
  return Object.keys(rules.limits).every((key) =>
    merged.rules.some(({ text: rule, rule: from }) => rule.startsWith(`limits.${key} `) && from?.source === target));
}

/* Into a policy of the user's, on disk; it is on then. Throws what went wrong, in words. */
async function save(event: Denied, flag: string, target: string): Promise<void> {
  const card = cardOf(target);
  const isNew = presetOf(target) === null;
  const reading = isNew && card.text === null ? { policy: { version: 1, name: target } } : readPolicy(textOf(card));
  if ('fault' in reading)
    throw new Error(reading.fault);
  const rules = await rulesOfFlag(flag);
  const text = formatPolicy(withRules(reading.policy, rules));
  const { problems } = await ask({ type: 'apply-policy', policy: { name: target, text } }, 'policy-loaded');
  if (problems.length > 0)
    throw new Error(problems.map(problemText).join('\n'));
  if (!await holds(event, rules, target, text))
    throw new Error(_('Another policy stands over it, by a denial or a smaller limit. As a flag, for one run or this page, it stands above them.'));
  await ask({ type: 'save-policy', name: target, text, overwrite: !isNew }, 'done');
  updateCard(target, { on: true, text });
}

function Choices({ choices, chosen, onChoose }: { choices: PermitChoice[]; chosen: string; onChoose(flag: string): void }) {
  return (
    <fieldset class="choices">
      <legend>{_('What is permitted')}</legend>
      {choices.map(({ flag, wider }, index) => (
        <label key={flag}>
          <input type="radio" name="choice" checked={flag === chosen} onChange={() => onChoose(flag)} />
          <code>{plain(flag)}</code>
          {index === 0 && <span class="badge accent">{_('narrowest')}</span>}
          {wider && <span class="badge warn">{_('wider')}</span>}
        </label>
      ))}
    </fieldset>
  );
}

function Scopes({ scope, onScope, target, onTarget, name, onName }: {
  scope: Scope; onScope(scope: Scope): void; target: string; onTarget(target: string): void; name: string; onName(name: string): void;
}) {
  const scopes: [Scope, string][] = [
    ['once', _('Once: the next run')], ['page', _('This page: every run until it is removed')], ['saved', _('Saved: in a policy of yours')],
  ];
  return (
    <fieldset class="choices">
      <legend>{_('How long')}</legend>
      {scopes.map(([id, text]) => (
        <label key={id}><input type="radio" name="scope" checked={scope === id} onChange={() => onScope(id)} /><span>{text}</span></label>
      ))}
      {scope === 'saved' && (
        <div class="row target">
          <select aria-label={_('Policy')} value={target} onChange={(event) => onTarget(event.currentTarget.value)}>
            <option value={NEW}>{_('a new one')}</option>
            {presets.value.filter((preset) => preset.user).map((preset) => <option key={preset.name} value={preset.name}>{preset.name}</option>)}
          </select>
          {target === NEW &&
            <input class="mono" aria-label={_('Name')} value={name} required pattern="[A-Za-z0-9_][A-Za-z0-9._\-]{0,63}" spellcheck={false} onInput={(event) => onName(event.currentTarget.value)} />}
        </div>
      )}
    </fieldset>
  );
}

function Nothing({ event, onClose }: Props) {
  return (
    <Dialog title={_('Nothing permits this')} onClose={onClose} onSubmit={onClose} actions={<button type="submit" class="primary">{_('Close')}</button>}>
      <p class="mono">{event.permission} {plain(event.object ?? '')}</p>
      <p>{event.suggestion === null
        ? _('No flag or rule opens it: the sandbox keeps this from every program.')
        : _('With none of the flags that were tried would this request pass: see the mistakes of the policies, and what denies it.')}</p>
    </Dialog>
  );
}

/* It takes the focus, so that a second Enter permits nothing. */
function Sure({ choice, scope }: { choice: PermitChoice; scope: string }) {
  const own = useRef<HTMLDivElement>(null);
  useEffect(() => own.current!.focus(), []);
  return (
    <div class="sure" role="alert" tabIndex={-1} ref={own}>
      <p><code>{plain(choice.flag)}</code></p>
      <p>{plain(choice.text)}</p>
      <p>{scope}</p>
    </div>
  );
}

export function PermitDialog({ event, onClose }: Props) {
  const [choices, setChoices] = useState<PermitChoice[] | null>(null);
  const [flag, setFlag] = useState('');
  const [scope, setScope] = useState<Scope>('once');
  const [target, setTarget] = useState(NEW);
  const [name, setName] = useState(freeName('my-policy'));
  const [sure, setSure] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    void possibleChoices(event, policySet.value).then((found) => {
      setChoices(found);
      setFlag(found[0]?.flag ?? '');
    });
  }, [event]);

  if (choices?.length === 0)
    return <Nothing event={event} onClose={onClose} />;
  const policy = target === NEW ? name : target;
  const permit = async () => {
    try {
      if (scope === 'saved')
        await save(event, flag, policy);
      else
        addFlag(flag, scope);
      announce(format(_('Permitted: %1'), flag));
      onClose();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setSure(false);
    }
  };
  const choice = choices?.find((one) => one.flag === flag);
  return (
    <Dialog title={sure ? _('Loosen the sandbox?') : _('Permit')} onClose={onClose}
      onSubmit={() => { if (sure) void permit(); else if (choice !== undefined) setSure(true); }}
      actions={<>
        <button type="button" onClick={sure ? () => setSure(false) : onClose}>{sure ? _('Back') : _('Cancel')}</button>
        <button type="submit" class="primary" key={String(sure)} disabled={choice === undefined}>{sure ? _('Permit') : _('Continue…')}</button>
      </>}>
      {!sure && <p><span class="quiet">{_('Denied:')}</span> <span class="mono">{event.permission} {plain(event.object ?? '')}</span></p>}
      {choices === null && <p class="quiet">{_('Looking for what would permit it')}</p>}
      {!sure && choices !== null && <Choices choices={choices} chosen={flag} onChoose={setFlag} />}
      {!sure && choices !== null && <Scopes scope={scope} onScope={setScope} target={target} onTarget={setTarget} name={name} onName={setName} />}
      {problem !== null && !sure && <p class="problem" role="alert">{problem}</p>}
      {sure && choice !== undefined && <Sure choice={choice} scope={scopeSentence(scope, policy)} />}
    </Dialog>
  );
}
