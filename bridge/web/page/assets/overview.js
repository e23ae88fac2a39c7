// One look: healthy or not, why, and what to do; and all that is known of the bridge as a whole.

import {get, lately} from './api.js';
import {bars, lines} from './charts.js';
import {el, panel, prose} from './dom.js';
import {late, letterList, poolList, serviceList, stuckList, sweepList, waits} from './lists.js';
import {named, page} from './page.js';
import {PHASES, toneOf} from './words.js';

const HEALTH = {well: 'Healthy', look: 'Healthy, with something to look at', ill: 'Not healthy'};

page(
  async () => {
    const [health, counts, margins, services, pools, stuck, letters, sweeps, history] = await Promise.all([
      lately('health', 4000),
      get('counts'),
      get('margins'),
      get('services'),
      get('pools'),
      lately('stuck', 4000, {limit: 10}),
      lately('dead-letters', 4000, {limit: 10}),
      lately('sweeps', 4000),
      lately('history', 15_000, {hours: 24, step: 900}),
    ]);
    named(HEALTH[health.state]);
    return [
      verdict(health, services, pools),
      numbers(counts, stuck),
      drawings(history),
      el('div', {class: 'grid', 'data-key': 'grid'}, waits(counts), late(margins)),
      stuckList(stuck),
      el('div', {class: 'grid broad', 'data-key': 'who'}, serviceList(services), sweepList(sweeps)),
      el('div', {class: 'wide', 'data-key': 'pools'}, poolList(pools)),
      letterList(letters),
    ];
  },
  {pause: 1500},
);

function verdict({state, problems}, {services}, {pools}) {
  const living = services.filter(({alive}) => alive).length;
  const fine = `Living processes: ${living}. Pools: ${pools.length}. Nothing is late, no run is stuck.`;
  return el(
    'section',
    {class: 'panel health', 'data-state': state, 'data-key': 'health'},
    el('h2', null, HEALTH[state]),
    problems.length ? el('ul', {class: 'findings'}, problems.map(problem)) : el('p', null, fine),
  );
}

const problem = ({name, severity, what, mend}) =>
  el(
    'li',
    {'data-key': name},
    el('span', {class: `chip ${severity}`}, severity === 'ill' ? 'now' : 'by day'),
    ' ',
    el('strong', null, what),
    el('p', null, prose(mend)),
  );

function numbers({runs}, {stuck, continuationToken}) {
  const of = (phase) => runs.filter((each) => each.phase === phase).reduce((sum, each) => sum + each.runs, 0);
  const phases = Object.keys(PHASES).filter((phase) => phase !== 'settled');
  const tile = (href, tone, count, words, title) =>
    el('a', {href, 'data-tone': tone, title, 'data-key': words}, el('strong', null, String(count)), el('span', null, words));
  return el(
    'nav',
    {class: 'counts', 'aria-label': 'Runs by phase', 'data-key': 'counts'},
    phases.map((phase) => tile(`/runs?phase=${phase}`, phase, of(phase), phase, PHASES[phase])),
    tile(
      '/stuck',
      stuck.length ? 'ill' : 'well',
      `${stuck.length}${continuationToken ? '+' : ''}`,
      'stuck',
      'runs that do not go on as they should',
    ),
  );
}

function drawings({since, step, steps}) {
  const at = (field) => steps.map((each) => [Date.parse(each.at), each[field]]).filter(([, value]) => value !== null);
  const span = {from: Date.parse(since), to: Date.now(), step: step * 1000};
  const ends = steps.filter(({outcomes}) => outcomes.length).map((each) => [Date.parse(each.at), each.outcomes]);
  return el(
    'div',
    {class: 'grid', 'data-key': 'charts'},
    panel(
      'Waiting for a build',
      lines({
        ...span,
        label: 'Time from scheduling to the build’s begin',
        series: [
          {name: 'half wait less', tone: 'building', points: at('waitedHalf')},
          {name: '19 of 20 wait less', tone: 'queued', points: at('waitedMost'), second: true},
        ],
      }),
    ),
    panel('Outcomes', bars({...span, label: 'Runs that ended, by outcome', points: ends, toneOf})),
    panel(
      'Claim margin',
      lines({
        ...span,
        label: 'Time until the first claim would have ended',
        series: [{name: 'least margin of a step', tone: 'reporting', points: at('claimMargin')}],
      }),
    ),
  );
}
