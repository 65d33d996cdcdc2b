// SPDX-License-Identifier: LGPL-2.1-or-later
/* The page speaks the user's language, from the same catalogue as buntime itself. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { assert, browserTest } from './harness.mjs';
import { runCode, waitForOutput } from './steps.mjs';

const BUILD = process.env.BUNTIME_TEST_BUILD;
const MESSAGES = readFileSync(join(BUILD, 'data/debug-ui/messages.txt'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));

/* The folder of one catalogue, of what `msgfmt` takes. */
function catalogueOf(file, language) {
  const folder = mkdtempSync(join(tmpdir(), 'buntime-language-'));
  mkdirSync(join(folder, language, 'LC_MESSAGES'), { recursive: true });
  execFileSync('msgfmt', ['-o', join(folder, language, 'LC_MESSAGES/buntime.mo'), file]);
  return folder;
}

/* A server in German: catalogues and a locale, which a small system may lack, where only it sees them. */
function german(catalogues) {
  const folder = mkdtempSync(join(tmpdir(), 'buntime-language-'));
  for (const name of ['de_DE.UTF-8', 'de_DE'])
    cpSync('/usr/lib/locale/C.utf8', join(folder, 'locale', name), { recursive: true });
  const options = Object.fromEntries(JSON.parse(readFileSync(join(BUILD, 'meson-info/intro-buildoptions.json'), 'utf8'))
    .map(({ name, value }) => [name, value]));
  const installed = join(options.prefix, options.localedir);
  let place = installed;
  while (!existsSync(place))
    place = dirname(place);
  const script = `mount -t tmpfs catalogue ${place} && mkdir -p ${installed} && cp -r ${catalogues}/. ${installed} && exec "$@"`;
  return {
    wrap: ['unshare', '--user', '--map-current-user', '--keep-caps', '--mount', 'sh', '-c', script, 'sh'],
    args: ['ui', '--port=0'],
    env: { LC_ALL: 'de_DE.UTF-8', LANG: 'de_DE.UTF-8', LOCPATH: join(folder, 'locale') },
  };
}

/* One that has each of the page's texts in brackets. */
function marked() {
  const folder = mkdtempSync(join(tmpdir(), 'buntime-language-'));
  const entries = MESSAGES.map((text) => `msgid ${JSON.stringify(text)}\nmsgstr ${JSON.stringify(`⟦${text}⟧`)}\n`);
  writeFileSync(join(folder, 'de.po'), ['msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n', ...entries].join('\n'));
  return catalogueOf(join(folder, 'de.po'), 'de');
}

/* What po/de.po has for texts, as gettext's own tools read it. */
function germanOf(texts) {
  const json = execFileSync('python3', ['-c', 'import gettext, json, sys\nsay = gettext.translation("buntime", sys.argv[1], ["de"]).gettext\nprint(json.dumps([say(text) for text in json.load(sys.stdin)]))', join(BUILD, 'po')],
    { input: JSON.stringify(texts), encoding: 'utf8' });
  return new Map(JSON.parse(json).map((translated, place) => [texts[place], translated]));
}

/* A label or a sentence of English; keys, verdicts and names of policies are words that begin small. */
const PROSE = /^[A-Z][a-z]+|[a-z]{2,} [a-z]{2,}/;
/* What is a name in every language: of languages and of policies, and the rules that buntime has itself. */
const NAMES = /^(Python|Bun|[A-Z]\w+Policy|built-in .*)$/;

/* What the preset says of itself whose card textsOfAll() opens. */
const OPENED = [
  'Grants reading of the current directory and writing to its folder output, if there is one.',
  'Stops reading of anything else of yours, writing anywhere else, network and programs.',
  'Does not stop the reading of secrets that lie in the current directory.',
];

const PROGRAM = `
try:
    open('/etc/refused', 'w')
except OSError:
    print('done')
`;

