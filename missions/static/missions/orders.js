/**
 * What this agent still has to acknowledge. Pure.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Update} Update
 */

import { isWhole } from './state.js';

/** When the time for acknowledging is up, in ms; never for an order without a limit. @param {Update} update */
export function dueAt(update) {
  return update.ack_within === null ? Infinity : Date.parse(update.created_at) + update.ack_within * 1000;
}

/** Whether this agent wrote it: codenames are unique. @param {State} state @param {Update} update */
export function isOwn(state, update) {
  return state.agent?.codename === update.author.codename;
}

/**
 * Whether this agent is asked for it: every member but the author. Only directors see missions that
 * they are no members of; presence names them only where they are.
 *
 * @param {State} state @param {string} mission @param {Update} update
 */
export function asksFor({ agent, rooms }, mission, update) {
  if (!agent || !update.requires_ack || agent.codename === update.author.codename) return false;
  const present = rooms[mission]?.present ?? [];
  return agent.role !== 'director' || present.some((one) => one.codename === agent.codename);
}

/** Unacknowledged in all rooms, also what is older than their logs here; the most pressing first. @param {State} state */
export function openOrders(state) {
  return Object.entries(state.rooms)
    .flatMap(([mission, room]) => {
      const asked = new Map(room.waiting.map((update) => [update.id, update]));
      for (const { update } of room.entries) if (asksFor(state, mission, update)) asked.set(update.id, update);
      return [...asked.values()].filter(({ id }) => !room.acknowledged[id]).map((update) => ({ mission, update }));
    })
    .sort((a, b) => {
      const [first, second] = [dueAt(a.update), dueAt(b.update)];
      if (first !== second) return first < second ? -1 : 1;
      return a.update.created_at < b.update.created_at ? -1 : 1;
    });
}

/** Whether it is known what waits, in every room that is held. @param {State} state */
export function ordersKnown({ listed, rooms }) {
  return listed && Object.values(rooms).every((room) => room.sync === 'none' || room.awaited || isWhole(room));
}
