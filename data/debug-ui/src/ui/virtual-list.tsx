// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rows of one height, of which only those in view exist: 100,000 cost what 60 do.
 *
 * follow: the end stays in view while rows come; scrolling up ends it, reaching the end begins it again.
 */
import type { ComponentChildren, HTMLAttributes } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

interface Props {
  count: number;
  rowHeight: number;
  /* One element of this height; it has its key: what its row is about, or `slot`, a number that a row
   * which came into view has from one that left it, so that its elements are used again. */
  row(index: number, slot: number): ComponentChildren;
  follow: boolean;
  onFollow(follow: boolean): void;
  /* Rows that went at the front since the list was made: what is in view stays in view. */
  dropped?: number;
  /* A row that is brought into view when it changes. */
  active?: number | null;
  /* Stays at the top; of this height. */
  head?: ComponentChildren;
  headHeight?: number;
  label: string;
  role?: 'log' | 'rowgroup' | 'list' | 'grid' | 'treegrid' | 'listbox';
  class?: string;
  /* Further attributes of the list itself. */
  attributes?: HTMLAttributes<HTMLDivElement>;
}

const EXTRA = 12; /* rows beyond each edge */
const NEAR = 4;   /* pixels that still count as the end */

export function VirtualList(props: Props) {
  const { count, rowHeight, row, follow, onFollow, dropped = 0, active = null, head, headHeight = 0, label, role } = props;
  const own = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState(400);
  const [, setTop] = useState(0);
  const before = useRef(dropped);
  const scrolled = useRef(0);
  const ended = useRef(0); /* where the end was when it was last brought into view */

  useEffect(() => {
    const watch = new ResizeObserver(() => setHeight((old) => own.current?.clientHeight ?? old));
    watch.observe(own.current!);
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(() => {
    const gone = dropped - before.current;
    before.current = dropped;
    if (follow) {
      own.current!.scrollTop = own.current!.scrollHeight;
      ended.current = scrolled.current = own.current!.scrollTop;
    } else if (gone > 0)
      own.current!.scrollTop -= gone * rowHeight;
  }, [count, dropped, follow, height]);
  useLayoutEffect(() => {
    const list = own.current!;
    if (active === null || active >= count)
      return;
    const top = active * rowHeight;
    if (top < list.scrollTop)
      list.scrollTop = top;
    else if (top + rowHeight + headHeight > list.scrollTop + list.clientHeight)
      list.scrollTop = top + rowHeight + headHeight - list.clientHeight;
  }, [active]);

  const onScroll = () => {
    const list = own.current;
    if (list === null)
      return; /* an event that waited while the list went */
    scrolled.current = list.scrollTop;
    /* A list that became lower, or longer, is not one that was scrolled. */
    const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - NEAR || (follow && list.scrollTop >= ended.current);
    /* What follows has drawn its end before it scrolled there. */
    if (!follow || !atEnd)
      setTop(list.scrollTop);
    if (atEnd !== follow)
      onFollow(atEnd);
  };
  /* A list that became shorter is looked at beyond its end until the browser has scrolled it back. */
  const end = Math.max(0, count * rowHeight + headHeight - height);
  const top = follow ? end : Math.min(scrolled.current, end);
  const first = Math.max(0, Math.floor(top / rowHeight) - EXTRA);
  const last = Math.min(count, Math.ceil((top + height) / rowHeight) + EXTRA);
  const slots = Math.ceil(height / rowHeight) + 2 * EXTRA + 2;
  const rows = [];
  for (let i = first; i < last; i++)
    rows.push(row(i, i % slots));

  return (
    <div ref={own} class={`virtual-list ${props.class ?? ''}`} onScroll={onScroll} tabIndex={0} role={role} aria-label={label} {...props.attributes}>
      {head !== undefined && <div class="virtual-head">{head}</div>}
      <div class="virtual-all" style={{ height: `${count * rowHeight}px`, paddingTop: `${first * rowHeight}px` }}>{rows}</div>
    </div>
  );
}
