// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a person does, for tests whose subject it is not. */

export async function connected(page) {
  await page.getByText('Connected', { exact: true }).waitFor();
}

/* Puts a program into the editor and runs it by Ctrl+Enter. */
export async function runCode(page, code) {
  const editor = page.locator('.area-code .cm-content').first();
  await editor.click();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete'); /* over coloured text Chromium's own replacing makes inline styles */
  await page.keyboard.insertText(code);
  await page.keyboard.press('Control+Enter');
}

/* What the console shows, once it shows this. */
export async function waitForOutput(page, text, options) {
  await page.locator('.area-code .console-list').getByText(text).first().waitFor(options);
}

/* A tab of the watching area, by its name. */
export async function watchTab(page, name) {
  await page.locator('.area-watch').getByRole('tab', { name }).first().click();
}
