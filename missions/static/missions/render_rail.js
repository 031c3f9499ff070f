/**
 * The list of missions: open ones first, closed ones below, unread counts of what this agent may see.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Mission} Mission
 */
import { STATUS_NAME, byCodename, isOpen } from './words.js';
import { h, part, put, say, unseen } from './dom.js';

/** @type {Map<string, HTMLAnchorElement>} */
const links = new Map();
let order = '';

/** @param {State} state */
export function drawRail(state) {
  const list = part('missions', HTMLElement);
  list.setAttribute('aria-busy', String(!state.listed));
  if (!state.listed) {
    if (links.size) put(list, h('div', { class: 'bones', 'aria-hidden': 'true' }, h('i'), h('i'), h('i')));
    links.clear();
    order = '';
    return;
  }
  const missions = Object.values(state.missions).sort(byCodename);
  const groups = [
    ['Active', missions.filter((one) => one.status === 'active')],
    ['Planned', missions.filter((one) => one.status === 'planned')],
    ['Closed', missions.filter((one) => !isOpen(one.status))],
  ];
  const now = groups.map(([, them]) => /** @type {Mission[]} */ (them).map((one) => one.id).join()).join(';');
  if (now !== order || list.querySelector('.bones')) {
    order = now;
    const focused = document.activeElement;
    for (const id of links.keys()) if (!state.missions[id]) links.delete(id);
    put(list, ...groups.flatMap(([name, them]) => group(String(name), /** @type {Mission[]} */ (them))),
      missions.length === 0 && h('p', { class: 'rail-empty' }, 'No missions'));
    if (focused instanceof HTMLElement && focused.isConnected) focused.focus();
  }
  for (const mission of missions) drawLink(mission, state);
}

/** @param {string} name @param {Mission[]} missions */
function group(name, missions) {
  if (missions.length === 0) return [];
  return [h('h2', {}, name), h('ul', {}, ...missions.map((mission) => h('li', {}, linkOf(mission.id))))];
}

/** @param {string} id */
function linkOf(id) {
  const known = links.get(id);
  if (known) return known;
  const link = h('a', { href: `#mission=${id}` },
    h('span', { class: 'status-dot', 'aria-hidden': 'true' }), h('span', { class: 'name' }), unseen(''), h('span', { class: 'count', hidden: true }));
  links.set(id, link);
  return link;
}

/** @param {Mission} mission @param {State} state */
function drawLink(mission, state) {
  const link = linkOf(mission.id);
  const [dot, name, standing, count] = /** @type {HTMLElement[]} */ ([...link.children]);
  if (!dot || !name || !standing || !count) return;
  const unread = state.rooms[mission.id]?.unread ?? 0;
  if (state.selected === mission.id) link.setAttribute('aria-current', 'true');
  else link.removeAttribute('aria-current');
  link.classList.toggle('unread', unread > 0);
  dot.dataset.status = mission.status;
  say(name, mission.codename);
  name.title = mission.codename;
  say(standing, `, ${STATUS_NAME[mission.status].toLowerCase()}${unread ? `, ${unread} unread` : ''}`);
  count.hidden = unread === 0;
  count.setAttribute('aria-hidden', 'true');
  say(count, unread > 99 ? '99+' : String(unread));
}
