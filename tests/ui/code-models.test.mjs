// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the code's area is made of, without a browser: output, its rows, traces, differences, arguments. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './page-modules.mjs';

const {
  BOLD, ConsoleRows, MOST_CHARACTERS, MOST_LINES, MOST_RUNS, OutputLog, classesOf, diffLines, hunks, joinWords, nearest, restyle, splitWords, tracesIn,
} = await load(['state/ansi', 'state/output-log', 'code/console-rows', 'code/style-classes', 'code/traces', 'code/diff', 'code/words']);

/* The same sequence each time. */
function dice(seed) {
  return (below) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
}

function logOf(...chunks) {
  const log = new OutputLog();
  for (const [stream, text] of chunks)
    log.add([[stream, text]], 0);
  return log;
}

function linesOf(log) {
  return Array.from({ length: log.length }, (_, i) => log.at(i));
}

test('output is what a terminal would show of it', () => {
  for (const [text, ...wanted] of [
    ['a\nb\n', 'a', 'b'],
    ['a\r\nb\r\n\r\n', 'a', 'b', ''],
    ['100%\r 50%', ' 50%'],
    ['12345\rab', 'ab345'],
    ['abc\b\bX', 'aXc'],
    ['abcdef\r\x1b[Kx', 'x'],
    ['abcdef\x1b[3D\x1b[K', 'abc'],
    ['abc\x1b[2K\rx', 'x'],
    ['ab\x1b[5Cx', 'ab     x'],
    ['abc\x1b[1Gx', 'xbc'],
    ['\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\', 'alink'],
    ['\x1b[?25l\x1b[2J\x1b(B\x1b7a\x1b=\x00\x07\x7f\x9bb', 'ab'],
    ['\x1b[31mred\x1b[0m', 'red'],
    ['\x1b[3Ga\r\n\x1b[2Cb', '  a', '  b'],
    ['\x1b[999999999999999999C..', `${' '.repeat(MOST_CHARACTERS - 1)}.`, '.'],
  ])
    assert.deepEqual(linesOf(logOf([1, text])).map((line) => line.text), wanted, JSON.stringify(text));
});

test('chunks may be cut anywhere', () => {
  const roll = dice(7);
  const pieces = ['a', 'bc', '\n', '\r', '\r\n', '\b', '\x1b[31m', '\x1b[0m', '\x1b[1;38;5;208m', '\x1b[K', '\x1b]0;t\x07', '\x1b(B', 'ü', '世', '\t'];
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: 40 }, () => pieces[roll(pieces.length)]).join('');
    const chunks = [];
    for (let at = 0; at < text.length;) {
      const length = 1 + roll(6);
      chunks.push([1, text.slice(at, at + length)]);
      at += length;
    }
    assert.deepEqual(linesOf(logOf(...chunks)), linesOf(logOf([1, text])), JSON.stringify(text));
  }
});

test('streams do not write into each other, and what was skipped ends both', () => {
  const log = logOf([1, 'out'], [2, 'err\n'], [1, 'more\n'], [2, 'half']);
  assert.deepEqual(linesOf(log).map((line) => [line.stream, line.text]), [[1, 'out'], [2, 'err'], [1, 'more'], [2, 'half']]);
  log.add([[2, 'after\n']], 1000);
  assert.deepEqual(linesOf(log).slice(-2).map((line) => [line.text, line.skipped]), [['', 1000], ['after', 0]]);
  assert.equal(log.skipped, 1000);
  /* A progress bar stays in its place under a line of the other stream. */
  assert.deepEqual(linesOf(logOf([1, '10%'], [2, 'note\n'], [1, '\r20%'])).map((line) => line.text), ['20%', 'note']);
});

