// What is wrong with a run, and what to do.

import {el, prose, said} from './dom.js';
import {ago} from './times.js';

export function finding(found) {
  return el(
    'li',
    {'data-key': found.cause},
    el('strong', null, found.what),
    ' ',
    found.since ? el('span', {class: 'faint'}, 'since ', ago(found.since)) : null,
    found.detail ? el('p', null, said(found.detail)) : null,
    el('p', {class: 'faint'}, prose(found.why)),
    el('p', null, prose(found.mend)),
  );
}
