// The runs that are stuck: why, and what to do.

import {asQuery, get} from './api.js';
import {el, panel} from './dom.js';
import {finding} from './findings.js';
import {page} from './page.js';
import {builderLink, runLink, stateChip} from './words.js';

const query = Object.fromEntries(new URLSearchParams(location.search));

page(
  async () => {
    const {stuck, newer, continuationToken} = await get('stuck', {limit: 50, ...query});
    return [
      stuck.length ? null : el('p', {class: 'panel'}, continuationToken ? 'None on this page.' : 'No run is stuck.'),
      stuck.map(({run, findings}) =>
        el(
          'section',
          {class: 'panel wide', 'data-key': `${run.taskId}/${run.runId}`},
          el(
            'h2',
            {class: 'row'},
            runLink(run),
            stateChip(run),
            el('span', null, builderLink(run)),
            el('span', {class: 'faint'}, `pool ${run.pool}`),
          ),
          el('ul', {class: 'findings'}, findings.map(finding)),
        ),
      ),
      newer
        ? el('p', {class: 'faint'}, `${newer} rows were written by a newer version of the bridge and are left out.`)
        : null,
      continuationToken
        ? el('p', null, el('a', {class: 'button', href: `/stuck${asQuery({...query, continuationToken})}`}, 'More'))
        : null,
    ];
  },
  {pause: 2000},
);
