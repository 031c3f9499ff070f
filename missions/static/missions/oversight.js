/**
 * What a room tells those who oversee it beside the log: who is there, and what is overdue. Pure.
 *
 * The server says once that an update is overdue, to its author, handlers and directors. Who comes
 * later asks what is, then for the receipts of each; both ways end in `room.overdue`.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Room} Room
 * @typedef {import('./types.js').Frame} Frame
 * @typedef {import('./types.js').Update} Update
 * @typedef {import('./types.js').AgentName} AgentName
 * @typedef {{mission: string, update: Update, missing: AgentName[] | null}} Overdue
 */
import { dueAt, isOwn } from './orders.js';
import { held } from './timeline.js';
import { mayStaff } from './words.js';

/** How a room changes by each of these frames. @type {Record<string, (room: Room, frame: Frame) => Partial<Room>>} */
export const OVERSIGHT = {
  presence: (_room, frame) => ({ present: frame.agents }),
  overdue: (room, frame) => late(room, frame.update, frame.agents),
  receipt: (room, { update, agent }) => {
    const missing = room.overdue[update]?.missing?.filter((one) => one.codename !== agent.codename);
    return missing ? late(room, update, missing) : {};
  },
  '@receipts': (room, frame) => late(room, frame.update,
    frame.receipts.flatMap((/** @type {import('./types.js').Receipt} */ one) => (one.at ? [] : [one.agent]))),
  '@overdue_update': (room, { update }) => {
    const known = room.overdue[update.id];
    return known ? { overdue: { ...room.overdue, [update.id]: { ...known, update } } } : {};
  },
};

/** @param {Room} room @param {string} update @param {AgentName[]} missing @returns {Partial<Room>} */
function late(room, update, missing) {
  return { overdue: { ...room.overdue, [update]: { update: room.overdue[update]?.update ?? null, missing } } };
}

/** Whether this agent is told who has acknowledged. @param {State} state @param {Update} update */
export function oversees(state, update) {
  return state.agent !== null && (mayStaff(state.agent.role) || isOwn(state, update));
}

/** Who let the time pass, as far as is known here. @param {State} state @param {string} mission @param {Update} update @returns {AgentName[]} */
export function missing(state, mission, update) {
  return state.rooms[mission]?.overdue[update.id]?.missing ?? [];
}

/** What is overdue in all rooms that are held, the longest overdue first. @param {State} state @returns {Overdue[]} */
export function overdueIn(state) {
  return Object.entries(state.rooms)
    .flatMap(([mission, room]) => {
      const updates = new Map(held(room).map(({ update }) => [update.id, update]));
      return Object.entries(room.overdue).flatMap(([id, one]) => {
        const update = updates.get(id) ?? one.update;
        return update ? [{ mission, update, missing: one.missing }] : [];
      });
    })
    .filter((one) => one.missing === null || one.missing.length > 0)
    .sort((a, b) => dueAt(a.update) - dueAt(b.update));
}

/** Overdue updates of which nobody here knows who is missing now, those of the selected room first. @param {State} state @returns {{mission: string, id: string}[]} */
export function unknownReceipts({ rooms, selected }) {
  return Object.entries(rooms)
    .filter(([, room]) => room.sync === 'current')
    .sort(([a], [b]) => Number(b === selected) - Number(a === selected))
    .flatMap(([mission, room]) => Object.entries(room.overdue)
      .filter(([, one]) => one.missing === null || one.stale).map(([id]) => ({ mission, id })));
}

/** Whether it is known what is overdue, in every room that is held. @param {State} state */
export function overdueKnown({ listed, rooms }) {
  return listed && Object.values(rooms).every((room) => room.sync === 'none' || room.awaited);
}
