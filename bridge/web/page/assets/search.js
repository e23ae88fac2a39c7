// What was found for what was typed; a single run is gone to at once.

import {asQuery, get} from './api.js';
import {el, table} from './dom.js';
import {page} from './page.js';
import {ago} from './times.js';
import {builderLink, groupPath, runLink, runPath, stateChip} from './words.js';

const KINDS = {
  task: 'Runs of the task',
  group: 'Runs of the task group',
  request: 'With this build request',
  build: 'With this build (Buildbot’s id)',
  number: 'With a build of this number',
  builder: 'For builders whose names begin so',
};
const q = new URLSearchParams(location.search).get('q')?.trim() ?? '';
document.querySelector('.search input').value = q;

page(
  async () => {
    if (!q)
      return el(
        'p',
        {class: 'panel'},
        'Type a task, task/run, task group, build request, build, builder or builder/number, or paste an address.',
      );
    const found = await get('search', {q});
    const lone = only(found);
    if (lone) {
      location.replace(lone);
      return null;
    }
    return [el('p', null, `Looked for ${found.words || 'nothing that could be a name here'}.`), kinds(found), notes(found)];
  },
  {pause: 3000},
);

/** Where to go at once: to the only run, or to the only task group. */
function only({hits, more, errors}) {
  const runs = new Set(hits.map(({run}) => runPath(run)));
  if (errors.length || more.some((kind) => kind !== 'group') || !runs.size) return null;
  if (hits.every(({foundAs}) => foundAs === 'group')) return groupPath(hits[0].run.taskGroupId);
  return runs.size === 1 && !more.length ? [...runs][0] : null;
}

function kinds({hits, more}) {
  return Object.keys(KINDS)
    .filter((kind) => hits.some(({foundAs}) => foundAs === kind))
    .map((kind) =>
      el(
        'section',
        {class: 'panel wide', 'data-key': kind},
        el('h2', null, KINDS[kind]),
        table(
          KINDS[kind],
          ['Run', 'State', 'Builder', 'Request', 'Build', 'Changed'],
          hits
            .filter(({foundAs}) => foundAs === kind)
            .map(({run}) => ({
              key: runPath(run),
              cells: [runLink(run), stateChip(run), builderLink(run), run.requestId, run.buildId, ago(run.updatedAt)],
            })),
          'cards',
        ),
        more.includes(kind)
          ? el('p', null, el('a', {href: all(kind, hits.find(({foundAs}) => foundAs === kind).run)}, 'All of them'))
          : null,
      ),
    );
}

/** The table of runs with all of a kind. */
function all(kind, run) {
  const names = {
    task: ['taskId', run.taskId],
    group: ['taskGroupId', run.taskGroupId],
    request: ['requestId', run.requestId],
    build: ['buildId', run.buildId],
  };
  const [name, value] = names[kind] ?? ['builder', `${q.replace(/\*+$/, '')}*`];
  return `/runs${asQuery({[name]: value})}`;
}

function notes({hits, lookedAt, errors}) {
  return [
    hits.length
      ? null
      : el(
          'p',
          {class: 'panel'},
          'Nothing was found. A run that was settled long ago has no row any more; Taskcluster and Buildbot still know it.',
        ),
    lookedAt
      ? el('p', {class: 'faint'}, `For a build number the newest ${lookedAt} runs with a build request were looked at.`)
      : null,
    errors.map((error) => el('p', {class: 'wrong'}, error)),
  ];
}
