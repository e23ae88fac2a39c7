// The lists of the overview: who serves, which pools, what waits, what is stuck, what the sweeps found, what was unreadable.

import {el, facts, panel, prose, said, table} from './dom.js';
import {ago, lasting, when} from './times.js';
import {builderLink, chip, runLink, runPath, shortened, stateChip, stuckMark} from './words.js';

export function waits({held}) {
  const title = 'What pending runs wait for';
  const rows = held.map(({pool, why, runs}) => ({key: `${pool} ${why}`.slice(0, 300), cells: [pool, said(why), runs]}));
  return panel(title, rows.length ? table(title, ['Pool', 'Why', 'Runs'], rows) : none('Nothing holds any run back.'));
}

export function late({oldestDue, firstClaimEnds, oldestWanted}) {
  return panel(
    'How late the bridge is',
    facts([
      ['Oldest debt', oldestDue ? el('span', null, 'due ', when(oldestDue)) : 'none'],
      ['First claim ends', firstClaimEnds ? when(firstClaimEnds) : 'no run is claimed'],
      ['Pending longest', oldestWanted ? el('span', null, 'since ', when(oldestWanted)) : 'none without a build request'],
    ]),
  );
}

export function stuckList({stuck}) {
  if (!stuck.length) return null;
  const rows = stuck.map(({run, findings}) => ({
    key: runPath(run),
    cells: [runLink(run), stateChip(run), builderLink(run), stuckMark(run), prose(findings[0]?.mend ?? '')],
  }));
  const all = el('p', null, el('a', {href: '/stuck'}, 'All that are stuck, with every reason'));
  const list = table('Stuck runs', ['Run', 'State', 'Builder', 'Cause', 'What to do'], rows, 'cards');
  return el('div', {class: 'wide', 'data-key': 'stuck'}, panel('Stuck', list, all));
}

export function serviceList({services}) {
  const rows = services.map((each) => ({
    key: each.name,
    cells: [
      chip(each.alive ? each.service : `${each.service}: gone`, each.alive ? 'well' : 'ill'),
      ago(each.seenAt),
      each.pools.join(', '),
      each.version,
      el('span', {class: 'code'}, each.name),
    ],
  }));
  const heads = ['Service', 'Sign of life', 'Pools', 'Version', 'Process'];
  return panel(
    'Services',
    rows.length ? table('Services', heads, rows, 'cards') : none('None has shown life within a day.'),
  );
}

export function poolList({pools}) {
  const rows = pools.map((pool) => ({
    key: pool.name,
    cells: [
      el('a', {href: `/runs?pool=${encodeURIComponent(pool.name)}`}, pool.name),
      pool.rules?.taskQueueId ?? 'not in these settings',
      pool.rules?.buildbot,
      shortened(pool.rules?.builders.join(', ') ?? '', 80),
      pool.unserved ? el('span', {class: 'chip ill'}, 'nobody') : pool.servedBy.length,
      pool.runs.reduce((sum, each) => sum + each.runs, 0),
    ],
  }));
  return panel('Pools', table('Pools', ['Pool', 'Task queue', 'Buildbot', 'Builders', 'Served by', 'Runs'], rows, 'cards'));
}

export function sweepList({sweeps}) {
  const rows = sweeps.map((each) => ({
    key: `${each.service} ${each.name}`,
    cells: [
      said(`${each.name} (${each.service})`),
      ago(each.endedAt),
      lasting((Date.parse(each.endedAt) - Date.parse(each.beganAt)) / 1000),
      each.found,
      said(each.fault),
    ],
  }));
  const heads = ['Sweep', 'Ended', 'Took', 'Found', 'Error'];
  return panel('Sweeps', rows.length ? table('Sweeps', heads, rows, 'cards') : none('No sweep has ended yet.'));
}

export function letterList({deadLetters}) {
  const rows = deadLetters.map((each) => ({
    key: String(each.id),
    cells: [each.id, ago(each.at), said(each.exchange), said(each.reason), each.size, said(each.beginning)],
  }));
  const heads = ['Number', 'Came', 'Exchange', 'Reason', 'Size', 'Begins'];
  const list = table('Messages that could not be read', heads, rows, 'cards');
  return panel('Dead letters', rows.length ? list : none('Every message could be read.'));
}

const none = (words) => el('p', {class: 'faint'}, words);
