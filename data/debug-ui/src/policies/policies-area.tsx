// SPDX-License-Identifier: LGPL-2.1-or-later
/* Cards, flags, what they come to, and why. */
export function PoliciesArea() {
  return null;
}
