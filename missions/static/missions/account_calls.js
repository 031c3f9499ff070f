/**
 * The calls about one's own account: sessions, password, second factor.
 *
 * @typedef {{id: string, address: string | null, user_agent: string, opened_at: string}} OpenConnection
 * @typedef {{id: string, kind: 'login' | 'service' | 'admin', name: string, current: boolean,
 *   address: string | null, user_agent: string, created_at: string, refreshed_at: string,
 *   expires_at: string, connections: OpenConnection[]}} Session
 * @typedef {{enrolled: boolean, recovery_codes: number}} Factor
 */
import { call } from './api.js';

/** @returns {Promise<Session[]>} */
export const sessions = () => call('GET', '/api/auth/sessions');
/** @param {string} id */
export const endSession = (id) => call('DELETE', `/api/auth/sessions/${id}`);
export const endOtherSessions = () => call('DELETE', '/api/auth/sessions');

/** @param {string} current @param {string} chosen @param {string} otp empty: no second factor is set */
export const changePassword = (current, chosen, otp) =>
  call('POST', '/api/auth/password', { current_password: current, new_password: chosen, ...(otp ? { otp } : {}) });

/** @returns {Promise<Factor>} */
export const factor = () => call('GET', '/api/auth/otp');
/** @param {string} password @returns {Promise<{secret: string, uri: string}>} */
export const enrol = (password) => call('POST', '/api/auth/otp/enrol', { password });
/** @param {string} otp @returns {Promise<{recovery_codes: string[]}>} */
export const confirm = (otp) => call('POST', '/api/auth/otp/confirm', { otp });
/** @param {string} password @param {string} otp */
export const disable = (password, otp) => call('DELETE', '/api/auth/otp', { password, otp });
/** @param {string} uri @returns {Promise<string>} the QR code as SVG */
export const picture = (uri) => call('POST', '/api/auth/otp/picture', { uri });
