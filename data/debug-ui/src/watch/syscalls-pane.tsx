// SPDX-License-Identifier: LGPL-2.1-or-later
/* How often connect, openat and execve were seen. */
import { _, format, number } from '../i18n';
import type { Syscalls, Worker } from '../state/workers';
import { AuditOffer } from './audit-offer';
import { Chart, rates } from './chart';
import { OfWorker, RunLine } from './run-line';

function perSecond(value: number): string {
  return format(_('%1/s'), number(Math.round(value * 10) / 10));
}

function Calls({ of }: { of: Worker }) {
  const samples = of.syscalls.value;
  const names: [keyof Syscalls, string][] = [
    ['connect', _('Connections, by network and Unix sockets')], ['openat', _('Files that were opened')], ['execve', _('Programs that were started')],
  ];
  if (samples.length === 0)
    return <div class="empty"><p>{_('No system call was counted yet.')}</p></div>;
  const times = samples.map((sample) => sample.time);
  return (
    <div class="calls">
      {names.map(([name, what]) => {
        const counter = samples.map((sample) => sample[name]);
        return (
          <section key={name} aria-label={name}>
            <h2 class="mono">{name}</h2>
            <p class="quiet">{what}</p>
            <p class="figure">{number(counter[counter.length - 1])}</p>
            <Chart label={_('A second')} times={times} series={[{ name, class: 'one', values: rates(times, counter) }]} unit={perSecond} />
          </section>
        );
      })}
    </div>
  );
}

export function SyscallsPane() {
  return (
    <OfWorker what={_('While a program runs its connect, openat and execve calls are counted here.')}>
      {(of) => (
        <div class="pane">
          <RunLine of={of} />
          <AuditOffer why={_('These are counted from events: without the audit policy only what is denied counts.')} />
          <Calls of={of} />
        </div>
      )}
    </OfWorker>
  );
}
