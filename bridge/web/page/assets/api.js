// Questions to the status API, as any reader asks them.

const BASE = '/api/v1/';
let ahead = 0; // milliseconds that the server's clock is ahead of this browser's

/** What the API says is wrong, in its own words. */
export class Trouble extends Error {
  constructor(status, said) {
    super(said.message);
    this.status = status;
    this.mend = said.mend;
  }
}

/** The time as the server has it. */
export const now = () => Date.now() + ahead;

/** Ask; values that are null or empty are not asked for, lists are repeated. Raises Trouble. */
export async function get(path, query = {}) {
  const response = await reached(BASE + path + asQuery(query));
  if (response.status === 401) {
    location.reload(); // the server shows how to sign in, at this address
    return new Promise(() => {});
  }
  const answer = await response
    .json()
    .catch(() => ({message: `The answer was no JSON (HTTP ${response.status}).`, mend: 'Is there a proxy in between?'}));
  if (!response.ok) throw new Trouble(response.status, answer);
  return answer;
}

async function reached(address) {
  try {
    const response = await fetch(address, {headers: {Accept: 'application/json'}, signal: AbortSignal.timeout(30_000)});
    const apart = Date.parse(response.headers.get('Date') ?? '') - Date.now();
    ahead = Math.abs(apart) > 2000 ? apart : 0;
    return response;
  } catch {
    throw new Trouble(0, {
      message: 'The bridge’s status does not answer.',
      mend: 'See that `bbb web` runs and this browser reaches it; this page asks again by itself.',
    });
  }
}

const remembered = new Map();

/** The same, as it was not longer ago than this; for answers that cost the database something. */
export function lately(path, milliseconds, query = {}) {
  const asked = path + asQuery(query);
  const known = remembered.get(asked);
  if (known && Date.now() - known.at < milliseconds) return known.answer;
  const answer = get(path, query);
  remembered.set(asked, {at: Date.now(), answer});
  answer.catch(() => remembered.delete(asked));
  return answer;
}

/** An address's query: without what is null or empty, lists repeated. */
export function asQuery(query) {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of [value].flat()) if (each !== null && each !== undefined && each !== '') said.append(name, each);
  }
  const text = String(said);
  return text ? `?${text}` : '';
}

/** A name as part of a path. */
export const part = encodeURIComponent;

/** The parts of this page's own path after the first; one that cannot be read is taken as it stands. */
export const parts = location.pathname.split('/').slice(2).map(read);

function read(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
