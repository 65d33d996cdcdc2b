// SPDX-License-Identifier: LGPL-2.1-or-later
/* A modal dialog: the browser's own keeps the focus inside, closes by Escape and gives it back. */
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';

interface Props {
  title: string;
  onClose(): void;
  onSubmit?(): void;
  children: ComponentChildren;
  actions: ComponentChildren;
  wide?: boolean;
}

/* Also where it is in an editor. */
function focused(): HTMLElement | null {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement)
    element = element.shadowRoot.activeElement;
  return element as HTMLElement | null;
}

export function Dialog({ title, onClose, onSubmit, children, actions, wide }: Props) {
  const own = useRef<HTMLDialogElement>(null);
  const id = useId();
  const latest = useRef(onClose);
  latest.current = onClose;

  useLayoutEffect(() => {
    const before = focused();
    const dialog = own.current!;
    dialog.showModal();
    return () => {
      /* One that goes away unclosed does not give the focus back. */
      latest.current = () => {};
      dialog.close();
      setTimeout(() => {
        if (document.activeElement === document.body)
          before?.focus();
      });
    };
  }, []);
  return (
    <dialog ref={own} class={wide ? 'wide' : ''} aria-labelledby={id} onClose={() => latest.current()}>
      <form onSubmit={(event) => { event.preventDefault(); onSubmit?.(); }}>
        <h2 id={id}>{title}</h2>
        {children}
        <div class="actions">{actions}</div>
      </form>
    </dialog>
  );
}
