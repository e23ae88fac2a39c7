// A task group: its runs, and the graph of what depends on what, coloured by state.

import {asQuery, get, part, parts} from './api.js';
import {el, outside, table} from './dom.js';
import {graph} from './graph.js';
import {page, titled} from './page.js';
import {ago} from './times.js';
import {because, builderLink, chip, runLink, runPath, shortened, stateChip, stateOf, stuckMark} from './words.js';

const DRAWN = 300; // tasks; more of them are a wall, and not a picture
const [group] = parts;
const query = Object.fromEntries(new URLSearchParams(location.search));

page(
  async () => {
    titled('Task group ', el('span', {class: 'code'}, group));
    const found = await get(`task-groups/${part(group)}`, {limit: 500, ...query});
    const newest = new Map();
    for (const run of found.runs) if (!(newest.get(run.taskId)?.runId > run.runId)) newest.set(run.taskId, run);
    return [
      el(
        'p',
        {class: 'row', 'data-key': 'what'},
        summary([...newest.values()]),
        outside(found.page, 'Group in Taskcluster'),
      ),
      found.edgesError
        ? el(
            'p',
            {class: 'wrong', 'data-key': 'error'},
            `What depends on what could not be read, so no line is drawn. ${found.edgesError}`,
          )
        : null,
      picture(found, newest),
      list(found),
    ];
  },
  {which: {taskGroupId: /^[\w-]{22}$/.test(group) ? group : null}, pause: 700},
);

function summary(runs) {
  const sums = new Map();
  for (const {words, tone} of runs.map(stateOf)) sums.set(words, {tone, count: (sums.get(words)?.count ?? 0) + 1});
  return [
    el('span', null, `${runs.length} task${runs.length === 1 ? '' : 's'} here:`),
    [...sums].map(([words, {tone, count}]) => chip(`${count} ${words}`, tone)),
  ];
}

function picture({edges, page: address}, newest) {
  const foreign = [...new Set(edges.flatMap(({dependsOn}) => dependsOn))].filter((task) => !newest.has(task));
  if (!newest.size) return null;
  if (newest.size + foreign.length > DRAWN)
    return el(
      'p',
      {class: 'faint'},
      `The graph is not drawn: more than ${DRAWN} tasks are no picture. The table has them all.`,
    );
  const tasks = address.replace(/groups\/[^/]*$/, '');
  const nodes = [...newest.values()].map((run) => ({
    id: run.taskId,
    href: runPath(run),
    title: run.builder ?? run.taskId,
    ...stateOf(run),
  }));
  nodes.push(
    ...foreign.map((task) => ({
      id: task,
      href: tasks + task,
      title: 'not of this bridge',
      words: 'elsewhere',
      tone: null,
      foreign: true,
    })),
  );
  return el(
    'section',
    {class: 'panel wide', 'data-key': 'graph'},
    el('h2', null, 'Graph'),
    el('div', {class: 'graph', tabindex: 0, role: 'region', 'aria-label': 'Graph of the task group'}, graph(nodes, edges)),
    foreign.length ? el('p', {class: 'faint'}, 'Dashed: tasks that others run.') : null,
  );
}

function list({runs, newer, continuationToken}) {
  return el(
    'section',
    {class: 'panel', 'data-key': 'list'},
    el('h2', null, 'Runs'),
    runs.length
      ? table(
          'Runs of the group',
          ['Run', 'State', 'Builder', 'Request', 'Build', 'Changed', 'What'],
          runs.map((run) => ({
            key: runPath(run),
            cells: [
              runLink(run),
              [stateChip(run), ' ', stuckMark(run)],
              builderLink(run),
              run.requestId,
              run.buildId,
              ago(run.updatedAt),
              shortened(because(run), 200),
            ],
          })),
          'cards',
        )
      : el('p', {class: 'faint'}, 'The bridge has no run of this group, or none any more.'),
    newer
      ? el('p', {class: 'faint'}, `${newer} rows were written by a newer version of the bridge and are left out.`)
      : null,
    continuationToken
      ? el(
          'p',
          {class: 'pages'},
          el('a', {class: 'button', href: `/groups/${part(group)}${asQuery({...query, continuationToken})}`}, 'Older runs'),
        )
      : null,
  );
}
