/**
 * For handlers and directors: the selected mission's members and settings, in the right column.
 *
 * Calls the API and shows its answers; a changed mission itself comes back as a frame.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Mission} Mission
 * @typedef {import('./types.js').Candidate} Candidate
 * @typedef {import('./types.js').Status} Status
 */
import * as api from './api.js';
import { CLEARANCE_NAME, ROLE_NAME, STATUS_NAME, counted, mayStaff } from './words.js';
import { addressOf } from './choice.js';
import { ask, inWords, openMissionForm } from './dialogs.js';
import { Roster } from './roster.js';
import { h, part, put, say } from './dom.js';

const PAUSE = 200;

export class Staffing {
  #place = part('staff', HTMLElement);
  #roster = new Roster((agent) => this.#remove(agent));
  #found = h('ul', { class: 'roster', 'aria-label': 'Agents found' });
  #search = h('input', { id: 'find-agent', type: 'search', placeholder: 'Name or role', autocomplete: 'off' });
  #problem = h('p', { class: 'problem', role: 'alert' });
  #settings = h('section', { 'aria-label': 'Settings' });
  /** @type {string} */ #drawn = '';
  /** @type {Mission | null} */ #mission = null;
  /** @type {import('./types.js').Agent | null} */ #agent = null;
  #timer = 0;
  #onMission;

