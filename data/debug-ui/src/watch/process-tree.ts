// SPDX-License-Identifier: LGPL-2.1-or-later
/* The processes of a sample as a tree, and what samples before it say of them. */
import type { Process } from '../protocol';
import type { MemorySample } from '../state/workers';

export interface Node {
  process: Process;
  level: number; /* from 1 */
  cpu: number;   /* of one processor: 1 is all of it */
}

export const MOST_PROCESSES = 1000;
/* What a small line shows. */
const TRAIL = 60;

const indexes = new WeakMap<MemorySample, Map<number, Process>>();

function indexOf(sample: MemorySample): Map<number, Process> {
  let index = indexes.get(sample);
  if (index === undefined) {
    index = new Map(sample.processes.map((process) => [process.pid, process]));
    indexes.set(sample, index);
  }
  return index;
}

/* Between a sample and the one before it; 0 of a process that was not there. */
function cpuOf(process: Process, now: MemorySample, before: MemorySample | undefined): number {
  const old = before === undefined ? undefined : indexOf(before).get(process.pid);
  const passed = before === undefined ? 0 : now.time - before.time;
  return old === undefined || passed <= 0 ? 0 : Math.max(0, (process.cpuTime - old.cpuTime) / (passed * 1000));
}

/* Parents before their children. A worker's processes may be many, and what they say of parents is taken for
 * no more than it is: a circle ends. */
export function treeOf(samples: MemorySample[]): Node[] {
  const now = samples.at(-1);
  if (now === undefined)
    return [];
  const before = samples.at(-2);
  const children = new Map<number, Process[]>();
  const known = indexOf(now);
  const roots: Process[] = [];
  for (const process of now.processes.slice(0, MOST_PROCESSES)) {
    const parent = process.parent !== process.pid && known.has(process.parent) ? process.parent : null;
    if (parent === null)
      roots.push(process);
    else
      children.set(parent, [...(children.get(parent) ?? []), process]);
  }
  const nodes: Node[] = [];
  const seen = new Set<number>();
  const addBelow = (root: Process) => {
    const stack = [{ process: root, level: 1 }];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const { process, level } = next;
      if (seen.has(process.pid))
        continue;
      seen.add(process.pid);
      nodes.push({ process, level, cpu: cpuOf(process, now, before) });
      for (const child of [...(children.get(process.pid) ?? [])].reverse())
        stack.push({ process: child, level: level + 1 });
    }
  };
  roots.forEach(addBelow);
  /* What hangs in a circle hangs on no root, and is shown all the same. */
  now.processes.slice(0, MOST_PROCESSES).forEach(addBelow);
  return nodes;
}

export function memoryTrail(samples: MemorySample[], pid: number): number[] {
  const trail: number[] = [];
  for (const sample of samples.slice(-TRAIL)) {
    const process = indexOf(sample).get(pid);
    if (process !== undefined)
      trail.push(process.memory);
  }
  return trail;
}

export function totalTrail(samples: MemorySample[]): number[] {
  return samples.map((sample) => sample.processes.reduce((sum, process) => sum + process.memory, 0));
}
