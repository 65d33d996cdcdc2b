// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The rows of the table: events, or groups with the events of open ones; and the one under the cursor.
 *
 * The cursor is on an event or a group, not on a number of a row: rows come and go under it.
 */
import { useEffect, useMemo, useState } from 'preact/hooks';

import { Groups, type Row } from './groups';
import { follow, grouping, oncePerFrame, view } from './watch-state';

/* Longer than groups wait to be put in order. */
const QUIET = 600;
const NOTHING: Row = { group: null, event: null };

export interface Rows {
  groups: Groups | null;
  length: number;
  cursor: Row;
  at: number; /* the cursor's row; -1: none */
  row(index: number): Row;
  select(row: Row): void;
  moveTo(index: number): void;
  setOpen(row: Row, open: boolean): void;
}

/* Groups that came faster than they are put in order are, once it is quiet. */
function useGroups(): { groups: Groups | null; redrawSoon(): void } {
  const [, redraw] = useState(0);
  const groups = useMemo(() => (grouping.value === 'none' ? null : new Groups(view, grouping.value)), [grouping.value]);
  const redrawSoon = useMemo(() => oncePerFrame(() => redraw((count) => count + 1)), []);
  groups?.update(performance.now());
  useEffect(() => {
    if (groups === null)
      return undefined;
    const timer = setTimeout(redrawSoon, QUIET);
    return () => clearTimeout(timer);
  }, [view.version.value, groups]);
  return { groups, redrawSoon };
}

export function useEventRows(): Rows {
  const [cursor, select] = useState<Row>(NOTHING);
  void view.version.value;
  const { groups, redrawSoon } = useGroups();
  const length = groups === null ? view.length : groups.length;
  const row = (index: number): Row => (groups === null ? { group: null, event: view.at(index) ?? null } : groups.at(index));
  const at = groups !== null ? groups.indexOf(cursor) : cursor.event === null ? -1 : view.indexOf(cursor.event);
  return {
    groups, length, cursor, at, row, select,
    moveTo(index) {
      if (length === 0)
        return;
      const to = Math.min(length - 1, Math.max(0, index));
      if (to < length - 1)
        follow.value = false;
      select(row(to));
    },
    setOpen({ group }, open) {
      if (groups === null || group === null)
        return;
      groups.setOpen(group, open);
      redrawSoon();
    },
  };
}
