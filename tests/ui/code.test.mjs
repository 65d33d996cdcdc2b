// SPDX-License-Identifier: LGPL-2.1-or-later
/* The code's area: the editor, the console, tabs and what runs in them. */
import { join } from 'node:path';

import { assert, browserTest, openPage, source } from './harness.mjs';

const editor = (page) => page.getByRole('textbox', { name: /^Code of / });
const row = (page, text) => page.locator('.console-row', { hasText: text });
const end = (page) => page.locator('.exit-line');
const button = (page, name) => page.getByRole('button', { name, exact: true });

async function connected(page) {
  await page.getByText('Connected', { exact: true }).waitFor();
}

/* Types a program over the one that is there. */
async function write(page, code) {
  await connected(page);
  await editor(page).click();
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(code);
}

async function run(page, code) {
  await write(page, code);
  await page.keyboard.press('Control+Enter');
}

async function runToEnd(page, code) {
  await run(page, code);
  await end(page).waitFor();
}

async function codeOf(page) {
  return (await editor(page).locator('.cm-line').allTextContents()).join('\n');
}

async function showsCode(page, code) {
  await until(() => codeOf(page), (text) => (code instanceof RegExp ? code.test(text) : text === code), String(code));
}

async function activeLine(page) {
  return await editor(page).locator('.cm-activeLine').textContent();
}

