/**
 * The composer: offers only what this agent may send here, keeps the draft until HQ has it.
 *
 * A draft belongs to its mission with all that was chosen. What is no longer allowed is said beside
 * its field and has to be chosen anew. A refusal changes nothing of the draft; sending the same content
 * again uses the same `client_id`, so it cannot appear twice.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Agent} Agent
 * @typedef {import('./types.js').Mission} Mission
 * @typedef {import('./types.js').Kind} Kind
 * @typedef {import('./types.js').Role} Role
 * @typedef {import('./types.js').Clearance} Clearance
 * @typedef {import('./draft.js').Draft} Draft
 * @typedef {import('./draft.js').Problem} Problem
 * @typedef {import('./outbox.js').Answer} Answer
 */
import {
  CLEARANCES, CLEARANCE_NAME, KIND_NAME, ROLES, ROLE_NAME, STATUS_NAME, classificationsBetween, isOpen,
  kindsFor, rolesInWords,
} from './words.js';
import { emptyDraft, fieldsOf, isUntouched, mayAskAck, notAllowed, tooLong, wrongWith } from './draft.js';
import { h, part, put, say } from './dom.js';
import { PlaceFields } from './place.js';
import { Problems } from './problems.js';

/** @param {HTMLSelectElement} select @param {[string, string][]} options value and words */
export function offer(select, options) {
  const before = select.value;
  put(select, ...options.map(([value, words]) => h('option', { value }, words)));
  select.value = options.some(([value]) => value === before) ? before : (options[0]?.[0] ?? '');
}

/** Offers these with one chosen; where that is not among them, none is. @param {HTMLSelectElement} select @param {[string, string][]} options @param {string} choice */
function offerWith(select, options, choice) {
  const there = options.some(([value]) => value === choice);
  put(select, !there && h('option', { value: '', disabled: true, hidden: true }, 'Choose'),
    ...options.map(([value, words]) => h('option', { value }, words)));
  select.value = there ? choice : '';
}

/** 32 random hexadecimal digits; also where `randomUUID` is missing. */
function newClientId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @type {Problem} */
const OFFLINE = {
  field: 'message', code: 'offline', sentence: 'HQ is not connected. Your text is kept; send it when the room is live again.',
};

