// Small charts over time. Pure: numbers come in, a drawing goes out, with the newest numbers as text beside it.

import {drawn, el} from './dom.js';
import {hour, lasting} from './times.js';

const BOX = {width: 420, height: 130, left: 74, right: 8, top: 10, bottom: 22};
const ROUND = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400, 172800, 604800];

const across = ({from, to}, at) => BOX.left + ((at - from) / Math.max(1, to - from)) * (BOX.width - BOX.left - BOX.right);
const up = (value, top) => BOX.height - BOX.bottom - (Math.min(value, top) / top) * (BOX.height - BOX.top - BOX.bottom);

function frame(chart, top, words, marks) {
  const right = BOX.width - BOX.right;
  const levels = [0, top / 2, top].map((value) => [
    drawn('line', {class: 'axis', x1: BOX.left, x2: right, y1: up(value, top), y2: up(value, top)}),
    drawn('text', {x: BOX.left - 6, y: up(value, top) + 4, 'text-anchor': 'end'}, words(value)),
  ]);
  const span = chart.to - chart.from;
  const times = [0, 0.5, 1].map((share) =>
    drawn(
      'text',
      {x: BOX.left + share * (right - BOX.left), y: BOX.height - 5, 'text-anchor': ['start', 'middle', 'end'][share * 2]},
      hour(chart.from + share * span, 0).slice(0, 5),
    ),
  );
  return drawn(
    'svg',
    {viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: 'img', 'aria-label': chart.label},
    levels,
    times,
    marks,
  );
}

function nothing(chart) {
  return el('div', {class: 'chart'}, el('p', {class: 'faint'}, `${chart.label}: nothing within the last day.`));
}

/** Lines of seconds. A step without a value is a gap. */
export function lines(chart) {
  const values = chart.series.flatMap(({points}) => points.map(([, value]) => value));
  if (!values.length) return nothing(chart);
  const most = Math.max(...values, 1);
  const top = ROUND.find((each) => each >= most) ?? most;
  const marks = chart.series.map(({tone, points, second}) =>
    drawn(
      'g',
      {'data-tone': tone},
      drawn('path', {class: second ? 'line second' : 'line', d: path(chart, points, top)}),
      points
        .slice(-1)
        .map(([at, value]) => drawn('circle', {class: 'dot', cx: across(chart, at), cy: up(value, top), r: 3})),
    ),
  );
  const key = chart.series
    .filter(({points}) => points.length)
    .map(({name, tone, points}) => el('span', {class: 'chip', 'data-tone': tone}, `${name}: ${lasting(points.at(-1)[1])}`));
  return el('div', {class: 'chart'}, frame(chart, top, lasting, marks), el('p', {class: 'key'}, key));
}

function path(chart, points, top) {
  return points
    .map(([at, value], place) => {
      const gap = place === 0 || at - points[place - 1][0] > chart.step * 1.5;
      return `${gap ? 'M' : 'L'}${across(chart, at).toFixed(1)} ${up(value, top).toFixed(1)}${gap ? 'h.01' : ''}`;
    })
    .join('');
}

/** Bars of counts, one a step, piled up by outcome. */
export function bars(chart) {
  if (!chart.points.length) return nothing(chart);
  const sums = chart.points.map(([, outcomes]) => outcomes.reduce((sum, {runs}) => sum + runs, 0));
  const top = Math.max(2, ...sums);
  const wide = Math.max(1.5, across(chart, chart.from + chart.step) - across(chart, chart.from) - 1);
  const marks = chart.points.flatMap(([at, outcomes]) => {
    let below = 0;
    return outcomes.map(({outcome, runs}) => {
      const low = up(below, top);
      below += runs;
      return drawn('rect', {
        class: 'bar',
        'data-tone': chart.toneOf(outcome),
        x: Math.min(across(chart, at), BOX.width - BOX.right - wide),
        width: wide,
        y: up(below, top),
        height: low - up(below, top),
      });
    });
  });
  return el(
    'div',
    {class: 'chart'},
    frame(chart, top, (value) => String(Math.round(value)), marks),
    el('p', {class: 'key'}, totals(chart)),
  );
}

function totals({points, toneOf}) {
  const sums = new Map();
  for (const {outcome, runs} of points.flatMap(([, outcomes]) => outcomes)) {
    const words = outcome.replace(/^resolved as /, '').slice(0, 40);
    sums.set(words, (sums.get(words) ?? 0) + runs);
  }
  return [...sums]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 6)
    .map(([words, runs]) => el('span', {class: 'chip', 'data-tone': toneOf(words)}, `${words}: ${runs}`));
}
