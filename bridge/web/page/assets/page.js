// What all pages do: fill the content, keep it true while somebody looks, and say so when that cannot be done.

import {asQuery, Trouble} from './api.js';
import {el, prose, show} from './dom.js';
import {tick} from './times.js';

const EVERY = 15_000; // milliseconds: lives and claims change without a change of phase
const AGAIN = 5_000;
const content = document.getElementById('content');
const trouble = document.getElementById('trouble');
const sign = document.getElementById('live');

/** Fill the page with what `load` gives, now and whenever a change comes; `which`: the changes to hear of. */
export function page(load, {which = {}, pause = 700} = {}) {
  const state = {load, which, pause, timer: 0, busy: false, again: false, events: null};
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.page === document.body.dataset.page) link.setAttribute('aria-current', 'page');
  }
  document.addEventListener('keydown', shortcut);
  document.addEventListener('visibilitychange', () => (document.hidden ? rest(state) : begin(state)));
  addEventListener('pagehide', () => rest(state));
  addEventListener('pageshow', (event) => event.persisted && begin(state));
  addEventListener('resize', () => soon(state, 200));
  setInterval(() => document.hidden || tick(), 1000);
  begin(state);
}

/** The title of the window. */
export const named = (text) => {
  document.title = `${text} · Buildbot Bridge`;
};

/** The title of the page, in the window's title and on top. */
export function titled(text, ...more) {
  const top = document.querySelector('h1');
  show(top, text, ...more);
  named(top.textContent);
}

function shortcut(event) {
  const writing = event.target.closest('input, select, textarea, [contenteditable]');
  if (event.key !== '/' || writing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  document.querySelector('.search input').focus();
}

function begin(state) {
  if (!state.events && !document.hidden) watch(state);
  refresh(state);
}

/** A page that nobody sees holds no connection: a browser has six of them for all its tabs. */
function rest(state) {
  state.events?.close();
  state.events = null;
  clearTimeout(state.timer);
}

function watch(state) {
  state.events = new EventSource(`/api/v1/events${asQuery(state.which)}`);
  state.events.addEventListener('open', () => lives('live', 'live'));
  state.events.addEventListener('transition', () => soon(state, state.pause));
  state.events.addEventListener('reset', () => soon(state, 0));
  state.events.addEventListener('error', () => {
    lives('away', 'not live');
    soon(state, 500);
    if (state.events?.readyState !== EventSource.CLOSED) return;
    state.events = null;
    setTimeout(() => state.events || document.hidden || watch(state), AGAIN);
  });
}

function lives(state, words) {
  sign.dataset.state = state;
  if (sign.textContent !== words) sign.textContent = words;
}

/** Refresh after a while; many changes in that time are one refresh. */
function soon(state, after) {
  if (state.busy) {
    state.again = true;
    return;
  }
  if (state.next && state.next <= Date.now() + after) return;
  clearTimeout(state.timer);
  state.next = Date.now() + after;
  state.timer = setTimeout(() => refresh(state), after);
}

async function refresh(state) {
  if (state.busy) return;
  clearTimeout(state.timer);
  Object.assign(state, {busy: true, again: false, next: 0});
  let after = EVERY;
  try {
    const shown = await state.load();
    if (shown) show(content, shown);
    wrong(null);
  } catch (error) {
    wrong(error);
    after = AGAIN;
  }
  content.removeAttribute('aria-busy');
  state.busy = false;
  if (!document.hidden) soon(state, state.again && after === EVERY ? state.pause : after);
}

/** Say what is wrong, and what to do; what was known before stays. */
function wrong(error) {
  trouble.hidden = error === null;
  if (error === null) return;
  if (!(error instanceof Trouble)) console.error(error);
  const mend =
    error.mend ?? 'This page has a defect; the browser’s console says more. `bbb status` shows the same on a terminal.';
  show(trouble, el('strong', null, error.message), el('p', null, prose(mend)));
}
