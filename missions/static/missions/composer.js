/**
 * The composer: offers only what this agent may send here, keeps the text until HQ has it.
 *
 * A draft belongs to its mission. A refusal stands beside the field and changes nothing of the
 * draft; sending the same content again uses the same `client_id`, so it cannot appear twice.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Frame} Frame
 * @typedef {import('./types.js').Mission} Mission
 * @typedef {import('./types.js').Kind} Kind
 * @typedef {import('./outbox.js').Answer} Answer
 */
import {
  BODY_LENGTH, CLEARANCES, CLEARANCE_NAME, KIND_NAME, ROLES, ROLE_NAME, STATUS_NAME, classificationsBetween,
  isOpen, kindsFor, rolesInWords,
} from './words.js';
import { h, part, put, say } from './dom.js';
import { PlaceFields } from './place.js';

/** @param {HTMLSelectElement} select @param {[string, string][]} options value and words */
export function offer(select, options) {
  const before = select.value;
  put(select, ...options.map(([value, words]) => h('option', { value }, words)));
  select.value = options.some(([value]) => value === before) ? before : (options[0]?.[0] ?? '');
}

/** 32 random hexadecimal digits; also where `randomUUID` is missing. */
function newClientId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

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
  #place = new PlaceFields((problem) => this.#refuse(problem));
  /** @type {Map<string, string>} */ #drafts = new Map();
  /** @type {{content: string, id: string} | null} */ #tried = null;
  /** @type {string | null} */ #mission = null;
  #offered = '';
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
    this.text.addEventListener('input', () => this.#refuse(this.#tooLong()));
    this.#kind.addEventListener('change', () => this.#kindChanged());
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
    if (agent && mission) {
      const sign = [agent.role, agent.clearance, mission.id, mission.classification].join();
      if (sign !== this.#offered) {
        this.#offered = sign;
        offer(this.#kind, kindsFor(agent.role).map((kind) => [kind, KIND_NAME[kind]]));
        this.#classification.value = '';
        offer(this.#classification, classificationsBetween(mission.classification, agent.clearance).map(
          (one) => [one, CLEARANCE_NAME[one]]));
        this.#kindChanged();
      }
    }
    const open = Boolean(agent && mission && isOpen(mission.status));
    const live = state.link.state === 'live';
    const busy = this.#busy.has(this.#mission);
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
    const mission = this.#mission;
    if (!mission || this.#send.disabled || this.#busy.has(mission)) return;
    const problem = this.#send.getAttribute('aria-disabled') === 'true'
      ? 'HQ is not connected. Your text is kept; send it when the room is live again.' : this.#check();
    if (problem) {
      this.#refuse(problem);
      this.text.focus();
      return;
    }
    const fields = this.#fields();
    const content = JSON.stringify([mission, fields]);
    const id = this.#tried?.content === content ? this.#tried.id : newClientId();
    this.#tried = { content, id };
    this.#refuse('');
    this.#busy.add(mission);
    const answer = this.#publish(mission, { ...fields, client_id: id });
    const { refusal } = await answer;
    this.#busy.delete(mission);
    if (refusal) {
      if (this.#mission === mission) this.#refuse(refusal.message);
      if (refusal.code !== 'unavailable') this.#tried = null;
      return;
    }
    this.#tried = null;
    this.#drafts.delete(mission);
    if (this.#mission === mission) this.#reset();
  }

  /** Forgets every draft: the agent is signed out. */
  wipe() {
    this.#drafts.clear();
    this.#reset();
  }

  #reset() {
    this.text.value = '';
    for (const box of this.#boxes()) box.checked = false;
    this.#nameAudience();
    this.#place.clear();
    this.#refuse('');
    if (this.#kind.options.length) this.#kind.selectedIndex = 0;
    if (this.#classification.options.length) this.#classification.selectedIndex = 0;
    this.#kindChanged();
  }

  /** @param {string | null} to */
  #change(to) {
    if (this.#mission) this.#drafts.set(this.#mission, this.text.value);
    this.#mission = to;
    this.#reset();
    this.text.value = (to && this.#drafts.get(to)) ?? '';
  }

  #fields() {
    const kind = /** @type {Kind} */ (this.#kind.value);
    const asks = this.#asksAck.checked && !this.#ack.hidden;
    return {
      kind, body: this.text.value, classification: this.#classification.value,
      roles: this.#boxes().filter((box) => box.checked).map((box) => box.value),
      ...(kind === 'position' ? { data: this.#place.data() } : {}),
      ...(asks ? { requires_ack: true, ack_within: this.#within.value ? Number(this.#within.value) : null } : {}),
    };
  }

  #check() {
    if (!this.text.value.trim()) return 'Write something first.';
    return this.#tooLong() || (this.#kind.value === 'position' ? this.#place.problem() : '');
  }

  #tooLong() {
    const over = [...this.text.value].length - BODY_LENGTH;
    return over > 0 ? `A message has 8,000 characters at most. This one has ${over.toLocaleString('en')} too many.` : '';
  }

  /** @param {string} problem a sentence, or nothing */
  #refuse(problem) {
    say(part('message-problem', HTMLElement), problem);
    this.text.toggleAttribute('aria-invalid', false);
    if (problem) this.text.setAttribute('aria-invalid', 'true');
  }

  #kindChanged() {
    const kind = this.#kind.value;
    this.#ack.hidden = kind !== 'order' && kind !== 'alert';
    this.#asksAck.checked = kind === 'order';
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
