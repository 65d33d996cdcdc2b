// SPDX-License-Identifier: LGPL-2.1-or-later
/* A policy as a table: its sections, each with its rules or settings. */
import { useState } from 'preact/hooks';

import { _, format, number } from '../i18n';
import type { Problem } from '../protocol';
import { announce } from '../ui/announce';
import { Checks, Choice, Flip, Mistakes, problemsAt, SectionBox, TextField, WordsField, type Form } from './fields';
import {
  AUDIT_EVENTS, changedText, DEFAULTS, getAt, isObject, LIMITS, listAt, newRule, newSection, PLUGINS, readPolicy,
  RULE_SECTIONS, SECTIONS, sectionTitle, SYS_FACTS, type RuleSection, type Section,
} from './policy-object';
import { RuleRow } from './rule-row';

/* A form of more is slow, and nobody reads it. */
const MOST_ROWS = 200;

function Rules({ form, section }: { form: Form; section: RuleSection }) {
  const rules = listAt(form.policy, [section, 'rules']);
  const add = () => form.set([section, 'rules'], [...rules, newRule(section)]);
  return (
    <>
      {rules.slice(0, MOST_ROWS).map((_rule, index) => <RuleRow key={index} form={form} section={section} index={index} />)}
      {rules.length > MOST_ROWS && <p class="quiet small-text">{format(_('The first %1 of %2 rules; the text has them all.'), number(MOST_ROWS), number(rules.length))}</p>}
      <button type="button" class="small add" onClick={add}>{_('Add a rule')}</button>
    </>
  );
}

/* Variables with values; a name is written when its field is left, since two cannot be alike. */
function Variables({ form }: { form: Form }) {
  const value = getAt(form.policy, ['env', 'set']);
  const pairs = isObject(value) ? Object.entries(value) : [];
  const rename = (from: string, to: string, input: HTMLInputElement) => {
    if (to === from)
      return;
    if (to === '' || pairs.some(([name]) => name === to)) {
      announce(format(_('%1 is there already'), to), true);
      input.value = from;
      return;
    }
    form.set(['env', 'set'], Object.fromEntries(pairs.map(([name, text]) => [name === from ? to : name, text])));
  };
  const add = () => {
    let name = 'NAME';
    for (let i = 2; pairs.some(([other]) => other === name); i++)
      name = `NAME_${i}`;
    form.set(['env', 'set', name], '');
  };
  return (
    <>
      {pairs.map(([name], index) => (
        <div class="pair" key={index}>
          <input class="mono" aria-label={_('Variable')} value={name} spellcheck={false} onChange={(event) => rename(name, event.currentTarget.value, event.currentTarget)} />
          <TextField form={form} path={['env', 'set', name]} label={format(_('Value of %1'), name)} keep />
          <button type="button" class="plain remove" aria-label={format(_('Remove %1'), name)} onClick={() => form.set(['env', 'set', name], undefined)}>×</button>
          <Mistakes problems={problemsAt(form, ['env', 'set', name])} />
        </div>
      ))}
      <button type="button" class="small add" onClick={add}>{_('Set a variable')}</button>
    </>
  );
}

function limitHint(key: string): string {
  return { memory: '512M', cpu: '0.5', pids: '1024', wallTime: '90s', cpuTime: '60s', output: '1M', tmpSize: '256M', shmSize: '64M', openFiles: '256', netConnectionsPerSecond: '20', netBytes: '100M' }[key] ?? '';
}

function Body({ form, section }: { form: Form; section: Section }) {
  switch (section) {
  case 'env':
    return (
      <>
        <WordsField form={form} path={['env', 'allow']} label={_('Variables it sees')} placeholder="EDITOR AWS_*" />
        <WordsField form={form} path={['env', 'deny']} label={_('Variables it never sees')} />
        <Variables form={form} />
      </>
    );
  case 'sys':
    return (
      <>
        <h5>{_('What it may learn')}</h5>
        <Checks form={form} path={['sys', 'allow']} label={_('What it may learn')} choices={SYS_FACTS} />
        <h5>{_('What it must not learn')}</h5>
        <Checks form={form} path={['sys', 'deny']} label={_('What it must not learn')} choices={SYS_FACTS.slice(0, 4)} />
      </>
    );
  case 'limits':
    return (
      <div class="limits">
        {LIMITS.map((key) => (
          <label key={key}>
            <span class="mono">{key}</span>
            <TextField form={form} path={['limits', key]} label={key} placeholder={limitHint(key)} number />
            <Mistakes problems={problemsAt(form, ['limits', key])} />
          </label>
        ))}
      </div>
    );
  case 'defaults':
    return (
      <div class="limits">
        {DEFAULTS.map((key) => (
          <label key={key}>
            <span class="mono">{key}</span>
            <Choice form={form} path={['defaults', key]} label={`defaults.${key}`} choices={['deny', 'allow']} absent={_('deny (not said)')} />
          </label>
        ))}
      </div>
    );
  case 'plugins':
    return (
      <>
        <p class="quiet small-text">{_('A layer that is off is told of at each start; what needs it cannot be run.')}</p>
        <div class="checks">{PLUGINS.map((key) => <Flip key={key} form={form} path={['plugins', key]} label={key} absent />)}</div>
      </>
    );
  case 'audit':
    return (
      <>
        <Flip form={form} path={['audit', 'enabled']} label="enabled" absent />
        <Checks form={form} path={['audit', 'events']} label={_('What is reported')} choices={AUDIT_EVENTS} />
      </>
    );
  case 'antiEscape':
    return <WordsField form={form} path={['antiEscape', 'denySyscalls']} label={_('Refused besides those that always are')} placeholder="splice tee" />;
  case 'extends':
    return <WordsField form={form} path={['extends']} label={_('Presets that this policy adds to')} placeholder="net-egress" />;
  default:
    return <Rules form={form} section={section} />;
  }
}

interface Props {
  text: string;
  problems: Problem[];
  onChange(text: string): void;
}

export function Table({ text, problems, onChange }: Props) {
  const [added, setAdded] = useState(0);
  const reading = readPolicy(text);
  if ('fault' in reading)
    return <p class="problem">{reading.fault}</p>;
  const { policy } = reading;
  const form: Form = { policy, problems, set: (path, to) => onChange(changedText(policy, path, to)) };
  const there = SECTIONS.filter((section) => policy[section] !== undefined);
  const name = (section: Section) => ((RULE_SECTIONS as readonly string[]).includes(section) ? `${section}.rules` : section);

  return (
    <div class="policy-table">
      <label class="words">
        <span>{_('Description')}</span>
        <textarea aria-label={_('Description')} placeholder={_('What it stops, and what it does not')} rows={2}
          value={typeof policy.description === 'string' ? policy.description : ''} onInput={(event) => form.set(['description'], event.currentTarget.value)} />
      </label>
      {there.map((section) => (
        <SectionBox key={section} title={sectionTitle(section)} name={name(section)} onRemove={() => form.set([section], undefined)}>
          <Body form={form} section={section} />
          <Mistakes problems={problemsAt(form, [section])} />
        </SectionBox>
      ))}
      <div class="row add-sections" role="group" aria-label={_('Add a section')} key={added}>
        {SECTIONS.filter((section) => !there.includes(section)).map((section) => (
          <button key={section} type="button" class="small" onClick={() => { form.set([section], newSection(section)); setAdded(added + 1); }}>
            + {sectionTitle(section)}
          </button>
        ))}
      </div>
    </div>
  );
}
