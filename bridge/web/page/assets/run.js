// One run, whole: what is wrong, its timeline, what it owes, both sides, every change with its cause.

import {get, now, part, parts} from './api.js';
import {el, facts, outside, panel, said, table} from './dom.js';
import {finding} from './findings.js';
import {page, titled} from './page.js';
import {here, there} from './sides.js';
import {timeline} from './timeline.js';
import {ago, when} from './times.js';
import {because, builderLink, chip, groupPath, PHASES, stateChip} from './words.js';

const [taskId, runId] = parts;

page(
  async () => {
    titled('Run ', el('span', {class: 'code'}, `${taskId}/${runId}`));
    const whole = await get(`runs/${part(taskId)}/${part(runId)}`);
    const {run, row, owes, stuck, transitions, taskcluster, buildbot} = whole;
    const wide = document.getElementById('content').clientWidth - 34;
    return [
      what(whole),
      stuck.length ? wrong(stuck) : null,
      el('div', {class: 'wide', 'data-key': 'time'}, panel('Timeline', timeline(whole, now(), wide))),
      el(
        'div',
        {class: 'grid broad', 'data-key': 'grid'},
        debts(owes, run),
        commands(run),
        there(taskcluster),
        here(buildbot),
        known(run),
        work(row, run),
      ),
      changes(transitions),
    ];
  },
  {which: {taskId: /^[\w-]{22}$/.test(taskId) ? taskId : null}, pause: 300},
);

/** The run in a line, with the ways on. */
function what({run, taskcluster, buildbot}) {
  return el(
    'p',
    {class: 'row', 'data-key': 'what'},
    stateChip(run),
    el('span', null, PHASES[run.phase]),
    el('strong', null, builderLink(run)),
    outside(taskcluster.page, 'Task in Taskcluster'),
    buildbot.page ? outside(buildbot.page, 'Build in Buildbot') : null,
    run.taskGroupId ? el('a', {href: groupPath(run.taskGroupId)}, 'Its task group') : null,
    el('a', {href: `/runs?taskId=${part(taskId)}`}, 'All runs of the task'),
  );
}

function wrong(stuck) {
  const list = el('ul', {class: 'findings'}, stuck.map(finding));
  return el('section', {class: 'panel health', 'data-state': 'ill', 'data-key': 'stuck'}, el('h2', null, 'Stuck'), list);
}

function changes(transitions) {
  const rows = transitions.map((each, at) => ({
    key: String(at),
    cells: [
      when(each.at),
      each.fromPhase ? chip(each.fromPhase, each.fromPhase) : '',
      chip(each.toPhase, each.toPhase),
      said(each.because),
      el('span', {class: 'code'}, each.who),
    ],
  }));
  return panel('Changes of phase', table('Changes of phase', ['When', 'From', 'To', 'Because', 'By'], rows, 'cards'));
}

function debts(owes, run) {
  const none = run.phase === 'settled' ? 'Nothing: the run is over.' : 'Nothing at present.';
  return panel(
    'What it owes, and when',
    owes.length
      ? table(
          'Debts',
          ['When', 'What'],
          owes.map((debt, at) => ({
            key: `${at} ${debt.what}`,
            cells: [ago(debt.at), [el('strong', null, debt.what), ' ', debt.words]],
          })),
        )
      : el('p', {class: 'faint'}, none),
  );
}

function known(run) {
  return panel(
    'The run',
    facts([
      ['Why', said(because(run))],
      ['Verdict', run.verdict && `${run.verdict}: ${run.verdictWhy ?? ''}`],
      ['Outcome', said(run.outcome)],
      ['Pool', run.pool],
      ['Builder', said(run.builder)],
      [
        'Build request',
        run.requestId && `${run.requestId}${run.requestRun === run.runId ? '' : `, made for run ${run.requestRun}`}`,
      ],
      ['Build', run.buildId && `${run.buildId} (Buildbot’s id)`],
      ['Worker', run.workerId && `${run.workerGroup}/${run.workerId}`],
      ['Claimed until', when(run.takenUntil)],
      ['Renewal', when(run.reclaimAt)],
      ['Scheduled', when(run.scheduled)],
      ['Deadline', when(run.deadline)],
      ['Expires', when(run.expires)],
      ['Priority', run.priority],
      ['Project', said(run.projectId)],
      ['Scheduler', said(run.schedulerId)],
    ]),
  );
}

function work(row, run) {
  return panel(
    'The work on it',
    facts([
      ['Due', when(run.dueAt)],
      ['Tries in vain', String(run.attempts)],
      ['Not before', when(row.notBefore)],
      ['Next look', when(row.lookAt)],
      ['Acting', row.leaseOwner && `${row.leaseOwner}`],
      ['Until', when(row.leaseUntil)],
      ['Holds credentials', row.holder],
      [
        'Unknown to Buildbot',
        row.missingSince && el('span', null, `on ${row.missingReads} reads, since `, when(row.missingSince)),
      ],
      ['Unknown to Taskcluster', when(row.absentSince)],
      ['Row', `version ${row.version}`],
      ['Made', when(run.createdAt)],
      ['Changed', when(run.updatedAt)],
    ]),
  );
}

/** This page only reads; what acts is a command, with a reason that is kept. */
function commands({taskId: task, runId: number, phase}) {
  const steering = [
    `bbb retry ${task} ${number} --reason "…"`,
    `bbb release ${task} ${number} --reason "…"`,
    `bbb cancel ${task} --reason "…"`,
  ];
  const lines = [
    `bbb show ${task} ${number}`,
    `bbb trace ${task}`,
    ...(phase === 'settled' ? [`bbb record ${task} ${number} > incident.yml`] : steering),
  ];
  return panel('On a terminal', el('pre', {class: 'code'}, lines.join('\n')));
}
