/**
 * Which missions this agent has: the list, its changes, and what goes with a mission. Pure.
 *
 * After a change of access the server sends a `mission` frame for each mission that is left and
 * `unsubscribed` for each that is not, so that nothing has to be listed again.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Frame} Frame
 * @typedef {import('./types.js').Mission} Mission
 */
import { CLEARANCE_NAME, ROLE_NAME } from './words.js';
import { initialState, without } from './state.js';

const ENDED = 'Your access to this mission has ended.';

/** @type {Record<string, (state: State, frame: Frame) => State>} */
export const MEMBERSHIP = {
  welcome, mission, unsubscribed, access_changed: accessChanged,
  '@gone': (state, frame) => wipe(state, frame.mission, 'This mission is not available to you.'),
};

/** @param {State} state @param {Frame} frame @returns {State} */
function welcome(state, frame) {
  const same = state.agent === null || state.agent.id === frame.agent.id;
  const before = same ? state : { ...initialState(), link: state.link };
  const moved = before.agent !== null
    && (before.agent.role !== frame.agent.role || before.agent.clearance !== frame.agent.clearance);
  const kept = moved ? { ...before, rooms: {} } : before;
  return listMissions({ ...kept, agent: frame.agent }, frame.missions);
}

/** @param {State} state @param {Mission[]} list @returns {State} */
function listMissions(state, list) {
  const missions = Object.fromEntries(list.map((one) => [one.id, one]));
  const rooms = Object.fromEntries(
    Object.entries(state.rooms).filter(([id]) => Object.hasOwn(missions, id)),
  );
  const lostOne = state.selected !== null && !Object.hasOwn(missions, state.selected);
  const told = lostOne && state.listed ? { notice: ENDED, about: `mission:${state.selected}` } : {};
  return { ...state, missions, rooms, listed: true, selected: lostOne ? null : state.selected, ...told };
}

/** @param {State} state @param {Frame} frame @returns {State} */
function mission(state, frame) {
  const { id } = frame.mission;
  const back = state.about === `mission:${id}` ? { notice: '', about: '' } : {};
  return { ...state, listed: true, missions: { ...state.missions, [id]: frame.mission }, ...back };
}

/** @param {State} state @param {Frame} frame @returns {State} */
function unsubscribed(state, frame) {
  if (frame.reason === 'access_revoked') return wipe(state, frame.mission, ENDED);
  return { ...state, rooms: without(state.rooms, frame.mission) };
}

/**
 * Everything held is void. Where there were missions, a frame for each follows: until the first of
 * them nobody knows what is left.
 *
 * @param {State} state @param {Frame} frame @returns {State}
 */
function accessChanged(state, frame) {
  const { role, clearance } = /** @type {import('./types.js').Agent} */ (/** @type {unknown} */ (frame));
  const agent = state.agent && { ...state.agent, role, clearance };
  const notice = `Your access changed: ${ROLE_NAME[role]}, cleared for ${CLEARANCE_NAME[clearance].toLowerCase()}.`;
  const listed = state.listed && Object.keys(state.missions).length === 0;
  return { ...initialState(), link: state.link, selected: state.selected, listed, agent, notice, about: 'access' };
}

/** @param {State} state @param {string} id @param {string} notice @returns {State} */
function wipe(state, id, notice) {
  const chosen = state.selected === id;
  return {
    ...state, listed: true, missions: without(state.missions, id), rooms: without(state.rooms, id),
    selected: chosen ? null : state.selected, ...(chosen ? { notice, about: `mission:${id}` } : {}),
  };
}
