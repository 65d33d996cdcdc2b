// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Lines of the last two minutes. The newest is at the right; nothing moves but what new samples move.
 * Who cannot see it reads `label` and what the newest and the highest are.
 */
import { useRef, useState } from 'preact/hooks';

import { _, clock, format } from '../i18n';
import { useWidth } from '../ui/width';

export const SPAN = 120_000;

export interface Series {
  name: string;
  class: 'one' | 'two';
  values: number[];
}

interface Props {
  label: string;
  times: number[]; /* ms, ascending */
  series: Series[];
  unit(value: number): string;
  most?: number; /* the top of the scale; without: as high as it takes */
}

const HEIGHT = 84;
const TOP = 6;

/* The next of 1, 2, 5, 10, 20 ... */
export function niceAbove(value: number): number {
  if (value <= 0)
    return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

/* How fast a counter grew, from sample to sample: a second's worth. */
export function rates(times: number[], counter: number[]): number[] {
  return counter.map((value, index) => {
    const passed = index === 0 ? 0 : times[index] - times[index - 1];
    return passed > 0 ? Math.max(0, ((value - counter[index - 1]) * 1000) / passed) : 0;
  });
}

function path(times: number[], values: number[], end: number, top: number, width: number): string {
  let text = '';
  for (let i = 0; i < values.length; i++) {
    const x = width - ((end - times[i]) / SPAN) * width;
    if (x < -10)
      continue;
    const y = HEIGHT - Math.min(1, values[i] / top) * (HEIGHT - TOP);
    text += `${text === '' ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
  }
  return text;
}

export function Chart({ label, times, series, unit, most }: Props) {
  const own = useRef<HTMLDivElement>(null);
  const width = useWidth(own, 400);
  const [at, setAt] = useState<number | null>(null);

  const end = times.at(-1) ?? 0;
  const highest = Math.max(0, ...series.map((one) => Math.max(0, ...one.values)));
  const top = most ?? niceAbove(highest);
  const nearest = (event: PointerEvent) => {
    const box = own.current!.getBoundingClientRect();
    const time = end - SPAN * (1 - (event.clientX - box.left) / box.width);
    let best = 0;
    for (let i = 1; i < times.length; i++)
      if (Math.abs(times[i] - time) < Math.abs(times[best] - time))
        best = i;
    setAt(times.length > 0 ? best : null);
  };
  const shown = at !== null && at < times.length ? at : null;
  const words = series.map((one) => format(_('%1 now %2, at most %3'), one.name, unit(one.values.at(-1) ?? 0), unit(Math.max(0, ...one.values)))).join('; ');

  return (
    <figure class="chart">
      <figcaption>
        <span>{label}</span>
        <span class="quiet mono">
          {shown === null ? series.map((one) => unit(one.values.at(-1) ?? 0)).join(' · ')
            : `${clock(times[shown])}  ${series.map((one) => unit(one.values[shown])).join(' · ')}`}
        </span>
      </figcaption>
      <div ref={own} class="plot" onPointerMove={nearest} onPointerLeave={() => setAt(null)}>
        <svg width={width} height={HEIGHT} role="img" aria-label={`${label}: ${words}`}>
          <line class="grid" x1="0" x2={width} y1={TOP} y2={TOP} />
          <line class="grid" x1="0" x2={width} y1={(HEIGHT + TOP) / 2} y2={(HEIGHT + TOP) / 2} />
          <line class="base" x1="0" x2={width} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
          {series.map((one) => {
            const line = path(times, one.values, end, top, width);
            const first = /^M([-\d.]+)/.exec(line)?.[1];
            return (
              <g key={one.name} class={one.class}>
                {first !== undefined && <path class="area" d={`${line}L${width} ${HEIGHT}L${first} ${HEIGHT}Z`} />}
                <path class="line" d={line} />
              </g>
            );
          })}
          {shown !== null && <line class="cross" x1={width - ((end - times[shown]) / SPAN) * width} x2={width - ((end - times[shown]) / SPAN) * width} y1={TOP} y2={HEIGHT} />}
        </svg>
        <span class="top quiet" aria-hidden="true">{unit(top)}</span>
      </div>
      <div class="ends quiet" aria-hidden="true"><span>{_('2 min before')}</span><span>{_('latest')}</span></div>
    </figure>
  );
}

/* A line as small as a word: its form, not its height. */
export function Spark({ values }: { values: number[] }) {
  const most = Math.max(1, ...values) * 1.2;
  const step = 80 / Math.max(1, values.length - 1);
  const line = values.map((value, index) => `${index === 0 ? 'M' : 'L'}${(index * step).toFixed(1)} ${(17 - Math.min(1, value / most) * 15).toFixed(1)}`).join('');
  return <svg class="spark" width="80" height="18" aria-hidden="true"><path class="line" d={line} /></svg>;
}
