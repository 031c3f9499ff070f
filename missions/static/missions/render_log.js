/**
 * The log on the page: rows kept in step with the room, the place of the reader kept still.
 *
 * Sticks to the newest only while the reader is there; elsewhere a pill counts what is new. Rows that
 * did not change keep their elements, so focus and selection survive a live update.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Room} Room
 * @typedef {import('./types.js').Receipt} Receipt
 * @typedef {import('./timeline.js').Row} Row
 */
import { counted } from './words.js';
import { dayKey } from './clock.js';
import { h, part, put, say } from './dom.js';
import { icon } from './icons.js';
import { rowNode, signature } from './render_entry.js';
import { rowsOf } from './timeline.js';

const NEAR = 40;

export class LogView {
  log = part('log', HTMLElement);
  /** @type {Map<string, Receipt[] | 'loading'>} */ receipts = new Map();
  filter = '';
  #pill = part('pill', HTMLButtonElement);
  /** @type {Map<string, {node: HTMLElement, sign: string}>} */ #drawn = new Map();
  /** @type {Row[]} */ #rows = [];
  /** @type {string | null} */ #mission = null;
  #atEnd = true;
  #seen = 0;
  #newest = 0;
  /** @type {string | null} */ #epoch = null;
  #earlier = h('p', { class: 'earlier' });
  #earlierSign = '';

  /** @type {string | null} an entry to go to as soon as it is drawn */ #wanted = null;
  #panelFor;

