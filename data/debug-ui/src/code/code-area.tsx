// SPDX-License-Identifier: LGPL-2.1-or-later
/* Tabs, the editor and the console. */
export function CodeArea() {
  return null;
}