  /** @param {(mission: Mission) => void} onMission a mission was made or changed */
  constructor(onMission) {
    this.#onMission = onMission;
    this.#search.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => void this.#find(), PAUSE);
    });
  }

  /** @param {State} state */
  draw(state) {
    const mission = (state.selected && state.missions[state.selected]) || null;
    this.#agent = state.agent;
    const shown = state.agent !== null && mayStaff(state.agent.role) ? mission : null;
    const joined = this.#roster.tell((shown && state.rooms[shown.id]?.present) ?? null);
    if (shown && shown.id === this.#mission?.id && joined) void this.#load(shown.id);
    const sign = shown ? JSON.stringify([shown, state.agent?.role]) : '';
    if (sign === this.#drawn) return;
    this.#drawn = sign;
    const other = shown?.id !== this.#mission?.id;
    this.#mission = shown;
    if (!shown) {
      put(this.#place);
      return;
    }
    if (other || !this.#place.hasChildNodes()) {
      this.#roster.show(null);
      this.#search.value = '';
      put(this.#found);
      say(this.#problem, '');
      put(this.#place,
        h('section', { 'aria-label': 'Members of the mission' }, h('h3', {}, this.#roster.title), this.#roster.list,
          h('div', { class: 'find' }, h('label', { for: 'find-agent' }, 'Add an agent'), this.#search), this.#problem, this.#found),
        this.#settings);
    }
    this.#drawSettings(shown);
    void this.#load(shown.id);
  }

  create() {
    if (!this.#agent) return;
    openMissionForm(this.#agent, null, async (fields) => {
      const mission = await api.createMission(fields);
      this.#onMission(mission);
      location.hash = addressOf(mission.id);
    });
  }

  /** @param {string} id */
  async #load(id) {
    try {
      const members = await api.members(id);
      if (this.#mission?.id !== id) return;
      this.#roster.show(members);
    } catch (error) {
      if (this.#mission?.id === id) say(this.#problem, inWords(error));
    }
  }

  async #find() {
    const words = this.#search.value.trim();
    if (!words) return put(this.#found);
    try {
      const found = await api.candidates(words);
      if (words === this.#search.value.trim()) this.#drawFound(found);
    } catch (error) {
      say(this.#problem, inWords(error));
    }
    return undefined;
  }

  /** @param {Candidate[]} found */
  #drawFound(found) {
    const there = new Set((this.#roster.members ?? []).map((one) => one.id));
    put(this.#found, ...found.slice(0, 8).map((agent) => h('li', {}, nameOf(agent), there.has(agent.id)
      ? h('span', { class: 'hint' }, 'member')
      : h('button', { class: 'small', type: 'button', 'aria-label': `Add ${agent.codename}`, click: () => void this.#add(agent) }, 'Add'))),
      found.length > 8 && h('li', { class: 'none' }, `and ${counted(found.length - 8, 'more agent')}; type more of the name`),
      found.length === 0 && h('li', { class: 'none' }, 'No active agent has that in the name or role.'));
  }

  /** @param {Candidate} agent */
  async #add(agent) {
    const mission = this.#mission;
    if (!mission) return;
    say(this.#problem, '');
    try {
      await api.addMember(mission.id, agent.id);
      this.#search.value = '';
      put(this.#found);
      this.#search.focus();
      await this.#load(mission.id);
    } catch (error) {
      say(this.#problem, inWords(error));
    }
  }

  /** @param {Candidate} agent */
  #remove(agent) {
    const mission = this.#mission;
    if (!mission) return;
    ask(`Remove ${agent.codename}?`, `${agent.codename} stops seeing ${mission.codename} at once.`, 'Remove', async () => {
      await api.removeMember(mission.id, agent.id);
      this.#search.focus();
      await this.#load(mission.id);
    });
  }

  /** @param {Mission} mission */
  #drawSettings(mission) {
    const focused = document.activeElement;
    const had = this.#settings.contains(focused) ? focused?.textContent : null;
    put(this.#settings,
      h('h3', {}, 'Mission', h('button', { class: 'quiet small', type: 'button', click: () => this.#edit(mission) }, 'Edit')),
      h('dl', { class: 'facts' },
        h('dt', {}, 'Status'), h('dd', {}, STATUS_NAME[mission.status]),
        h('dt', {}, 'Classified'), h('dd', {}, CLEARANCE_NAME[mission.classification]),
        h('dt', {}, 'Objective'), h('dd', {}, mission.objective || 'None written')),
      h('div', { class: 'row' }, ...this.#steps(mission)));
    if (had !== null && had !== undefined) this.#settings.querySelector('button')?.focus();
  }

  /** @param {Mission} mission */
  #steps(mission) {
    /** @param {Status} status @param {string} words */
    const end = (status, words) => h('button', {
      type: 'button', class: 'small',
      click: () => ask(`${words}?`, `${mission.codename} then takes no more updates. Its log stays readable.`, words, () => this.#change(mission, { status })),
    }, words);
    const start = h('button', {
      type: 'button', class: 'primary small',
      click: () => void this.#change(mission, { status: 'active' }).catch((error) => say(this.#problem, inWords(error))),
    }, 'Start mission');
    const reopen = h('button', {
      type: 'button', class: 'small',
      click: () => ask('Reopen mission?', `${mission.codename} then takes updates again.`, 'Reopen mission', () => this.#change(mission, { status: 'active' })),
    }, 'Reopen mission');
    if (mission.status === 'planned') return [start, end('aborted', 'Abort mission')];
    if (mission.status === 'active') return [end('completed', 'Complete mission'), end('aborted', 'Abort mission')];
    return [reopen];
  }

  /** @param {Mission} mission */
  #edit(mission) {
    if (!this.#agent) return;
    openMissionForm(this.#agent, mission, (fields) => {
      const changed = Object.entries(fields).filter(([name, value]) => mission[/** @type {keyof Mission} */ (name)] !== value);
      return changed.length ? this.#change(mission, Object.fromEntries(changed)) : Promise.resolve();
    });
  }

  /** @param {Mission} mission @param {Partial<Mission>} fields */
  async #change(mission, fields) {
    say(this.#problem, '');
    this.#onMission(await api.changeMission(mission.id, fields));
  }
}

/** @param {Candidate} agent */
function nameOf(agent) {
  return h('div', { class: 'name' }, h('strong', {}, agent.codename), h('span', {}, ROLE_NAME[agent.role]));
}
