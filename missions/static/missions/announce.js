/**
 * Speaks for the log. The log itself is silent (`aria-live="off"`), so that a snapshot or a page of
 * history is not read out and a burst becomes one sentence.
 *
 * @typedef {import('./types.js').Update} Update
 */
import { CLEARANCE_NAME, KIND_NAME, counted } from './words.js';
import { part, say } from './dom.js';

const GATHER = 600;
const MOST = 3;

export class Announcer {
  /** @type {Update[]} */ #calm = [];
  /** @type {Update[]} */ #urgent = [];
  #timer = 0;

  /** A live update of somebody else. @param {Update} update @param {string} mission its codename */
  hear(update, mission) {
    const urgent = update.kind === 'alert' || update.kind === 'order';
    (urgent ? this.#urgent : this.#calm).push(update);
    this.#timer ||= window.setTimeout(() => this.#speak(mission), GATHER);
  }

  /** One sentence, politely. @param {string} sentence */
  tell(sentence) {
    say(part('polite', HTMLElement), sentence);
  }

  /** One sentence, at once. @param {string} sentence */
  warn(sentence) {
    say(part('assertive', HTMLElement), sentence);
  }

  /** Forgets what is not spoken yet: it may no longer be heard. */
  hush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#calm = [];
    this.#urgent = [];
    say(part('polite', HTMLElement), '');
    say(part('assertive', HTMLElement), '');
  }

  /** @param {string} mission */
  #speak(mission) {
    if (this.#urgent.length) say(part('assertive', HTMLElement), inWords(this.#urgent, mission));
    if (this.#calm.length) this.tell(inWords(this.#calm, mission));
    this.#timer = 0;
    this.#calm = [];
    this.#urgent = [];
  }
}

/** @param {Update[]} updates @param {string} mission */
function inWords(updates, mission) {
  if (updates.length > MOST) return `${counted(updates.length, 'new update')} in ${mission}.`;
  return updates.map((one) =>
    `${KIND_NAME[one.kind]}, ${CLEARANCE_NAME[one.classification]}, ${one.author.codename}: ${one.body}`).join('. ');
}
