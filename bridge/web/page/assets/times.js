// Moments for people: how long ago or how soon, and exactly on request.

import {now} from './api.js';
import {el} from './dom.js';

const STEPS = [
  [86400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
];
const exact = new Intl.DateTimeFormat(undefined, {dateStyle: 'medium', timeStyle: 'medium'});
const clock = new Intl.DateTimeFormat(undefined, {hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'});
const day = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

/** Seconds in words: the two largest units that count. */
export function lasting(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const at = STEPS.findIndex(([size]) => whole >= size);
  if (at < 0) return '0 s';
  const [size, unit] = STEPS[at];
  const rest = at + 1 < STEPS.length ? Math.floor((whole % size) / STEPS[at + 1][0]) : 0;
  return `${Math.floor(whole / size)} ${unit}${rest && whole < 172800 ? ` ${rest} ${STEPS[at + 1][1]}` : ''}`;
}

function apart(moment) {
  const seconds = (now() - Date.parse(moment)) / 1000;
  if (Math.abs(seconds) < 1) return 'now';
  return seconds > 0 ? `${lasting(seconds)} ago` : `in ${lasting(-seconds)}`;
}

/** A moment as it is to be read: "3 min ago", which goes on by itself; '' for none. */
export function ago(moment) {
  return moment
    ? el('time', {datetime: moment, title: exact.format(new Date(moment)), 'data-ago': true}, apart(moment))
    : '';
}

/** A moment with its exact time. */
export function when(moment) {
  return moment ? el('span', null, exact.format(new Date(moment)), ' (', ago(moment), ')') : '';
}

/** For axes: the time of day, with the day if that is not clear. */
export const hour = (milliseconds, span) => (span > 86_400_000 ? day : clock).format(new Date(milliseconds));

/** Let all "ago" go on. */
export function tick() {
  for (const each of document.querySelectorAll('time[data-ago]')) {
    const words = apart(each.dateTime);
    if (each.firstChild?.data !== words) each.textContent = words;
  }
}
