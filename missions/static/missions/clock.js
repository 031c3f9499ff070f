/** Times as the reader's zone has them, and the UTC beside them. Knows no state. */
import { span } from './words.js';

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });
const dayWithYear = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
const key = new Intl.DateTimeFormat('en-CA', { year: 'numeric', month: '2-digit', day: '2-digit' });

/** `14:02`. @param {string | number} at */
export const clockTime = (at) => time.format(new Date(at));

/** A key of the reader's day: `2026-11-23`. @param {string | number} at */
export const dayKey = (at) => key.format(new Date(at));

/** `2026-11-23 14:02:07.412 UTC`. @param {string} at */
export const exactUtc = (at) => `${at.replace('T', ' ').replace('Z', '')} UTC`;

/** `Today`, `Yesterday`, `Monday 23 November`. @param {string} at @param {number} now */
export function dayName(at, now) {
  if (dayKey(at) === dayKey(now)) return 'Today';
  if (dayKey(at) === dayKey(now - 86_400_000)) return 'Yesterday';
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return (sameYear ? day : dayWithYear).format(new Date(at)).replace(',', '');
}

/**
 * The clock of an order.
 *
 * @param {string} createdAt @param {number} within seconds @param {number} now ms
 * @returns {{text: string, overdue: boolean}} `due in 4 min`, `overdue by 2 min`
 */
export function due(createdAt, within, now) {
  const left = Date.parse(createdAt) / 1000 + within - now / 1000;
  return left >= 0
    ? { text: `due in ${span(left)}`, overdue: false }
    : { text: `overdue by ${span(-left)}`, overdue: true };
}
