// SPDX-License-Identifier: LGPL-2.1-or-later
/* Tabs as WAI-ARIA describes them: one stop for Tab, arrows, Home and End go on, selection follows. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export interface TabItem {
  id: string;
  label: ComponentChildren;
  name?: string; /* where the label is more than words */
}

interface Props {
  label: string;
  items: TabItem[];
  selected: string;
  panel: string; /* the panel's id in the document */
  onSelect(id: string): void;
}

export function tabId(panel: string, id: string): string {
  return `${panel}-tab-${id}`;
}

export function TabList({ label, items, selected, panel, onSelect }: Props) {
  const own = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const at = items.findIndex((item) => item.id === selected);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined)
      return;
    event.preventDefault();
    const index = (to + items.length) % items.length;
    onSelect(items[index].id);
    (own.current?.querySelectorAll('[role="tab"]')[index] as HTMLElement | undefined)?.focus();
  };

  useEffect(() => {
    own.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [selected, items.length]);
  return (
    <div class="tab-list" role="tablist" aria-label={label} ref={own} onKeyDown={onKeyDown}>
      {items.map((item) => (
        <button key={item.id} type="button" role="tab" id={tabId(panel, item.id)} class="plain" aria-selected={item.id === selected}
          aria-controls={panel} aria-label={item.name} tabIndex={item.id === selected ? 0 : -1} onClick={() => onSelect(item.id)}>
          {item.label}
        </button>
      ))}
    </div>
  );
}
