// One look: healthy or not, why, and what to do; and all that is known of the bridge as a whole.

import {get, lately} from './api.js';
import {bars, lines} from './charts.js';
import {el, facts, panel, prose, said, table} from './dom.js';
import {page} from './page.js';
import {ago, lasting, when} from './times.js';
import {builderLink, PHASES, runLink, shortened, stateChip, stuckMark, toneOf} from './words.js';

const HEALTH = {well: 'Healthy', look: 'Healthy, with something to look at', ill: 'Not healthy'};

page(async () => {
  const [health, counts, margins, services, pools, stuck, letters, sweeps, history] = await Promise.all([
    lately('health', 4000), get('counts'), get('margins'), get('services'), get('pools'), lately('stuck', 4000, {limit: 10}),
    lately('dead-letters', 4000, {limit: 10}), lately('sweeps', 4000), lately('history', 15_000, {hours: 24, step: 900}),
  ]);
  return [
    verdict(health, services, pools), numbers(counts, stuck), drawings(history),
    el('div', {class: 'grid', 'data-key': 'grid'}, waits(counts), late(margins)),
    lists(services, pools, stuck, letters, sweeps),
  ];
}, {pause: 1500});

function verdict({state, problems}, {services}, {pools}) {
  const living = services.filter(({alive}) => alive).length;
  const fine = `${living} process${living === 1 ? '' : 'es'} serve${living === 1 ? 's' : ''} ${pools.length} pool${pools.length === 1 ? '' : 's'}; nothing is late, no run is stuck.`;
  return el('section', {class: 'panel health', 'data-state': state, 'data-key': 'health'}, el('h2', null, HEALTH[state]),
    problems.length ? el('ul', {class: 'findings'}, problems.map(problem)) : el('p', null, fine));
}

const problem = ({name, severity, what, mend}) => el('li', {'data-key': name},
  el('span', {class: `chip ${severity}`}, severity === 'ill' ? 'now' : 'by day'), ' ', el('strong', null, what), el('p', null, prose(mend)));

function numbers({runs}, {stuck, continuationToken}) {
  const of = (phase) => runs.filter((each) => each.phase === phase).reduce((sum, each) => sum + each.runs, 0);
  const phases = Object.keys(PHASES).filter((phase) => phase !== 'settled');
  const tile = (href, tone, count, words, title) => el('a', {href, 'data-tone': tone, title, 'data-key': words}, el('strong', null, String(count)), el('span', null, words));
  return el('nav', {class: 'counts', 'aria-label': 'Runs by phase', 'data-key': 'counts'},
    phases.map((phase) => tile(`/runs?phase=${phase}`, phase, of(phase), phase, PHASES[phase])),
    tile('/stuck', stuck.length ? 'ill' : 'well', `${stuck.length}${continuationToken ? '+' : ''}`, 'stuck', 'runs that do not go on as they should'));
}

function drawings({since, step, steps}) {
  const at = (field) => steps.map((each) => [Date.parse(each.at), each[field]]).filter(([, value]) => value !== null);
  const span = {from: Date.parse(since), to: Date.now(), step: step * 1000};
  const ends = steps.filter(({outcomes}) => outcomes.length).map((each) => [Date.parse(each.at), each.outcomes]);
  return el('div', {class: 'grid', 'data-key': 'charts'},
    panel('Waiting for a build', lines({...span, label: 'Time from scheduling to the build’s begin', series: [
      {name: 'half wait less', tone: 'building', points: at('waitedHalf')}, {name: '19 of 20 wait less', tone: 'queued', points: at('waitedMost'), second: true}]})),
    panel('Outcomes', bars({...span, label: 'Runs that ended, by outcome', points: ends, toneOf})),
    panel('Claim margin', lines({...span, label: 'Time until the first claim would have ended', series: [
      {name: 'least margin of a step', tone: 'reporting', points: at('claimMargin')}]})));
}

function waits({held}) {
  return panel('What pending runs wait for', held.length
    ? table('What pending runs wait for', ['Pool', 'Why', 'Runs'], held.map(({pool, why, runs}) => ({key: `${pool} ${why}`.slice(0, 300), cells: [pool, said(why), runs]})))
    : el('p', {class: 'faint'}, 'Nothing holds any run back.'));
}

function late({oldestDue, firstClaimEnds, oldestWanted}) {
  return panel('How late the bridge is', facts([
    ['Oldest debt', oldestDue ? el('span', null, 'due ', when(oldestDue)) : 'none'],
    ['First claim ends', firstClaimEnds ? when(firstClaimEnds) : 'no run is claimed'],
    ['Pending longest', oldestWanted ? el('span', null, 'since ', when(oldestWanted)) : 'none without a build request'],
  ]));
}

function lists({services}, {pools}, {stuck}, {deadLetters}, {sweeps}) {
  return [
    stuck.length ? el('div', {class: 'wide', 'data-key': 'stuck'}, panel('Stuck', table('Stuck runs', ['Run', 'State', 'Builder', 'Cause', 'What to do'], stuck.map(({run, findings}) => ({
      key: `${run.taskId}/${run.runId}`, cells: [runLink(run), stateChip(run), builderLink(run), stuckMark(run), prose(findings[0]?.mend ?? '')]})), 'cards'),
      el('p', null, el('a', {href: '/stuck'}, 'All that are stuck, with every reason')))) : null,
    el('div', {class: 'grid broad', 'data-key': 'who'},
      panel('Services', services.length ? table('Services', ['Service', 'Sign of life', 'Pools', 'Version', 'Process'], services.map((each) => ({
        key: each.name, cells: [el('span', {class: 'chip', 'data-tone': each.alive ? 'well' : 'ill'}, `${each.service}${each.alive ? '' : ': gone'}`),
          ago(each.seenAt), each.pools.join(', '), each.version, el('span', {class: 'code'}, each.name)]})), 'cards') : el('p', null, 'None has shown life within a day.')),
      panel('Pools', table('Pools', ['Pool', 'Task queue', 'Buildbot', 'Builders', 'Served by', 'Runs'], pools.map((pool) => ({
        key: pool.name, cells: [el('a', {href: `/runs?pool=${encodeURIComponent(pool.name)}`}, pool.name), pool.rules?.taskQueueId ?? 'not in these settings',
          pool.rules?.buildbot, shortened(pool.rules?.builders.join(', ') ?? '', 80), pool.unserved ? el('span', {class: 'chip ill'}, 'nobody') : pool.servedBy.length,
          pool.runs.reduce((sum, each) => sum + each.runs, 0)]})), 'cards')),
      panel('Sweeps', sweeps.length ? table('Sweeps', ['Sweep', 'Ended', 'Took', 'Found', 'Error'], sweeps.map((each) => ({
        key: `${each.service} ${each.name}`, cells: [`${each.name} (${each.service})`, ago(each.endedAt), lasting((Date.parse(each.endedAt) - Date.parse(each.beganAt)) / 1000), each.found,
          each.fault ? said(each.fault) : '']})), 'cards') : el('p', {class: 'faint'}, 'No sweep has ended yet.'))),
    panel('Dead letters', deadLetters.length ? table('Messages that could not be read', ['Number', 'Came', 'Exchange', 'Reason', 'Size', 'Begins'], deadLetters.map((each) => ({
      key: String(each.id), cells: [each.id, ago(each.at), said(each.exchange), said(each.reason), each.size, said(each.beginning)]})), 'cards') : el('p', {class: 'faint'}, 'Every message could be read.')),
  ];
}
