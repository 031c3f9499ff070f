/**
 * What this agent still has to acknowledge. Pure.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Update} Update
 */

/** When the time for acknowledging is up, in ms; never for an order without a limit. @param {Update} update */
export function dueAt(update) {
  return update.ack_within === null ? Infinity : Date.parse(update.created_at) + update.ack_within * 1000;
}

/** Whether this agent wrote it: codenames are unique. @param {State} state @param {Update} update */
export function isOwn(state, update) {
  return state.agent?.codename === update.author.codename;
}

/** Whether this agent may be asked for it: everybody but the author. @param {State} state @param {Update} update */
export function asksFor(state, update) {
  return update.requires_ack && !isOwn(state, update);
}

/** Unacknowledged in all rooms that are held, the most pressing first. @param {State} state */
export function openOrders(state) {
  return Object.entries(state.rooms)
    .flatMap(([mission, room]) => room.entries.map(({ update }) => ({ mission, update, room })))
    .filter(({ update, room }) => asksFor(state, update) && !room.acknowledged[update.id])
    .map(({ mission, update }) => ({ mission, update }))
    .sort((a, b) => {
      const [first, second] = [dueAt(a.update), dueAt(b.update)];
      if (first !== second) return first < second ? -1 : 1;
      return a.update.created_at < b.update.created_at ? -1 : 1;
    });
}
