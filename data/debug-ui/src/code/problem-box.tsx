// SPDX-License-Identifier: LGPL-2.1-or-later
/* What went wrong: object, reason, cure. */
import { _, format } from '../i18n';
import type { Problem } from '../protocol';

export function ProblemBox({ problem, title }: { problem: Problem; title: string }) {
  return (
    <div class="problem problem-box" role="alert">
      <h3>{title}</h3>
      <p><code>{problem.object}</code>: {problem.reason}</p>
      {problem.line !== null && <p>{format(_('Line %1, column %2'), problem.line, problem.column ?? 1)}</p>}
      {problem.cure !== null && <p>{problem.cure}</p>}
    </div>
  );
}
