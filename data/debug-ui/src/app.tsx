// SPDX-License-Identifier: LGPL-2.1-or-later
/* The page's three areas: policies (src/policies), code (src/code), watching (src/watch). */
import { signal } from '@preact/signals';

import { CodeArea } from './code/code-area';
import { HeadActions } from './code/head-actions';
import { _ } from './i18n';
import { PoliciesArea } from './policies/policies-area';
import { PolicyBadge } from './policies/policy-badge';
import { status, type Status } from './state/connection';
import { stored } from './state/stored';
import { Announcer } from './ui/announce';
import { Splitter } from './ui/splitter';
import { WatchArea } from './watch/watch-area';

export type Area = 'code' | 'policies' | 'watch';

/* On a narrow screen: which one is shown. */
export const area = signal<Area>('code');

const split = stored<number>('split', 58, (value): value is number => typeof value === 'number');
const aside = stored<number>('aside', 27, (value): value is number => typeof value === 'number');
const theme = stored<string>('theme', 'auto', (value): value is string => typeof value === 'string');

function statusText(value: Status): string {
  return { connecting: _('Connecting'), open: _('Connected'), lost: _('Connection lost, trying again'), refused: _('Refused') }[value];
}

function Theme() {
  document.documentElement.dataset.theme = theme.value;
  return (
    <select aria-label={_('Colours')} value={theme.value} onChange={(event) => { theme.value = event.currentTarget.value; }}>
      <option value="auto">{_('System')}</option>
      <option value="light">{_('Light')}</option>
      <option value="dark">{_('Dark')}</option>
    </select>
  );
}

function Head() {
  return (
    <header>
      <h1><img src="/icon.svg" alt="" />buntime</h1>
      <PolicyBadge />
      <HeadActions />
      <span class="space" />
      <span class={`badge ${status.value === 'open' ? 'allow' : 'warn'}`} role="status">{statusText(status.value)}</span>
      <Theme />
    </header>
  );
}

function Narrow() {
  const names: [Area, string][] = [['code', _('Code')], ['policies', _('Policies')], ['watch', _('Watch')]];
  return (
    <nav aria-label={_('Areas')}>
      {names.map(([id, name]) => (
        <button key={id} type="button" aria-current={area.value === id ? 'page' : undefined} onClick={() => { area.value = id; }}>{name}</button>
      ))}
    </nav>
  );
}

export function App() {
  if (status.value === 'refused') {
    return (
      <main class="refused">
        <h1>{_('This page has no key')}</h1>
        <p>{_('Open the address that buntime printed: its end, after #, is the key. A new start of buntime makes a new one.')}</p>
      </main>
    );
  }
  return (
    <div class="app" data-area={area.value} style={{ '--aside': `${aside.value}%` }}>
      <Head />
      <main>
        <section class="area-policies" aria-label={_('Policies')}><PoliciesArea /></section>
        <Splitter label={_('Width of the policies')} direction="columns" percent={aside.value} onChange={(value) => { aside.value = value; }} />
        <div class="work" style={{ '--split': `${split.value}%` }}>
          <section class="area-code" aria-label={_('Code')}><h2 class="hidden-text">{_('Code')}</h2><CodeArea /></section>
          <Splitter label={_('Height of the code')} direction="rows" percent={split.value} onChange={(value) => { split.value = value; }} />
          <section class="area-watch" aria-label={_('Watch')}><h2 class="hidden-text">{_('Watch')}</h2><WatchArea /></section>
        </div>
      </main>
      <Narrow />
      <Announcer />
    </div>
  );
}
