/**
 * HTTP with the cookie credential: JSON in, JSON out, CSRF, and one renewal at a time.
 *
 * The only module that fetches. Holds no token: the pair is in HttpOnly cookies that no script reads.
 *
 * @typedef {import('./types.js').Mission} Mission
 * @typedef {import('./types.js').Candidate} Candidate
 * @typedef {import('./types.js').Page} Page
 * @typedef {import('./socket.js').Renewal} Renewal
 */

const TIMEOUT = 15_000;

/** An answer that says no, or no answer at all (`status` 0). `field` names the part of the input. */
export class Refused extends Error {
  /** @param {number} status @param {string} code @param {string} message @param {string} [field] */
  constructor(status, code, message, field) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

/** @param {string} name */
function cookie(name) {
  const found = document.cookie.split('; ').find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : '';
}

/** @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>} */
async function once(method, path, body) {
  /** @type {Record<string, string>} */
  const headers = { Accept: 'application/json' };
  if (method !== 'GET') headers['X-CSRFToken'] = cookie('csrftoken');
  if (body) headers['Content-Type'] = 'application/json';
  /** @type {Response} */
  let response;
  try {
    response = await fetch(path, {
      method, headers, credentials: 'same-origin', cache: 'no-store',
      body: body ? JSON.stringify(body) : undefined, signal: AbortSignal.timeout(TIMEOUT),
    });
  } catch {
    throw new Refused(0, 'unreachable', 'HQ cannot be reached. Check the network and try again.');
  }
  const text = await response.text();
  const json = /json/.test(response.headers.get('Content-Type') ?? '');
  const answer = json && text ? JSON.parse(text) : text || null;
  if (response.ok) return answer;
  const message = answer?.message ?? `HQ answered with status ${response.status}.`;
  throw new Refused(response.status, answer?.code ?? 'unavailable', message, answer?.field);
}

/** One call; an expired access cookie is renewed once and the call made again. @param {string} method @param {string} path @param {object} [body] */
export async function call(method, path, body) {
  try {
    return await once(method, path, body);
  } catch (error) {
    if (!(error instanceof Refused) || !error.code.startsWith('token_')) throw error;
    if ((await renew()) !== 'ok') throw error;
    return once(method, path, body);
  }
}

/** @type {Promise<Renewal> | null} */
let renewing = null;

/** A new cookie pair; callers at the same time share one request. @returns {Promise<Renewal>} */
export function renew() {
  renewing ??= exchange().finally(() => { renewing = null; });
  return renewing;
}

function exchange() {
  return standing(() => once('POST', '/api/auth/refresh', {}));
}

/** Whether the cookie is good for a socket; an expired one is renewed. @returns {Promise<Renewal>} */
export function check() {
  return standing(() => call('GET', '/api/auth/me'));
}

/** @param {() => Promise<unknown>} ask @returns {Promise<Renewal>} */
async function standing(ask) {
  try {
    await ask();
    return 'ok';
  } catch (error) {
    const refused = error instanceof Refused && (error.status === 401 || error.status === 403);
    return refused ? 'refused' : 'unavailable';
  }
}

/** @param {string} username @param {string} password @param {string} [otp] */
export function logIn(username, password, otp) {
  return once('POST', '/api/auth/login', { username, password, transport: 'cookie', ...(otp ? { otp } : {}) });
}

export function logOut() {
  return once('POST', '/api/auth/logout', {});
}

/** @returns {Promise<string | null>} a ticket of the fresh cookie, null when there is none now */
export async function ticket() {
  try {
    return (await once('POST', '/api/auth/ticket', {})).ticket;
  } catch {
    return null;
  }
}

/** @param {{codename: string, objective: string, classification: string}} fields @returns {Promise<Mission>} */
export const createMission = (fields) => call('POST', '/api/missions', fields);
/** @param {string} id @param {Partial<Mission>} fields @returns {Promise<Mission>} */
export const changeMission = (id, fields) => call('PATCH', `/api/missions/${id}`, fields);
/** @param {string} id @returns {Promise<Candidate[]>} */
export const members = (id) => call('GET', `/api/missions/${id}/members`);
/** @param {string} id @param {string} agent */
export const addMember = (id, agent) => call('POST', `/api/missions/${id}/members`, { agent });
/** @param {string} id @param {string} agent */
export const removeMember = (id, agent) => call('DELETE', `/api/missions/${id}/members/${agent}`);
/** @param {string} search @returns {Promise<Candidate[]>} */
export const candidates = (search) => call('GET', `/api/agents?search=${encodeURIComponent(search)}`);
/** @param {string} update @returns {Promise<import('./types.js').Receipt[]>} */
export const receipts = (update) => call('GET', `/api/updates/${update}/receipts`);
/** @param {string} id @param {string} before @param {string} epoch @returns {Promise<Page>} */
export const pageBefore = (id, before, epoch) =>
  call('GET', `/api/missions/${id}/updates?limit=100&before=${before}&epoch=${encodeURIComponent(epoch)}`);
/** Own updates listed at once. */
export const OWN_PAGE = 50;
/** @param {string} id @returns {Promise<Page>} */
export const ownPage = (id) => call('GET', `/api/missions/${id}/updates?limit=${OWN_PAGE}&author=me`);
/** The newest that wait for an acknowledgement. @param {string} id @param {'me' | 'others'} whom @returns {Promise<Page>} */
export const awaitingPage = (id, whom) => call('GET', `/api/missions/${id}/updates?limit=200&awaiting=${whom}`);
