/** Which mission a fresh page shows. Pure. @typedef {import('./types.js').State} State */
import { byCodename } from './words.js';

const RANK = { active: 0, planned: 1, completed: 2, aborted: 2 };

/** The first active mission, else the first planned, else a closed one. @param {State} state @returns {string | null} */
export function firstChoice({ missions }) {
  const all = Object.values(missions).sort((a, b) => RANK[a.status] - RANK[b.status] || byCodename(a, b));
  return all[0]?.id ?? null;
}