  /**
   * @param {() => void} onEarlier the reader wants what came before
   * @param {() => void} onMove other entries are on screen
   * @param {(update: string) => HTMLElement | null} panelFor what is open in an entry
   */
  constructor(onEarlier, onMove, panelFor) {
    this.#panelFor = panelFor;
    this.log.addEventListener('scroll', () => {
      onMove();
      this.#atEnd = this.#distance() < NEAR;
      if (this.#atEnd) this.#caughtUp();
      if (this.log.scrollTop < 120 && this.#earlierSign === 'more' && !this.#atEnd) onEarlier();
    }, { passive: true });
    this.#earlier.addEventListener('click', (event) => {
      if (event.target instanceof HTMLButtonElement) onEarlier();
    });
    this.#pill.addEventListener('click', () => {
      this.toEnd();
      this.log.focus();
    });
    new ResizeObserver(() => {
      if (this.#atEnd) this.#scrollToEnd();
      onMove();
    }).observe(this.log);
  }

  /** A receipt that came live: into the list, where it is shown. @param {string} update @param {Receipt} receipt */
  receive(update, receipt) {
    const shown = this.receipts.get(update);
    if (!Array.isArray(shown)) return;
    this.receipts.set(update, shown.map((one) => (one.agent.codename === receipt.agent.codename ? receipt : one)));
  }

  toEnd() {
    this.#atEnd = true;
    this.#scrollToEnd();
    this.#caughtUp();
  }

  /** @param {State} state @param {boolean} loadingOlder @returns {Row[]} what is shown now */
  draw(state, loadingOlder) {
    const id = state.selected;
    const asked = id ? state.rooms[id] : undefined;
    const room = asked?.epoch ? asked : undefined; // one that was only asked for holds nothing
    if (id !== this.#mission || !room) this.#clear(id);
    if (!id || !room) return [];
    const first = this.#drawn.size === 0;
    const stick = this.#atEnd && !document.activeElement?.closest('.revise');
    const anchor = stick ? null : this.#anchor();
    this.#newest = room.seq;
    this.#rows = rowsOf(room, this.filter, dayKey);
    const scene = { state, mission: id, receipts: this.receipts, panelFor: this.#panelFor };
    this.#place(this.#rows, scene, this.#before(room, loadingOlder));
    if (stick) {
      this.#scrollToEnd();
      this.#caughtUp();
    } else if (anchor?.node.isConnected) {
      this.log.scrollTop = anchor.node.offsetTop - anchor.from;
    }
    if (first || room.epoch !== this.#epoch) this.#seen = this.#newest;
    this.#epoch = room.epoch;
    this.#count(room, state);
    if (this.#wanted && this.#drawn.has(this.#wanted)) this.#go(this.#wanted);
    return this.#rows;
  }

  /** The rows in the visible part of the log. @returns {Row[]} */
  onScreen() {
    const top = this.log.scrollTop;
    const bottom = top + this.log.clientHeight;
    return this.#rows.filter(({ key }) => {
      const node = this.#drawn.get(key)?.node;
      return node && node.offsetTop < bottom && node.offsetTop + node.offsetHeight > top;
    });
  }

  /** Goes to an entry, now or when its mission is drawn. @param {string} update */
  show(update) {
    this.#wanted = update;
  }

  /** @param {string} key */
  #go(key) {
    this.#wanted = null;
    const node = this.#drawn.get(key)?.node;
    node?.focus({ preventScroll: true });
    node?.scrollIntoView({ block: 'center' });
    this.#atEnd = this.#distance() < NEAR;
  }

  /** Moves the focus by so many entries; from outside, to the last one. @param {number} by */
  step(by) {
    const entries = /** @type {HTMLElement[]} */ ([...this.log.querySelectorAll('.entry')]);
    const here = document.activeElement?.closest('.entry');
    const at = here instanceof HTMLElement ? entries.indexOf(here) : -1;
    const next = entries[at < 0 ? entries.length - 1 : Math.min(entries.length - 1, Math.max(0, at + by))];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: 'nearest' });
  }

  /** @param {string | null} id */
  #clear(id) {
    this.#drawn.clear();
    this.#rows = [];
    this.log.replaceChildren();
    if (id !== this.#mission) {
      this.#atEnd = true;
      this.receipts.clear();
    }
    this.#mission = id;
    this.#pill.hidden = true;
  }

  /** @param {Row[]} rows @param {import('./render_entry.js').Scene} scene @param {HTMLElement} before */
  #place(rows, scene, before) {
    const focused = document.activeElement;
    const entry = focused?.closest('.entry');
    const at = entry ? [...this.log.querySelectorAll('.entry')].indexOf(entry) : -1;
    /** @type {Map<string, {node: HTMLElement, sign: string}>} */
    const drawn = new Map();
    /** @type {Element} */
    let last = before;
    if (this.log.firstElementChild !== before) this.log.prepend(before);
    for (const row of rows) {
      const sign = signature(row, scene);
      const old = this.#drawn.get(row.key);
      const fresh = old && old.sign === sign ? old : { node: rowNode(row, scene), sign };
      if (old && fresh !== old) {
        old.node.replaceWith(fresh.node);
        if (focused && entry === old.node) twin(focused, fresh.node).focus({ preventScroll: true });
      }
      if (last.nextElementSibling !== fresh.node) last.after(fresh.node);
      last = fresh.node;
      drawn.set(row.key, fresh);
    }
    while (last.nextElementSibling) last.nextElementSibling.remove();
    this.#drawn = drawn;
    if (at >= 0 && document.activeElement === document.body) this.#refocus(at);
  }

  /** The focused entry is gone: the next one has the focus, or the log. @param {number} at */
  #refocus(at) {
    const entries = this.log.querySelectorAll('.entry');
    const next = entries[Math.min(at, entries.length - 1)] ?? this.log;
    if (next instanceof HTMLElement) next.focus({ preventScroll: true });
  }

  /** @param {Room} room @param {boolean} loading */
  #before(room, loading) {
    const whole = !room.entries[0] || room.entries[0].seq === 1;
    const sign = loading ? 'loading' : whole ? 'whole' : 'more';
    if (sign !== this.#earlierSign) {
      this.#earlierSign = sign;
      if (sign === 'more') put(this.#earlier, h('button', { class: 'quiet small', type: 'button' }, 'Earlier updates'));
      else say(this.#earlier, loading ? 'Loading earlier updates…' : 'The log starts here.');
    }
    this.#earlier.hidden = whole && room.entries.length === 0 && room.sent.length === 0;
    return this.#earlier;
  }

  /** @param {Room} room @param {State} state */
  #count(room, state) {
    const fresh = this.#atEnd ? 0 : room.entries.filter(
      ({ seq, update }) => seq > this.#seen && update.author.codename !== state.agent?.codename).length;
    this.#pill.hidden = fresh === 0;
    const words = `${fresh} new`;
    if (fresh && this.#pill.textContent !== words) {
      put(this.#pill, icon('down'), words);
      this.#pill.setAttribute('aria-label', `Go to ${counted(fresh, 'new update')}`);
    }
  }

  #caughtUp() {
    this.#seen = this.#newest;
    this.#pill.hidden = true;
  }

  #distance() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight;
  }

  #scrollToEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  #anchor() {
    const top = this.log.scrollTop;
    for (const { node } of this.#drawn.values()) {
      if (node.offsetTop + node.offsetHeight > top) return { node, from: node.offsetTop - top };
    }
    return null;
  }
}

/** What has the focus of an element in a row that was drawn again. @param {Element} focused @param {HTMLElement} node @returns {HTMLElement} */
function twin(focused, node) {
  const act = ['data-revise', 'data-receipts', 'data-ack'].find((name) => focused.hasAttribute(name));
  const same = node.contains(focused) ? focused : act && node.querySelector(`[${act}]`);
  return same instanceof HTMLElement ? same : node;
}
