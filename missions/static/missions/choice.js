/**
 * Which mission a fresh page shows. Pure.
 *
 * @typedef {import('./types.js').State} State
 */
import { byStanding } from './words.js';

/** The first active mission, else the first planned, else a closed one. @param {State} state @returns {string | null} */
export function firstChoice({ missions }) {
  return Object.values(missions).sort(byStanding)[0]?.id ?? null;
}
