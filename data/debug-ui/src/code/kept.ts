// SPDX-License-Identifier: LGPL-2.1-or-later
/* Where the undo history, the selection and the view of an editor are while it is not shown. */
export interface Kept {
  state: { doc: string };
  top: number;
}

export const kept = new Map<string, Kept>();

export function dropKept(name: string): void {
  kept.delete(name);
}
