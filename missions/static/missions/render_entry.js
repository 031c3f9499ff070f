/**
 * One row of the log as elements. Kind is told by icon and word, classification by mark and colour.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Update} Update
 * @typedef {import('./types.js').Receipt} Receipt
 * @typedef {import('./types.js').AgentName} AgentName
 * @typedef {import('./timeline.js').Row} Row
 * @typedef {{state: State, mission: string, receipts: Map<string, Receipt[] | 'loading'>,
 *   panelFor: (update: string) => HTMLElement | null}} Scene `panelFor`: what is open in an entry
 */
import { CLEARANCE_MARK, CLEARANCE_NAME, KIND_NAME, ROLE_NAME, counted, mayStaff, names, rolesInWords } from './words.js';
import { clockTime, dayName, due, exactUtc } from './clock.js';
import { h, say, unseen } from './dom.js';
import { icon } from './icons.js';
import { asksFor, dueAt } from './orders.js';
import { missing, oversees } from './oversight.js';

/** What has to differ for a row to be drawn again. @param {Row} row @param {Scene} scene */
export function signature(row, { state, mission, receipts, panelFor }) {
  if (row.type === 'day') return dayName(row.at, Date.now());
  if (row.type !== 'entry') return '';
  const { id, classification, roles } = row.update;
  const basis = [classification, roles, row.kept, state.agent?.role, panelFor(id) !== null].join();
  if (!row.update.requires_ack) return basis;
  const shown = receipts.get(id);
  return [
    basis, asksFor(state, mission, row.update), JSON.stringify(missing(state, mission, row.update)),
    Boolean(state.rooms[mission]?.acknowledged[id]), Boolean(state.acknowledging[id]),
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
  const revisable = kept && scene.state.agent !== null && mayStaff(scene.state.agent.role);
  const panel = scene.panelFor(update.id);
  return h(
    'article',
    {
      class: missing(scene.state, scene.mission, update).length ? 'entry late' : 'entry', 'data-id': update.id, 'data-kind': update.kind, tabindex: -1,
      'aria-label': `${said} from ${update.author.codename}, ${CLEARANCE_NAME[update.classification]}, ${clockTime(update.created_at)}`,
    },
    timeNode(update.created_at),
    h('span', { class: 'kind' }, icon(update.kind), said),
    h('div', { class: 'body' }, update.body, coordinates(update), limits(update, kept)),
    h('span', { class: 'marks' },
      status && h('span', { class: 'by' }, `${update.author.codename}, ${ROLE_NAME[update.author.role]}`), mark(update),
      revisable && reviseButton(update, panel !== null)),
    update.requires_ack && ackNode(update, scene),
    panel,
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

/** @param {Update} update @param {boolean} open */
function reviseButton({ id, kind }, open) {
  return h('button', { class: 'quiet icon-only revise-open', type: 'button', tabindex: -1, 'data-revise': id, 'aria-expanded': String(open), title: 'Actions (e)', 'aria-label': `Actions for this ${KIND_NAME[kind].toLowerCase()}` }, icon('more'));
}

/** @param {Update} update @param {Scene} scene */
function ackNode(update, { state, mission, receipts }) {
  const asked = asksFor(state, mission, update);
  const done = Boolean(state.rooms[mission]?.acknowledged[update.id]);
  const waits = asked && !done;
  const reads = oversees(state, update);
  const absent = missing(state, mission, update);
  const shown = receipts.get(update.id);
  return h(
    'div', { class: 'ack' },
    asked && done && h('span', { class: 'done' }, icon('check'), 'Acknowledged'),
    waits && ackButton(update, Boolean(state.acknowledging[update.id])),
    h('span', {}, `To be acknowledged by ${update.roles.length ? rolesInWords(update.roles) : 'everyone on the mission'}`),
    (waits || absent.length > 0 || (reads && dueAt(update) > Date.now())) && dueNode(update, waits || absent.length > 0),
    missingNode(absent),
    reads && h('button', { class: 'quiet small', type: 'button', 'data-receipts': update.id, 'aria-expanded': String(shown !== undefined) }, 'Receipts'),
    reads && shown !== undefined && receiptList(shown),
  );
}

/** @param {Update} update @param {boolean} busy */
export function ackButton(update, busy) {
  return h('button', { class: 'small', type: 'button', 'data-ack': update.id, 'aria-disabled': busy ? 'true' : null },
    busy ? 'Acknowledging…' : 'Acknowledge');
}

/** Who let the time pass. @param {AgentName[] | null} agents null: nobody knows yet */
export function missingNode(agents) {
  return agents !== null && agents.length > 0 && h('p', { class: 'missing' }, `Not acknowledged by ${names(agents)}`);
}

/** The clock of an order; `tick` keeps it right. @param {Update} update @param {boolean} [matters] whether it runs on when the time is up */
export function dueNode({ created_at: at, ack_within: within }, matters = true) {
  if (within === null) return null;
  const clock = h('span', { 'data-due': at, 'data-within': within, 'data-matters': matters });
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
  const passed = overdue && clock.dataset.matters === undefined;
  say(clock, passed ? '' : text);
  clock.classList.toggle('overdue', overdue);
  if (overdue && !passed) clock.closest('.entry, .card')?.classList.add('late');
}
