// How runs are named and coloured. A colour never stands alone: its word is beside it.

import {part} from './api.js';
import {el} from './dom.js';

/** Phases in the order of a life, with what is true in each. */
export const PHASES = {
  wanted: 'pending in Taskcluster, no build request yet',
  queued: 'has a build request, waits for a worker',
  building: 'its build runs',
  reporting: 'the build is over, Taskcluster is being told',
  refused: 'not admitted, Taskcluster is being told why',
  stopping: 'no longer wanted, its build is being stopped',
  settled: 'over',
};

/** The word and the colour of a run. */
export function stateOf(run) {
  if (run.phase !== 'settled') return {words: run.phase, tone: run.phase};
  const words = (run.outcome ?? 'settled').replace(/^resolved as /, '').slice(0, 60);
  return {words, tone: toneOf(words)};
}

export function toneOf(outcome) {
  if (/completed/.test(outcome)) return 'completed';
  return /failed|exception|malformed/.test(outcome) ? 'failed' : 'settled';
}

export const chip = (words, tone) => el('span', {class: 'chip', 'data-tone': tone, title: PHASES[words]}, words);
export const stateChip = (run) => {
  const {words, tone} = stateOf(run);
  return chip(words, tone);
};

export const runPath = (run) => `/runs/${part(run.taskId)}/${part(run.runId)}`;
export const runLink = (run) => el('a', {class: 'code name', href: runPath(run)}, `${run.taskId}/${run.runId}`);
export const groupPath = (group) => `/groups/${part(group)}`;
export const builderLink = (run) =>
  run.builder ? el('a', {class: 'name', href: `/runs?builder=${part(run.builder)}`}, shortened(run.builder, 60)) : '';

export function shortened(text, most) {
  const letters = [...text];
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : text;
}

/** What there is to say of a run in a line. */
export const because = (run) => run.held ?? run.reason ?? run.verdict ?? (run.phase === 'settled' ? '' : run.outcome) ?? '';

export const stuckMark = (run) =>
  run.stuck.length ? el('span', {class: 'chip look'}, run.stuck[0].replaceAll('_', ' ')) : '';
