// SPDX-License-Identifier: LGPL-2.1-or-later
import { render } from 'preact';

import './base.css';
import './layout.css';
import './ui/ui.css';

import { App } from './app';
import { translate } from './i18n';
import { connect, onMessage } from './state/connection';
import { presets } from './state/policies';

onMessage('hello', (message) => {
  translate(message.locale, message.messages);
  presets.value = message.presets;
});
onMessage('presets', (message) => { presets.value = message.presets; });

render(<App />, document.getElementById('app')!);
connect();
