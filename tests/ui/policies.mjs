// SPDX-License-Identifier: LGPL-2.1-or-later
/* The policies' area as a person finds things in it. */

export const SIX = ['FSAllowlistPolicy', 'NetEgressPolicy', 'ExecPolicy', 'AntiEscapePolicy', 'AuditPolicy', 'LambdaBackendPolicy'];

export const card = (page, title) => page.getByRole('article', { name: title, exact: true });
export const toggle = (page, title) => page.getByRole('switch', { name: title, exact: true });
export const turn = (page, title) => toggle(page, title).click();
export const open = (page, title) => card(page, title).getByRole('button', { name: title }).first().click();
export const view = (page, name) => page.getByRole('tab', { name, exact: true }).click();
export const summary = (page) => page.getByRole('region', { name: 'What the policies grant' });
export const level = (page, word) => summary(page).getByText(word, { exact: true }).waitFor();
export const mistakes = (page, title) => card(page, title).getByRole('list', { name: 'Mistakes' });
export const connected = (page) => page.getByText('Connected', { exact: true }).waitFor();

const editor = (page, title) => page.getByRole('textbox', { name: `Text of ${title}` });

/* What a card's text is, as far as its editor shows it. */
export async function text(page, title) {
  await editor(page, title).locator('.cm-line', { hasText: /\S/ }).first().waitFor();
  return (await editor(page, title).locator('.cm-line').allTextContents()).join('\n');
}

/* Replaces what an editor holds, by keys: over coloured text Chromium's own replacing makes inline styles. */
export async function replace(page, box, to) {
  await box.click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(to);
}

export async function type(page, title, to) {
  await card(page, title).getByRole('tab', { name: 'Text' }).click();
  await replace(page, editor(page, title), to);
}

export async function create(page, name, from = '') {
  await page.getByRole('button', { name: 'New…' }).click();
  const dialog = page.getByRole('dialog', { name: 'New policy' });
  await dialog.getByRole('textbox', { name: 'Name' }).fill(name);
  await dialog.getByRole('combobox', { name: 'Starts as' }).selectOption(from);
  await dialog.getByRole('button', { name: 'Create' }).click();
  await card(page, name).waitFor();
}

export async function addFlag(page, flag) {
  await connected(page);
  await page.getByLabel('Add a flag').fill(flag);
  await page.keyboard.press('Enter');
}

/* The verdict on a request. */
export async function askWhy(page, permission, value) {
  await view(page, 'Why?');
  await page.getByRole('combobox', { name: 'Permission' }).selectOption(permission);
  await page.getByRole('textbox', { name: 'Request' }).fill(value);
}
