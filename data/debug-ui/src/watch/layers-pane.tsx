// SPDX-License-Identifier: LGPL-2.1-or-later
/* What holds the program in this very run, and what does not. */
import { _, format, number } from '../i18n';
import type { Layer } from '../protocol';
import { detailText } from './layer-detail';
import { OfWorker, RunLine } from './run-line';

function meaning(layer: string): string {
  switch (layer) {
    case 'namespaces': return _('Its own processes, users, mounts, network and names: it sees nothing of the host’s.');
    case 'network': return _('What its packets can come from: a device of its own, or none.');
    case 'gate': return _('Every packet is held against the rules before it leaves, by a process that can do nothing else.');
    case 'mounts': return _('A root of its own: what is not granted is not there.');
    case 'limits': return _('How much memory, time, processes and output it may use.');
    case 'landlock': return _('The kernel’s own rules of files, which the program takes on and can never take off.');
    case 'privileges': return _('No capabilities, and none to be had: set-user-ID programs give none.');
    case 'seccomp': return _('Which system calls there are for it.');
    case 'notifier': return _('Calls that only buntime can decide: it decides them, and makes them in the program’s place.');
    case 'channel': return _('Rings and a socket to this page.');
    default: return '';
  }
}

function stateText(state: Layer['state']): string {
  return { on: _('in force'), off: _('off'), unneeded: _('not needed') }[state];
}

function stateClass(state: Layer['state']): string {
  return { on: 'allow', off: 'deny', unneeded: '' }[state];
}

function List({ layers }: { layers: Layer[] }) {
  const off = layers.filter((layer) => layer.state === 'off');
  if (layers.length === 0)
    return <div class="empty"><p>{_('The layers are known once the program has started.')}</p></div>;
  return (
    <>
      {off.length > 0 && (
        <p class="problem" role="alert">
          {format(_('Off: %1. What these would hold is not held in this run.'), off.map((layer) => layer.layer).join(', '))}
        </p>
      )}
      <ul class="layers">
        {layers.map((layer) => (
          <li key={layer.layer} class={layer.state}>
            <span class={`badge ${stateClass(layer.state)}`}>{stateText(layer.state)}</span>
            <h2 class="mono">{layer.layer}</h2>
            <p>{meaning(layer.layer)}</p>
            <p class="quiet">{detailText(layer.detail)}</p>
          </li>
        ))}
      </ul>
    </>
  );
}

export function LayersPane() {
  return (
    <OfWorker what={_('What holds a program, and what is off, shows here when it runs.')}>
      {(of) => {
        const { layers } = of.state.value;
        const on = layers.filter((layer) => layer.state === 'on').length;
        return (
          <div class="pane">
            <RunLine of={of}>{layers.length > 0 && <span class="quiet">{format(_('%1 of %2 layers in force'), number(on), number(layers.length))}</span>}</RunLine>
            <List layers={layers} />
          </div>
        );
      }}
    </OfWorker>
  );
}
