// How the two sides show a run.

import {el, facts, outside, panel, said, table} from './dom.js';
import {ago, when} from './times.js';

/** As Taskcluster shows it now, or why it does not. */
export function there(side) {
  return panel(
    'Taskcluster says',
    side.error
      ? el('p', {class: 'wrong'}, side.error)
      : [
          facts([
            ['Task is', side.state],
            ['Priority', side.priority],
            ['Deadline', when(side.deadline)],
            ['Retries left', String(side.retriesLeft)],
          ]),
          table(
            'Runs in Taskcluster',
            ['Run', 'State', 'Made for', 'Scheduled', 'Resolved', 'Worker'],
            (side.runs ?? []).map((each) => ({
              key: String(each.runId),
              cells: [
                each.runId,
                each.reasonResolved && each.reasonResolved !== each.state
                  ? `${each.state} (${each.reasonResolved})`
                  : each.state,
                each.reasonCreated,
                ago(each.scheduled),
                ago(each.resolved),
                each.workerId ?? '',
              ],
            })),
          ),
        ],
    el('p', null, outside(side.page, 'Open in Taskcluster')),
  );
}

/** As Buildbot shows it now, or why it does not. */
export function here(side) {
  return panel(
    'Buildbot says',
    side.error
      ? el('p', {class: 'wrong'}, side.error)
      : [
          facts([
            ['Request', `${side.requestId}, made for ${side.madeFor}`],
            ['Claimed', side.claimed ? 'yes' : 'no'],
            ['Complete', side.complete ? `yes: ${side.results}` : 'no'],
            ['Submitted', when(side.submittedAt)],
            ['Priority', String(side.priority)],
          ]),
          table(
            'Builds in Buildbot',
            ['Number', 'Worker', 'Started', 'Ended', 'Result'],
            (side.builds ?? []).map((each) => ({
              key: String(each.buildId),
              cells: [
                each.number,
                each.worker,
                ago(each.startedAt),
                ago(each.completeAt),
                [each.results ?? '', ' ', el('span', {class: 'faint'}, said(each.state))],
              ],
            })),
          ),
        ],
    side.page ? el('p', null, outside(side.page, 'Open in Buildbot')) : null,
  );
}
