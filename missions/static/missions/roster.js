/**
 * The members of a mission with who is there now: told by word and shape, kept in step live.
 *
 * Rows stay the same elements while presence changes, so that focus stays on their buttons.
 *
 * @typedef {import('./types.js').Candidate} Candidate
 * @typedef {import('./types.js').AgentName} AgentName
 */
import { ROLE_NAME } from './words.js';
import { h, put, say } from './dom.js';

const WORD = { present: 'present', absent: 'absent', unknown: '' };

export class Roster {
  list = h('ul', { class: 'roster', 'aria-label': 'Members' });
  title = h('span', {}, 'Members');
  /** @type {Candidate[] | null} */ #members = null;
  /** @type {AgentName[] | null} */ #present = null;
  /** @type {Map<string, {mark: HTMLElement, words: HTMLElement, agent: Candidate}>} by codename */ #rows = new Map();
  #onRemove;

  /** @param {(agent: Candidate) => void} onRemove */
  constructor(onRemove) {
    this.#onRemove = onRemove;
  }

  get members() {
    return this.#members;
  }

  /** @param {Candidate[] | null} members null: not loaded yet */
  show(members) {
    this.#members = members;
    this.#rows.clear();
    if (!members) put(this.list, h('li', {}, h('i', { class: 'bone' })), h('li', {}, h('i', { class: 'bone' })));
    else {
      put(this.list, ...members.map((agent) => this.#row(agent)),
        members.length === 0 && h('li', { class: 'none' }, 'Nobody yet. Add the agents who work on it.'));
    }
    this.#mark();
  }

  /** Who is there; a new list may name somebody who is no member as far as is known. @param {AgentName[] | null} present null: not told now @returns {boolean} whether it does */
  tell(present) {
    if (present === this.#present) return false;
    this.#present = present;
    this.#mark();
    return this.#members !== null && (present ?? []).some((one) => !this.#rows.has(one.codename));
  }

  /** @param {Candidate} agent */
  #row(agent) {
    const mark = h('span', { class: 'presence', 'aria-hidden': 'true' });
    const words = h('span');
    this.#rows.set(agent.codename, { mark, words, agent });
    return h('li', {}, mark, h('div', { class: 'name' }, h('strong', {}, agent.codename), words),
      h('button', { class: 'quiet small', type: 'button', 'aria-label': `Remove ${agent.codename}`, click: () => this.#onRemove(agent) }, 'Remove'));
  }

  #mark() {
    const here = this.#present && new Set(this.#present.map((one) => one.codename));
    let count = 0;
    for (const [codename, { mark, words, agent }] of this.#rows) {
      const standing = here ? (here.has(codename) ? 'present' : 'absent') : 'unknown';
      count += Number(standing === 'present');
      mark.dataset.presence = standing;
      say(words, `${ROLE_NAME[agent.role]}${WORD[standing] && `, ${WORD[standing]}`}`);
    }
    const all = this.#members ? ` (${this.#members.length})` : '';
    say(this.title, `Members${all}${here && this.#rows.size ? `, ${count} present` : ''}`);
  }
}
