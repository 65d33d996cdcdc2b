// SPDX-License-Identifier: LGPL-2.1-or-later
/* The language of the events' filter, src/watch/filter.ts, without a browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './page-modules.mjs';

const { compile, completed, completions, parse, quoted, toggled } = await load(['watch/filter.ts']);

const NET = {
  time: 1, worker: 'w.py-12', pid: 3, program: 'python3', kind: 'net', action: 'deny', object: 'db.Example.com:443 (tcp)',
  value: 'db.example.com:443', permission: 'net', host: 'db.example.com', reason: null,
  rule: { source: '/home/me/policy.json', line: 12, text: 'net.rules[3]' },
  suggestion: '--allow-net=db.example.com:443', count: 14, observed: false,
};
const READ = {
  ...NET, pid: 31, program: 'sh', kind: 'read', action: 'allow', object: '/etc/my file, "new"', host: null,
  rule: null, suggestion: null, count: 1, observed: true, reason: 'nothing is there',
};
const CLOSED = { ...NET, action: 'closed', rule: null, suggestion: null, duration: 120, bytesIn: 1, bytesOut: 2, pid: null, count: 1 };

function passes(filter) {
  const { test: matches } = compile(filter);
  return [NET, READ, CLOSED].map((event) => (matches(event) ? '1' : '0')).join('');
}

for (const [filter, wanted] of [
  ['', '111'], ['   ', '111'],
  /* keys of a few words: by their beginning */
  ['action:deny', '100'], ['action:d', '100'], ['ACTION:DENY', '100'], ['action:eny', '000'], ['action:deny,allow', '110'],
  ['kind:net', '101'], ['-kind:net', '010'], ['-kind:net,read', '000'], ['kind:net action:closed', '001'],
  /* texts: somewhere in it, or with a star the whole */
  ['host:example', '101'], ['host:*.com', '101'], ['host:*.COM', '101'], ['host:db.*', '101'], ['host:*.example', '000'], ['host:*', '111'],
  ['object:/etc', '010'], ['object:"/etc/*"', '010'], ['object:/etc/*', '010'], ['object:etc/*', '000'], ['object:"*my file, *"', '010'],
  ['object:*y*f*w*', '010'], ['object:*w*f*', '000'], ['object:**', '111'], ['program:sh', '010'], ['worker:w.py', '111'],
  ['rule:net.rules', '100'], ['rule:policy.json:12', '100'], ['rule:*12*', '100'], ['-rule:*?*', '111'], ['reason:nothing', '010'],
  ['permit:--allow-net', '100'],
  /* numbers */
  ['pid:3', '100'], ['pid:31', '010'], ['pid:>3', '010'], ['pid:>=3', '110'], ['pid:<31', '100'], ['-pid:3', '011'], ['pid:3,31', '110'],
  ['count:>10', '100'], ['duration:>=120', '001'], ['exit:0', '000'],
  ['observed:yes', '010'], ['observed:no', '101'], ['observed:n', '101'],
  /* words */
  ['example', '101'], ['EXAMPLE deny', '100'], ['sh', '010'], ['-example', '010'], ['"my file"', '010'], ['my file', '010'], ['file my nothing', '010'],
  ['ex*com', '101'], ['--allow-net', '100'], ['policy.json', '100'], ['db.example.com:443', '101'],
  /* half typed: as if it were not there yet */
  ['pid:', '111'], ['pid:>', '111'], ['pid:x', '111'], ['action:', '111'], ['-', '111'], ['- ', '111'], ['- example', '101'], ['-action:', '111'],
  ['action:deny,', '100'], ['object:"', '111'], ['object:"/etc', '010'], ['"', '111'], ['observed:maybe', '111'], ['action:,,,deny', '100'],
  /* no keys */
  ['toString:x', '000'], ['__proto__:x', '000'], ['constructor:x', '000'], ['http://x', '000'],
])
  test(`filter ${JSON.stringify(filter)}`, () => assert.equal(passes(filter), wanted));

