// SPDX-License-Identifier: LGPL-2.1-or-later
/* What workers do. */
export function WatchArea() {
  return null;
}
