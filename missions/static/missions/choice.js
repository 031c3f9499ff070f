/**
 * Which mission the page shows: what the address asks for, else what is shown, else a first one. Pure.
 *
 * @typedef {import('./types.js').State} State
 */
import { byStanding } from './words.js';

/** The first active mission, else the first planned, else a closed one. @param {State} state @returns {string | null} */
export function firstChoice({ missions }) {
  return Object.values(missions).sort(byStanding)[0]?.id ?? null;
}

/** Where a notice says why nothing is shown, nothing is chosen in its place. @param {State} state @param {string} hash @returns {string | null} */
export function chosen(state, hash) {
  const asked = /^#mission=([0-9a-f-]{36})$/.exec(hash)?.[1];
  if (asked && state.missions[asked]) return asked;
  return state.selected ?? (state.notice ? null : firstChoice(state));
}

/** The part of the address that asks for a mission. @param {string} mission */
export const addressOf = (mission) => `#mission=${mission}`;
