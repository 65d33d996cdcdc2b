// SPDX-License-Identifier: LGPL-2.1-or-later
/* Two runs: what differs in what they were, what they were granted, what they did and said. */
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';

import { _, clock, duration, format, number } from '../i18n';
import type { PolicyPart, PolicySet } from '../protocol';
import { presetOf } from '../state/policies';
import { diffLines, hunks, type DiffLine } from './diff';
import type { RunRecord } from './history';
import { resultOf } from './outcome';
import { joinWords } from './words';

const AROUND = 3;
const MOST_ROWS = 2000;

function policyText(part: PolicyPart): string {
  return 'preset' in part ? `# ${part.preset}\n${presetOf(part.preset)?.text ?? ''}` : `# ${part.name}\n${part.text}`;
}

/* All that was granted, as one text. */
function grantsOf(set: PolicySet): string {
  return [...set.flags, ...set.policies.map(policyText)].join('\n').trimEnd();
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function Line({ line }: { line: DiffLine }) {
  if (line.kind === 'same')
    return <div class="diff-line">{line.text || ' '}</div>;
  return line.kind === 'gone' ? <del class="diff-line">{line.text || ' '}</del> : <ins class="diff-line">{line.text || ' '}</ins>;
}

function Diff({ title, older, newer, note }: { title: string; older: string; newer: string; note?: string }) {
  const rows = useMemo(() => (older === newer ? [] : hunks(diffLines(linesOf(older), linesOf(newer)), AROUND)), [older, newer]);
  return (
    <Section title={title} differs={older !== newer}>
      {rows.length > 0 && (
        <div class="diff" role="group" aria-label={title} tabIndex={0}>
          {rows.slice(0, MOST_ROWS).map((row, i) => (typeof row === 'number'
            ? <div key={i} class="diff-skip">{format(_('%1 lines are the same'), number(row))}</div>
            : <Line key={i} line={row} />))}
          {rows.length > MOST_ROWS && <div class="diff-skip">{format(_('%1 more'), number(rows.length - MOST_ROWS))}</div>}
        </div>
      )}
      {note !== undefined && rows.length > 0 && <p class="quiet">{note}</p>}
    </Section>
  );
}

function Section({ title, differs, children }: { title: string; differs: boolean; children: ComponentChildren }) {
  return (
    <section class="comparison" aria-label={title}>
      <h3>{title} {differs ? <span class="badge warn">{_('differs')}</span> : <span class="badge">{_('the same')}</span>}</h3>
      {children}
    </section>
  );
}

function Facts({ older, newer }: { older: RunRecord; newer: RunRecord }) {
  const time = (run: RunRecord) => (run.ended === null ? '' : duration(run.ended - run.started));
  const facts: [string, string, string][] = [
    [_('Result'), resultOf(older), resultOf(newer)],
    [_('Duration'), time(older), time(newer)],
    [_('Denied'), number(older.denied), number(newer.denied)],
    [_('Arguments'), joinWords(older.args), joinWords(newer.args)],
  ];
  return (
    <Section title={_('Result')} differs={facts.some(([name, a, b]) => name !== _('Duration') && a !== b)}>
      <table>
        <thead><Heads older={older} newer={newer} first="" /></thead>
        <tbody>
          {facts.map(([name, a, b]) => (
            <tr key={name} class={a !== b ? 'differs' : ''}><th scope="row">{name}</th><td>{a || '–'}</td><td>{b || '–'}</td></tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function Heads({ older, newer, first }: { older: RunRecord; newer: RunRecord; first: string }) {
  return <tr>{first === '' ? <td /> : <th scope="col">{first}</th>}<th scope="col">{clock(older.started)}</th><th scope="col">{clock(newer.started)}</th></tr>;
}

function Events({ older, newer }: { older: RunRecord; newer: RunRecord }) {
  const before = new Map(older.events);
  const after = new Map(newer.events);
  const all = [...new Set([...before.keys(), ...after.keys()])];
  const differing = all.filter((what) => (before.get(what) ?? 0) !== (after.get(what) ?? 0));
  return (
    <Section title={_('Events')} differs={differing.length > 0}>
      {differing.length > 0 && (
        <table>
          <thead><Heads older={older} newer={newer} first={_('Event')} /></thead>
          <tbody>
            {differing.slice(0, MOST_ROWS).map((what) => (
              <tr key={what}><th scope="row" class="mono">{what}</th><td>{number(before.get(what) ?? 0)}</td><td>{number(after.get(what) ?? 0)}</td></tr>
            ))}
          </tbody>
        </table>
      )}
      {all.length > differing.length && <p class="quiet">{format(_('%1 are the same'), number(all.length - differing.length))}</p>}
    </Section>
  );
}

export function Comparison({ older, newer }: { older: RunRecord; newer: RunRecord }) {
  const cut = older.cut || newer.cut ? _('Only the end of the output was kept.') : undefined;
  return (
    <>
      <Facts older={older} newer={newer} />
      <Diff title={_('Policies')} older={grantsOf(older.set)} newer={grantsOf(newer.set)} />
      <Diff title={_('Code')} older={older.code} newer={newer.code} />
      <Diff title={_('Output')} older={older.output} newer={newer.output} note={cut} />
      <Events older={older} newer={newer} />
    </>
  );
}
