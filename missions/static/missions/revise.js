/**
 * For handlers and directors: gives an entry another audience, or retracts it. A panel inside the
 * entry with its question in place; the log itself follows by the server's reset.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Update} Update
 * @typedef {import('./types.js').Agent} Agent
 * @typedef {import('./types.js').Mission} Mission
 * @typedef {import('./types.js').Role} Role
 * @typedef {import('./types.js').Audience} Audience
 */
import { CLEARANCE_NAME, ROLES, ROLE_PLURAL, classificationsBetween, mayStaff } from './words.js';
import { h, part, put, say } from './dom.js';
import { inWords } from './dialogs.js';
import { offer } from './composer.js';
import { reclassify, retract } from './update_calls.js';

/** @typedef {{agent: Agent, mission: Mission}} Standing who changes, and where */

const EVERYONE = 'Nobody ticked: everyone on the mission.';

export class Revision {
  /** @type {string | null} */ #id = null;
  /** @type {HTMLElement | null} */ #panel = null;
  /** @type {Standing | null} */ #standing = null;
  /** @type {import('./types.js').Numbered[]} */ #entries = [];
  #tell;
  #redraw;

  /** @param {(sentence: string) => void} tell politely @param {() => void} redraw */
  constructor(tell, redraw) {
    this.#tell = tell;
    this.#redraw = redraw;
    const log = part('log', HTMLElement);
    for (const [type, index] of /** @type {[string, number][]} */ ([['focusout', -1], ['focusin', 0]])) {
      log.addEventListener(type, ({ target }) => {
        const opener = target instanceof Element && target.closest('.entry')?.querySelector('[data-revise]');
        if (opener instanceof HTMLElement) opener.tabIndex = index;
      });
    }
  }

  /** What is open stands only for the same agent, mission and entry. @param {State} state */
  follow({ agent, missions, rooms, selected }) {
    const mission = selected ? missions[selected] : undefined;
    this.#standing = agent && mission && mayStaff(agent.role) ? { agent, mission } : null;
    this.#entries = (selected && this.#standing && rooms[selected]?.entries) || [];
    if (this.#id && !this.#entries.some(({ update }) => update.id === this.#id)) this.#id = this.#panel = null;
  }

  /** The panel, where it is open for this update. @param {string} id */
  panelFor(id) {
    return id === this.#id ? this.#panel : null;
  }

  /** Opens the panel in the entry, or closes it. @param {string} id */
  toggle(id) {
    if (id === this.#id) return this.close();
    const standing = this.#standing;
    const update = this.#entries.find((entry) => entry.update.id === id)?.update;
    if (!standing || !update) return undefined;
    this.#id = id;
    this.#panel = h('div', { class: 'revise', role: 'group', 'aria-label': 'Change this entry', keydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } });
    this.#offer(update, standing);
    document.querySelector(`[data-revise="${id}"]`)?.closest('.entry')?.append(this.#panel);
    this.#panel.querySelector('button')?.focus();
    return this.#redraw();
  }

  /** Closes it; its opener has the focus again. */
  close() {
    const opener = this.#panel?.closest('.entry')?.querySelector('[data-revise]');
    if (opener instanceof HTMLElement) opener.focus();
    this.#panel?.remove();
    this.#id = this.#panel = null;
    this.#redraw();
  }

  /** @param {Update} update @param {Standing} standing */
  #offer(update, standing) {
    this.#fill(
      this.#button('Change who may see it', () => this.#askAudience(update, standing)),
      this.#button('Retract', () => this.#askRetract(update)),
      this.#button('Cancel', () => this.close(), 'quiet'),
    );
  }

  /** @param {Update} update */
  #askRetract(update) {
    this.#form('Retract', 'primary', () => retract(update.id), 'Retracted.',
      h('p', {}, 'Retract this entry? It leaves every log and its words are deleted. It does not come back.'));
  }

  /** @param {Update} update @param {Standing} standing */
  #askAudience(update, { agent, mission }) {
    const before = update.roles;
    const select = h('select', { id: 'revise-classification' });
    offer(select, classificationsBetween(mission.classification, agent.clearance).map((one) => [one, CLEARANCE_NAME[one]]));
    select.value = update.classification;
    const warning = h('p', { class: 'hint', role: 'status' });
    const chosen = () => /** @type {Role[]} */ ([...ticks.querySelectorAll('input:checked')].map((one) => /** @type {HTMLInputElement} */ (one).value));
    const ticks = h('fieldset', { change: () => {
      const roles = chosen();
      const leaves = agent.role !== 'director' && roles.length > 0 && !roles.includes(agent.role);
      say(warning, leaves ? `Without ${ROLE_PLURAL[agent.role]} it leaves your log too.` : EVERYONE);
    } }, h('legend', {}, 'Who may read it'), ...ROLES.filter((role) => role !== 'director' || before.includes(role)).map((role) =>
      h('label', { class: 'tick' }, h('input', { type: 'checkbox', value: role, checked: before.includes(role) }), capital(ROLE_PLURAL[role]))));
    say(warning, EVERYONE);
    this.#form('Save', 'primary', async () => {
      /** @type {Partial<Audience>} */
      const audience = {};
      if (select.value !== update.classification) audience.classification = /** @type {Audience['classification']} */ (select.value);
      if (chosen().join() !== ROLES.filter((role) => before.includes(role)).join()) audience.roles = chosen();
      if (Object.keys(audience).length) await reclassify(update.id, audience);
    }, 'Saved. Every log follows.', h('div', { class: 'choice' }, h('label', { for: 'revise-classification' }, 'Classification'), select), ticks, warning);
  }

  /** @param {string} yes @param {string} kind @param {() => Promise<unknown>} run @param {string} done @param {...HTMLElement} fields */
  #form(yes, kind, run, done, ...fields) {
    const problem = h('p', { class: 'problem', role: 'alert' });
    const save = h('button', { class: `${kind} small`, type: 'submit' }, yes);
    this.#fill(h('form', { submit: async (/** @type {Event} */ event) => {
      event.preventDefault();
      if (save.getAttribute('aria-disabled')) return;
      save.setAttribute('aria-disabled', 'true');
      say(problem, '');
      try {
        await run();
        this.#tell(done);
        this.close();
      } catch (error) {
        say(problem, inWords(error));
      } finally {
        save.removeAttribute('aria-disabled');
      }
    } }, ...fields, problem, h('div', { class: 'row' }, save, this.#button('Cancel', () => this.close(), 'quiet'))));
    /** @type {HTMLElement | null | undefined} */ (this.#panel?.querySelector('select, button'))?.focus();
  }

  /** @param {string} words @param {() => void} run @param {string} [kind] */
  #button(words, run, kind = '') {
    return h('button', { class: `${kind} small`.trim(), type: 'button', click: run }, words);
  }

  /** @param {...HTMLElement} children */
  #fill(...children) {
    if (!this.#panel) return;
    put(this.#panel, ...children);
    requestAnimationFrame(() => this.#panel?.scrollIntoView({ block: 'nearest' }));
  }
}

/** @param {string} word */
function capital(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
