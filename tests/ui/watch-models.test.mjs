// SPDX-License-Identifier: LGPL-2.1-or-later
/* What stands behind the Watch area's panes, without a browser: events merged and bounded, connections, groups,
 * the tree of processes; and what a program can make of each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './page-modules.mjs';

const { EventLog, MOST_CHARACTERS, MOST_EVENTS, EventView, Groups, Flows, MOST_FLOWS, barsOf, fit, moved, ticksOf, zoomed, treeOf, memoryTrail, niceAbove, rates, plain, compile, detailText, translate } = await load([
  'state/event-log.ts', 'watch/event-view.ts', 'watch/groups.ts', 'watch/flows.ts', 'watch/process-tree.ts', 'watch/chart.tsx', 'ui/plain.ts', 'watch/filter.ts', 'watch/layer-detail.ts', 'i18n.ts',
]);

const EVENT = {
  time: 1000, worker: 'a-1', pid: 3, program: 'python3', kind: 'read', action: 'deny', object: '/x', value: '/x', permission: 'read',
  host: null, reason: null, rule: null, suggestion: null, count: 1, observed: false,
};

function made(count, change = () => ({})) {
  return Array.from({ length: count }, (_value, index) => ({ ...EVENT, time: index, object: `/${index}`, ...change(index) }));
}

function viewOf(filter, ...logs) {
  const view = new EventView(compile(filter));
  view.setLogs(logs);
  return view;
}

function objects(view) {
  return Array.from({ length: view.length }, (_value, index) => view.at(index).object);
}

test('a view shows what its filter passes, and goes on with what comes', () => {
  const log = new EventLog();
  const view = viewOf('object:*1', log);
  log.add(made(12), 0);
  view.take();
  assert.deepEqual(objects(view), ['/1', '/11']);
  log.add(made(2, () => ({ object: '/21', action: 'allow', count: 5 })), 3);
  view.take();
  assert.equal(view.length, 4);
  assert.equal(view.total, 14);
  assert.equal(view.skipped, 3);
  assert.deepEqual([...view.counts], [['deny', 12], ['allow', 10]]);
  view.setFilter(compile('action:allow'));
  assert.deepEqual(objects(view), ['/21', '/21']);
  assert.equal(view.indexOf(view.at(1)), 1);
  assert.equal(view.indexOf(log.at(0)), -1);
});

test('several logs are one in the order of time, also where one comes late', () => {
  const [one, two] = [new EventLog(), new EventLog()];
  const view = viewOf('', one, two);
  one.add(made(3, (index) => ({ time: index * 10, object: `one ${index}` })), 0);
  view.take();
  two.add(made(3, (index) => ({ time: index * 10 + 5, object: `two ${index}` })), 0);
  view.take();
  assert.deepEqual(objects(view), ['one 0', 'two 0', 'one 1', 'two 1', 'one 2', 'two 2']);
  view.setFilter(compile('one'));
  two.add(made(1, () => ({ time: 1, object: 'two late' })), 0);
  view.take();
  assert.deepEqual(objects(view), ['one 0', 'one 1', 'one 2']);
  assert.equal(view.total, 7);
  assert.deepEqual([...view.counts], [['deny', 7]]);
  view.setLogs([one]);
  assert.equal(view.total, 3);
});

test('what is told late stands where it belongs, and so does what follows it', () => {
  const log = new EventLog();
  const view = viewOf('object:*1', log);
  log.add(made(4, (index) => ({ time: [0, 30, 10, 20][index], object: `/${index}1` })), 0);
  view.take();
  log.add(made(2, (index) => ({ time: [25, 40][index], object: ['/late1', '/other'][index] })), 0);
  view.take();
  assert.deepEqual(objects(view), ['/01', '/21', '/31', '/late1', '/11']);
  assert.deepEqual([...view.counts], [['deny', 6]]);
  assert.equal(view.indexOf(view.at(3)), 3);
});

test('clearing is for all, and what comes after it is shown', () => {
  const log = new EventLog();
  const view = viewOf('', log);
  log.add(made(5), 2);
  view.take();
  view.clear();
  assert.deepEqual([view.length, view.total, view.skipped, view.counts.size], [0, 0, 0, 0]);
  log.add(made(1), 0);
  view.take();
  assert.deepEqual(objects(view), ['/0']);
});

test('more than is kept: the last stay, and rows know how many went', () => {
  const log = new EventLog();
  const view = viewOf('object:*0', log);
  for (let i = 0; i < 30; i++) {
    log.add(made(10_000, (index) => ({ time: i * 10_000 + index, object: `/${i * 10_000 + index}` })), 0);
    view.take();
    assert.ok(log.length <= MOST_EVENTS * 1.25 && view.total <= MOST_EVENTS * 1.25);
  }
  assert.equal(view.at(view.length - 1).object, '/299990');
  assert.equal(view.at(0).object, `/${300_000 - view.total}`);
  assert.equal(view.gone + view.length, 30_000);
  assert.equal(view.counts.get('deny'), view.total);
});

test('long texts are bounded by what they are together', () => {
  const log = new EventLog();
  const view = viewOf('', log);
  const long = 'x'.repeat(4000);
  for (let i = 0; i < 12; i++) {
    log.add(made(1000, (index) => ({ time: i * 1000 + index, object: long, value: long, suggestion: long })), 0);
    view.take();
  }
  const most = (MOST_CHARACTERS * 1.25) / 12_000;
  assert.ok(log.length < most && log.length > 3000, String(log.length));
  assert.equal(view.total, log.length);
});

test('what came while nobody looked is counted as waiting, and taken at once', () => {
  const log = new EventLog();
  const view = viewOf('', log);
  log.add(made(7), 0);
  assert.equal(view.waiting(log), 7);
  view.take();
  assert.equal(view.waiting(log), 0);
});

test('groups: the largest first, open ones with their events between', () => {
  const log = new EventLog();
  const view = viewOf('', log);
  log.add(made(9, (index) => ({ host: ['a', 'b', null][index % 3], count: index === 1 ? 10 : 1, action: index % 3 === 0 ? 'allow' : 'deny' })), 0);
  view.take();
  const groups = new Groups(view, 'host');
  groups.update(0);
  assert.deepEqual(groups.order.map((group) => [group.key, group.count, group.denied]), [['b', 12, 12], ['', 3, 3], ['a', 3, 0]]);
  groups.setOpen(groups.order[0], true);
  groups.setOpen(groups.order[2], true);
  assert.equal(groups.length, 9);
  const names = Array.from({ length: groups.length }, (_value, index) => groups.at(index).group?.key ?? groups.at(index).event.object);
  assert.deepEqual(names, ['b', '/1', '/4', '/7', '', 'a', '/0', '/3', '/6']);
  for (let index = 0; index < groups.length; index++)
    assert.equal(groups.indexOf(groups.at(index)), index);
  /* What was pointed to is found again when all were made anew. */
  const pointed = groups.at(5);
  view.setFilter(compile(''));
  groups.update(0.5);
  assert.notEqual(groups.at(5).group, pointed.group);
  assert.equal(groups.indexOf(pointed), 5);
  log.add(made(20, () => ({ time: 100, host: 'c' })), 0);
  view.take();
  groups.update(1);
  assert.equal(groups.order[0].key, 'c');
  view.clear();
  groups.update(2);
  assert.equal(groups.length, 0);
});

