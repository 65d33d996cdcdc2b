// SPDX-License-Identifier: LGPL-2.1-or-later
/* How much the policies grant, in one word. */
export function PolicyBadge() {
  return null;
}
