// The life of a run on both sides and in the bridge, over one axis of time. Pure: facts come in, a drawing goes out.

import {drawn} from './dom.js';
import {hour, lasting} from './times.js';
import {toneOf} from './words.js';

const LANE = 34;
const BAR = 22;
const LEFT = 92;
const TOP = 8;

/** A drawing so many pixels wide. */
export function timeline(whole, now, wide) {
  const width = Math.max(300, wide);
  const lanes = [
    ['Taskcluster', ofTaskcluster(whole, now)],
    ['Bridge', ofBridge(whole, now)],
    ['Buildbot', ofBuildbot(whole, now)],
  ];
  const moments = lanes.flatMap(([, bars]) => bars.flatMap(({from, to}) => [from, to]));
  const span = {from: Math.min(...moments), to: Math.max(...moments, Math.min(...moments) + 1000)};
  const place = (at) => LEFT + ((at - span.from) / (span.to - span.from)) * (width - LEFT - 8);
  const height = TOP + lanes.length * LANE + 20;
  return drawn(
    'svg',
    {width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': words(whole, now)},
    ticks(span, place, width),
    lanes.map(([name, bars], at) => lane(name, bars, at, place)),
    due(whole, span, place),
  );
}

function lane(name, bars, at, place) {
  const top = TOP + at * LANE;
  return drawn(
    'g',
    null,
    drawn('text', {x: 0, y: top + 15}, name),
    bars.map((bar) => {
      const wide = Math.max(3, place(bar.to) - place(bar.from));
      const fits = bar.words.length * 7 + 10 < wide;
      return drawn(
        'g',
        {'data-tone': bar.tone},
        drawn(
          'rect',
          {class: bar.open ? 'bar open' : 'bar', x: place(bar.from), y: top, width: wide, height: BAR, rx: 3},
          drawn('title', null, `${bar.words}: ${lasting((bar.to - bar.from) / 1000)}`),
        ),
        fits && !bar.open ? drawn('text', {class: 'in', x: place(bar.from) + 6, y: top + 15}, bar.words) : null,
      );
    }),
  );
}

function ticks(span, place, width) {
  const many = width < 560 ? 2 : 5;
  const bottom = TOP + 3 * LANE;
  return Array.from({length: many + 1}, (_, at) => {
    const moment = span.from + ((span.to - span.from) * at) / many;
    const anchor = at === 0 ? 'start' : at === many ? 'end' : 'middle';
    return [
      drawn('line', {class: 'axis', x1: place(moment), x2: place(moment), y1: TOP, y2: bottom}),
      drawn('text', {x: place(moment), y: bottom + 14, 'text-anchor': anchor}, hour(moment, span.to - span.from)),
    ];
  });
}

function due({run}, span, place) {
  return [
    ['claim ends', run.takenUntil],
    ['deadline', run.deadline],
  ].map(([name, moment]) => {
    const at = Date.parse(moment ?? '');
    if (!(at > span.from && at < span.to)) return null;
    return drawn(
      'line',
      {class: 'due', x1: place(at), x2: place(at), y1: TOP, y2: TOP + 3 * LANE},
      drawn('title', null, name),
    );
  });
}

const at = (moment, otherwise) => (moment ? Date.parse(moment) : otherwise);

function ofBridge({run, transitions}, now) {
  const end = run.phase === 'settled' ? at(transitions.at(-1)?.at, now) + 1 : now;
  return transitions.map((each, place) => ({
    from: Date.parse(each.at),
    to: at(transitions[place + 1]?.at, Math.max(end, Date.parse(each.at))),
    words: each.toPhase,
    tone: each.toPhase === 'settled' ? toneOf(run.outcome ?? '') : each.toPhase,
  }));
}

function ofTaskcluster({run, taskcluster}, now) {
  const found = taskcluster.runs?.find(({runId}) => runId === run.runId);
  if (!found) return [];
  const tone = {pending: 'wanted', running: 'building'}[found.state] ?? toneOf(found.state);
  return [{from: Date.parse(found.scheduled), to: at(found.resolved, now), words: found.state, tone}];
}

function ofBuildbot({buildbot}, now) {
  if (!buildbot.submittedAt) return [];
  const request = {
    from: Date.parse(buildbot.submittedAt),
    to: at(buildbot.completeAt, now),
    words: `request ${buildbot.requestId}`,
    tone: 'queued',
    open: true,
  };
  return [
    request,
    ...(buildbot.builds ?? []).map((build) => ({
      from: Date.parse(build.startedAt),
      to: at(build.completeAt, now),
      words: `build ${build.number}${build.results ? ` ${build.results}` : ''}`,
      tone:
        build.results === null
          ? 'building'
          : build.results === 'SUCCESS' || build.results === 'WARNINGS'
            ? 'completed'
            : 'failed',
    })),
  ];
}

function words(whole, now) {
  const parts = ofBridge(whole, now).map((bar) => `${bar.words} for ${lasting((bar.to - bar.from) / 1000)}`);
  return `Timeline: ${parts.join(', ')}. The table of changes below says the same.`;
}
