// SPDX-License-Identifier: LGPL-2.1-or-later
/* CodeMirror's own words, in the user's language. */
import { _ } from '../i18n';

export function phrases(): Record<string, string> {
  return {
    'Find': _('Find'),
    'Replace': _('Replace'),
    'next': _('Next'),
    'previous': _('Previous'),
    'all': _('All'),
    'match case': _('Match case'),
    'by word': _('Whole words'),
    'regexp': _('Regular expression'),
    'replace': _('Replace'),
    'replace all': _('Replace all'),
    'close': _('Close'),
    'current match': _('current match'),
    'on line': _('on line'),
    'replaced match on line $': _('replaced match on line $'),
    'replaced $ matches': _('replaced $ matches'),
    'Completions': _('Completions'),
    'Control character': _('Control character'),
  };
}
