// SPDX-License-Identifier: LGPL-2.1-or-later
/* Both rings: how full, how fast, and the last two minutes of it. */
import { useId } from 'preact/hooks';

import { _, bytes, format } from '../i18n';
import type { Ring } from '../protocol';
import type { RingSample, Worker } from '../state/workers';
import { Chart, rates } from './chart';
import { OfWorker, RunLine } from './run-line';

const FULL = 0.8;

function percent(part: number): string {
  return format(_('%1 %'), part > 0 && part < 0.1 ? (part * 100).toFixed(1) : Math.round(part * 100));
}

function perSecond(value: number): string {
  return format(_('%1/s'), bytes(Math.round(value)));
}

function RingCard({ title, what, samples, ring }: { title: string; what: string; samples: RingSample[]; ring(sample: RingSample): Ring }) {
  const id = useId();
  const times = samples.map((sample) => sample.time);
  const all = samples.map(ring);
  const now = all[all.length - 1];
  const used = all.map((one) => (one.capacity > 0 ? one.used / one.capacity : 0));
  const speed = rates(times, all.map((one) => one.bytes));
  const part = used[used.length - 1];
  return (
    <section class="ring" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <p class="quiet">{what}</p>
      <div class={`gauge ${part >= FULL ? 'full' : ''}`} role="meter" aria-label={format(_('%1: how full'), title)} aria-valuemin={0} aria-valuemax={now.capacity} aria-valuenow={now.used}
        aria-valuetext={format(_('%1 of %2'), bytes(now.used), bytes(now.capacity))}>
        <span style={{ width: `${Math.min(100, part * 100)}%` }} />
      </div>
      <dl class="figures">
        <div><dt>{_('Used')}</dt><dd>{format(_('%1 of %2'), bytes(now.used), bytes(now.capacity))}</dd></div>
        <div><dt>{_('Utilisation')}</dt><dd>{percent(part)}</dd></div>
        <div><dt>{_('Speed')}</dt><dd>{perSecond(speed[speed.length - 1])}</dd></div>
        <div><dt>{_('In all')}</dt><dd>{bytes(now.bytes)}</dd></div>
      </dl>
      <Chart label={_('Bytes a second')} times={times} series={[{ name: title, class: 'one', values: speed }]} unit={perSecond} />
      <Chart label={_('Utilisation')} times={times} series={[{ name: title, class: 'two', values: used }]} unit={percent} most={1} />
    </section>
  );
}

function Rings({ of }: { of: Worker }) {
  const samples = of.rings.value;
  const last = samples.at(-1);
  if (last === undefined || last.toWorker.capacity === 0)
    return (
      <div class="empty">
        <p>{last === undefined ? _('No sample of the rings yet.') : _('This run has no channel.')}</p>
        <p class="quiet">{_('Programs speak to this page over two rings in shared memory, by buntime’s module for Python and Bun.')}</p>
      </div>
    );
  return (
    <div class="rings">
      <RingCard title={_('To the worker')} what={_('Messages and answers of this page.')} samples={samples} ring={(sample) => sample.toWorker} />
      <RingCard title={_('From the worker')} what={_('Messages and requests of the program.')} samples={samples} ring={(sample) => sample.fromWorker} />
    </div>
  );
}

export function RingsPane() {
  return (
    <OfWorker what={_('While a program runs its two rings show here: how full they are, and how fast.')}>
      {(of) => <div class="pane"><RunLine of={of} /><Rings of={of} /></div>}
    </OfWorker>
  );
}
