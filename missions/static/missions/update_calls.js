/**
 * The calls about one update: reading it, and what handlers and directors may do to it.
 *
 * @typedef {import('./types.js').Update} Update
 * @typedef {import('./types.js').Audience} Audience
 */
import { call } from './api.js';

/** @param {string} id @returns {Promise<Update>} */
export const readUpdate = (id) => call('GET', `/api/updates/${id}`);
/** @param {string} id @param {Partial<Audience>} audience @returns {Promise<Update>} */
export const reclassify = (id, audience) => call('PATCH', `/api/updates/${id}`, audience);
/** @param {string} id */
export const retract = (id) => call('DELETE', `/api/updates/${id}`);
