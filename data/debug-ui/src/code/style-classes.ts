// SPDX-License-Identifier: LGPL-2.1-or-later
import { background, BOLD, DIM, foreground, INVERSE, ITALIC, STRIKE, UNDERLINE } from '../state/ansi';

const FLAGS: [flag: number, name: string][] = [[BOLD, 'bold'], [DIM, 'dim'], [ITALIC, 'italic'], [UNDERLINE, 'underline'], [STRIKE, 'strike']];

/* The class names of a style (console.css): of a fixed set, whatever a worker prints. */
export function classesOf(style: number): string {
  let front = foreground(style);
  let ground = background(style);
  const names: string[] = [];
  if (style & INVERSE) {
    if (front === 0 && ground === 0)
      names.push('inverse');
    [front, ground] = [ground, front];
  }
  if (front > 0)
    names.push(`f${front}`);
  if (ground > 0)
    names.push(`g${ground}`);
  for (const [flag, name] of FLAGS) {
    if (style & flag)
      names.push(name);
  }
  return names.join(' ');
}