test('100,000 groups are kept up', () => {
  const log = new EventLog();
  const view = viewOf('', log);
  log.add(made(100_000), 0);
  view.take();
  const groups = new Groups(view, 'object');
  groups.update(0);
  assert.equal(groups.length, 100_000);
  const begun = performance.now();
  for (let i = 0; i < 20; i++) {
    log.add(made(10, () => ({ time: 100_000 + i })), 0);
    view.take();
    groups.update(i + 1);
  }
  assert.ok(performance.now() - begun < 1000, 'put in order each time');
});

/* ---- connections ---- */

const NET = { ...EVENT, kind: 'net', permission: 'net', host: 'h.example', object: 'h.example:443 (tcp)', pid: null, program: null };

function flowsOf(...events) {
  const log = new EventLog();
  log.add(events, 0);
  const flows = new Flows();
  flows.setLogs([log]);
  flows.take();
  return flows;
}

function parts(flow) {
  return flow.bars.map((bar) => `${bar.part} ${bar.from}-${bar.to}`);
}

test('a connection: its name, connect, TLS, first byte, transfer', () => {
  const flows = flowsOf(
    { ...NET, kind: 'dns', action: 'allow', object: 'h.example', time: 1000, duration: 40 },
    { ...NET, action: 'opened', flow: 1, time: 1010 },
    { ...NET, action: 'closed', flow: 1, time: 1310, duration: 300, connect: 20, sent: 25, tls: 60, firstByte: 100, bytesOut: 5, bytesIn: 7 },
  );
  assert.equal(flows.list.length, 1);
  assert.equal(flows.audited, true);
  assert.deepEqual(parts(flows.list[0]), ['dns 960-1000', 'connect 1010-1030', 'tls 1035-1095', 'wait 1095-1195', 'transfer 1195-1310']);
  assert.deepEqual([flows.list[0].state, flows.list[0].from, flows.list[0].to], ['closed', 960, 1310]);
});