/* Until what `get` says passes. */
async function until(get, passes, what) {
  for (const deadline = Date.now() + 10_000; ;) {
    const value = await get();
    if (passes(value))
      return value;
    assert.ok(Date.now() < deadline, `${what}: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/* ---- running ---- */

browserTest('runs Python by Ctrl+Enter and tells its streams, its status and its duration', async ({ page }) => {
  await runToEnd(page, 'import sys\nprint("to stdout")\nprint("to stderr", file=sys.stderr)\nsys.exit(3)\n');
  await row(page, 'to stdout').waitFor();
  assert.equal(await page.locator('.console-row.stderr').allTextContents().then(String), 'to stderr');
  assert.match(await end(page).textContent(), /^Exit 3 after .*(ms|sec)$/);
  await page.getByRole('tab', { name: 'hello.py, Exit 3' }).waitFor();
});

browserTest('runs TypeScript with Bun, with arguments', async ({ page }) => {
  await connected(page);
  await page.getByRole('combobox', { name: 'Language' }).selectOption('bun');
  await page.getByRole('textbox', { name: 'Arguments of the program' }).fill(`one 'two words' "3"`);
  await runToEnd(page, 'const list: string[] = process.argv.slice(2);\nconsole.log(JSON.stringify(list), typeof Bun.version);\n');
  await row(page, '["one","two words","3"] string').waitFor();
  assert.match(await end(page).textContent(), /^Exit 0 /);
  await page.getByRole('tab', { name: 'hello.ts, Exit 0' }).waitFor();
});

browserTest('stops, kills what does not stop, and restarts', async ({ page }) => {
  await run(page, 'import time\nprint("up", flush=True)\ntime.sleep(600)\n');
  await row(page, 'up').waitFor();
  assert.equal(await button(page, 'Run').isDisabled(), true);
  await button(page, 'Stop').click();
  await end(page).getByText('Ended by SIGTERM').waitFor();
  assert.match(await end(page).textContent(), /stopped from this page$/);
  assert.equal(await button(page, 'Stop').isDisabled(), true);

  await run(page, 'import signal, time, os\nsignal.signal(signal.SIGTERM, lambda *_: print("no", flush=True))\nprint("deaf", flush=True)\nwhile True: time.sleep(600)\n');
  await row(page, 'deaf').waitFor();
  await button(page, 'Stop').click();
  await button(page, 'Kill').click();
  await end(page).getByText('Ended by SIGKILL').waitFor();

  await run(page, 'import time\nprint(time.time_ns(), flush=True)\ntime.sleep(600)\n');
  const first = await until(() => page.locator('.console-row').first().textContent(), (text) => /^\d{15,}$/.test(text ?? ''), 'a time');
  await button(page, 'Restart').click();
  await until(() => page.locator('.console-row').allTextContents(), ([text]) => /^\d{15,}$/.test(text ?? '') && text !== first, 'another time');
  await button(page, 'Stop').click();
  await end(page).waitFor();
});

browserTest('a button that is pressed twice, or a key that is held down, runs once', async ({ page }) => {
  await connected(page);
  await button(page, 'Run').evaluate((run) => { run.click(); run.click(); });
  await end(page).waitFor();
  await page.getByRole('textbox', { name: 'Arguments of the program' }).focus();
  await page.keyboard.press('Control+Enter');
  await page.getByRole('tab', { name: 'hello.py, Running' }).or(page.getByRole('tab', { name: 'hello.py, Exit 0' })).waitFor();
  await until(() => page.locator('.exit-line').count(), (count) => count === 1, 'ended');
  await write(page, 'import time\nprint("up", flush=True)\ntime.sleep(600)\n');
  await page.keyboard.down('Control');
  for (let i = 0; i < 5; i++) {
    await page.keyboard.down('Enter');
    if (i === 0)
      await row(page, 'up').waitFor();
  }
  await page.keyboard.up('Enter');
  await page.keyboard.up('Control');
  await showsCode(page, /sleep\(600\)\n?$/);
  await button(page, 'Stop').click();
  await end(page).waitFor();
  await button(page, 'History').click();
  assert.equal(await page.getByRole('dialog', { name: 'History' }).locator('tbody tr').count(), 3);
});

browserTest('tells why nothing was run: object, reason and cure', async ({ page }) => {
  await connected(page);
  await page.getByRole('textbox', { name: 'Name of the program' }).fill('no name.py');
  await button(page, 'Run').click();
  const box = page.locator('.console .problem-box');
  await box.getByText('no name.py: not a name for a program').waitFor();
  await box.getByText('letters, digits').waitFor();
  await page.getByRole('textbox', { name: 'Name of the program' }).fill('name.py');
  await button(page, 'Run').click();
  await end(page).getByText('Exit 0').waitFor();
  assert.equal(await box.count(), 0);
});

browserTest('says that the time was up', async ({ page }) => {
  await connected(page);
  await page.getByRole('combobox', { name: 'Add a flag' }).fill('--timeout=1s');
  await page.keyboard.press('Enter');
  await run(page, 'import time\ntime.sleep(60)\n');
  await end(page).getByText('Timed out').waitFor();
});

/* ---- the console ---- */

browserTest('shows colours, carriage returns and tabs as a terminal would, and nothing else', async ({ page }) => {
  await runToEnd(page, [
    'import sys, time',
    'print("\\x1b[31mred\\x1b[0m \\x1b[1;4mbold\\x1b[0m \\x1b[48;5;21mground\\x1b[m \\x1b[38;2;10;240;20mgreen\\x1b[39m \\x1b[7mswapped\\x1b[27m")',
    'for i in range(5):',
    '    print(f"\\r{i * 25}%", end="", flush=True)',
    '    time.sleep(.02)',
    'print(" done")',
    'print("wipe\\x1b[2K\\rwiped")',
    'print("\\x1b]0;title\\x07a\\tb\\x1b[2J\\x1b[10;10H\\x1b(Bc\\x00\\x9b")',
    'print("<img src=x onerror=alert(1)><b>bold</b>")',
    '',
  ].join('\n'));
  const rows = await page.locator('.console-row').allTextContents();
  assert.deepEqual(rows, ['red bold ground green swapped', '100% done', 'wiped', 'a       bc', '<img src=x onerror=alert(1)><b>bold</b>']);
  assert.deepEqual(await page.locator('.console-row').first().locator('span').evaluateAll((spans) => spans.map((span) => [span.textContent, span.className])),
    [['red', 'f2'], ['bold', 'bold underline'], ['ground', 'g25'], ['green', 'f21'], ['swapped', 'inverse']]);
});

for (const scheme of ['light', 'dark']) {
  browserTest(`all colours can be read, on all grounds (${scheme})`, { page: { colorScheme: scheme } }, async ({ page }) => {
    await runToEnd(page, 'print("any")\n');
    const bad = await page.evaluate(() => {
      const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
      const light = (colour) => {
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
      const row = document.querySelector('.console-row');
      const span = document.createElement('span');
      row.append(span);
      const console_ = getComputedStyle(document.querySelector('.console')).backgroundColor;
      const found = [];
      for (let front = 0; front <= 28; front++) {
        for (let ground = 0; ground <= 28; ground++) {
          span.className = `${front > 0 ? `f${front}` : ''} ${ground > 0 ? `g${ground}` : ''}`;
          const style = getComputedStyle(span);
          const value = ratio(style.color, ground > 0 ? style.backgroundColor : console_);
          if (value < 4.5)
            found.push(`f${front} g${ground}: ${value.toFixed(2)}`);
        }
      }
      return found;
    });
    assert.deepEqual(bad, []);
  });
}

browserTest('names the line of a traceback, and goes there', async ({ page }) => {
  await runToEnd(page, 'def inner():\n    raise ValueError("no")\n\n\ndef outer():\n    inner()\n\n\nouter()\n');
  await row(page, 'ValueError: no').waitFor();
  await page.locator('.trace', { hasText: 'line 2' }).click();
  await until(() => activeLine(page), (line) => line === '    raise ValueError("no")', 'line 2');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'editor');
  /* By the keyboard too. */
  await page.locator('.trace', { hasText: 'line 9' }).focus();
  await page.keyboard.press('Enter');
  await until(() => activeLine(page), (line) => line === 'outer()', 'line 9');
});

browserTest('names the line of a stack trace of Bun', async ({ page }) => {
  await connected(page);
  await page.getByRole('combobox', { name: 'Language' }).selectOption('bun');
  await runToEnd(page, 'function inner(): never {\n  throw new Error("no");\n}\n\ninner();\n');
  await page.locator('.trace', { hasText: ':2:' }).first().click();
  await until(() => activeLine(page), (line) => line === '  throw new Error("no");', 'line 2');
});

browserTest('20,000 lines are a screen of rows; searched, wrapped, followed, copied, cleared', { page: { permissions: ['clipboard-read', 'clipboard-write'] } }, async ({ page }) => {
  await runToEnd(page, 'for i in range(30000): print(f"line {i}", "x" * (300 if i == 29990 else 1))\nprint("last")\n');
  await row(page, 'last').waitFor();
  assert.ok(await page.locator('.console-row').count() < 100);
  await page.locator('.console').getByText(/^the last [\d,]+ of 30,001 lines/).waitFor();
  /* One line, on more rows than one; then on one. */
  const long = () => page.locator('.console-row').filter({ hasText: /^x{20,}$/ }).count();
  await until(long, (count) => count >= 3, 'wrapped rows');
  await button(page, 'Wrap').click();
  await until(long, (count) => count === 0, 'rows that are not wrapped');
  const width = await page.locator('.console-list').evaluate((list) => list.scrollWidth - list.clientWidth);
  assert.ok(width > 1000, String(width));
  await button(page, 'Wrap').click();

  await page.getByRole('searchbox', { name: 'Show only lines of output with' }).fill('LINE 2998');
  await until(() => page.locator('.console-row').count(), (count) => count === 10, 'the lines 29980 to 29989');
  await page.getByRole('searchbox', { name: 'Show only lines of output with' }).fill('nowhere');
  await page.locator('.console').getByText('No line matches').waitFor();
  await page.getByRole('searchbox', { name: 'Show only lines of output with' }).fill('');
  await row(page, 'last').waitFor();

  await page.locator('.console-list').evaluate((list) => { list.scrollTop = 0; });
  await until(() => page.locator('.console').getByRole('button', { name: 'Follow' }).getAttribute('aria-pressed'), (value) => value === 'false', 'not followed');
  assert.equal(await row(page, 'last').count(), 0);
  await page.locator('.console').getByRole('button', { name: 'Follow' }).click();
  await row(page, 'last').waitFor();

  await page.locator('.console').getByRole('button', { name: 'Copy' }).click();
  await page.getByText('Output copied').waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /line 29999 x\nlast$/);
  await page.locator('.console').getByRole('button', { name: 'Clear' }).click();
  await until(() => page.locator('.console-row').count(), (count) => count === 0, 'nothing');
});

browserTest('a row of a thousand styles is bounded', async ({ page }) => {
  await connected(page);
  await button(page, 'Wrap').click();
  await runToEnd(page, 'print(("\\x1b[31mx\\x1b[32my" * 1500 + "\\n") * 60)\n');
  await page.locator('.console-row span').first().waitFor();
  const most = await page.locator('.console-row').evaluateAll((rows) => Math.max(...rows.map((row) => row.childElementCount)));
  assert.ok(most > 100 && most <= 257, String(most));
});

browserTest('keeps up with a worker that prints as fast as it can', async ({ page }) => {
  await run(page, 'import sys, time\nblock = ("0123456789" * 10 + "\\n") * 10000\nend = time.monotonic() + 2\nwhile time.monotonic() < end: sys.stdout.write(block)\nprint("the very last")\n');
  /* It is not stuck while it runs. */
  const slowest = await page.evaluate(async () => {
    let worst = 0;
    for (let last = performance.now(), until = last + 1500; last < until;) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      worst = Math.max(worst, performance.now() - last);
      last = performance.now();
    }
    return worst;
  });
  assert.ok(slowest < 1000, `a frame of ${slowest} ms`);
  await end(page).waitFor({ timeout: 30_000 });
  await row(page, 'the very last').waitFor();
  await page.locator('.console').getByText(/ skipped/).first().waitFor();
});

/* ---- the editor ---- */

browserTest('Tab leaves the editor, and the keyboard does the rest', async ({ page }) => {
  await write(page, 'if True:\nprint(1)');
  await page.keyboard.press('Control+]');
  await showsCode(page, 'if True:\n    print(1)');
  await page.keyboard.press('Control+[');
  await page.keyboard.press('Control+/');
  await showsCode(page, 'if True:\n# print(1)');
  await page.keyboard.press('Control+z');
  await showsCode(page, 'if True:\nprint(1)');
  await page.keyboard.press('Control+f');
  await page.locator('.cm-search').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  assert.notEqual(await page.evaluate(() => document.activeElement.className), 'editor');
  await page.keyboard.press('Shift+Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'editor');
});

browserTest('completes words, closes brackets', async ({ page }) => {
  await write(page, '');
  await page.keyboard.type('import subproc', { delay: 20 });
  await page.locator('.cm-tooltip-autocomplete').getByText('subprocess').waitFor();
  /* A list does not take what is typed in its first 75 ms for an answer. */
  await page.waitForTimeout(150);
  await page.keyboard.press('Enter');
  await showsCode(page, 'import subprocess');
  await write(page, '');
  await page.keyboard.type('print(');
  await showsCode(page, 'print()');
});

/* ---- tabs ---- */

browserTest('tabs are opened, renamed, gone through and closed by the keyboard', async ({ page }) => {
  await connected(page);
  await write(page, '# the first\n');
  await button(page, 'New program').click();
  await page.getByRole('textbox', { name: 'Name of the program' }).fill('second.py');
  await write(page, '# the second\n');
  await page.getByRole('tab', { name: /^second.py/ }).focus();
  await page.keyboard.press('ArrowLeft');
  await showsCode(page, /# the first/);
  /* What was undone elsewhere is undone here only. */
  await editor(page).focus();
  await page.keyboard.press('Control+z');
  await showsCode(page, /Hello/);
  await page.getByRole('tab', { name: /^hello.py/ }).focus();
  await page.keyboard.press('ArrowRight');
  await showsCode(page, /# the second/);
  await page.keyboard.press('Delete');
  await until(() => page.locator('.code-tabs').getByRole('tab').count(), (count) => count === 1, 'closed');
  await page.locator('.code-tabs').getByRole('tab').locator('.close').click();
  await showsCode(page, '');
});

browserTest('asks before it closes what runs; two run at once', async ({ page }) => {
  await run(page, 'import time\nprint("one", flush=True)\ntime.sleep(600)\n');
  await row(page, 'one').waitFor();
  await button(page, 'New program').click();
  await run(page, 'import time\nprint("two", flush=True)\ntime.sleep(600)\n');
  await row(page, 'two').waitFor();
  assert.equal(await page.getByRole('tab', { name: / Running$/ }).count(), 2);
  await page.getByRole('tab', { name: /^program.py/ }).focus();
  await page.keyboard.press('Delete');
  const dialog = page.getByRole('dialog', { name: 'program.py is still running' });
  await dialog.getByRole('button', { name: 'Keep it' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.keyboard.press('Delete');
  await dialog.getByRole('button', { name: 'Stop and close' }).click();
  await until(() => page.getByRole('tab', { name: / Running$/ }).count(), (count) => count === 1, 'one is left');
  await row(page, 'one').waitFor();
});

browserTest('code, arguments and what runs are found again after a reload', async ({ page }) => {
  await connected(page);
  await page.getByRole('textbox', { name: 'Arguments of the program' }).fill('a "b c"');
  await run(page, 'import sys, time\nprint(sys.argv[1:], flush=True)\ntime.sleep(600)\n');
  await row(page, "['a', 'b c']").waitFor();
  await button(page, 'New program').click();
  await write(page, '# not lost\n');
  await page.reload();
  await connected(page);
  await showsCode(page, /# not lost/);
  await page.getByRole('tab', { name: 'hello.py, Running' }).click();
  await row(page, "['a', 'b c']").waitFor();
  assert.equal(await page.getByRole('textbox', { name: 'Arguments of the program' }).inputValue(), "a 'b c'");
  await button(page, 'Stop').click();
  await end(page).getByText('Ended by SIGTERM').waitFor();
});

browserTest('says when the browser keeps no more', async ({ page }) => {
  await write(page, '# some code\n');
  await page.evaluate(() => {
    for (let size = 1 << 22; size > 0; size >>= 1) {
      try {
        sessionStorage.setItem(`filler-${size}`, 'x'.repeat(size));
      } catch { /* A smaller piece will do. */ }
    }
  });
  await write(page, '# more code than before\n'.repeat(10));
  await page.getByText('The browser keeps no more for this tab').waitFor();
});

/* ---- templates, and programs of the command line ---- */

browserTest('a template opens with the policies it recommends, and those only', async ({ page }) => {
  await connected(page);
  await button(page, 'Templates').click();
  const dialog = page.getByRole('dialog', { name: 'Templates' });
  await dialog.getByRole('listitem').nth(19).waitFor(); /* the list is fetched when it is first asked for */
  await dialog.getByRole('button', { name: /fs_deny_etc_hostname/ }).click();
  await page.getByText(/turned on audit, allow-etc, deny-etc-hostname$/).waitFor();
  await page.getByRole('tab', { name: /^fs_deny_etc_hostname.py/ }).waitFor();
  await page.keyboard.press('Escape');
  await button(page, 'Run').click();
  await end(page).waitFor();

  await button(page, 'Templates').click();
  await page.getByRole('dialog', { name: 'Templates' }).getByRole('button', { name: /hello_world/ }).click();
  await page.getByText(/no policy is on$/).waitFor();
  await button(page, 'Run').click();
  await page.getByRole('tab', { name: 'hello_world.py, Exit 0' }).waitFor();
});

const START = ['run', '--debug-ui=0', '--allow-env=HOME', join(source, 'data/examples/templates/hello_world.py'), 'one', 'two words'];

browserTest('run --debug-ui opens its program with its flags, and runs it once', { server: { args: START } }, async ({ page, server }) => {
  await page.getByRole('tab', { name: 'hello_world.py, Exit 0' }).waitFor();
  const output = await page.locator('.console-row').allTextContents();
  assert.ok(output.length > 0);
  assert.equal(await page.getByRole('textbox', { name: 'Arguments of the program' }).inputValue(), "one 'two words'");
  await page.locator('.area-policies').getByText('--allow-env=HOME').first().waitFor();

  await page.reload();
  await page.getByRole('tab', { name: 'hello_world.py, Exit 0' }).waitFor();
  assert.equal(await page.locator('.code-tabs').getByRole('tab').count(), 2);
  /* Another page sees what it did, and does not run it again. */
  const other = await openPage(server.url);
  await other.page.getByRole('tab', { name: 'hello_world.py, Exit 0' }).waitFor();
  await until(() => other.page.locator('.console-row').allTextContents(), (rows) => rows.length === output.length, 'its output');
  await other.context.close();
  await page.getByRole('button', { name: 'History', exact: true }).click();
  assert.equal(await page.getByRole('dialog', { name: 'History' }).locator('tbody tr').count(), 1);
});