test('what is kept is bounded, whatever comes', () => {
  const log = new OutputLog();
  for (let i = 0; i < 10; i++)
    log.add([[1, 'x\n'.repeat(10_000)]], 0);
  assert.ok(log.length <= MOST_LINES * 1.25 && log.length >= MOST_LINES);
  assert.equal(log.first + log.length, 100_000);
  const long = logOf([1, 'y'.repeat(3 * MOST_CHARACTERS)]);
  assert.ok(linesOf(long).every((line) => line.text.length <= MOST_CHARACTERS));
  assert.equal(linesOf(long).map((line) => line.text).join(''), 'y'.repeat(3 * MOST_CHARACTERS));
  const wide = new OutputLog();
  for (let i = 0; i < 12; i++)
    wide.add([[1, ('z'.repeat(MOST_CHARACTERS - 1) + '\n').repeat(1000)]], 0);
  assert.ok(wide.tail(Infinity).text.length < 21_000_000);
  assert.deepEqual(wide.tail(100), { text: '', whole: false });
  assert.deepEqual(logOf([1, 'a\nb\n']).tail(100), { text: 'a\nb', whole: true });
  assert.deepEqual(logOf([1, 'a\nb\n']).tail(3), { text: 'b', whole: false });
  const gaudy = new OutputLog();
  gaudy.add([[1, ('\x1b[1mx\x1b[0my'.repeat(1000) + '\n').repeat(20)]], 0);
  assert.ok(linesOf(gaudy).every((line) => line.runs.length <= MOST_RUNS + 2));
});

test('what is hard to read is read in time', () => {
  const begin = performance.now();
  for (const piece of ['\x1b[1mx\x1b[0my', '\rab', '\r\x1b[31mx\x1b[1Cy', '\b\b\x1b[Kabc', '\x1b', '\x1b[', '\x1b]', '\x1b]0;', '\x1b[1;1;1;1;1;1;1;1m', '\n', '\x1b[5G.\x1b[2K'])
    logOf([1, piece.repeat(1_000_000 / piece.length)], [2, piece.repeat(1_000_000 / piece.length)]);
  assert.ok(performance.now() - begin < 15_000, `${performance.now() - begin} ms`);
});

test('styles', () => {
  assert.equal(classesOf(restyle(0, '31')), 'f2');
  assert.equal(classesOf(restyle(0, '1;4;97;104')), 'f16 g13 bold underline');
  assert.equal(classesOf(restyle(0, '7')), 'inverse');
  assert.equal(classesOf(restyle(0, '31;7')), 'g2');
  assert.equal(classesOf(restyle(0, '38;5;1')), 'f2');
  assert.equal(classesOf(restyle(0, '38:2::255:0:0')), 'f17');
  assert.equal(restyle(0, '38:2:255:0:0'), restyle(0, '38;2;255;0;0'));
  assert.equal(restyle(restyle(0, '1;31'), '39'), BOLD);
  assert.equal(restyle(restyle(0, '1;31'), ''), 0);
  for (const hostile of ['38', '38;5', '38;2', '38;5;999999', '48;2;-1;1e9;x', '9999', ':;:;'])
    assert.match(classesOf(restyle(0, hostile)), /^[fg\d a-z]*$/);
  for (let i = 0; i < 256; i++)
    assert.match(classesOf(restyle(0, `38;5;${i};48;5;${255 - i}`)), /^f\d+ g\d+$/);
  assert.equal(nearest(0, 0, 0), 1);
  assert.equal(nearest(255, 255, 255), 16);
});

/* All rows, as they are drawn. */
function rowsOf(rows) {
  return Array.from({ length: rows.count }, (_, i) => {
    const { line, from, to, number, index } = rows.part(i);
    return `${number}.${index} ${line.text.slice(from, to)}`;
  });
}

