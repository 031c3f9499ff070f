/**
 * One row of the log as elements. Kind is told by icon and word, classification by mark and colour.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Update} Update
 * @typedef {import('./types.js').Receipt} Receipt
 * @typedef {import('./timeline.js').Row} Row
 * @typedef {{state: State, mission: string, receipts: Map<string, Receipt[] | 'loading'>}} Scene
 */
import { CLEARANCE_MARK, CLEARANCE_NAME, KIND_NAME, ROLE_NAME, counted, mayStaff, rolesInWords } from './words.js';
import { clockTime, dayName, due, exactUtc } from './clock.js';
import { h, say, unseen } from './dom.js';
import { icon } from './icons.js';
import { asksFor } from './orders.js';

/** What has to differ for a row to be drawn again. @param {Row} row @param {Scene} scene */
export function signature(row, { state, mission, receipts }) {
  if (row.type === 'day') return dayName(row.at, Date.now());
  if (row.type !== 'entry' || !row.update.requires_ack) return '';
  const { id } = row.update;
  const shown = receipts.get(id);
  return [
    Boolean(state.rooms[mission]?.acknowledged[id]), Boolean(state.acknowledging[id]), state.agent?.role,
    shown === undefined || shown === 'loading' ? shown : JSON.stringify(shown),
  ].join();
}

/** @param {Row} row @param {Scene} scene @returns {HTMLElement} */
export function rowNode(row, scene) {
  switch (row.type) {
    case 'day':
      return h('h2', { class: 'day' }, dayName(row.at, Date.now()));
    case 'head':
      return h('p', { class: 'head' }, h('strong', {}, row.author.codename), h('span', {}, ROLE_NAME[row.author.role]));
    case 'resumed':
      return h('p', { class: 'resumed' }, row.count === 0
        ? `Connection back at ${clockTime(row.at)}. Nothing was missed.`
        : `Connection back at ${clockTime(row.at)}. ${counted(row.count, 'update')} arrived meanwhile, all below.`);
    default:
      return entryNode(row.update, row.kept, scene);
  }
}

/** @param {Update} update @param {boolean} kept @param {Scene} scene */
function entryNode(update, kept, scene) {
  const said = KIND_NAME[update.kind];
  const status = update.kind === 'status';
  return h(
    'article',
    {
      class: 'entry', 'data-id': update.id, 'data-kind': update.kind, tabindex: -1,
      'aria-label': `${said} from ${update.author.codename}, ${CLEARANCE_NAME[update.classification]}, ${clockTime(update.created_at)}`,
    },
    timeNode(update.created_at),
    h('span', { class: 'kind' }, icon(update.kind), said),
    h('div', { class: 'body' }, update.body, coordinates(update), limits(update, kept)),
    h('span', { class: 'marks' },
      status && h('span', { class: 'by' }, `${update.author.codename}, ${ROLE_NAME[update.author.role]}`), mark(update)),
    update.requires_ack && ackNode(update, scene),
  );
}

/** @param {string} at */
function timeNode(at) {
  return h('time', { datetime: at, 'data-utc': exactUtc(at) }, clockTime(at));
}

/** `(S)`, read as its word. @param {Update} update */
export function mark({ classification }) {
  return h('span', { class: 'mark', 'data-class': classification, title: CLEARANCE_NAME[classification] },
    h('span', { 'aria-hidden': 'true' }, `(${CLEARANCE_MARK[classification]})`), unseen(CLEARANCE_NAME[classification]));
}

/** @param {Update} update */
function coordinates({ kind, data }) {
  const { lat, lon, accuracy } = /** @type {Record<string, unknown>} */ (data);
  if (kind !== 'position' || typeof lat !== 'number' || typeof lon !== 'number') return null;
  const north = `${Math.abs(lat).toFixed(5)}° ${lat < 0 ? 'S' : 'N'}`;
  const east = `${Math.abs(lon).toFixed(5)}° ${lon < 0 ? 'W' : 'E'}`;
  return h('span', { class: 'coordinates' },
    `${north}  ${east}${typeof accuracy === 'number' ? `  ± ${Math.round(accuracy)} m` : ''}`);
}

/** @param {Update} update @param {boolean} kept */
function limits({ roles, requires_ack: asks }, kept) {
  if (roles.length === 0 || (asks && kept)) return null;
  const readers = rolesInWords(roles);
  return h('span', { class: 'limited' }, kept
    ? `For ${readers}` : `Sent to ${readers}. You see it here because you wrote it.`);
}

/** @param {Update} update @param {Scene} scene */
function ackNode(update, { state, mission, receipts }) {
  const asked = asksFor(state, update);
  const done = Boolean(state.rooms[mission]?.acknowledged[update.id]);
  const reads = !asked || (state.agent !== null && mayStaff(state.agent.role));
  const shown = receipts.get(update.id);
  return h(
    'div', { class: 'ack' },
    asked && done && h('span', { class: 'done' }, icon('check'), 'Acknowledged'),
    asked && !done && ackButton(update, Boolean(state.acknowledging[update.id])),
    h('span', {}, `To be acknowledged by ${update.roles.length ? rolesInWords(update.roles) : 'everyone on the mission'}`),
    asked && !done && dueNode(update),
    reads && h('button', { class: 'quiet small', type: 'button', 'data-receipts': update.id, 'aria-expanded': String(shown !== undefined) }, 'Receipts'),
    reads && shown !== undefined && receiptList(shown),
  );
}

/** @param {Update} update @param {boolean} busy */
export function ackButton(update, busy) {
  return h('button', { class: 'small', type: 'button', 'data-ack': update.id, 'aria-disabled': busy ? 'true' : null },
    busy ? 'Acknowledging…' : 'Acknowledge');
}

/** The clock of an order; `tick` keeps it right. @param {Update} update */
export function dueNode({ created_at: at, ack_within: within }) {
  if (within === null) return null;
  const clock = h('span', { 'data-due': at, 'data-within': within });
  tickOne(clock, Date.now());
  return clock;
}

/** @param {Receipt[] | 'loading'} shown */
function receiptList(shown) {
  if (shown === 'loading') return h('p', { class: 'hint' }, 'Loading the receipts…');
  if (shown.length === 0) return h('p', { class: 'hint' }, 'Nobody on the mission has to acknowledge it.');
  return h('ul', { class: 'receipts' }, ...shown.map(({ agent, at }) => h('li', {},
    h('span', {}, `${agent.codename}, ${ROLE_NAME[agent.role].toLowerCase()}`),
    h('span', {}, at ? `acknowledged ${clockTime(at)}` : 'not yet'))));
}

/** Sets every clock on the page. @param {number} now */
export function tick(now) {
  for (const clock of document.querySelectorAll('[data-due]')) {
    if (clock instanceof HTMLElement) tickOne(clock, now);
  }
}

/** @param {HTMLElement} clock @param {number} now */
function tickOne(clock, now) {
  const { text, overdue } = due(clock.dataset.due ?? '', Number(clock.dataset.within), now);
  say(clock, text);
  clock.classList.toggle('overdue', overdue);
}
