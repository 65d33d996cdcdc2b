// SPDX-License-Identifier: LGPL-2.1-or-later
/* Programs to try policies on: each comes with those that make its point. */
import { signal } from '@preact/signals';

import './templates.css';

import { _, format, translated } from '../i18n';
import type { Language } from '../protocol';
import { cards, flags, recommend, type Recommended } from '../state/policies';
import { languages, openTab } from '../state/workspace';
import { announce, announceError } from '../ui/announce';
import { Dialog } from '../ui/dialog';
import { LANGUAGE_NAMES } from './languages';

type Part = { preset: string } | { name: string; policy: unknown };

interface Template {
  id: string;
  file: string;
  language: Language;
  title: string;
  description: string;
  group: string;
  policies: Part[];
  flags: string[];
  args: string[];
}

const list = signal<Template[] | null>(null);
const open = signal(false);

async function get<T>(path: string): Promise<T> {
  const answer = await fetch(path);
  if (!answer.ok)
    throw new Error(`${path}: ${answer.status} ${answer.statusText}`);
  return await answer.json() as T;
}

export function openTemplates(): void {
  open.value = true;
  if (list.value === null)
    get<Template[]>('/examples').then((templates) => { list.value = templates; }).catch(announceError);
}

function nameOf(part: Part): string {
  return 'preset' in part ? part.preset : part.name;
}

function groupName(group: string): string {
  const names: Record<string, string> = {
    basics: _('Basics'), files: _('Files'), network: _('Network'), programs: _('Programs'), limits: _('Limits'), ipc: _('Messages'),
  };
  return names[group] ?? group;
}

async function load(id: string): Promise<void> {
  const template = await get<Template & { code: string }>(`/examples/${encodeURIComponent(id)}`);
  const wanted: Recommended[] = template.policies.map((part) => ('preset' in part ? part.preset : part));
  recommend(wanted, template.flags);
  openTab({ name: template.file, language: template.language, code: template.code, args: template.args, template: id });
  open.value = false;
  const on = [...cards.value.filter((card) => card.on).map((card) => card.name), ...flags.value.map((flag) => flag.flag)];
  announce(on.length === 0 ? format(_('%1: no policy is on'), template.title) : format(_('%1: turned on %2'), template.title, on.join(', ')));
}

function Entry({ template }: { template: Template }) {
  const missing = !languages.value.includes(template.language);
  return (
    <li>
      <button type="button" class="template" onClick={() => { load(template.id).catch(announceError); }}>
        <span class="title">{translated(template.title)}</span>
        <span class="quiet">{translated(template.description)}</span>
        <span class="chips">
          <code>{template.id}</code>
          {template.language !== 'python' && <span class={`badge ${missing ? 'warn' : ''}`}>{missing ? format(_('%1: not found'), LANGUAGE_NAMES[template.language]) : LANGUAGE_NAMES[template.language]}</span>}
          {template.policies.map((part) => <span key={nameOf(part)} class="badge accent">{nameOf(part)}</span>)}
          {template.flags.map((flag) => <span key={flag} class="badge">{flag}</span>)}
        </span>
      </button>
    </li>
  );
}

export function Templates() {
  if (!open.value)
    return null;
  const templates = list.value ?? [];
  const groups = [...new Set(templates.map((template) => template.group))];
  const close = () => { open.value = false; };
  return (
    <Dialog title={_('Templates')} wide onClose={close} actions={<button type="button" onClick={close}>{_('Close')}</button>}>
      <p class="quiet">{_('One opens as a tab of its own, and the policies that it recommends are turned on instead of those that are on now.')}</p>
      {list.value === null && <p class="quiet">{_('Loading')}</p>}
      {groups.map((group) => (
        <section key={group} class="template-group" aria-label={groupName(group)}>
          <h3>{groupName(group)}</h3>
          <ul>{templates.filter((template) => template.group === group).map((template) => <Entry key={template.id} template={template} />)}</ul>
        </section>
      ))}
    </Dialog>
  );
}
