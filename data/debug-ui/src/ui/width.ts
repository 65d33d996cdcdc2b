// SPDX-License-Identifier: LGPL-2.1-or-later
/* How wide an element is, kept up. */
import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

export function useWidth(of: RefObject<HTMLElement | null>, before: number): number {
  const [width, setWidth] = useState(before);
  useEffect(() => {
    const watch = new ResizeObserver(() => setWidth((old) => of.current?.clientWidth ?? old));
    if (of.current !== null)
      watch.observe(of.current);
    return () => watch.disconnect();
  }, []);
  return width;
}