test('a filter is read into terms', () => {
  assert.deepEqual(parse('-kind:dns,net object:"a b" words'), [
    { negated: true, key: 'kind', values: ['dns', 'net'] },
    { negated: false, key: 'object', values: ['a b'] },
    { negated: false, key: null, values: ['words'] },
  ]);
});

test('what is near a key is pointed out, and what is an address is not', () => {
  assert.deepEqual(compile('ojbect:/x hots:y').notes, [{ key: 'ojbect', nearest: 'object' }, { key: 'hots', nearest: 'host' }]);
  assert.deepEqual(compile('localhost:80 http://x example.com:443 ::1 action:deny').notes, []);
});

test('odd input ends soon and throws nothing', () => {
  const odd = [
    '*'.repeat(5000), 'a*'.repeat(2000), `object:${'a*'.repeat(900)}b`, '"'.repeat(5000), '-'.repeat(5000), ':'.repeat(5000), ','.repeat(5000),
    'object:'.repeat(500), '\u0000\u202e\ud800 \uffff', 'pid:99999999999999999999', '(((((a+)+)+)+)+)$ [a-z', 'x '.repeat(5000), '\\', '\n\t\r',
  ];
  const hostile = { ...NET, object: 'a'.repeat(20_000), host: '\ud800', program: '*'.repeat(1000) };
  for (const text of odd) {
    const begun = performance.now();
    compile(text).test(hostile);
    completions(text);
    completed(text, 'action:');
    assert.ok(performance.now() - begun < 500, JSON.stringify(text.slice(0, 20)));
  }
});

/* Numbers that a loop of random ones would find again. */
test('any text compiles, and finds what it quotes', () => {
  const letters = 'ab:"-*, ><=/actionkindpid';
  let seed = 1;
  const random = (most) => { seed = (seed * 1103515245 + 12345) % 2147483648; return Math.floor((seed / 2147483648) * most); };
  for (let round = 0; round < 3000; round++) {
    let text = '';
    for (let length = random(40); length > 0; length--)
      text += letters[random(letters.length)];
    assert.equal(typeof compile(text).test(NET), 'boolean');
    const object = text.trim();
    if (object !== '')
      assert.ok(compile(`object:${quoted(object)}`).test({ ...NET, object }), JSON.stringify(object));
  }
});

test('completions of the last word', () => {
  assert.deepEqual(completions('foo act'), ['action:']);
  assert.deepEqual(completions('action:de'), ['action:deny']);
  assert.deepEqual(completions('action:deny,al'), ['action:deny,allow']);
  assert.deepEqual(completions('-kind:d'), ['kind:dns']);
  assert.deepEqual(completions('object:"a b'), []);
  assert.deepEqual(completions(''), []);
  assert.equal(completed('foo -act', 'action:'), 'foo -action:');
  assert.equal(completed('kind:d', 'kind:dns'), 'kind:dns');
});

test('a term is put in and taken out', () => {
  assert.equal(toggled('', 'action:deny'), 'action:deny');
  assert.equal(toggled('kind:net', 'action:deny'), 'kind:net action:deny');
  assert.equal(toggled('kind:net action:deny x', 'action:deny'), 'kind:net x');
});

test('100,000 events are filtered in less than 50 ms', () => {
  const events = Array.from({ length: 100_000 }, (_value, index) => ({ ...READ, object: `/nowhere/file-${index}`, action: index % 3 === 0 ? 'allow' : 'deny' }));
  for (const [filter, wanted] of [['action:deny', 66_666], ['object:*-77777', 1], ['file-99999', 1], ['-kind:dns pid:31 file', 100_000]]) {
    const times = [];
    let found = 0;
    /* The best of some, and of this process alone: other tests run beside this one. */
    for (let round = 0; round < 7; round++) {
      const { test: matches } = compile(filter);
      const begun = process.cpuUsage();
      found = 0;
      for (const event of events)
        if (matches(event))
          found++;
      times.push(process.cpuUsage(begun).user / 1000);
    }
    assert.equal(found, wanted);
    assert.ok(Math.min(...times) < 50, `${filter}: ${times.map(Math.round)} ms`);
  }
});
