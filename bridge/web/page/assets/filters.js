// The form over the table of runs: the filters of the API, by their own names.

import {el} from './dom.js';
import {PHASES} from './words.js';

/** The form, filled with what is asked now. */
export function filters(asked, pools) {
  const one = (name) => asked[name]?.[0] ?? '';
  const field = (label, name, more = {}) =>
    el('label', null, label, el('input', {name, value: one(name), autocomplete: 'off', spellcheck: 'false', ...more}));
  const choice = (label, name, options) =>
    el(
      'label',
      null,
      label,
      el(
        'select',
        {name},
        options.map(([value, words]) => el('option', {value, selected: one(name) === value}, words)),
      ),
    );
  const rare = ['taskId', 'taskGroupId', 'requestId', 'buildId', 'minAge', 'maxAge', 'limit'];
  const form = el(
    'form',
    {class: 'filters panel', action: '/runs', 'data-key': 'filters', 'aria-label': 'Filters'},
    el(
      'fieldset',
      null,
      el('legend', null, 'Phase'),
      Object.entries(PHASES).map(([phase, words]) =>
        el(
          'span',
          {class: 'tick'},
          el('input', {
            type: 'checkbox',
            name: 'phase',
            value: phase,
            id: `phase-${phase}`,
            checked: asked.phase?.includes(phase),
          }),
          el('label', {for: `phase-${phase}`, class: 'chip', 'data-tone': phase, title: words}, phase),
        ),
      ),
    ),
    field('Builder', 'builder', {placeholder: 'linux64-*', size: 22}),
    choice('Pool', 'pool', [['', 'all'], ...pools.map((name) => [name, name])]),
    choice('Over', 'settled', [
      ['', 'or not'],
      ['false', 'not over'],
      ['true', 'over'],
    ]),
    choice('Stuck', 'stuck', [
      ['', 'or not'],
      ['true', 'stuck only'],
    ]),
    el('button', null, 'Show'),
    el('a', {class: 'button', href: '/runs'}, 'All'),
    el(
      'details',
      {open: rare.some((name) => one(name))},
      el('summary', null, 'More filters'),
      el(
        'div',
        null,
        field('Task', 'taskId', {size: 24}),
        field('Task group', 'taskGroupId', {size: 24}),
        field('Build request', 'requestId', {inputmode: 'numeric', size: 9}),
        field('Build (id)', 'buildId', {inputmode: 'numeric', size: 9}),
        field('Older than, seconds', 'minAge', {inputmode: 'numeric', size: 9}),
        field('Younger than, seconds', 'maxAge', {inputmode: 'numeric', size: 9}),
        field('Runs of a page', 'limit', {inputmode: 'numeric', size: 5, placeholder: '100'}),
      ),
    ),
  );
  return form;
}

// What is left empty is not asked for, and does not stand in the address.
document.addEventListener('formdata', (event) => {
  if (!event.target.matches('.filters')) return;
  for (const name of new Set([...event.formData.keys()])) {
    const kept = event.formData.getAll(name).filter((value) => value.trim());
    event.formData.delete(name);
    for (const value of kept) event.formData.append(name, value.trim());
  }
});
