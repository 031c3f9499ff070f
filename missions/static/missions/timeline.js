/**
 * A room as the rows of its log: day marks, one head per run of an author, entries, the line of a
 * resumed connection. Pure; `render_log.js` puts the rows on the page.
 *
 * @typedef {import('./types.js').Room} Room
 * @typedef {import('./types.js').Update} Update
 * @typedef {import('./types.js').AgentName} AgentName
 * @typedef {import('./types.js').Clearance} Clearance
 * @typedef {{key: string, type: 'day', at: string}
 *   | {key: string, type: 'head', author: AgentName}
 *   | {key: string, type: 'entry', update: Update, kept: boolean}
 *   | {key: string, type: 'resumed', count: number, at: number}} Row
 */
import { CLEARANCE_NAME, KIND_NAME, ROLE_NAME, highest } from './words.js';

/** All that is held, in order: the stream, with own updates that it lacks put in by time. @param {Room} room @returns {{update: Update, seq: number | null}[]} */
export function held(room) {
  if (room.sent.length === 0) return room.entries;
  /** @type {{update: Update, seq: number | null}[]} */
  const all = [...room.entries];
  const oldest = room.entries[0];
  const whole = !oldest || oldest.seq === 1;
  const mine = [...room.sent].sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
  for (const update of mine) {
    const place = all.findLastIndex((entry) => entry.update.created_at <= update.created_at);
    if (place >= 0 || whole) all.splice(place + 1, 0, { update, seq: null });
  }
  return all;
}

/** Whether the words are all in what one can read of the update. @param {Update} update @param {string} filter */
export function matches(update, filter) {
  const text = [
    update.body, update.author.codename, ROLE_NAME[update.author.role], KIND_NAME[update.kind],
    CLEARANCE_NAME[update.classification],
  ].join('\n').toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** How many entries the filter hides, and how many alerts and orders among them came after a number. @param {Room} room @param {string} filter @param {number} since */
export function hiddenBy(room, filter, since) {
  const hidden = held(room).filter(({ update }) => !matches(update, filter));
  const urgent = hidden.filter(({ seq, update }) =>
    seq !== null && seq > since && (update.kind === 'alert' || update.kind === 'order'));
  return { hidden: hidden.length, urgent: urgent.length };
}

/** The highest classification of the rows, the mission's own at least, and what stands beside. @param {Row[]} rows @param {Clearance} least @param {Clearance[]} [beside] */
export function highestOf(rows, least, beside = []) {
  return highest([least, ...beside, ...rows.flatMap((row) => (row.type === 'entry' ? [row.update.classification] : []))]);
}

/**
 * @param {Room} room
 * @param {string} filter words that an entry must have
 * @param {(time: string) => string} dayOf the reader's day of a time, as a key
 * @returns {Row[]}
 */
export function rowsOf(room, filter, dayOf) {
  /** @type {Row[]} */
  const rows = [];
  const { resumed } = room;
  let day = '';
  let run = '';
  let marked = resumed === null;
  for (const { update, seq } of held(room)) {
    if (resumed && !marked && seq !== null && seq > resumed.after) {
      rows.push(resumedRow(resumed));
      marked = true;
      run = '';
    }
    if (filter && !matches(update, filter)) continue;
    const today = dayOf(update.created_at);
    if (today !== day) {
      rows.push({ key: `day:${today}`, type: 'day', at: update.created_at });
      day = today;
      run = '';
    }
    const author = `${update.author.codename}\n${update.author.role}`;
    if (update.kind === 'status') run = '';
    else if (author !== run) {
      rows.push({ key: `head:${update.id}`, type: 'head', author: update.author });
      run = author;
    }
    rows.push({ key: update.id, type: 'entry', update, kept: seq !== null });
  }
  if (resumed && !marked) rows.push(resumedRow(resumed));
  return rows;
}

/** @param {import('./types.js').Resumed} resumed @returns {Row} */
function resumedRow({ count, at }) {
  return { key: `resumed:${at}`, type: 'resumed', count, at };
}
