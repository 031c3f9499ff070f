/**
 * The orders that wait for this agent, of all its missions, in the right column.
 *
 * @typedef {import('./types.js').State} State
 */
import { KIND_NAME, mayStaff } from './words.js';
import { h, part, put, say } from './dom.js';
import { Few } from './few.js';
import { openOrders, ordersKnown } from './orders.js';
import { ackButton, dueNode, mark } from './render_entry.js';

const few = new Few();
let drawn = '';

/** @param {State} state @param {number} overdue how many cards stand above, for those who oversee */
export function drawOrders(state, overdue) {
  const orders = state.agent ? openOrders(state) : [];
  const staffs = state.agent !== null && mayStaff(state.agent.role);
  for (const count of document.querySelectorAll('[data-side-count]')) {
    say(count, String(orders.length + overdue));
    if (count instanceof HTMLElement) count.hidden = orders.length + overdue === 0;
  }
  for (const name of document.querySelectorAll('[data-side-name]')) say(name, staffs ? 'Details' : 'Orders');
  const known = ordersKnown(state);
  const sign = JSON.stringify([
    staffs, state.listed, known, few.whole, orders.map(({ mission, update }) =>
      [update.id, state.missions[mission]?.codename, Boolean(state.acknowledging[update.id])]),
  ]);
  if (sign === drawn) return;
  drawn = sign;
  const place = part('orders', HTMLElement);
  if (!state.listed || (staffs && orders.length === 0)) {
    put(place);
    return;
  }
  const focused = document.activeElement;
  const had = place.contains(focused) && (focused?.matches('.more') ? '.more' : 'button:not([aria-disabled])');
  put(place, h('section', { 'aria-label': 'To acknowledge', tabindex: -1 },
    staffs && h('h3', {}, orders.length < 2 ? 'To acknowledge' : `To acknowledge (${orders.length})`),
    ...few.of(orders).map(({ mission, update }) => card(state, mission, update)),
    orders.length === 0 && (known
      ? h('p', { class: 'none' }, 'Nothing waits for you. An order that does appears here with its clock.')
      : h('i', { class: 'bone' })),
    few.button(orders.length, () => drawOrders(state, overdue))));
  const next = had && (place.querySelector(had) ?? place.querySelector('section'));
  if (next instanceof HTMLElement) next.focus();
}

/** @param {State} state @param {string} mission @param {import('./types.js').Update} update */
function card(state, mission, update) {
  return h('div', { class: 'card' },
    h('div', { class: 'card-head' },
      h('span', {}, `${KIND_NAME[update.kind]} from ${update.author.codename}, ${state.missions[mission]?.codename ?? ''}`), mark(update)),
    h('p', { class: 'card-body' }, update.body),
    h('div', { class: 'card-head card-foot' },
      dueNode(update) ?? h('span', {}, 'no time limit'), ackButton(update, Boolean(state.acknowledging[update.id]))));
}
