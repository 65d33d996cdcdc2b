// SPDX-License-Identifier: LGPL-2.1-or-later
/* One rule of fs, net, exec, ffi or unix. */
import { _, format, number } from '../i18n';
import { Checks, Choice, Flip, Mistakes, problemsAt, TextField, type Form } from './fields';
import { FS_PERMS, getAt, isObject, listAt, type Path, type RuleSection } from './policy-object';

interface Props {
  form: Form;
  section: RuleSection;
  index: number;
}

const READ = ['read_file', 'read_dir'];
const WRITE = ['write_file', 'write_dir'];

function Perms({ form, path }: { form: Form; path: Path }) {
  const at = [...path, 'perms'];
  const value = listAt(form.policy, at);
  const add = (perms: string[]) => form.set(at, [...value, ...perms.filter((perm) => !value.includes(perm))]);
  return (
    <details class="perms">
      <summary><span class="hidden-text">{_('Permissions')}: </span><span class="mono">{value.map(String).join(', ') || _('none')}</span></summary>
      <div class="row">
        <button type="button" class="small" onClick={() => add(READ)}>{_('Reading')}</button>
        <button type="button" class="small" onClick={() => add(WRITE)}>{_('Writing')}</button>
        <button type="button" class="small" onClick={() => form.set(at, [])}>{_('None')}</button>
      </div>
      <Checks form={form} path={at} label={_('Permissions')} choices={FS_PERMS} />
    </details>
  );
}

/* One of two keys names what the rule is about: cidr or host, path or glob. */
function Target({ form, path, keys, placeholders }: { form: Form; path: Path; keys: [string, string]; placeholders: [string, string] }) {
  const which = getAt(form.policy, [...path, keys[1]]) !== undefined && getAt(form.policy, [...path, keys[0]]) === undefined ? 1 : 0;
  const onChange = (to: string) => {
    const rule = getAt(form.policy, path);
    if (!isObject(rule))
      return;
    /* In its place among the keys. */
    form.set(path, Object.fromEntries(Object.entries(rule).map(([key, value]) => [key === keys[which] ? to : key, value])));
  };
  return (
    <>
      <select class="mono" aria-label={_('What it is about')} value={keys[which]} onChange={(event) => onChange(event.currentTarget.value)}>
        {keys.map((key) => <option key={key} value={key}>{key}</option>)}
      </select>
      <TextField form={form} path={[...path, keys[which]]} label={keys[which]} placeholder={placeholders[which]} keep />
    </>
  );
}

export function RuleRow({ form, section, index }: Props) {
  const path: Path = [section, 'rules', index];
  const problems = problemsAt(form, path, true);
  return (
    <div class={`rule ${section}`} role="group" aria-label={format(_('Rule %1'), number(index + 1))}>
      <Choice form={form} path={[...path, 'action']} label={_('Action')} choices={section === 'ffi' ? ['allow', 'deny'] : ['allow', 'warn', 'deny']} />
      {section === 'net' && <Target form={form} path={path} keys={['host', 'cidr']} placeholders={['github.com', '10.0.0.0/8']} />}
      {section === 'exec' && <Target form={form} path={path} keys={['path', 'glob']} placeholders={['git', '/usr/bin/git-*']} />}
      {section !== 'net' && section !== 'exec' &&
        <TextField form={form} path={[...path, 'path']} label={_('Path')} placeholder="${PWD}/data" keep />}
      <button type="button" class="plain remove" aria-label={format(_('Remove rule %1'), number(index + 1))} onClick={() => form.set(path, undefined)}>×</button>
      {section === 'fs' && <Perms form={form} path={path} />}
      {section === 'net' && (
        <div class="more">
          <Choice form={form} path={[...path, 'proto']} label={_('Protocol')} choices={['tcp', 'udp', 'any']} absent={_('protocol')} />
          <TextField form={form} path={[...path, 'ports']} label={_('Ports')} placeholder={_('every port')} />
          {getAt(form.policy, [...path, 'host']) !== undefined &&
            <Flip form={form} path={[...path, 'inspect']} label="inspect" absent />}
        </div>
      )}
      {section === 'exec' && (
        <div class="more">
          <TextField form={form} path={[...path, 'sha256']} label="sha256" placeholder={_('sha256: whatever its bytes are')} />
        </div>
      )}
      <Mistakes problems={problems} />
    </div>
  );
}