export class Composer {
  form = part('composer', HTMLFormElement);
  text = part('message', HTMLTextAreaElement);
  #send = part('send', HTMLButtonElement);
  #kind = part('kind', HTMLSelectElement);
  #classification = part('classification', HTMLSelectElement);
  #audience = part('audience', HTMLDetailsElement);
  #roles = part('roles', HTMLElement);
  #ack = part('ack', HTMLElement);
  #asksAck = part('requires-ack', HTMLInputElement);
  #within = part('ack-within', HTMLSelectElement);
  #problems = new Problems();
  #place = new PlaceFields((sentence) => {
    this.#problems.say('lat', sentence);
    part('lat', HTMLElement).removeAttribute('aria-invalid');
  });
  /** @type {Map<string, Draft>} of the missions that are not open */ #drafts = new Map();
  /** @type {Map<string, Problem>} refusals that nobody has read yet, by mission */ #refused = new Map();
  /** @type {{content: string, id: string} | null} */ #tried = null;
  /** @type {string | null} */ #mission = null;
  /** @type {{agent: Agent, mission: Mission, sign: string} | null} who writes where, as the form offers it */ #offered = null;
  /** @type {Draft | null} the form as it was filled last: what a select cannot show is here */ #filled = null;
  /** @type {string | null} whose drafts these are */ #author = null;
  #busy = new Set();
  #publish;

  /** @param {(mission: string, fields: Record<string, unknown>) => Promise<Answer>} publish */
  constructor(publish) {
    this.#publish = publish;
    put(this.#roles, ...ROLES.filter((role) => role !== 'director').map((role) =>
      h('label', { class: 'tick' }, h('input', { type: 'checkbox', value: role }), `${ROLE_NAME[role]}s`)));
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.send();
    });
    this.text.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.form.requestSubmit();
      }
    });
    this.text.addEventListener('input', () => this.#problems.say('message', tooLong(this.text.value)));
    this.#kind.addEventListener('change', () => {
      this.#asksAck.checked = this.#kind.value === 'order';
      this.#problems.say('kind', '');
      this.#problems.say('lat', '');
      this.#kindChanged();
    });
    this.#classification.addEventListener('change', () => this.#problems.say('classification', ''));
    this.#roles.addEventListener('change', () => this.#nameAudience());
    document.addEventListener('click', ({ target }) => {
      if (target instanceof Node && !this.#audience.contains(target)) this.#audience.open = false;
    });
    this.#audience.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.#audience.open) return;
      this.#audience.open = false;
      this.#audience.querySelector('summary')?.focus();
      event.stopPropagation();
    });
  }

  /** @param {State} state */
  draw(state) {
    const mission = state.selected ? state.missions[state.selected] : undefined;
    if (state.selected !== this.#mission) this.#change(state.selected);
    const { agent } = state;
    if (agent && agent.id !== this.#author) {
      if (this.#author) this.wipe();
      this.#author = agent.id;
    }
    if (agent && mission) this.#offer(agent, mission);
    const open = Boolean(agent && mission && isOpen(mission.status));
    const live = state.link.state === 'live';
    const busy = this.#busy.has(this.#mission);
    if (live) this.#problems.over('offline');
    if (mission && !open) this.#problems.over('mission_closed');
    this.form.classList.toggle('closed', !open || !live);
    this.text.disabled = !open;
    this.text.readOnly = busy;
    this.#send.disabled = !open;
    this.#send.setAttribute('aria-disabled', String(!live || busy));
    say(this.#send, busy ? 'Sending…' : 'Send');
    this.#kind.disabled = this.#classification.disabled = !open;
    this.#audience.hidden = !open;
    this.text.placeholder = open && mission ? `Message ${mission.codename}` : '';
    say(part('composer-hint', HTMLElement), hint(state, mission, busy));
  }

  async send() {
    const id = this.#mission;
    if (!id || !this.#offered || this.#send.disabled || this.#busy.has(id)) return;
    const draft = this.#read();
    const problem = this.#send.getAttribute('aria-disabled') === 'true' ? OFFLINE
      : wrongWith(draft, this.#offered.agent, this.#offered.mission);
    if (problem) {
      this.#problems.say(problem.field, problem.sentence, problem.code);
      this.#problems.focus(problem.field);
      return;
    }
    const fields = fieldsOf(draft);
    const content = JSON.stringify([id, fields]);
    const client = this.#tried?.content === content ? this.#tried.id : newClientId();
    this.#tried = { content, id: client };
    this.#problems.clear();
    this.#busy.add(id);
    const { refusal } = await this.#publish(id, { ...fields, client_id: client });
    this.#busy.delete(id);
    if (refusal) {
      const { field, code, message: sentence } = refusal;
      const where = field === 'kind' || field === 'classification' ? field : 'message';
      this.#refused.set(id, { field: where, sentence, code });
      if (this.#mission === id) this.#showRefusal(id);
      if (code !== 'unavailable') this.#tried = null;
      return;
    }
    this.#tried = null;
    this.#drafts.delete(id);
    if (this.#mission === id && this.#offered) this.#fill(emptyDraft(this.#offered.mission));
  }

  /** Forgets every draft: the agent is signed out. */
  wipe() {
    this.#drafts.clear();
    this.#refused.clear();
    this.#tried = null;
    this.#blank();
  }

  /** Whether a draft would be lost with the page. */
  holdsDraft() {
    const texts = [...this.#drafts].flatMap(([id, { text }]) => (id === this.#mission ? [] : [text]));
    return [...texts, this.text.value].some((text) => text.trim() !== '');
  }

  /** @param {string | null} to */
  #change(to) {
    if (this.#mission && this.#offered) this.#drafts.set(this.#mission, this.#read());
    this.#mission = to;
    this.#blank();
  }

  #blank() {
    this.#offered = null;
    this.#filled = null;
    this.text.value = '';
    for (const box of this.#boxes()) box.checked = false;
    this.#nameAudience();
    this.#place.write({ lat: '', lon: '', accuracy: null });
    this.#problems.clear();
    this.#kind.value = 'message';
    this.#kindChanged();
  }

  /** Fits the form to who writes where: the draft stays as it is, an untouched one follows the mission. @param {Agent} agent @param {Mission} mission */
  #offer(agent, mission) {
    const sign = [agent.role, agent.clearance, mission.id, mission.classification].join();
    if (sign === this.#offered?.sign) return;
    const before = this.#offered;
    const draft = before ? this.#read() : this.#drafts.get(mission.id);
    this.#offered = { agent, mission, sign };
    this.#fill(draft && !(before && isUntouched(draft, before.mission.classification)) ? draft : emptyDraft(mission));
    this.#showRefusal(mission.id);
  }

  /** @param {Draft} draft */
  #fill(draft) {
    if (!this.#offered) return;
    const { agent, mission } = this.#offered;
    this.#filled = draft;
    offerWith(this.#kind, kindsFor(agent.role).map((kind) => [kind, KIND_NAME[kind]]), draft.kind);
    offerWith(this.#classification, classificationsBetween(mission.classification, agent.clearance).map(
      (one) => [one, CLEARANCE_NAME[one]]), draft.classification);
    if (this.text.value !== draft.text) this.text.value = draft.text;
    for (const box of this.#boxes()) box.checked = draft.roles.some((role) => role === box.value);
    this.#nameAudience();
    this.#asksAck.checked = draft.asksAck;
    this.#within.value = draft.within;
    this.#place.write(draft.place);
    this.#kindChanged();
    this.#problems.clear();
    for (const { field, sentence } of notAllowed(draft, agent, mission)) this.#problems.say(field, sentence);
  }

  /** @returns {Draft} */
  #read() {
    const filled = this.#filled;
    return {
      text: this.text.value,
      kind: /** @type {Kind} */ (this.#kind.value || filled?.kind),
      classification: /** @type {Clearance} */ (this.#classification.value || filled?.classification),
      roles: /** @type {Role[]} */ (this.#boxes().filter((box) => box.checked).map((box) => box.value)),
      asksAck: this.#asksAck.checked, within: this.#within.value, place: this.#place.read(),
    };
  }

  /** @param {string} mission */
  #showRefusal(mission) {
    const refused = this.#refused.get(mission);
    this.#refused.delete(mission);
    if (refused) this.#problems.say(refused.field, refused.sentence, refused.code);
  }

  #kindChanged() {
    const kind = /** @type {Kind} */ (this.#kind.value || this.#filled?.kind);
    this.#ack.hidden = !mayAskAck(kind);
    this.#place.show(kind === 'position');
  }

  /** @returns {HTMLInputElement[]} */
  #boxes() {
    return [...this.#roles.querySelectorAll('input')];
  }

  #nameAudience() {
    const chosen = this.#boxes().filter((box) => box.checked).map((box) => box.value);
    say(part('audience-name', HTMLElement),
      chosen.length ? rolesInWords(ROLES.filter((role) => chosen.includes(role))) : 'everyone');
  }
}

/** What will happen to the draft. @param {State} state @param {Mission | undefined} mission @param {boolean} busy */
function hint(state, mission, busy) {
  if (state.link.state === 'signed_out' || !state.listed) return '';
  if (!mission) return '';
  if (state.link.state !== 'live') {
    return busy ? 'Not connected. It is sent once when the room is live again.'
      : 'Not connected. Your draft is kept; you can send it when the room is live again.';
  }
  if (!isOpen(mission.status)) return `This mission is ${STATUS_NAME[mission.status].toLowerCase()} and takes no updates.`;
  const most = state.agent && CLEARANCES.indexOf(state.agent.clearance) < CLEARANCES.indexOf(mission.classification);
  if (most) return 'You are not cleared to write here.';
  return matchMedia('(pointer: coarse)').matches ? '' : 'Ctrl+Enter sends';
}