test('a question is spent once, and is of this worker and this host', () => {
  const question = { ...NET, kind: 'dns', action: 'allow', object: 'h.example', time: 1000, duration: 40 };
  const flows = flowsOf(question, { ...NET, action: 'opened', flow: 1, time: 1010 }, { ...NET, action: 'opened', flow: 2, time: 1020 },
    { ...question, worker: 'b-2' }, { ...NET, action: 'opened', flow: 3, time: 1030 }, { ...NET, action: 'opened', flow: 4, host: 'other', time: 1030 });
  assert.deepEqual(flows.list.map((flow) => flow.bars.length), [1, 0, 0, 0]);
});

test('two connections to one place are two, also where they have no numbers; attempts are rows', () => {
  const flows = flowsOf(
    { ...NET, action: 'opened', flow: 1 }, { ...NET, action: 'opened', flow: 2 }, { ...NET, action: 'closed', flow: 2, time: 1100, duration: 100 },
    { ...NET, action: 'deny', time: 1200 }, { ...NET, kind: 'dns', action: 'deny', time: 1300 }, { ...EVENT, action: 'deny' },
  );
  assert.deepEqual(flows.list.map((flow) => flow.state), ['open', 'closed', 'denied', 'denied']);
  const unnumbered = flowsOf({ ...NET, action: 'closed', time: 1100, duration: 100 });
  assert.deepEqual([unnumbered.list[0].from, unnumbered.list[0].to, unnumbered.audited], [1000, 1100, true]);
  assert.equal(flowsOf({ ...NET, action: 'deny' }).audited, false);
});

test('times that cannot be stay within the whole', () => {
  for (const change of [{ connect: 9e9 }, { sent: 9e9, tls: 9e9, firstByte: 9e9 }, { tls: 5 }, { firstByte: 5, connect: 400 }, {}]) {
    const bars = barsOf({ ...NET, action: 'closed', time: 1300, duration: 300, ...change });
    let last = 1000;
    for (const bar of bars) {
      assert.ok(bar.from >= last && bar.to >= bar.from && bar.to <= 1300, JSON.stringify(bars));
      last = bar.to;
    }
  }
  assert.deepEqual(barsOf({ ...NET, action: 'closed', time: 1300 }), []);
});

test('connections are bounded', () => {
  const flows = flowsOf(...Array.from({ length: 10_000 }, (_value, index) => ({ ...NET, action: 'opened', flow: index + 1, time: index })));
  assert.ok(flows.list.length <= MOST_FLOWS * 1.25);
  assert.equal(flows.list.at(-1).event.flow, 10_000);
});

test('the axis: all fits, and closer, wider, along it', () => {
  const flows = flowsOf({ ...NET, action: 'closed', flow: 1, time: 2000, duration: 1000 }, { ...NET, action: 'opened', flow: 2, time: 1500 }).list;
  const range = fit(flows, 3000);
  assert.ok(range.from < 1000 && range.to > 3000);
  assert.ok(fit([], 5000).to === 5000);
  const near = zoomed(range, 0.5);
  assert.ok(near.to - near.from < range.to - range.from);
  assert.deepEqual(zoomed({ from: 0, to: 100 }, 0.5, { from: 10, to: 20 }), { from: -10, to: 40 });
  let closest = range;
  for (let i = 0; i < 60; i++)
    closest = zoomed(closest, 0.5);
  assert.ok(closest.to - closest.from >= 5);
  assert.equal(moved({ from: 0, to: 100 }, 0.2).from, 20);
  assert.deepEqual(ticksOf({ from: 990, to: 1410 }, 1000, 5), [1000, 1100, 1200, 1300, 1400]);
  assert.ok(ticksOf({ from: 0, to: 1e12 }, 0, 6).length <= 50);
});

