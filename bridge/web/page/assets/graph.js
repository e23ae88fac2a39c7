// A drawing of tasks and what they depend on: each task stands right of all on which it depends. Pure.

import {drawn} from './dom.js';
import {shortened} from './words.js';

const SIZE = {width: 200, height: 46, across: 64, down: 14, edge: 4};

/** Nodes are {id, href, title, words, tone, foreign}; edges are {taskId, dependsOn}. */
export function graph(nodes, edges) {
  const known = new Set(nodes.map(({id}) => id));
  const lines = edges.flatMap(({taskId, dependsOn}) =>
    dependsOn.filter((on) => known.has(on) && known.has(taskId)).map((on) => [on, taskId]),
  );
  const columns = lines.length ? ordered(inColumns(nodes, lines), lines) : inRows(nodes);
  const places = new Map(
    columns.flatMap((column, x) =>
      column.map((node, y) => [
        node.id,
        {
          x: SIZE.edge + x * (SIZE.width + SIZE.across),
          y: SIZE.edge + y * (SIZE.height + SIZE.down),
        },
      ]),
    ),
  );
  const width = columns.length * (SIZE.width + SIZE.across) - SIZE.across + 2 * SIZE.edge;
  const height = Math.max(...columns.map((column) => column.length)) * (SIZE.height + SIZE.down) - SIZE.down + 2 * SIZE.edge;
  return drawn(
    'svg',
    {
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: 'group',
      'aria-label': `${nodes.length} tasks, ${lines.length} dependencies`,
    },
    lines.map(([from, to]) => edge(places.get(from), places.get(to))),
    nodes.map((node) => box(node, places.get(node.id))),
  );
}

/** Each node in the column after the last of those on which it depends. What is in a circle stays in the first. */
function inColumns(nodes, lines) {
  const depth = new Map(nodes.map(({id}) => [id, 0]));
  const waits = new Map(nodes.map(({id}) => [id, 0]));
  const after = new Map(nodes.map(({id}) => [id, []]));
  for (const [from, to] of lines) {
    waits.set(to, waits.get(to) + 1);
    after.get(from).push(to);
  }
  const free = nodes.map(({id}) => id).filter((id) => !waits.get(id));
  for (const id of free) {
    for (const next of after.get(id)) {
      depth.set(next, Math.max(depth.get(next), depth.get(id) + 1));
      waits.set(next, waits.get(next) - 1);
      if (!waits.get(next)) free.push(next);
    }
  }
  const columns = [];
  for (const node of nodes) (columns[depth.get(node.id)] ??= []).push(node);
  return Array.from(columns, (column) => column ?? []).filter((column) => column.length);
}

/** Where nothing is known of dependencies: beside each other, so that one look has them all. */
function inRows(nodes) {
  const many = Math.ceil(nodes.length / 4);
  return [0, 1, 2, 3].map((at) => nodes.slice(at * many, (at + 1) * many)).filter((column) => column.length);
}

/** Rows so that lines are short: each node near the middle of those on which it depends. */
function ordered(columns, lines) {
  const row = new Map();
  const before = new Map();
  for (const [from, to] of lines) before.set(to, [...(before.get(to) ?? []), from]);
  return columns.map((column) => {
    const middle = ({id}) => {
      const rows = (before.get(id) ?? []).map((on) => row.get(on)).filter((at) => at !== undefined);
      return rows.length ? rows.reduce((sum, at) => sum + at, 0) / rows.length : 0;
    };
    const sorted = column
      .map((node) => [middle(node), node.title, node])
      .sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1))
      .map(([, , node]) => node);
    sorted.forEach(({id}, at) => row.set(id, at));
    return sorted;
  });
}

function edge(from, to) {
  const [x1, y1, x2, y2] = [from.x + SIZE.width, from.y + SIZE.height / 2, to.x, to.y + SIZE.height / 2];
  const bend = Math.max(24, (x2 - x1) / 2);
  return drawn('path', {class: 'edge', d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`});
}

function box({id, href, title, words, tone, foreign}, {x, y}) {
  const web = /^(\/|https?:\/\/)/.test(href) ? href : null;
  return drawn(
    'a',
    {href: web, class: foreign ? 'node foreign' : 'node', 'data-tone': tone, 'aria-label': `${title}, ${words}, task ${id}`},
    drawn('title', null, `${title}\n${words}\n${id}`),
    drawn('rect', {x, y, width: SIZE.width, height: SIZE.height}),
    drawn('rect', {class: 'state', x, y, width: 8, height: SIZE.height}),
    drawn(
      'svg',
      {x: x + 14, y, width: SIZE.width - 18, height: SIZE.height},
      drawn('text', {x: 2, y: 19}, shortened(title, 60)),
      drawn('text', {class: 'second', x: 2, y: 36}, `${words} · ${id}`),
    ),
  );
}
