/**
 * Everything around the log that follows the state: connection, heads, banners, and the designed
 * states in which there is no log to show.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./timeline.js').Row} Row
 */
import { CLEARANCES, CLEARANCE_NAME, ROLE_NAME, STATUS_NAME, isOpen, mayStaff } from './words.js';
import { h, part, put, say } from './dom.js';
import { highestOf } from './timeline.js';

/** The connection in words: always true, always on the page. @param {State} state @param {number} now */
export function linkInWords({ link, rooms, selected }, now) {
  if (link.state === 'live') {
    const room = selected ? rooms[selected] : undefined;
    const behind = room && room.epoch !== null && room.sync !== 'current';
    return behind ? { kind: 'behind', text: 'Behind, catching up' } : { kind: 'live', text: 'Live' };
  }
  if (link.state === 'signed_out') {
    return { kind: 'signed_out', text: `Signed out${link.why ? `: ${lower(link.why)}` : ''}` };
  }
  if (link.state === 'barred') return { kind: 'barred', text: 'Second factor required' };
  const left = link.at ? Math.ceil((link.at - now) / 1000) : 0;
  const word = link.state === 'connecting' ? 'Connecting' : 'Reconnecting';
  return { kind: link.state, text: left > 0 ? `${word} in ${left} s` : `${word}…` };
}

/** @param {string} sentence */
function lower(sentence) {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '');
}

/** @param {State} state @param {number} now */
export function drawLink(state, now) {
  const { kind, text } = linkInWords(state, now);
  for (const link of document.querySelectorAll('[data-link]')) {
    if (!(link instanceof HTMLElement)) continue;
    link.dataset.link = kind;
    const words = link.querySelector('[data-link-text]');
    if (words) say(words, text);
  }
  const waits = state.link.state !== 'live' && (state.link.at ?? 0) > now;
  part('retry', HTMLButtonElement).hidden = !waits;
}

/** Whether nothing is to be seen until somebody does something. @param {State} state */
const isOut = ({ link }) => link.state === 'signed_out' || link.state === 'barred';

/** @param {State} state */
export function drawHeads(state) {
  const mission = state.selected ? state.missions[state.selected] : undefined;
  const { agent } = state;
  if (agent || isOut(state)) {
    say(part('own-codename', HTMLElement), agent?.codename ?? '');
    say(part('own-standing', HTMLElement), agent ? `${ROLE_NAME[agent.role]}, ${CLEARANCE_NAME[agent.clearance].toLowerCase()}` : '');
  }
  part('new-mission', HTMLButtonElement).hidden = !agent || !mayStaff(agent.role);
  if (state.listed || isOut(state)) {
    say(part('codename', HTMLElement), mission?.codename ?? 'No mission selected');
  }
  say(part('mission-status', HTMLElement), mission ? STATUS_NAME[mission.status] : '');
  say(part('objective', HTMLElement), mission?.objective ?? '');
  const notice = state.notice || state.link.why || '';
  say(part('notice-text', HTMLElement), notice);
  part('notice', HTMLElement).hidden = !notice || state.link.state === 'signed_out';
  part('notice-dismiss', HTMLElement).hidden = !state.notice;
  const unread = Object.values(state.rooms).reduce((sum, room) => sum + room.unread, 0);
  document.title = `${unread ? `(${unread}) ` : ''}${mission ? `${mission.codename} · ` : ''}HQ`;
  const badge = part('rail-unread', HTMLElement);
  badge.hidden = unread === 0;
  say(badge, String(unread));
}

/** The highest classification among what is on screen now. @param {State} state @param {Row[]} rows those in the visible part of the log */
export function drawBanners(state, rows) {
  const mission = state.selected ? state.missions[state.selected] : undefined;
  const loaded = mission && state.rooms[mission.id]?.epoch;
  const most = mission && loaded ? highestOf(rows, mission.classification, beside()) : null;
  for (const id of ['banner-top', 'banner-bottom']) {
    const banner = part(id, HTMLElement);
    banner.dataset.class = most ?? '';
    say(banner, most ? CLEARANCE_NAME[most] : '');
  }
}

/** What the cards of the right column say, where it is on screen. @returns {import('./types.js').Clearance[]} */
function beside() {
  const side = part('side', HTMLElement);
  if (!side.checkVisibility()) return [];
  return [...side.querySelectorAll('.card .mark')].flatMap((one) =>
    CLEARANCES.filter((name) => name === one.getAttribute('data-class')));
}

/** @type {string | null} null: the page came with a sign of its own */
let shown = null;

/** What stands in place of the log. @param {State} state @param {Row[]} rows @param {string} filter @param {{create: () => void, clear: () => void}} acts */
export function drawEmpty(state, rows, filter, acts) {
  const key = emptyKey(state, rows, filter);
  const place = part('log-state', HTMLElement);
  if (key === shown) return;
  shown = key;
  if (key === 'loading') put(place, h('div', { class: 'bones', 'aria-hidden': 'true' }, ...Array.from({ length: 5 }, () => h('i'))), h('span', { class: 'unseen' }, 'Loading the log.'));
  else if (key === 'staff-none') {
    put(place, h('h2', {}, 'No missions yet'), h('p', {}, 'Create the first one, then add the agents who work on it.'),
      h('button', { class: 'primary', type: 'button', click: acts.create }, 'New mission'));
  } else if (key === 'none') {
    put(place, h('h2', {}, 'No missions'), h('p', {}, 'You are not on any mission now. When a handler adds you to one, it appears here at once.'));
  } else if (key === 'unselected') put(place, h('h2', {}, 'No mission selected'), h('p', {}, 'Choose one of your missions from the list.'));
  else if (key.startsWith('closed ')) {
    put(place, h('h2', {}, `This mission is ${key.slice(7)}`), h('p', {}, 'Nothing that was published on it was meant for you.'));
  } else if (key === 'empty') put(place, h('h2', {}, 'Nothing here yet'), h('p', {}, 'What is published on this mission and meant for you appears here as it happens.'));
  else if (key === 'filtered') {
    put(place, h('h2', {}, 'No matches'), h('p', {}, 'None of the loaded entries has these words.'),
      h('button', { type: 'button', click: acts.clear }, 'Clear the filter'));
  } else put(place);
}

/** @param {State} state @param {Row[]} rows @param {string} filter */
function emptyKey(state, rows, filter) {
  if (isOut(state)) return '';
  if (!state.listed) return 'loading';
  const room = state.selected ? state.rooms[state.selected] : undefined;
  if (Object.keys(state.missions).length === 0) return state.agent && mayStaff(state.agent.role) ? 'staff-none' : 'none';
  if (!state.selected) return 'unselected';
  if (!room || room.epoch === null) return 'loading';
  if (rows.some((row) => row.type === 'entry')) return '';
  if (filter) return 'filtered';
  const status = state.missions[state.selected]?.status ?? 'active';
  return isOpen(status) ? 'empty' : `closed ${STATUS_NAME[status].toLowerCase()}`;
}