/* ---- processes ---- */

function process(pid, parent, change = {}) {
  return { pid, parent, name: `p${pid}`, state: 'running', memory: 1000 * pid, cpuTime: 0, ...change };
}

test('processes are a tree, with what each used between two samples', () => {
  const samples = [
    { time: 0, processes: [process(1, 0), process(3, 1)] },
    { time: 500, processes: [process(1, 0), process(3, 1, { cpuTime: 250_000 }), process(9, 3, { cpuTime: 400_000 }), process(7, 1)] },
  ];
  const nodes = treeOf(samples);
  assert.deepEqual(nodes.map((node) => [node.process.pid, node.level, node.cpu]), [[1, 1, 0], [3, 2, 0.5], [9, 3, 0], [7, 2, 0]]);
  assert.deepEqual(memoryTrail(samples, 3), [3000, 3000]);
  assert.deepEqual(memoryTrail(samples, 9), [9000]);
  assert.deepEqual(treeOf([]), []);
});

test('a circle of parents, a parent that is not there, and more than is shown', () => {
  const circle = treeOf([{ time: 0, processes: [process(1, 0), process(5, 6), process(6, 5), process(8, 77), process(9, 9)] }]);
  assert.deepEqual(circle.map((node) => node.process.pid), [1, 8, 9, 5, 6]);
  const many = treeOf([{ time: 0, processes: Array.from({ length: 5000 }, (_value, index) => process(index + 1, index)) }]);
  assert.ok(many.length <= 1000);
});

/* ---- texts and scales ---- */

test('characters that have no form, or turn others round, are shown by number', () => {
  assert.equal(plain('/etc/größe 文件 🙂'), '/etc/größe 文件 🙂');
  assert.equal(plain('a\u202eb\nc\u0000\u200b'), 'a\\u{202e}b\\u{a}c\\u{0}\\u{200b}');
  assert.equal(plain('\ud800'), '\\u{d800}');
  assert.equal(plain('\u001b[31m'), '\\u{1b}[31m');
});

test('scales and rates', () => {
  assert.deepEqual([0, 0.3, 1, 7, 42, 100, 4200].map(niceAbove), [1, 0.5, 1, 10, 50, 100, 5000]);
  assert.deepEqual(rates([0, 500, 1000, 1000], [0, 100, 100, 200]), [0, 200, 0, 0]);
  assert.deepEqual(rates([0, 1000], [500, 0]), [0, 0]);
});

test('what the server says of a layer is translated in parts, and what is not known stays as it is', () => {
  globalThis.document = { documentElement: {} };
  translate('de', {
    'none: nothing but a loopback of its own': 'keines', 'published ports: %1': 'veröffentlichte Ports: %1',
    'ABI %1, %2 rules': 'ABI %1, %2 Regeln', 'mounts alone': 'nur Einhängungen', 'no control group': 'keine Kontrollgruppe',
    'resource limits: %1': 'Ressourcengrenzen: %1',
  });
  assert.equal(detailText('none: nothing but a loopback of its own; published ports: 2'), 'keines; veröffentlichte Ports: 2');
  assert.equal(detailText('ABI 7, 12 rules'), 'ABI 7, 12 Regeln');
  assert.equal(detailText('no control group; something new: x; resource limits: core, nproc'), 'keine Kontrollgruppe; something new: x; Ressourcengrenzen: core, nproc');
  assert.equal(detailText('mounts alone (plugins.landlock = false (/a; b.json:3))'), 'nur Einhängungen (plugins.landlock = false (/a; b.json:3))');
  assert.equal(detailText('user, pid, mount'), 'user, pid, mount');
  assert.equal(detailText(''), '');
  translate('en', {});
});
