// SPDX-License-Identifier: LGPL-2.1-or-later
/* The bar between two areas: by pointer, or by arrows when it has the focus. */
import { useRef } from 'preact/hooks';

interface Props {
  label: string;
  direction: 'rows' | 'columns';
  percent: number; /* what the first area has of its parent */
  onChange(percent: number): void;
}

const LEAST = 10;
const MOST = 90;

/* What the percentage is of: some elements are there for their meaning only, and have no box. */
function boxAround(element: HTMLElement): DOMRect {
  let parent = element.parentElement!;
  while (getComputedStyle(parent).display === 'contents')
    parent = parent.parentElement!;
  return parent.getBoundingClientRect();
}

export function Splitter({ label, direction, percent, onChange }: Props) {
  const own = useRef<HTMLDivElement>(null);
  const rows = direction === 'rows';
  const set = (value: number) => onChange(Math.min(MOST, Math.max(LEAST, value)));
  const onMove = (event: PointerEvent) => {
    if (!own.current!.hasPointerCapture(event.pointerId))
      return;
    const box = boxAround(own.current!);
    set(rows ? ((event.clientY - box.top) / box.height) * 100 : ((event.clientX - box.left) / box.width) * 100);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowUp: -4, ArrowLeft: -4, ArrowDown: 4, ArrowRight: 4 }[event.key];
    if (step === undefined)
      return;
    event.preventDefault();
    set(percent + step);
  };

  return (
    <div ref={own} class={`splitter ${direction}`} role="separator" aria-label={label} tabIndex={0}
      aria-orientation={rows ? 'horizontal' : 'vertical'} aria-valuemin={LEAST} aria-valuemax={MOST} aria-valuenow={Math.round(percent)}
      onPointerDown={(event) => own.current!.setPointerCapture(event.pointerId)} onPointerMove={onMove} onKeyDown={onKeyDown} />
  );
}
