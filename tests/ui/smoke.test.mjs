// SPDX-License-Identifier: LGPL-2.1-or-later
import { assert, browserTest, openPage } from './harness.mjs';

browserTest('connects, and takes the token out of the address', async ({ page }) => {
  await page.getByText('Connected', { exact: true }).waitFor();
  assert.equal(new URL(page.url()).hash, '');
  assert.deepEqual(await page.context().cookies(), []);
});

browserTest('survives a reload', async ({ page }) => {
  await page.getByText('Connected', { exact: true }).waitFor();
  await page.reload();
  await page.getByText('Connected', { exact: true }).waitFor();
});

browserTest('says what is missing without the token', async ({ server }) => {
  const { page, context } = await openPage(server.origin);
  await page.getByRole('heading', { name: 'This page has no key' }).waitFor();
  await context.close();
});