test('rows that were kept up are those that would be made anew', () => {
  const roll = dice(3);
  const words = ['short ', 'a longer piece of text, ', '世界', '\t', '\n', '\n\n', '\r'];
  const log = new OutputLog();
  const rows = new ConsoleRows(log);
  let columns = 20;
  let wanted = '';
  for (let round = 0; round < 400; round++) {
    log.add([[1 + roll(2), Array.from({ length: roll(12) }, () => words[roll(words.length)]).join('')]], roll(30) === 0 ? 5 : 0);
    if (roll(40) === 0)
      columns = [0, 20, 33][roll(3)];
    if (roll(40) === 0)
      wanted = ['', 'longer', '世'][roll(3)];
    if (roll(150) === 0)
      log.clear();
    rows.sync(columns, wanted);
    const fresh = new ConsoleRows(log);
    fresh.sync(columns, wanted);
    assert.deepEqual(rowsOf(rows), rowsOf(fresh), `round ${round}`);
  }
});

test('rows have all of a line, and no more columns than there are', () => {
  const log = logOf([1, 'abcdefghij'.repeat(5) + '\n'], [1, '世'.repeat(15) + '\n'], [1, '\n'], [1, 'e\u0301'.repeat(30) + '\n'], [1, '😀'.repeat(11)]);
  const rows = new ConsoleRows(log);
  rows.sync(20, '');
  const parts = Array.from({ length: rows.count }, (_, i) => rows.part(i));
  assert.deepEqual([0, 1, 2, 3, 4].map((n) => parts.filter((part) => part.number === n).length), [3, 2, 1, 2, 2]);
  for (let n = 0; n < 5; n++)
    assert.equal(parts.filter((part) => part.number === n).map((part) => part.line.text.slice(part.from, part.to)).join(''), log.at(n).text);
});

test('lines of the program are found where it is named', () => {
  const file = '/run/user/1000/buntime/ui-1/2/w.py';
  assert.deepEqual(tracesIn(`  File "${file}", line 12, in f`, file).map((trace) => trace.line), [12]);
  assert.deepEqual(tracesIn(`      at f (${file}:3:9) at ${file}:4`, file).map((trace) => trace.line), [3, 4]);
  for (const other of [`${file}`, `${file}x:3`, `File "${file}.bak", line 3`, `/other${file.slice(4)}:3`, `File "${file}", line x`])
    assert.deepEqual(tracesIn(other, file), [], other);
  assert.deepEqual(tracesIn('at :3:9', ''), []);
});

function common(a, b) {
  const most = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--)
      most[i][j] = a[i] === b[j] ? most[i + 1][j + 1] + 1 : Math.max(most[i + 1][j], most[i][j + 1]);
  }
  return most[0][0];
}

test('differences are the smallest, and lead from one to the other', () => {
  const roll = dice(11);
  const any = () => Array.from({ length: roll(14) }, () => 'abcde'[roll(5)]);
  for (let round = 0; round < 2000; round++) {
    const [a, b] = [any(), any()];
    const lines = diffLines(a, b);
    assert.deepEqual(lines.filter((line) => line.kind !== 'new').map((line) => line.text), a);
    assert.deepEqual(lines.filter((line) => line.kind !== 'gone').map((line) => line.text), b);
    assert.equal(lines.filter((line) => line.kind === 'same').length, common(a, b));
  }
  /* Bounded where nothing is common. */
  const many = diffLines(Array.from({ length: 20_000 }, (_, i) => `a${i}`), Array.from({ length: 20_000 }, (_, i) => `b${i}`));
  assert.equal(many.length, 40_000);
  assert.deepEqual(hunks(diffLines([...'abcdefgh'], [...'abcdXfgh']), 1).map((row) => (typeof row === 'number' ? row : row.text)), [3, 'd', 'e', 'X', 'f', 2]);
});

test('arguments are split as a shell would, and come back', () => {
  assert.deepEqual(splitWords(` a  "b c" 'd "e' f\\ g h"i j"k "\\"\\\\" '' `), ['a', 'b c', 'd "e', 'f g', 'hi jk', '"\\', '']);
  assert.deepEqual(splitWords('"open'), ['open']);
  for (const words of [['a', 'b c'], [''], ["it's", '"', '\\', '$x'], ['--flag=/a/b', '世界', '\n']])
    assert.deepEqual(splitWords(joinWords(words)), words);
});