/* Each text that the page shows, and each label; names are where letters are of one width. */
function textsOf(page) {
  return page.evaluate(() => {
    const found = new Set();
    const take = (text) => { if (text.trim() !== '') found.add(text.trim()); };
    const walk = (element) => {
      if (/^(script|style|noscript)$/i.test(element.tagName))
        return;
      const name = element.closest('.mono, code, kbd, pre, .cm-editor, .badge') !== null;
      for (const label of ['aria-label', 'title', 'placeholder'])
        if (element.hasAttribute(label) && !(name && label === 'placeholder'))
          take(element.getAttribute(label));
      for (const node of element.childNodes) {
        if (node.nodeType === Node.TEXT_NODE && !name)
          take(node.textContent);
        else if (node.nodeType === Node.ELEMENT_NODE)
          walk(node);
      }
    };
    walk(document.body);
    return [...found];
  });
}

/* What all areas and the larger dialogs show, with a run behind them; say: the page's word for a text. */
async function textsOfAll(page, say) {
  const texts = new Set();
  const see = async () => (await textsOf(page)).forEach((text) => texts.add(text));
  const dialog = async (button) => {
    await button.click();
    await page.getByRole('dialog').waitFor();
    /* The templates are fetched. */
    await page.getByRole('dialog').getByText(say('Loading'), { exact: true }).waitFor({ state: 'detached' });
    await see();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  };
  const button = (text) => page.getByRole('button', { name: say(text), exact: true }).first();
  await page.getByText(say('Connected'), { exact: true }).waitFor();
  await runCode(page, PROGRAM);
  await waitForOutput(page, 'done');
  await page.locator('.exit-line').waitFor();
  await page.locator('.card-title').first().click();
  await see();
  for (const text of ['Templates', 'History', 'New…'])
    await dialog(button(text));
  await page.locator('.area-watch').getByRole('tab').first().click();
  await dialog(page.locator('.area-watch').getByRole('button', { name: say('Permit…'), exact: true }).first());
  /* A tab may bring others. */
  for (let place = 0; place < await page.getByRole('tab').count(); place++) {
    await page.getByRole('tab').nth(place).click();
    await see();
  }
  return [...texts];
}

browserTest('a German page for a German user', { server: german(join(BUILD, 'po')) }, async ({ page }) => {
  const catalogue = germanOf(MESSAGES);
  await page.getByText('Verbunden', { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'de-DE');
  const texts = await textsOfAll(page, (text) => catalogue.get(text));
  /* What a rule says is chosen by the words of a policy's file. */
  const english = MESSAGES.filter((text) => catalogue.get(text) !== text && texts.includes(text) && !/^(allow|warn|deny)$/.test(text));
  assert.deepEqual(english, []);
  assert.ok(texts.includes(catalogue.get('Hello, world')) && texts.includes(catalogue.get('Grants the internet.')), texts.join('\n'));
  const opened = OPENED.map((sentence) => catalogue.get(sentence));
  assert.ok(texts.includes(opened.join(' ')) && opened.every((sentence, place) => sentence !== OPENED[place]), texts.join('\n'));
});

/* What a field of search asks for is whole, also on a narrow screen: how wide it is, and what it has room for. */
browserTest('a word for search has room in every language', { server: german(marked()), page: { viewport: { width: 360, height: 740 } } }, async ({ page }) => {
  const field = page.getByPlaceholder('⟦Search⟧');
  await field.waitFor();
  const { room, wide } = await field.evaluate((input) => {
    const style = getComputedStyle(input);
    const context = document.createElement('canvas').getContext('2d');
    context.font = style.font;
    return { wide: context.measureText(input.placeholder).width, room: input.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) };
  });
  /* Behind it there is a button that empties the field. */
  assert.ok(wide + 14 < room, `${wide} px of ${room}`);
});

/* With a catalogue that marks each text, what is not marked could never be translated. */
browserTest('nothing is shown that no catalogue has', { server: german(marked()) }, async ({ page }) => {
  const texts = await textsOfAll(page, (text) => `⟦${text}⟧`);
  const rest = texts.map((text) => text.replace(/⟦[^]*(⟧|$)/g, ' ')).filter((text) => PROSE.test(text) && !NAMES.test(text));
  assert.deepEqual(rest, []);
  assert.ok(texts.length > 100, String(texts.length));
});
