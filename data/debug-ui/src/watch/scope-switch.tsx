// SPDX-License-Identifier: LGPL-2.1-or-later
/* Whose events: those of the tab that is shown, or of all workers. */
import { _ } from '../i18n';
import { scope, type Scope } from './watch-state';

export function ScopeSwitch() {
  return (
    <select aria-label={_('Whose')} value={scope.value} onChange={(event) => { scope.value = event.currentTarget.value as Scope; }}>
      <option value="tab">{_('This tab')}</option>
      <option value="all">{_('All workers')}</option>
    </select>
  );
}
