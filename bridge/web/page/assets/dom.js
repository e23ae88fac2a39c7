// Elements out of values. Text goes in as text: nothing in these files reads a text as markup, and the policy of the page
// would not let it.

const DRAWN = 'http://www.w3.org/2000/svg';

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const el = (name, attributes, ...children) => filled(document.createElement(name), attributes, children);
export const drawn = (name, attributes, ...children) => filled(document.createElementNS(DRAWN, name), attributes, children);

/** A link to another system; only as a link if it is one of the web. */
export function outside(address, text) {
  return /^https?:\/\//i.test(address ?? '') ? el('a', {href: address, rel: 'noreferrer'}, text) : el('span', null, text);
}

/** A text of any length and form: what is long has a frame of its own. */
export function said(text) {
  if (text === null || text === undefined || text === '') return '';
  return text.length > 160 || text.includes('\n')
    ? el('span', {class: 'long', tabindex: 0, role: 'group', 'aria-label': 'text'}, text)
    : text;
}

/** A sentence, with what stands between backquotes as what one types. */
export const prose = (text) => text.split('`').map((each, at) => (at % 2 ? el('code', null, each) : each));

/** A table in a frame that scrolls by itself. Cells are [name, content] or content; rows are {key, cells}. */
export function table(label, heads, rows, kind = '') {
  const body = rows.map(({key, cells}) =>
    el(
      'tr',
      {'data-key': key},
      cells.map((cell, at) => cellOf(cell, heads[at])),
    ),
  );
  return el(
    'div',
    {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label},
    el(
      'table',
      {class: kind},
      el(
        'thead',
        null,
        el(
          'tr',
          null,
          heads.map((head) => el('th', {scope: 'col'}, head)),
        ),
      ),
      el('tbody', null, body),
    ),
  );
}

function cellOf(cell, head) {
  const kind = typeof cell === 'number' ? 'number' : 'text';
  return el(
    'td',
    {class: kind, 'data-name': head},
    cell === null || cell === undefined ? '' : typeof cell === 'number' ? String(cell) : cell,
  );
}

/** A list of what is known; facts without a value are left out. */
export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return el(
    'dl',
    {class: 'facts'},
    known.map(([name, value]) => [el('dt', null, name), el('dd', {class: 'text'}, value)]),
  );
}

export function panel(title, ...children) {
  return el('section', {class: 'panel', 'data-key': title}, el('h2', null, title), children);
}

/** Make what is shown the same as what is new, and leave alone what is the same: focus, places in lists, open details. */
export function show(parent, ...children) {
  const fresh = el(parent.nodeName);
  fresh.append(...children.flat(3).filter(Boolean));
  sameChildren(parent, fresh);
}

function sameChildren(old, fresh) {
  const keyed = new Map([...old.children].filter((child) => child.dataset?.key).map((child) => [child.dataset.key, child]));
  let here = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const key = child.dataset?.key;
    const match = key ? keyed.get(key) : here && !here.dataset?.key && here.nodeName === child.nodeName ? here : null;
    if (!match) {
      if (key && here && child.nodeName === 'TR') child.classList.add('fresh');
      old.insertBefore(child, here);
      continue;
    }
    if (match === here) here = here.nextSibling;
    else old.insertBefore(match, here);
    same(match, child);
  }
  while (here) {
    const next = here.nextSibling;
    here.remove();
    here = next;
  }
}

function same(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh);
    return;
  }
  const kept = (name) => (old.nodeName === 'DETAILS' && name === 'open') || (name === 'class' && old.nodeName === 'TR');
  for (const {name} of [...old.attributes]) if (!fresh.hasAttribute(name) && !kept(name)) old.removeAttribute(name);
  for (const {name, value} of [...fresh.attributes])
    if (old.getAttribute(name) !== value && !kept(name)) old.setAttribute(name, value);
  sameChildren(old, fresh);
}
