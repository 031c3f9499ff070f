/**
 * A draft: everything that was chosen and typed for one mission, and what is wrong with it now. Pure.
 *
 * What the author may no longer choose is never exchanged for something else here: the place of the
 * choice is empty and says so until somebody chooses.
 *
 * @typedef {import('./types.js').Agent} Agent
 * @typedef {import('./types.js').Mission} Mission
 * @typedef {import('./types.js').Kind} Kind
 * @typedef {import('./types.js').Clearance} Clearance
 * @typedef {import('./types.js').Role} Role
 * @typedef {{lat: string, lon: string, accuracy: number | null}} Place as typed; metres
 * @typedef {{text: string, kind: Kind, classification: Clearance, roles: Role[], asksAck: boolean,
 *   within: string, place: Place}} Draft `within` seconds, or nothing for no limit
 * @typedef {'message' | 'kind' | 'classification' | 'lat' | 'lon'} Field
 * @typedef {{field: Field, sentence: string, code?: string}} Problem `code`: of the refusal it came with
 */
import { BODY_LENGTH, CLEARANCE_NAME, KIND_NAME, ROLE_NAME, classificationsBetween, kindsFor } from './words.js';

export const WITHIN = '900';

/** @param {Mission} mission @returns {Draft} */
export function emptyDraft({ classification }) {
  return {
    text: '', kind: 'message', classification, roles: [], asksAck: false, within: WITHIN,
    place: { lat: '', lon: '', accuracy: null },
  };
}

/** Whether nothing was typed or chosen: such a draft follows its mission. @param {Draft} draft @param {Clearance} offered at first */
export function isUntouched({ text, kind, classification, roles, place }, offered) {
  return !text && kind === 'message' && roles.length === 0 && classification === offered && !place.lat && !place.lon;
}

/** Which choices no longer stand, each beside its field. @param {Draft} draft @param {Agent} agent @param {Mission} mission @returns {Problem[]} */
export function notAllowed({ kind, classification }, agent, mission) {
  /** @type {Problem[]} */
  const problems = [];
  if (!kindsFor(agent.role).includes(kind)) {
    problems.push({ field: 'kind', sentence: `${ROLE_NAME[agent.role]}s send no ${KIND_NAME[kind].toLowerCase()}. Choose a kind.` });
  }
  const offered = classificationsBetween(mission.classification, agent.clearance);
  if (offered.length && !offered.includes(classification)) {
    problems.push({ field: 'classification', sentence: `${CLEARANCE_NAME[classification]} is not possible here any more. Choose anew.` });
  }
  return problems;
}

/** What has to be put right before it can be sent, the first of it. @param {Draft} draft @param {Agent} agent @param {Mission} mission @returns {Problem | null} */
export function wrongWith(draft, agent, mission) {
  if (!draft.text.trim()) return { field: 'message', sentence: 'Write something first.' };
  const long = tooLong(draft.text);
  if (long) return { field: 'message', sentence: long };
  return notAllowed(draft, agent, mission)[0] ?? (draft.kind === 'position' ? wrongPlace(draft.place) : null);
}

/** @param {string} text */
export function tooLong(text) {
  const over = [...text].length - BODY_LENGTH;
  return over > 0 ? `A message has 8,000 characters at most. This one has ${over.toLocaleString('en')} too many.` : '';
}

/** @param {Place} place @returns {Problem | null} */
function wrongPlace({ lat, lon }) {
  if (!within(lat, 90)) return { field: 'lat', sentence: 'Lat is a number of degrees from -90 to 90.' };
  return within(lon, 180) ? null : { field: 'lon', sentence: 'Lon is a number of degrees from -180 to 180.' };
}

/** What is sent. @param {Draft} draft @returns {Record<string, unknown>} */
export function fieldsOf({ text, kind, classification, roles, asksAck, within: seconds, place }) {
  const asks = asksAck && mayAskAck(kind);
  const data = { lat: degrees(place.lat), lon: degrees(place.lon), ...(place.accuracy === null ? {} : { accuracy: place.accuracy }) };
  return {
    kind, body: text, classification, roles, ...(kind === 'position' ? { data } : {}),
    ...(asks ? { requires_ack: true, ack_within: seconds ? Number(seconds) : null } : {}),
  };
}

/** @param {Kind} kind */
export function mayAskAck(kind) {
  return kind === 'order' || kind === 'alert';
}

/** @param {string} typed a comma is good too */
function degrees(typed) {
  return Number(typed.trim().replace(',', '.'));
}

/** @param {string} typed @param {number} most */
function within(typed, most) {
  return typed.trim() !== '' && Math.abs(degrees(typed)) <= most;
}
