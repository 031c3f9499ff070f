/**
 * What is overdue, for its author, handlers and directors, on top of the right column.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./oversight.js').Overdue} Overdue
 */
import { KIND_NAME, mayStaff } from './words.js';
import { h, part, put } from './dom.js';
import { icon } from './icons.js';
import { Few } from './few.js';
import { dueNode, mark, missingNode } from './render_entry.js';
import { overdueIn, overdueKnown } from './oversight.js';

const few = new Few();
let drawn = '';

/** Those who staff have its place kept, so that nothing below moves when the first one comes. @param {State} state @returns {number} how many */
export function drawOverdue(state) {
  const all = overdueIn(state);
  const staffs = state.agent !== null && mayStaff(state.agent.role);
  const known = overdueKnown(state);
  const sign = JSON.stringify([few.whole, staffs, known, all.map(({ mission, update, missing }) =>
    [update, state.missions[mission]?.codename, missing?.map((one) => one.codename)])]);
  if (sign === drawn) return all.length;
  drawn = sign;
  const place = part('overdue', HTMLElement);
  const focused = document.activeElement;
  const inside = place.contains(focused);
  const chosen = focused instanceof HTMLElement && inside ? focused.dataset.show : undefined;
  put(place, (staffs || all.length > 0) && h('section', { 'aria-label': 'Overdue', tabindex: -1 },
    h('h3', { class: all.length ? 'overdue' : null }, all.length ? `Overdue (${all.length})` : 'Overdue'),
    ...few.of(all).map((one) => card(state, one)),
    all.length === 0 && (known ? h('p', { class: 'none' }, 'Nothing is overdue.') : h('i', { class: 'bone' })),
    few.button(all.length, () => drawOverdue(state))));
  const next = (chosen && place.querySelector(`[data-show="${chosen}"]`))
    || place.querySelector('[aria-expanded]') || place.firstElementChild;
  if (inside && next instanceof HTMLElement) next.focus();
  return all.length;
}

/** @param {State} state @param {Overdue} overdue */
function card(state, { mission, update, missing }) {
  const codename = state.missions[mission]?.codename ?? '';
  return h('div', { class: 'card late' },
    h('div', { class: 'card-head' },
      h('span', {}, `${KIND_NAME[update.kind]} from ${update.author.codename}, ${codename}`), mark(update)),
    h('p', { class: 'card-body' }, update.body),
    h('div', { class: 'card-foot' }, h('p', { class: 'clock' }, icon('clock'), dueNode(update)),
      h('button', { class: 'quiet small', type: 'button', 'data-show': update.id, 'data-mission': mission }, 'Show in log')),
    missingNode(missing) || h('p', { class: 'missing' }, 'Not acknowledged by everyone yet'));
}
