// SPDX-License-Identifier: LGPL-2.1-or-later
/* The worker's processes as a tree, each with what it uses; and all of them together. */
import { useId, useState } from 'preact/hooks';

import { _, bytes, format, number } from '../i18n';
import type { Worker } from '../state/workers';
import { runs } from '../state/workers';
import { plain } from '../ui/plain';
import { VirtualList } from '../ui/virtual-list';
import { Chart, Spark } from './chart';
import { memoryTrail, totalTrail, treeOf, type Node } from './process-tree';
import { OfWorker, RunLine } from './run-line';

const ROW = 30;

function stateText(state: string): string {
  switch (state) {
    case 'running': return _('running');
    case 'sleeping': return _('sleeping');
    case 'disk sleep': return _('waiting for a device');
    case 'stopped': return _('stopped');
    case 'tracing stop': return _('stopped');
    case 'zombie': return _('ended, not reaped');
    case 'idle': return _('idle');
    default: return state;
  }
}

function cpuText(part: number): string {
  return format(_('%1 %'), part > 0 && part < 0.1 ? (part * 100).toFixed(1) : Math.round(part * 100));
}

function ProcessRow({ node, trail, id }: { node: Node; trail: number[]; id: string }) {
  const { process, level, cpu } = node;
  return (
    <div key={id} id={id} role="row" aria-level={level} class="process-row">
      <span role="gridcell" class="mono name" style={{ paddingLeft: `${Math.min(level - 1, 12) * 16}px` }}>{level > 1 && <span class="quiet" aria-hidden="true">└ </span>}{plain(process.name)}</span>
      <span role="gridcell" class="mono quiet number">{process.pid}</span>
      <span role="gridcell" class="quiet state">{stateText(process.state)}</span>
      <span role="gridcell" class="number">{cpuText(cpu)}</span>
      <span role="gridcell" class="number">{bytes(process.memory)}</span>
      <span role="gridcell" class="trail"><Spark values={trail} /></span>
    </div>
  );
}

function Head() {
  return (
    <div role="row" class="process-row head">
      <span role="columnheader">{_('Process')}</span>
      <span role="columnheader" class="number">{_('Pid')}</span>
      <span role="columnheader" class="state">{_('State')}</span>
      <span role="columnheader" class="number">{_('CPU')}</span>
      <span role="columnheader" class="number">{_('Memory')}</span>
      <span role="columnheader" class="trail">{_('Last half minute')}</span>
    </div>
  );
}

function Processes({ of }: { of: Worker }) {
  const id = useId();
  const [at, setAt] = useState<number | null>(null);
  const samples = of.memory.value;
  if (samples.length === 0)
    return <div class="empty"><p>{_('No sample of the processes yet.')}</p></div>;
  const nodes = treeOf(samples);
  const total = totalTrail(samples);
  const cpu = nodes.reduce((sum, node) => sum + node.cpu, 0);
  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowDown: (at ?? -1) + 1, ArrowUp: (at ?? 1) - 1, Home: 0, End: nodes.length - 1 }[event.key];
    if (to === undefined)
      return;
    event.preventDefault();
    setAt(Math.min(nodes.length - 1, Math.max(0, to)));
  };
  return (
    <>
      <div class="process-total">
        <dl class="figures">
          <div><dt>{_('Processes')}</dt><dd>{number(samples[samples.length - 1].processes.length)}</dd></div>
          <div><dt>{_('CPU')}</dt><dd>{cpuText(cpu)}</dd></div>
          <div><dt>{_('Memory')}</dt><dd>{bytes(total[total.length - 1])}</dd></div>
          <div><dt>{_('At most')}</dt><dd>{bytes(Math.max(...total))}</dd></div>
        </dl>
        <Chart label={_('Memory of all processes')} times={samples.map((sample) => sample.time)} series={[{ name: _('Memory'), class: 'one', values: total }]} unit={(value) => bytes(Math.round(value))} />
      </div>
      <div class="process-list">
        <VirtualList count={nodes.length} rowHeight={ROW} follow={false} onFollow={() => {}} active={at} head={<Head />} headHeight={ROW} label={_('Processes')} role="treegrid" class="processes"
          row={(index) => <ProcessRow key={nodes[index].process.pid} id={`${id}-${index}`} node={nodes[index]} trail={memoryTrail(samples, nodes[index].process.pid)} />}
          attributes={{ 'onKeyDown': onKeyDown, 'aria-rowcount': nodes.length + 1, 'aria-activedescendant': at === null ? undefined : `${id}-${at}` }} />
      </div>
    </>
  );
}

export function ProcessesPane() {
  return (
    <OfWorker what={_('While a program runs its processes show here, with their memory and CPU.')}>
      {(of) => (
        <div class="pane fixed">
          <RunLine of={of}>{!runs(of) && of.memory.value.length > 0 && <span class="quiet">{_('as they were last')}</span>}</RunLine>
          <Processes of={of} />
        </div>
      )}
    </OfWorker>
  );
}
