/**
 * The state before anything happened, and how one room of it is replaced. Pure.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Room} Room
 */

/** @type {Room} */
export const EMPTY_ROOM = {
  sync: 'none', epoch: null, seq: 0, entries: [], sent: [], waiting: [], awaited: false,
  acknowledged: {}, back: 0, unread: 0, urgent: false, resumed: null, present: null, overdue: {},
};

/** @returns {State} */
export function initialState() {
  return {
    link: { state: 'connecting' }, agent: null, listed: false, missions: {}, rooms: {},
    selected: null, acknowledging: {}, notice: '', about: '',
  };
}

/** @param {State} state @param {string} id @param {Partial<Room>} change @returns {State} */
export function withRoom(state, id, change) {
  return { ...state, rooms: { ...state.rooms, [id]: { ...(state.rooms[id] ?? EMPTY_ROOM), ...change } } };
}

/** @template T @param {Record<string, T>} from @param {string} key @returns {Record<string, T>} */
export function without(from, key) {
  const { [key]: _gone, ...rest } = from;
  return rest;
}

/** Whether all of its log is held. @param {Room} room */
export function isWhole(room) {
  return room.epoch !== null && (room.entries[0]?.seq ?? 1) === 1;
}
