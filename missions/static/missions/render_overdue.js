/**
 * What is overdue, for its author, handlers and directors, on top of the right column.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./oversight.js').Overdue} Overdue
 */
import { KIND_NAME } from './words.js';
import { h, part, put } from './dom.js';
import { icon } from './icons.js';
import { dueNode, mark, missingNode } from './render_entry.js';
import { overdueIn } from './oversight.js';

const SHOWN = 3;

let drawn = '';
let whole = false;

/** @param {State} state @returns {number} how many */
export function drawOverdue(state) {
  const all = overdueIn(state);
  const sign = JSON.stringify([whole, all.map(({ mission, update, missing }) =>
    [update, state.missions[mission]?.codename, missing.map((one) => one.codename)])]);
  if (sign === drawn) return all.length;
  drawn = sign;
  const place = part('overdue', HTMLElement);
  const focused = document.activeElement;
  const inside = place.contains(focused);
  const chosen = focused instanceof HTMLElement && inside ? focused.dataset.show : undefined;
  const some = whole ? all : all.slice(0, SHOWN);
  put(place, all.length > 0 && h('section', { 'aria-label': 'Overdue', tabindex: -1 },
    h('h3', { class: 'overdue' }, `Overdue (${all.length})`), ...some.map((one) => card(state, one)),
    all.length > SHOWN && h('button', { class: 'quiet small', type: 'button', 'aria-expanded': String(whole), click: () => {
      whole = !whole;
      drawOverdue(state);
    } }, whole ? 'Show fewer' : `Show ${all.length - SHOWN} more`)));
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
    h('div', { class: 'card-head card-foot' }, h('span', { class: 'clock' }, icon('clock'), dueNode(update)),
      h('button', { class: 'quiet small', type: 'button', 'data-show': update.id, 'data-mission': mission }, 'Show in log')),
    missingNode(missing));
}
