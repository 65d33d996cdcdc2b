// SPDX-License-Identifier: LGPL-2.1-or-later
/* A modal dialog: the browser's own keeps the focus inside, closes by Escape and gives it back. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

interface Props {
  title: string;
  onClose(): void;
  onSubmit?(): void;
  children: ComponentChildren;
  actions: ComponentChildren;
  wide?: boolean;
}

export function Dialog({ title, onClose, onSubmit, children, actions, wide }: Props) {
  const own = useRef<HTMLDialogElement>(null);
  const id = useId();

  useEffect(() => own.current?.showModal(), []);
  return (
    <dialog ref={own} class={wide ? 'wide' : ''} aria-labelledby={id} onClose={onClose}>
      <form onSubmit={(event) => { event.preventDefault(); onSubmit?.(); }}>
        <h2 id={id}>{title}</h2>
        {children}
        <div class="actions">{actions}</div>
      </form>
    </dialog>
  );
}
