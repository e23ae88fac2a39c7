// The table of runs: what is asked stands in the address, and the address can be handed on.

import {asQuery, get, lately} from './api.js';
import {el, said, table} from './dom.js';
import {filters} from './filters.js';
import {page} from './page.js';
import {ago} from './times.js';
import {because, builderLink, groupPath, runLink, runPath, stateChip, stuckMark} from './words.js';

const params = new URLSearchParams(location.search);
const asked = {};
for (const name of new Set(params.keys())) asked[name] = params.getAll(name).filter(Boolean);

const which = {pool: asked.pool, taskGroupId: asked.taskGroupId, taskId: asked.taskId};

page(
  async () => {
    const {pools} = await lately('pools', 60_000);
    const form = filters(
      asked,
      pools.map(({name}) => name),
    );
    try {
      return [form, list(await get('runs', asked))];
    } catch (error) {
      if (error.status !== 400 && error.status !== 404) throw error;
      return [form, el('p', {class: 'wrong', role: 'alert'}, error.message)];
    }
  },
  {which: /^[\w-]{22}$/.test(which.taskId ?? '') || !which.taskId?.length ? which : {}},
);

function list({runs, newer, continuationToken}) {
  return el(
    'section',
    {class: 'panel', 'data-key': 'list'},
    runs.length
      ? table(
          'Runs',
          ['Run', 'State', 'Pool', 'Builder', 'Request', 'Build', 'Group', 'Made', 'Changed', 'What'],
          runs.map(row),
          'cards',
        )
      : el('p', {class: 'faint'}, continuationToken ? 'None among the rows of this page; there are more.' : 'No run fits.'),
    newer
      ? el('p', {class: 'faint'}, `${newer} rows were written by a newer version of the bridge and are left out.`)
      : null,
    el(
      'p',
      {class: 'pages'},
      asked.continuationToken
        ? el('a', {class: 'button', href: `/runs${asQuery({...asked, continuationToken: null})}`}, 'Newest')
        : null,
      continuationToken
        ? el('a', {class: 'button', rel: 'next', href: `/runs${asQuery({...asked, continuationToken})}`}, 'Older')
        : null,
    ),
  );
}

function row(run) {
  const group = run.taskGroupId
    ? el(
        'a',
        {href: groupPath(run.taskGroupId), class: 'code name', title: run.taskGroupId},
        `${run.taskGroupId.slice(0, 8)}…`,
      )
    : '';
  return {
    key: runPath(run),
    cells: [
      runLink(run),
      [stateChip(run), ' ', stuckMark(run)],
      run.pool,
      builderLink(run),
      run.requestId,
      run.buildId,
      group,
      ago(run.createdAt),
      ago(run.updatedAt),
      said(because(run)),
    ],
  };
}
