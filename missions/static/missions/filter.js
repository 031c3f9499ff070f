/**
 * The filter of the log: its field, and the line that says what it hides. It ends with the mission it
 * was typed for, and never hides an alert or order that came since without saying so.
 *
 * @typedef {import('./types.js').State} State
 */
import { counted } from './words.js';
import { hiddenBy } from './timeline.js';
import { part, say } from './dom.js';

export class Filter {
  field = part('filter', HTMLInputElement);
  words = '';
  /** @type {string | null} */ #mission = null;
  /** the newest number when the words were typed */ #since = 0;
  #seq = 0;
  #changed;

  /** @param {() => void} changed other words */
  constructor(changed) {
    this.#changed = changed;
    this.field.addEventListener('input', () => this.#set(this.field.value.trim()));
    part('filter-clear', HTMLButtonElement).addEventListener('click', () => {
      this.clear();
      this.field.focus();
    });
  }

  clear() {
    this.field.value = '';
    this.#set('');
  }

  /** Before the log is drawn. @param {State} state */
  follow({ selected, rooms }) {
    const room = selected ? rooms[selected] : undefined;
    if (selected !== this.#mission) {
      this.#mission = selected;
      this.field.value = this.words = '';
    }
    this.#seq = room?.seq ?? 0;
    part('filtered', HTMLElement).hidden = !this.words || !room;
    if (this.words && room) say(part('filtered-text', HTMLElement), inWords(hiddenBy(room, this.words, this.#since)));
  }

  /** @param {string} words */
  #set(words) {
    if (words === this.words) return;
    this.words = words;
    this.#since = this.#seq;
    this.#changed();
  }
}

/** @param {{hidden: number, urgent: number}} count */
function inWords({ hidden, urgent }) {
  if (hidden === 0) return 'Filtered, nothing hidden.';
  const news = urgent ? `, ${counted(urgent, 'urgent update')} that came since among them` : '';
  return `Filtered, ${hidden} hidden${news}.`;
}
