// SPDX-License-Identifier: LGPL-2.1-or-later
/* Run, stop and restart, for the tab that is shown. */
export function HeadActions() {
  return null;
}
